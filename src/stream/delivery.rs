//! What makes the output durable: one transaction, or one flush, for many batches, and the offsets with it.
//!
//! # State
//! Closed (nothing since the last commit) -> open (records are queued, `offsets` tells up to where) -> committed, or aborted, after
//! which the worker rewinds its consumer to the committed offsets and the same events come again.
//!
//! # Invariants
//! - `offsets` covers exactly the events whose records are queued: the worker moves it only after it queued every record of a batch.
//! - Partitions leave only when their transaction has ended: [`RebalanceListener::revoked`] commits or aborts before it returns.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::fault;
use super::pace::Pace;
use super::publish::Publisher;
use super::settings::Settings;
use super::share::Share;
use super::tally::Tally;
use crate::kafka::{
    ClientProperties, Consumer, ErrorCode, KafkaError, MessageBatch, ProduceError, Producer, RebalanceListener, TransactionError,
};
use crate::telemetry::{LinePhase, RebalanceKind, WorkerHealth, WorkerMetrics};

/// How long a new producer waits for the brokers before it goes on to what has a timeout of its own.
const MEETING: Duration = Duration::from_secs(1);
/// How long a producer is cut off before it is given up: longer than the 10 s that librdkafka may wait before it connects again.
const CUT_OFF: Duration = Duration::from_secs(12);

/// What a failure asks of the worker.
#[derive(Debug)]
pub(super) enum Failure {
    /// The work since the last commit is undone: rewind and go on.
    Rewind,
    /// Nothing is undone: the group takes the same offsets after the next poll.
    Later,
    /// The producer is finished.
    Fatal(Fatal),
    /// The work since the last commit is undone, and would be again: only a person can mend the cause, such as a right that is lacking.
    Operator(KafkaError),
    /// An event cannot be scored, and the pipeline is to stop there: its place, and why.
    Stop(String),
    /// The worker was told to stop while the broker did not answer. Whatever became of the call, nothing is lost: scores and offsets are
    /// both there, or neither.
    Unanswered(KafkaError),
}

/// Why a producer is finished; `fenced` when another instance took its place.
#[derive(Debug)]
pub(super) struct Fatal {
    pub(super) fenced: bool,
    pub(super) error: KafkaError,
}

impl From<Fatal> for Failure {
    fn from(fatal: Fatal) -> Self {
        Self::Fatal(fatal)
    }
}

impl From<KafkaError> for Fatal {
    fn from(error: KafkaError) -> Self {
        Self { fenced: error.code.is_fenced(), error }
    }
}

/// Makes a worker's output durable.
pub(super) struct Delivery {
    /// They take turns, a commit each.
    publishers: Vec<Publisher>,
    turn: usize,
    pub(super) metrics: WorkerMetrics,
    /// Those of a client that only asks whether brokers are there.
    client: ClientProperties,
    timeout: Duration,
    health: Arc<WorkerHealth>,
    stop: Arc<AtomicBool>,
    pub(super) pace: Pace,
    /// What was queued since the last commit.
    pub(super) tally: Tally,
    /// The next offset to read of each partition, for the work since the last commit.
    offsets: BTreeMap<i32, i64>,
    /// A failure inside a rebalance, kept until the poll returns.
    failed: Option<Failure>,
    pub(super) share: Share,
}

impl Delivery {
    /// A commit or an abort is bounded by the settings' `call_timeout`; after it the worker asks again until it is told to stop.
    pub(super) fn new(
        publishers: Vec<Publisher>,
        metrics: WorkerMetrics,
        settings: &Settings,
        health: Arc<WorkerHealth>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let pace = Pace::new(settings.commit_interval, settings.transactional_id_prefix.is_some());
        Self {
            publishers,
            turn: 0,
            metrics,
            client: settings.producer.clone(),
            timeout: settings.call_timeout,
            health,
            stop,
            pace,
            tally: Tally::default(),
            offsets: BTreeMap::new(),
            failed: None,
            share: Share::new(),
        }
    }

    /// The producer that has its turn.
    pub(super) fn publisher(&mut self) -> &mut Publisher {
        &mut self.publishers[self.turn]
    }

    fn producer(&self) -> &Producer {
        &self.publishers[self.turn].producer
    }

