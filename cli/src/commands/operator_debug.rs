//! `operator debug`: what others need to look for the cause of a problem, in one archive.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::jobfile::reason;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_base::Nanos;
use drover_sdk::{Client, Query};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How long one answer may take.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of log that are kept of one agent.
const MAX_LOG_BYTES: usize = 256 * 1024 * 1024;

/// Gathers what is known of a cluster.
#[derive(clap::Args)]
#[command(next_help_heading = "Debug Options")]
pub struct OperatorDebug {
    #[command(flatten)]
    engine: EngineArgs,
    /// How long logs are gathered.
    #[arg(long, value_name = "duration", default_value = "5m")]
    duration: String,
    /// Between two looks at the state.
    #[arg(long, value_name = "interval", default_value = "30s")]
    interval: String,
    /// The least important level of the logs.
    #[arg(long = "log-level", value_name = "level", default_value = "TRACE")]
    log_level: String,
    /// Gathers the events of these topics too, as "Job,Node" or "all".
    #[arg(long = "event-topic", value_name = "topics", default_value = "none")]
    event_topic: String,
    /// Events from this index on.
    #[arg(long = "event-index", value_name = "index", default_value_t = 0)]
    event_index: u64,
    /// Nodes whose logs are gathered: ids or prefixes, or "all".
    #[arg(long = "node-id", value_name = "node1,node2", default_value = "all")]
    node_id: String,
    /// Only nodes of this class.
    #[arg(long = "node-class", value_name = "node-class")]
    node_class: Option<String>,
    /// At most so many nodes; 0: all.
    #[arg(long = "max-nodes", value_name = "count", default_value_t = 10)]
    max_nodes: usize,
    /// Servers whose logs are gathered: names, "leader" or "all".
    #[arg(long = "server-id", value_name = "server1,server2", default_value = "all")]
    server_id: String,
    /// Also from a server that does not lead.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    stale: bool,
    /// A folder instead of an archive.
    #[arg(long, value_name = "path")]
    output: Option<PathBuf>,
    /// Names each file.
    #[arg(long)]
    verbose: bool,
}

/// What is asked once: name of the file, and the route.
const ONCE: &[(&str, &str)] = &[
    ("agent-self.json", "/v1/agent/self"),
    ("agent-host.json", "/v1/agent/host"),
    ("members.json", "/v1/agent/members"),
    ("regions.json", "/v1/regions"),
    ("namespaces.json", "/v1/namespaces"),
    ("status-leader.json", "/v1/status/leader"),
    ("operator-raft.json", "/v1/operator/raft/configuration"),
    ("operator-autopilot.json", "/v1/operator/autopilot/configuration"),
    ("operator-autopilot-health.json", "/v1/operator/autopilot/health"),
    ("operator-scheduler.json", "/v1/operator/scheduler/configuration"),
];

/// What is asked in each interval.
const EACH_TIME: &[(&str, &str)] = &[
    ("allocations.json", "/v1/allocations?namespace=*"),
    ("deployments.json", "/v1/deployments?namespace=*"),
    ("evaluations.json", "/v1/evaluations?namespace=*"),
    ("jobs.json", "/v1/jobs?namespace=*"),
    ("metrics.json", "/v1/metrics"),
    ("node-pools.json", "/v1/node/pools"),
    ("nodes.json", "/v1/nodes"),
    ("scaling-policies.json", "/v1/scaling/policies?namespace=*"),
    ("services.json", "/v1/services?namespace=*"),
    ("volumes-csi.json", "/v1/volumes?type=csi&namespace=*"),
    ("volumes-host.json", "/v1/volumes?type=host&namespace=*"),
];

