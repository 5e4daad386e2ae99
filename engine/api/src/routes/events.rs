//! `/v1/event/stream`: what changes, as it changes; one JSON document per line.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::{Chunks, Reply};
use crate::state::ApiState;
use bytes::Bytes;
use drover_acl::NamespaceCapability;
use drover_model::{Allocation, Namespace};
use drover_server::Access;
use drover_state::{Event, EventBatch, EventPayload, MAX_EVENT_BATCHES, WatchKey};
use futures::StreamExt;
use futures::stream::unfold;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Between signs of life.
const HEARTBEAT: Duration = Duration::from_secs(10);

pub(super) fn stream(context: &Context) -> Result<Reply> {
    context.must_read()?;
    context.check_region()?;
    let from = match context.text("index") {
        Some(text) => text.parse::<u64>().map_err(|_| {
            let reason = format!("strconv.Atoi: parsing {text:?}: invalid syntax");
            ApiError::bad_request(format!("Unable to parse index: {reason}"))
        })?,
        None => 0,
    };
    let filter = Filter::of(context)?;
    // Who may not see it all is told nothing, not even why.
    if !context.access().is_ok_and(|access| filter.may_follow(access)) {
        let chunks = futures::stream::empty().boxed();
        return Ok(Reply::stream("application/json", chunks).uncached());
    }
    let filter = Filter { secret: context.secret().to_owned(), ..filter };
    Ok(Reply::stream("application/json", follow(context.state.clone(), filter, from)).uncached())
}

/// Which events a reader wants.
struct Filter {
    namespace: Namespace,
    /// Topic and key; either may be `*`. Empty: everything.
    topics: Vec<(String, String)>,
    /// What the reader showed.
    secret: String,
}

const ANY: &str = "*";

impl Filter {
    fn of(context: &Context) -> Result<Self> {
        let mut topics = Vec::new();
        for text in context.params("topic") {
            let mut parts = text.split(':');
            let topic = parts.next().unwrap_or_default();
            let key = parts.next().unwrap_or(ANY);
            if parts.next().is_some() {
                let fault = format!("Invalid key value pair for topic, topic: {text}");
                return Err(ApiError::bad_request(format!("Invalid topic query: error parsing topics: {fault}")));
            }
            topics.push((topic.to_owned(), key.to_owned()));
        }
        Ok(Self { namespace: context.namespace(), topics, secret: String::new() })
    }

    /// Whether a reader may see every topic that it asks for.
    fn may_follow(&self, access: &Access) -> bool {
        let acl = &access.acl;
        let in_namespace = |capability| match *self.namespace == *ANY {
            true => acl.allows_everywhere(capability),
            false => acl.allows(&self.namespace, capability),
        };
        let may = |(topic, _): &(String, String)| match topic.as_str() {
            "Job" | "Allocation" | "Evaluation" | "Deployment" | "Service" | "CSIPlugin" => {
                in_namespace(NamespaceCapability::ReadJob)
            }
            "HostVolume" => in_namespace(NamespaceCapability::HostVolumeRead),
            "CSIVolume" => in_namespace(NamespaceCapability::CsiReadVolume),
            "Node" => acl.can_read_node(),
            "Operator" => acl.can_read_operator(),
            // Everything, pools, access control, and what is not known.
            _ => false,
        };
        acl.is_management() || (!self.topics.is_empty() && self.topics.iter().all(may))
    }

    fn wants(&self, event: &Event) -> bool {
        let in_namespace = |namespace: &Namespace| *self.namespace == *ANY || *namespace == self.namespace;
        event.namespace().is_none_or(in_namespace) && (self.topics.is_empty() || self.names(event))
    }

    fn names(&self, event: &Event) -> bool {
        self.topics.iter().any(|(topic, key)| {
            (topic == ANY || topic == event.topic().as_str())
                && (key == ANY || key == event.key() || event.filter_keys().contains(&key.as_str()))
        })
    }
}

struct Follower {
    state: ApiState,
    filter: Filter,
    /// The newest index that was looked at.
    seen: u64,
    ready: VecDeque<Bytes>,
    heartbeat: Interval,
    has_begun: bool,
}

fn follow(state: ApiState, filter: Filter, from: u64) -> Chunks {
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat.reset();
    // Those who ask for the future get the newest events first.
    let newest = state.store().events_after(0).last().map_or(0, |batch| batch.index);
    let seen = from.min(newest).saturating_sub(1);
    let ready = VecDeque::from([Bytes::from_static(b"{}\n")]);
    let follower = Follower { state, filter, seen, ready, heartbeat, has_begun: false };
    unfold(follower, |mut follower| async move {
        let line = follower.next().await?;
        Some((Ok(line), follower))
    })
    .boxed()
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        let mut watch = self.state.store().watch(vec![WatchKey::Events]);
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            let batches = self.state.store().events_after(self.seen);
            if self.has_begun && batches.len() >= MAX_EVENT_BATCHES {
                tracing::warn!("the reader of an event stream is too slow: the stream ends");
                return None;
            }
            self.has_begun = true;
            let changes_rights = batches.iter().flat_map(|batch| &batch.events).any(changes_rights);
            if changes_rights
                && !self.state.server.resolve(&self.filter.secret).is_ok_and(|now| self.filter.may_follow(&now))
            {
                return None;
            }
            for batch in &batches {
                self.take(batch);
            }
            if !self.ready.is_empty() {
                continue;
            }
            let stopped = self.state.stopped();
            tokio::select! {
                () = &mut watch => watch.rearm(),
                _ = self.heartbeat.tick() => return Some(Bytes::from_static(b"{}\n")),
                () = stopped => return None,
            }
        }
    }

    fn take(&mut self, batch: &EventBatch) {
        self.seen = batch.index;
        let wanted: Vec<&Event> = batch.events.iter().filter(|event| self.filter.wants(event)).collect();
        // The reference writes a job and its evaluation one after the other, and tells so.
        let split = wanted.iter().position(|event| !is_registration_of_job(event)).unwrap_or(wanted.len());
        let (jobs, others) = wanted.split_at(split);
        for events in [jobs, others] {
            if !events.is_empty() {
                let events = events.iter().map(|event| Shown { event, index: batch.index }).collect();
                self.ready.extend(line(&Line { index: batch.index, events }));
            }
        }
    }
}

