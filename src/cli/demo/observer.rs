//! Consumers of what the pipeline publishes: they account for events, take latencies and keep the last records to show.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::account::{Account, Outcome};
use super::latency::Latencies;
use crate::kafka::{ClientProperties, Consumer, Message, MessageBatch, PollLimits, RebalanceListener};
use crate::stream::publish::{self, ERROR_FIELD, ERROR_MESSAGE, ERROR_PHASE, ERROR_REASON, Origin};

/// The last scores that are kept.
const LAST_SCORES: usize = 3;
/// Bounds how long an observer takes to notice that it is told to stop.
const WAIT: Duration = Duration::from_millis(50);
const MAX_BATCH: usize = 1024;
/// How long leaving the group may take.
const LEAVE: Duration = Duration::from_secs(2);

/// What has been seen so far.
#[derive(Debug, Default)]
pub(super) struct Observed {
    pub(super) account: Account,
    /// Of all events.
    pub(super) latencies: Latencies,
    /// Of the events since the last look.
    pub(super) recent: Latencies,
    /// The values of the last scores, the newest last.
    pub(super) last_scores: VecDeque<Vec<u8>>,
    /// Why the last dead letter is one.
    pub(super) last_dead: Option<DeadLetter>,
    /// Dead letters by `phase/reason`.
    pub(super) dead_by_reason: BTreeMap<String, u64>,
}

/// Why an event is a dead letter.
#[derive(Clone, Debug)]
pub(super) struct DeadLetter {
    /// The phase and the reason: `decode/truncated`.
    pub(super) reason: String,
    /// One sentence.
    pub(super) message: String,
    /// Its coordinates.
    pub(super) partition: i32,
    pub(super) offset: i64,
}

/// The consumers of the output and the dead letters, each on its own thread.
pub(super) struct Observers {
    observed: Arc<Mutex<Observed>>,
    ready: Vec<Arc<AtomicBool>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Observers {
    /// Starts a consumer for each topic, with what its records say of their events.
    ///
    /// # Errors
    /// When a consumer or its thread cannot be started.
    pub(super) fn start(client: &ClientProperties, topics: &[(&str, Outcome)]) -> Result<Self, String> {
        let (observed, stop) = (Arc::<Mutex<Observed>>::default(), Arc::<AtomicBool>::default());
        let (mut ready, mut threads) = (Vec::new(), Vec::new());
        for (topic, outcome) in topics {
            let properties = client.clone().with("group.id", format!("caz-demo-{topic}"));
            let consumer = Consumer::new(&properties, topic).map_err(|error| error.to_string())?;
            consumer.subscribe().map_err(|error| error.to_string())?;
            let is_ready = Arc::<AtomicBool>::default();
            ready.push(Arc::clone(&is_ready));
            let (observed, stop, outcome) = (Arc::clone(&observed), Arc::clone(&stop), *outcome);
            let thread = std::thread::Builder::new().name("caz-observer".into());
            let observe = move || observe(consumer, outcome, &observed, &is_ready, &stop);
            threads.push(thread.spawn(observe).map_err(|error| error.to_string())?);
        }
        Ok(Self { observed, ready, stop, threads })
    }

    /// Whether all consumers have read from all their partitions.
    pub(super) fn are_ready(&self) -> bool {
        self.ready.iter().all(|ready| ready.load(Ordering::Relaxed))
    }

    /// What has been seen so far. Consumers wait while it is looked at.
    pub(super) fn look(&self) -> MutexGuard<'_, Observed> {
        lock(&self.observed)
    }

    /// [`Self::look`], for another thread.
    pub(super) fn shared(&self) -> Arc<Mutex<Observed>> {
        Arc::clone(&self.observed)
    }

    /// Leaves the groups.
    pub(super) fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic has been written to standard error; what was seen until then is what counts.
            let _ = thread.join();
        }
    }
}

impl Drop for Observers {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The state behind the lock is only counted up: a panic elsewhere leaves it usable.
pub(super) fn lock(observed: &Mutex<Observed>) -> MutexGuard<'_, Observed> {
    observed.lock().unwrap_or_else(PoisonError::into_inner)
}

fn observe(consumer: Consumer, outcome: Outcome, observed: &Mutex<Observed>, is_ready: &AtomicBool, stop: &AtomicBool) {
    let limits = PollLimits { max_messages: MAX_BATCH, wait: WAIT, linger: Duration::ZERO };
    let mut batch = MessageBatch::new();
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = consumer.poll_batch(&mut batch, limits, &mut Bystander) {
            tracing::warn!(%error, topic = consumer.topic(), "reading the pipeline's output failed");
            if error.is_fatal() {
                return;
            }
        }
        if !is_ready.load(Ordering::Relaxed) {
            let partitions = consumer.assignment();
            let are_read = partitions.iter().all(|partition| consumer.watermarks_cached(*partition).is_some());
            is_ready.store(!partitions.is_empty() && are_read, Ordering::Relaxed);
        }
        if batch.is_empty() {
            continue;
        }
        let now_ms = now_ms();
        let mut observed = lock(observed);
        for (index, record) in batch.iter().enumerate() {
            observed.note(&record, outcome, now_ms, batch.len() - index <= LAST_SCORES);
        }
    }
    drop(batch);
    if let Err(error) = consumer.close(&mut Bystander, LEAVE) {
        tracing::debug!(%error, "an observer left its group without a farewell");
    }
}

impl Observed {
    fn note(&mut self, record: &Message<'_>, outcome: Outcome, now_ms: i64, is_among_last: bool) {
        let source = publish::source(record).filter(|origin| origin.partition >= 0 && origin.offset >= 0);
        let Some(Origin { partition, offset, .. }) = source else {
            self.account.note_unattributed();
            return;
        };
        self.account.note(partition, offset, outcome);
        // A score and a dead letter carry the timestamp of their event.
        if let Some(timestamp_ms) = record.timestamp_ms() {
            self.latencies.record(now_ms - timestamp_ms);
            self.recent.record(now_ms - timestamp_ms);
        }
        match outcome {
            Outcome::Scored if is_among_last => {
                self.last_scores.push_back(record.payload().unwrap_or_default().to_vec());
                if self.last_scores.len() > LAST_SCORES {
                    self.last_scores.pop_front();
                }
            }
            Outcome::Scored => {}
            Outcome::Dead => {
                let reason = format!("{}/{}", text(record, ERROR_PHASE), text(record, ERROR_REASON));
                *self.dead_by_reason.entry(reason.clone()).or_default() += 1;
                let message = match text(record, ERROR_FIELD) {
                    field if field.is_empty() => text(record, ERROR_MESSAGE),
                    field => format!("field {field}: {}", text(record, ERROR_MESSAGE)),
                };
                self.last_dead = Some(DeadLetter { reason, message, partition, offset });
            }
        }
    }
}

fn text(record: &Message<'_>, name: &str) -> String {
    String::from_utf8_lossy(record.header(name).unwrap_or_default()).into_owned()
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// An observer has the whole topic to itself: nothing is to be done when partitions come or go.
struct Bystander;

impl RebalanceListener for Bystander {
    fn assigned(&mut self, _: &Consumer, _: &[i32]) {}
    fn revoked(&mut self, _: &Consumer, _: &[i32]) {}
    fn lost(&mut self, _: &Consumer, _: &[i32]) {}
}
