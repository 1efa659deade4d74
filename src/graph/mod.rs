//! The graph: nodes and edges as a user wrote them, planned once against the dataset schema and the models, then run batch by batch.

mod branches;
mod builder;
mod digest;
mod draw;
mod plan;
mod spec;
mod topology;
mod trace;
mod types;
mod usage;

pub use draw::{Ends, mermaid, svg};
pub use plan::{OutputColumn, Plan, PlanRequest, PlannedNode, Purpose, Timings};
pub use spec::{EdgeSpec, GraphSpec};
pub use trace::Trace;
pub use types::types;

pub use crate::nodes::NodeSpec;
