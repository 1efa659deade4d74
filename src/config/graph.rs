//! The graph section: nodes and edges in the pipeline file, or in a DSL file beside it.

use super::file::{optional_path, path};
use crate::{
    diagnostic::{Diagnostics, Document},
    graph::{EdgeSpec, GraphSpec, NodeSpec},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// What happens to each event: written here, or in a DSL file.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum GraphSection {
    /// Nodes and edges in this file.
    Inline(InlineGraph),
    /// Nodes and edges in a DSL file.
    Dsl(DslGraph),
}

/// Nodes and edges in this file.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InlineGraph {
    /// The frozen statistics of the training data, a JSON file that `caz fit` writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_path")]
    frozen: Option<PathBuf>,
    /// The nodes.
    #[schemars(length(min = 1))]
    nodes: Vec<Node>,
    /// Which node's columns go to which: `[from, to]`.
    #[serde(default)]
    edges: Vec<Edge>,
}

/// Nodes and edges in a DSL file.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DslGraph {
    /// A JSON file as `GraphBuilder.generate_dsl` writes it: `{"edge": {"applicationDsl": {"nodes": [...], "edges": [...]}}}`.
    #[schemars(schema_with = "path")]
    dsl: PathBuf,
    /// The frozen statistics of the training data, a JSON file that `caz fit` writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_path")]
    frozen: Option<PathBuf>,
}

/// One step that transforms columns or runs a model.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Node {
    /// The name by which edges and messages mean it.
    #[schemars(length(min = 1))]
    id: String,
    /// The node type, such as `Pandas` or `ONNXNode`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1))]
    type_name: String,
    /// The node type's parameters.
    #[serde(default)]
    params: Map<String, Value>,
}

/// From one node to another.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Edge {
    /// `[from, to]`
    Pair(String, String),
    /// `{from: ..., to: ...}`
    Named(NamedEdge),
}

/// An edge with its ends by name.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NamedEdge {
    /// The node that gives its columns.
    from: String,
    /// The node that takes them.
    to: String,
}

/// A DSL file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Dsl {
    /// What runs at the edge.
    edge: DslEdge,
}

/// What runs at the edge.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DslEdge {
    /// The graph.
    application_dsl: ApplicationDsl,
}

/// The graph of a DSL file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ApplicationDsl {
    /// The nodes.
    #[schemars(length(min = 1))]
    nodes: Vec<Node>,
    /// Which node's columns go to which: `[from, to]`.
    #[serde(default)]
    edges: Vec<Edge>,
}

/// The graph of a pipeline file: with the nodes and edges of the DSL file when it names one, whose mistakes are reported here.
/// Those of the section itself are reported with the rest of the pipeline file.
pub(super) fn load(pipeline: &Arc<Document>, diagnostics: &mut Diagnostics) -> Option<GraphSpec> {
    match pipeline.read_without_nulls::<GraphSection>("/graph", &mut Diagnostics::new())? {
        GraphSection::Inline(InlineGraph { frozen, nodes, edges }) => Some(GraphSpec {
            document: Arc::clone(pipeline),
            frozen: frozen.map(|path| pipeline.resolve(&path)),
            nodes: node_specs(nodes, "/graph"),
            edges: edge_specs(edges, "/graph"),
        }),
        GraphSection::Dsl(DslGraph { dsl, frozen }) => {
            let document = open_dsl(pipeline, &dsl, diagnostics)?;
            let ApplicationDsl { nodes, edges } = document.read_without_nulls::<Dsl>("", diagnostics)?.edge.application_dsl;
            Some(GraphSpec {
                document,
                frozen: frozen.map(|path| pipeline.resolve(&path)),
                nodes: node_specs(nodes, "/edge/applicationDsl"),
                edges: edge_specs(edges, "/edge/applicationDsl"),
            })
        }
    }
}

fn open_dsl(pipeline: &Arc<Document>, dsl: &Path, diagnostics: &mut Diagnostics) -> Option<Arc<Document>> {
    match Document::open(&pipeline.resolve(dsl)) {
        Ok((document, found)) => {
            diagnostics.extend(found);
            Some(document)
        }
        Err(found) => {
            diagnostics.extend(found.or_at(pipeline, "/graph/dsl"));
            None
        }
    }
}

fn node_specs(nodes: Vec<Node>, graph: &str) -> Vec<NodeSpec> {
    let spec = |(index, Node { id, type_name, params })| NodeSpec {
        id,
        type_name,
        params: Value::Object(params),
        pointer: format!("{graph}/nodes/{index}"),
    };
    nodes.into_iter().enumerate().map(spec).collect()
}

fn edge_specs(edges: Vec<Edge>, graph: &str) -> Vec<EdgeSpec> {
    let spec = |(index, edge)| {
        let (Edge::Pair(from, to) | Edge::Named(NamedEdge { from, to })) = edge;
        EdgeSpec { from, to, pointer: format!("{graph}/edges/{index}") }
    };
    edges.into_iter().enumerate().map(spec).collect()
}
