//! Plans and runs a whole graph on columns: for tests of graphs without Kafka around them.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::{Float32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, PrimitiveArray, cast::AsArray};
use caz::dataset::{DatasetSchema, Frozen, Rows};
use caz::diagnostic::{Diagnostics, Document};
use caz::graph::{EdgeSpec, GraphSpec, NodeSpec, Plan, PlanRequest, Purpose};
use caz::model::ModelStore;
use caz::nodes::Column;
use serde_json::{Value, json};

use super::{CaseColumn, Values, from_array, to_array};

/// The name of the node before all others, and of the model that every graph has.
pub(crate) const EVENTS: &str = "events";
pub(crate) const MODEL: &str = "model";

/// A field of the events.
pub(crate) struct FieldOf {
    /// Its type in Avro.
    pub(crate) avro: Value,
    pub(crate) column: CaseColumn,
}

impl FieldOf {
    /// Its values as a decoder delivers them: an integer can be null there.
    fn array(&self) -> ArrayRef {
        let written = self.avro.as_array().map_or(&self.avro, |union| &union[1]);
        match (&self.column.values, written.as_str()) {
            (Values::Float64(values), Some("long")) => {
                Arc::new(whole(values).map(|value| value.map(|value| value as i64)).collect::<PrimitiveArray<Int64Type>>())
            }
            (Values::Float64(values), Some("int")) => {
                Arc::new(whole(values).map(|value| value.map(|value| value as i32)).collect::<PrimitiveArray<Int32Type>>())
            }
            (Values::Float64(values), Some("float")) => {
                Arc::new(whole(values).map(|value| value.map(|value| value as f32)).collect::<PrimitiveArray<Float32Type>>())
            }
            (Values::Int(values), Some("int")) => {
                Arc::new(values.iter().map(|value| Some(*value as i32)).collect::<PrimitiveArray<Int32Type>>())
            }
            // Decoders deliver what the schema says, microseconds; the graph widens them.
            (Values::Time(values), _) => {
                let zone = self.column.dtype.contains("UTC").then(|| "+00:00".into());
                let micros = values.iter().map(|value| value.map(|value| value.div_euclid(1_000)));
                Arc::new(micros.collect::<PrimitiveArray<TimestampMicrosecondType>>().with_timezone_opt::<Arc<str>>(zone))
            }
            _ => to_array(&self.column),
        }
    }
}

fn whole(values: &[f64]) -> impl Iterator<Item = Option<f64>> + '_ {
    values.iter().map(|value| (!value.is_nan()).then_some(*value))
}

/// A node of a graph.
#[derive(Clone, Debug)]
pub(crate) struct NodeOf {
    pub(crate) id: String,
    pub(crate) type_name: String,
    pub(crate) params: Value,
    pub(crate) parents: Vec<String>,
}

/// A planned graph with the events that it runs on.
pub(crate) struct PlannedGraph {
    pub(crate) plan: Plan,
    fields: Vec<ArrayRef>,
}

/// What a graph made of some rows.
pub(crate) struct GraphAnswer {
    /// Name and values, in the order of the plan's outputs.
    pub(crate) columns: Vec<(String, Values)>,
    /// Row, node and message.
    pub(crate) rejected: Vec<(usize, String)>,
    pub(crate) skipped: Vec<(usize, String)>,
}

