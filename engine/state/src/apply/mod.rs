//! Applying commands: a transaction over a copy of the tables, published when all of it went well.

mod acl;
mod allocs;
mod deployments;
mod evals;
mod jobs;
mod nodes;
mod placement;
mod registry;
mod restore;
mod storage;
mod summary;
mod variables;

use crate::event::newest_of_each;
use crate::tables::Tables;
use crate::{Applied, Command, Event, EventPayload, StateError, Table, WatchKey};
use drover_model::{DeploymentId, JobKey};
use std::collections::{BTreeMap, BTreeSet};

type Done = Result<Applied, StateError>;

/// A command under way.
pub(crate) struct Txn {
    t: Tables,
    index: u64,
    /// The type of the events that it makes.
    kind: &'static str,
    events: Vec<Event>,
    touched: Vec<WatchKey>,
    touched_tables: BTreeSet<Table>,
    /// Jobs whose status is to be computed anew; `true`: something of them was removed.
    dirty_jobs: BTreeMap<JobKey, bool>,
    dirty_deployments: BTreeSet<DeploymentId>,
    /// Whether the whole state was replaced.
    restored: bool,
    /// Untagged versions of jobs that are kept, if the command says so.
    keep_versions: Option<usize>,
}

/// What a transaction leaves.
pub(crate) struct Finished {
    /// Whether the whole state was replaced.
    pub restored: bool,
    pub tables: Tables,
    pub events: Vec<Event>,
    pub touched: Vec<WatchKey>,
}

impl Txn {
    pub(crate) fn new(tables: Tables, index: u64) -> Self {
        Self {
            t: tables,
            index,
            kind: "",
            events: Vec::new(),
            touched: Vec::new(),
            touched_tables: BTreeSet::new(),
            dirty_jobs: BTreeMap::new(),
            dirty_deployments: BTreeSet::new(),
            restored: false,
            keep_versions: None,
        }
    }

    pub(crate) fn finish(mut self) -> Finished {
        self.t.index = self.index;
        if !self.events.is_empty() {
            self.touched.push(WatchKey::Events);
        }
        for table in self.touched_tables {
            self.t.table_index[table as usize] = self.index;
            self.touched.push(WatchKey::Table(table));
        }
        let events = newest_of_each(self.events);
        Finished { restored: self.restored, tables: self.t, events, touched: self.touched }
    }

    /// Applies a command and settles what follows from it.
    pub(crate) fn run(&mut self, command: &Command) -> Done {
        if let Command::Batch(commands) = command {
            return commands.iter().map(|command| self.run(command)).collect::<Result<_, _>>().map(Applied::Batch);
        }
        self.kind = event_kind(command);
        let applied = self.dispatch(command)?;
        self.settle();
        Ok(applied)
    }

