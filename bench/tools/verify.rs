//! Whether a run's output is right: every event below the committed offsets once, with the reference's score.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use caz::kafka::{ClientProperties, MessageBatch, OffsetRange, RangeReader};
use serde_json::{Map, Value, json};

use super::events::{Faults, Workload};

#[derive(clap::Args)]
pub(crate) struct Verify {
    #[arg(long)]
    bootstrap: String,
    #[arg(long)]
    workload: PathBuf,
    #[arg(long)]
    output: String,
    #[arg(long)]
    dead_letters: String,
    /// The group's committed offsets, one for each partition of the input.
    #[arg(long, value_delimiter = ',')]
    committed: Vec<u64>,
    /// Up to where each partition of the output can be read.
    #[arg(long, value_delimiter = ',')]
    ends: Vec<i64>,
    /// Up to where each partition of the dead letters can be read.
    #[arg(long, value_delimiter = ',')]
    dead_ends: Vec<i64>,
    #[command(flatten)]
    faults: Faults,
}

/// How far a number may be from the reference.
const TOLERANCE: f64 = 1e-5;
const PATIENCE: Duration = Duration::from_secs(20);

impl Verify {
    pub(crate) fn run(&self) -> Value {
        let workload = Workload::read(&self.workload);
        let expected: Vec<Map<String, Value>> = std::fs::read_to_string(workload.folder.join("expected.jsonl"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let partitions = self.committed.len() as u64;
        let is_covered = |number: u64| number / partitions < self.committed[(number % partitions) as usize];
        let mut seen: HashMap<u64, u32> = HashMap::new();
        let (mut wrong, mut first_wrong) = (0_u64, None);
        self.read(&self.output, &self.ends, |number, value| {
            *seen.entry(number).or_default() += 1;
            let expected = &expected[number as usize % expected.len()];
            let found: Map<String, Value> = serde_json::from_slice(value).unwrap_or_default();
            let is_right = !self.faults.strikes(number)
                && expected.iter().all(|(name, expected)| found.get(name).is_some_and(|found| is_same(found, expected)));
            if !is_right {
                wrong += 1;
                first_wrong.get_or_insert_with(|| format!("event {number}: {}", String::from_utf8_lossy(value)));
            }
        });
        self.read(&self.dead_letters, &self.dead_ends, |number, _| {
            *seen.entry(number).or_default() += 1;
            if !self.faults.strikes(number) {
                wrong += 1;
                first_wrong.get_or_insert_with(|| format!("event {number} is a dead letter"));
            }
        });
        let covered: u64 = self.committed.iter().sum();
        let scored = seen.keys().filter(|number| is_covered(**number)).count() as u64;
        json!({
            "missing": covered - scored,
            "doubled": seen.values().map(|times| u64::from(*times) - 1).sum::<u64>(),
            "uncovered": seen.keys().filter(|number| !is_covered(**number)).count(),
            "wrong": wrong, "first_wrong": first_wrong,
        })
    }

    fn read(&self, topic: &str, ends: &[i64], mut each: impl FnMut(u64, &[u8])) {
        let properties = ClientProperties::new()
            .with("bootstrap.servers", &self.bootstrap)
            .with("group.id", "stream-bench")
            .with("isolation.level", "read_committed");
        let range = |(partition, to): (usize, &i64)| OffsetRange { partition: partition as i32, from: 0, to: *to };
        let ranges: Vec<OffsetRange> = ends.iter().enumerate().map(range).collect();
        let mut reader = RangeReader::new(&properties, topic, &ranges, PATIENCE).unwrap();
        let mut batch = MessageBatch::new();
        while reader.read(&mut batch).unwrap() {
            for score in batch.iter() {
                let number = std::str::from_utf8(score.key().unwrap_or_default()).unwrap().parse().unwrap();
                each(number, score.payload().unwrap_or_default());
            }
        }
    }
}

/// Whether a value is the reference's.
fn is_same(found: &Value, expected: &Value) -> bool {
    match (expected, found) {
        (Value::Number(expected), Value::Number(found)) if expected.is_f64() => {
            (expected.as_f64().unwrap() - found.as_f64().unwrap()).abs() <= TOLERANCE
        }
        _ => found == expected,
    }
}
