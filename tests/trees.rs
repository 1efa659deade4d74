//! The kernel for trees beside ONNX Runtime: the same bits, on the committed models and on random ensembles of every kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/onnx.rs"]
mod onnx;
#[path = "support/pipeline.rs"]
#[allow(dead_code, reason = "each test uses what it needs of it")]
mod pipeline;
#[path = "support/trees.rs"]
mod trees;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use caz::model::{Element, Engine, Model, Tensor, Values};
use onnx::{DOUBLE, FLOAT, INT64};
use pipeline::Pipeline;
use serde_json::json;
use tempfile::TempDir;
use trees::{AGGREGATES, MEMBER, MODES, Operator, Random, Shape, TRANSFORMS};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn load(bytes: &[u8]) -> Model {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, bytes).unwrap();
    Model::load("m", &path).unwrap_or_else(|error| panic!("{error}"))
}

/// The answers of all rows, bit for bit as text: every NaN is one, zeros keep their sign.
fn answers(model: &Model, engine: Engine, rows_per_run: usize, rows: &Tensor) -> Vec<Vec<String>> {
    let mut session = model.session(Some(engine), Some(rows_per_run)).unwrap();
    assert_eq!(session.engine(), engine);
    let columns = session.run(std::slice::from_ref(rows), |row, error| panic!("row {row}: {error}"));
    columns.iter().map(texts).collect()
}

fn texts(column: &ArrayRef) -> Vec<String> {
    match column.data_type() {
        DataType::Float32 => column.as_primitive::<Float32Type>().values().iter().map(|value| format!("{value:?}")).collect(),
        DataType::Float64 => column.as_primitive::<Float64Type>().values().iter().map(|value| format!("{value:?}")).collect(),
        DataType::Utf8 => column.as_string::<i32>().iter().map(|value| value.unwrap().to_owned()).collect(),
        _ => column.as_primitive::<arrow_array::types::Int64Type>().values().iter().map(ToString::to_string).collect(),
    }
}

/// Both engines give the same bits, whatever the rows in a run.
fn assert_same(model: &Model, rows: &Tensor, what: &dyn std::fmt::Debug) {
    let expected = answers(model, Engine::OnnxRuntime, 64, rows);
    assert_eq!(expected[0].len(), rows.rows());
    for rows_per_run in [1, 7, 8, 300] {
        let found = answers(model, Engine::Trees, rows_per_run, rows);
        for (column, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let differs = found.iter().zip(expected).position(|(one, other)| one != other);
            assert_eq!(differs.map(|row| (row, &found[row], &expected[row])), None, "column {column}, {rows_per_run} rows a run: {what:?}");
        }
    }
}

/// Rows around `thresholds`, with NaN, infinities and noise among them.
fn rows(random: &mut Random, element: Element, width: usize, rows: usize, thresholds: &[f64]) -> Tensor {
    let mut tensor = Tensor::new(element, width);
    tensor.reset(rows);
    let mut next = |single: bool| {
        let near = if thresholds.is_empty() { 0.5 } else { random.pick(thresholds) };
        match random.below(12) {
            0 => f64::NAN,
            1 => random.pick(&[0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324]),
            2..=4 => near,
            5 if single => f64::from((near as f32).next_up()),
            6 if single => f64::from((near as f32).next_down()),
            5 => near.next_up(),
            6 => near.next_down(),
            7 | 8 => (random.below(41) as f64 - 20.0) / 4.0,
            _ => random.unit() * 6.0,
        }
    };
    match &mut tensor.values {
        Values::F32(values) => values.iter_mut().for_each(|value| *value = next(true) as f32),
        Values::F64(values) => values.iter_mut().for_each(|value| *value = next(false)),
        Values::I64(values) => values.iter_mut().for_each(|value| *value = next(false) as i64),
        _ => panic!("{element:?}"),
    }
    tensor
}

fn zoo(id: &str) -> PathBuf {
    root().join(format!("models/zoo/{id}.onnx"))
}

