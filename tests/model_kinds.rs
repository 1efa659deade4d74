//! What a graph can give to a model and take from it: shapes, element types, answers that are no numbers, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/onnx.rs"]
mod onnx;
#[path = "support/pipeline.rs"]
mod pipeline;

use std::path::Path;
use std::sync::Arc;

use caz::model::{Model, ModelError, ModelStore, SingleRow};
use onnx::{BFLOAT16, BOOL, DOUBLE, FLOAT, FLOAT16, INT8, INT64, Message, STRING, integer, integers, model, node, unary, value};
use pipeline::{Fate, Pipeline, events};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// A store with one model, `m`.
fn store(bytes: &[u8]) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("m.onnx"), bytes).unwrap();
    folder
}

/// A pipeline of one ONNXNode, which asks `m`.
fn pipeline(store: &TempDir, fields: &Value, mut params: Value) -> Pipeline {
    params["model_id"] = "m".into();
    Pipeline::new(fields.as_object().unwrap(), store.path().to_str().unwrap(), &[("ONNXNode", params)])
}

fn scored(fates: &[Fate]) -> Vec<&Map<String, Value>> {
    fates.iter().map(|fate| if let Fate::Scored(score) = fate { score } else { panic!("{fate:?}") }).collect()
}

#[test]
fn a_row_fills_inputs_of_every_shape() {
    let fields = json!({"a": "float", "b": "float", "c": "float", "d": "float"});
    let rows: Vec<Value> = (0..7).map(|row| json!({"a": row, "b": row + 1, "c": -row, "d": 0.5})).collect();
    for (shape, features, single_row) in [
        (&[0_i64, 4][..], json!(["a", "b", "c", "d"]), None),
        (&[0, 0], json!(["a", "b", "c", "d"]), None),
        (&[0, 1, 2, 2], json!(["a", "b", "c", "d"]), None),
        (&[0, 2, 0], json!(["a", "b", "c", "d"]), None),
        (&[0, 1], json!(["b"]), None),
        (&[0], json!(["b"]), None),
        (&[4], json!(["a", "b", "c", "d"]), Some(SingleRow::FixedShape)),
        (&[1, 4], json!(["a", "b", "c", "d"]), Some(SingleRow::FixedShape)),
        (&[2, 2], json!(["a", "b", "c", "d"]), Some(SingleRow::FixedShape)),
        (&[1], json!(["b"]), Some(SingleRow::FixedShape)),
        (&[], json!(["b"]), Some(SingleRow::FixedShape)),
    ] {
        let bytes = unary("Neg", FLOAT, shape, &[]);
        let store = store(&bytes);
        let pipeline = pipeline(&store, &fields, json!({ "features": features }));
        let findings = pipeline.findings();
        // The answer has these dimensions too: it may be two rows.
        match *shape == [2, 2] {
            true => assert!(findings.contains("the first dimension of model `m` is fixed at 2"), "{findings}"),
            false => assert_eq!(findings, "", "{shape:?}"),
        }
        assert_eq!(ModelStore::new(store.path()).get("m").unwrap().single_row, single_row, "{shape:?}");
        for batch in [1, 3, 7] {
            let scores = pipeline.score(&rows, batch);
            for (score, row) in scored(&scores).into_iter().zip(&rows) {
                let given: Vec<f64> =
                    features.as_array().unwrap().iter().map(|name| row[name.as_str().unwrap()].as_f64().unwrap()).collect();
                let answered: Vec<f64> = score.values().map(|value| -value.as_f64().unwrap()).collect();
                assert_eq!(answered, given, "{shape:?}");
            }
        }
    }
}

