//! `caz fit` against what pandas learns itself: `tests/golden/pandas/fitted.json.gz`, written by `tests/golden/fitted.py`.
//!
//! Each column is written as a dataset, fitted, and run with what was frozen: the statistic and the answer have pandas' bits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod harness;

use std::collections::BTreeMap;
use std::path::Path;

use caz::fit::{Options, fit};
use caz::stream::Assembly;
use harness::{Case, Planned, Values, read_golden};
use serde_json::{Value, json};

/// A case with the name of its column and node.
struct Golden<'a> {
    name: String,
    record: &'a Value,
    case: Case,
}

impl<'a> Golden<'a> {
    fn read(index: usize, record: &'a Value) -> Self {
        let mut input = record["input"].clone();
        input["name"] = "x".into();
        let with_params = json!({"params": params("x", record), "input": 0, "output": record["output"]});
        Self { name: format!("x{index}"), record, case: Case::read(&with_params, &[json!([input])]) }
    }
}

/// The call on a column of this name.
fn params(column: &str, record: &Value) -> Value {
    let mut params = record["params"].clone();
    if params["import"] == "get_dummies" {
        params["kwargs"]["columns"] = json!([column]);
    } else {
        params["cols"] = column.into();
    }
    params
}

/// A pipeline with a node for each case; fitting needs no model.
fn pipeline(cases: &[Golden<'_>]) -> String {
    // JsonToDataframe makes a float32 field float64.
    let single = cases.iter().filter(|case| case.case.input[0].dtype == "float32");
    let types: serde_json::Map<String, Value> = single.map(|case| (case.name.clone(), "float32".into())).collect();
    let types = json!({"import": "astype", "kwargs": {"dtype": types}});
    let mut nodes = vec![json!({"id": "event", "type": "JsonToDataframe"}), json!({"id": "types", "type": "Pandas", "params": types})];
    nodes.extend(cases.iter().map(|case| json!({"id": case.name, "type": "Pandas", "params": params(&case.name, case.record)})));
    nodes.push(json!({"id": "model", "type": "ONNXNode", "params": {"model_id": "none", "features": ["x"]}}));
    let edges: Vec<Value> = nodes.windows(2).map(|pair| json!([pair[0]["id"], pair[1]["id"]])).collect();
    json!({
        "name": "p",
        "input": {"topic": "in", "group": "g", "format": "json", "schema": "x.avsc"},
        "graph": {"nodes": nodes, "edges": edges},
        "output": {"topic": "out"},
        "dead_letters": {"topic": "dead"},
        "kafka": {"bootstrap.servers": "none:9092"},
    })
    .to_string()
}

fn schema(cases: &[Golden<'_>]) -> String {
    let kind = |dtype: &str| match dtype {
        "float64" => json!(["null", "double"]),
        "float32" => json!(["null", "float"]),
        "int64" => json!("long"),
        _ => json!(["null", "string"]),
    };
    let fields: Vec<Value> = cases.iter().map(|case| json!({"name": case.name, "type": kind(&case.case.input[0].dtype)})).collect();
    json!({"type": "record", "name": "Row", "fields": fields}).to_string()
}

fn json_lines(cases: &[Golden<'_>]) -> String {
    let rows = cases[0].case.rows;
    let row = |row: usize| {
        let members = cases.iter().map(|case| (case.name.clone(), value(&case.case.input[0].values, row)));
        format!("{}\n", Value::Object(members.collect()))
    };
    (0..rows).map(row).collect()
}

fn value(values: &Values, row: usize) -> Value {
    match values {
        Values::Float64(values) => (!values[row].is_nan()).then_some(values[row]).into(),
        // The digits of a float32, which a decoder reads back to the same bits.
        Values::Float32(values) => (!values[row].is_nan()).then(|| values[row].to_string().parse::<f64>().unwrap()).into(),
        Values::Int(values) => (values[row] as i64).into(),
        Values::Text(values) => values[row].clone().into(),
        other => panic!("no dataset of {other:?}"),
    }
}

/// As `tests/golden/fitted.py` writes statistics.
fn encoded(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => json!({"bits": format!("{:016x}", number.as_f64().unwrap().to_bits())}),
        Value::Array(values) => values.iter().map(encoded).collect(),
        other => other.clone(),
    }
}

/// Fits all cases at once; they have the same number of rows.
fn fit_all(folder: &Path, cases: &[Golden<'_>]) -> Value {
    std::fs::write(folder.join("p.yaml"), pipeline(cases)).unwrap();
    std::fs::write(folder.join("x.avsc"), schema(cases)).unwrap();
    let dataset = folder.join("rows.jsonl");
    std::fs::write(&dataset, json_lines(cases)).unwrap();
    let assembly = Assembly::load_to_fit(&folder.join("p.yaml")).unwrap_or_else(|found| panic!("{}", found.render(false)));
    let fitted = fit(&assembly, &dataset, Options::default(), &mut |_| {}).unwrap_or_else(|error| panic!("{error}"));
    // The same with so little memory that nearly everything is in temporary files.
    let small = Options { memory_bytes: 200 * cases.len(), ..Options::default() };
    let spilled = fit(&assembly, &dataset, small, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(fitted.frozen, spilled.frozen);
    serde_json::to_value(&fitted.frozen.nodes).unwrap()
}

fn check(golden: &mut Golden<'_>, frozen: &Value) -> Result<(), String> {
    let Golden { name, record, case } = golden;
    let frozen = &frozen[&*name][&*name];
    let ours = encoded(&frozen[record["statistic"].as_str().unwrap()]);
    if ours != record["value"] {
        return Err(format!("froze {frozen}, pandas has {}", record["value"]));
    }
    case.frozen = json!({"x": frozen});
    let answer = Planned::new(case)?.run(case, 0..case.rows);
    if let Some(row) = answer.rejected.first() {
        return Err(format!("row {row} is rejected"));
    }
    for (column, expected) in answer.columns.iter().zip(&case.output) {
        let differs = |row: &usize| column.show(*row) != expected.values.show(*row);
        if let Some(row) = (0..case.rows).find(differs) {
            let (ours, theirs) = (column.show(row), expected.values.show(row));
            return Err(format!("column `{}` row {row}: {ours}, pandas has {theirs}", expected.name));
        }
    }
    if answer.columns.len() == case.output.len() { Ok(()) } else { Err(format!("{} columns", answer.columns.len())) }
}

#[test]
fn statistics_and_answers_have_the_bits_of_pandas() {
    let golden = read_golden("fitted");
    let records = golden["cases"].as_array().unwrap();
    let mut by_rows: BTreeMap<usize, Vec<Golden<'_>>> = BTreeMap::new();
    for (index, record) in records.iter().enumerate() {
        let case = Golden::read(index, record);
        by_rows.entry(case.case.rows).or_default().push(case);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut failures = Vec::new();
    for cases in by_rows.values_mut() {
        let frozen = fit_all(folder.path(), cases);
        for case in cases {
            if let Err(failure) = check(case, &frozen) {
                failures.push(format!("{}, {}: {failure}", case.name, case.case.params));
            }
        }
    }
    let shown = failures[..failures.len().min(20)].join("\n");
    assert!(failures.is_empty(), "{} of {} differ from pandas\n{shown}", failures.len(), records.len());
}
