//! Commands and whole states as bytes: a version byte, then MessagePack with field names.

use crate::tables::{GroupScalingEvents, Storage, Table, Tables};
use crate::{Command, Snapshot};
use drover_model::acl::{AclAuthMethod, AclBindingRule, AclPolicy, AclRole, AclToken, OneTimeToken};
use drover_model::csi::{CsiPlugin, CsiVolume};
use drover_model::quota::QuotaSpec;
use drover_model::registry::{
    AutopilotConfiguration, JobSubmission, JobSummary, NamespaceSpec, NodePool, RootKey, SchedulerConfiguration,
    ServiceRegistration, StoredVariable,
};
use drover_model::volume::{HostVolume, VolumeClaim};
use drover_model::{Allocation, Deployment, Evaluation, Job, JobKey, Node, UnixNanos};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Arc;

/// The version of both formats.
pub const FORMAT_VERSION: u8 = 1;

/// The longest archived state that is read, in bytes: a limit against archives that were made to fill memory.
pub const MAX_STATE_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// Why bytes could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// There is nothing.
    #[error("no bytes to decode")]
    Empty,
    /// Written by another version.
    #[error("format version {0} is not supported (this is version {FORMAT_VERSION})")]
    Version(u8),
    /// Could not be compressed, or is not what was compressed.
    #[error("damaged")]
    Compression(#[from] std::io::Error),
    /// Nobody has a state this long.
    #[error("the state is longer than {MAX_STATE_BYTES} bytes")]
    TooLong,
    /// Could not be written.
    #[error("cannot encode")]
    Encode(#[from] rmp_serde::encode::Error),
    /// Could not be read.
    #[error("cannot decode")]
    Decode(#[from] rmp_serde::decode::Error),
}

/// A command as bytes.
///
/// # Errors
/// Those of the encoder.
pub fn encode_command(command: &Command) -> Result<Vec<u8>, CodecError> {
    encode(command)
}

/// A command from bytes.
///
/// # Errors
/// Of another version, or damaged.
pub fn decode_command(bytes: &[u8]) -> Result<Command, CodecError> {
    decode(bytes)
}

/// A whole state as bytes, for [`crate::StateStore::restore`].
///
/// # Errors
/// Those of the encoder.
pub fn encode_state(snapshot: &Snapshot) -> Result<Vec<u8>, CodecError> {
    encode(&Image::of(&snapshot.0))
}

/// What [`encode_state`] wrote, checked and compressed, for [`crate::RestoreState`].
///
/// # Errors
/// Of another version, or damaged.
pub fn compress_state(bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
    decode_tables(bytes)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// The state that [`encode_state`] wrote, as a view of its own.
///
/// # Errors
/// Of another version, or damaged.
pub fn decode_state(bytes: &[u8]) -> Result<Snapshot, CodecError> {
    decode_tables(bytes).map(|tables| Snapshot(Arc::new(tables)))
}

pub(crate) fn decode_compressed_tables(bytes: &[u8]) -> Result<Tables, CodecError> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).take(MAX_STATE_BYTES + 1).read_to_end(&mut plain)?;
    if plain.len() as u64 > MAX_STATE_BYTES {
        return Err(CodecError::TooLong);
    }
    decode_tables(&plain)
}

pub(crate) fn decode_tables(bytes: &[u8]) -> Result<Tables, CodecError> {
    Ok(decode::<Image>(bytes)?.into_tables())
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::with_capacity(1024);
    bytes.push(FORMAT_VERSION);
    rmp_serde::encode::write_named(&mut bytes, value)?;
    Ok(bytes)
}

fn decode<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, CodecError> {
    match bytes {
        [] => Err(CodecError::Empty),
        [FORMAT_VERSION, rest @ ..] => Ok(rmp_serde::from_slice(rest)?),
        [other, ..] => Err(CodecError::Version(*other)),
    }
}

/// An allocation, and where its job stands in the image's pool of jobs.
#[derive(Serialize, Deserialize)]
struct AllocImage {
    job: Option<usize>,
    alloc: Allocation,
}

/// All rows. Secondary indexes are made anew; each job is held once however many allocations share it.
#[derive(Serialize, Deserialize)]
struct Image {
    index: u64,
    table_index: Vec<(Table, u64)>,
    job_pool: Vec<Arc<Job>>,
    jobs: Vec<usize>,
    job_versions: Vec<(JobKey, Vec<usize>)>,
    submissions: Vec<(JobKey, u64, Arc<JobSubmission>)>,
    summaries: Vec<Arc<JobSummary>>,
    nodes: Vec<Arc<Node>>,
    evals: Vec<Arc<Evaluation>>,
    allocs: Vec<AllocImage>,
    deployments: Vec<Arc<Deployment>>,
    services: Vec<Arc<ServiceRegistration>>,
    namespaces: Vec<Arc<NamespaceSpec>>,
    node_pools: Vec<Arc<NodePool>>,
    scheduler_configuration: Arc<SchedulerConfiguration>,
    variables: Vec<Arc<StoredVariable>>,
    scaling_events: Vec<(JobKey, Arc<GroupScalingEvents>)>,
    periodic_launches: Vec<(JobKey, UnixNanos)>,
    root_keys: Vec<Arc<RootKey>>,
    meta: Vec<(String, Arc<str>)>,
    #[serde(default)]
    autopilot_configuration: Arc<AutopilotConfiguration>,
    #[serde(default)]
    acl: AclImage,
    #[serde(default)]
    storage: StorageImage,
    #[serde(default)]
    quotas: Vec<Arc<QuotaSpec>>,
}

/// The rows of access control; images from before there was any have none.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct AclImage {
    bootstrap_index: u64,
    policies: Vec<Arc<AclPolicy>>,
    tokens: Vec<Arc<AclToken>>,
    roles: Vec<Arc<AclRole>>,
    auth_methods: Vec<Arc<AclAuthMethod>>,
    binding_rules: Vec<Arc<AclBindingRule>>,
    one_time_tokens: Vec<Arc<OneTimeToken>>,
}

