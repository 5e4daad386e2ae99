//! `job init`: writes an example job file.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};

const EXAMPLE: &str = r#"# A web server from the machine's own Python, found by its service and checked every two seconds.
job "example" {
  group "web" {
    count = 1

    # Requests that are on their way still find the old instance while its service goes.
    shutdown_delay = "1s"

    network {
      port "http" {}
    }

    service {
      name     = "example"
      port     = "http"
      provider = "nomad"

      check {
        type     = "http"
        path     = "/"
        interval = "2s"
        timeout  = "1s"
      }
    }

    task "server" {
      driver = "raw_exec"

      config {
        command = "/usr/bin/python3"
        args    = ["-m", "http.server", "${NOMAD_PORT_http}"]
      }

      resources {
        cpu    = 50
        memory = 64
      }
    }
  }
}
"#;

/// Writes an example.
#[derive(clap::Args)]
#[command(next_help_heading = "Init Options")]
pub struct JobInit {
    /// Without comments.
    #[arg(long)]
    short: bool,
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for JobInit {
    fn invoke(self, context: &Context) -> Outcome {
        let name = match self.file.as_slice() {
            [] => "example.nomad.hcl",
            [name] => name.as_str(),
            _ => return Err(context.usage("This command takes no arguments or one: <filename>")),
        };
        let without_comments = || EXAMPLE.split_inclusive('\n').filter(|line| !line.trim_start().starts_with('#'));
        let text = if self.short { without_comments().collect() } else { EXAMPLE.to_owned() };
        match std::fs::OpenOptions::new().write(true).create_new(true).open(name) {
            Ok(mut file) => {
                std::io::Write::write_all(&mut file, text.as_bytes())
                    .map_err(|error| CliError::new(format!("Failed to write '{name}': {error}")))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(CliError::new(format!("Job '{name}' already exists")));
            }
            Err(error) => return Err(CliError::new(format!("Failed to write '{name}': {error}"))),
        }
        output::line(&format!("Example job file written to {name}"));
        Ok(0)
    }
}
