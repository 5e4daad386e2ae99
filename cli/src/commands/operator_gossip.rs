//! `operator gossip keyring …`: the keys that servers talk to each other under.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_sdk::{Error, Method, Query};
use serde_json::{Value, json};

/// Lists the keys.
#[derive(clap::Args)]
pub struct List {
    #[command(flatten)]
    engine: ServerArgs,
}

impl Invoke for List {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        output::line("Gathering installed encryption keys...");
        context.block_on(async {
            let answer = client.get::<Value>("/v1/agent/keyring/list", &Query::new()).await;
            let answer = answer.during("error")?.value;
            let mut table = Table::new(&["Key"]);
            for key in answer["Keys"].as_object().into_iter().flat_map(|keys| keys.keys()) {
                table.row([key.clone()]);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}

/// A command about one key.
#[derive(clap::Args)]
struct OneKey {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    key: Vec<String>,
}

impl OneKey {
    fn change(&self, context: &Context, action: &str, saying: &str, said: &str) -> Outcome {
        let [key] = self.key.as_slice() else {
            return Err(context.usage("This command requires one argument: <key>"));
        };
        let client = self.engine.connect(context)?;
        output::line(saying);
        context.block_on(async {
            let path = format!("/v1/agent/keyring/{action}");
            let body = json!({ "Key": key });
            let sent: Result<Value, Error> = client.send(Method::Put, &path, &Query::new(), Some(&body)).await;
            sent.during("error")?;
            output::line(said);
            Ok(0)
        })
    }
}

/// Adds a key.
#[derive(clap::Args)]
pub struct Install {
    #[command(flatten)]
    key: OneKey,
}

impl Invoke for Install {
    fn invoke(self, context: &Context) -> Outcome {
        let said = "Successfully installed key!";
        self.key.change(context, "install", "Installing new gossip encryption key...", said)
    }
}

/// Makes a key the one that is used.
#[derive(clap::Args)]
pub struct UseKey {
    #[command(flatten)]
    key: OneKey,
}

impl Invoke for UseKey {
    fn invoke(self, context: &Context) -> Outcome {
        let said = "Successfully changed primary key!";
        self.key.change(context, "use", "Changing primary gossip encryption key...", said)
    }
}

/// Removes a key.
#[derive(clap::Args)]
pub struct Remove {
    #[command(flatten)]
    key: OneKey,
}

impl Invoke for Remove {
    fn invoke(self, context: &Context) -> Outcome {
        self.key.change(context, "remove", "Removing gossip encryption key...", "Successfully removed key!")
    }
}