impl Invoke for OperatorDebug {
    fn invoke(self, context: &Context) -> Outcome {
        let duration = |flag: &str, text: &str| {
            Nanos::parse(text).map(Nanos::as_duration).map_err(|error| context.usage(format!("{flag}: {error}")))
        };
        let (whole, between) = (duration("-duration", &self.duration)?, duration("-interval", &self.interval)?);
        if between > whole {
            let text =
                format!("Error parsing interval: {} must be less than duration: {}", self.interval, self.duration);
            return Err(CliError::new(text));
        }
        let name = format!("{}-debug-{}", context.program.name(), jiff::Timestamp::now().strftime("%Y-%m-%d-%H%M%SZ"));
        let parent = self.output.clone().unwrap_or_else(std::env::temp_dir);
        let folder = Folder { path: parent.join(&name), verbose: self.verbose };
        folder.create(&folder.path)?;
        let client = self.engine.connect(context)?;
        context.block_on(self.gather(&client, &folder, whole, between))?;
        if self.output.is_some() {
            output::line(&format!("Created debug directory: {}", folder.path.display()));
            return Ok(0);
        }
        let archive = format!("{name}.tar.gz");
        pack(&folder.path, &name, &archive)?;
        fs::remove_dir_all(&folder.path).map_err(|error| unwritable(&folder.path, &error))?;
        output::line(&format!("Created debug archive: {archive}"));
        Ok(0)
    }
}

impl OperatorDebug {
    async fn gather(
        &self,
        client: &Client,
        folder: &Folder,
        whole: Duration,
        between: Duration,
    ) -> Result<(), CliError> {
        output::line("Starting debugger...");
        // Without an engine there is nothing to gather.
        client.get::<Value>("/v1/agent/self", &Query::new()).await.during("Error querying agent")?;
        let (servers, nodes) = (self.servers(client).await, self.nodes(client).await);
        output::line(&format!(
            "\n         Servers: ({}) [{}]\n         Clients: ({}) [{}]\n        Interval: {}\n        Duration: {}\n",
            servers.len(),
            servers.join(" "),
            nodes.len(),
            nodes.join(" "),
            self.interval,
            self.duration
        ));
        let cluster = folder.path.join("cluster");
        for (name, route) in ONCE {
            folder.save(&cluster.join(name), &ask(client, route, self.stale).await)?;
        }
        let end = Instant::now() + whole;
        let mut logs = Vec::new();
        for (kind, by, ids) in [("server", "server_id", &servers), ("client", "node_id", &nodes)] {
            for id in ids {
                let query = Query::new().param("log_level", self.log_level.to_lowercase()).param(by, id.as_str());
                let path = folder.path.join(kind).join(id).join("monitor.log");
                logs.push((path, tokio::spawn(log(client.clone(), query, end))));
            }
        }
        let events = self.event_query().map(|query| tokio::spawn(events(client.clone(), query, end)));
        self.look(client, folder, end, between).await?;
        for (path, task) in logs {
            folder.save(&path, &task.await.unwrap_or_default())?;
        }
        if let Some(events) = events {
            folder.save(&folder.path.join("cluster/eventstream.json"), &events.await.unwrap_or_default())?;
        }
        let index = json!({
            "AddressesServers": servers,
            "AddressesClients": nodes,
            "Duration": self.duration,
            "Interval": self.interval,
            "Created": jiff::Timestamp::now().to_string(),
        });
        folder.save(&folder.path.join("index.json"), output::json(&index).as_bytes())
    }

    /// Looks at the state until the end.
    async fn look(&self, client: &Client, folder: &Folder, end: Instant, between: Duration) -> Result<(), CliError> {
        let mut number = 0;
        loop {
            let next = Instant::now() + between.max(Duration::from_millis(100));
            let place = folder.path.join("nomad").join(format!("{number:04}"));
            output::line(&format!("    Capture interval {number:04}"));
            for (name, route) in EACH_TIME {
                folder.save(&place.join(name), &ask(client, route, self.stale).await)?;
            }
            number += 1;
            if next >= end {
                sleep_until(end).await;
                return Ok(());
            }
            sleep_until(next).await;
        }
    }

    fn event_query(&self) -> Option<Query> {
        if matches!(self.event_topic.as_str(), "" | "none") {
            return None;
        }
        let mut query = Query::new().param("index", self.event_index.to_string()).param("namespace", "*");
        for topic in self.event_topic.split(',') {
            query = query.param("topic", if topic == "all" { "*" } else { topic });
        }
        Some(query)
    }