    /// Registers the transactional ids, waiting for the broker as long as it takes, until told to stop.
    pub(super) fn start(&mut self) -> Result<(), Failure> {
        for turn in 0..self.publishers.len() {
            self.turn = turn;
            self.producer().meet_brokers(MEETING);
            if self.producer().is_transactional() {
                self.insist(|producer, timeout| producer.init_transactions(timeout)).map_err(beyond_abort)?;
            }
        }
        Ok(())
    }

    /// Begins a transaction unless one is open.
    pub(super) fn open(&mut self) -> Result<(), Failure> {
        // Both ways take the reports: the memory of what was delivered meanwhile is warm, and the next records take it.
        if self.pace.is_open() {
            self.producer().take_reports();
            return Ok(());
        }
        // Refused credentials end the worker before a call waits for the broker that refuses them.
        self.producer().poll().map_err(ended)?;
        if self.producer().is_transactional() {
            self.producer().begin().map_err(failure_of)?;
        }
        self.pace.open(Instant::now());
        Ok(())
    }

    /// Sees the records off that are queued, see [`Producer::send`].
    pub(super) fn send(&self) {
        self.producer().send();
    }

    /// Every record of the batch is queued: its offsets go with the next commit.
    pub(super) fn cover(&mut self, batch: &MessageBatch) {
        let mut events = batch.iter().peekable();
        while let Some(event) = events.next() {
            // Neighbours are mostly of one partition: the last of them tells where to read on.
            if events.peek().is_none_or(|next| next.partition() != event.partition()) {
                self.offsets.insert(event.partition(), event.offset() + 1);
            }
            if let Some(timestamp) = event.timestamp_ms() {
                self.tally.timestamp(timestamp);
            }
        }
    }

    /// Makes everything since the last commit durable.
    pub(super) fn commit(&mut self, consumer: &Consumer) -> Result<(), Failure> {
        if !self.pace.is_open() {
            return Ok(());
        }
        let started = Instant::now();
        let offsets: Vec<(i32, i64)> = self.offsets.iter().map(|(partition, offset)| (*partition, *offset)).collect();
        let outcome = if self.producer().is_transactional() {
            self.commit_transaction(consumer, &offsets)
        } else {
            self.commit_flushed(consumer, &offsets)
        };
        self.metrics.phase(LinePhase::Commit, started.elapsed());
        match outcome {
            Ok(()) => {}
            Err(Failure::Later) => {
                // Not at once: the group takes some time.
                self.pace.open(Instant::now());
                return Err(Failure::Later);
            }
            Err(failure) => return Err(self.undo(failure)),
        }
        self.pace.committed();
        self.metrics.transaction(true);
        self.share.committed(&mut self.offsets);
        self.tally.publish(&self.metrics, now_ms());
        self.turn = (self.turn + 1) % self.publishers.len();
        Ok(())
    }

    /// Gives up everything since the last commit; what is left to do is in the answer.
    pub(super) fn abort(&mut self) -> Failure {
        self.undo(Failure::Rewind)
    }

    fn commit_transaction(&mut self, consumer: &Consumer, offsets: &[(i32, i64)]) -> Result<(), Failure> {
        let group = consumer.group_metadata().map_err(Fatal::from)?;
        let topic = consumer.topic().to_owned();
        fault::point("before_offsets");
        if fault::has_bug("offsets_outside") {
            consumer.commit(offsets, self.timeout).map_err(|_| Failure::Rewind)?;
        } else {
            self.insist(|producer, timeout| producer.send_offsets(offsets, &topic, &group, timeout)).map_err(failure_of)?;
        }
        if fault::point("before_commit") {
            return Err(Failure::Rewind);
        }
        self.insist(|producer, timeout| producer.commit(timeout)).map_err(failure_of)?;
        fault::point("after_commit");
        Ok(())
    }