#[test]
fn features_tell_the_width_of_an_input_without_a_shape() {
    let x = Message::default().text(1, "x").message(2, &Message::default().message(1, &Message::default().number(1, FLOAT)));
    let row_sums = node("ReduceSum", "", &["x", "axis"], &["y"], &[integer("keepdims", 1)]);
    let axis = Message::default().number(1, 1).number(2, INT64).text(8, "axis").bytes(9, &1_i64.to_le_bytes());
    let neg = node("Neg", "", &["x"], &["y"], &[]);
    for (operator, constants, expected) in [(row_sums, vec![axis], json!({"y": 3.0})), (neg, vec![], json!({"y_0": -1.0, "y_1": -2.0}))] {
        let store = store(&model(&[("", 17)], &[operator], std::slice::from_ref(&x), &[value("y", FLOAT, &[0, 0])], &constants));
        let pipeline = pipeline(&store, &json!({"a": "float", "b": "float"}), json!({"features": ["a", "b"]}));
        assert_eq!(pipeline.findings(), "");
        let rows = [json!({"a": 1, "b": 2}), json!({"a": 1, "b": 2})];
        assert_eq!(scored(&pipeline.score(&rows, 2)), [expected.as_object().unwrap(); 2]);
    }
}

#[test]
fn an_answer_that_would_depend_on_the_batch_is_of_one_row() {
    // The largest of the batch, the rows turned into columns, and the share of the batch's sum, which rows of zeros do not tell.
    let largest = unary("ReduceMax", FLOAT, &[0, 2], &[integers("axes", &[0])]);
    let turned = unary("Transpose", FLOAT, &[0, 2], &[integers("perm", &[1, 0])]);
    let share = unary("LpNormalization", FLOAT, &[0, 2], &[integer("axis", 0), integer("p", 1)]);
    let own: fn(f64) -> f64 = |value| value;
    let differs = "answers a row differently when others share its run, so it gets one row a run";
    let is_turned = "the rows may not be along the first dimension of output `y` of model `m`, so it gets one row a run";
    let rows: Vec<Value> = (0..5).map(|row| json!({"a": row, "b": 10 - row})).collect();
    let once: fn(f64) -> f64 = |value| if value == 0.0 { 0.0 } else { 1.0 };
    for (bytes, alone, why) in [(largest, own, differs), (turned, own, is_turned), (share, once, differs)] {
        let store = store(&bytes);
        let pipeline = pipeline(&store, &json!({"a": "float", "b": "float"}), json!({"features": ["a", "b"], "rows_per_run": 5}));
        let findings = pipeline.findings();
        assert!(findings.contains(why), "{findings}");
        assert!(findings.contains("`rows_per_run` has no effect"), "{findings}");
        let scores = pipeline.score(&rows, 5);
        for (score, row) in scored(&scores).into_iter().zip(&rows) {
            assert_eq!([score["y_0"].as_f64(), score["y_1"].as_f64()], [row["a"].as_f64().map(alone), row["b"].as_f64().map(alone)]);
        }
    }
}

/// A model with an input for each column is asked with other noise in each.
#[test]
fn answers_that_depend_on_the_batch_are_noticed_in_every_input() {
    let names = ["a", "b", "c", "d"];
    let mean = node("ReduceMean", "", &["all"], &["mean"], &[integers("axes", &[0])]);
    let nodes = [node("Concat", "", &names, &["all"], &[integer("axis", 1)]), mean, node("Sub", "", &["all", "mean"], &["y"], &[])];
    let inputs = names.map(|name| value(name, FLOAT, &[0, 1]));
    let bytes = model(&[("", 17)], &nodes, &inputs, &[value("y", FLOAT, &[0, 4])], &[]);
    let store = store(&bytes);
    let model = Model::load("m", &store.path().join("m.onnx")).unwrap();
    assert_eq!(model.single_row, Some(SingleRow::DependsOnBatch));
}

