//! The rules of one policy, checked.

use crate::capability::{
    Capability, DENY, HostVolumeCapability, NamespaceCapability, NodePoolCapability, OperatorCapability,
    VariableCapability,
};
use crate::syntax::{self, Item, SyntaxError, Value};
use serde::Serialize;
use std::collections::BTreeSet;

/// The rules of a policy. Its serde form is `RulesJSON` of the API: shorthands are expanded, and stand behind what
/// was listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    /// On agents.
    pub agent: Option<CoarseRule>,
    /// Always null: rules with unknown keys are refused.
    #[serde(rename = "ExtraKeysHCL")]
    extra_keys: Option<()>,
    /// On host volumes of nodes' configurations.
    pub host_volumes: Option<Vec<CapabilityRule>>,
    /// On namespaces.
    pub namespaces: Option<Vec<NamespaceRule>>,
    /// On nodes.
    pub node: Option<CoarseRule>,
    /// On pools.
    pub node_pools: Option<Vec<CapabilityRule>>,
    /// For operators.
    pub operator: Option<OperatorRule>,
    /// On plugins.
    pub plugin: Option<CoarseRule>,
    /// On quotas.
    pub quota: Option<CoarseRule>,
    /// The text that it was read from.
    pub raw: String,
    /// On rules about jobs.
    pub sentinel: Option<OperatorRule>,
}

/// `read`, `write`, `deny`, or `list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CoarseRule {
    /// As written.
    pub policy: String,
}

/// A shorthand and capabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct OperatorRule {
    /// Names, with those that the shorthand stands for.
    pub capabilities: Option<Vec<String>>,
    /// As written; empty: none.
    pub policy: String,
}

/// What is allowed on things of a name, which may hold `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CapabilityRule {
    /// Names, with those that the shorthand stands for.
    pub capabilities: Option<Vec<String>>,
    /// Exact or a pattern.
    pub name: String,
    /// As written; empty: none.
    pub policy: String,
}

/// What is allowed in namespaces of a name, which may hold `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NamespaceRule {
    /// Names, with those that the shorthand stands for.
    pub capabilities: Option<Vec<String>>,
    /// Exact or a pattern.
    pub name: String,
    /// As written; empty: none.
    pub policy: String,
    /// On variables in them.
    pub variables: Option<VariablesRule>,
}

/// What is allowed on variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VariablesRule {
    /// By path.
    pub paths: Vec<PathRule>,
}

/// What is allowed on variables of a path, which may hold `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PathRule {
    /// Names, with those that they bring along.
    pub capabilities: Option<Vec<String>>,
    /// Exact or a pattern.
    pub path_spec: String,
}

/// Why rules are no policy. The texts are part of the API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// They cannot be read.
    #[error("Failed to parse ACL Policy: {0}")]
    Syntax(#[from] SyntaxError),
    /// Nothing in them means anything.
    #[error("Invalid policy: {0}")]
    Nothing(String),
    /// Keys that are not known, or stand twice.
    #[error("Invalid or duplicate policy keys: {0}")]
    Keys(String),
    /// A rule says something that is not allowed.
    #[error("Invalid {0}")]
    Rule(String),
}

/// The longest name.
const MAX_NAME_CHARS: usize = 128;

const READ: &str = "read";
const WRITE: &str = "write";
const LIST: &str = "list";
const SCALE: &str = "scale";
/// What a coarse rule may say.
const COARSE: &[&str] = &[DENY, READ, WRITE, SCALE];

const READ_NAMESPACE: &[&str] = &[
    "list-jobs",
    "parse-job",
    "read-job",
    "csi-list-volume",
    "csi-read-volume",
    "read-job-scaling",
    "list-scaling-policies",
    "read-scaling-policy",
    "host-volume-read",
];
const SCALE_NAMESPACE: &[&str] = &[
    "list-scaling-policies",
    "read-scaling-policy",
    "read-job-scaling",
    "scale-job",
    "read-job",
    "submit-recommendation",
];
/// What writing brings beside reading.
const WRITE_NAMESPACE: &[&str] = &[
    "scale-job",
    "submit-job",
    "dispatch-job",
    "read-logs",
    "read-fs",
    "alloc-exec",
    "alloc-lifecycle",
    "csi-mount-volume",
    "csi-write-volume",
    "submit-recommendation",
    "host-volume-create",
    "host-volume-read",
];
const SENTINEL_READ: &[&str] = &["sentinel-read"];
const SENTINEL_WRITE: &[&str] = &["sentinel-read", "sentinel-submit", "sentinel-delete"];

