//! Fills a topic with events.

use std::path::PathBuf;
use std::time::Instant;

use caz::kafka::ClientProperties;
use serde_json::{Value, json};

use super::events::{Faults, Publisher, Workload};

#[derive(clap::Args)]
pub(crate) struct Publish {
    #[arg(long)]
    bootstrap: String,
    #[arg(long)]
    workload: PathBuf,
    #[arg(long)]
    topic: String,
    #[arg(long)]
    partitions: u64,
    #[arg(long)]
    count: u64,
    #[command(flatten)]
    faults: Faults,
}

/// Events that are handed over at once.
const BATCH: u64 = 1024;

impl Publish {
    pub(crate) fn run(&self) -> Value {
        let client = ClientProperties::new().with("bootstrap.servers", &self.bootstrap);
        let publisher = Publisher::new(&client, &self.topic, &Workload::read(&self.workload), self.partitions, self.faults);
        let started = Instant::now();
        for from in (0..self.count).step_by(BATCH as usize) {
            publisher.publish(from..self.count.min(from + BATCH));
        }
        publisher.flush();
        json!({"published": self.count, "seconds": started.elapsed().as_secs_f64()})
    }
}
