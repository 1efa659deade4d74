//! A reader of committed records beside the run: what it has seen once must never come again, and offsets may only be committed when
//! everything before them is out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use caz::kafka::{Admin, ClientProperties, Consumer, KafkaError, MessageBatch, OffsetRange, RangeReader};

use super::oracle::{Guarantee, Place};
use crate::support::{PATIENCE, properties, source, unique};

/// The topics of a run.
#[derive(Clone, Debug)]
pub(crate) struct Topics {
    pub(crate) input: String,
    pub(crate) output: String,
    pub(crate) dead_letters: String,
    pub(crate) group: String,
}

/// How long records may stay invisible after their offsets are committed.
const VISIBLE_WITHIN: Duration = Duration::from_secs(10);

/// Watches from its own thread until it is told to stop.
pub(crate) struct Observer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Watch>,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) violations: Vec<String>,
    /// How often it looked.
    pub(crate) looks: u64,
    /// Events seen in the output or the dead letters.
    pub(crate) seen: BTreeSet<Place>,
    committed: BTreeMap<i32, i64>,
    /// Of each input partition the offset below which everything was seen.
    complete: BTreeMap<i32, i64>,
    /// The next offset to read of each partition of each topic.
    next: BTreeMap<(String, i32), i64>,
}

impl Observer {
    pub(crate) fn start(topics: Topics, guarantee: Guarantee) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut watch = Watch::default();
            while !told.load(Ordering::Relaxed) {
                // While brokers are down there is nothing to see.
                if let Err(error) = watch.look(&topics, guarantee) {
                    assert!(!error.is_fatal(), "the observer's client: {error}");
                    std::thread::sleep(Duration::from_millis(200));
                }
            }
            watch
        });
        Self { stop, thread }
    }

    pub(crate) fn finish(self) -> Watch {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the observer")
    }
}

impl Watch {
    /// Committed offsets first, then everything that is visible after them. The broker ends a transaction partition by partition, so the
    /// records may become visible a moment after the offsets.
    fn look(&mut self, topics: &Topics, guarantee: Guarantee) -> Result<(), KafkaError> {
        let admin = Admin::new(&properties(), Duration::from_secs(10)).expect("valid properties");
        let committed = self.committed(topics, &admin)?;
        let give_up = Instant::now() + VISIBLE_WITHIN;
        loop {
            for topic in [&topics.output, &topics.dead_letters] {
                self.read(topic, &admin, guarantee)?;
            }
            let behind = committed.iter().find(|(partition, offset)| *offset > self.complete(*partition));
            match behind {
                None => break,
                Some((partition, offset)) if Instant::now() > give_up => {
                    let complete = self.complete(*partition);
                    self.violations.push(format!("partition {partition}: {offset} is committed, and {complete} is not out"));
                    break;
                }
                Some(_) => {}
            }
        }
        self.looks += 1;
        Ok(())
    }

    /// The offset of this input partition below which everything was seen.
    fn complete(&mut self, partition: i32) -> i64 {
        let complete = self.complete.entry(partition).or_default();
        while self.seen.contains(&(partition, *complete)) {
            *complete += 1;
        }
        *complete
    }

    fn committed(&mut self, topics: &Topics, admin: &Admin) -> Result<Vec<(i32, i64)>, KafkaError> {
        let Some(input) = admin.describe_topic(&topics.input)? else { return Ok(Vec::new()) };
        let asking = reader(&topics.group).with("isolation.level", "read_uncommitted");
        let consumer = Consumer::new(&asking, &topics.input).expect("valid properties");
        let committed = consumer.committed(&input.partitions, Duration::from_secs(10))?;
        let committed: Vec<(i32, i64)> = committed.into_iter().map(|(partition, offset)| (partition, offset.unwrap_or(0))).collect();
        for (partition, offset) in &committed {
            let before = self.committed.insert(*partition, *offset).unwrap_or(0);
            if *offset < before {
                self.violations.push(format!("partition {partition}: the committed offset went back from {before} to {offset}"));
            }
        }
        Ok(committed)
    }

    fn read(&mut self, topic: &str, admin: &Admin, guarantee: Guarantee) -> Result<(), KafkaError> {
        let Some(description) = admin.describe_topic(topic)? else { return Ok(()) };
        let mut ranges = Vec::new();
        for partition in description.partitions {
            let from = self.next.get(&(topic.to_owned(), partition)).copied().unwrap_or(0);
            ranges.push(OffsetRange { partition, from, to: admin.watermarks(topic, partition)?.high });
        }
        let mut reader = RangeReader::new(&reader(&unique("observer")), topic, &ranges, PATIENCE).expect("valid properties");
        let mut batch = MessageBatch::new();
        while reader.read(&mut batch)? {
            for message in batch.iter() {
                let Some(source) = source(|name| std::str::from_utf8(message.header(name)?).ok()) else { continue };
                let place = (source.partition, source.offset);
                if !self.seen.insert(place) && guarantee == Guarantee::ExactlyOnce {
                    self.violations.push(format!("{place:?} was seen a second time, in {topic}"));
                }
                self.next.insert((topic.to_owned(), message.partition()), message.offset() + 1);
            }
        }
        // Only what was read to the end is passed over: a range may end in control records.
        ranges.into_iter().for_each(|range| {
            self.next.insert((topic.to_owned(), range.partition), range.to.max(range.from));
        });
        Ok(())
    }
}

fn reader(group: &str) -> ClientProperties {
    properties().with("group.id", group)
}