impl Policy {
    /// Reads and checks rules. Empty text allows nothing and is fine.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(rules: &str) -> Result<Self, PolicyError> {
        let mut policy = Self { raw: rules.to_owned(), ..Self::default() };
        if rules.is_empty() {
            return Ok(policy);
        }
        let mut extra = BTreeSet::new();
        for item in syntax::parse(rules)? {
            policy.take(&item, &mut extra)?;
        }
        if policy.is_empty() {
            return Err(PolicyError::Nothing(rules.to_owned()));
        }
        policy.finish(&extra)?;
        Ok(policy)
    }

    fn is_empty(&self) -> bool {
        self.namespaces.is_none()
            && self.node_pools.is_none()
            && self.host_volumes.is_none()
            && self.operator.is_none()
            && self.sentinel.is_none()
            && [&self.agent, &self.node, &self.quota, &self.plugin].iter().all(|rule| rule.is_none())
    }

    fn take(&mut self, item: &Item, extra: &mut BTreeSet<String>) -> Result<(), PolicyError> {
        let block = Block::of(item)?;
        let name = item.labels.first().cloned().unwrap_or_default();
        let mut labels = item.labels.iter();
        match item.key.as_str() {
            "namespace" => {
                labels.next();
                let rule = NamespaceRule {
                    capabilities: block.list("capabilities")?,
                    name,
                    policy: block.text("policy")?,
                    variables: block.variables()?,
                };
                self.namespaces.get_or_insert_default().push(rule);
            }
            key @ ("node_pool" | "host_volume") => {
                labels.next();
                let rule =
                    CapabilityRule { capabilities: block.list("capabilities")?, name, policy: block.text("policy")? };
                let rules = if key == "node_pool" { &mut self.node_pools } else { &mut self.host_volumes };
                rules.get_or_insert_default().push(rule);
            }
            key @ ("agent" | "node" | "quota" | "plugin") => {
                let rule = match key {
                    "agent" => &mut self.agent,
                    "node" => &mut self.node,
                    "quota" => &mut self.quota,
                    _ => &mut self.plugin,
                };
                if rule.replace(CoarseRule { policy: block.text("policy")? }).is_some() {
                    extra.insert(key.to_owned());
                }
            }
            key @ ("operator" | "sentinel") => {
                let rule = if key == "operator" { &mut self.operator } else { &mut self.sentinel };
                let read = OperatorRule { capabilities: block.list("capabilities")?, policy: block.text("policy")? };
                if rule.replace(read).is_some() {
                    extra.insert(key.to_owned());
                }
            }
            key => {
                extra.insert(key.to_owned());
                return Ok(());
            }
        }
        extra.extend(labels.cloned());
        Ok(())
    }

    /// Checks rules in the order in which the API reports faults, and expands shorthands.
    fn finish(&mut self, extra: &BTreeSet<String>) -> Result<(), PolicyError> {
        for rule in self.namespaces.iter_mut().flatten() {
            rule.finish()?;
        }
        for rule in self.node_pools.iter_mut().flatten() {
            finish_node_pool(rule)?;
        }
        for rule in self.host_volumes.iter_mut().flatten() {
            finish_host_volume(rule)?;
        }
        if !extra.is_empty() {
            let keys: Vec<&str> = extra.iter().map(String::as_str).collect();
            return Err(PolicyError::Keys(keys.join(", ")));
        }
        let coarse = |rule: &Option<CoarseRule>, what: &str, kind: &str, known: &[&str]| match rule {
            Some(rule) if !known.contains(&rule.policy.as_str()) => {
                Err(PolicyError::Rule(format!("{what} policy: &acl.{kind}Policy{{Policy:{:?}}}", rule.policy)))
            }
            _ => Ok(()),
        };
        coarse(&self.agent, "agent", "Agent", COARSE)?;
        coarse(&self.node, "node", "Node", COARSE)?;
        if let Some(rule) = &mut self.operator {
            finish_operator(rule)?;
        }
        if let Some(rule) = &mut self.sentinel {
            finish_sentinel(rule)?;
        }
        coarse(&self.quota, "quota", "Quota", COARSE)?;
        coarse(&self.plugin, "plugin", "Plugin", &[DENY, READ, WRITE, LIST])
    }
}

impl NamespaceRule {
    fn finish(&mut self) -> Result<(), PolicyError> {
        let fault = |what: &str| PolicyError::Rule(format!("namespace {what}: {}", self.as_go()));
        if !is_name(&self.name, "-*") {
            return Err(fault("name"));
        }
        if !self.policy.is_empty() && !COARSE.contains(&self.policy.as_str()) {
            return Err(fault("policy"));
        }
        if let Some(unknown) = unknown::<NamespaceCapability>(self.capabilities.as_deref()) {
            return Err(fault(&format!("capability '{unknown}'")));
        }
        let added: Vec<&str> = match self.policy.as_str() {
            DENY => vec![DENY],
            READ => READ_NAMESPACE.to_vec(),
            SCALE => SCALE_NAMESPACE.to_vec(),
            WRITE => [READ_NAMESPACE, WRITE_NAMESPACE].concat(),
            _ => Vec::new(),
        };
        extend(&mut self.capabilities, &added);
        match &mut self.variables {
            Some(variables) => variables.finish(&self.name),
            None => Ok(()),
        }
    }

