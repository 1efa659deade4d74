//! Which events a run has: numbers from 0 on, their values taken in turn from a pool.
//!
//! Event `i` lies in partition `i % partitions` at the offset `i / partitions`, so that its place tells its number.

use std::path::{Path, PathBuf};
use std::time::Duration;

use caz::kafka::{BareRecord, ClientProperties, ProduceError, Producer, TopicHandle};
use serde_json::Value;

/// What the harness wrote of a workload.
pub(crate) struct Workload {
    pub(crate) folder: PathBuf,
    pub(crate) definition: Value,
}

impl Workload {
    pub(crate) fn read(file: &Path) -> Self {
        let definition = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        Self { folder: file.parent().unwrap().into(), definition }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.definition[name].as_str().unwrap_or_else(|| panic!("the workload has no `{name}`"))
    }

    pub(crate) fn number(&self, name: &str) -> usize {
        self.definition[name].as_u64().unwrap_or_else(|| panic!("the workload has no `{name}`")) as usize
    }

    /// The values of the pool: each stands behind its length, 4 bytes, little-endian.
    pub(crate) fn pool(&self) -> Vec<Vec<u8>> {
        let bytes = std::fs::read(self.folder.join("events.bin")).unwrap();
        let (mut rest, mut pool) = (bytes.as_slice(), Vec::new());
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let (value, tail) = tail.split_at(u32::from_le_bytes(*length) as usize);
            pool.push(value.to_vec());
            rest = tail;
        }
        pool
    }

    /// The features of the pool's events, row by row.
    pub(crate) fn features(&self) -> Vec<f32> {
        let bytes = std::fs::read(self.folder.join("features.f32le")).unwrap();
        bytes.chunks_exact(4).map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap())).collect()
    }
}

/// Which events are broken.
#[derive(Clone, Copy, clap::Args)]
pub(crate) struct Faults {
    /// The share of events that are cut off in the middle.
    #[arg(long, default_value_t = 0.0)]
    faults: f64,
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self { faults: 0.0 }
    }

    /// Spread evenly over the events, the same ones every time.
    pub(crate) fn strikes(self, number: u64) -> bool {
        let before = |count: u64| (count as f64 * self.faults).floor() as u64;
        before(number + 1) > before(number)
    }
}

/// Publishes events by their numbers.
pub(crate) struct Publisher {
    producer: Producer,
    topic: TopicHandle,
    pool: Vec<Vec<u8>>,
    partitions: u64,
    faults: Faults,
}

impl Publisher {
    pub(crate) fn new(client: &ClientProperties, topic: &str, workload: &Workload, partitions: u64, faults: Faults) -> Self {
        let producer = Producer::new(client).unwrap();
        let topic = producer.topic(topic).unwrap();
        Self { producer, topic, pool: workload.pool(), partitions, faults }
    }

    pub(crate) fn publish(&self, numbers: std::ops::Range<u64>) {
        const PATIENCE: Duration = Duration::from_secs(30);
        let keys: Vec<String> = numbers.clone().map(|number| number.to_string()).collect();
        let mut records = Vec::with_capacity(keys.len());
        for (number, key) in numbers.zip(&keys) {
            let value = self.pool[number as usize % self.pool.len()].as_slice();
            let value = if self.faults.strikes(number) { &value[..value.len() / 2] } else { value };
            let partition = i32::try_from(number % self.partitions).ok();
            records.push(BareRecord { partition, key: Some(key.as_bytes()), value: Some(value), tag: 0 });
        }
        let refused: Vec<(usize, ProduceError)> = self.producer.produce_batch(&self.topic, &records, PATIENCE).err().unwrap_or_default();
        assert!(refused.is_empty(), "{:?}", refused[0]);
        self.producer.poll().unwrap();
    }

    pub(crate) fn flush(&self) {
        self.producer.flush(Duration::from_secs(60)).unwrap();
        let failures = self.producer.take_failures();
        assert!(failures.is_empty(), "{:?}", failures[0]);
    }
}
