//! The committed models through the model store, against scikit-learn's own scores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int64Type};
use caz::model::{Engine, Model, ModelError, ModelStore, Outputs, Tensor, Values};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn features() -> Vec<f32> {
    let bytes = std::fs::read(root().join("models/car-insurance/features.f32le")).unwrap();
    bytes.chunks_exact(4).map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap())).collect()
}

/// Labels and probabilities of class 1, one of each a row, by running `rows` rows of features a call.
fn score(model: &Model, features: &[f32], rows: usize) -> (Vec<i64>, Vec<f32>) {
    let mut session = model.session(None, None).unwrap();
    let (mut labels, mut probabilities) = (Vec::new(), Vec::new());
    for chunk in features.chunks(rows * 60) {
        let tensor = Tensor { width: 60, values: Values::F32(chunk.to_vec()) };
        let columns = session.run(&[tensor], |row, error| panic!("row {row}: {error}"));
        labels.extend(columns[0].as_primitive::<Int64Type>().values());
        probabilities.extend(columns[2].as_primitive::<Float32Type>().values());
    }
    (labels, probabilities)
}

#[test]
fn scores_are_those_of_scikit_learn() {
    let store = ModelStore::new(root().join("models"));
    let features = features();
    let mut expected = csv::Reader::from_path(root().join("models/car-insurance/expected.csv")).unwrap();
    let expected: Vec<csv::StringRecord> = expected.records().map(Result::unwrap).collect();
    for (id, label_at) in [("car-insurance/random-forest", 2), ("car-insurance/logistic-regression", 5)] {
        let model = store.get(id).unwrap();
        let (labels, probabilities) = score(&model, &features, 5_000);
        assert_eq!(labels.len(), 5_000);
        for (row, record) in expected.iter().enumerate() {
            assert_eq!(labels[row].to_string(), record[label_at], "{id}, row {row}");
            let probability: f64 = record[label_at + 2].parse().unwrap();
            assert!((f64::from(probabilities[row]) - probability).abs() < 1e-5, "{id}, row {row}");
        }
    }
}

#[test]
fn scores_hardly_depend_on_the_rows_per_call() {
    let store = ModelStore::new(root().join("models"));
    let features = features();
    for id in ["car-insurance/random-forest", "car-insurance/logistic-regression"] {
        let model = store.get(id).unwrap();
        let (labels, probabilities) = score(&model, &features, 5_000);
        for rows in [1, 7, 64] {
            let (other_labels, other) = score(&model, &features, rows);
            assert_eq!(labels, other_labels);
            let furthest = probabilities.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(furthest <= 1e-6, "{id} in calls of {rows} rows: {furthest}");
        }
    }
}

#[test]
fn a_model_tells_its_signature_version_and_features() {
    let model = ModelStore::new(root().join("models")).get("car-insurance/random-forest").unwrap();
    assert_eq!(model.version, 1);
    assert_eq!(model.digest.len(), 64);
    assert_eq!(model.features.as_ref().map(Vec::len), Some(60));
    assert_eq!(model.signature.inputs.len(), 1);
    assert_eq!(model.signature.inputs[0].name, "float_input");
    let widths: Vec<usize> = model.signature.outputs.iter().map(|output| output.holds.width()).collect();
    assert_eq!(widths, [1, 2]);
    assert!(matches!(model.signature.outputs[1].holds, Outputs::Tensor { .. }));
    assert_eq!(model.engine(), Engine::Trees);
    assert!([Engine::OnnxRuntime, Engine::Trees].iter().all(|engine| model.rows_per_run(*engine).unwrap().is_power_of_two()));
}

#[test]
fn a_missing_model_is_told_with_those_that_are_there() {
    let store = ModelStore::new(root().join("models"));
    let Err(ModelError::Missing { available, .. }) = store.get("car-insurance/random-forrest") else { panic!("found") };
    assert!(available.iter().any(|id| id == "car-insurance/random-forest"), "{available:?}");
    assert!(matches!(store.get("../models/car-insurance/random-forest"), Err(ModelError::Outside { .. })));
}