    fn dispatch(&mut self, command: &Command) -> Done {
        match command {
            Command::Noop => Ok(Applied::Done),
            Command::Batch(_) => unreachable!("run takes batches apart"),
            Command::RegisterJob(request) => self.register_job(request),
            Command::DeregisterJob(request) => self.deregister_jobs(std::slice::from_ref(request)),
            Command::DeregisterJobs(requests) => self.deregister_jobs(requests),
            Command::UpsertEvals(evals) => self.upsert_evals(evals),
            Command::DeleteEvals(request) => self.delete_evals(&request.evals, &request.allocs),
            Command::UpsertNode(request) => self.upsert_node(request),
            Command::UpdateNodeStatus(request) => self.update_node_status(request),
            Command::UpdateNodeEligibility(request) => self.update_node_eligibility(request),
            Command::UpdateNodeDrain(request) => self.update_node_drain(request),
            Command::AddNodeEvents(events) => self.add_node_events(events),
            Command::DeregisterNode(request) => self.deregister_nodes(&request.node_ids, &request.evals),
            Command::ApplyPlacement(request) => self.apply_placement(request),
            Command::UpdateAllocsFromClient(request) => self.update_allocs_from_client(request),
            Command::UpdateAllocDesiredTransition(request) => self.update_desired_transition(request),
            Command::UpdateDeploymentStatus(request) => self.update_deployment_status(request),
            Command::DeploymentPromote(request) => self.promote_deployment(request),
            Command::DeploymentAllocHealth(request) => self.set_alloc_health(request),
            Command::DeleteDeployments(ids) => self.delete_deployments(ids),
            Command::UpdateJobStability(request) => self.update_job_stability(request),
            Command::JobVersionTag(request) => self.tag_job_version(request),
            Command::AddScalingEvent(request) => self.add_scaling_event(request),
            Command::UpsertPeriodicLaunch(launch) => self.upsert_periodic_launch(launch),
            Command::UpsertServices(services) => self.upsert_services(services),
            Command::DeleteServices(which) => self.delete_services(which),
            Command::UpsertNamespaces(namespaces) => self.upsert_namespaces(namespaces),
            Command::DeleteNamespaces(names) => self.delete_namespaces(names),
            Command::UpsertNodePools(pools) => self.upsert_node_pools(pools),
            Command::DeleteNodePools(names) => self.delete_node_pools(names),
            Command::SetSchedulerConfiguration(request) => self.set_scheduler_configuration(request),
            Command::UpsertVariable(request) => self.upsert_variable(request),
            Command::DeleteVariable(request) => self.delete_variable(request),
            Command::UpsertRootKey(key) => self.upsert_root_key(key),
            Command::DeleteRootKey(id) => self.delete_root_key(id),
            Command::SetNodeSigningKey(request) => self.set_node_signing_key(request),
            Command::RekeyVariables(rekeyed) => self.rekey_variables(rekeyed),
            Command::LockVariable(request) => self.lock_variable(request),
            Command::SetAutopilotConfiguration(request) => self.set_autopilot_configuration(request),
            Command::RestoreState(request) => self.restore_state(request),
            Command::PutMeta(request) => self.put_meta(request),
            Command::Storage(command) => self.change_storage(command),
            Command::UpsertQuotas(quotas) => self.upsert_quotas(quotas),
            Command::DeleteQuotas(names) => self.delete_quotas(names),
            Command::Reap(request) => self.reap(request),
            Command::ReconcileSummaries => self.reconcile_summaries(),
            Command::BootstrapAcl(request) => self.bootstrap_acl(request),
            Command::UpsertAclPolicies(policies) => self.upsert_acl_policies(policies),
            Command::DeleteAclPolicies(names) => self.delete_acl_policies(names),
            Command::UpsertAclTokens(tokens) => self.upsert_acl_tokens(tokens),
            Command::DeleteAclTokens(accessors) => self.delete_acl_tokens(accessors),
            Command::UpsertAclRoles(roles) => self.upsert_acl_roles(roles),
            Command::DeleteAclRoles(ids) => self.delete_acl_roles(ids),
            Command::UpsertAclAuthMethods(methods) => self.upsert_acl_auth_methods(methods),
            Command::DeleteAclAuthMethods(names) => self.delete_acl_auth_methods(names),
            Command::UpsertAclBindingRules(rules) => self.upsert_acl_binding_rules(rules),
            Command::DeleteAclBindingRules(ids) => self.delete_acl_binding_rules(ids),
            Command::UpsertOneTimeToken(token) => self.upsert_one_time_token(token),
            Command::DeleteOneTimeTokens(secrets) => self.delete_one_time_tokens(secrets),
            Command::ExpireOneTimeTokens(now) => self.expire_one_time_tokens(*now),
        }
    }

    /// Computes what is derived from the changed rows.
    fn settle(&mut self) {
        for (key, removed) in std::mem::take(&mut self.dirty_jobs) {
            self.settle_job_status(&key, removed);
        }
        for id in std::mem::take(&mut self.dirty_deployments) {
            if let Some(deployment) = self.t.deployments.get(&id) {
                let payload = EventPayload::Deployment(deployment.clone());
                self.emit(payload);
            }
        }
    }

    fn emit(&mut self, payload: EventPayload) {
        self.events.push(Event { kind: self.kind, payload });
    }

    fn touch(&mut self, table: Table) {
        self.touched_tables.insert(table);
    }

    /// A plan changes thousands of allocations of one job in a row: it is noted once.
    fn touch_job(&mut self, key: &JobKey) {
        if !matches!(self.touched.last(), Some(WatchKey::Job(last)) if last == key) {
            self.touched.push(WatchKey::Job(key.clone()));
        }
    }
}