#[test]
fn the_committed_ensembles_run_in_the_kernel() {
    let features = std::fs::read(root().join("models/car-insurance/features.f32le")).unwrap();
    let features = features.chunks_exact(4).map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap())).collect();
    let model = Model::load("m", &root().join("models/car-insurance/random-forest.onnx")).unwrap();
    assert_eq!((model.engine(), model.unfit()), (Engine::Trees, None));
    assert_same(&model, &Tensor { width: 60, values: Values::F32(features) }, &"random-forest");
    for id in ["gradient-boosting", "hist-gradient-boosting", "lightgbm", "random-forest", "xgboost", "xgboost-regressor"] {
        let model = Model::load(id, &zoo(id)).unwrap();
        assert_eq!((model.engine(), model.unfit()), (Engine::Trees, None), "{id}");
        let mut random = Random(7);
        // Features of the zoo's models have two digits.
        let near: Vec<f64> = (-400..400).map(|hundredth| f64::from(hundredth as f32 / 100.0)).collect();
        assert_same(&model, &rows(&mut random, Element::F32, 8, 2_000, &near), &id);
    }
}

#[test]
fn what_is_more_than_trees_stays_with_onnx_runtime() {
    for (id, reason) in [
        ("several-targets", "Concat stands between its trees and `label`"),
        ("two-models", "it has several inputs"),
        ("ridge", "it is no ensemble of trees"),
    ] {
        let model = Model::load(id, &zoo(id)).unwrap();
        assert_eq!((model.engine(), model.unfit().unwrap().to_string().as_str()), (Engine::OnnxRuntime, reason), "{id}");
        let refusal = model.session(Some(Engine::Trees), None).unwrap_err();
        assert_eq!(refusal.to_string(), format!("model `{id}` cannot run in the engine `trees`: {reason}"));
    }
}

/// A random kind of ensemble; combinations that ONNX has not are left out.
fn shape(random: &mut Random) -> Shape {
    let operator = random.pick(&[Operator::Classifier, Operator::Classifier, Operator::Regressor, Operator::Ensemble]);
    let is_classifier = operator == Operator::Classifier;
    let targets = if is_classifier { 2 + random.below(3) } else { 1 + random.below(3) };
    let modes: &'static [&'static str] = match random.below(4) {
        0 => &["BRANCH_LEQ"],
        1 => &["BRANCH_LT"],
        _ if operator == Operator::Ensemble => &["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", MEMBER],
        _ => &MODES,
    };
    let one_sided = is_classifier && targets == 2 && random.chance(60);
    let base = match (operator, random.below(2), targets) {
        (Operator::Ensemble, ..) | (_, 0, _) => 0,
        (Operator::Classifier, _, 2) => 1 + random.below(2),
        _ => targets,
    };
    let element = random.pick(if is_classifier { &[FLOAT, FLOAT, DOUBLE, INT64] } else { &[FLOAT, FLOAT, DOUBLE] });
    Shape {
        operator,
        element,
        trees: 1 + random.below(12),
        depth: 1 + random.below(6),
        leaves: random.below(40),
        features: 1 + random.below(6),
        targets,
        strings: is_classifier && random.chance(30),
        modes,
        tracks: random.pick(&[0, 0, 50]),
        aggregate: if is_classifier { "SUM" } else { random.pick(&AGGREGATES) },
        transform: random.pick(&TRANSFORMS),
        base,
        dense: operator != Operator::Ensemble && !one_sided && random.chance(40),
        one_sided,
        positive: random.chance(50),
        cast: random.chance(15),
    }
}

/// Whether ONNX Runtime leaves the score of a second class as the memory happens to be.
fn is_undefined(shape: &Shape) -> bool {
    let one_sided = shape.one_sided || (!shape.dense && shape.trees == 1);
    let two_classes = shape.operator == Operator::Classifier && shape.targets == 2;
    two_classes && if one_sided { shape.transform == "PROBIT" } else { shape.base == 1 }
}

