//! The FieldOps node on nested events.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::pipeline::{FEATURES, Pipeline, field, iris_fields, line_of, node, record};

/// Flowers in a record, and someone who saw them.
fn nested() -> Vec<Value> {
    let mut flower = iris_fields();
    flower.pop();
    let seen = [field("ecid", "string"), field("visits", "string?"), field("age", "int?"), field("opt_in", "boolean?")];
    vec![record("_experienceplatform", &[record("flower", &flower), record("identification", &seen)]), field("noise", "long")]
}

fn graph() -> Value {
    line_of(&[
        node("in", "Receiver", json!({})),
        node(
            "fields",
            "FieldOps",
            json!({
                "select": ["_experienceplatform"],
                "drop": ["_experienceplatform.identification.opt_in"],
                "copy": {"_experienceplatform.identification.age": ["age_raw", "age_copy"]},
                "rename": {"_experienceplatform.flower": "", "_experienceplatform": "x", "_experienceplatform.identification": "id", "age_copy": "years"},
                "default": {"id.age": 7, "id.visits": "1"},
                "cast": {"id": "int", "id.ecid": "str", "years": "float"}
            }),
        ),
        node("df", "JsonToDataframe", json!({})),
        node("onnx", "ONNXNode", json!({"model_id": "iris/logistic-regression", "features": FEATURES})),
    ])
}

fn event(visits: Option<&str>, age: Option<i32>) -> Value {
    let flower = json!({"sepal_length": 5.8, "sepal_width": 2.7, "petal_length": 4.1, "petal_width": 1.0});
    json!({"noise": 1, "_experienceplatform": {"flower": flower, "identification": {"ecid": "007", "visits": visits, "age": age, "opt_in": null}}})
}

const COLUMNS: [&str; 5] = ["id.ecid", "id.visits", "id.age", "age_raw", "years"];

#[test]
fn fields_are_moved_filled_and_converted() {
    let pipeline = Pipeline::new(&nested(), &graph(), &COLUMNS);
    // The test looks at the fields alone.
    assert!(pipeline.findings().starts_with("warning[E0108]: nothing that is published needs what node `onnx` makes"));
    let events = [event(Some(" 12 "), Some(30)), event(None, None), event(Some("five"), Some(1))];
    let expected = [
        Ok(json!({"id.ecid": "007", "id.visits": 12, "id.age": 30, "age_raw": 30.0, "years": 30.0})),
        Ok(json!({"id.ecid": "007", "id.visits": 1, "id.age": 7, "age_raw": null, "years": null})),
        Err("id.visits: astype: this text cannot be converted to int64".to_owned()),
    ];
    for batch in [1, 2, 3] {
        assert_eq!(pipeline.score(&events, batch), expected);
    }
    let (assembly, _) = pipeline.load().unwrap();
    let plan = assembly.plan().unwrap();
    let names: Vec<&str> = plan.nodes()[1].frame.names().collect();
    assert_eq!(names, [&FEATURES[..], &["id.ecid", "id.visits", "id.age", "age_raw", "years"]].concat());
}

#[test]
fn names_change_all_at_once() {
    let rename = json!({"sepal_length": "sepal_width", "sepal_width": "sepal_length", "species": "noise", "noise": "seen"});
    let mut flower = iris_fields();
    flower.push(field("noise", "long"));
    let graph = line_of(&[
        node("in", "Receiver", json!({})),
        node("fields", "FieldOps", json!({"rename": rename})),
        node("df", "JsonToDataframe", json!({})),
        node("onnx", "ONNXNode", json!({"model_id": "iris/logistic-regression", "features": FEATURES})),
    ]);
    let pipeline = Pipeline::new(&flower, &graph, &["sepal_length", "sepal_width", "noise", "seen"]);
    let events = [json!({"sepal_length": 5.8, "sepal_width": 2.7, "petal_length": 4.1, "petal_width": 1.0, "species": "iris", "noise": 1})];
    let expected = [Ok(json!({"sepal_length": 2.7, "sepal_width": 5.8, "noise": "iris", "seen": 1}))];
    assert_eq!(pipeline.score(&events, 1), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_fields(rows in vec((option::of("[0-9 x]{0,3}"), option::of(any::<i32>())), 1..20), batch in 1_usize..8) {
        let pipeline = Pipeline::new(&nested(), &graph(), &COLUMNS);
        let events: Vec<Value> = rows.iter().map(|(visits, age)| event(visits.as_deref(), *age)).collect();
        prop_assert_eq!(pipeline.score(&events, batch), pipeline.score(&events, events.len()));
    }
}