    async fn servers(&self, client: &Client) -> Vec<String> {
        if self.server_id != "all" {
            return self.server_id.split(',').map(str::to_owned).collect();
        }
        let members = client.get::<Value>("/v1/agent/members", &Query::new()).await.map(|answer| answer.value);
        let members = members.unwrap_or_default();
        let names = members["Members"].as_array().into_iter().flatten().filter_map(|member| member["Name"].as_str());
        names.map(str::to_owned).collect()
    }

    async fn nodes(&self, client: &Client) -> Vec<String> {
        let nodes =
            client.get::<Value>("/v1/nodes", &Query::new()).await.map(|answer| answer.value).unwrap_or_default();
        let wanted: Vec<&str> = self.node_id.split(',').collect();
        let fits = |node: &&Value| {
            let id = node["ID"].as_str().unwrap_or_default();
            let is_named = wanted.iter().any(|name| *name == "all" || id.starts_with(name));
            let has_class = self.node_class.as_deref().is_none_or(|class| node["NodeClass"] == class);
            is_named && has_class
        };
        let limit = if self.max_nodes == 0 { usize::MAX } else { self.max_nodes };
        let ids = nodes.as_array().into_iter().flatten().filter(fits).filter_map(|node| node["ID"].as_str());
        ids.take(limit).map(str::to_owned).collect()
    }
}

/// The answer, or why there is none: one route that fails must not cost the rest.
async fn ask(client: &Client, route: &str, stale: bool) -> Vec<u8> {
    let mark = if route.contains('?') { '&' } else { '?' };
    let route = if stale { format!("{route}{mark}stale=true") } else { route.to_owned() };
    match tokio::time::timeout(ANSWER_PATIENCE, client.raw("GET", &route, &[], None)).await {
        Ok(Ok((_, _, body))) => body,
        Ok(Err(error)) => json!({ "error": error.to_string() }).to_string().into_bytes(),
        Err(_elapsed) => json!({ "error": "no answer in time" }).to_string().into_bytes(),
    }
}

async fn log(client: Client, query: Query, end: Instant) -> Vec<u8> {
    let mut kept = Vec::new();
    let Ok(mut frames) = client.monitor(&query).await else { return kept };
    while let Ok(Ok(Some(frame))) = timeout_at(end, frames.next()).await {
        if kept.len() < MAX_LOG_BYTES {
            kept.extend_from_slice(&frame.data);
        }
    }
    kept
}

async fn events(client: Client, query: Query, end: Instant) -> Vec<u8> {
    let mut kept = Vec::new();
    let Ok(mut pieces) = client.stream("/v1/event/stream", &query).await else { return kept };
    while let Ok(Ok(Some(piece))) = timeout_at(end, pieces.next()).await {
        if kept.len() < MAX_LOG_BYTES {
            kept.extend_from_slice(&piece);
        }
    }
    kept
}

struct Folder {
    path: PathBuf,
    verbose: bool,
}

impl Folder {
    fn create(&self, path: &Path) -> Result<(), CliError> {
        fs::create_dir_all(path).map_err(|error| unwritable(path, &error))
    }

    fn save(&self, path: &Path, bytes: &[u8]) -> Result<(), CliError> {
        if let Some(parent) = path.parent() {
            self.create(parent)?;
        }
        if self.verbose {
            output::line(&format!("      {}", path.display()));
        }
        fs::write(path, bytes).map_err(|error| unwritable(path, &error))
    }
}

fn pack(folder: &Path, name: &str, archive: &str) -> Result<(), CliError> {
    let path = Path::new(archive);
    let file = File::create(path).map_err(|error| unwritable(path, &error))?;
    let mut builder = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    let packed = builder.append_dir_all(name, folder).and_then(|()| builder.into_inner()).and_then(GzEncoder::finish);
    packed.and_then(|file| file.sync_all()).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(format!("Failed to write {}: {}", path.display(), reason(error)))
}
