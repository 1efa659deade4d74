//! Whole graphs, as notebooks write them.

use std::process::Command;

use serde_json::{Value, json};

use crate::pipeline::{FEATURES, Pipeline, field, iris_fields, line_of, node, root};

/// The line of the documentation: training's nodes are in it, and in a scorer they let rows pass or score.
fn documented() -> Value {
    let outputs = json!({"label": "trained", "probabilities": ["t0", "t1", "t2"]});
    let training = json!({"model": "sklearn.linear_model.LogisticRegression", "model_params": {"solver": "newton-cg"}});
    line_of(&[
        node("receiver", "Receiver", json!({"topic": "flowers", "format": "json", "schema": "schema.avsc"})),
        node("json_df", "JsonToDataframe", json!({"json_payload": "{\"sepal_length\": {\"0\": 5.8}, \"species\": {\"0\": null}}"})),
        node("species", "Pandas", json!({"import": "fillna", "cols": "species", "kwargs": {"value": "unknown"}})),
        node("split", "Split", json!({"train_size": 0.7, "test_size": 0.3})),
        node(
            "train",
            "ScikitLearn",
            json!({"features": FEATURES, "label": "species", "mode": "train", "model_path": "iris.onnx", "params": training, "outputs": outputs}),
        ),
        node("upload", "ModelUpload", json!({"model_path": "iris.onnx"})),
        node("onnx", "ONNXNode", json!({"features": FEATURES})),
    ])
}

/// The flowers of the training data, and what scikit-learn answers: label and probabilities.
fn flowers() -> (Vec<Value>, Vec<(i64, Vec<f64>)>) {
    let mut reader = csv::Reader::from_path(root().join("models/iris/expected.csv")).unwrap();
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        let number = |at: usize| row[at].parse::<f64>().unwrap();
        let event = json!({"sepal_length": number(0), "sepal_width": number(1), "petal_length": number(2), "petal_width": number(3), "species": null});
        (event, (row[4].parse().unwrap(), (5..8).map(number).collect()))
    });
    rows.unzip()
}

fn assert_scores(answers: &[Result<Value, String>], label: &str, probabilities: [&str; 3]) {
    for (answer, (expected, likely)) in answers.iter().zip(flowers().1) {
        let answer = answer.as_ref().unwrap();
        assert_eq!(answer[label], expected, "{answer}");
        for (name, likely) in probabilities.into_iter().zip(likely) {
            assert!((answer[name].as_f64().unwrap() - likely).abs() < 1e-5, "{answer}");
        }
    }
}

/// What only a filter of the node itself reads is needed: without the node other events would be scored.
#[test]
fn a_node_whose_filter_reads_what_it_makes_is_no_idle_one() {
    let made = |last: Value| json!({"steps": [{"import": "assign", "kwargs": {"ratio": "sepal_length / sepal_width"}}, last]});
    let onnx = json!({"model_id": "iris/logistic-regression", "features": FEATURES});
    for (last, is_idle) in [
        (json!({"import": "query", "kwargs": {"expr": "ratio < 10"}}), false),
        (json!({"import": "dropna", "kwargs": {"subset": ["ratio"]}}), false),
        (json!({"import": "round", "cols": "ratio", "kwargs": {"decimals": 2}}), true),
        (json!({"import": "query", "kwargs": {"expr": "sepal_length < 10"}}), true),
    ] {
        let line = line_of(&[
            node("event", "JsonToDataframe", json!({})),
            node("made", "Pandas", made(last.clone())),
            node("onnx", "ONNXNode", onnx.clone()),
        ]);
        let findings = Pipeline::new(&iris_fields(), &line, &[]).findings();
        assert_eq!(findings.contains("nothing that is published needs what node `made` makes"), is_idle, "{last}: {findings}");
    }
}

#[test]
fn the_documented_line_scores_as_scikit_learn_does() {
    let pipeline = Pipeline::new(&iris_fields(), &documented(), &[]);
    insta::assert_snapshot!("the_documented_line", pipeline.findings());
    for batch in [7, 150] {
        let answers = pipeline.score(&flowers().0, batch);
        assert_eq!(answers.len(), 150);
        assert_scores(&answers, "trained", ["t0", "t1", "t2"]);
        assert_scores(&answers, "label", ["probabilities_0", "probabilities_1", "probabilities_2"]);
    }
}

/// `.onnx` at the end of an id is the file's.
#[test]
fn files_of_one_name_are_told_apart_by_their_ids() {
    let train = |id: &str, params: Value| {
        let probabilities = [0, 1, 2].map(|class| format!("{id}{class}"));
        let outputs = json!({"label": id, "probabilities": probabilities});
        let mut node = node(id, "ScikitLearn", json!({"features": FEATURES, "outputs": outputs}));
        node["params"].as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
        node
    };
    let graph = line_of(&[
        node("df", "JsonToDataframe", json!({})),
        train("t", json!({"model_path": "iris.onnx"})),
        train("u", json!({"model_path": "other/iris.onnx", "model_id": "other.onnx"})),
        node("onnx", "ONNXNode", json!({"features": FEATURES, "model_id": "iris.onnx"})),
    ]);
    let pipeline = Pipeline::new(&iris_fields(), &graph, &[]);
    std::fs::create_dir(pipeline.folder.path().join("other")).unwrap();
    std::fs::copy(pipeline.folder.path().join("iris.onnx"), pipeline.folder.path().join("other/iris.onnx")).unwrap();
    assert_eq!(pipeline.findings(), "");
    let answers = pipeline.score(&flowers().0, 64);
    assert_scores(&answers, "t", ["t0", "t1", "t2"]);
    assert_scores(&answers, "u", ["u0", "u1", "u2"]);
    assert_scores(&answers, "label", ["probabilities_0", "probabilities_1", "probabilities_2"]);
    let (assembly, _) = pipeline.load().unwrap();
    let models: Vec<String> = assembly.models().loaded().iter().map(|model| model.id.clone()).collect();
    assert_eq!(models, ["iris", "other"]);
}

