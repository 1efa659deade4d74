//! A graph as its file says it, before any check.

use std::path::PathBuf;
use std::sync::Arc;

use crate::diagnostic::Document;
use crate::nodes::NodeSpec;

/// A graph's text: nodes, edges, and where each stands.
#[derive(Clone, Debug)]
pub struct GraphSpec {
    /// The file that holds it: the pipeline file, or the DSL file that it names.
    pub document: Arc<Document>,
    /// The file of frozen statistics.
    pub frozen: Option<PathBuf>,
    /// Its nodes, in the file's order.
    pub nodes: Vec<NodeSpec>,
    /// Its edges, in the file's order, which is the order in which a node's parents are joined.
    pub edges: Vec<EdgeSpec>,
}

/// An edge as the file says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeSpec {
    /// The node that sends.
    pub from: String,
    /// The node that receives.
    pub to: String,
    /// Where it stands in the document (RFC 6901), such as `/graph/edges/0`.
    pub pointer: String,
}
