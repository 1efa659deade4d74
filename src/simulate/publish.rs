//! Publishing: events into a topic, at a pace, every one accounted for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Events, Pace, SimulateError};
use crate::kafka::{BareRecord, ProduceError, Producer, TopicHandle};

/// The most events that are made at once.
const BATCH: u64 = 1024;
/// How long a full queue may stay full before its events count as failed, and how long it is waited for without a look at `stop`.
const MAX_WAIT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(500);
/// How long the last events may take to arrive once publishing has ended.
const FLUSH: Duration = Duration::from_secs(10);
/// The least and the most that is slept: not a wake-up for each event, and never long without a look at `stop`.
const SLEEP: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// When to stop, and how fast to go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// The number of events; none is no limit.
    pub count: Option<u64>,
    /// The time; none is no limit.
    pub duration: Option<Duration>,
    /// Events a second; none is as fast as it goes.
    pub rate: Option<f64>,
}

/// How far publishing has come, for another thread to look at.
#[derive(Debug, Default)]
pub struct Progress {
    queued: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// Events handed to the producer so far.
    pub fn events(&self) -> u64 {
        self.queued.load(Ordering::Relaxed)
    }

    /// The bytes of their keys and values.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// What became of the events. Every one that was made is in exactly one of the two counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Events that the broker has.
    pub published: u64,
    /// Events that it did not take, or did not confirm in time.
    pub failed: u64,
    /// Why the first one failed.
    pub failure: Option<String>,
    /// Why no more events could be had, where that was the end.
    pub exhausted: Option<String>,
    /// From the first event until the last was confirmed.
    pub elapsed: Duration,
}

impl Report {
    /// Events published a second.
    pub fn rate(&self) -> f64 {
        self.published as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// Publishes until a limit is reached, `stop` is set, an event fails or no more can be had, then waits for what is under way. `room` says how
/// many more events may be published now, for a caller whose topic must not fill up; it is asked in each turn.
///
/// # Errors
/// When the producer has come to its end.
pub fn publish(
    events: &mut Events,
    (producer, topic): (&Producer, &TopicHandle),
    limits: Limits,
    stop: &AtomicBool,
    progress: &Progress,
    room: &dyn Fn() -> u64,
) -> Result<Report, SimulateError> {
    let started = Instant::now();
    let mut account = Account::default();
    let mut pace = Pace::new(limits.rate);
    let mut exhausted = None;
    while !stop.load(Ordering::Relaxed) && account.failed == 0 {
        let now = started.elapsed();
        let left = limits.count.map_or(u64::MAX, |count| count.saturating_sub(account.made));
        if left == 0 || limits.duration.is_some_and(|duration| now >= duration) {
            break;
        }
        let due = pace.due(now).min(left).min(BATCH).min(room());
        if due == 0 {
            let until_end = limits.duration.map_or(Duration::MAX, |duration| duration.saturating_sub(now));
            std::thread::sleep(pace.wait(now).clamp(SLEEP.0, SLEEP.1).min(until_end));
        } else {
            let batch = match events.next_batch(usize::try_from(due).unwrap_or(1)) {
                Ok(batch) => batch,
                // What is queued already is published all the same.
                Err(error) => {
                    exhausted = Some(error.to_string());
                    break;
                }
            };
            let records: Vec<BareRecord<'_>> =
                batch.iter().map(|event| BareRecord { partition: None, key: event.key, value: event.value, tag: 0 }).collect();
            let taken = account.hand_over(&records, (producer, topic), stop);
            let size = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len) as u64;
            pace.take(taken as u64);
            progress.bytes.fetch_add(records[..taken].iter().map(|record| size(record.key) + size(record.value)).sum(), Ordering::Relaxed);
            progress.queued.store(account.made - account.failed, Ordering::Relaxed);
            if due < BATCH {
                producer.send();
            }
        }
        producer.poll()?;
        account.look(producer);
    }
    let flushed = producer.flush(FLUSH);
    // One that has come to its end has dropped what it had.
    producer.poll()?;
    account.look(producer);
    if let Err(error) = flushed {
        account.fail(producer.in_flight(), Some(error.to_string()));
    }
    Ok(Report {
        published: account.made.saturating_sub(account.failed),
        failed: account.failed,
        failure: account.failure,
        exhausted,
        elapsed: started.elapsed(),
    })
}

#[derive(Default)]
struct Account {
    /// Events that the producer took or refused.
    made: u64,
    failed: u64,
    failure: Option<String>,
}

impl Account {
    /// Hands events to the producer, waiting while its queue is full. Answers how many are dealt with: fewer than all when `stop` is set
    /// meanwhile; the rest never was an event.
    fn hand_over(&mut self, records: &[BareRecord<'_>], (producer, topic): (&Producer, &TopicHandle), stop: &AtomicBool) -> usize {
        let give_up = Instant::now() + MAX_WAIT;
        let mut first = 0;
        while first < records.len() {
            let Err(refused) = producer.produce_batch(topic, &records[first..], LOOK) else {
                first = records.len();
                break;
            };
            let is_full = |error: &ProduceError| matches!(error, ProduceError::QueueFull { .. });
            let others = refused.iter().filter(|(_, error)| !is_full(error));
            self.fail(others.clone().count(), others.map(|(_, error)| error.to_string()).next());
            // What does not fit into a full queue is the end of the batch.
            let full = refused.iter().find(|(_, error)| is_full(error));
            first = full.map_or(records.len(), |(index, _)| first + index);
            if stop.load(Ordering::Relaxed) {
                break;
            }
            if let Some((_, error)) = full
                && Instant::now() > give_up
            {
                self.fail(records.len() - first, Some(error.to_string()));
                first = records.len();
            }
        }
        self.made += first as u64;
        first
    }

    fn fail(&mut self, events: usize, why: Option<String>) {
        self.failed += events as u64;
        self.failure = self.failure.take().or(why);
    }

    /// Takes note of failed deliveries.
    fn look(&mut self, producer: &Producer) {
        let failures = producer.take_failures();
        self.fail(failures.len(), failures.first().map(|failure| failure.error.to_string()));
    }
}