/// Whether what readers may see can be another one after an event.
const fn changes_rights(event: &Event) -> bool {
    matches!(event.payload, EventPayload::AclToken(_) | EventPayload::AclPolicy(_) | EventPayload::AclRole(_))
}

fn is_registration_of_job(event: &Event) -> bool {
    matches!(event.kind, "JobRegistered" | "JobDeregistered") && matches!(event.payload, EventPayload::Job(_))
}

fn line(line: &Line<'_>) -> Option<Bytes> {
    let mut bytes = Vec::with_capacity(1024);
    if let Err(error) = serde_json::to_writer(&mut bytes, line) {
        tracing::error!(%error, "an event cannot be shown");
        return None;
    }
    bytes.push(b'\n');
    Some(Bytes::from(bytes))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    index: u64,
    events: Vec<Shown<'a>>,
}

/// An event on the wire.
struct Shown<'a> {
    event: &'a Event,
    index: u64,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let event = self.event;
        let mut map = serializer.serialize_map(Some(7))?;
        map.serialize_entry("Topic", event.topic().as_str())?;
        map.serialize_entry("Type", event.kind)?;
        map.serialize_entry("Key", event.key())?;
        map.serialize_entry("Namespace", event.namespace().map_or("", |namespace| namespace))?;
        map.serialize_entry("FilterKeys", &filter_keys(&event.payload))?;
        map.serialize_entry("Index", &self.index)?;
        map.serialize_entry("Payload", &Payload(event))?;
        map.end()
    }
}

/// The keys as they are shown; empty ones count.
fn filter_keys(payload: &EventPayload) -> Option<Vec<&str>> {
    match payload {
        EventPayload::Evaluation(eval) => Some(vec![&eval.job_id, &eval.deployment_id]),
        EventPayload::Allocation(alloc) => Some(vec![&alloc.job_id, &alloc.deployment_id]),
        EventPayload::Deployment(deployment) => Some(vec![&deployment.job_id]),
        EventPayload::Service(service) => Some(vec![&service.job_id, &service.service_name]),
        EventPayload::HostVolume(volume) => Some(vec![&volume.id, &volume.name, &volume.plugin_id]),
        EventPayload::CsiVolume(volume) => Some(vec![&volume.id, &volume.name, &volume.plugin_id]),
        EventPayload::CsiPlugin(plugin) => Some(vec![&plugin.id]),
        EventPayload::AclRole(role) => Some(vec![&role.name]),
        EventPayload::AclBindingRule(rule) => Some(vec![&rule.auth_method]),
        // Jobs, nodes, pools and what else there is of access control have none.
        _ => None,
    }
}

struct Payload<'a>(&'a Event);

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.0.payload {
            EventPayload::Job(job) => {
                map.serialize_entry("Job", job)?;
                // A job that is merely stopped is still there.
                map.serialize_entry("Deleted", &(self.0.kind == "JobDeregistered" && !job.stop))?;
            }
            EventPayload::Allocation(alloc) => {
                if alloc.job.is_some() {
                    let without_job = Allocation { job: None, ..(**alloc).clone() };
                    map.serialize_entry("Allocation", &without_job)?;
                } else {
                    map.serialize_entry("Allocation", alloc)?;
                }
                map.serialize_entry("Timeout", &false)?;
                map.serialize_entry("TimeoutReason", "")?;
            }
            EventPayload::Evaluation(eval) => map.serialize_entry("Evaluation", eval)?,
            EventPayload::Deployment(deployment) => map.serialize_entry("Deployment", deployment)?,
            EventPayload::Node(node) => {
                let public = drover_model::Node { secret_id: String::new(), ..(**node).clone() };
                map.serialize_entry("Node", &public)?;
            }
            EventPayload::NodePool(pool) => map.serialize_entry("NodePool", pool)?,
            EventPayload::Service(service) => map.serialize_entry("Service", service)?,
            EventPayload::AclToken(token) => {
                let public = drover_model::AclToken { secret_id: String::new(), ..(**token).clone() };
                map.serialize_entry("ACLToken", &public)?;
            }
            EventPayload::AclPolicy(policy) => {
                map.serialize_entry("ACLPolicy", &super::acl::PolicyDocument::new(policy))?;
            }
            EventPayload::AclRole(role) => map.serialize_entry("ACLRole", role)?,
            EventPayload::AclAuthMethod(method) => map.serialize_entry("AuthMethod", method)?,
            EventPayload::AclBindingRule(rule) => map.serialize_entry("ACLBindingRule", rule)?,
            EventPayload::HostVolume(volume) => {
                map.serialize_entry("Volume", &super::volumes::host_document(volume))?;
            }
            EventPayload::CsiVolume(volume) => map.serialize_entry("Volume", &super::csi::shown(volume))?,
            EventPayload::CsiPlugin(plugin) => map.serialize_entry("Plugin", &super::csi::plugin_document(plugin))?,
        }
        map.end()
    }
}
