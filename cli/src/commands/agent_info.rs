//! `agent-info`: what the agent says of itself.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output;
use crate::registry::{Invoke, Outcome};

/// Shows the agent.
#[derive(clap::Args)]
#[command(next_help_heading = "Agent Info Options")]
pub struct AgentInfo {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
}

impl Invoke for AgentInfo {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let agent = client.agent_self().await.during("Error querying agent info")?;
            if self.format.is_set() {
                self.format.print(&agent)?;
                return Ok(0);
            }
            let mut sections: Vec<_> = agent["stats"].as_object().into_iter().flatten().collect();
            sections.sort_by(|a, b| a.0.cmp(b.0));
            for (name, values) in sections {
                output::line(name);
                let mut values: Vec<_> = values.as_object().into_iter().flatten().collect();
                values.sort_by(|a, b| a.0.cmp(b.0));
                for (key, value) in values {
                    output::line(&format!("  {key} = {}", value.as_str().unwrap_or_default()));
                }
            }
            Ok(0)
        })
    }
}