/// What a model without a dimension of rows answers, where only its declaration tells: it refuses zeros.
#[test]
fn an_output_of_one_dimension_is_one_row_where_there_is_no_other() {
    let bytes = |element: i64, name: &str, shape: &[i64], values: &[u8]| {
        let tensor = shape.iter().fold(Message::default(), |tensor, size| tensor.number(1, *size));
        tensor.number(2, element).text(8, name).bytes(9, values)
    };
    let table: Vec<u8> = (0..8_u8).flat_map(|value| f32::from(value).to_le_bytes()).collect();
    let constants = [bytes(FLOAT, "table", &[4, 2], &table), bytes(INT64, "ten", &[], &10_i64.to_le_bytes())];
    let nodes = [
        node("Sub", "", &["x", "ten"], &["index"], &[]),
        node("Gather", "", &["table", "index"], &["found"], &[]),
        node("Squeeze", "", &["found"], &["y"], &[]),
    ];
    let file = model(&[("", 17)], &nodes, &[value("x", INT64, &[1])], &[value("y", FLOAT, &[2])], &constants);
    let store = store(&file);
    let pipeline = pipeline(&store, &json!({"a": "long"}), json!({"features": ["a"]}));
    let fates = pipeline.score(&[json!({"a": 10}), json!({"a": 13})], 2);
    let answers: Vec<_> = scored(&fates).into_iter().map(|score| [score["y_0"].as_f64(), score["y_1"].as_f64()]).collect();
    assert_eq!(answers, [[Some(0.0), Some(1.0)], [Some(6.0), Some(7.0)]]);
}

/// `df.values.astype(element)`, by NumPy.
#[test]
fn features_are_rounded_as_numpy_does() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/conversions.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    for case in cases {
        let element = match case["element"].as_str().unwrap() {
            "float16" => FLOAT16,
            "float32" => FLOAT,
            _ => DOUBLE,
        };
        let names: Vec<&String> = case["fields"].as_object().unwrap().keys().collect();
        let store = store(&unary("Identity", element, &[0, names.len() as i64], &[]));
        let nodes = [
            ("Pandas", json!({"import": "astype", "kwargs": {"dtype": case["astype"]}})),
            ("ONNXNode", json!({"model_id": "m", "features": names, "non_finite": "null"})),
        ];
        let pipeline = Pipeline::new(case["fields"].as_object().unwrap(), store.path().to_str().unwrap(), &nodes);
        let fates = pipeline.score(&events(case["rows"].as_object().unwrap()), 64);
        for (row, score) in scored(&fates).into_iter().enumerate() {
            for (at, found) in score.values().enumerate() {
                let (found, expected) = (found.as_f64().unwrap(), case["expected"][row][at].as_f64().unwrap());
                let same = if element == DOUBLE { found.to_bits() == expected.to_bits() } else { found as f32 == expected as f32 };
                assert!(same, "{} of {} as {}, row {row}: {found:e}, not {expected:e}", case["element"], case["fields"], case["astype"]);
            }
        }
    }
}

#[test]
fn an_integer_that_the_input_cannot_hold_is_a_dead_letter() {
    let store = store(&unary("Identity", INT8, &[0, 1], &[]));
    let pipeline = pipeline(&store, &json!({"a": "long"}), json!({"features": ["a"]}));
    assert_eq!(pipeline.findings(), "");
    let fates = pipeline.score(&[json!({"a": 127}), json!({"a": 128}), json!({"a": -128}), json!({"a": i64::MIN})], 4);
    assert_eq!(fates[0], Fate::Scored(json!({"y": 127}).as_object().unwrap().clone()));
    assert_eq!(fates[2], Fate::Scored(json!({"y": -128}).as_object().unwrap().clone()));
    let message = "the model takes int8; expected: -128 to 127, found: 128".to_owned();
    assert_eq!(fates[1], Fate::Rejected("out_of_range", Some("a".into()), message));
    assert!(matches!(fates[3], Fate::Rejected("out_of_range", ..)));
}