impl AclImage {
    fn of(tables: &Tables) -> Self {
        Self {
            bootstrap_index: tables.acl_bootstrap_index,
            policies: tables.acl_policies.values().cloned().collect(),
            tokens: tables.acl_tokens.values().cloned().collect(),
            roles: tables.acl_roles.values().cloned().collect(),
            auth_methods: tables.acl_auth_methods.values().cloned().collect(),
            binding_rules: tables.acl_binding_rules.values().cloned().collect(),
            one_time_tokens: tables.one_time_tokens.values().cloned().collect(),
        }
    }

    fn fill(self, tables: &mut Tables) {
        tables.acl_bootstrap_index = self.bootstrap_index;
        self.tokens.into_iter().for_each(|token| tables.insert_acl_token(token));
        tables.acl_policies = self.policies.into_iter().map(|row| (row.name.clone(), row)).collect();
        tables.acl_roles = self.roles.into_iter().map(|row| (row.id.clone(), row)).collect();
        tables.acl_auth_methods = self.auth_methods.into_iter().map(|row| (row.name.clone(), row)).collect();
        tables.acl_binding_rules = self.binding_rules.into_iter().map(|row| (row.id.clone(), row)).collect();
        tables.one_time_tokens =
            self.one_time_tokens.into_iter().map(|row| (row.one_time_secret_id.clone(), row)).collect();
    }
}

/// The rows of volumes; images from before there were any have none.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct StorageImage {
    host_volumes: Vec<Arc<HostVolume>>,
    claims: Vec<Arc<VolumeClaim>>,
    csi_volumes: Vec<Arc<CsiVolume>>,
    csi_plugins: Vec<Arc<CsiPlugin>>,
}

impl StorageImage {
    fn of(tables: &Storage) -> Self {
        Self {
            host_volumes: tables.host_volumes.values().cloned().collect(),
            claims: tables.claims.values().cloned().collect(),
            csi_volumes: tables.csi_volumes.values().cloned().collect(),
            csi_plugins: tables.csi_plugins.values().cloned().collect(),
        }
    }

    fn into_tables(self) -> Storage {
        let csi_volumes = self.csi_volumes.into_iter();
        Storage {
            host_volumes: self.host_volumes.into_iter().map(|row| (row.id.clone(), row)).collect(),
            claims: self.claims.into_iter().map(|row| (row.id.clone(), row)).collect(),
            csi_volumes: csi_volumes.map(|row| ((row.namespace.clone(), row.id.clone()), row)).collect(),
            csi_plugins: self.csi_plugins.into_iter().map(|row| (row.id.clone(), row)).collect(),
        }
    }
}

/// Gives each distinct shared job a number.
#[derive(Default)]
struct JobPool {
    jobs: Vec<Arc<Job>>,
    numbers: HashMap<*const Job, usize>,
}

impl JobPool {
    fn number(&mut self, job: &Arc<Job>) -> usize {
        *self.numbers.entry(Arc::as_ptr(job)).or_insert_with(|| {
            self.jobs.push(job.clone());
            self.jobs.len() - 1
        })
    }
}

