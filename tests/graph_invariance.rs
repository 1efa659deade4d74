//! A row's features and score never depend on which rows share its batch: random schemas, random graphs that end in a model, random rows,
//! random splits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod harness;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use arrow_schema::DataType;
use caz::graph::PlannedNode;
use harness::graph::{EVENTS, FieldOf, GraphAnswer, MODEL, NodeOf, PlannedGraph, models, plan};
use harness::{CaseColumn, Values, every_golden};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

/// How many calls of each operation graphs are made from.
const CALLS: usize = 10;

/// A node that graphs are made from: its parameters name columns that the graph has others for.
struct Template {
    type_name: &'static str,
    params: Value,
    /// Column to frozen statistics.
    frozen: Value,
    /// Name and dtype of the columns that it reads.
    reads: Vec<(String, String)>,
}

/// Every node that a random graph may hold. The Pandas node's are the golden vectors' calls, so a new operation is here by itself; a new
/// type of node is one entry.
static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let mut templates = Vec::new();
    for golden in every_golden() {
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        // The random calls stand last.
        for case in golden["cases"].as_array().unwrap().iter().rev() {
            let count = taken.entry(case["params"]["import"].to_string()).or_default();
            if *count < CALLS {
                *count += 1;
                let frame = &golden["frames"][case["input"].as_u64().unwrap() as usize];
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let reads = frame.as_array().unwrap().iter().map(|column| (text(&column["name"]), text(&column["dtype"]))).collect();
                let frozen = case.get("frozen").cloned().unwrap_or_else(|| json!({}));
                templates.push(Template { type_name: "Pandas", params: case["params"].clone(), frozen, reads });
            }
        }
    }
    templates.extend(OTHERS.iter().flat_map(|other| std::iter::repeat_with(|| other.template()).take(COPIES)));
    templates
});

/// A node of another type than Pandas: its parameters as JSON with `{x}` and `{y}` for the columns that it reads and `{id}` for its name.
struct Other {
    type_name: &'static str,
    params: &'static str,
    /// The dtypes of `x` and `y`.
    reads: &'static [&'static str],
}

/// How often each of the other nodes stands beside the many calls of the Pandas node.
const COPIES: usize = 12;