    /// As the reference prints it in its errors.
    fn as_go(&self) -> String {
        let variables = if self.variables.is_some() { "(0xc000000000)" } else { "(nil)" };
        format!(
            "&acl.NamespacePolicy{{Name:{:?}, Policy:{:?}, Capabilities:{}, Variables:(*acl.VariablesPolicy){variables}}}",
            self.name,
            self.policy,
            go_list(self.capabilities.as_deref()),
        )
    }
}

impl VariablesRule {
    fn finish(&mut self, namespace: &str) -> Result<(), PolicyError> {
        let fault = |text: String| Err(PolicyError::Rule(text));
        if self.paths.is_empty() {
            return fault(format!("variable policy: no variable paths in namespace {namespace}"));
        }
        for rule in &mut self.paths {
            if rule.path_spec.is_empty() {
                return fault(format!("missing variable path in namespace {namespace}"));
            }
            if rule.path_spec.starts_with('/') {
                let path = &rule.path_spec;
                let why = "cannot start with a leading '/'`";
                return fault(format!("variable path {path:?} in namespace {namespace}: {why}"));
            }
            if let Some(unknown) = unknown::<VariableCapability>(rule.capabilities.as_deref()) {
                return fault(format!("variable capability '{unknown}' in namespace {namespace}"));
            }
            rule.expand();
        }
        Ok(())
    }
}

impl PathRule {
    /// Denial stands alone, and who reads may list.
    fn expand(&mut self) {
        let Some(capabilities) = &mut self.capabilities else { return };
        let has = |name: &str| capabilities.iter().any(|capability| capability == name);
        if has(DENY) {
            *capabilities = vec![DENY.to_owned()];
        } else if has(READ) && !has(LIST) {
            capabilities.push(LIST.to_owned());
        }
    }
}

fn finish_node_pool(rule: &mut CapabilityRule) -> Result<(), PolicyError> {
    let name = &rule.name;
    if !is_name(name, "-_*") {
        return Err(PolicyError::Rule(format!("node pool name '{name}'")));
    }
    if !rule.policy.is_empty() && !COARSE.contains(&rule.policy.as_str()) {
        return Err(PolicyError::Rule(format!("node pool policy '{}' for '{name}'", rule.policy)));
    }
    if let Some(unknown) = unknown::<NodePoolCapability>(rule.capabilities.as_deref()) {
        return Err(PolicyError::Rule(format!("node pool capability '{unknown}' for '{name}'")));
    }
    let added: &[&str] = match rule.policy.as_str() {
        DENY => &[DENY],
        READ => &[READ],
        WRITE => &["delete", READ, WRITE],
        _ => &[],
    };
    extend(&mut rule.capabilities, added);
    Ok(())
}

fn finish_host_volume(rule: &mut CapabilityRule) -> Result<(), PolicyError> {
    let fault = |what: &str| {
        let list = go_list(rule.capabilities.as_deref());
        let shown =
            format!("&acl.HostVolumePolicy{{Name:{:?}, Policy:{:?}, Capabilities:{list}}}", rule.name, rule.policy);
        PolicyError::Rule(format!("host volume {what}: {shown}"))
    };
    if !is_name(&rule.name, "-*") {
        return Err(fault("name"));
    }
    if !rule.policy.is_empty() && !COARSE.contains(&rule.policy.as_str()) {
        return Err(fault("policy"));
    }
    if let Some(unknown) = unknown::<HostVolumeCapability>(rule.capabilities.as_deref()) {
        return Err(fault(&format!("capability '{unknown}'")));
    }
    let added: &[&str] = match rule.policy.as_str() {
        DENY => &[DENY],
        READ => &["mount-readonly"],
        WRITE => &["mount-readonly", "mount-readwrite"],
        _ => &[],
    };
    extend(&mut rule.capabilities, added);
    Ok(())
}

