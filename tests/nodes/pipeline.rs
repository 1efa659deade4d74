//! Pipelines in a folder of their own, their graphs as DSL files.

use std::path::Path;

use caz::diagnostic::Diagnostics;
use caz::stream::Assembly;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The project's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The features of the iris model, which all graphs here ask.
pub(crate) const FEATURES: [&str; 4] = ["sepal_length", "sepal_width", "petal_length", "petal_width"];

/// A field of an Avro schema; `?` at the end of the type's name makes it nullable.
pub(crate) fn field(name: &str, kind: &str) -> Value {
    match kind.strip_suffix('?') {
        Some(kind) => json!({"name": name, "type": ["null", kind]}),
        None => json!({"name": name, "type": kind}),
    }
}

/// A field that is a record.
pub(crate) fn record(name: &str, fields: &[Value]) -> Value {
    json!({"name": name, "type": {"type": "record", "name": format!("{name}_record"), "fields": fields}})
}

/// Iris flowers with a species that may be missing, as it is in a stream.
pub(crate) fn iris_fields() -> Vec<Value> {
    let mut fields: Vec<Value> = FEATURES.iter().map(|name| field(name, "double")).collect();
    fields.push(field("species", "string?"));
    fields
}

/// A node of a graph.
pub(crate) fn node(id: &str, type_name: &str, params: Value) -> Value {
    json!({"id": id, "type": type_name, "params": params})
}

/// Nodes in a line.
pub(crate) fn line_of(nodes: &[Value]) -> Value {
    let edges: Vec<Value> = nodes.windows(2).map(|pair| json!([pair[0]["id"], pair[1]["id"]])).collect();
    json!({"nodes": nodes, "edges": edges})
}

/// A pipeline with JSON events of these fields.
pub(crate) struct Pipeline {
    pub(crate) folder: TempDir,
}

impl Pipeline {
    /// `columns` are those of the output; none are all outputs of models.
    pub(crate) fn new(fields: &[Value], graph: &Value, columns: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("schema.avsc", json!({"type": "record", "name": "Event", "fields": fields}).to_string());
        write("graph.json", format!("{:#}", json!({"edge": {"applicationDsl": graph}})));
        std::fs::copy(root().join("models/iris/logistic-regression.onnx"), folder.path().join("iris.onnx")).unwrap();
        let columns = if columns.is_empty() { String::new() } else { format!("  columns: [{}]\n", columns.join(", ")) };
        write(
            "pipeline.yaml",
            format!(
                "name: flowers\ninput: {{topic: flowers, group: g, format: json, schema: schema.avsc}}\nmodel_store: {}/models\n\
                 graph: {{dsl: graph.json}}\noutput:\n  topic: scores\n{columns}dead_letters: {{topic: dead}}\n\
                 kafka: {{bootstrap.servers: \"localhost:9092\"}}\n",
                root().display()
            ),
        );
        Self { folder }
    }

    pub(crate) fn load(&self) -> Result<(Assembly, Diagnostics), Diagnostics> {
        Assembly::load(&self.folder.path().join("pipeline.yaml"))
    }

    /// What `check` shows, without the folders of this machine.
    pub(crate) fn findings(&self) -> String {
        let found = self.load().map_or_else(|found| found, |(_, found)| found);
        let folder = self.folder.path().display().to_string();
        found.render(false).replace(&folder, "FOLDER").replace(&root().display().to_string(), "ROOT")
    }

    /// The scores of events, and why the others have none, in the order of the events.
    pub(crate) fn score(&self, events: &[Value], batch: usize) -> Vec<Result<Value, String>> {
        let (assembly, _) = self.load().unwrap_or_else(|found| panic!("{}", found.render(false)));
        let mut line = assembly.line().unwrap();
        let texts: Vec<Vec<u8>> = events.iter().map(|event| event.to_string().into_bytes()).collect();
        let mut answers = Vec::new();
        for part in texts.chunks(batch) {
            let scored = line.score(part.iter().map(|event| Some(event.as_slice())));
            let mut of: Vec<(usize, Result<Value, String>)> =
                scored.scores().map(|(at, score)| (at.event, Ok(serde_json::from_slice(score).unwrap()))).collect();
            of.extend(
                scored.rejected().map(|(at, why)| (at.event, Err(format!("{}: {}", why.field.as_deref().unwrap_or("-"), why.message)))),
            );
            of.sort_by_key(|(at, _)| *at);
            answers.extend(of.into_iter().map(|(_, answer)| answer));
        }
        assert_eq!(answers.len(), events.len());
        answers
    }
}
