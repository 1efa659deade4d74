//! What a graph gives to its models and what it publishes of their answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/onnx.rs"]
mod onnx;
#[path = "support/pipeline.rs"]
#[allow(dead_code, reason = "each test uses what it needs of it")]
mod pipeline;

use caz::model::{Model, SingleRow};
use onnx::{DOUBLE, FLOAT, FLOAT16, Message, floats, model, node, unary, value};
use pipeline::{Fate, Pipeline};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A store with one model, `m`.
fn store(bytes: &[u8]) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("m.onnx"), bytes).unwrap();
    folder
}

/// A pipeline of nodes in a line, of which one or more ask `m`.
fn pipeline(store: &TempDir, fields: &Value, nodes: &[(&str, Value)]) -> Pipeline {
    Pipeline::new(fields.as_object().unwrap(), store.path().to_str().unwrap(), nodes)
}

/// A model that answers `y`, the negative of a number, and the node that asks it for `a`.
fn negative() -> (TempDir, (&'static str, Value)) {
    (store(&unary("Neg", FLOAT, &[0, 1], &[])), ("ONNXNode", json!({"model_id": "m", "features": ["a"]})))
}

/// The findings of a pipeline with one ONNXNode, which asks a model of these bytes.
fn findings(bytes: &[u8], fields: &Value, features: &Value) -> String {
    pipeline(&store(bytes), fields, &[("ONNXNode", json!({"model_id": "m", "features": features}))]).findings()
}

#[test]
fn an_answer_is_published_as_later_nodes_leave_it() {
    let (store, ask) = negative();
    let doubled = || ("FieldTrans", json!({"fields": {"y": "y * 2"}}));
    for (behind, expected) in [
        (vec![doubled()], json!({"y": -4.0})),
        (vec![doubled(), ("FieldOps", json!({"rename": {"y": "price"}}))], json!({"price": -4.0})),
        (
            vec![("FieldOps", json!({"rename": {"y": "price"}})), ("FieldTrans", json!({"fields": {"price": "price * 2"}}))],
            json!({"price": -4.0}),
        ),
        (vec![("Pandas", json!({"import": "clip", "cols": "y", "kwargs": {"lower": -1}}))], json!({"y": -1.0})),
        (vec![("FieldOps", json!({"cast": {"y": "int"}}))], json!({"y": -2})),
        (vec![("FieldOps", json!({"rename": {"y": "price"}, "default": {"price": 0}, "cast": {"price": "int"}}))], json!({"price": -2})),
        // It is not made of the answer, and takes its place.
        (vec![("FieldTrans", json!({"fields": {"y": "if a > 1 then 1 else 0"}}))], json!({"y": 1})),
        // A copy is no answer, nor is a column that gets the name of one that moved away.
        (vec![("FieldTrans", json!({"fields": {"z": "y"}}))], json!({"y": -2.0})),
        (vec![("FieldOps", json!({"rename": {"y": "z", "a": "y"}}))], json!({"z": -2.0})),
    ] {
        let nodes: Vec<(&str, Value)> = std::iter::once(ask.clone()).chain(behind).collect();
        let fates = pipeline(&store, &json!({"a": "double"}), &nodes).score(&[json!({"a": 2.0})], 1);
        assert_eq!(fates, [Fate::Scored(expected.as_object().unwrap().clone())], "{nodes:?}");
    }
}

#[test]
fn an_output_without_a_column_is_an_error() {
    let (store, ask) = negative();
    for behind in [json!({"drop": ["y"]}), json!({"select": ["a"]})] {
        let findings = pipeline(&store, &json!({"a": "double"}), &[ask.clone(), ("FieldOps", behind)]).findings();
        assert!(findings.contains("error[E0106]: nothing would be published"), "{findings}");
    }
    // Behind a mistake it would be an echo.
    let mistaken = ("ONNXNode", json!({"model_id": "m", "features": ["b"]}));
    let findings = pipeline(&store, &json!({"a": "double"}), &[mistaken, ("FieldOps", json!({"rename": {"y": "z"}}))]).findings();
    assert!(findings.contains("`b`") && findings.matches("error[").count() == 1, "{findings}");
}

#[test]
fn an_output_that_takes_the_place_of_a_column_is_told() {
    let (store, ask) = negative();
    let fields = json!({"a": "double"});
    let again = pipeline(&store, &fields, &[ask.clone(), ask.clone()]).findings();
    assert!(again.contains("warning[E0402]: output `y` of node `node1` takes the place of column `y`, made by `node0`"), "{again}");
    assert!(again.contains("`outputs: {y: other_name}` leaves the column as it is"), "{again}");
    let named = |name: &str| ("ONNXNode", json!({"model_id": "m", "features": ["a"], "outputs": {"y": name}}));
    let field = pipeline(&store, &fields, &[named("a")]).findings();
    assert!(field.contains("output `y` of node `node0` takes the place of column `a`, made by `events`"), "{field}");
    assert_eq!(pipeline(&store, &fields, &[ask, named("z")]).findings(), "");
}

#[test]
fn a_feature_that_is_not_finite_is_a_dead_letter_unless_the_model_takes_it() {
    let per = ("FieldTrans", json!({"fields": {"per": "a / b"}}));
    let rows = [[1.0, 2.0], [1.0, 0.0], [1e39, 1.0], [0.0, 0.0]].map(|[a, b]| json!({"a": a, "b": b}));
    let fates = |element: i64, mut params: Value, batch: usize| {
        let store = store(&unary("Neg", element, &[0, 1], &[]));
        (params["model_id"], params["features"]) = (json!("m"), json!(["per"]));
        pipeline(&store, &json!({"a": "double", "b": "double"}), &[per.clone(), ("ONNXNode", params)]).score(&rows, batch)
    };
    let scored = |y: Value| Fate::Scored(json!({ "y": y }).as_object().unwrap().clone());
    let infinite = |kind: &str, found: &str| {
        let message = format!("the model takes {kind}; expected: a finite number, found: {found}");
        Fate::Rejected("not_finite", Some("per".into()), message)
    };
    let null = || Fate::Rejected("unexpected_null", Some("per".into()), "the feature is null; the model takes numbers only".into());
    for batch in [1, 4] {
        assert_eq!(fates(FLOAT, json!({}), batch), [scored(json!(-0.5)), infinite("float", "inf"), infinite("float", "1e39"), null()]);
        assert_eq!(fates(DOUBLE, json!({}), batch), [scored(json!(-0.5)), infinite("double", "inf"), scored(json!(-1e39)), null()]);
        let taken = fates(FLOAT, json!({"nulls": "nan", "non_finite": null}), batch);
        assert_eq!(taken, [scored(json!(-0.5)), scored(Value::Null), scored(Value::Null), scored(Value::Null)]);
    }
}

#[test]
fn integers_and_items_that_are_not_finite_are_dead_letters() {
    let ask = |store: &TempDir, fields: Value| pipeline(store, &fields, &[("ONNXNode", json!({"model_id": "m", "features": ["a"]}))]);
    let half = store(&unary("Identity", FLOAT16, &[0, 1], &[]));
    let fates = ask(&half, json!({"a": "long"})).score(&[json!({"a": 65504}), json!({"a": 70000})], 2);
    assert!(matches!(fates[0], Fate::Scored(_)), "{fates:?}");
    assert!(matches!(&fates[1], Fate::Rejected("not_finite", Some(field), _) if field == "a"), "{fates:?}");
    let pair = store(&unary("Neg", FLOAT, &[0, 2], &[]));
    let fates = ask(&pair, json!({"a": {"type": "array", "items": "double"}})).score(&[json!({"a": [1, 1e39]}), json!({"a": [1, 2]})], 2);
    assert!(matches!(&fates[0], Fate::Rejected("not_finite", Some(field), _) if field == "a[1]"), "{fates:?}");
    assert!(matches!(fates[1], Fate::Scored(_)), "{fates:?}");
}

/// One column has another name than its input; the others are told by theirs.
#[test]
fn a_column_with_the_name_of_another_input_is_an_error() {
    let names = ["age", "km", "visits"];
    let nodes = names.map(|name| node("Identity", "", &[name], &[&format!("{name}_out")], &[]));
    let outputs = names.map(|name| value(&format!("{name}_out"), FLOAT, &[]));
    let bytes = model(&[("", 17)], &nodes, &names.map(|name| value(name, FLOAT, &[0, 1])), &outputs, &[]);
    let fields = json!({"years": "float", "km": "float", "visits": "float"});
    let swapped = findings(&bytes, &fields, &json!(["years", "visits", "km"]));
    assert!(swapped.contains("error[E0402]: feature 1 is `visits`; model `m` was trained with `km`"), "{swapped}");
    assert!(swapped.contains("`features: {input: column}` says so"), "{swapped}");
    assert_eq!(findings(&bytes, &fields, &json!(["years", "km", "visits"])), "");
    assert_eq!(findings(&bytes, &fields, &json!({"age": "years", "km": "visits", "visits": "km"})), "");
}

#[test]
fn lists_that_do_not_fill_an_input_are_told_why() {
    let list = json!({"type": "array", "items": "float"});
    let rows_second = findings(&unary("Neg", FLOAT, &[16, 0, 2], &[]), &json!({ "x": list }), &json!(["x"]));
    assert!(rows_second.contains("`batch_first=True`"), "{rows_second}");
    let fields = json!({"x": list, "y": list, "z": list});
    let several = findings(&unary("Neg", FLOAT, &[0, 3, 32], &[]), &fields, &json!(["x", "y", "z"]));
    assert!(several.contains("input `x` of model `m` takes 96 features, `features` names 3"), "{several}");
    assert!(several.contains("a list must fill an input alone"), "{several}");
}

#[test]
fn a_model_that_answers_at_random_is_told() {
    let bytes = unary("RandomUniformLike", FLOAT, &[0, 2], &[]);
    let folder = store(&bytes);
    assert_eq!(Model::load("m", &folder.path().join("m.onnx")).unwrap().single_row, Some(SingleRow::Random));
    let findings = findings(&bytes, &json!({"a": "float", "b": "float"}), &json!(["a", "b"]));
    assert!(findings.contains("model `m` answers the same row differently each time"), "{findings}");
}

#[test]
fn what_onnx_runtime_lacks_has_a_mend_of_its_own() {
    let imputer = node("Imputer", "ai.onnx.ml", &["x"], &["y"], &[floats("imputed_value_floats", &[0.0])]);
    let (x, y) = ([value("x", DOUBLE, &[0, 1])], [value("y", DOUBLE, &[0, 1])]);
    let of_doubles = model(&[("", 17), ("ai.onnx.ml", 1)], &[imputer], &x, &y, &[]);
    let of_the_future = Message(unary("Neg", FLOAT, &[0, 1], &[])).number(1, 99).0;
    for (bytes, mend) in [(of_doubles, "(`FloatTensorType`)"), (of_the_future, "with an older file format (`model.ir_version`)")] {
        let findings = findings(&bytes, &json!({"a": "double"}), &json!(["a"]));
        assert!(findings.contains("error[E0401]") && findings.contains(mend), "{findings}");
    }
}