    /// At least once: offsets are committed when, and only when, every record before them has arrived.
    fn commit_flushed(&mut self, consumer: &Consumer, offsets: &[(i32, i64)]) -> Result<(), Failure> {
        let give_up = Instant::now() + self.timeout;
        let (mut look, mut cut_off) = (give_up, None);
        if fault::has_bug("offsets_before_flush") {
            let _ = consumer.commit(offsets, self.timeout);
            fault::point("before_flush");
        }
        loop {
            let flushed = self.producer().flush(Duration::from_secs(1));
            // A producer that has come to its end has an empty queue too: its records were dropped.
            self.producer().poll().map_err(ended)?;
            match flushed {
                Ok(()) => break,
                Err(error) if error.is_fatal() => return Err(ended(error)),
                Err(_) => {}
            }
            if self.is_told_to_stop() && Instant::now() > give_up {
                return Err(Failure::Rewind);
            }
            if Instant::now() > look {
                self.check_reach(&mut cut_off).map_err(Fatal::from)?;
                self.health.asks_again(self.timeout);
                look = Instant::now() + self.timeout;
            }
        }
        if let Some(failure) = self.note_failed_deliveries() {
            return Err(failure);
        }
        if fault::point("after_flush") {
            return Err(Failure::Rewind);
        }
        consumer.commit(offsets, self.timeout).map_err(|error| {
            if error.code.is_rebalancing() {
                tracing::debug!(%error, "offsets are committed after the next poll");
                return Failure::Later;
            }
            tracing::warn!(%error, "offsets were not committed; the events since the last commit are scored again");
            undone_by(error)
        })
    }

    /// Aborts what is open. Records of an at-least-once producer cannot be taken back: their events come again.
    fn undo(&mut self, failure: Failure) -> Failure {
        let mut outcome = failure;
        if self.pace.is_open() && self.producer().is_transactional() {
            match outcome {
                Failure::Rewind => {
                    if let Err(error) = self.insist(|producer, timeout| producer.abort(timeout)) {
                        outcome = beyond_abort(error);
                    }
                }
                // The worker ends with this, whatever becomes of the abort: what is left open the broker aborts.
                Failure::Operator(_) => {
                    let _ = self.producer().abort(self.timeout);
                }
                _ => {}
            }
        }
        // The delivery that failed tells which topic it was; the transaction's error does not.
        if let Some(lasting @ Failure::Operator(_)) = self.note_failed_deliveries()
            && matches!(outcome, Failure::Rewind | Failure::Operator(_))
        {
            outcome = lasting;
        }
        if let Failure::Operator(error) = outcome {
            let written: Vec<&str> = self.publishers[self.turn]
                .topics()
                .into_iter()
                .zip(self.tally.has())
                .filter_map(|(topic, has)| has.then_some(topic))
                .collect();
            outcome = Failure::Operator(error.of_one_of(&written));
        }
        if self.pace.undone() {
            self.metrics.transaction(false);
        }
        self.offsets.clear();
        self.tally.clear();
        outcome
    }

    /// Tells of failed deliveries, the first of each kind, and what they ask for; nothing when there is none. A refused record takes its
    /// whole request with it, so nothing is concluded about the single record.
    fn note_failed_deliveries(&self) -> Option<Failure> {
        let failures = self.producer().take_failures();
        let mut told: Vec<(&str, ErrorCode)> = Vec::new();
        for failure in failures.iter().filter(|failure| !failure.error.is_purged()) {
            let kind = (failure.topic.as_str(), failure.error.code);
            if told.contains(&kind) {
                continue;
            }
            told.push(kind);
            tracing::warn!(topic = failure.topic, error = %failure.error, "records were not delivered; their events are scored again");
            if failure.error.code == ErrorCode::MESSAGE_TOO_LARGE {
                tracing::error!(
                    topic = failure.topic,
                    "the topic takes smaller records than caz knows: grant caz DescribeConfigs on it, or set `message.max.bytes` and \
                     `batch.size` under `kafka` to the topic's `max.message.bytes`"
                );
            }
        }
        let lasting = failures.iter().find(|failure| is_lasting(&failure.error));
        lasting.or(failures.first()).map(|failure| undone_by(failure.error.clone()))
    }

    /// What a record that could not be queued asks for; one that is too large had nothing left that it could go without.
    pub(super) fn refused(&mut self, error: ProduceError) -> Failure {
        let failure = match &error {
            ProduceError::Refused(error) if error.is_fatal() => return ended(error.clone()),
            // The transaction failed while records were being queued, and alone knows why.
            ProduceError::Refused(error) if error.code == ErrorCode::STATE => {
                self.producer().standing().map_or_else(failure_of, |()| Failure::Rewind)
            }
            ProduceError::Refused(error) => undone_by(error.clone()),
            ProduceError::QueueFull { .. } => Failure::Rewind,
            ProduceError::TooLarge { bytes } => Failure::Operator(KafkaError::too_large(self.publisher().topics()[1], *bytes)),
        };
        tracing::warn!(%error, "a record was not queued; the events since the last commit are scored again");
        self.undo(failure)
    }

