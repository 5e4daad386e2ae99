//! `/v1/agent/host`: facts for those who look for the cause of a problem.

use crate::context::Context;
use crate::error::Result;
use crate::reply::Reply;
use serde_json::{Map, Value, json};
use std::path::Path;
use tokio::fs;

const BYTES_PER_MIB: u64 = 1024 * 1024;

pub(super) async fn route(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let (resolv, hosts) = tokio::join!(read("/etc/resolv.conf"), read("/etc/hosts"));
    context.json(&json!({
        "OS": system().await,
        "Network": networks(context),
        "ResolvConf": resolv,
        "Hosts": hosts,
        "Environment": *context.state.environment,
        "Disk": disks(context),
    }))
}

/// What cannot be read is not known.
async fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).await.unwrap_or_default()
}

async fn system() -> String {
    let mut words = vec![std::env::consts::ARCH.to_owned()];
    for name in ["hostname", "osrelease", "ostype", "version"] {
        words.push(read(Path::new("/proc/sys/kernel").join(name)).await.trim().to_owned());
    }
    words.join(" ")
}

fn networks(context: &Context) -> Vec<Value> {
    let Some(node) = &context.state.node else { return Vec::new() };
    let networks = &node.node().node_resources.node_networks;
    let addresses = networks.iter().flat_map(|network| &network.addresses);
    addresses.map(|address| json!({ "address": address.address, "type": address.family })).collect()
}

fn disks(context: &Context) -> Map<String, Value> {
    let Some(node) = &context.state.node else { return Map::new() };
    let stats = node.host_stats();
    let disks = stats["DiskStats"].as_array().into_iter().flatten();
    let mebibytes = |bytes: &Value| bytes.as_u64().unwrap_or_default() / BYTES_PER_MIB;
    let facts = |disk: &Value| json!({ "DiskMB": mebibytes(&disk["Size"]), "UsedMB": mebibytes(&disk["Used"]) });
    disks.filter_map(|disk| Some((disk["Mountpoint"].as_str()?.to_owned(), facts(disk)))).collect()
}
