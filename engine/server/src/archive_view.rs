//! What is in an archived state, for people who look at it away from any server.

use crate::archive::Meta;
use drover_state::census::{Count, census};
use drover_state::{Snapshot, Table, codec};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Counts by kind.
///
/// # Errors
/// The state is damaged or of another version.
pub fn counts(state: &[u8]) -> Result<Vec<Count>, codec::CodecError> {
    Ok(census(&codec::decode_state(state)?))
}

/// Tables with an index, by the names that operators know.
const INDEXES: &[(&str, Table)] = &[
    ("allocs", Table::Allocs),
    ("deployment", Table::Deployments),
    ("evals", Table::Evals),
    ("job_submission", Table::JobSubmissions),
    ("job_summary", Table::JobSummaries),
    ("job_version", Table::JobVersions),
    ("jobs", Table::Jobs),
    ("namespaces", Table::Namespaces),
    ("node_pools", Table::NodePools),
    ("nodes", Table::Nodes),
    ("periodic_launch", Table::PeriodicLaunches),
    ("root_keys", Table::RootKeys),
    ("scaling_event", Table::ScalingEvents),
    ("scaling_policy", Table::ScalingPolicies),
    ("scheduler_config", Table::SchedulerConfiguration),
    ("service_registrations", Table::Services),
    ("variables", Table::Variables),
];

/// The whole state as one document; what is sealed stays sealed, and secrets of tokens are left out.
///
/// # Errors
/// The state is damaged or of another version.
pub fn document(meta: Option<&Meta>, state: &[u8]) -> Result<Value, codec::CodecError> {
    let snapshot = codec::decode_state(state)?;
    Ok(of_snapshot(meta, &snapshot))
}

fn of_snapshot(meta: Option<&Meta>, snapshot: &Snapshot) -> Value {
    let mut document = Map::new();
    let mut put = |name: &str, rows: Vec<Value>| document.insert(name.to_owned(), Value::Array(rows));
    put("ACLPolicies", rows(snapshot.acl_policies("")));
    put("ACLTokens", snapshot.acl_tokens("").map(|token| without_secret(&**token)).collect());
    put("Allocs", rows(snapshot.allocs()));
    put("CSIPlugins", snapshot.csi_plugins().map(|plugin| value(&plugin)).collect());
    put("CSIVolumes", rows(snapshot.csi_volumes()));
    put("Deployments", rows(snapshot.deployments()));
    put("Evals", rows(snapshot.evals()));
    put("Indexes", indexes(snapshot));
    put(
        "JobSummaries",
        snapshot.jobs().filter_map(|job| snapshot.job_summary(&job.key()).map(|row| value(&**row))).collect(),
    );
    let versions = snapshot
        .jobs()
        .flat_map(|job| snapshot.job_versions(&job.key()).iter().map(|row| value(&**row)).collect::<Vec<_>>());
    put("JobVersions", versions.collect());
    put("Jobs", rows(snapshot.jobs()));
    put("Nodes", snapshot.nodes().map(|node| without_secret(&**node)).collect());
    let launches = snapshot.jobs().filter_map(|job| {
        let launch = snapshot.periodic_launch(&job.key())?;
        Some(json!({ "ID": job.id, "Namespace": job.namespace, "Launch": launch.timestamp().to_string() }))
    });
    put("PeriodicLaunches", launches.collect());
    put("RootKeys", snapshot.root_keys().map(|key| root_key(key)).collect());
    put("SnapshotMeta", meta.map(value).into_iter().collect());
    put(
        "Variables",
        snapshot
            .variables()
            .map(|variable| {
                json!({
                    "Namespace": variable.namespace,
                    "Path": variable.path,
                    "CreateIndex": variable.create_index,
                    "ModifyIndex": variable.modify_index,
                    "KeyID": variable.key_id,
                })
            })
            .collect(),
    );
    Value::Object(document)
}

fn rows<'a, T: Serialize + 'a>(rows: impl Iterator<Item = &'a Arc<T>>) -> Vec<Value> {
    rows.map(|row| value(&**row)).collect()
}

/// What cannot be written is shown as nothing.
fn value<T: Serialize>(row: &T) -> Value {
    serde_json::to_value(row).unwrap_or_default()
}

fn without_secret<T: Serialize>(row: &T) -> Value {
    let mut value = value(row);
    if let Some(secret) = value.get_mut("SecretID") {
        *secret = Value::String("(sensitive)".to_owned());
    }
    value
}

fn root_key(key: &drover_model::registry::RootKey) -> Value {
    json!({
        "KeyID": key.key_id,
        "Algorithm": key.algorithm,
        "CreateTime": key.create_time,
        "CreateIndex": key.create_index,
        "ModifyIndex": key.modify_index,
        "State": key.state.as_str(),
        "PublishTime": key.publish_time,
    })
}

fn indexes(snapshot: &Snapshot) -> Vec<Value> {
    let known = INDEXES.iter().map(|(name, table)| (*name, snapshot.table_index(*table)));
    known.filter(|(_, index)| *index > 0).map(|(name, index)| json!({ "Key": name, "Value": index })).collect()
}