/// What is woken by `events`.
pub(crate) fn watch_keys(events: &[Event]) -> Vec<WatchKey> {
    let mut keys = Vec::with_capacity(events.len() * 3);
    for event in events {
        match &event.payload {
            EventPayload::Job(job) => keys.push(WatchKey::Job(job.key())),
            EventPayload::Evaluation(eval) => {
                keys.push(WatchKey::Eval(eval.id.clone()));
                keys.push(WatchKey::JobEvals(eval.job_key()));
            }
            EventPayload::Allocation(alloc) => {
                keys.push(WatchKey::Alloc(alloc.id.clone()));
                keys.push(WatchKey::NodeAllocs(alloc.node_id.clone()));
                keys.push(WatchKey::JobAllocs(alloc.job_key()));
            }
            EventPayload::Deployment(deployment) => {
                keys.push(WatchKey::Deployment(deployment.id.clone()));
                keys.push(WatchKey::JobDeployments(deployment.job_key()));
            }
            EventPayload::Node(node) => keys.push(WatchKey::Node(node.id.clone())),
            EventPayload::Service(service) => {
                keys.push(WatchKey::Service(service.namespace.clone(), service.service_name.clone()));
            }
            EventPayload::HostVolume(_)
            | EventPayload::CsiVolume(_)
            | EventPayload::CsiPlugin(_)
            | EventPayload::NodePool(_)
            | EventPayload::AclToken(_)
            | EventPayload::AclPolicy(_)
            | EventPayload::AclRole(_)
            | EventPayload::AclAuthMethod(_)
            | EventPayload::AclBindingRule(_) => {}
        }
    }
    keys
}

/// The type of a command's events, as the wire has it.
const fn event_kind(command: &Command) -> &'static str {
    match command {
        Command::RegisterJob(_) => "JobRegistered",
        Command::DeregisterJob(_) => "JobDeregistered",
        Command::DeregisterJobs(_) => "JobBatchDeregistered",
        Command::UpsertEvals(_) => "EvaluationUpdated",
        Command::UpsertNode(_) => "NodeRegistration",
        Command::DeregisterNode(_) => "NodeDeregistration",
        Command::UpdateNodeEligibility(_) => "NodeEligibility",
        Command::UpdateNodeDrain(_) => "NodeDrain",
        Command::UpdateNodeStatus(_) | Command::AddNodeEvents(_) => "NodeEvent",
        Command::ApplyPlacement(_) => "PlanResult",
        Command::UpdateAllocsFromClient(_) => "AllocationUpdated",
        Command::UpdateAllocDesiredTransition(_) => "AllocationUpdateDesiredStatus",
        Command::UpdateDeploymentStatus(_) => "DeploymentStatusUpdate",
        Command::DeploymentPromote(_) => "DeploymentPromotion",
        Command::DeploymentAllocHealth(_) => "DeploymentAllocHealth",
        Command::UpsertServices(_) => "ServiceRegistration",
        Command::DeleteServices(_) => "ServiceDeregistration",
        Command::UpsertNodePools(_) => "NodePoolUpserted",
        Command::Storage(command) => storage::event_kind(command),
        Command::DeleteNodePools(_) => "NodePoolDeleted",
        Command::BootstrapAcl(_) | Command::UpsertAclTokens(_) => "ACLTokenUpserted",
        Command::DeleteAclTokens(_) => "ACLTokenDeleted",
        Command::UpsertAclPolicies(_) => "ACLPolicyUpserted",
        Command::DeleteAclPolicies(_) => "ACLPolicyDeleted",
        Command::UpsertAclRoles(_) => "ACLRoleUpserted",
        Command::DeleteAclRoles(_) => "ACLRoleDeleted",
        Command::UpsertAclAuthMethods(_) => "ACLAuthMethodUpserted",
        Command::DeleteAclAuthMethods(_) => "ACLAuthMethodDeleted",
        Command::UpsertAclBindingRules(_) => "ACLBindingRuleUpserted",
        Command::DeleteAclBindingRules(_) => "ACLBindingRuleDeleted",
        _ => "",
    }
}
