//! `caz check` as a user meets it: every mistake at once, each with its place; branches that are right.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::process::Command;

use caz::stream::Assembly;
use serde_json::json;
use support::car_insurance::{avro_events, root};
use support::command::{caz, example};

/// Exit code and standard error of `caz check`, run beside the file.
fn check(folder: &Path, text: &str) -> (i32, String) {
    std::fs::write(folder.join("pipeline.yaml"), text).unwrap();
    let ended = caz(folder, &["check", "pipeline.yaml"]);
    (ended.code, ended.stderr)
}

#[test]
fn the_example_has_no_mistake() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(check(folder.path(), &example(&[])), (0, String::new()));
}

#[test]
fn a_log_of_json_lines_holds_the_reason_of_the_end() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pipeline.yaml"), example(&[("right: false", "right: 7")])).unwrap();
    let ended = caz(folder.path(), &["run", "pipeline.yaml", "--log-format", "json"]);
    let read = |line: &str| -> serde_json::Value { serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")) };
    let lines: Vec<serde_json::Value> = ended.stderr.lines().map(read).collect();
    let last = lines.last().unwrap();
    assert_eq!((ended.code, &last["level"]), (3, &json!("ERROR")), "{last}");
    assert!(last["message"].as_str().unwrap().contains("pipeline.yaml:"), "{last}");
}

#[test]
fn every_mistake_in_the_graph_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = example(&[
        ("cols: timestamp, into: hour", "cols: timestmp, into: hour"),
        ("{import: fillna, cols: carbrand, kwargs: {value: notgiven}}", "{import: filna, cols: carbrand, kwargs: {value: notgiven}}"),
        ("{import: fillna, cols: country, kwargs: {value: notgiven}}", "{import: fillna, cols: country, kwargs: {valeu: notgiven}}"),
        ("right: false", "right: 7"),
        ("model_id: car-insurance/random-forest", "model_id: car-insurance/random-forrest"),
        ("columns: [purchase_predicted, probability_yes]", "columns: [purchase_predicted, probability_maybe]"),
        ("pass_through: [ecid]", "pass_through: [ecids]"),
    ]);
    let (code, message) = check(folder.path(), &text);
    assert_eq!(code, 3, "{message}");
    insta::assert_snapshot!("mistakes_in_the_graph", message);
}

/// A mistake in one part of a pipeline hides none in another.
#[test]
fn mistakes_of_every_kind_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let frozen = format!("{}/config/car-insurance.frozen.json", root().display());
    let text = example(&[
        (&frozen, "nowhere.json"),
        ("car-insurance/golden.json", "car-insurance/nowhere.json"),
        ("kafka:\n", "registry: {url: localhost:8081}\nkafka:\n  acks: 1\n  foo.bar: 1\n"),
        (
            "output:\n  topic: car-insurance-scores\n  format: json",
            "output:\n  topic: car-insurance-scores\n  format: jsno\n  framing: none!",
        ),
        ("workers: 1\n", "workerz: 1\n"),
        ("group: caz-car-insurance", "group: ''"),
        ("cols: timestamp, into: hour", "cols: timestmp, into: hour"),
        ("{import: fillna, cols: carbrand, kwargs: {value: notgiven}}", "{import: filna, cols: carbrand, kwargs: {value: notgiven}}"),
        ("right: false", "right: 7"),
        ("- [dummies, onnx]", "- [dummies, onnx]\n    - [dummies, nobody]"),
        ("  edges:\n", "    - {id: alone, type: Pandas, params: {import: abs, cols: age}}\n  edges:\n"),
        ("model_id: car-insurance/random-forest", "model_id: car-insurance/random-forrest"),
        ("pass_through: [ecid]", "pass_through: [ecids]"),
    ]);
    let (code, message) = check(folder.path(), &text);
    assert_eq!(code, 3, "{message}");
    insta::assert_snapshot!("mistakes_of_every_kind", message);
}

#[test]
fn features_in_another_order_than_the_model_learned_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = example(&[("- hour\n          - pricequote", "- pricequote\n          - hour")]);
    let (code, message) = check(folder.path(), &text);
    assert_eq!(code, 3, "{message}");
    insta::assert_snapshot!("features_in_another_order", message);
}

#[test]
fn mistakes_in_the_shape_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = example(&[
        ("- [to_datetime, hour]", "- [to_datetim, hour]"),
        ("- [age_bins, dummies]", "- [age_bins, dummies]\n    - [dummies, age_to_int]"),
        ("type: ONNXNode", "type: OnnxNode"),
    ]);
    let (code, message) = check(folder.path(), &text);
    assert_eq!(code, 3, "{message}");
    insta::assert_snapshot!("mistakes_in_the_shape", message);
}

