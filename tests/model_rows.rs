//! Along which dimension a model's rows are, and what is found out of models that refuse the rows that caz tries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/onnx.rs"]
mod onnx;
#[path = "support/pipeline.rs"]
#[allow(dead_code, reason = "each test uses what it needs of it")]
mod pipeline;

use caz::model::{Model, SingleRow};
use onnx::{FLOAT, INT64, Message, STRING, floats, integer, integers, model, node, strings, unary, value};
use pipeline::{Fate, Pipeline};
use serde_json::{Value, json};
use tempfile::TempDir;

const OPSETS: [(&str, i64); 2] = [("", 17), ("ai.onnx.ml", 1)];

/// A model in a store, and a pipeline that asks it.
struct Asked {
    store: TempDir,
    pipeline: Pipeline,
}

impl Asked {
    fn new(bytes: &[u8], fields: &Value, mut params: Value) -> Self {
        let store = TempDir::new().unwrap();
        std::fs::write(store.path().join("m.onnx"), bytes).unwrap();
        params["model_id"] = "m".into();
        let pipeline = Pipeline::new(fields.as_object().unwrap(), store.path().to_str().unwrap(), &[("ONNXNode", params)]);
        Self { store, pipeline }
    }

    fn model(&self) -> Model {
        Model::load("m", &self.store.path().join("m.onnx")).unwrap()
    }

    /// The numbers of each event's score, in the order of the columns; `None` for a dead letter.
    fn answers(&self, events: &[Value], batch: usize) -> Vec<Option<Vec<f64>>> {
        let fates = self.pipeline.score(events, batch).into_iter();
        let numbers = fates.map(|fate| match fate {
            Fate::Scored(score) => Some(score.values().map(|value| value.as_f64().unwrap()).collect()),
            Fate::Rejected(..) => None,
        });
        numbers.collect()
    }
}

/// A constant; its elements as they stand in the file.
fn constant(name: &str, element: i64, shape: &[i64], elements: &[u8]) -> Message {
    let tensor = shape.iter().fold(Message::default(), |tensor, size| tensor.number(1, *size));
    tensor.number(2, element).text(8, name).bytes(9, elements)
}

fn bytes_of(integers: &[i64]) -> Vec<u8> {
    integers.iter().flat_map(|integer| integer.to_le_bytes()).collect()
}

const LETTERS: [&str; 4] = ["a", "b", "c", "d"];

/// `[features, rows]`: as many rows as features would fit. The noise of a first try is below the limit in all of its rows, which are alike.
#[test]
fn rows_are_not_taken_along_a_dimension_of_the_same_size() {
    let nodes = [
        node("Greater", "", &["x", "limit"], &["over"], &[]),
        node("Cast", "", &["over"], &["number"], &[integer("to", FLOAT)]),
        node("Transpose", "", &["number"], &["y"], &[integers("perm", &[1, 0])]),
    ];
    let limit = constant("limit", FLOAT, &[], &5000_f32.to_le_bytes());
    let bytes = model(&[("", 17)], &nodes, &[value("x", FLOAT, &[0, 3])], &[value("y", FLOAT, &[])], &[limit]);
    let fields = json!({"a": "float", "b": "float", "c": "float"});
    let asked = Asked::new(&bytes, &fields, json!({"features": ["a", "b", "c"], "rows_per_run": 3}));
    assert_eq!(asked.model().single_row, Some(SingleRow::TurnedOutput("y".into())));
    let findings = asked.pipeline.findings();
    assert!(findings.contains("the rows may not be along the first dimension of output `y` of model `m`"), "{findings}");
    let rows = [[9000, 0, 0], [0, 0, 9000], [9000, 9000, 0]];
    let events: Vec<Value> = rows.iter().map(|[a, b, c]| json!({"a": a, "b": b, "c": c})).collect();
    let expected: Vec<_> = rows.iter().map(|row| Some(row.map(|value| f64::from(u8::from(value > 5000))).to_vec())).collect();
    for batch in [1, 2, 3] {
        assert_eq!(asked.answers(&events, batch), expected, "{batch}");
    }
}

/// The same behind an encoder, which knows zeros and refuses noise.
#[test]
fn an_encoder_does_not_hide_where_the_rows_are() {
    let encoder = node("OneHotEncoder", "ai.onnx.ml", &["x"], &["code"], &[integers("cats_int64s", &[0, 10, 20]), integer("zeros", 0)]);
    let nodes = [encoder, node("Transpose", "", &["code"], &["y"], &[integers("perm", &[2, 0, 1])])];
    let bytes = model(&OPSETS, &nodes, &[value("x", INT64, &[0, 4])], &[value("y", FLOAT, &[])], &[]);
    let fields = json!({"a": "long", "b": "long", "c": "long", "d": "long"});
    let asked = Asked::new(&bytes, &fields, json!({"features": LETTERS}));
    assert_eq!(asked.model().single_row, Some(SingleRow::TurnedOutput("y".into())));
    let rows = [[0, 10, 20, 0], [10, 0, 20, 0], [20, 0, 20, 10]];
    let events: Vec<Value> = rows.iter().map(|[a, b, c, d]| json!({"a": a, "b": b, "c": c, "d": d})).collect();
    let of = |row: &[i32; 4]| -> Vec<f64> {
        [0, 10, 20].iter().flat_map(|known| row.map(|value| f64::from(u8::from(value == *known)))).collect()
    };
    let expected: Vec<_> = rows.iter().map(|row| Some(of(row))).collect();
    for batch in [1, 2, 3] {
        assert_eq!(asked.answers(&events, batch), expected, "{batch}");
    }
}

