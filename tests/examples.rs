//! The examples of the reference pages: every type of node and every operation has one, and each gives exactly what it says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use caz::model::ModelStore;
use caz::nodes::{NODES, operation_pages};
use caz::reference::{Example, Trial, examples, node_index, node_page};
use serde_json::{Value, json};

fn node_of(name: &str) -> &str {
    if name.starts_with("pandas/") { "Pandas" } else { name }
}

#[test]
fn every_node_and_operation_has_one() {
    let nodes = NODES.iter().map(|node| node.type_name().to_owned());
    let operations = operation_pages().map(|page| format!("pandas/{}", page.name));
    let expected: BTreeSet<String> = nodes.chain(operations).collect();
    let found: BTreeSet<String> = examples().iter().map(|(name, _)| (*name).to_owned()).collect();
    let missing: Vec<&String> = expected.difference(&found).collect();
    let without: Vec<&String> = found.difference(&expected).collect();
    assert!(missing.is_empty(), "no docs/examples/*.yaml for {missing:?}");
    assert!(without.is_empty(), "examples of nothing: {without:?}");
}

#[test]
fn each_uses_what_it_is_of() {
    for (name, text) in examples().iter().filter(|(name, _)| name.starts_with("pandas/")) {
        let (example, _) = Example::read(name, text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(example.params["import"].as_str(), name.strip_prefix("pandas/"), "docs/examples/{name}.yaml");
    }
}

#[test]
fn each_gives_what_it_says() {
    let models = ModelStore::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/models"));
    let mut wrong = Vec::new();
    for (name, text) in examples() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/examples/{name}.yaml"));
        let (example, document) = Example::read(&file.display().to_string(), text).unwrap_or_else(|error| panic!("{error}"));
        let mut trial = match Trial::plan(&example, node_of(name), &document, &models) {
            Ok(trial) => trial,
            Err(error) => {
                wrong.push(format!("docs/examples/{name}.yaml: {error}"));
                continue;
            }
        };
        let (types, gives) = (trial.types(), trial.run().unwrap());
        // Text keeps the difference between 1 and 1.0, and the order of columns.
        let expected = serde_json::to_string(&(&example.types, &example.gives)).unwrap();
        let found = serde_json::to_string(&(&types, &gives)).unwrap();
        if found != expected {
            wrong.push(format!("docs/examples/{name}.yaml\n    says  {expected}\n    gives {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pages_are_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/nodes");
    let pages = NODES.iter().map(|node| (node.type_name(), node_page(node.type_name()).unwrap()));
    let mut names = BTreeSet::new();
    for (name, page) in pages.chain([("README", node_index())]) {
        let written = std::fs::read_to_string(folder.join(format!("{name}.md"))).unwrap_or_default();
        assert!(written == page, "docs/nodes/{name}.md is not what the program says: `make docs` writes it");
        names.insert(format!("{name}.md"));
    }
    let found: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, names, "a page of no node");
}

/// Events bring decimals, dates and times of day, which no operation takes as they are: the ways out, from the event to the column.
#[test]
fn decimals_dates_and_times_of_day_become_numbers_times_and_text() {
    let decimal = json!({"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2});
    let on = |import: &str, cols: &str, kwargs: Value| json!({"import": import, "cols": cols, "kwargs": kwargs});
    let text = json!({
        "about": "",
        "fields": {
            "price": ["null", decimal], "cents": decimal, "born": "date?", "clock": {"type": "int", "logicalType": "time-millis"},
        },
        "params": {"steps": [
            on("astype", "price", json!({"dtype": "float"})),
            on("astype", "cents", json!({"dtype": "int8"})),
            on("to_datetime", "born", json!({})),
            on("dt.year", "born", json!({})),
            on("astype", "clock", json!({"dtype": "str"})),
        ]},
        "rows": [
            {"price": "12.50", "cents": "-2.99", "born": 19782, "clock": 45_000_250},
            {"price": null, "cents": "127.99", "born": null, "clock": 0},
            {"price": "0.10", "cents": "128.00", "born": 0, "clock": 0},
            {"price": "0.10", "cents": "1.00", "born": -719_162, "clock": 0},
            {"price": "0.10", "cents": "1.00", "born": 0, "clock": 86_400_000},
        ],
    });
    let (example, document) = Example::read("objects.json", &text.to_string()).unwrap();
    let mut trial = Trial::plan(&example, "Pandas", &document, &ModelStore::new("")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(Value::Object(trial.types()), json!({"price": "float64", "cents": "int8", "born": "float64", "clock": "object"}));
    let expected = [
        json!({"price": 12.5, "cents": -2, "born": 2024.0, "clock": "12:30:00.250000"}),
        json!({"price": null, "cents": 127, "born": null, "clock": "00:00:00"}),
        json!({"rejected": "astype: this number cannot be converted to int8"}),
        json!({"rejected": "to_datetime: it lies outside the years 1677 to 2262, which nanoseconds hold"}),
        json!({"rejected": "astype: a date outside of the years 1 to 9999, or a time beyond a day, cannot be converted to text"}),
    ];
    assert_eq!(trial.run().unwrap(), expected);
}
