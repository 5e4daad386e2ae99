//! What the API tells of the cluster, as the scheduler sees it.

use crate::error::{CliError, During};
use drover_model::registry::{NodePool, SchedulerConfiguration};
use drover_model::{Allocation, ClusterView, Deployment, Job, JobKey, Node, NodeId};
use drover_sdk::{Client, Query};
use futures::StreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Nodes that are asked for at the same time.
const MAX_PARALLEL_READS: usize = 8;
/// Nodes that are looked at; more take too long one by one.
const MAX_NODES: usize = 1000;

/// The cluster at about one moment.
pub struct Seen {
    job: Arc<Job>,
    nodes: BTreeMap<NodeId, Arc<Node>>,
    allocs: BTreeMap<NodeId, Vec<Arc<Allocation>>>,
    configuration: Arc<SchedulerConfiguration>,
    pool: Option<Arc<NodePool>>,
    /// Nodes that were left out.
    pub left_out: usize,
}

impl Seen {
    /// Reads everything that matters to a job.
    ///
    /// # Errors
    /// The nodes cannot be read.
    pub async fn read(client: &Client, job: &Job) -> Result<Self, CliError> {
        let stubs = client.nodes(&Query::new()).await.during("Error querying nodes")?.value;
        let left_out = stubs.len().saturating_sub(MAX_NODES);
        let reads = stubs.iter().take(MAX_NODES).map(|stub| async move {
            let node = client.node(&stub.id, &Query::new()).await.during("Error querying node")?.value;
            let every = Query::new().namespace("*");
            let allocs = client.node_allocations(&stub.id, &every).await.during("Error querying node allocations")?;
            Ok::<_, CliError>((node, allocs.value))
        });
        let mut reads = futures::stream::iter(reads).buffer_unordered(MAX_PARALLEL_READS);
        let (mut nodes, mut allocs) = (BTreeMap::new(), BTreeMap::new());
        while let Some(read) = reads.next().await {
            let (node, held) = read?;
            allocs.insert(node.id.clone(), held.into_iter().map(Arc::new).collect());
            nodes.insert(node.id.clone(), Arc::new(node));
        }
        // Those who may not read them get the defaults.
        let configuration = client.scheduler_settings().await.map(|settings| settings.scheduler_config);
        let pool = match job.node_pool.as_str() {
            "" => None,
            name => client.node_pool(name).await.ok().and_then(|pool| serde_json::from_value(pool).ok()),
        };
        Ok(Self {
            job: Arc::new(job.clone()),
            nodes,
            allocs,
            configuration: Arc::new(configuration.unwrap_or_default()),
            pool: pool.map(Arc::new),
            left_out,
        })
    }

    /// A node's name; its id where it is not known.
    pub fn name_of(&self, id: &NodeId) -> String {
        self.nodes.get(id).map_or_else(|| id.to_string(), |node| node.name.clone())
    }
}

impl ClusterView for Seen {
    fn index(&self) -> u64 {
        self.job.modify_index
    }
    fn job(&self, key: &JobKey) -> Option<Arc<Job>> {
        (self.job.key() == *key).then(|| Arc::clone(&self.job))
    }
    fn each_node(&self, visit: &mut dyn FnMut(&Arc<Node>)) {
        self.nodes.values().for_each(visit);
    }
    fn node(&self, id: &NodeId) -> Option<Arc<Node>> {
        self.nodes.get(id).cloned()
    }
    fn allocs_of_job(&self, key: &JobKey) -> Vec<Arc<Allocation>> {
        self.allocs.values().flatten().filter(|alloc| alloc.job_key() == *key).cloned().collect()
    }
    fn allocs_of_node(&self, id: &NodeId) -> Vec<Arc<Allocation>> {
        self.allocs.get(id).cloned().unwrap_or_default()
    }
    fn latest_deployment(&self, _: &JobKey) -> Option<Arc<Deployment>> {
        None
    }
    fn scheduler_configuration(&self) -> Arc<SchedulerConfiguration> {
        Arc::clone(&self.configuration)
    }
    fn node_pool(&self, name: &str) -> Option<Arc<NodePool>> {
        self.pool.clone().filter(|pool| pool.name == name)
    }
}
