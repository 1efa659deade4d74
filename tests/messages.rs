//! Every message of planning, whole: those of graphs and models, and those of pandas operations on columns they cannot take.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod pages;

use std::fmt::Write;

use caz::diagnostic::{Diagnostics, Document};
use caz::model::ModelStore;
use caz::reference::{Example, Trial, TrialError};
use pages::findings;
use serde_json::{Value, json};

const JSON: &str = "{id: json_df, type: JsonToDataframe}";
const FILL: &str = "{id: fill, type: Pandas, params: {import: fillna, cols: age, kwargs: {value: 40}}}";
const ONNX: &str = "{id: onnx, type: ONNXNode, params: {model_id: quote, features: [price, age]}}";

/// Name and text of files beside a pipeline.
type Files = &'static [(&'static str, &'static str)];

fn graph(nodes: &[&str], edges: &str) -> String {
    let nodes: String = nodes.iter().map(|node| format!("    - {node}\n")).collect();
    format!("graph:\n  nodes:\n{nodes}  edges: {edges}\n")
}

/// A graph whose model has these parameters.
fn model(params: &str) -> String {
    graph(&[JSON, FILL, &format!("{{id: onnx, type: ONNXNode, params: {{{params}}}}}")], "[[json_df, fill], [fill, onnx]]")
}

fn clip(id: &str, into: &str) -> String {
    format!("{{id: {id}, type: Pandas, params: {{import: clip, cols: age, into: {into}, kwargs: {{upper: 25}}}}}}")
}

