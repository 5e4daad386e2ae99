//! The sides of constraints and affinities: text, or something of the node.

use drover_model::Node;
use std::borrow::Cow;

/// One side, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Plain text.
    Text(String),
    NodeId,
    Datacenter,
    NodeName,
    NodeClass,
    NodePool,
    Attribute(String),
    Meta(String),
    /// An interpolation that nothing answers.
    Unknown,
}

impl Target {
    pub(crate) fn new(text: &str) -> Self {
        let Some(inner) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
            return if text.starts_with("${") { Self::Unknown } else { Self::Text(text.to_owned()) };
        };
        match inner {
            "node.unique.id" => Self::NodeId,
            "node.datacenter" => Self::Datacenter,
            "node.unique.name" => Self::NodeName,
            "node.class" => Self::NodeClass,
            "node.pool" => Self::NodePool,
            _ => match (inner.strip_prefix("attr."), inner.strip_prefix("meta.")) {
                (Some(name), _) => Self::Attribute(name.to_owned()),
                (_, Some(name)) => Self::Meta(name.to_owned()),
                _ => Self::Unknown,
            },
        }
    }

    /// Whether nodes of one class may differ in it.
    pub(crate) fn escapes_class(text: &str) -> bool {
        ["${node.unique.", "${attr.unique.", "${meta.unique."].iter().any(|prefix| text.starts_with(prefix))
    }

    /// The text, if there is one.
    pub(crate) fn value<'a>(&'a self, node: &'a Node) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::NodeId => Some(node.id.as_str()),
            Self::Datacenter => Some(&node.datacenter),
            Self::NodeName => Some(&node.name),
            Self::NodeClass => Some(&node.node_class),
            Self::NodePool => Some(&node.node_pool),
            Self::Attribute(name) => node.attributes.get(name).map(String::as_str),
            Self::Meta(name) => node.meta.get(name).map(String::as_str),
            Self::Unknown => None,
        }
    }
}

/// The value of a text that may be an interpolation.
pub(crate) fn resolve(text: &str, node: &Node) -> Option<String> {
    Target::new(text).value(node).map(str::to_owned)
}

/// Nodes without a pool are in the default one.
pub(crate) fn pool_of(node: &Node) -> Cow<'_, str> {
    if node.node_pool.is_empty() {
        Cow::Borrowed(drover_model::registry::DEFAULT_NODE_POOL)
    } else {
        Cow::Borrowed(&node.node_pool)
    }
}
