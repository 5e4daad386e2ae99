//! A task's environment, and the texts of its job with that environment filled in.

use super::interpolate;
use drover_model::{AllocatedResources, Allocation, Node, PortMapping, Task};
use serde_json::Value;
use std::collections::BTreeMap;

type Vars = BTreeMap<String, String>;

/// The paths of a task as it sees them itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VisiblePaths {
    /// `NOMAD_ALLOC_DIR`.
    pub alloc_dir: String,
    /// `NOMAD_TASK_DIR`.
    pub task_dir: String,
    /// `NOMAD_SECRETS_DIR`.
    pub secrets_dir: String,
}

/// What an environment is made of.
#[derive(Clone, Debug)]
pub struct EnvSource<'a> {
    /// The allocation, with its job.
    pub alloc: &'a Allocation,
    /// The task.
    pub task: &'a Task,
    /// The node.
    pub node: &'a Node,
    /// The region of the node.
    pub region: &'a str,
    /// Where the task finds its directories.
    pub paths: &'a VisiblePaths,
    /// The host's variables; none for tasks in images.
    pub host: Option<&'a [(String, String)]>,
    /// Variables that templates made.
    pub templates: &'a Vars,
}

/// A task's environment.
#[derive(Clone, Debug, Default)]
pub struct TaskEnv {
    vars: Vars,
    /// What only `${…}` can reach: node attributes, and variables whose names had to be cleaned.
    extra: Vars,
}

impl TaskEnv {
    /// Puts the environment together.
    pub fn build(source: &EnvSource<'_>) -> Self {
        let mut extra = node_values(source.node, source.region);
        let nomad = nomad_vars(source, &mut extra);
        let first = Self { vars: nomad, extra };
        let lookup = |key: &str| first.get(key);
        let own = interpolate::replace_in_map(&source.task.env, &lookup);
        let mut vars = Vars::new();
        vars.extend(source.host.unwrap_or_default().iter().cloned());
        vars.extend(first.vars.clone());
        vars.extend(own);
        vars.extend(source.templates.clone());
        Self { vars, extra: first.extra }
    }

    /// The environment of the process.
    pub fn vars(&self) -> &Vars {
        &self.vars
    }
    /// What `${key}` stands for.
    pub fn get(&self, key: &str) -> Option<String> {
        self.extra.get(key).or_else(|| self.vars.get(key)).cloned()
    }
    /// A text with everything filled in.
    pub fn replace(&self, text: &str) -> String {
        interpolate::replace(text, |key| self.get(key)).into_owned()
    }
    /// Texts with everything filled in.
    pub fn replace_all(&self, texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| self.replace(text)).collect()
    }
    /// A driver's configuration with everything filled in.
    pub fn replace_config(&self, config: &drover_model::ConfigMap) -> serde_json::Map<String, Value> {
        let lookup = |key: &str| self.get(key);
        config.iter().map(|(key, value)| (key.clone(), interpolate::replace_in_json(value, &lookup))).collect()
    }
}

/// `node.…`, `attr.…` and `meta.…`.
pub fn node_values(node: &Node, region: &str) -> Vars {
    let mut values = Vars::new();
    for (key, value) in [
        ("node.unique.id", node.id.as_str()),
        ("node.unique.name", &node.name),
        ("node.region", region),
        ("node.datacenter", &node.datacenter),
        ("node.class", &node.node_class),
        ("node.pool", &node.node_pool),
    ] {
        values.insert(key.to_owned(), value.to_owned());
    }
    values.extend(node.attributes.iter().map(|(key, value)| (format!("attr.{key}"), value.clone())));
    values.extend(node.meta.iter().map(|(key, value)| (format!("meta.{key}"), value.clone())));
    values
}