#[test]
fn of_graphs_and_models() {
    let line = "[[json_df, fill], [fill, onnx]]";
    let good = graph(&[JSON, FILL, ONNX], line);
    let cases: Vec<(&str, String, Files)> = vec![
        ("an edge twice", graph(&[JSON, FILL, ONNX], "[[json_df, fill], [fill, onnx], [fill, onnx]]"), &[]),
        ("an id twice", graph(&[JSON, FILL, FILL, ONNX], line), &[]),
        ("no model", graph(&[JSON, FILL], "[[json_df, fill]]"), &[]),
        ("no way to a node", graph(&[JSON, FILL, ONNX], "[[json_df, onnx]]"), &[]),
        (
            "a way to an entry",
            graph(&[JSON, FILL, ONNX, "{id: more, type: Receiver}"], "[[json_df, fill], [fill, onnx], [fill, more]]"),
            &[],
        ),
        ("an edge from nowhere", graph(&[JSON, FILL, ONNX], "[[json, fill], {from: fill, to: onxx}]"), &[]),
        (
            "a node that nobody uses",
            graph(&[JSON, FILL, &clip("young", "young"), ONNX], "[[json_df, fill], [fill, young], [young, onnx]]"),
            &[],
        ),
        (
            "two columns of one name",
            graph(
                &[JSON, FILL, &clip("one", "part"), &clip("two", "part"), ONNX],
                "[[json_df, fill], [fill, one], [fill, two], [one, onnx], [two, onnx]]",
            ),
            &[],
        ),
        ("two fields of one name", format!("output: {{topic: scores, columns: [price], pass_through: [price]}}\n{good}"), &[]),
        ("an output that is not made", format!("output: {{topic: scores, columns: [probabilty]}}\n{good}"), &[]),
        (
            "an output without a name in Avro",
            format!(
                "output: {{topic: scores, format: avro, columns: [\"0 to 1\"]}}\n{}",
                model("model_id: quote, features: [price, age], outputs: {probability: 0 to 1}")
            ),
            &[],
        ),
        ("text as a feature", model("model_id: quote, features: [price, city]"), &[]),
        ("times as a feature", model("model_id: quote, features: [price, at]"), &[]),
        (
            "a feature of another type",
            graph(
                &[
                    JSON,
                    "{id: names, type: Pandas, params: {import: rename, kwargs: {columns: {age: years, city: age, at: price, price: at}}}}",
                    ONNX,
                ],
                "[[json_df, names], [names, onnx]]",
            ),
            &[],
        ),
        ("too few features for the inputs", model("model_id: visits, features: [age]"), &[]),
        (
            "a null that an input cannot take",
            graph(
                &[
                    JSON,
                    "{id: flag, type: Pandas, params: {import: str.contains, cols: city, into: seen, kwargs: {pat: G}}}",
                    "{id: onnx, type: ONNXNode, params: {model_id: visits, features: [price, seen], nulls: nan}}",
                ],
                "[[json_df, flag], [flag, onnx]]",
            ),
            &[],
        ),
        ("too few features", model("model_id: quote, features: [price]"), &[]),
        ("an output that the model does not have", model("model_id: quote, features: [price, age], outputs: {probabilty: sale}"), &[]),
        ("too many names of an output", model("model_id: quote, features: [price, age], outputs: {probability: [no, yes]}"), &[]),
        ("nulls that are rejected", graph(&[JSON, ONNX], "[[json_df, onnx]]"), &[]),
        ("a model outside of the store", model("model_id: ../quote, features: [price, age]"), &[]),
        (
            "a model that is none",
            format!("model_store: .\n{}", model("model_id: broken, features: [price, age]")),
            &[("broken.onnx", "no model")],
        ),
        ("statistics that are not there", good.replace("graph:\n", "graph:\n  frozen: frozen.json\n"), &[]),
        ("statistics that are none", good.replace("graph:\n", "graph:\n  frozen: frozen.json\n"), &[("frozen.json", "[]")]),
        (
            "statistics of a graph beside the pipeline",
            "graph: {dsl: graph.json, frozen: frozen.json}\n".to_owned(),
            &[(
                "graph.json",
                r#"{"edge": {"applicationDsl": {"nodes": [
                    {"id": "json_df", "type": "JsonToDataframe"},
                    {"id": "fill", "type": "Pandas", "params": {"import": "fillna", "cols": "age", "kwargs": {"value": {"frozen": "mean"}}}},
                    {"id": "onnx", "type": "ONNXNode", "params": {"model_id": "quote", "features": ["price", "age"]}}
                ], "edges": [["json_df", "fill"], ["fill", "onnx"]]}}}"#,
            )],
        ),
        ("a schema of XDM that is not there", format!("input: {{topic: a, group: b, format: xdm, schema: none.json}}\n{good}"), &[]),
        (
            "mistakes in a graph whose schema is not there",
            format!(
                "input: {{topic: a, group: b, format: json, schema: none.avsc}}\n{}",
                graph(
                    &[JSON, FILL, "{id: onnx, type: ONNXNode, params: {model_id: quota, features: [price, age], nul: nan}}"],
                    "[[json_df, fill], [fil, onnx]]"
                )
            ),
            &[],
        ),
        (
            "cycles",
            graph(
                &[JSON, &clip("a", "x"), &clip("b", "x"), &clip("c", "x"), &clip("d", "x"), &clip("e", "x"), FILL, ONNX],
                "[[json_df, a], [a, b], [b, a], [b, c], [c, d], [d, c], [e, e], [d, onnx], [json_df, fill]]",
            ),
            &[],
        ),
        (
            "a schema with a default of another type",
            format!("input: {{topic: a, group: b, format: json, schema: bad.avsc}}\n{good}"),
            &[("bad.avsc", r#"{"type": "record", "name": "E", "fields": [{"name": "price", "type": "double", "default": "x"}]}"#)],
        ),
        ("no time between commits", format!("delivery: {{commit_interval: 0s}}\n{good}"), &[]),
        (
            "variables in variables",
            format!("kafka: {{bootstrap.servers: \"${{A:-${{B}}}}\", ssl.ca.location: \"${{A:+B}}\"}}\n{good}"),
            &[],
        ),
    ];
    let mut all = String::new();
    for (title, example, files) in &cases {
        let files: Vec<(String, String)> = files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
        let shown = findings(example, &files, |found, relative| {
            assert!(!found.is_empty(), "nothing is found: {title}");
            relative(found.render(false))
        });
        let _ = writeln!(all, "==== {title}\n{}", shown.replace("HERE/", ""));
    }
    insta::assert_snapshot!(all);
}

/// What is found in a call of the Pandas node.
fn mistakes(params: &Value) -> Diagnostics {
    let fields = json!({
        "age": "double?", "brand": "string?", "count": "long", "when": "timestamp-millis?", "then": "timestamp-millis", "flag": "boolean?",
        "sure": "boolean",
    });
    mistakes_on(&fields, params)
}

