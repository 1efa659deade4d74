//! End-to-end latency at a fixed rate: from the moment at which an event is due to the moment at which a reader of committed records has
//! its score, and how many events a second that is when they come faster than they are scored. Publisher and reader share a clock. An event
//! that is late for its turn counts from its turn on, so that a stall of the
//! scorer, or of the publisher, is not left out.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use caz::kafka::{ClientProperties, MessageBatch, OffsetRange, RangeReader};
use serde_json::{Value, json};

use super::events::{Faults, Publisher, Workload};

#[derive(clap::Args)]
pub(crate) struct Latency {
    #[arg(long)]
    bootstrap: String,
    #[arg(long)]
    workload: PathBuf,
    #[arg(long)]
    input: String,
    #[arg(long)]
    output: String,
    #[arg(long)]
    partitions: u64,
    /// Events a second.
    #[arg(long)]
    rate: f64,
    /// How long to publish, seconds.
    #[arg(long)]
    seconds: f64,
    /// Events due in the first so many seconds are not counted: connections and just-in-time compilers settle.
    #[arg(long)]
    warm_up: f64,
}

/// How often due events are published.
const TICK: Duration = Duration::from_millis(1);
/// How long the last scores may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the scorer may take to start.
const START_PATIENCE: Duration = Duration::from_secs(60);

impl Latency {
    pub(crate) fn run(&self) -> Value {
        let client = ClientProperties::new().with("bootstrap.servers", &self.bootstrap);
        let publisher = Publisher::new(&client, &self.input, &Workload::read(&self.workload), self.partitions, Faults::none());
        let count = (self.rate * self.seconds) as u64;
        let (started, is_started, is_over) = (OnceLock::new(), AtomicBool::new(false), AtomicBool::new(false));
        let rate = self.rate;
        let due = move |number: u64| Duration::from_secs_f64(number as f64 / rate);
        let (latencies, scoring) = std::thread::scope(|scope| {
            let started = &started;
            let latency = move |number: u64, now: Instant| now.checked_duration_since(*started.get()?)?.checked_sub(due(number));
            let (client, is_started, is_over) = (&client, &is_started, &is_over);
            let reader = scope.spawn(move || self.read(client, count, latency, is_started, is_over));
            // The first event only tells that the scorer is there.
            publisher.publish(0..1);
            let give_up = Instant::now() + START_PATIENCE;
            while !is_started.load(Ordering::Relaxed) {
                assert!(Instant::now() < give_up, "no score in {START_PATIENCE:?}");
                std::thread::sleep(TICK);
            }
            let started = *started.get_or_init(Instant::now);
            let mut next = 1;
            while next < count {
                let elapsed = Instant::now().saturating_duration_since(started);
                let until = count.min((elapsed.as_secs_f64() * self.rate) as u64);
                if until > next {
                    publisher.publish(next..until);
                    // Behind a request that is under way, librdkafka's idempotent producer would spin until more may be sent.
                    publisher.flush();
                    next = until;
                }
                std::thread::sleep(TICK);
            }
            is_over.store(true, Ordering::Relaxed);
            reader.join().unwrap()
        });
        let first = ((self.rate * self.warm_up) as usize).max(1);
        let mut counted: Vec<Duration> = latencies[first..].iter().flatten().copied().collect();
        let missing = latencies[1..].iter().filter(|latency| latency.is_none()).count();
        counted.sort_unstable();
        let quantile = |share: f64| match counted.len() {
            0 => Value::Null,
            events => json!(counted[((events as f64 * share).ceil() as usize).clamp(1, events) - 1].as_secs_f64() * 1e3),
        };
        json!({
            "missing": missing,
            "scored_per_second": (latencies.len() - missing) as f64 / scoring.as_secs_f64(),
            "p50": quantile(0.5), "p99": quantile(0.99), "p999": quantile(0.999),
        })
    }

    /// The latency of each event, in order, of its first score; and how long scores came.
    fn read(
        &self,
        client: &ClientProperties,
        count: u64,
        latency: impl Fn(u64, Instant) -> Option<Duration>,
        is_started: &AtomicBool,
        is_over: &AtomicBool,
    ) -> (Vec<Option<Duration>>, Duration) {
        let properties = client.clone().with("group.id", "stream-bench").with("isolation.level", "read_committed");
        let ranges: Vec<OffsetRange> =
            (0..self.partitions).map(|partition| OffsetRange { partition: partition as i32, from: 0, to: i64::MAX }).collect();
        let mut reader = RangeReader::new(&properties, &self.output, &ranges, Duration::from_secs(1)).unwrap();
        let mut batch = MessageBatch::new();
        let mut latencies = vec![None; count as usize];
        let mut seen = 0;
        let (mut first, mut last) = (None, Instant::now());
        while seen < count && !(is_over.load(Ordering::Relaxed) && last.elapsed() > PATIENCE) {
            // An error is a second without scores.
            if reader.read(&mut batch).is_err() {
                continue;
            }
            let now = Instant::now();
            last = now;
            // The very first event comes alone, some time before the others.
            if seen > 0 {
                first.get_or_insert(now);
            }
            is_started.store(true, Ordering::Relaxed);
            for score in batch.iter() {
                let number: u64 = std::str::from_utf8(score.key().unwrap()).unwrap().parse().unwrap();
                let place = &mut latencies[number as usize];
                if place.is_none() {
                    seen += 1;
                    *place = latency(number, now);
                }
            }
        }
        (latencies, first.map_or(Duration::ZERO, |first| last - first))
    }
}