fn nomad_vars(source: &EnvSource<'_>, extra: &mut Vars) -> Vars {
    let EnvSource { alloc, task, node, .. } = source;
    let mut vars = Vars::new();
    let mut set = |key: &str, value: &str| {
        if !value.is_empty() {
            vars.insert(format!("NOMAD_{key}"), value.to_owned());
        }
    };
    set("ALLOC_DIR", &source.paths.alloc_dir);
    set("TASK_DIR", &source.paths.task_dir);
    set("SECRETS_DIR", &source.paths.secrets_dir);
    set("ALLOC_ID", &alloc.id);
    set("SHORT_ALLOC_ID", alloc.id.short());
    set("ALLOC_NAME", &alloc.name);
    set("ALLOC_INDEX", &alloc.index().unwrap_or_default().to_string());
    set("TASK_NAME", &task.name);
    set("GROUP_NAME", &alloc.task_group);
    set("JOB_ID", &alloc.job_id);
    set("NAMESPACE", &alloc.namespace);
    set("DC", &node.datacenter);
    set("REGION", source.region);
    set("PARENT_CGROUP", &node.cgroup_parent);
    if let Some(job) = &alloc.job {
        set("JOB_NAME", &job.name);
        set("JOB_PARENT_ID", &job.parent_id);
    }
    limits(task, alloc.allocated_resources.as_deref(), &mut set);
    vars.extend(meta_vars(source));
    if let Some(resources) = alloc.allocated_resources.as_deref() {
        port_vars(&all_ports(resources, &task.name), &mut vars, extra);
    }
    vars
}

fn limits(task: &Task, resources: Option<&AllocatedResources>, set: &mut impl FnMut(&str, &str)) {
    let Some(own) = resources.and_then(|resources| resources.tasks.get(&task.name)) else { return };
    set("CPU_LIMIT", &own.cpu.cpu_shares.to_string());
    set("MEMORY_LIMIT", &own.memory.memory_mb.to_string());
    if own.memory.memory_max_mb > 0 {
        set("MEMORY_MAX_LIMIT", &own.memory.memory_max_mb.to_string());
    }
    let cores: Vec<_> = own.cpu.reserved_cores.iter().map(u16::to_string).collect();
    set("CPU_CORES", &cores.join(","));
}

/// `NOMAD_META_key` and `NOMAD_META_KEY`; a task's metadata goes before its group's, and that before its job's.
fn meta_vars(source: &EnvSource<'_>) -> Vars {
    let mut meta = Vars::new();
    if let Some(job) = &source.alloc.job {
        meta.extend(job.meta.clone());
    }
    if let Some(group) = source.alloc.group() {
        meta.extend(group.meta.clone());
    }
    meta.extend(source.task.meta.clone());
    let node = node_values(source.node, source.region);
    let mut vars = Vars::new();
    for (key, value) in meta {
        let key = clean_name(&key);
        let value = interpolate::replace(&value, |key| node.get(key).cloned()).into_owned();
        vars.insert(format!("NOMAD_META_{}", key.to_ascii_uppercase()), value.clone());
        vars.insert(format!("NOMAD_META_{key}"), value);
    }
    vars
}

/// The ports of the group and those of the task's own networks.
pub fn all_ports(resources: &AllocatedResources, task: &str) -> Vec<PortMapping> {
    let mut ports = resources.shared.ports.clone();
    let own = resources.tasks.get(task).map(|own| own.networks.as_slice()).unwrap_or_default();
    for network in own {
        for port in network.reserved_ports.iter().chain(&network.dynamic_ports) {
            ports.push(PortMapping {
                label: port.label.clone(),
                value: port.value,
                to: port.to,
                host_ip: network.ip.clone(),
                ignore_collision: port.ignore_collision,
            });
        }
    }
    ports
}

/// The port inside of the task.
pub fn inner_port(port: &PortMapping) -> u16 {
    u16::try_from(port.to).ok().filter(|to| *to > 0).unwrap_or(port.value)
}

/// `IP:PORT`, with brackets around IPv6.
pub fn host_port(ip: &str, port: u16) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

fn port_vars(ports: &[PortMapping], vars: &mut Vars, extra: &mut Vars) {
    for port in ports {
        let address = host_port(&port.host_ip, port.value);
        let inner = inner_port(port).to_string();
        let clean = clean_name(&port.label);
        for (name, value) in
            [("IP", &port.host_ip), ("PORT", &inner), ("ADDR", &address), ("HOST_PORT", &port.value.to_string())]
        {
            vars.insert(format!("NOMAD_{name}_{clean}"), value.clone());
            extra.insert(format!("NOMAD_{name}_{}", port.label), value.clone());
        }
        // The reference leaves the label in these as it is.
        vars.insert(format!("NOMAD_HOST_IP_{}", port.label), port.host_ip.clone());
        vars.insert(format!("NOMAD_HOST_ADDR_{}", port.label), address);
        vars.insert(format!("NOMAD_ALLOC_PORT_{}", port.label), inner);
    }
}

