//! What fits on a node. The scheduler fills nodes with it, the applier of plans checks with it.

mod cores;
mod devices;
mod fit;
mod ports;
mod usage;

pub use drover_model::Amounts;
pub use fit::{Dimension, NodeRefusal, evaluate_node, fits};
pub(crate) use ports::PortRng;
pub(crate) use usage::{GroupAsk, NodeUsage, Offer, exceeded};
