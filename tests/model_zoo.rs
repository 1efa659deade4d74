//! Models of every kind through a graph, against the answers of the library that trained each: labels equal, numbers within 1e-5.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/pipeline.rs"]
#[allow(dead_code, reason = "each test uses what it needs of it")]
mod pipeline;

use std::path::{Path, PathBuf};

use caz::model::ModelStore;
use pipeline::{Fate, Pipeline, events};
use serde_json::{Map, Value};

const TOLERANCE: f64 = 1e-5;

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> Map<String, Value> {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Scores the case's 200 rows in batches of several sizes and compares every column.
fn assert_scores(store: &Path, id: &str, case: &Map<String, Value>, batches: &[usize]) {
    let mut params = case["params"].clone();
    params["model_id"] = id.into();
    let mut nodes = Vec::new();
    if case["steps"].as_array().is_some_and(|steps| !steps.is_empty()) {
        nodes.push(("Pandas", serde_json::json!({"steps": case["steps"]})));
    }
    nodes.push(("ONNXNode", params));
    let pipeline = Pipeline::new(case["fields"].as_object().unwrap(), store.to_str().unwrap(), &nodes);
    assert_eq!(pipeline.findings(), "", "{id}");
    let expected = case["expected"].as_object().unwrap();
    let events = events(case["rows"].as_object().unwrap());
    for batch in batches {
        let scores = pipeline.score(&events, *batch);
        assert_eq!(scores.len(), 200, "{id}");
        for (row, score) in scores.iter().enumerate() {
            let Fate::Scored(score) = score else { panic!("{id}, row {row}: {score:?}") };
            assert_eq!(score.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{id}");
            expected.iter().for_each(|(column, values)| assert_close(&score[column], &values[row], &format!("{id}, row {row}, {column}")));
        }
    }
}

fn assert_close(found: &Value, expected: &Value, place: &str) {
    match (found.as_f64(), expected.as_f64()) {
        (Some(number), Some(right)) if expected.is_f64() => {
            assert!((number - right).abs() <= TOLERANCE * right.abs().max(1.0), "{place}: {number}, not {right}");
        }
        _ => assert_eq!(found, expected, "{place}"),
    }
}

/// The ids of the models in a store.
fn ids(store: &Path) -> Vec<String> {
    let files = std::fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path());
    let models = files.filter(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    let mut ids: Vec<String> = models.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn every_model_answers_as_the_library_that_trained_it() {
    let store = folder("models/zoo");
    let ids = ids(&store);
    assert!(ids.len() >= 16, "{ids:?}");
    for id in ids {
        let case = read(&store.join(format!("{id}.json")));
        assert_scores(&store, &id, &case, &[1, 64, 200]);
    }
}

#[test]
fn a_model_answers_the_same_at_every_opset() {
    let store = folder("tests/golden/opsets");
    let (case, ids) = (read(&store.join("case.json")), ids(&store));
    assert_eq!(ids.first().map(String::as_str), Some("opset-09"));
    let models = ModelStore::new(&store);
    for (id, opset) in ids.iter().zip(9..) {
        assert_scores(&store, id, &case, &[64]);
        let model = models.get(id).unwrap();
        assert!(model.file.opsets.contains(&(String::new(), opset)), "{id}: {}", model.file.opset_list());
    }
}