/// A name that shells accept.
fn clean_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::resources::{AllocatedSharedResources, AllocatedTaskResources};
    use drover_model::{Job, TaskGroup};
    use std::sync::Arc;

    fn source_parts() -> (Allocation, Task, Node) {
        let task = Task {
            name: "t".into(),
            env: [
                (
                    "A".to_owned(),
                    "${NOMAD_ALLOC_INDEX} ${attr.kernel.name} ${meta.foo} ${NOMAD_PORT_a-b} ${no}".to_owned(),
                ),
                ("my-var".to_owned(), "1".to_owned()),
            ]
            .into(),
            meta: [("job-x".to_owned(), "t".to_owned()), ("owner".to_owned(), "me".to_owned())].into(),
            ..Task::default()
        };
        let group = TaskGroup { name: "g".into(), tasks: vec![task.clone()], ..TaskGroup::default() };
        let job = Job {
            id: "j".into(),
            name: "j".into(),
            meta: [("owner".to_owned(), "j".to_owned())].into(),
            task_groups: vec![group],
            ..Job::default()
        };
        let port = PortMapping {
            label: "a-b".into(),
            value: 25568,
            to: 8080,
            host_ip: "127.0.0.1".into(),
            ignore_collision: false,
        };
        let resources = AllocatedResources {
            tasks: [("t".to_owned(), AllocatedTaskResources::default())].into(),
            shared: AllocatedSharedResources { ports: vec![port], ..AllocatedSharedResources::default() },
            ..AllocatedResources::default()
        };
        let alloc = Allocation {
            id: "4f619810-f6d8-d0bc-9e47-a8c110773cc5".into(),
            name: "j.g[0]".into(),
            job_id: "j".into(),
            task_group: "g".into(),
            job: Some(Arc::new(job)),
            allocated_resources: Some(Arc::new(resources)),
            ..Allocation::default()
        };
        let node = Node {
            attributes: [("kernel.name".to_owned(), "linux".to_owned())].into(),
            meta: [("foo".to_owned(), "metafoo".to_owned())].into(),
            ..Node::default()
        };
        (alloc, task, node)
    }

    #[test]
    fn the_environment_is_that_of_the_reference() {
        let (alloc, task, node) = source_parts();
        let paths = VisiblePaths { alloc_dir: "/alloc".into(), ..VisiblePaths::default() };
        let host = [("HOME".to_owned(), "/root".to_owned())];
        let env = TaskEnv::build(&EnvSource {
            alloc: &alloc,
            task: &task,
            node: &node,
            region: "global",
            paths: &paths,
            host: Some(&host),
            templates: &Vars::new(),
        });
        let vars = env.vars();
        for (key, value) in [
            ("A", "0 linux metafoo 8080 ${no}"),
            ("my-var", "1"),
            ("HOME", "/root"),
            ("NOMAD_ALLOC_DIR", "/alloc"),
            ("NOMAD_SHORT_ALLOC_ID", "4f619810"),
            ("NOMAD_ADDR_a_b", "127.0.0.1:25568"),
            ("NOMAD_PORT_a_b", "8080"),
            ("NOMAD_HOST_PORT_a_b", "25568"),
            ("NOMAD_HOST_ADDR_a-b", "127.0.0.1:25568"),
            ("NOMAD_META_JOB_X", "t"),
            ("NOMAD_META_job_x", "t"),
            ("NOMAD_META_owner", "me"),
            ("NOMAD_CPU_LIMIT", "0"),
        ] {
            assert_eq!(vars.get(key).map(String::as_str), Some(value), "{key}");
        }
        assert!(!vars.contains_key("NOMAD_PORT_a-b"));
        assert_eq!(env.replace("${node.unique.id}-${NOMAD_TASK_NAME}"), "-t");
    }
}