#[test]
fn random_ensembles_have_the_bits_of_onnx_runtime() {
    let mut unfit: BTreeMap<String, usize> = BTreeMap::new();
    let mut fit = 0;
    let first: u64 = std::env::var("CAZ_TREES_SEED").map_or(1, |seed| seed.parse().unwrap());
    let count: u64 = std::env::var("CAZ_TREES_ENSEMBLES").map_or(120, |count| count.parse().unwrap());
    for seed in first..first + count {
        let mut random = Random(seed * 1_000_003);
        let shape = shape(&mut random);
        let (bytes, thresholds) = shape.file(&mut random);
        let model = load(&bytes);
        if let Some(reason) = model.unfit() {
            let reason = reason.to_string();
            assert!(is_undefined(&shape), "seed {seed}: {reason}: {shape:?}");
            *unfit.entry(reason).or_default() += 1;
            continue;
        }
        fit += 1;
        let element = model.signature.inputs[0].element;
        assert_same(&model, &rows(&mut random, element, shape.features, 500, &thresholds), &(seed, shape));
    }
    let left: usize = unfit.values().sum();
    assert!(fit > 4 * left, "{fit} fit, these do not: {unfit:?}");
}

#[test]
fn a_deep_and_lopsided_tree_runs_in_the_kernel() {
    let shape = Shape {
        operator: Operator::Regressor,
        element: FLOAT,
        trees: 3,
        depth: 40,
        leaves: 49,
        features: 4,
        targets: 1,
        strings: false,
        modes: &["BRANCH_LEQ"],
        tracks: 50,
        aggregate: "SUM",
        transform: "NONE",
        base: 1,
        dense: false,
        one_sided: false,
        positive: false,
        cast: false,
    };
    let mut random = Random(3);
    let (bytes, thresholds) = shape.file(&mut random);
    let model = load(&bytes);
    assert_eq!(model.unfit(), None);
    assert_same(&model, &rows(&mut random, Element::F32, 4, 2_000, &thresholds), &shape);
}

#[test]
fn a_node_chooses_its_engine() {
    let store = root().join("models/zoo");
    let fields = json!((0..8).map(|at| (format!("f{at}"), json!("float"))).collect::<serde_json::Map<_, _>>());
    let features: Vec<String> = (0..8).map(|at| format!("f{at}")).collect();
    let findings = |id: &str, engine: &str| {
        let params = json!({"model_id": id, "features": features, "engine": engine});
        Pipeline::new(fields.as_object().unwrap(), store.to_str().unwrap(), &[("ONNXNode", params)]).findings()
    };
    for engine in ["auto", "onnxruntime", "trees"] {
        assert_eq!(findings("xgboost", engine), "");
    }
    let refused = findings("ridge", "trees");
    assert!(refused.contains("model `ridge` cannot run in the engine `trees`: it is no ensemble of trees"), "{refused}");
}

/// What `caz tune` answers, with its exit code.
fn tune(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_caz"));
    command.arg("tune").args(arguments).current_dir(root()).env("ORT_DYLIB_PATH", caz::model::library().unwrap());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn tune_tells_what_a_row_costs_in_each_engine() {
    let (code, answer, _) = tune(&["--seconds", "1", "--json", "models/zoo/xgboost.onnx"]);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((code, &answer["engine"], &answer["unfit_for_trees"]), (0, &json!("trees"), &serde_json::Value::Null));
    let costs = answer["costs"].as_array().unwrap();
    for engine in ["onnxruntime", "trees"] {
        let rows: Vec<u64> =
            costs.iter().filter(|cost| cost["engine"] == engine).map(|cost| cost["rows_per_run"].as_u64().unwrap()).collect();
        assert_eq!(rows, (0..=10).map(|exponent| 1 << exponent).collect::<Vec<u64>>(), "{engine}");
    }
    assert!(costs.iter().all(|cost| cost["least_us_per_row"].as_f64().unwrap() <= cost["median_us_per_row"].as_f64().unwrap()));

    let (code, answer, _) = tune(&["--seconds", "1", "models/zoo/ridge.onnx"]);
    assert_eq!(code, 0);
    assert!(answer.contains("  engine   onnxruntime: it is no ensemble of trees\n"), "{answer}");
    let (code, answer, message) = tune(&["models/requirements.txt"]);
    assert_eq!((code, answer.as_str()), (1, ""));
    assert!(message.contains("not an ONNX model"), "{message}");
}
