//! What is said of mistakes, whole.

use serde_json::{Value, json};

use crate::pipeline::{FEATURES, Pipeline, iris_fields, line_of, node};

/// What is found in a graph of one node, and a model behind it.
fn findings(type_name: &str, params: Value) -> String {
    let onnx = node("onnx", "ONNXNode", json!({"model_id": "iris/logistic-regression", "features": FEATURES}));
    let start = node("df", "JsonToDataframe", json!({}));
    let under_test = node("n", type_name, params.clone());
    let nodes = match type_name {
        "Receiver" | "Simulator" | "JsonToDataframe" => vec![under_test, onnx],
        _ => vec![start, under_test, onnx],
    };
    let found = Pipeline::new(&iris_fields(), &line_of(&nodes), &[]).findings();
    format!("{type_name} {params}\n{found}\n")
}

#[test]
fn every_mistake_is_named() {
    let calls = [
        ("JsonToDataframe", json!({"json_payload": "{"})),
        ("JsonToDataframe", json!({"json_payload": [1]})),
        (
            "JsonToDataframe",
            json!({"json_payload": {"sepal_lenght": {"0": 1}, "sepal_width": {"0": "x", "1": null}, "species": {"0": null}, "petal_width": 3}}),
        ),
        ("Receiver", json!({"topic": "trees", "format": "avro", "schema": "other.avsc", "group": "g"})),
        ("Receiver", json!({"topic": "trees", "format": "avro", "schema": "other.avsc"})),
        ("Simulator", json!({"rate": -1, "seed": "x"})),
        ("Split", json!({"train_size": 0.7, "test_size": 0.4})),
        ("Split", json!({"train_size": 0, "test_size": 1.5})),
        ("ModelUpload", json!({"model_path": "roses.onnx"})),
        ("ModelUpload", json!({"model_path": "iris.onnx", "model_id": "../iris"})),
        ("ModelUpload", json!({"model_path": "iris.onnx", "model_id": "car-insurance/random-forest"})),
        ("ModelUpload", json!({})),
        ("ScikitLearn", json!({"features": ["sepal_length", "species"], "label": "species", "model_path": "iris.onnx"})),
        ("ScikitLearn", json!({"features": FEATURES, "model_path": "roses.onnx", "mode": "validate"})),
        ("ScikitLearn", json!({"features": FEATURES, "model_path": "roses.onnx", "mode": "test"})),
        ("OneHotEncoder", json!({"features": ["species"]})),
        ("OneHotEncoder", json!({"features": ["speces", "species", "species"], "categories": [["a"], ["a", "a"]], "drop": ["a"]})),
        (
            "OneHotEncoder",
            json!({
                "features": ["species", "sepal_length"],
                "categories": {"species": ["a", 1], "sepal_length": [2, 1, "inf"], "x": []},
                "handle_unknown": "infrequent_if_exist",
                "min_frequency": 3,
                "max_categories": 2,
                "dtype": "str"
            }),
        ),
        ("OneHotEncoder", json!({"features": ["species"], "categories": [["a", "b"]], "drop": ["c"]})),
        ("OneHotEncoder", json!({"features": ["species"], "categories": [["a", "None", null]]})),
        (
            "FieldOps",
            json!({
                "select": ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"],
                "drop": ["specis"],
                "copy": {"sepal_lenght": "x", "species": ["sepal_length", ""]},
                "rename": {"y": "z", "species": ""},
                "default": {"species": 3, "sepal_width": null},
                "cast": {"species": "category", "z": "int", "q": "int"}
            }),
        ),
        ("FieldOps", json!({"cast": {"species": "integer"}, "keep": []})),
        ("FieldOps", json!({"rename": {"sepal_length": "sepal_width"}})),
    ];
    let found: Vec<String> = calls.into_iter().map(|(type_name, params)| findings(type_name, params)).collect();
    insta::assert_snapshot!("every_mistake_is_named", found.join("\n"));
}

#[test]
fn mistakes_between_nodes_are_named() {
    let onnx = |id: &str, model: Value| {
        let mut params = json!({"features": FEATURES});
        if !model.is_null() {
            params["model_id"] = model;
        }
        node(id, "ONNXNode", params)
    };
    let start = || node("df", "JsonToDataframe", json!({}));
    let upload = |id: &str, model: &str| node(id, "ModelUpload", json!({"model_path": "iris.onnx", "model_id": model}));
    let graphs = [
        ("no model is named", line_of(&[start(), onnx("onnx", json!(null))])),
        ("two models", line_of(&[start(), upload("a", "one"), upload("b", "two"), onnx("onnx", json!(null))])),
        (
            "a failed upload is told once",
            line_of(&[start(), node("u", "ModelUpload", json!({"model_path": "no.onnx"})), onnx("onnx", json!(null))]),
        ),
        ("an edge to a source", line_of(&[start(), node("in", "Receiver", json!({})), onnx("onnx", json!("iris/logistic-regression"))])),
        (
            "no edge to a node",
            json!({"nodes": [start(), node("s", "Split", json!({})), onnx("onnx", json!("iris/logistic-regression"))], "edges": [["df", "onnx"]]}),
        ),
    ];
    let found: Vec<String> =
        graphs.into_iter().map(|(what, graph)| format!("{what}\n{}\n", Pipeline::new(&iris_fields(), &graph, &[]).findings())).collect();
    insta::assert_snapshot!("mistakes_between_nodes", found.join("\n"));
}