/// Of one row the numbers stand in the place of the rows, or one number without dimensions.
#[test]
fn answers_without_dimensions_of_one_are_taken() {
    for width in [1, 2] {
        let asked = Asked::new(
            &unary("Squeeze", FLOAT, &[0, width], &[]),
            &json!({"a": "float", "b": "float"}),
            json!({"features": &LETTERS[..width as usize]}),
        );
        assert_eq!(asked.model().single_row, None);
        let events: Vec<Value> = (0..4).map(|row| json!({"a": row, "b": 10 - row})).collect();
        let expected: Vec<_> = (0..4_i32).map(|row| Some([row, 10 - row].map(f64::from)[..width as usize].to_vec())).collect();
        for batch in [1, 2, 4] {
            assert_eq!(asked.answers(&events, batch), expected, "{width}, {batch}");
        }
    }
}

/// The file declares one column; an encoder that refuses every category that it does not know hides that there are two.
#[test]
fn the_width_behind_an_encoder_is_what_the_model_answers() {
    let categories = [strings("cats_strings", &["x", "y", "z"]), integer("zeros", 0)];
    let weights = [floats("coefficients", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), floats("intercepts", &[0.0, 0.0]), integer("targets", 2)];
    let nodes = [
        node("OneHotEncoder", "ai.onnx.ml", &["x"], &["code"], &categories),
        node("Reshape", "", &["code", "flat"], &["codes"], &[]),
        node("LinearRegressor", "ai.onnx.ml", &["codes"], &["y"], &weights),
    ];
    let flat = constant("flat", INT64, &[2], &bytes_of(&[-1, 3]));
    let bytes = model(&OPSETS, &nodes, &[value("x", STRING, &[0, 1])], &[value("y", FLOAT, &[0, 1])], &[flat]);
    let asked = Asked::new(&bytes, &json!({"a": "string"}), json!({"features": ["a"]}));
    assert_eq!(asked.pipeline.findings(), "");
    assert_eq!(asked.model().single_row, None);
    let events: Vec<Value> = ["x", "z", "unknown", "y"].iter().map(|a| json!({ "a": a })).collect();
    let expected = [Some(vec![1.0, 4.0]), Some(vec![3.0, 6.0]), None, Some(vec![2.0, 5.0])];
    for batch in [1, 4] {
        assert_eq!(asked.answers(&events, batch), expected, "{batch}");
    }
}

/// Two numbers a row of a model that refuses zeros, in this order of dimensions and declared so.
fn refusing(order: &[i64], declared: &[i64]) -> Asked {
    let nodes = [
        node("Sub", "", &["x", "ten"], &["index"], &[]),
        node("Gather", "", &["table", "index"], &["found"], &[]),
        node("Transpose", "", &["found"], &["y"], &[integers("perm", order)]),
    ];
    let table: Vec<u8> = (0..8_u8).flat_map(|value| f32::from(value).to_le_bytes()).collect();
    let constants = [constant("table", FLOAT, &[4, 2], &table), constant("ten", INT64, &[], &bytes_of(&[10]))];
    let bytes = model(&OPSETS, &nodes, &[value("x", INT64, &[0])], &[value("y", FLOAT, declared)], &constants);
    Asked::new(&bytes, &json!({"a": "long"}), json!({"features": ["a"]}))
}

/// What an exporter left of its sample batch, declared as the number of rows.
#[test]
fn a_first_dimension_that_is_declared_fixed_is_that_of_the_rows() {
    for sample in [1, 5] {
        let asked = refusing(&[0, 1], &[sample, 2]);
        for batch in [1, 2, 5] {
            let events: Vec<Value> = (10..14).map(|a| json!({ "a": a })).collect();
            let expected: Vec<_> = (0..4_u8).map(|row| Some(vec![f64::from(2 * row), f64::from(2 * row + 1)])).collect();
            assert_eq!(asked.answers(&events, batch), expected, "{sample}, {batch}");
        }
    }
}

/// `[2, rows]`: the one open dimension is that of the rows.
#[test]
fn a_declaration_tells_where_the_rows_are() {
    let asked = refusing(&[1, 0], &[2, 0]);
    assert_eq!(asked.model().single_row, Some(SingleRow::TurnedOutput("y".into())));
    assert_eq!(refusing(&[0, 1], &[0, 2]).model().single_row, None);
    let findings = asked.pipeline.findings();
    assert!(findings.contains("model `m` fails on a row of zeros and empty strings, so it could not be tried"), "{findings}");
    let events = [json!({"a": 10}), json!({"a": 13})];
    let expected = [Some(vec![0.0, 1.0]), Some(vec![6.0, 7.0])];
    for batch in [1, 2] {
        assert_eq!(asked.answers(&events, batch), expected, "{batch}");
    }
}

#[test]
fn metadata_that_are_no_list_of_features_are_told() {
    for (text, warns) in [("a,b", true), (r#"{"a": 0, "b": 1}"#, true), (r#"["a", "b"]"#, false)] {
        let entry = Message::default().text(1, "features").text(2, text);
        let bytes = Message(unary("Neg", FLOAT, &[0, 2], &[])).message(14, &entry).0;
        let asked = Asked::new(&bytes, &json!({"a": "float", "b": "float"}), json!({"features": ["a", "b"]}));
        let findings = asked.pipeline.findings();
        let warning = format!("model `m`: its metadata `features` are no JSON list of names: `{}`", text.escape_debug());
        assert_eq!(findings.contains(&warning), warns, "{findings}");
    }
}