#[test]
fn an_answer_that_is_no_number_is_a_dead_letter_or_null() {
    let store = store(&unary("Log", FLOAT, &[0, 1], &[]));
    let rows = [json!({"a": 1.0}), json!({"a": -1.0}), json!({"a": 0.0})];
    let with = |params: Value| pipeline(&store, &json!({"a": "float"}), params).score(&rows, 3);
    let rejected = with(json!({"features": ["a"]}));
    assert_eq!(rejected[0], Fate::Scored(json!({"y": 0.0}).as_object().unwrap().clone()));
    let reject =
        |found: &str| Fate::Rejected("not_finite", Some("y".into()), format!("the model answered {found}; expected: a finite number"));
    assert_eq!(rejected[1..], [reject("NaN"), reject("-inf")]);
    let null = with(json!({"features": ["a"], "non_finite": "null"}));
    let values: Vec<&Value> = scored(&null).into_iter().map(|score| &score["y"]).collect();
    assert_eq!(values, [&json!(0.0), &Value::Null, &Value::Null]);
}

/// NaN that the graph itself makes of a constant is a null like any other.
#[test]
fn nan_of_a_constant_is_a_feature_that_is_null() {
    let store = store(&unary("Neg", FLOAT, &[0, 1], &[]));
    let fields = json!({"age": "long"});
    let limit = json!({"import": "where", "cols": "age", "kwargs": {"cond": {"lt": 120}, "other": "nan"}});
    let nodes = [("Pandas", limit), ("ONNXNode", json!({"model_id": "m", "features": ["age"]}))];
    let pipeline = Pipeline::new(fields.as_object().unwrap(), store.path().to_str().unwrap(), &nodes);
    assert!(pipeline.findings().contains("E0205"), "{}", pipeline.findings());
    let fates = pipeline.score(&[json!({"age": 41}), json!({"age": 150})], 2);
    assert!(matches!(&fates[0], Fate::Scored(_)), "{fates:?}");
    assert!(matches!(&fates[1], Fate::Rejected("unexpected_null", Some(field), _) if field == "age"), "{fates:?}");
}

/// What is found out of a model for some widths is found out once, for all who ask for it.
#[test]
fn a_model_of_an_open_width_is_shared() {
    let folder = store(&unary("Neg", FLOAT, &[0, 0], &[]));
    let models = ModelStore::new(folder.path());
    let model = models.get("m").unwrap();
    assert!(model.is_open());
    let [four, again, two] = [4, 4, 2].map(|width| models.sized(&model, &[width]).unwrap());
    assert!(Arc::ptr_eq(&four, &again));
    assert_eq!([&four, &two].map(|model| model.signature.inputs[0].width()), [Some(4), Some(2)]);
}

/// A model that leaves rows out: those that are answered alone keep their scores, the others are dead letters.
#[test]
fn a_row_without_an_answer_is_a_dead_letter() {
    let nodes =
        [node("GreaterOrEqual", "", &["x", "zero"], &["keep"], &[]), node("Compress", "", &["x", "keep"], &["y"], &[integer("axis", 0)])];
    let zero = Message::default().number(2, FLOAT).text(8, "zero").bytes(9, &0_f32.to_le_bytes());
    let bytes = model(&[("", 17)], &nodes, &[value("x", FLOAT, &[0])], &[value("y", FLOAT, &[])], &[zero]);
    let store = store(&bytes);
    let pipeline = pipeline(&store, &json!({"a": "float"}), json!({"features": ["a"], "rows_per_run": 8}));
    let rows: Vec<Value> = [1.0, -1.0, 2.0, 3.0, -4.0, 5.0].iter().map(|a| json!({ "a": a })).collect();
    for (fate, row) in pipeline.score(&rows, 6).into_iter().zip(&rows) {
        match fate {
            Fate::Scored(score) => assert_eq!(score["y"], row["a"]),
            Fate::Rejected(reason, _, message) => {
                assert!(row["a"].as_f64() < Some(0.0), "{row}");
                assert_eq!(reason, "model_failed");
                assert!(message.contains("output `y` has"), "{message}");
            }
        }
    }
}

