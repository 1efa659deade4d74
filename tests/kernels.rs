//! The kernels beside ONNX Runtime: the same bits, on the committed models and on random ones of every kind that they take.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/trees.rs"]
mod ensembles;
#[path = "kernels/linear.rs"]
mod linear;
#[path = "support/onnx.rs"]
mod onnx;
#[path = "support/pipeline.rs"]
#[allow(dead_code, reason = "each test uses what it needs of it")]
mod pipeline;
#[path = "kernels/trees.rs"]
mod trees;

use std::path::{Path, PathBuf};
use std::process::Command;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use caz::model::{Engine, Model, Tensor, Values};
use onnx::{FLOAT, INT64, floats, integer, integers, model, node, strings, value};
use pipeline::Pipeline;
use serde_json::json;
use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn load(bytes: &[u8]) -> Model {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, bytes).unwrap();
    Model::load("m", &path).unwrap_or_else(|error| panic!("{error}"))
}

fn zoo(id: &str) -> PathBuf {
    root().join(format!("models/zoo/{id}.onnx"))
}

fn car_insurance(id: &str) -> Model {
    Model::load(id, &root().join(format!("models/car-insurance/{id}.onnx"))).unwrap()
}

fn car_insurance_features() -> Tensor {
    let features = std::fs::read(root().join("models/car-insurance/features.f32le")).unwrap();
    let features = features.chunks_exact(4).map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap())).collect();
    Tensor { width: 60, values: Values::F32(features) }
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

/// The model's kernel gives the bits of ONNX Runtime's runs of 64 rows, whatever the rows in a run of its own.
fn assert_same(model: &Model, rows: &Tensor, what: &dyn std::fmt::Debug) {
    assert_ne!(model.engine(), Engine::OnnxRuntime);
    let expected = answers(model, Engine::OnnxRuntime, 64, rows);
    assert_eq!(expected[0].len(), rows.rows());
    for rows_per_run in [1, 7, 8, 300] {
        let found = answers(model, model.engine(), rows_per_run, rows);
        for (column, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let differs = found.iter().zip(expected).position(|(one, other)| one != other);
            assert_eq!(differs.map(|row| (row, &found[row], &expected[row])), None, "column {column}, {rows_per_run} rows a run: {what:?}");
        }
    }
}

#[test]
fn what_no_kernel_knows_stays_with_onnx_runtime() {
    let other = "it has no operator that a kernel knows: linear ones and trees of ai.onnx.ml";
    for (id, reason) in [
        ("several-targets", "Concat stands between its TreeEnsembleClassifier and `label`"),
        ("two-models", "it has several inputs"),
        ("ridge", other),
    ] {
        let model = Model::load(id, &zoo(id)).unwrap();
        assert_eq!((model.engine(), model.unfit().unwrap().to_string().as_str()), (Engine::OnnxRuntime, reason), "{id}");
        for engine in [Engine::Linear, Engine::Trees] {
            let refusal = model.session(Some(engine), None).unwrap_err();
            assert_eq!(refusal.to_string(), format!("model `{id}` cannot run in the engine `{}`: {reason}", engine.name()));
        }
    }
    let refusal = car_insurance("logistic-regression").session(Some(Engine::Trees), None).unwrap_err();
    assert_eq!(refusal.to_string(), "model `logistic-regression` cannot run in the engine `trees`: it is one for `linear`");
}

/// A tree of one branch and two leaves, with these weights of its nodes.
fn stump(operator: &str, weights: &[(i64, f64)]) -> onnx::Message {
    let is_classifier = operator == "TreeEnsembleClassifier";
    let of = |name: &str| format!("{}_{name}", if is_classifier { "class" } else { "target" });
    let nodes: Vec<i64> = weights.iter().map(|(node, _)| *node).collect();
    let mut attributes = vec![
        integers("nodes_treeids", &[0; 3]),
        integers("nodes_nodeids", &[0, 1, 2]),
        integers("nodes_featureids", &[0; 3]),
        integers("nodes_truenodeids", &[1, 0, 0]),
        integers("nodes_falsenodeids", &[2, 0, 0]),
        strings("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"]),
        floats("nodes_values", &[0.5, 0.0, 9.0]),
        integers(&of("treeids"), &vec![0; nodes.len()]),
        integers(&of("ids"), &vec![0; nodes.len()]),
        integers(&of("nodeids"), &nodes),
        floats(&of("weights"), &weights.iter().map(|(_, weight)| *weight).collect::<Vec<_>>()),
    ];
    attributes.push(if is_classifier { integers("classlabels_int64s", &[0, 1]) } else { integer("n_targets", 1) });
    let outputs: &[&str] = if is_classifier { &["label", "y"] } else { &["y"] };
    node(operator, "ai.onnx.ml", &["x"], outputs, &attributes)
}

