//! `alloc checks`: the checks of an allocation's services.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::resolve;
use drover_base::UnixNanos;
use serde_json::Value;

/// Shows checks.
#[derive(clap::Args)]
#[command(next_help_heading = "Checks Specific Options")]
pub struct AllocChecks {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    format: output::Format,
    /// Shows whole ids where several allocations match.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    allocation: Vec<String>,
}

impl Invoke for AllocChecks {
    fn invoke(self, context: &Context) -> Outcome {
        let [typed] = self.allocation.as_slice() else {
            return Err(context.usage("This command takes one argument: <allocation>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::allocation(&client, typed, self.verbose).await?;
            let client = client.in_namespace(&stub.namespace);
            let checks = client.allocation_checks(&stub.id).await.during("Error querying allocation checks")?;
            if self.format.is_set() {
                self.format.print(&checks)?;
                return Ok(0);
            }
            let checks: Vec<&Value> = checks.as_object().map(|checks| checks.values().collect()).unwrap_or_default();
            let mut text = format!("Status of {} Nomad Service Checks", checks.len());
            for check in checks {
                text.push_str(&format!("\n\n{}", Self::describe(check)));
            }
            output::line(&text);
            Ok(0)
        })
    }
}

impl AllocChecks {
    fn describe(check: &Value) -> String {
        let text = |name: &str| check[name].as_str().unwrap_or_default().to_owned();
        let mut pairs = vec![
            ("ID", text("ID")),
            ("Name", text("Check")),
            ("Group", text("Group")),
            ("Task", if text("Task").is_empty() { "(group)".to_owned() } else { text("Task") }),
            ("Service", text("Service")),
            ("Status", text("Status")),
        ];
        if let Some(code) = check["StatusCode"].as_i64().filter(|code| *code != 0) {
            pairs.push(("StatusCode", code.to_string()));
        }
        pairs.push(("Mode", text("Mode")));
        if let Some(seconds) = check["Timestamp"].as_i64().filter(|seconds| *seconds > 0) {
            let time = UnixNanos(seconds.saturating_mul(1_000_000_000));
            pairs.push(("Timestamp", output::stamp(time)));
        }
        pairs.push(("Output", text("Output").trim_end().to_owned()));
        let mut table = String::new();
        let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in pairs {
            table.push_str(&format!("{name:<width$}  =  {value}\n"));
        }
        table.trim_end().to_owned()
    }
}