impl Image {
    fn of(tables: &Tables) -> Self {
        let mut pool = JobPool::default();
        let jobs = tables.jobs.values().map(|job| pool.number(job)).collect();
        let job_versions = tables
            .job_versions
            .iter()
            .map(|(key, versions)| (key.clone(), versions.iter().map(|job| pool.number(job)).collect()))
            .collect();
        let allocs = tables
            .allocs
            .values()
            .map(|alloc| AllocImage {
                job: alloc.job.as_ref().map(|job| pool.number(job)),
                alloc: Allocation { job: None, ..(**alloc).clone() },
            })
            .collect();
        Self {
            index: tables.index,
            table_index: ALL_TABLES.iter().map(|table| (*table, tables.table_index[*table as usize])).collect(),
            job_pool: pool.jobs,
            jobs,
            job_versions,
            submissions: tables
                .submissions
                .iter()
                .map(|((key, version), row)| (key.clone(), *version, row.clone()))
                .collect(),
            summaries: tables.summaries.values().cloned().collect(),
            nodes: tables.nodes.values().cloned().collect(),
            evals: tables.evals.values().cloned().collect(),
            allocs,
            deployments: tables.deployments.values().cloned().collect(),
            services: tables.services.values().cloned().collect(),
            namespaces: tables.namespaces.values().cloned().collect(),
            node_pools: tables.node_pools.values().cloned().collect(),
            scheduler_configuration: tables.scheduler_configuration.clone(),
            autopilot_configuration: tables.autopilot_configuration.clone(),
            variables: tables.variables.values().cloned().collect(),
            scaling_events: tables.scaling_events.iter().map(|(key, row)| (key.clone(), row.clone())).collect(),
            periodic_launches: tables.periodic_launches.iter().map(|(key, row)| (key.clone(), *row)).collect(),
            root_keys: tables.root_keys.values().cloned().collect(),
            meta: tables.meta.iter().map(|(key, row)| (key.clone(), row.clone())).collect(),
            storage: StorageImage::of(&tables.storage),
            quotas: tables.quotas.values().cloned().collect(),
            acl: AclImage::of(tables),
        }
    }

    fn into_tables(self) -> Tables {
        let mut tables = Tables::empty();
        tables.index = self.index;
        for (table, index) in self.table_index {
            tables.table_index[table as usize] = index;
        }
        let pooled = |number: usize| self.job_pool.get(number).cloned();
        self.jobs.into_iter().filter_map(pooled).for_each(|job| tables.insert_job(job));
        for (key, versions) in self.job_versions {
            tables.job_versions.insert(key, Arc::new(versions.into_iter().filter_map(pooled).collect()));
        }
        for AllocImage { job, mut alloc } in self.allocs {
            alloc.job = job.and_then(pooled);
            tables.insert_alloc(&Arc::new(alloc));
        }
        self.evals.into_iter().for_each(|eval| tables.insert_eval(eval));
        self.deployments.into_iter().for_each(|deployment| tables.insert_deployment(deployment));
        self.services.into_iter().for_each(|service| tables.insert_service(service));
        tables.submissions = self.submissions.into_iter().map(|(key, version, row)| ((key, version), row)).collect();
        tables.summaries = self
            .summaries
            .into_iter()
            .map(|row| (JobKey { namespace: row.namespace.clone(), id: row.job_id.clone() }, row))
            .collect();
        for node in self.nodes {
            tables.nodes.insert(node.id.clone(), node);
        }
        tables.namespaces = self.namespaces.into_iter().map(|row| (row.name.clone(), row)).collect();
        tables.node_pools = self.node_pools.into_iter().map(|row| (row.name.clone(), row)).collect();
        tables.scheduler_configuration = self.scheduler_configuration;
        tables.autopilot_configuration = self.autopilot_configuration;
        tables.variables =
            self.variables.into_iter().map(|row| ((row.namespace.clone(), row.path.clone()), row)).collect();
        tables.scaling_events = self.scaling_events.into_iter().collect();
        tables.periodic_launches = self.periodic_launches.into_iter().collect();
        tables.root_keys = self.root_keys.into_iter().map(|row| (row.key_id.clone(), row)).collect();
        tables.meta = self.meta.into_iter().collect();
        self.acl.fill(&mut tables);
        tables.storage = self.storage.into_tables();
        tables.quotas = self.quotas.into_iter().map(|row| (row.name.clone(), row)).collect();
        tables
    }
}

pub(crate) const ALL_TABLES: [Table; Table::COUNT] = [
    Table::Jobs,
    Table::JobVersions,
    Table::JobSubmissions,
    Table::JobSummaries,
    Table::Nodes,
    Table::Evals,
    Table::Allocs,
    Table::Deployments,
    Table::Services,
    Table::Namespaces,
    Table::NodePools,
    Table::SchedulerConfiguration,
    Table::Variables,
    Table::ScalingPolicies,
    Table::ScalingEvents,
    Table::PeriodicLaunches,
    Table::RootKeys,
    Table::Meta,
    Table::AclPolicies,
    Table::AclTokens,
    Table::AclRoles,
    Table::AclAuthMethods,
    Table::AclBindingRules,
    Table::OneTimeTokens,
    Table::HostVolumes,
    Table::VolumeClaims,
    Table::CsiVolumes,
    Table::CsiPlugins,
    Table::Quotas,
];
