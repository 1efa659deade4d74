//! The digest of what statistics depend on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{GraphSpec, NodeSpec};
use crate::digest::sha256;
use crate::model::ModelStore;
use crate::nodes;

impl GraphSpec {
    /// SHA-256, hex, of these nodes and all before them: ids, types, parameters, models and edges. What comes after, such as most models and
    /// their features, changes no statistic and does not count; neither does the layout of the text, the order of nodes and of most keys
    /// included.
    pub fn digest_of<'a>(&self, ids: impl Iterator<Item = &'a str>, models: &ModelStore) -> String {
        let mut counted: BTreeSet<&str> = ids.collect();
        loop {
            let parents = self.edges.iter().filter(|edge| counted.contains(edge.to.as_str())).map(|edge| edge.from.as_str());
            let more: Vec<&str> = parents.filter(|parent| !counted.contains(parent)).collect();
            if more.is_empty() {
                break;
            }
            counted.extend(more);
        }
        let nodes = self.nodes.iter().filter(|node| counted.contains(node.id.as_str()));
        let told = |node: &NodeSpec| {
            let mut told = vec![json!(node.type_name), sorted(&node.params)];
            let uploaded = nodes::by_name(&node.type_name).and_then(|kind| kind.upload(&node.params));
            let named = || node.params.get("model_id")?.as_str().map(|id| ModelStore::plain_id(id).to_owned());
            let model = uploaded.or_else(named).and_then(|id| models.get(&id).ok());
            told.extend(model.map(|model| json!(model.digest)));
            json!(told)
        };
        let nodes: BTreeMap<_, _> = nodes.map(|node| (&node.id, told(node))).collect();
        let edges = self.edges.iter().filter(|edge| counted.contains(edge.to.as_str()));
        let edges: Vec<_> = edges.map(|edge| json!([edge.from, edge.to])).collect();
        let text = json!({"nodes": nodes, "edges": edges}).to_string();
        sha256(text.as_bytes())
    }
}

/// A value with the keys of its mappings in order, but for those of `assign`, each of which sees the columns before it.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let assigns = entries.get("import").is_some_and(|import| import == "assign");
            let plain = |(key, value): (&String, &Value)| match assigns && key == "kwargs" {
                // A list keeps the order.
                true => value.as_object().into_iter().flatten().map(|(name, value)| json!([name, value])).collect(),
                false => sorted(value),
            };
            let entries: BTreeMap<&String, Value> = entries.iter().map(|entry| (entry.0, plain(entry))).collect();
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), value)).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