    /// Repeats a transactional call whose outcome is open, the only step that librdkafka permits then, until it is known, the worker
    /// is told to stop, the producer turns out to be cut off, or only a person can mend why nobody answers.
    fn insist(&self, call: impl Fn(&Producer, Duration) -> Result<(), TransactionError>) -> Result<(), TransactionError> {
        let mut cut_off = None;
        loop {
            match call(self.producer(), self.timeout) {
                Err(TransactionError::Retriable(error)) if !self.is_told_to_stop() => {
                    if let Err(error) = self.producer().poll().and_then(|()| self.check_reach(&mut cut_off)) {
                        return Err(TransactionError::Fatal { fenced: error.code.is_fenced(), error });
                    }
                    self.health.asks_again(self.timeout);
                    tracing::warn!(%error, "the broker does not answer; asking again");
                }
                outcome => return outcome,
            }
        }
    }

    /// Fails once every look for longer than [`CUT_OFF`] has found the producer cut off from brokers that are there: a new one reaches them.
    /// `since` is when the first of them did.
    fn check_reach(&self, since: &mut Option<Instant>) -> Result<(), KafkaError> {
        match self.producer().check_reach(&self.client) {
            Ok(()) => *since = None,
            Err(error) if since.get_or_insert_with(Instant::now).elapsed() > CUT_OFF => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }

    fn is_told_to_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A failure that a rebalance inside the last poll left.
    pub(super) fn take_failed(&mut self) -> Option<Failure> {
        self.failed.take()
    }
}

impl RebalanceListener for Delivery {
    fn assigned(&mut self, consumer: &Consumer, partitions: &[i32]) {
        // Whatever they were when they were ours before, they are not held now.
        if let Err(error) = consumer.resume(partitions) {
            tracing::warn!(%error, ?partitions, "new partitions could not be resumed");
        }
        self.share.assigned(partitions);
        self.metrics.rebalance(RebalanceKind::Assigned);
        self.metrics.assigned(self.share.len());
        tracing::info!(?partitions, "assigned");
    }

    fn revoked(&mut self, consumer: &Consumer, partitions: &[i32]) {
        if !fault::has_bug("no_commit_at_revocation")
            && let Err(failure) = self.commit(consumer)
        {
            // There is no later: the partitions leave.
            self.failed = Some(if matches!(failure, Failure::Later) { self.abort() } else { failure });
        }
        self.left(partitions, RebalanceKind::Revoked);
        tracing::info!(?partitions, "revoked");
    }

    fn lost(&mut self, _consumer: &Consumer, partitions: &[i32]) {
        if self.pace.is_open() {
            self.failed = Some(self.abort());
        }
        self.left(partitions, RebalanceKind::Lost);
        self.share.lost();
        tracing::warn!(?partitions, "lost: this worker was too slow, or cut off from the group");
    }
}

impl Delivery {
    fn left(&mut self, partitions: &[i32], kind: RebalanceKind) {
        self.share.left(partitions);
        self.metrics.rebalance(kind);
        self.metrics.assigned(self.share.len());
        partitions.iter().for_each(|partition| self.metrics.forget(*partition));
    }
}

/// What is left to do once work was undone because of an error.
fn undone_by(error: KafkaError) -> Failure {
    if is_lasting(&error) { Failure::Operator(error) } else { Failure::Rewind }
}

/// Whether work would be undone for ever: a right is lacking, or the topic does not take such records.
fn is_lasting(error: &KafkaError) -> bool {
    error.code.is_denied() || error.code.is_against_topic()
}

/// What a producer that cannot go on asks for.
fn ended(error: KafkaError) -> Failure {
    if error.is_fatal() && !error.code.needs_operator() { Fatal::from(error).into() } else { Failure::Operator(error) }
}

fn failure_of(error: TransactionError) -> Failure {
    match error {
        TransactionError::Abortable(error) => {
            tracing::warn!(%error, "the transaction is aborted; its events are scored again");
            undone_by(error)
        }
        error => beyond_abort(error),
    }
}

/// What is left where no abort helps. A retriable error comes here only from a worker that is told to stop (see [`Delivery::insist`]).
fn beyond_abort(error: TransactionError) -> Failure {
    match error {
        TransactionError::Retriable(error) => Failure::Unanswered(error),
        TransactionError::Fatal { error, .. } if error.code.needs_operator() => Failure::Operator(error),
        error => Fatal::from(error.into_kafka_error()).into(),
    }
}

/// Milliseconds since the epoch, as Kafka's timestamps are.
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
