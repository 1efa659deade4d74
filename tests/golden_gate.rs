//! The golden gate as a user meets it: what diverges is named, node, case and column, and nothing is served.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::car_insurance::root;
use support::command::{Ended, caz, example};

/// `caz check` of a pipeline text.
fn check(folder: &Path, text: &str) -> Ended {
    std::fs::write(folder.join("pipeline.yaml"), text).unwrap();
    caz(folder, &["check", "pipeline.yaml"])
}

/// The example with its golden cases changed, in a file beside it.
fn with_cases(folder: &Path, change: impl FnOnce(&mut Value)) -> String {
    let text = std::fs::read_to_string(root().join("models/car-insurance/golden.json")).unwrap();
    let mut golden: Value = serde_json::from_str(&text).unwrap();
    change(&mut golden);
    std::fs::write(folder.join("golden.json"), golden.to_string()).unwrap();
    example(&[(&format!("golden: {}/models/car-insurance/golden.json", root().display()), "golden: golden.json")])
}

#[test]
fn the_example_makes_what_training_made() {
    let folder = tempfile::tempdir().unwrap();
    let ended = check(folder.path(), &example(&[]));
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let passed = "golden   32 cases pass: 17 nodes, 60 features and the scores are as recorded";
    assert!(ended.stdout.contains(passed), "{}", ended.stdout);
}

#[test]
fn scores_that_were_not_recorded_are_not_said_to_be_as_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let text = with_cases(folder.path(), |golden| {
        golden["models"][0]["outputs"] = json!([]);
        golden["cases"].as_array_mut().unwrap().iter_mut().for_each(|case| case["models"][0]["outputs"] = json!([]));
    });
    let ended = check(folder.path(), &text);
    assert!(
        ended.stdout.contains("golden   32 cases pass: 17 nodes and 60 features are as recorded\n"),
        "{}{}",
        ended.stdout,
        ended.stderr
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_text() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = with_cases(folder.path(), |_| {});
    let schema = format!("{}/schemas/car-insurance.avsc", root().display());
    assert!(text.contains(&schema), "{text}");
    text = text.replace(&schema, "events.avsc");
    for (from, to) in [(Path::new(&schema), "events.avsc"), (&folder.path().join("golden.json"), "golden.json")] {
        let content = std::fs::read_to_string(from).unwrap();
        std::fs::write(folder.path().join(to), format!("\u{feff}{content}")).unwrap();
    }
    let ended = check(folder.path(), &text);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn a_changed_parameter_is_found_at_its_node() {
    let folder = tempfile::tempdir().unwrap();
    for (node, from, to, column) in [
        ("dayofweek", "dt.dayofweek, cols: timestamp, into: dayofweek", "dt.day, cols: timestamp, into: dayofweek", "dayofweek"),
        ("age_fillna", "{value: {frozen: median}}", "{value: 41}", "age"),
        ("carbrand_fillna", "cols: carbrand, kwargs: {value: notgiven}", "cols: carbrand, kwargs: {value: Notgiven}", "carbrand"),
        ("carbrand_mapper", "vw, value: volkswagen", "vw, value: Others", "carbrand"),
        ("country_mapper", "{import: str.lower, cols: country}", "{import: str.strip, cols: country}", "country"),
        ("age_bins", "right: false", "right: true", "age_bucket"),
    ] {
        let ended = check(folder.path(), &example(&[(from, to)]));
        assert_eq!(ended.code, 6, "{node}: {}", ended.stderr);
        let named = format!("error[E0601]: node `{node}` is the first that diverges: in golden case ");
        assert!(ended.stderr.contains(&named), "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!(", column `{column}` is ")), "{}", ended.stderr);
    }
    insta::assert_snapshot!("a_changed_parameter", check(folder.path(), &example(&[("right: false", "right: true")])).stderr);
}

#[test]
fn another_model_and_other_features_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let ended = check(folder.path(), &example(&[("car-insurance/random-forest", "car-insurance/logistic-regression")]));
    assert_eq!(ended.code, 6);
    insta::assert_snapshot!("another_model", ended.stderr);
    // The last bit of a price, as only the model sees it.
    let text = with_cases(folder.path(), |golden| {
        let price = &mut golden["cases"][3]["models"][0]["features"][1];
        *price = json!(f64::from((price.as_f64().unwrap() as f32).next_up()));
    });
    let ended = check(folder.path(), &text);
    assert_eq!(ended.code, 6);
    insta::assert_snapshot!("another_feature", ended.stderr);
}

#[test]
fn scores_may_differ_by_the_tolerance_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    for (difference, tolerance, code) in [(5e-7, 1e-6, 0), (2e-6, 1e-6, 6), (2e-6, 1e-5, 0)] {
        let text = with_cases(folder.path(), |golden| {
            golden["tolerances"]["score"] = json!(tolerance);
            let score = &mut golden["cases"][0]["models"][0]["outputs"][2];
            *score = json!(score.as_f64().unwrap() + difference);
        });
        assert_eq!(check(folder.path(), &text).code, code, "{difference} {tolerance}");
    }
}

