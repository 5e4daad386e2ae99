//! `local status`: whether the local engine runs, and where its things are.

use crate::context::Context;
use crate::engine::local_paths;
use crate::local::Record;
use crate::output;
use crate::registry::{Invoke, Outcome};

/// Shows the local engine.
#[derive(clap::Args)]
pub struct LocalStatus {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Invoke for LocalStatus {
    fn invoke(self, _: &Context) -> Outcome {
        let paths = local_paths()?;
        let record = Record::of_running(&paths);
        if self.json {
            let status = serde_json::json!({
                "running": record.is_some(), "engine": record, "folder": paths.folder, "log": paths.log(),
            });
            output::line(&output::json(&status));
            return Ok(0);
        }
        let (folder, log) = (paths.folder.display().to_string(), paths.log().display().to_string());
        let rows = match &record {
            Some(engine) => vec![
                ("Status", "running".to_owned()),
                ("Address", engine.address.clone()),
                ("Process", engine.pid.to_string()),
                ("Version", engine.version.clone()),
                ("Folder", folder),
                ("Log", log),
            ],
            None => vec![("Status", "not running".to_owned()), ("Folder", folder), ("Log", log)],
        };
        output::line(&output::fields(&rows));
        Ok(0)
    }
}