#[test]
fn what_an_encoder_does_not_know_is_a_dead_letter_of_its_own() {
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let params = json!({"model_id": "zoo/strict-encoder", "features": {"gender": "gender", "city": "city"}});
    let fields = json!({"gender": "string", "city": "string"});
    let pipeline = Pipeline::new(fields.as_object().unwrap(), store.to_str().unwrap(), &[("ONNXNode", params)]);
    let row = |city: &str| json!({"gender": "female", "city": city});
    let fates = pipeline.score(&[row("Graz"), row("Atlantis"), row("Wien")], 3);
    assert!(matches!(fates[0], Fate::Scored(_)) && matches!(fates[2], Fate::Scored(_)), "{fates:?}");
    assert!(matches!(&fates[1], Fate::Rejected("model_failed", _, message) if message.contains("Unknown")), "{fates:?}");
}

/// The findings of a pipeline, with its own folder's name taken out.
fn findings(bytes: &[u8], fields: &Value, params: Value) -> String {
    let store = store(bytes);
    let pipeline = pipeline(&store, fields, params);
    let folder = pipeline.file.parent().unwrap().to_str().unwrap();
    pipeline.findings().replace(folder, "FOLDER").replace(store.path().to_str().unwrap(), "STORE")
}

#[test]
fn files_that_are_no_models_are_told() {
    let good = unary("Neg", FLOAT, &[0, 1], &[]);
    let custom = node("Magic", "com.example", &["x"], &["y"], &[]);
    let external = Message::default()
        .number(1, 1)
        .number(2, FLOAT)
        .text(8, "weights")
        .message(13, &Message::default().text(1, "location").text(2, "weights.bin"))
        .number(14, 1);
    let add = node("Add", "", &["x", "weights"], &["y"], &[]);
    let inner = Message::default().message(1, &node("Identity", "", &["weights"], &["z"], &[])).text(2, "branch").message(5, &external);
    let branch =
        |name: &str| Message::default().text(1, name).number(20, 5).message(6, &inner.clone().message(12, &value("z", FLOAT, &[1])));
    let choose = node("If", "", &["truth"], &["y"], &[branch("then_branch"), branch("else_branch")]);
    let truth = Message::default().number(2, BOOL).text(8, "truth").bytes(9, &[1]);
    let (x, y) = ([value("x", FLOAT, &[0, 1])], [value("y", FLOAT, &[0, 1])]);
    let odd = [value("x", BFLOAT16, &[0, 1]), value("z", FLOAT, &[0, 0, 0])];
    let odd_nodes = [node("Identity", "", &["x"], &["y"], &[]), node("Identity", "", &["z"], &["w"], &[])];
    let wide = [node("Neg", "", &["x"], &["y"], &[]), node("Expand", "", &["x", "shape"], &["z"], &[])];
    let shape: Vec<u8> = [1_i64, 5000].iter().flat_map(|size| size.to_le_bytes()).collect();
    let shape = Message::default().number(1, 2).number(2, INT64).text(8, "shape").bytes(9, &shape);
    let wide_outputs = [y[0].clone(), value("z", FLOAT, &[])];
    let mut text = String::new();
    for (about, bytes) in [
        ("empty", Vec::new()),
        ("no protobuf", b"version https://git-lfs.github.com/spec/v1".to_vec()),
        ("cut short", good[..good.len() - 10].to_vec()),
        ("an opset of the future", model(&[("", 999)], &[node("Neg", "", &["x"], &["y"], &[])], &x, &y, &[])),
        ("a custom operator", model(&[("", 17), ("com.example", 1)], &[custom], &x, &y, &[])),
        ("weights elsewhere", model(&[("", 17)], &[add], &x, &y, &[external])),
        ("weights of a branch elsewhere", model(&[("", 17)], &[choose], &x, &y, &[truth])),
        ("an edge from nowhere", model(&[("", 17)], &[node("Neg", "", &["w"], &["y"], &[])], &x, &y, &[])),
        ("inputs that nothing fills", model(&[("", 17)], &odd_nodes, &odd, &[value("w", FLOAT, &[])], &[])),
        ("an output that no column holds", model(&[("", 17)], &wide, &x, &wide_outputs, &[shape])),
    ] {
        text.push_str(&format!("--- {about}\n{}\n", findings(&bytes, &json!({"a": "float"}), json!({"features": ["a"]}))));
    }
    insta::assert_snapshot!("files", text);
}