fn mistakes_on(fields: &Value, params: &Value) -> Diagnostics {
    let example = json!({
        "about": "",
        "fields": fields,
        "params": params,
        "frozen": {"when": {"categories": ["2024-05-01"]}, "brand": {"categories": ["a", "b"]}},
        "rows": [],
    });
    let (example, document): (Example, _) = Example::read("call.yaml", &example.to_string()).unwrap();
    let _: &Document = &document;
    match Trial::plan(&example, "Pandas", &document, &ModelStore::new("")) {
        Ok(_) => panic!("no mistake in {params}"),
        Err(TrialError::Plan(found)) => found,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn of_constants_that_are_no_time_mark_the_constant() {
    let calls = [
        ("eq", json!({"other": "soon"})),
        ("between", json!({"left": "soon", "right": "2024-05-01T00:00:00Z"})),
        ("between", json!({"left": "2024-05-01T00:00:00Z", "right": "soon"})),
        ("where", json!({"cond": {"gt": "soon"}})),
    ];
    for (import, kwargs) in calls {
        let found = mistakes(&json!({"import": import, "cols": "when", "kwargs": kwargs}));
        let places = found.iter().map(|found| {
            let (document, span) = found.location.as_ref().unwrap();
            document.text()[span.clone()].trim_matches('"')
        });
        assert_eq!(places.collect::<Vec<_>>(), ["soon"], "{import} {kwargs}");
    }
}

#[test]
fn of_operations_on_columns_that_they_cannot_take() {
    let on = |import: &str, cols: &str, kwargs: Value| json!({"import": import, "cols": cols, "kwargs": kwargs});
    let bins = json!({"import": "cut", "cols": "age", "into": "band", "kwargs": {"bins": [0, 20, 120], "labels": ["young", "old"]}});
    let band = |step: Value| json!({"steps": [bins, step]});
    let unsigned = |step: Value| json!({"steps": [on("astype", "count", json!({"dtype": "uint64"})), step]});
    let calls = [
        on("to_numeric", "when", json!({})),
        on("to_datetime", "flag", json!({})),
        on("to_datetime", "brand", json!({"format": "%Y-%m-%d %z", "errors": "coerce"})),
        on("round", "brand", json!({})),
        on("where", "age", json!({"cond": {"column": "flag"}})),
        json!({"steps": [on("astype", "count", json!({"dtype": "int8"})), on("where", "count", json!({"cond": {"gt": 0}, "other": 300}))]}),
        on("where", "brand", json!({"cond": {"eq": "a"}, "other": 1})),
        band(on("where", "band", json!({"cond": {"column": "sure"}, "other": "older"}))),
        band(on("where", "band", json!({"cond": {"column": "sure"}, "other": 1}))),
        on("clip", "brand", json!({"lower": 0})),
        band(on("replace", "band", json!({"to_replace": "young", "value": "old"}))),
        on("cut", "brand", json!({"bins": [0, 1]})),
        json!({"import": "dropna", "kwargs": {"how": "any", "thresh": 1}}),
        on("fillna", "age", json!({"value": null})),
        on("fillna", "when", json!({"value": "soon"})),
        on("where", "when", json!({"cond": {"column": "sure"}, "other": "soon"})),
        on("replace", "when", json!({"to_replace": {"2024-05-01": 1}})),
        json!({"steps": [on("map", "brand", json!({"arg": {"a": "b"}})), on("fillna", "brand", json!({"value": 1}))]}),
        band(on("fillna", "band", json!({"value": "older"}))),
        json!({"import": "get_dummies", "kwargs": {"columns": ["when"]}}),
        json!({"steps": []}),
        json!({"cols": "age", "steps": [on("abs", "age", json!({}))]}),
        on("fillna", "ag", json!({"value": 1})),
        json!({"import": "fillna", "cols": ["age", "agee", "ag"], "kwargs": {"value": 1}}),
        json!({"steps": [on("fillna", "agee", json!({"value": 1})), on("str.lower", "age", json!({})), on("abs", "aege", json!({}))]}),
        json!({"import": "select_dtypes", "kwargs": {}}),
        on("assign", "age", json!({"double": "age * 2"})),
        on("eval", "age", json!({"expr": "double = age * 2"})),
        on("query", "age", json!({"expr": "age > 2"})),
        band(on("lt", "band", json!({"other": "old"}))),
        on("eq", "count", json!({"other": "one"})),
        on("isin", "when", json!({"values": [1]})),
        on("map", "when", json!({"arg": {"1": 2}})),
        on("astype", "when", json!({"dtype": "str"})),
        on("astype", "when", json!({"dtype": "int32"})),
        on("astype", "count", json!({"dtype": "category"})),
        on("str.contains", "brand", json!({"pat": "((("})),
        on("str.contains", "brand", json!({"pat": "\\w{200}{200}{200}"})),
        on("add", "when", json!({"other": 1})),
        unsigned(on("floordiv", "count", json!({"other": 2}))),
        unsigned(on("mod", "count", json!({"other": {"column": "count"}}))),
        unsigned(on("eq", "count", json!({"other": 10_000_000_000_000_000_000_u64}))),
        unsigned(on("isin", "count", json!({"values": [1, 10_000_000_000_000_000_000_u64]}))),
        unsigned(on("map", "count", json!({"arg": {"10000000000000000000": 1}}))),
        unsigned(on("replace", "count", json!({"to_replace": {"10000000000000000000": 1}}))),
        unsigned(on("replace", "count", json!({"to_replace": 1, "value": 10_000_000_000_000_000_000_u64}))),
        unsigned(on("where", "count", json!({"cond": {"gt": 1}, "other": 10_000_000_000_000_000_000_u64}))),
        on("abs", "brand", json!({})),
        on("log", "flag", json!({})),
    ];
    let mut all = String::new();
    for call in &calls {
        let _ = writeln!(all, "==== {call}");
        for found in mistakes(call).iter() {
            let _ = writeln!(all, "{} {}", found.code, found.message);
            found.notes.iter().for_each(|note| all.push_str(&format!("  note: {note}\n")));
            found.help.iter().for_each(|help| all.push_str(&format!("  help: {help}\n")));
        }
    }
    insta::assert_snapshot!(all);
}

/// What pandas holds as Python objects: each refusal names what works, whatever the operation would tell for other columns.
#[test]
fn of_objects_name_the_way() {
    let fields = json!({
        "price": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2},
        "born": {"type": "int", "logicalType": "date"},
        "clock": {"type": "int", "logicalType": "time-millis"},
        "tags": {"type": "array", "items": "string"},
        "raw": "bytes",
        "ids": {"type": "map", "values": "long"},
    });
    let calls = [
        ("add", json!({"other": 1})),
        ("eq", json!({"other": 1})),
        ("isin", json!({"values": [1]})),
        ("round", json!({})),
        ("dt.hour", json!({})),
        ("str.len", json!({})),
        ("astype", json!({"dtype": "bool"})),
        ("where", json!({"cond": {"eq": 1}})),
    ];
    let ways = [
        ("price", "convert it with `astype` first, to float64, int64 or str"),
        ("born", "convert it with `to_datetime` first, or with `astype` to str"),
        ("clock", "convert it with `astype` to str first: `str.slice` takes the parts of a text such as 12:30:00"),
        ("tags", "no operation takes a list: only a model does, as the whole of one input"),
        ("raw", "no operation takes it: let the event bring what the graph needs in a field of its own"),
        ("ids", "no operation takes it: let the event bring what the graph needs in a field of its own"),
    ];
    for (column, way) in ways {
        for (import, kwargs) in &calls {
            let found = mistakes_on(&fields, &json!({"import": import, "cols": column, "kwargs": kwargs}));
            let help: Vec<&str> = found.iter().flat_map(|found| &found.help).map(String::as_str).collect();
            assert_eq!(help, [way], "{import} of {column}");
        }
    }
    // Of the whole frame a decimal alone can equal a number.
    let found = mistakes_on(&fields, &json!({"import": "replace", "kwargs": {"to_replace": 0, "value": 1}}));
    let help: Vec<&str> = found.iter().flat_map(|found| &found.help).map(String::as_str).collect();
    assert_eq!(help, [ways[0].1]);
}

#[test]
fn of_types_keep_the_names_of_members() {
    let person = json!({"type": "record", "name": "Person", "fields": [{"name": "lastName", "type": "string"}]});
    let found = mistakes_on(&json!({"people": {"type": "array", "items": person}}), &json!({"import": "abs", "cols": "people"}));
    let message = &found.iter().next().unwrap().message;
    assert!(message.contains("of type list(non-null struct(\"lastName\": non-null utf8)"), "{message}");
}