const OTHERS: [Other; 11] = [
    Other { type_name: "FieldOps", params: r#"{"copy": {"{x}": "{id}_c"}, "default": {"{id}_c": 0}}"#, reads: &["float64"] },
    Other { type_name: "FieldOps", params: r#"{"copy": {"{x}": "{id}_c"}, "cast": {"{id}_c": "int"}}"#, reads: &["float64"] },
    Other {
        type_name: "FieldTrans",
        params: r#"{"fields": {"{id}_e": "if `{x}` > 0.5 then `{x}` / `{y}` else log(`{y}`)"}}"#,
        reads: &["float64", "float64"],
    },
    Other {
        type_name: "FieldTrans",
        params: r#"{"fields": {"{id}_e": "lower(coalesce(`{x}`, 'Ω')) + 'é'", "{id}_l": "len(`{x}`) // 2"}}"#,
        reads: &["object"],
    },
    Other { type_name: "FieldTrans", params: r#"{"fields": {"{id}_e": "int(`{x}`) % 7"}}"#, reads: &["object"] },
    Other { type_name: "Processor", params: r#"{"where": "`{x}` < 250 or `{x}` is null", "reason": "far"}"#, reads: &["float64"] },
    Other { type_name: "Processor", params: r#"{"where": "`{x}` != 'vw'", "otherwise": "reject", "reason": "a vw"}"#, reads: &["object"] },
    Other {
        type_name: "OneHotEncoder",
        params: r#"{"features": ["{x}"], "categories": {"{x}": ["vw", "", "🚗", null]}, "handle_unknown": "ignore"}"#,
        reads: &["object"],
    },
    Other { type_name: "OneHotEncoder", params: r#"{"features": ["{x}"], "categories": {"{x}": [-1, 0, 7]}}"#, reads: &["int64"] },
    Other { type_name: "Split", params: r#"{"train_size": 0.7}"#, reads: &[] },
    Other { type_name: "JsonToDataframe", params: "{}", reads: &[] },
];

impl Other {
    fn template(&self) -> Template {
        let reads = ["x", "y"].iter().zip(self.reads).map(|(name, dtype)| ((*name).to_owned(), (*dtype).to_owned())).collect();
        Template { type_name: self.type_name, params: serde_json::from_str(self.params).unwrap(), frozen: json!({}), reads }
    }
}

/// A random choice of a node, its parents and its columns.
type NodeDraw = (Index, Vec<Index>, Vec<Index>);

fn node_draw() -> impl Strategy<Value = NodeDraw> {
    (any::<Index>(), vec(any::<Index>(), 1..3), vec(any::<Index>(), 6))
}

/// Avro types of fields, whether they can be null.
fn field_types() -> impl Strategy<Value = Vec<(usize, bool)>> {
    vec((0..AVRO.len(), any::<bool>()), 6..12)
}

const AVRO: [&str; 8] = ["double", "float", "long", "int", "string", "boolean", "timestamp-micros", "local-timestamp-micros"];

fn avro_type(index: usize) -> Value {
    match AVRO[index] {
        name if name.contains("timestamp") => json!({"type": "long", "logicalType": name}),
        name => json!(name),
    }
}

const FLOATS: [f64; 12] = [0.0, -0.0, 1.0, -1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 5e-324, 0.1, 2.5, -1e-9];
const INTS: [i64; 10] = [0, 1, -1, 7, i64::MAX, i64::MIN, 1 << 53, -129, 300, 40];
const TEXTS: [&str; 14] =
    ["", "vw", "VW", "a-b-c", "ΑΣ", "İ", "straße", "🚗", " 6 ", "1.5", "nan", "2020-01-02T03:04:05Z", "never seen", "e\u{301}"];

/// A field whose rows' values follow from random numbers; small numbers are the edge cases.
fn field((index, (avro, nullable)): (usize, &(usize, bool)), rows: &[Vec<u64>]) -> FieldOf {
    let draws = || rows.iter().map(|row| row[index]);
    let null = |draw: u64| *nullable && draw % 7 == 3;
    let float = |draw: u64| match FLOATS.get(draw as usize % 29) {
        _ if null(draw) => f64::NAN,
        Some(edge) if *nullable || !edge.is_nan() => *edge,
        _ => (draw % 20_001) as f64 / 16.0 - 300.0,
    };
    let int = |draw: u64| INTS.get(draw as usize % 31).copied().unwrap_or((draw % 120) as i64 - 30);
    let (dtype, values) = match AVRO[*avro] {
        "double" => ("float64", Values::Float64(draws().map(float).collect())),
        "float" => ("float64", Values::Float64(draws().map(|draw| f64::from(float(draw) as f32)).collect())),
        "long" if *nullable => {
            ("float64", Values::Float64(draws().map(|draw| if null(draw) { f64::NAN } else { int(draw) as f64 }).collect()))
        }
        "long" => ("int64", Values::Int(draws().map(|draw| int(draw).into()).collect())),
        "int" if *nullable => {
            ("float64", Values::Float64(draws().map(|draw| if null(draw) { f64::NAN } else { f64::from(int(draw) as i32) }).collect()))
        }
        "int" => ("int64", Values::Int(draws().map(|draw| i128::from(int(draw) as i32)).collect())),
        "boolean" => ("bool", Values::Bool(draws().map(|draw| (!null(draw)).then_some(draw % 2 == 0)).collect())),
        "string" => {
            let text = |draw: u64| TEXTS.get(draw as usize % 19).map_or_else(|| format!("{:x}", draw % 4096), |text| (*text).to_owned());
            ("object", Values::Text(draws().map(|draw| (!null(draw)).then(|| text(draw))).collect()))
        }
        local => {
            let dtype = if local.starts_with("local") { "datetime64[ns]" } else { "datetime64[ns, UTC]" };
            let ns = |draw: u64| (draw % 8_000_000_000) as i64 * 1_000_000_000 - 3_000_000_000_000_000_000;
            (dtype, Values::Time(draws().map(|draw| (!null(draw)).then(|| ns(draw))).collect()))
        }
    };
    let avro = if *nullable { json!(["null", avro_type(*avro)]) } else { avro_type(*avro) };
    let column = CaseColumn { name: format!("f{index}"), dtype: dtype.into(), categories: None, nullable: *nullable, values };
    FieldOf { avro, column }
}

/// The fields, and two more that a model can always read.
fn with_model_fields(fields: impl Iterator<Item = FieldOf>, rows: &[Vec<u64>]) -> Vec<FieldOf> {
    let number = |(index, name): (usize, &str)| {
        let number = field((index, &(0, false)), rows);
        FieldOf { column: CaseColumn { name: name.into(), ..number.column }, ..number }
    };
    fields.chain([(12, "model_a"), (13, "model_b")].map(number)).collect()
}

/// The node that asks the model.
fn model(features: [&str; 2], parent: &str) -> NodeOf {
    let params = json!({"model_id": "linear", "features": features});
    NodeOf { id: MODEL.into(), type_name: "ONNXNode".into(), params, parents: vec![parent.into()] }
}

/// A graph of nodes that the planner accepts, ending in a model; with the statistics of its nodes.
fn build(fields: &[FieldOf], draws: &[NodeDraw]) -> (PlannedGraph, Vec<NodeOf>) {
    let store = models();
    let entry = NodeOf { id: EVENTS.into(), type_name: "JsonToDataframe".into(), params: json!({}), parents: Vec::new() };
    let (mut nodes, mut frozen) = (vec![entry], Map::new());
    let fallback = model(["model_a", "model_b"], EVENTS);
    let planned_with = |nodes: &[NodeOf], last: &NodeOf, frozen: &Map<String, Value>| {
        plan(fields, &[nodes, std::slice::from_ref(last)].concat(), &Value::Object(frozen.clone()), &store)
    };
    let mut planned = planned_with(&nodes, &fallback, &frozen).unwrap_or_else(|found| panic!("{found:?}"));
    for (number, (template, parents, picks)) in draws.iter().enumerate() {
        let id = format!("n{number}");
        let mut of: Vec<String> = parents.iter().map(|parent| parent.get(&nodes).id.clone()).collect();
        of.dedup();
        let template = &TEMPLATES[template.index(TEMPLATES.len())];
        let frames: Vec<&PlannedNode> = planned.plan.nodes().iter().filter(|node| of.contains(&node.id)).collect();
        let Some((params, statistics)) = aimed(template, &frames, picks, &id) else { continue };
        let mut tried = frozen.clone();
        tried.insert(id.clone(), statistics);
        nodes.push(NodeOf { id, type_name: template.type_name.into(), params, parents: of });
        match planned_with(&nodes, &fallback, &tried) {
            Ok(accepted) => (planned, frozen) = (accepted, tried),
            Err(_) => drop(nodes.pop()),
        }
    }
    // The model reads numbers of the last node where it takes them.
    let last = nodes[nodes.len() - 1].id.clone();
    let frame = planned.plan.nodes().iter().find(|node| node.id == last).unwrap().frame.clone();
    let numbers: Vec<&str> = frame
        .columns()
        .iter()
        .filter(|column| column.data_type.is_numeric() || column.data_type == DataType::Boolean)
        .map(|column| column.name.as_ref())
        .collect();
    if let [.., a, b] = numbers.as_slice()
        && let Ok(accepted) = planned_with(&nodes, &model([a, b], &last), &frozen)
    {
        planned = accepted;
    }
    (planned, nodes)
}

/// A template's parameters and statistics on columns that a frame has; `None` when it has none of their types.
fn aimed(template: &Template, frames: &[&PlannedNode], picks: &[Index], id: &str) -> Option<(Value, Value)> {
    let columns = || frames.iter().flat_map(|node| node.frame.columns());
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for ((read, dtype), pick) in template.reads.iter().zip(picks) {
        let fits: Vec<&str> = columns()
            .filter(|column| column.dtype() == *dtype)
            .map(|column| column.name.as_ref())
            .filter(|name| !names.values().any(|taken| taken == name))
            .collect();
        names.insert(read, (!fits.is_empty()).then(|| (*pick.get(&fits)).to_owned())?);
    }
    if template.type_name != "Pandas" {
        let mut params = template.params.to_string().replace("{id}", id);
        for (placeholder, column) in &names {
            // A name is written into JSON, and into an expression between back-quotes.
            let plain = column.chars().all(|character| character.is_alphanumeric() || character == '_');
            params = plain.then(|| params.replace(&format!("{{{placeholder}}}"), column))?;
        }
        return Some((serde_json::from_str(&params).unwrap(), json!({})));
    }
    let name = |text: &str| names.get(text).cloned().unwrap_or_else(|| format!("{id}_{text}"));
    let mut params = template.params.clone();
    if let Some(cols) = params.get_mut("cols") {
        rename(cols, &name);
        // Results get names of their own, so that branches meet without quarrel.
        let into = params.get("into").cloned().unwrap_or_else(|| json!("r"));
        params["into"] = into;
        rename(&mut params["into"], &|text| format!("{id}_{text}"));
    }
    let frame_operation = params.get("cols").is_none();
    if let Some(kwargs) = params.get_mut("kwargs") {
        aim(kwargs, &names, &name);
    }
    if frame_operation && params["import"] == "drop" {
        // Nothing else would be left of small frames.
        return None;
    }
    let mut statistics = template.frozen.clone();
    rename_keys(&mut statistics, &name);
    Some((params, statistics))
}

/// Renames columns where keyword arguments name them.
fn aim(kwargs: &mut Value, names: &BTreeMap<&str, String>, name: &impl Fn(&str) -> String) {
    let Value::Object(entries) = kwargs else { return };
    for (key, value) in entries.iter_mut() {
        match key.as_str() {
            "columns" | "subset" | "labels" | "column" => {
                rename_keys(value, name);
                rename(value, name);
            }
            "prefix" | "dtype" | "value" if value.as_object().is_some_and(|by| by.keys().all(|key| names.contains_key(key.as_str()))) => {
                rename_keys(value, name);
            }
            "arg" | "to_replace" | "values" | "bins" => {}
            _ => aim(value, names, name),
        }
    }
}

/// Renames texts, in lists and as values of mappings too.
fn rename(value: &mut Value, name: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = name(text),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, name)),
        Value::Object(entries) => entries.values_mut().for_each(|value| rename(value, name)),
        _ => {}
    }
}

fn rename_keys(value: &mut Value, name: &impl Fn(&str) -> String) {
    if let Value::Object(entries) = value {
        *entries = entries.iter().map(|(key, value)| (name(key), value.clone())).collect();
    }
}

/// Ranges that cover `rows` rows, cut at `cuts`.
fn split(rows: usize, cuts: &[Index]) -> Vec<Range<usize>> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(rows + 1)).chain([0, rows]).collect();
    ends.sort_unstable();
    ends.dedup();
    ends.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// Scores may differ in the last bits, where ONNX Runtime picks another kernel for another number of rows.
fn near(one: &Values, at: usize, all: &Values, row: usize) -> bool {
    match (one, all) {
        (Values::Float32(one), Values::Float32(all)) => {
            let (one, all) = (one[at], all[row]);
            one == all || (one.is_nan() && all.is_nan()) || (one - all).abs() <= 1e-6 * all.abs().max(1.0)
        }
        _ => one.show(at) == all.show(row),
    }
}

fn fates_within(all: &[(usize, String)], range: &Range<usize>) -> Vec<(usize, String)> {
    all.iter().filter(|(row, _)| range.contains(row)).cloned().collect()
}

fn is_out(answer: &GraphAnswer, row: usize) -> bool {
    answer.rejected.iter().chain(&answer.skipped).any(|(out, _)| *out == row)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_identical_bits(
        types in field_types(),
        draws in vec(node_draw(), 3..12),
        rows in vec(vec(prop_oneof![0..40_u64, any::<u64>()], 14), 1..40),
        cuts in vec(any::<Index>(), 0..6),
    ) {
        let fields = with_model_fields(types.iter().enumerate().map(|typed| field(typed, &rows)), &rows);
        let (mut planned, nodes) = build(&fields, &draws);
        let whole = planned.run(0..rows.len());
        for range in split(rows.len(), &cuts) {
            let part = planned.run(range.clone());
            prop_assert_eq!(&part.rejected, &fates_within(&whole.rejected, &range), "rejected in {:?}: {:#?}", range, nodes);
            prop_assert_eq!(&part.skipped, &fates_within(&whole.skipped, &range), "skipped in {:?}: {:#?}", range, nodes);
            for row in range.clone().filter(|row| !is_out(&whole, *row)) {
                for ((name, one), (_, all)) in part.columns.iter().zip(&whole.columns) {
                    let at = row - range.start;
                    let same = if name == "y" { near(one, at, all, row) } else { one.show(at) == all.show(row) };
                    prop_assert!(same, "column {} row {} in {:?}: {} and {}: {:#?}", name, row, range, one.show(at), all.show(row), nodes);
                }
            }
        }
    }
}

/// The graphs above are made of what they should be: every operation is accepted somewhere.
#[test]
fn every_operation_is_among_the_nodes() {
    let named: Vec<&str> = TEMPLATES.iter().filter_map(|template| template.params["import"].as_str()).collect();
    let missing: Vec<&str> = caz::nodes::operation_pages().map(|page| page.name).filter(|name| !named.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Each of the others is accepted on fields of its types: two doubles, a long, a string.
    let rows = [vec![9; 14], vec![20; 14]];
    let fields: Vec<FieldOf> =
        with_model_fields([0, 0, 2, 4].iter().enumerate().map(|(at, avro)| field((at, &(*avro, false)), &rows)), &rows);
    let entry = NodeOf { id: EVENTS.into(), type_name: "JsonToDataframe".into(), params: json!({}), parents: Vec::new() };
    let last = model(["model_a", "model_b"], EVENTS);
    let planned = plan(&fields, &[entry.clone(), last.clone()], &json!({}), &models()).unwrap_or_else(|found| panic!("{found:?}"));
    let events: Vec<&PlannedNode> = planned.plan.nodes().iter().filter(|node| node.id == EVENTS).collect();
    let pick = any::<Index>().new_tree(&mut TestRunner::deterministic()).unwrap().current();
    for other in &OTHERS {
        let (params, _) = aimed(&other.template(), &events, &[pick; 2], "n").unwrap_or_else(|| panic!("{}: no columns", other.params));
        let node = NodeOf { id: "n".into(), type_name: other.type_name.into(), params, parents: vec![EVENTS.into()] };
        if let Err(found) = plan(&fields, &[entry.clone(), node, last.clone()], &json!({}), &models()) {
            panic!("{}: {found:?}", other.params);
        }
    }
}