#[test]
fn what_only_onnx_runtime_answers_stays_with_it() {
    let unfit = |operator: &str, weights: &[(i64, f64)], functions: usize| {
        let outputs = if operator == "TreeEnsembleClassifier" {
            &[value("label", INT64, &[]), value("y", FLOAT, &[])][..]
        } else {
            &[value("y", FLOAT, &[])]
        };
        let file =
            model(&[("", 17), ("ai.onnx.ml", 1), ("own", 1)], &[stump(operator, weights)], &[value("x", FLOAT, &[0, 1])], outputs, &[]);
        let body = node("Neg", "", &["i"], &["o"], &[]);
        let opset = onnx::Message::default().text(1, "").number(2, 17);
        let function =
            onnx::Message::default().text(1, "Scaler").text(4, "i").text(5, "o").message(7, &body).message(9, &opset).text(10, "own");
        let file = (0..functions).fold(onnx::Message(file), |file, _| file.message(25, &function));
        load(&file.0).unfit().map(ToString::to_string)
    };
    let regressor = "TreeEnsembleRegressor";
    assert_eq!(unfit(regressor, &[(1, 1.0), (2, 2.0)], 0), None);
    let weights = Some("a leaf has no weight, or several".to_owned());
    assert_eq!(unfit(regressor, &[(1, 1.0)], 0), weights, "ONNX Runtime answers the leaf's value, 9");
    assert_eq!(unfit(regressor, &[(1, 1.0), (2, 2.0), (2, 3.0)], 0), weights, "ONNX Runtime takes the first weight");
    assert_eq!(unfit(regressor, &[(0, -1.0), (1, 1.0), (2, 2.0)], 0), None);
    let threshold = Some("a branch of its classifier has a weight".to_owned());
    assert_eq!(unfit("TreeEnsembleClassifier", &[(0, -1.0), (1, 1.0), (2, 2.0)], 0), threshold, "ONNX Runtime counts it as negative");
    assert_eq!(unfit(regressor, &[(1, 1.0), (2, 2.0)], 1), Some("it has functions of its own".to_owned()));
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
    let reason = "it has no operator that a kernel knows: linear ones and trees of ai.onnx.ml";
    assert!(refused.contains(&format!("model `ridge` cannot run in the engine `trees`: {reason}")), "{refused}");
    assert!(findings("xgboost", "linear").contains("model `xgboost` cannot run in the engine `linear`: it is one for `trees`"));
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
    assert_eq!((code, &answer["engine"], &answer["unfit"]), (0, &json!("trees"), &serde_json::Value::Null));
    let costs = answer["costs"].as_array().unwrap();
    for engine in ["onnxruntime", "trees"] {
        let rows: Vec<u64> =
            costs.iter().filter(|cost| cost["engine"] == engine).map(|cost| cost["rows_per_run"].as_u64().unwrap()).collect();
        assert_eq!(rows, (0..=10).map(|exponent| 1 << exponent).collect::<Vec<u64>>(), "{engine}");
    }
    assert!(costs.iter().all(|cost| cost["least_us_per_row"].as_f64().unwrap() <= cost["median_us_per_row"].as_f64().unwrap()));

    let (code, answer, _) = tune(&["--seconds", "1", "models/zoo/ridge.onnx"]);
    assert_eq!(code, 0);
    assert!(
        answer.contains("  engine   onnxruntime: it has no operator that a kernel knows: linear ones and trees of ai.onnx.ml\n"),
        "{answer}"
    );
    let (code, answer, message) = tune(&["models/requirements.txt"]);
    assert_eq!((code, answer.as_str()), (1, ""));
    assert!(message.contains("not an ONNX model"), "{message}");
}