/// Wherever a file was cut, loading it gives an answer, and below its last field an error.
#[test]
fn a_file_cut_anywhere_is_no_model() {
    let whole = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("models/zoo/ridge.onnx")).unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("m.onnx");
    for length in 0..whole.len() - 16 {
        std::fs::write(&file, &whole[..length]).unwrap();
        let Err(error) = Model::load("m", &file) else { panic!("{length} of {} bytes are a model", whole.len()) };
        assert!(matches!(error, ModelError::Invalid { .. }), "{length}: {error}");
    }
}

#[test]
fn a_model_is_shown() {
    let show = |file: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_caz"))
            .args(["model", file])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    let mut text = String::new();
    for file in ["models/zoo/column-transformer.onnx", "models/zoo/ridge-one-row.onnx", "models/requirements.txt"] {
        let (code, shown) = show(file);
        text.push_str(&format!("--- exit code {code}\n{shown}\n"));
    }
    // Measured on the machine that runs the test.
    let text = regex::Regex::new(r"\d+ rows serve best").unwrap().replace_all(&text, "N rows serve best");
    insta::assert_snapshot!("shown", text);
}

#[test]
fn features_that_do_not_fit_are_told() {
    let inputs =
        [value("age", FLOAT, &[0, 1]), value("city", STRING, &[0, 1]), value("member", BOOL, &[0, 1]), value("visits", INT64, &[0, 1])];
    let nodes: Vec<Message> =
        ["age", "city", "member", "visits"].iter().map(|name| node("Identity", "", &[name], &[&format!("{name}_out")], &[])).collect();
    let outputs =
        [value("age_out", FLOAT, &[]), value("city_out", STRING, &[]), value("member_out", BOOL, &[]), value("visits_out", INT64, &[])];
    let four = model(&[("", 17)], &nodes, &inputs, &outputs, &[]);
    let image = unary("Neg", FLOAT, &[0, 1, 2, 2], &[]);
    let fields = json!({"age": "double", "city": "string", "member": "boolean", "visits": "long", "maybe": "boolean?"});
    let mut text = String::new();
    for (about, bytes, params) in [
        ("types", &four, json!({"features": {"age": "city", "city": "age", "member": "visits", "visits": "age"}})),
        ("order", &four, json!({"features": ["city", "age", "member", "visits"]})),
        ("too few", &four, json!({"features": ["age", "city"]})),
        ("inputs by name", &four, json!({"features": {"aeg": "age", "city": "city", "member": ["member", "member"], "visits": "visits"}})),
        (
            "columns that are not there",
            &four,
            json!({"features": {"age": ["agee"], "city": "ctiy", "member": "member", "visits": "visits"}}),
        ),
        (
            "a null in a boolean",
            &four,
            json!({"features": {"age": "age", "city": "city", "member": "maybe", "visits": "visits"}, "nulls": "nan"}),
        ),
        ("an image", &image, json!({"features": ["age"]})),
        ("outputs of one name", &image, json!({"features": ["age", "age", "age", "age"], "outputs": {"y": ["a", "b", "a", "c"]}})),
        ("outputs", &image, json!({"features": ["age", "age", "age", "age"], "outputs": {"z": "score", "y": ["one", "two"]}})),
    ] {
        text.push_str(&format!("--- {about}\n{}\n", findings(bytes, &fields, params)));
    }
    insta::assert_snapshot!("features", text);
}