#[test]
fn a_statistic_that_is_not_frozen_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = example(&[(&format!("  frozen: {}/config/car-insurance.frozen.json\n", root().display()), "")]);
    let (code, message) = check(folder.path(), &text);
    assert_eq!(code, 3, "{message}");
    insta::assert_snapshot!("not_frozen", message);
}

/// Two models beside each other on the same features, then joined.
#[test]
fn two_models_on_two_branches_score_as_they_do_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = example(&[]);
    let start = text.find("    - id: onnx\n").unwrap();
    let end = text.find("  edges:\n").unwrap();
    let second = text[start..end].replace("id: onnx", "id: onnx_linear").replace("random-forest", "logistic-regression").replace(
        "{label: purchase_predicted, probabilities: [probability_no, probability_yes]}",
        "{label: linear_label, probabilities: [linear_no, linear_yes]}",
    );
    let joined = "    - id: both\n      type: Pandas\n      params: {import: rename, kwargs: {columns: {probability_yes: forest_yes}}}\n";
    let text = format!("{}{second}{joined}{}", &text[..end], &text[end..])
        .replace(
            "    - [dummies, onnx]\n",
            "    - [dummies, onnx]\n    - [dummies, onnx_linear]\n    - [onnx, both]\n    - [onnx_linear, both]\n",
        )
        .replace("columns: [purchase_predicted, probability_yes]", "columns: [purchase_predicted, forest_yes, linear_label, linear_yes]");
    let file = folder.path().join("pipeline.yaml");
    std::fs::write(&file, text).unwrap();
    let (assembly, _) = Assembly::load(&file).unwrap_or_else(|found| panic!("{}", found.render(false)));
    let mut line = assembly.line().unwrap();
    let events = avro_events();
    let scored = line.score(events.iter().map(|event| Some(event.as_slice())));
    let mut expected = csv::Reader::from_path(root().join("models/car-insurance/expected.csv")).unwrap();
    let mut rows = 0;
    for ((_, score), expected) in scored.scores().zip(expected.records()) {
        let (score, expected): (serde_json::Value, _) = (serde_json::from_slice(score).unwrap(), expected.unwrap());
        for (label, probability, at) in [("purchase_predicted", "forest_yes", 2), ("linear_label", "linear_yes", 5)] {
            assert_eq!(score[label].to_string(), expected[at]);
            let difference = score[probability].as_f64().unwrap() - expected[at + 2].parse::<f64>().unwrap();
            assert!(difference.abs() < 1e-5, "{score}");
        }
        rows += 1;
    }
    assert_eq!(rows, 5_000);
}

#[test]
fn two_columns_of_one_name_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = example(&[
        // `hour` and `dayofweek` become two branches that both make `part`, joined by `age_fillna`.
        ("cols: timestamp, into: hour", "cols: timestamp, into: part"),
        ("cols: timestamp, into: dayofweek", "cols: timestamp, into: part"),
        ("- [hour, dayofweek]", "- [to_datetime, dayofweek]\n    - [hour, age_fillna]"),
    ]);
    let (code, message) = check(folder.path(), &text);
    assert_eq!(code, 3);
    assert!(message.contains("two columns named `part` reach node `age_fillna`: one made by `hour`, one by `dayofweek`"), "{message}");
}

/// A category and the text of the same codes: dummies of the one are others than those of the other, so no order of edges may choose.
#[test]
fn a_category_and_its_text_are_two_columns() {
    let folder = tempfile::tempdir().unwrap();
    let text = "    - id: text\n      type: Pandas\n      params: {import: astype, cols: age_bucket, kwargs: {dtype: str}}\n";
    for (first, second) in [("text", "age_bins"), ("age_bins", "text")] {
        let edges = format!("    - [age_bins, text]\n    - [{first}, dummies]\n    - [{second}, dummies]\n");
        let pipeline = example(&[("    - id: dummies\n", &format!("{text}    - id: dummies\n")), ("    - [age_bins, dummies]\n", &edges)]);
        let (code, message) = check(folder.path(), &pipeline);
        let told = format!("two columns named `age_bucket` reach node `dummies`: one made by `{first}`, one by `{second}`");
        assert_eq!((code, message.matches("error[").count()), (3, 1), "{message}");
        assert!(message.contains(&told), "{message}");
    }
}