/// Columns of answers stand in the file where `explain --record` made it, or a Recorder was given the frame behind the model.
#[test]
fn columns_made_of_answers_may_differ_as_the_answers_do() {
    let folder = tempfile::tempdir().unwrap();
    let behind = "    - id: half
      type: FieldTrans
      params: {fields: {half: probability_yes / 2}}
    - id: copy
      type: FieldOps
      params: {copy: {half: copied}}
  edges:
    - [onnx, half]
    - [half, copy]
";
    for (column, difference, code) in [(0, 4e-7, 0), (1, 4e-7, 0), (2, 4e-7, 0), (0, 2e-6, 6), (1, 2e-6, 6), (2, 2e-6, 6), (3, 4e-7, 6)] {
        let text = with_cases(folder.path(), |golden| {
            let first = golden["columns"].as_array().unwrap().len();
            let columns = ["probability_yes", "half", "copied", "pricequote"].map(|name| json!({"name": name, "dtype": "float64"}));
            golden["columns"].as_array_mut().unwrap().extend(columns);
            let [score, half, copied, price] = std::array::from_fn(|at| first + at);
            let nodes = [("onnx", vec![score, price]), ("half", vec![half]), ("copy", vec![copied])];
            golden["nodes"].as_array_mut().unwrap().extend(nodes.map(|(id, columns)| json!({"id": id, "columns": columns})));
            for (number, case) in golden["cases"].as_array_mut().unwrap().iter_mut().enumerate() {
                let score = case["models"][0]["outputs"][2].as_f64().unwrap();
                let mut values = [score, score / 2.0, score / 2.0, case["event"]["pricequote"].as_f64().unwrap()];
                values[column] += if number == 0 { difference } else { 0.0 };
                case["values"].as_array_mut().unwrap().extend(values.map(|value| json!(value)));
            }
        });
        let ended = check(folder.path(), &text.replacen("  edges:\n", behind, 1));
        assert_eq!(ended.code, code, "{column} {difference}: {}", ended.stderr);
        let (node, name) = [("onnx", "probability_yes"), ("half", "half"), ("copy", "copied"), ("onnx", "pricequote")][column];
        let told = format!("node `{node}` is the first that diverges: in golden case 0, column `{name}` is ");
        assert!(code == 0 || ended.stderr.contains(&told), "{}", ended.stderr);
        assert_eq!(ended.stderr.contains("(tolerance 0.000001)"), code == 6 && column < 3, "{}", ended.stderr);
    }
}

/// Training records its frame; the model takes halves.
#[test]
fn features_of_a_half_precision_model_are_compared_as_halves() {
    let folder = tempfile::tempdir().unwrap();
    let fields: Vec<Value> = ["a", "b", "c"].iter().map(|name| json!({"name": name, "type": "double"})).collect();
    let schema = json!({"type": "record", "name": "Event", "fields": fields});
    std::fs::write(folder.path().join("events.avsc"), schema.to_string()).unwrap();
    let pipeline = json!({
        "name": "halves",
        "input": {"topic": "events", "group": "g", "format": "json", "schema": "events.avsc"},
        "model_store": root().join("models"),
        "golden": "golden.json",
        "graph": {
            "nodes": [
                {"id": "df", "type": "JsonToDataframe"},
                {"id": "onnx", "type": "ONNXNode", "params": {"model_id": "zoo/half-precision", "features": ["a", "b", "c"]}},
            ],
            "edges": [["df", "onnx"]],
        },
        "output": {"topic": "scores", "format": "json"},
        "dead_letters": {"topic": "dead-letters"},
        "kafka": {"bootstrap.servers": "localhost:9092"},
    });
    for (recorded, code) in [(json!([0.1, 2049, -0.3]), 0), (json!([0.1002, 2049, -0.3]), 6)] {
        let golden = json!({
            "version": 1,
            "models": [{"node": "onnx", "features": ["a", "b", "c"]}],
            "cases": [{"event": {"a": 0.1, "b": 2049.0, "c": -0.3}, "models": [{"features": recorded}]}],
        });
        std::fs::write(folder.path().join("golden.json"), golden.to_string()).unwrap();
        let ended = check(folder.path(), &format!("{pipeline:#}"));
        assert_eq!(ended.code, code, "{recorded}: {}", ended.stderr);
        assert_eq!(ended.stderr.contains("feature 0 `a` is 0.099975586 (float16); recorded: "), code == 6, "{}", ended.stderr);
    }
}

