//! One number for what determines the scores.

use super::{Framing, Pipeline, ScoreFormat};
use crate::digest::sha256;
use crate::files::{self, MOST_STATISTICS_BYTES};
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    graph::GraphSpec,
};
use serde_json::{Value, json};
use std::{fmt, path::Path};

/// SHA-256 of what determines a pipeline's scores: the graph with its frozen statistics, the dataset schema, the output's columns and
/// format. Topics, addresses and Kafka properties do not count; models have digests of their own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Digest(String);

impl Digest {
    /// All 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 16 digits, for headers and logs.
    pub fn short(&self) -> &str {
        &self.0[..16]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

impl Pipeline {
    /// The digest of what determines the scores.
    ///
    /// # Errors
    /// E0001 for each file that cannot be read.
    pub fn digest(&self) -> Result<Digest, Diagnostics> {
        let mut diagnostics = Diagnostics::new();
        let schema = file_digest(&self.input.schema, "the dataset schema", &mut diagnostics);
        let frozen = self.graph.frozen.as_deref().and_then(|path| file_digest(path, "the frozen statistics", &mut diagnostics));
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        let output = (self.output.columns.as_deref(), self.output.format, self.output.framing);
        let determinants = determinants(&self.graph, frozen, schema, output);
        Ok(Digest(sha256(determinants.to_string().as_bytes())))
    }
}

/// The canonical JSON: fixed keys in a fixed order, no white space. Parameters keep the order in which they are written, because the
/// order of entries can be the order of columns.
fn determinants(
    graph: &GraphSpec,
    frozen: Option<String>,
    schema: Option<String>,
    output: (Option<&[String]>, ScoreFormat, Framing),
) -> Value {
    let nodes: Vec<_> = graph.nodes.iter().map(|node| json!({"id": node.id, "type": node.type_name, "params": node.params})).collect();
    let edges: Vec<_> = graph.edges.iter().map(|edge| json!([edge.from, edge.to])).collect();
    let (columns, format, framing) = output;
    let mut output = json!({"columns": columns, "format": format});
    if framing != Framing::None {
        output["framing"] = json!(framing);
    }
    json!({"graph": {"nodes": nodes, "edges": edges, "frozen": frozen}, "schema": schema, "output": output})
}

fn file_digest(path: &Path, what: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    match files::read(path, MOST_STATISTICS_BYTES) {
        Ok(bytes) => Some(sha256(&bytes)),
        Err(error) => {
            diagnostics.push(Diagnostic::error(Code::Unreadable, format!("cannot read {what} `{}`: {error}", path.display())));
            None
        }
    }
}