/// Two models at the end whose outputs have one name: neither of the two is left out in silence.
#[test]
fn two_outputs_of_one_name_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = example(&[]);
    let start = text.find("    - id: onnx\n").unwrap();
    let end = text.find("  edges:\n").unwrap();
    let second = text[start..end].replace("id: onnx", "id: onnx_linear").replace("random-forest", "logistic-regression");
    let text = format!("{}{second}{}", &text[..end], &text[end..])
        .replace("    - [dummies, onnx]\n", "    - [dummies, onnx]\n    - [dummies, onnx_linear]\n");
    let told = |name: &str| format!("error[E0202]: two columns named `{name}` leave the graph: one made by `onnx`, one by `onnx_linear`");
    let (code, message) = check(folder.path(), &text);
    assert_eq!(code, 3, "{message}");
    assert!(message.contains(&told("purchase_predicted")) && message.contains(&told("probability_yes")), "{message}");
    assert!(!message.contains("probability_no` leave"), "what is not named does not leave: {message}");
    let (code, message) = check(folder.path(), &text.replace("  columns: [purchase_predicted, probability_yes]\n", ""));
    assert_eq!((code, message.matches("error[E0202]").count()), (3, 3), "{message}");
}

/// What `check --types` answers of the example.
#[test]
fn types_are_shown_node_by_node() {
    let output = Command::new(env!("CARGO_BIN_EXE_caz"))
        .args(["check", "--types", "config/car-insurance.yaml"])
        .current_dir(root())
        .env("ORT_DYLIB_PATH", caz::model::library().unwrap())
        .output()
        .unwrap();
    assert!(output.status.success());
    let answer = String::from_utf8(output.stdout).unwrap();
    // How many rows a run serves best is measured.
    let (_, types) = answer.split_once("\n\n").unwrap();
    insta::assert_snapshot!("types_of_the_example", types);
}

fn explain(code: &str) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_caz")).args(["explain-error", code]).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_code_is_explained() {
    let page = std::fs::read_to_string(root().join("docs/errors/E0201.md")).unwrap();
    assert_eq!(explain("E0201"), (0, page.clone(), String::new()));
    assert_eq!(explain("e0201"), (0, page, String::new()));
    let (status, answer, message) = explain("E0210");
    assert_eq!((status, answer.as_str()), (2, ""));
    assert!(message.starts_with("error: there is no code `E0210`; did you mean `E0"), "{message}");
}

#[test]
fn only_the_nodes_have_pages_to_choose_from() {
    for more in [["metrics", "Pandas"], ["errors", "--into=."]] {
        let output = Command::new(env!("CARGO_BIN_EXE_caz")).arg("reference").args(more).output().unwrap();
        assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()));
    }
}

/// A null on its way through conversions, renamed, through a branch, to a model; nodes that work in vain.
#[test]
fn the_way_of_a_null_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let schema = json!({"type": "record", "name": "Quote", "fields": [
        {"name": "price", "type": "double"},
        {"name": "years", "type": ["null", "string"]},
        {"name": "city", "type": ["null", "string"]},
    ]});
    std::fs::write(folder.path().join("events.avsc"), schema.to_string()).unwrap();
    let text = format!(
        "\
name: quotes
input: {{topic: quotes, group: caz, format: json, schema: events.avsc}}
model_store: {}/docs/examples/models
graph:
  nodes:
    - {{id: json_df, type: JsonToDataframe}}
    - {{id: to_num, type: Pandas, params: {{import: to_numeric, cols: years, kwargs: {{errors: coerce}}}}}}
    - {{id: names, type: Pandas, params: {{import: rename, kwargs: {{columns: {{years: age}}}}}}}}
    - id: shape
      type: Pandas
      params:
        steps:
          - {{import: round, cols: age}}
          - {{import: clip, cols: age, kwargs: {{lower: 18}}}}
          - {{import: sub, cols: price, kwargs: {{other: 10}}}}
    - {{id: spare, type: Pandas, params: {{import: str.lower, cols: city}}}}
    - {{id: filter, type: Pandas, params: {{import: dropna, kwargs: {{subset: [city]}}}}}}
    - {{id: logarithm, type: Pandas, params: {{import: log, cols: price}}}}
    - {{id: text, type: Pandas, params: {{import: astype, cols: city, kwargs: {{dtype: str}}}}}}
    - {{id: onnx, type: ONNXNode, params: {{model_id: quote, features: [price, age]}}}}
  edges: [[json_df, to_num], [to_num, names], [names, shape], [shape, spare], [spare, text], [text, filter], [shape, logarithm], [logarithm, onnx]]
output: {{topic: scores}}
dead_letters: {{topic: failed}}
kafka: {{bootstrap.servers: broker}}
",
        root().display()
    );
    let (code, message) = check(folder.path(), &text);
    assert_eq!(code, 3, "{message}");
    insta::assert_snapshot!("a_null_on_its_way_is_an_error", message);
    let fixed = text.replace("    - {id: text, type: Pandas, params: {import: astype, cols: city, kwargs: {dtype: str}}}\n", "");
    let (code, message) = check(folder.path(), &fixed.replace("[spare, text], [text, filter]", "[spare, filter]"));
    assert_eq!(code, 0, "{message}");
    insta::assert_snapshot!("a_null_on_its_way_to_a_model", message);
}