/// Plans a graph; when that fails its messages, each with the node that it stands at.
pub(crate) fn plan(
    fields: &[FieldOf],
    nodes: &[NodeOf],
    frozen: &Value,
    models: &ModelStore,
) -> Result<PlannedGraph, Vec<(Option<String>, String)>> {
    let avro: Vec<Value> = fields.iter().map(|field| json!({"name": field.column.name, "type": field.avro})).collect();
    let schema = json!({"type": "record", "name": "Event", "fields": avro});
    let dataset = DatasetSchema::parse_avro(&schema.to_string()).unwrap();
    let text = json!({"nodes": nodes.iter().map(|node| json!({"params": node.params})).collect::<Vec<_>>()}).to_string();
    let document = Document::parse("graph.json", text, &|_| None).unwrap();
    let spec_of = |(index, node): (usize, &NodeOf)| NodeSpec {
        id: node.id.clone(),
        type_name: node.type_name.clone(),
        params: node.params.clone(),
        pointer: format!("/nodes/{index}"),
    };
    let edge = |from: &String, to: &NodeOf| EdgeSpec { from: from.clone(), to: to.id.clone(), pointer: String::new() };
    let spec = GraphSpec {
        document: Arc::clone(&document),
        frozen: None,
        nodes: nodes.iter().enumerate().map(spec_of).collect(),
        edges: nodes.iter().flat_map(|node| node.parents.iter().map(move |from| edge(from, node))).collect(),
    };
    let frozen: Frozen =
        serde_json::from_value(json!({"version": 1, "dataset": {"path": "", "sha256": "", "rows": 0}, "nodes": frozen})).unwrap();
    let build = |columns: &[String]| {
        let mut diagnostics = Diagnostics::new();
        let request = PlanRequest {
            purpose: Purpose::Serve,
            spec: &spec,
            dataset: Some(&dataset),
            frozen: Some(&frozen),
            models,
            document: &document,
            columns: Some(columns),
            pass_through: &[],
        };
        let plan = Plan::build(&request, &mut diagnostics);
        plan.ok_or_else(|| {
            let node = |at: usize| nodes.iter().enumerate().find(|(index, _)| document.span(&format!("/nodes/{index}")).contains(&at));
            let place = |found: &caz::diagnostic::Diagnostic| {
                found.location.as_ref().and_then(|(_, span)| node(span.start)).map(|(_, node)| node.id.clone())
            };
            diagnostics.iter().map(|found| (place(found), found.message.clone())).collect::<Vec<_>>()
        })
    };
    let first = build(&[])?;
    let inner: Vec<&String> = nodes.iter().flat_map(|node| &node.parents).collect();
    let mut columns: Vec<String> = Vec::new();
    let sinks: Vec<_> = first.nodes().iter().filter(|node| !inner.contains(&&node.id)).collect();
    // Of a name that two ends have for different columns, neither can leave.
    let is_one = |column: &Column| sinks.iter().filter_map(|sink| sink.frame.get(&column.name)).all(|other| other.source == column.source);
    for column in sinks.iter().flat_map(|sink| sink.frame.columns()).filter(|column| is_one(column)) {
        if !columns.contains(&column.name.to_string()) {
            columns.push(column.name.to_string());
        }
    }
    let plan = build(&columns)?;
    let fields = plan.projection().iter().map(|field| fields[*field].array()).collect();
    Ok(PlannedGraph { plan, fields })
}

impl PlannedGraph {
    /// Runs some of the rows.
    pub(crate) fn run(&mut self, range: Range<usize>) -> GraphAnswer {
        let fields: Vec<ArrayRef> = self.fields.iter().map(|field| field.slice(range.start, range.len())).collect();
        let (mut rows, mut made) = (Rows::default(), Vec::new());
        rows.reset(range.len());
        self.plan.run(&fields, &mut rows, &mut made);
        let names = self.plan.outputs().iter().map(|output| output.name.clone());
        let told = |row: usize, text: String| (range.start + row, text);
        let mut rejected: Vec<_> =
            rows.rejected().map(|(row, why)| told(row, format!("{:?} {:?} {}", why.node, why.field, why.message))).collect();
        let mut skipped: Vec<_> = rows.skipped().map(|(row, why)| told(row, why.to_owned())).collect();
        rejected.sort();
        skipped.sort();
        GraphAnswer { columns: names.zip(made.iter().map(values)).collect(), rejected, skipped }
    }
}

/// The values of an array; integers with nulls are floats, as in pandas.
fn values(array: &ArrayRef) -> Values {
    match array.data_type() {
        arrow_schema::DataType::Int64 if array.null_count() > 0 => {
            Values::Float64(array.as_primitive::<Int64Type>().iter().map(|value| value.map_or(f64::NAN, |value| value as f64)).collect())
        }
        arrow_schema::DataType::Int32 if array.null_count() > 0 => {
            Values::Float64(array.as_primitive::<Int32Type>().iter().map(|value| value.map_or(f64::NAN, f64::from)).collect())
        }
        _ => from_array(array),
    }
}

/// The two fields that the model reads, and the nodes that every graph has: the events, and the model that reads those fields.
pub(crate) fn with_model(mut fields: Vec<FieldOf>, mut nodes: Vec<NodeOf>, rows: usize) -> (Vec<FieldOf>, Vec<NodeOf>) {
    for name in ["model_a", "model_b"] {
        let column = CaseColumn {
            name: name.into(),
            dtype: "float64".into(),
            categories: None,
            nullable: false,
            values: Values::Float64((0..rows).map(|row| row as f64).collect()),
        };
        fields.push(FieldOf { avro: json!("double"), column });
    }
    let entry = NodeOf { id: EVENTS.into(), type_name: "JsonToDataframe".into(), params: json!({}), parents: Vec::new() };
    let model = NodeOf {
        id: MODEL.into(),
        type_name: "ONNXNode".into(),
        params: json!({"model_id": "linear", "features": ["model_a", "model_b"]}),
        parents: vec![EVENTS.into()],
    };
    nodes.insert(0, entry);
    nodes.push(model);
    (fields, nodes)
}

/// The models of tests.
pub(crate) fn models() -> ModelStore {
    ModelStore::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models"))
}
