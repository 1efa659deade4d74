//! The graph as the user wrote it, each part with its place, before any of it is understood.

use crate::diagnostic::Document;
use serde_json::Value;
use std::{path::PathBuf, sync::Arc};

/// Nodes and edges as written, in order; ids and types are not checked yet.
#[derive(Clone, Debug)]
pub struct GraphSpec {
    /// The file that holds the nodes and edges: the pipeline file or a DSL file. All pointers are into it.
    pub document: Arc<Document>,
    /// The frozen statistics' file, from the working directory.
    pub frozen: Option<PathBuf>,
    /// The nodes, in the order of the file.
    pub nodes: Vec<NodeSpec>,
    /// The edges, in the order of the file; a node's parents are in this order.
    pub edges: Vec<EdgeSpec>,
}

/// One node as written.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// The name by which edges mean it.
    pub id: String,
    /// The node type's name, such as `Pandas`.
    pub type_name: String,
    /// The node's parameters; an empty mapping when the file gives none.
    pub params: Value,
    /// Where the node stands, such as `/graph/nodes/3`; its parameters are at [`NodeSpec::params_pointer`].
    pub pointer: String,
}

impl NodeSpec {
    /// Where the node's parameters stand, for [`Document::read_as`].
    pub fn params_pointer(&self) -> String {
        format!("{}/params", self.pointer)
    }
}

/// One edge as written.
#[derive(Clone, Debug)]
pub struct EdgeSpec {
    /// The id of the node that gives its columns.
    pub from: String,
    /// The id of the node that takes them.
    pub to: String,
    /// Where the edge stands, such as `/graph/edges/0`.
    pub pointer: String,
}