/// A source that the demo takes its rows from, and a model that stands aside of the line.
fn demonstration(rows: &str) -> Value {
    json!({
        "nodes": [
            node("sim", "Simulator", json!({"seed": 3, "rate": 500, "rows": rows})),
            node("in", "Receiver", json!({})),
            node("df", "JsonToDataframe", json!({})),
            node("upload", "ModelUpload", json!({"model_path": "iris.onnx", "model_id": "flowers/v1"})),
            node("onnx", "ONNXNode", json!({"model_id": "flowers/v1", "features": FEATURES}))
        ],
        "edges": [["sim", "df"], {"from": "in", "to": "df"}, ["df", "onnx"], ["upload", "onnx"]]
    })
}

#[test]
fn a_model_may_stand_aside_and_two_sources_are_one_event() {
    let pipeline = Pipeline::new(&iris_fields(), &demonstration("rows.jsonl"), &[]);
    let found = pipeline.findings();
    assert!(found.starts_with("note[E0109]: node `sim` makes no events in a scorer"), "{found}");
    assert!(found.contains("warning[E0001]: cannot read the rows of node `sim`: "), "{found}");
    std::fs::write(pipeline.folder.path().join("rows.jsonl"), "").unwrap();
    assert!(!pipeline.findings().contains("E0001"), "{}", pipeline.findings());
    assert_scores(&pipeline.score(&flowers().0, 64), "label", ["probabilities_0", "probabilities_1", "probabilities_2"]);
    let (assembly, _) = pipeline.load().unwrap();
    let simulation = assembly.simulation().unwrap();
    assert_eq!((simulation.seed, simulation.rate), (Some(3), Some(500.0)));
    assert_eq!(simulation.rows, Some(pipeline.folder.path().join("rows.jsonl")));
    let models: Vec<String> = assembly.models().loaded().iter().map(|model| model.id.clone()).collect();
    assert_eq!(models, ["flowers/v1"]);
}

/// A column by two ways, on one of which its null rows are taken out: they are out behind both, whichever the file lists first.
#[test]
fn null_rows_that_one_way_takes_out_reach_no_model() {
    let fields: Vec<Value> = FEATURES.iter().map(|name| field(name, if *name == "sepal_length" { "double?" } else { "double" })).collect();
    let nodes = [
        node("df", "JsonToDataframe", json!({})),
        node("drop", "Pandas", json!({"import": "dropna", "kwargs": {"subset": ["sepal_length"]}})),
        node("other", "Pandas", json!({"import": "abs", "cols": "sepal_width", "into": "width"})),
        node("upload", "ModelUpload", json!({"model_path": "iris.onnx"})),
        node("onnx", "ONNXNode", json!({"features": FEATURES})),
    ];
    let ways = [["drop", "onnx"], ["other", "onnx"]];
    for ways in [ways, [ways[1], ways[0]]] {
        let edges = [&[["df", "drop"], ["df", "other"], ["upload", "onnx"]][..], &ways].concat();
        let pipeline = Pipeline::new(&fields, &json!({"nodes": nodes, "edges": edges}), &["label", "width"]);
        assert_eq!(pipeline.findings(), "", "{ways:?}");
    }
}

/// Whichever of the two the file lists first.
#[test]
fn a_model_that_no_edge_brings_is_told() {
    let upload = node("upload", "ModelUpload", json!({"model_path": "iris.onnx", "model_id": "flowers"}));
    let line = [node("df", "JsonToDataframe", json!({})), node("onnx", "ONNXNode", json!({"model_id": "flowers", "features": FEATURES}))];
    let before: Vec<Value> = [upload.clone()].into_iter().chain(line.clone()).collect();
    let behind: Vec<Value> = line.into_iter().chain([upload]).collect();
    for nodes in [before, behind] {
        let pipeline = Pipeline::new(&iris_fields(), &json!({"nodes": nodes, "edges": [["df", "onnx"]]}), &[]);
        let found = pipeline.findings();
        let message = "node `onnx` names model `flowers`, which `upload` puts into the store, and no edge leads from there";
        assert!(found.contains(message) && found.contains("add an edge: [upload, onnx]"), "{found}");
        assert_eq!(found.matches("error[").count(), 1, "{found}");
    }
}

#[test]
fn the_demo_publishes_what_the_simulator_says() {
    let pipeline = Pipeline::new(&iris_fields(), &demonstration("rows.jsonl"), &[]);
    let rows: Vec<String> = flowers().0.iter().map(Value::to_string).collect();
    std::fs::write(pipeline.folder.path().join("rows.jsonl"), rows.join("\n")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_caz"))
        .args(["demo", "pipeline.yaml", "--seconds", "2", "--faults", "0"])
        .current_dir(pipeline.folder.path())
        .env("ORT_DYLIB_PATH", caz::model::library().unwrap())
        .output()
        .unwrap();
    let (told, summary) = (String::from_utf8(output.stderr).unwrap(), String::from_utf8(output.stdout).unwrap());
    assert!(output.status.success(), "{summary}{told}");
    assert!(told.contains("flowers: rows of rows.jsonl"), "{told}");
}