#[test]
fn an_event_that_has_another_fate_is_found() {
    let folder = tempfile::tempdir().unwrap();
    // Its decoding fails, which training did not expect; another is scored, which was to be a dead letter.
    let text = with_cases(folder.path(), |golden| golden["cases"][2]["event"]["pricequote"] = json!("cheap"));
    let rejected = check(folder.path(), &text);
    let dead_letter = json!({"phase": "graph", "reason": "conversion", "node": "age_to_int", "field": "age"});
    let text = with_cases(folder.path(), |golden| {
        let event = golden["cases"][1]["event"].take();
        golden["cases"][1] = json!({"event": event, "rejected": dead_letter});
    });
    let scored = check(folder.path(), &text);
    assert_eq!((rejected.code, scored.code), (6, 6));
    insta::assert_snapshot!("another_fate", format!("{}\n{}", rejected.stderr, scored.stderr));
}

#[test]
fn cases_that_do_not_fit_the_graph_are_told_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = with_cases(folder.path(), |golden| {
        golden["nodes"][2]["id"] = json!("hours");
        golden["columns"][1]["name"] = json!("kilometres");
        let features = golden["models"][0]["features"].as_array_mut().unwrap();
        features.swap(0, 1);
    });
    let ended = check(folder.path(), &text);
    assert_eq!(ended.code, 6);
    let first = ended.stderr.split("\n\n").next().unwrap();
    let misfits: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("error")).collect();
    insta::assert_snapshot!("misfits", format!("{first}\n\n{}", misfits.join("\n")));
}

#[test]
fn a_file_that_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut messages = Vec::new();
    let path = folder.path().join("golden.json");
    let text = with_cases(folder.path(), |_| {});
    for content in [
        "[",
        r#"{"version": 2, "cases": [], "more": 1}"#,
        r#"{"version": 1, "cases": [], "more": 1}"#,
        r#"{"version": 1, "cases": [{"event": "~"}]}"#,
        r#"{"version": 1, "columns": [{"name": "a", "dtype": "x"}], "cases": [{"event": {}}]}"#,
        r#"{"version": 1, "nodes": [{"id": "a", "columns": [3]}], "cases": []}"#,
        r#"{"version": 1, "models": [{"node": "onnx", "outputs": ["p"]}], "cases": [{"event": {}}]}"#,
        r#"{"version": 1, "tolerances": {"score": -1}, "cases": []}"#,
        r#"{"version": 1, "cases": []}"#,
    ] {
        std::fs::write(&path, content).unwrap();
        let ended = check(folder.path(), &text);
        assert_eq!(ended.code, 6, "{content}: {}", ended.stderr);
        messages.push(ended.stderr.lines().next().unwrap().to_owned());
    }
    std::fs::write(&path, vec![b' '; (16 << 20) + 1]).unwrap();
    messages.push(check(folder.path(), &text).stderr.lines().next().unwrap().to_owned());
    std::fs::remove_file(&path).unwrap();
    messages.push(check(folder.path(), &text).stderr);
    insta::assert_snapshot!("files_that_cannot_be_used", messages.join("\n"));
}

#[test]
fn who_serves_refuses_and_who_looks_does_not() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pipeline.yaml"), example(&[("right: false", "right: true")])).unwrap();
    let rows = root().join("datasets/car-insurance.csv");
    let rows = rows.to_str().unwrap();
    for arguments in [
        vec!["check", "pipeline.yaml", "--json"],
        vec!["run", "pipeline.yaml"],
        vec!["demo", "pipeline.yaml", "--seconds", "1"],
        vec!["score", "pipeline.yaml", "--input", rows, "--output", "scores.csv"],
    ] {
        let ended = caz(folder.path(), &arguments);
        assert_eq!(ended.code, 6, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("error[E0601]: node `age_bins`"), "{arguments:?}: {}", ended.stderr);
        if arguments.contains(&"--json") {
            let findings: Value = serde_json::from_str(&ended.stdout).unwrap();
            // Before it stands the warning that the statistics are of another graph.
            let line = findings.as_array().unwrap().iter().find(|finding| finding["code"] == "E0601").unwrap()["line"].clone();
            let text = example(&[]);
            let node = text.lines().position(|line| line.contains("id: age_bins")).unwrap() + 1;
            assert_eq!(line, json!(node));
        }
    }
    assert!(!folder.path().join("scores.csv").exists());
    assert_eq!(caz(folder.path(), &["graph", "pipeline.yaml"]).code, 0);
    assert_eq!(caz(folder.path(), &["explain", "pipeline.yaml", "--case", "0"]).code, 0);
}