#[test]
fn a_list_fills_an_input() {
    let items = |item: Value| json!({"a": {"type": "array", "items": item}});
    let rows = [json!({"a": [1, 2, 3, 4]}), json!({"a": [5, 6, 7]}), json!({"a": [5, 6, 7, 8, 9]}), json!({"a": [-1, 0, 1, 16777217]})];
    for (item, element, shape) in [
        (json!("float"), FLOAT, &[0_i64, 4][..]),
        (json!("double"), FLOAT, &[0, 2, 2]),
        (json!("long"), DOUBLE, &[0, 4]),
        (json!("int"), FLOAT, &[4]),
        (json!(["null", "float"]), FLOAT, &[0, 4]),
    ] {
        let store = store(&unary("Neg", element, shape, &[]));
        let pipeline = pipeline(&store, &items(item.clone()), json!({"features": ["a"]}));
        assert_eq!(pipeline.findings(), "", "{item}");
        for batch in [1, 4] {
            let fates = pipeline.score(&rows, batch);
            for at in [0, 3] {
                let Fate::Scored(score) = &fates[at] else { panic!("{:?}", fates[at]) };
                let answered: Vec<f32> = score.values().map(|value| -value.as_f64().unwrap() as f32).collect();
                let given: Vec<f32> = rows[at]["a"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect();
                assert_eq!(answered, given, "{item}, row {at}");
            }
            for (at, length) in [(1, 3), (2, 5)] {
                let message = format!("expected: 4 items, found: {length}");
                assert_eq!(fates[at], Fate::Rejected("invalid_length", Some("a".into()), message));
            }
        }
    }
}

#[test]
fn a_null_in_a_list_is_a_feature_that_is_null() {
    let store = store(&unary("Neg", FLOAT, &[0, 2], &[]));
    let fields = json!({"a": ["null", {"type": "array", "items": ["null", "float"]}]});
    let rows = [json!({"a": [1, null]}), json!({"a": null}), json!({"a": [1, 2]})];
    let rejected = |fate: &Fate| match fate {
        Fate::Rejected(reason, field, _) => (*reason, field.clone().unwrap()),
        fate => panic!("{fate:?}"),
    };
    let strict = pipeline(&store, &fields, json!({"features": ["a"]}));
    assert!(strict.findings().contains("feature `a` can be null"), "{}", strict.findings());
    let fates = strict.score(&rows, 3);
    assert_eq!(rejected(&fates[0]), ("unexpected_null", "a[1]".into()));
    assert_eq!(rejected(&fates[1]), ("unexpected_null", "a".into()));
    assert!(matches!(fates[2], Fate::Scored(_)));
    let lenient = pipeline(&store, &fields, json!({"features": ["a"], "nulls": "nan", "non_finite": null}));
    let fates = lenient.score(&rows, 3);
    assert_eq!(fates[0], Fate::Scored(json!({"y_0": -1.0, "y_1": null}).as_object().unwrap().clone()));
    assert_eq!(rejected(&fates[1]), ("unexpected_null", "a".into()));
}

#[test]
fn a_list_that_no_input_can_take_is_an_error() {
    let list = |item: &str| json!({"a": {"type": "array", "items": item}, "b": "float"});
    for (fields, element, shape, features, expected) in [
        (list("string"), FLOAT, &[0_i64, 2][..], json!(["a"]), "a list must hold numbers and fill an input of floats alone"),
        (list("long"), INT64, &[0, 2], json!(["a"]), "a list must hold numbers and fill an input of floats alone"),
        (list("float"), FLOAT, &[0, 2], json!(["a", "b"]), "a list must hold numbers and fill an input of floats alone"),
        (list("float"), FLOAT, &[0, 0], json!(["a"]), "which does not tell how many features it takes"),
    ] {
        let store = store(&unary("Identity", element, shape, &[]));
        let findings = pipeline(&store, &fields, json!({ "features": features })).findings();
        assert!(findings.contains(expected), "{findings}");
    }
}
