//! The node graph of a pipeline.

mod spec;

pub use spec::{EdgeSpec, GraphSpec, NodeSpec};
