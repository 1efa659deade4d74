//! The digest of what statistics depend on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::GraphSpec;
use crate::digest::sha256;

impl GraphSpec {
    /// SHA-256, hex, of these nodes and all before them: ids, types, parameters and edges. What comes after, such as the model and its
    /// features, changes no statistic and does not count; neither does the layout of the text,
    /// the order of nodes and of keys included.
    pub fn digest_of<'a>(&self, nodes: impl Iterator<Item = &'a str>) -> String {
        let mut counted: BTreeSet<&str> = nodes.collect();
        loop {
            let parents = self.edges.iter().filter(|edge| counted.contains(edge.to.as_str())).map(|edge| edge.from.as_str());
            let more: Vec<&str> = parents.filter(|parent| !counted.contains(parent)).collect();
            if more.is_empty() {
                break;
            }
            counted.extend(more);
        }
        let nodes = self.nodes.iter().filter(|node| counted.contains(node.id.as_str()));
        let nodes: BTreeMap<_, _> = nodes.map(|node| (&node.id, json!([node.type_name, sorted(&node.params)]))).collect();
        let edges = self.edges.iter().filter(|edge| counted.contains(edge.to.as_str()));
        let edges: Vec<_> = edges.map(|edge| json!([edge.from, edge.to])).collect();
        let text = json!({"nodes": nodes, "edges": edges}).to_string();
        sha256(text.as_bytes())
    }
}

/// A value with the keys of its mappings in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let entries: BTreeMap<&String, Value> = entries.iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), value)).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
