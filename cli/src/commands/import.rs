//! `import`: jobs that run become a stack's own, with files as if they had always been there.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{engine_error, explained};
use drover_hcl::Source;
use drover_jobspec::WriteError;
use drover_packs::scaffold;
use drover_stack::Engine;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The file that names what was imported.
const STACK_FILE: &str = "imported.drover.hcl";

/// Writes files for jobs that run.
#[derive(clap::Args)]
#[command(next_help_heading = "Import Options")]
pub struct Import {
    #[command(flatten)]
    engine: EngineArgs,
    /// The stack's folder; it is made where it is not there.
    #[arg(long, value_name = "path", default_value = ".")]
    dir: PathBuf,
    /// Makes a pack of each job, with what people change often as variables, instead of a job file.
    #[arg(long)]
    pack: bool,
    /// Prints the job file of one job and writes nothing.
    #[arg(long)]
    stdout: bool,
    #[arg(hide = true)]
    jobs: Vec<String>,
}

/// A job that is to be imported.
struct Found {
    id: String,
    namespace: String,
    /// Its name in the stack and of its files.
    name: String,
    /// Its file: the text, and the end of its name.
    file: (String, &'static str),
}

impl Invoke for Import {
    fn invoke(self, context: &Context) -> Outcome {
        if self.jobs.is_empty() {
            return Err(context.usage("This command takes the ids of one or more jobs: <job>..."));
        }
        let client = self.engine.connect(context)?;
        let namespace = client.config().namespace.clone().unwrap_or_else(|| "default".to_owned());
        let engine = Engine::new(client);
        let mut found: Vec<Found> = Vec::new();
        for id in &self.jobs {
            found.push(context.block_on(read(&engine, &namespace, id))?);
        }
        if self.stdout {
            found.iter().for_each(|job| output::raw(job.file.0.as_bytes()));
            return Ok(0);
        }
        let mut written = Vec::new();
        let mut blocks = String::new();
        for job in &found {
            if self.pack {
                written.extend(self.write_pack(job)?);
            } else {
                written.push(self.write_job(job)?);
            }
            self.add_block(job, &mut blocks);
        }
        written.push(self.write_blocks(&blocks)?);
        written.iter().for_each(|path| output::line(&format!("wrote {}", path.display())));
        output::line(&format!(
            "\nLook at what taking over would change, which should be nothing: drover plan {}",
            self.dir.display()
        ));
        Ok(0)
    }
}

async fn read(engine: &Engine, namespace: &str, id: &str) -> Result<Found, CliError> {
    let found = engine.job_json(namespace, id).await.map_err(|error| engine_error(&error))?;
    let mut job = found.ok_or_else(|| {
        CliError::new(format!("there is no job {id} in namespace {namespace}"))
            .hint("drover job status; -namespace names another namespace")
    })?;
    if let Some(owner) = job["Meta"]["drover.stack"].as_str() {
        output::error_line(&format!(
            "{id} belongs to the stack {owner}: whoever applies this one takes it away from that"
        ));
    }
    if let Some(meta) = job["Meta"].as_object_mut() {
        meta.retain(|key, _| !key.starts_with("drover."));
    }
    let file = match drover_jobspec::write(&job) {
        Ok(text) => (text, ".nomad.hcl"),
        Err(error @ WriteError::NotExpressible { .. }) => {
            output::error_line(&format!("{id}: {error}; so it is written as JSON"));
            (output::json(&json!({"Job": without_status(job)})) + "\n", ".nomad.json")
        }
        Err(error) => return Err(explained(&error)),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let name: String = id.chars().map(plain).collect();
    Ok(Found { id: id.to_owned(), namespace: namespace.to_owned(), name, file })
}

/// Without what the engine says about the job.
fn without_status(mut job: Value) -> Value {
    const STATUS: [&str; 9] = [
        "CreateIndex",
        "JobModifyIndex",
        "ModifyIndex",
        "Stable",
        "Status",
        "StatusDescription",
        "SubmitTime",
        "Version",
        "VersionTag",
    ];
    if let Some(members) = job.as_object_mut() {
        members.retain(|key, _| !STATUS.contains(&key.as_str()));
    }
    job
}

impl Import {
    fn write_job(&self, job: &Found) -> Result<PathBuf, CliError> {
        let path = self.dir.join("jobs").join(format!("{}{}", job.name, job.file.1));
        create(&path, &job.file.0)?;
        Ok(path)
    }

    fn write_pack(&self, job: &Found) -> Result<Vec<PathBuf>, CliError> {
        let (text, end) = &job.file;
        if *end != ".nomad.hcl" {
            return Err(CliError::new(format!("{} cannot become a pack, as a job file cannot say all of it", job.id)));
        }
        let source = Source::from_bytes(&format!("{}{end}", job.name), text.as_bytes())
            .map_err(|error| CliError::new(error.to_string()))?;
        let files = scaffold::files_from(&job.name, &source).map_err(|error| explained(&error))?;
        let folder = self.dir.join("packs").join(&job.name);
        scaffold::write_files(&files, &folder).map_err(|error| explained(&error))
    }

    fn add_block(&self, job: &Found, blocks: &mut String) {
        let (name, id) = (&job.name, json!(format!("{}/{}", job.namespace, job.id)));
        let address = if self.pack { format!("pack.{name}.job.{}", job.id) } else { format!("job.{name}") };
        let content = if self.pack {
            format!("pack \"{name}\" {{\n  source = \"./packs/{name}\"\n}}")
        } else {
            format!("job \"{name}\" {{\n  file = \"jobs/{name}{}\"\n}}", job.file.1)
        };
        // Writing to a text cannot fail.
        let _ = write!(blocks, "\n{content}\n\nimport {{\n  to = {address}\n  id = {id}\n}}\n");
    }

    /// Adds the blocks to the file of imports; a folder that is no stack yet becomes one.
    fn write_blocks(&self, blocks: &str) -> Result<PathBuf, CliError> {
        let path = self.dir.join(STACK_FILE);
        let mut text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.heading(),
            Err(error) => return Err(failed(&path, &error)),
        };
        text.push_str(blocks);
        std::fs::write(&path, text).map_err(|error| failed(&path, &error))?;
        Ok(path)
    }

    fn heading(&self) -> String {
        let is_stack = std::fs::read_dir(&self.dir)
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().ends_with(".drover.hcl"));
        if is_stack {
            return "# What was there before the stack. The import blocks may go after the first apply.\n".to_owned();
        }
        let folder = self.dir.canonicalize().unwrap_or_else(|_| self.dir.clone());
        let name = folder.file_name().map(|name| name.to_string_lossy().replace(['.', ' '], "-")).unwrap_or_default();
        format!(
            "stack {} {{}}\n\n# What was there before the stack. The import blocks may go after the first apply.\n",
            json!(name)
        )
    }
}

/// Writes a file that is not there yet.
fn create(path: &Path, text: &str) -> Result<(), CliError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    }
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> CliError {
    let error = CliError::new(format!("cannot write {}: {error}", path.display()));
    error.hint("what is there already is not written over; move it away, or import into another folder with -dir")
}
