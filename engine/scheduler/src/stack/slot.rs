//! One node among those of an evaluation.

use crate::capacity::{GroupAsk, NodeUsage, exceeded};
use crate::explain::Texts;
use crate::feasible::ClassCache;
use drover_base::AllocId;
use drover_model::{AllocatedResources, Amounts, ClusterView, Node, NodeHold};
use std::collections::HashSet;
use std::sync::Arc;

/// A number that was not asked for yet.
const UNASKED: u32 = u32::MAX;

/// A node while it is being filled.
pub(super) struct Slot {
    pub(super) node: Arc<Node>,
    class: u32,
    node_class: u32,
    /// What is taken and what there is, once the node was considered.
    held: Option<Held>,
    /// The same with ports, cores and devices, once somebody asked for those.
    usage: Option<Box<NodeUsage>>,
    /// What the plan put there before `usage` was needed.
    placed: Vec<Arc<AllocatedResources>>,
}

/// What is taken of a node, and what it has.
#[derive(Clone, Copy)]
pub(super) struct Held {
    pub(super) capacity: Amounts,
    pub(super) used: Amounts,
    allocs: u32,
    max_allocs: u32,
}

impl Held {
    /// The node's amounts with the group on it, or the dimension in which it has too little.
    pub(super) fn with(&self, ask: &GroupAsk) -> Result<Amounts, &'static str> {
        let used = self.used.plus(ask.amounts());
        match exceeded(self.capacity, self.max_allocs, used, self.allocs + 1) {
            Some(dimension) => Err(dimension),
            None => Ok(used),
        }
    }
}

impl Slot {
    pub(super) const fn new(node: Arc<Node>) -> Self {
        Self { node, class: UNASKED, node_class: UNASKED, held: None, usage: None, placed: Vec::new() }
    }

    /// The number of its computed class.
    pub(super) fn class(&mut self, classes: &mut ClassCache) -> usize {
        if self.class == UNASKED {
            let number = classes.number(&self.node.computed_class);
            // What has no class, or too high a number to be noted, is asked for again.
            self.class = u32::try_from(number).unwrap_or(UNASKED);
            return number;
        }
        self.class as usize
    }

    /// The number of the text of its class.
    pub(super) fn node_class(&mut self, texts: &mut Texts) -> u32 {
        if self.node_class == UNASKED {
            let class = &self.node.node_class;
            self.node_class = if class.is_empty() { Texts::EMPTY } else { texts.number(class) };
        }
        self.node_class
    }

    /// What is taken of it.
    pub(super) fn held(&mut self, view: &dyn ClusterView) -> &mut Held {
        let node = &self.node;
        self.held.get_or_insert_with(|| {
            let hold = view.node_hold(&node.id).unwrap_or_else(|| hold_of(view, node));
            Held {
                capacity: Amounts::of_node(node),
                used: hold.amounts,
                allocs: hold.allocs,
                max_allocs: node.node_max_allocs,
            }
        })
    }

    /// The same with ports, cores and devices. `stopped`: what the plan stops.
    pub(super) fn usage(&mut self, view: &dyn ClusterView, stopped: &HashSet<AllocId>) -> &mut NodeUsage {
        let Self { node, usage, placed, .. } = self;
        usage.get_or_insert_with(|| {
            let allocs = view.allocs_of_node(&node.id);
            let live = allocs.iter().filter(|alloc| !alloc.is_terminal() && !stopped.contains(&alloc.id));
            let mut usage = Box::new(NodeUsage::new(Arc::clone(node), live.map(|alloc| &**alloc)));
            placed.drain(..).for_each(|resources| usage.add(&resources));
            usage
        })
    }

    /// The plan puts something new there. Load [`Self::held`] before.
    pub(super) fn place(&mut self, resources: &Arc<AllocatedResources>) {
        self.put_back(resources);
        if self.usage.is_none() {
            self.placed.push(Arc::clone(resources));
        }
    }

    /// The plan does not take something away after all. Load [`Self::held`] before.
    pub(super) fn put_back(&mut self, resources: &Arc<AllocatedResources>) {
        if let Some(held) = &mut self.held {
            held.used = held.used.plus(Amounts::of_alloc(resources));
            held.allocs += 1;
        }
        if let Some(usage) = &mut self.usage {
            usage.add(resources);
        }
    }

    /// The plan takes something away. Load [`Self::held`] before.
    pub(super) fn remove(&mut self, resources: &Arc<AllocatedResources>) {
        if let Some(held) = &mut self.held {
            held.used = held.used.minus(Amounts::of_alloc(resources));
            held.allocs = held.allocs.saturating_sub(1);
        }
        if let Some(usage) = &mut self.usage {
            usage.remove(resources);
        }
    }
}

/// For views that do not keep count.
fn hold_of(view: &dyn ClusterView, node: &Node) -> NodeHold {
    let mut hold = NodeHold::default();
    let allocs = view.allocs_of_node(&node.id);
    let live = allocs.iter().filter(|alloc| !alloc.is_terminal());
    live.filter_map(|alloc| alloc.allocated_resources.as_ref()).for_each(|resources| hold.add(resources));
    hold
}
