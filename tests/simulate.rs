//! `caz simulate` against a real broker: what arrives is what was promised.

#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod support;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use caz::codec::avro::AvroDecoder;
use caz::codec::{Decoded, Decoder};
use caz::dataset::DatasetSchema;
use support::car_insurance::root;
use support::command::example;
use tempfile::TempDir;

/// A pipeline whose topics are of this test alone. The topics of its output are not looked at.
struct Pipeline {
    folder: TempDir,
    topic: String,
}

impl Pipeline {
    fn new(topic: &str, format: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let text = example(&[("topic: car-insurance-events", &format!("topic: {topic}")), ("format: avro", &format!("format: {format}"))]);
        std::fs::write(folder.path().join("pipeline.yaml"), text).unwrap();
        Self { folder, topic: topic.to_owned() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("pipeline.yaml")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_caz"));
        command.arg("simulate").arg(self.file()).args(arguments).current_dir(root()).env("CAZ_BOOTSTRAP", support::bootstrap());
        command
    }

    fn simulate(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

fn told(output: &Output) -> String {
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{answer}{}", String::from_utf8_lossy(&output.stderr));
    answer
}

/// How many of the payloads are events of the dataset.
fn readable<'a>(payloads: impl Iterator<Item = &'a [u8]>) -> usize {
    let schema = DatasetSchema::parse_avro(&std::fs::read_to_string(root().join("schemas/car-insurance.avsc")).unwrap()).unwrap();
    let projection: Vec<usize> = (0..schema.fields().len()).collect();
    let mut decoded = Decoded::default();
    AvroDecoder::new(&schema, &projection).unwrap().decode(&payloads.collect::<Vec<_>>(), &mut decoded);
    decoded.rows.len()
}

#[test]
fn rows_of_a_file_arrive_over_and_over_with_their_keys() {
    let pipeline = Pipeline::new(&support::create_topic("simulate-rows", 3), "avro");
    let answer = told(&pipeline.simulate(&["--rows", "datasets/car-insurance.csv", "--count", "7000"]));
    assert!(answer.starts_with(&format!("published 7,000 events to {}", pipeline.topic)), "{answer}");
    let stored = support::read_committed(&pipeline.topic);
    assert_eq!(stored.len(), 7_000);
    assert_eq!(readable(stored.iter().filter_map(|record| record.value.as_deref())), 7_000);
    let csv = std::fs::read_to_string(root().join("datasets/car-insurance.csv")).unwrap();
    let mut expected: Vec<&str> = csv.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    expected.extend_from_within(..2_000);
    let mut keys: Vec<&str> = stored.iter().map(|record| std::str::from_utf8(record.key.as_deref().unwrap()).unwrap()).collect();
    keys.sort_unstable();
    expected.sort_unstable();
    assert_eq!(keys, expected);
}

#[test]
fn the_same_seed_makes_the_same_events_and_the_share_of_broken_ones() {
    let values = |seed: &str| {
        let pipeline = Pipeline::new(&support::create_topic("simulate-seed", 1), "avro");
        told(&pipeline.simulate(&["--count", "2000", "--seed", seed, "--faults", "10%", "--keys", "city"]));
        let stored = support::read_committed(&pipeline.topic);
        assert_eq!(stored.len(), 2_000);
        let broken = 2_000 - readable(stored.iter().filter_map(|record| record.value.as_deref()));
        assert!((140..260).contains(&broken), "{broken} of 2000 are broken");
        stored.into_iter().map(|record| record.key).collect::<Vec<_>>()
    };
    let first = values("7");
    assert_eq!(first, values("7"));
    assert_ne!(first, values("8"));
    assert!(first.contains(&None) && first.contains(&Some(b"city-0".to_vec())), "keys are cities, and some are not known");
}

#[test]
fn json_goes_out_as_json_at_the_rate_asked_for() {
    let pipeline = Pipeline::new(&support::create_topic("simulate-json", 1), "json");
    let started = Instant::now();
    told(&pipeline.simulate(&["--rate", "200/s", "--seconds", "2"]));
    assert!(started.elapsed() >= Duration::from_secs(2));
    let stored = support::read_committed(&pipeline.topic);
    assert!((380..=402).contains(&stored.len()), "{} events in 2 s at 200 a second", stored.len());
    for record in &stored {
        let event: serde_json::Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        assert!(event["ecid"].is_string() && event["timestamp"].is_string(), "{event}");
        // Made when it was published.
        assert!(record.timestamp_ms.unwrap() > 1_700_000_000_000);
    }
}

#[test]
fn an_interrupt_counts_what_was_published() {
    let pipeline = Pipeline::new(&support::create_topic("simulate-stop", 2), "avro");
    let child = pipeline.command(&["--rate", "1000"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let answer = told(&child.wait_with_output().unwrap());
    let count: usize = answer.split_whitespace().nth(1).unwrap().replace(',', "").parse().unwrap();
    assert_eq!(support::read_committed(&pipeline.topic).len(), count);
}

#[test]
fn events_that_are_not_delivered_are_a_failure() {
    let topic = support::create_topic_with("simulate-refused", 1, &[("max.message.bytes", "50")]);
    let output = Pipeline::new(&topic, "avro").simulate(&["--count", "10"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("events were not delivered: "), "{message}");
}

#[test]
fn a_wrong_row_does_not_take_back_what_was_published_before_it() {
    let pipeline = Pipeline::new(&support::create_topic("simulate-wrong-row", 1), "avro");
    let csv = std::fs::read_to_string(root().join("datasets/car-insurance.csv")).unwrap();
    let mut lines: Vec<&str> = csv.lines().take(2_001).collect();
    lines.push("too few fields");
    let rows = pipeline.folder.path().join("rows.csv");
    std::fs::write(&rows, lines.join("\n")).unwrap();
    let output = pipeline.simulate(&["--rows", rows.to_str().unwrap()]);
    let (answer, message) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{answer}{message}");
    assert!(message.contains("rows.csv: row 2001: "), "{message}");
    let count: usize = answer.split_whitespace().nth(1).unwrap().replace(',', "").parse().unwrap();
    assert!(count > 0, "{answer}");
    assert_eq!(support::read_committed(&pipeline.topic).len(), count);
}

#[test]
fn wrong_arguments_are_told() {
    let pipeline = Pipeline::new(&support::create_topic("simulate-wrong", 1), "avro");
    let told = |arguments: &[&str]| {
        let output = pipeline.simulate(arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, message) = told(&["--keys", "nobody", "--count", "1"]);
    assert!(code == Some(1) && message.contains("no field `nobody` to make keys of; it has ecid, km"), "{message}");
    let (code, message) = told(&["--rate", "fast"]);
    assert!(code == Some(2) && message.contains("such as 2000 or 2000/s"), "{message}");
    let missing = Pipeline::new(&support::unique("simulate-missing"), "avro");
    let output = missing.simulate(&["--count", "1"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("does not exist"), "{output:?}");
    // The file is looked at before the topic is.
    let output = missing.simulate(&["--rows", "nope.csv", "--count", "1"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("nope.csv: No such file"), "{output:?}");
}