fn finish_operator(rule: &mut OperatorRule) -> Result<(), PolicyError> {
    if !rule.policy.is_empty() && !COARSE.contains(&rule.policy.as_str()) {
        let list = go_list(rule.capabilities.as_deref());
        let shown = format!("&acl.OperatorPolicy{{Policy:{:?}, Capabilities:{list}}}", rule.policy);
        return Err(PolicyError::Rule(format!("operator policy: {shown}")));
    }
    if let Some(unknown) = unknown::<OperatorCapability>(rule.capabilities.as_deref()) {
        return Err(PolicyError::Rule(format!("operator capability '{unknown}'")));
    }
    let added: &[&str] = match rule.policy.as_str() {
        DENY => &[DENY],
        READ => &["license-read", "keyring-read"],
        WRITE => &["snapshot-save", "license-read", "keyring-rotate", "keyring-read", "keyring-delete"],
        _ => &[],
    };
    extend(&mut rule.capabilities, added);
    Ok(())
}

fn finish_sentinel(rule: &mut OperatorRule) -> Result<(), PolicyError> {
    let list = go_list(rule.capabilities.as_deref());
    if !rule.policy.is_empty() && !COARSE.contains(&rule.policy.as_str()) {
        let shown = format!("&acl.SentinelPolicy{{Policy:{:?}, Capabilities:{list}}}", rule.policy);
        return Err(PolicyError::Rule(format!("sentinel policy: {shown}")));
    }
    let known = |name: &String| name == DENY || SENTINEL_WRITE.contains(&name.as_str());
    if let Some(unknown) = rule.capabilities.iter().flatten().find(|name| !known(name)) {
        return Err(PolicyError::Rule(format!("sentinel capability '{unknown}'")));
    }
    let added = match rule.policy.as_str() {
        DENY => &[DENY],
        READ => SENTINEL_READ,
        WRITE => SENTINEL_WRITE,
        _ => &[],
    };
    extend(&mut rule.capabilities, added);
    Ok(())
}

/// Letters, digits and `others`, 1 to 128 of them.
fn is_name(name: &str, others: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

fn unknown<C: Capability>(names: Option<&[String]>) -> Option<&str> {
    let names = names.unwrap_or_default();
    names.iter().map(String::as_str).find(|name| *name != DENY && C::parse(name).is_none())
}

fn extend(list: &mut Option<Vec<String>>, added: &[&str]) {
    if !added.is_empty() {
        list.get_or_insert_default().extend(added.iter().map(|&name| name.to_owned()));
    }
}

/// A list as the reference prints it in its errors.
fn go_list(list: Option<&[String]>) -> String {
    match list {
        None => "[]string(nil)".to_owned(),
        Some(list) => {
            let quoted: Vec<String> = list.iter().map(|name| format!("{name:?}")).collect();
            format!("[]string{{{}}}", quoted.join(", "))
        }
    }
}

/// The inside of a block.
struct Block<'a> {
    items: &'a [Item],
}

impl<'a> Block<'a> {
    fn of(item: &'a Item) -> Result<Self, PolicyError> {
        match &item.value {
            Value::Object(items) => Ok(Self { items }),
            Value::List(values) => match values.first() {
                Some(Value::Object(items)) => Ok(Self { items }),
                _ => Ok(Self { items: &[] }),
            },
            Value::Text(_) => Ok(Self { items: &[] }),
        }
    }

    /// The last argument of a name.
    fn find(&self, key: &str) -> Option<&'a Item> {
        self.items.iter().rev().find(|item| item.key == key)
    }

    fn text(&self, key: &str) -> Result<String, PolicyError> {
        match self.find(key) {
            None => Ok(String::new()),
            Some(Item { value: Value::Text(text), .. }) => Ok(text.clone()),
            Some(item) => Err(wrong_kind(item, "unknown type for string")),
        }
    }

    fn list(&self, key: &str) -> Result<Option<Vec<String>>, PolicyError> {
        let Some(item) = self.find(key) else { return Ok(None) };
        let Value::List(values) = &item.value else {
            return Err(wrong_kind(item, "unknown slice type: *ast.LiteralType"));
        };
        let text = |value: &Value| match value {
            Value::Text(text) => Ok(text.clone()),
            _ => Err(wrong_kind(item, "unknown type for string")),
        };
        values.iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    fn variables(&self) -> Result<Option<VariablesRule>, PolicyError> {
        let mut rule: Option<VariablesRule> = None;
        for item in self.items.iter().filter(|item| item.key == "variables") {
            let rule = rule.get_or_insert_default();
            for path in Self::of(item)?.items.iter().filter(|item| item.key == "path") {
                rule.paths.push(PathRule {
                    capabilities: Self::of(path)?.list("capabilities")?,
                    path_spec: path.labels.first().cloned().unwrap_or_default(),
                });
            }
        }
        Ok(rule)
    }
}

fn wrong_kind(item: &Item, message: &str) -> PolicyError {
    let (line, column) = item.at;
    PolicyError::Syntax(SyntaxError { line, column, message: message.to_owned() })
}
