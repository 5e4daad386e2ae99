//! `operator metrics`: what the agent measures.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;
use serde_json::Value;

/// Shows measurements.
#[derive(clap::Args)]
#[command(next_help_heading = "Metrics Specific Options")]
pub struct OperatorMetrics {
    #[command(flatten)]
    engine: ServerArgs,
    /// Indented.
    #[arg(long)]
    pretty: bool,
    /// "prometheus" instead of JSON.
    #[arg(long, value_name = "format")]
    format: Option<String>,
    #[command(flatten)]
    form: output::Format,
}

impl Invoke for OperatorMetrics {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            if let Some(format) = self.format.as_deref().filter(|format| *format != "json") {
                let query = Query::new().param("format", format);
                let mut bytes = client.stream("/v1/metrics", &query).await.during("Error querying metrics")?;
                while let Some(piece) = bytes.next().await.during("Error querying metrics")? {
                    output::raw(&piece);
                }
                return Ok(0);
            }
            let metrics =
                client.get::<Value>("/v1/metrics", &Query::new()).await.during("Error querying metrics")?.value;
            if self.form.is_set() {
                self.form.print(&metrics)?;
            } else if self.pretty {
                output::line(&output::json(&metrics));
            } else {
                output::line(&metrics.to_string());
            }
            Ok(0)
        })
    }
}
