//! The worker: one thread, one consumer, one producer, one line. See [`Worker::run`] for its loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::delivery::{Delivery, Failure, Fatal};
use super::fault;
use super::hold::{Held, cut};
use super::line::{Line, MessagePlace, PhaseDurations, Place};
use super::publish::{Omit, Publisher};
use super::settings::Settings;
use crate::codec::frame::SchemaKey;
use crate::config::OnError;
use crate::dataset::{Phase, Reason, Rejection};
use crate::kafka::{ConfigError, Consumer, ErrorCode, KafkaError, Message, MessageBatch, PollLimits, ProduceError, Producer};
use crate::telemetry::{LinePhase, WorkerHealth, WorkerMetrics};

/// Why a worker ended other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// librdkafka refuses a property.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another instance with the same transactional ids took this one's place.
    #[error("another instance took over: {0}. Mend: give each instance its own `delivery.instance`, or leave it out")]
    Fenced(KafkaError),
    /// A client came to its end; a new one may do.
    #[error("a Kafka client cannot go on: {0}")]
    Client(KafkaError),
    /// Something that only a person can mend: missing rights, a missing topic.
    #[error("{0}")]
    Operator(KafkaError),
    /// An event cannot be scored, and `on_error` says to stop there.
    #[error("{0}. Everything before it is committed. Mend: see to the event, or set `on_error: dead_letter`")]
    Rejected(String),
    /// The system gives no more threads.
    #[error("a worker's thread could not be started: {0}. Mend: raise the limit of processes, or lower `workers`")]
    Thread(std::io::Error),
    /// The worker's thread panicked: a defect of caz.
    #[error("a defect in caz ended a worker: {0}")]
    Defect(String),
}

impl WorkerError {
    /// Whether a fresh worker may do better.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Client(_))
    }
}

/// How long an idle poll may wait; bounds how long a worker takes to notice that it is told to stop.
const IDLE_WAIT: Duration = Duration::from_millis(100);
/// How long a worker with open work waits for more events before it commits all the same.
const DRAIN_WAIT: Duration = Duration::from_millis(10);
/// How long the worker pauses after work was undone: first, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How long a worker without partitions waits before it counts as a spare one: twice the default session timeout.
const SPARE_AFTER: Duration = Duration::from_secs(20);
/// How long nothing comes before the worker looks whether its consumer is cut off from the brokers, and then how often. Longer than the
/// 10 s that librdkafka may wait before it connects again.
const REACH_INTERVAL: Duration = Duration::from_secs(15);
/// How often lag is published.
const LAG_INTERVAL: Duration = Duration::from_secs(1);

/// One member of the consumer group.
pub(super) struct Worker {
    settings: Arc<Settings>,
    consumer: Consumer,
    delivery: Delivery,
    line: Line,
    batch: MessageBatch,
    health: Arc<WorkerHealth>,
    stop: Arc<AtomicBool>,
    subscribed: Instant,
    backoff: Duration,
    lag_published: Instant,
    /// How many events waited then.
    waiting: i64,
    /// When an event came last, or it was looked whether the brokers are within reach.
    heard: Instant,
    /// Whether the consumer was cut off at the last look.
    is_cut_off: bool,
    held: Held,
    /// The events at which to stop when they come again: their scores turned out too large for their topic, and the work was undone.
    stop_at: Vec<StopAt>,
}

/// An event of the input, and what is wrong with it.
struct StopAt {
    partition: i32,
    offset: i64,
    message: Option<MessagePlace>,
    rejection: Rejection,
}

impl Worker {
    /// A worker that has not joined its group yet. `number` tells the pipeline's workers in this process apart.
    pub(super) fn new(
        settings: Arc<Settings>,
        number: usize,
        line: Line,
        health: Arc<WorkerHealth>,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, WorkerError> {
        let producers = settings.producers(number);
        let publisher = |properties| Publisher::new(Producer::new(properties)?, &settings).map_err(WorkerError::Client);
        let publishers = producers.iter().map(publisher).collect::<Result<_, _>>()?;
        let metrics = WorkerMetrics::new(&settings.input_topic);
        let consumer = Consumer::new(&settings.consumer, &settings.input_topic)?;
        let delivery = Delivery::new(publishers, metrics, &settings, Arc::clone(&health), Arc::clone(&stop));
        let now = Instant::now();
        Ok(Self {
            settings,
            consumer,
            delivery,
            line,
            batch: MessageBatch::new(),
            health,
            stop,
            subscribed: now,
            backoff: BACKOFF.0,
            lag_published: now,
            waiting: 0,
            heard: now,
            is_cut_off: false,
            held: Held::default(),
            stop_at: Vec::new(),
        })
    }

    /// Poll, admit, decode, graph, encode, produce, commit; until it is told to stop. Then it finishes the batch that it has, commits and
    /// leaves the group.
    pub(super) fn run(mut self) -> Result<(), WorkerError> {
        let outcome = self.serve();
        self.health.ready(false);
        self.health.may_block(self.settings.call_timeout + self.settings.leave_timeout);
        let left = match &outcome {
            Ok(()) => self.delivery.commit(&self.consumer),
            Err(_) => Ok(()),
        };
        // A last commit that was undone loses nothing: the next owner of the partitions scores these events.
        let left = match left {
            Err(failure) => ended_by(failure),
            Ok(()) => Ok(()),
        };
        let Self { consumer, mut delivery, settings, .. } = self;
        if let Err(error) = consumer.close(&mut delivery, settings.leave_timeout) {
            tracing::warn!(%error, "the group was not left in order; the partitions move when the session times out");
        }
        outcome.and(left)
    }

    fn serve(&mut self) -> Result<(), WorkerError> {
        if let Err(failure) = self.delivery.start() {
            return ended_by(failure);
        }
        self.consumer.subscribe().map_err(WorkerError::Client)?;
        self.subscribed = Instant::now();
        self.heard = self.subscribed;
        while !self.stop.load(Ordering::Relaxed) {
            // A commit inside the turn may wait for the broker this long before it asks again.
            self.health.may_block(self.settings.call_timeout);
            if let Err(failure) = self.turn()? {
                self.recover(failure)?;
            }
        }
        Ok(())
    }

    /// One turn of the loop. The outer error ends the worker, the inner one asks for a rewind.
    fn turn(&mut self) -> Result<Result<(), Failure>, WorkerError> {
        let started = Instant::now();
        if !self.held.is_empty() {
            self.held.release(&self.consumer, |key| self.line.is_awaited(key));
        }
        let wait = if self.delivery.pace.is_open() { self.delivery.pace.waits(started).min(DRAIN_WAIT) } else { IDLE_WAIT };
        let limits = PollLimits { max_messages: self.settings.max_batch, wait, linger: self.settings.linger };
        let polled = self.consumer.poll_batch(&mut self.batch, limits, &mut self.delivery);
        if let Some(failure) = self.delivery.take_failed() {
            return Ok(Err(failure));
        }
        match polled {
            Err(error) if error.is_fatal() && error.code.is_fenced() => return Err(WorkerError::Fenced(error)),
            Err(error) if error.code.needs_operator() => return Err(WorkerError::Operator(error)),
            Err(error) if error.is_fatal() => return Err(WorkerError::Client(error)),
            Err(error) => tracing::warn!(%error, "reading events failed; trying again"),
            Ok(()) => {
                let is_ready = self.is_ready();
                self.health.ready(is_ready && self.held.is_empty());
            }
        }
        self.publish_lag();
        if self.batch.is_empty() {
            if self.delivery.pace.is_open() {
                fault::point("before_drained_commit");
            }
            return match self.commit() {
                Ok(()) => self.check_reach().map(Ok),
                failed => Ok(failed),
            };
        }
        (self.heard, self.is_cut_off) = (started, false);
        self.delivery.metrics.phase(LinePhase::Poll, started.elapsed());
        self.delivery.metrics.batch(self.batch.len(), self.batch.bytes());
        Ok(self.score())
    }

    fn score(&mut self) -> Result<(), Failure> {
        let began = Instant::now();
        let scored = self.line.score(self.batch.iter().map(|event| event.payload()));
        let awaiting: Vec<(usize, SchemaKey)> = scored.awaiting().collect();
        if !awaiting.is_empty() {
            return self.hold(&awaiting);
        }
        if self.settings.on_error == OnError::Stop {
            let mut rejected: Vec<_> = scored.rejected().map(|(place, rejection)| (place.clone(), rejection.clone())).collect();
            rejected.extend(self.stop_at.iter().filter_map(|known| known.place(&self.batch)));
            if !rejected.is_empty() {
                rejected.sort_by_key(|(place, _)| (place.event, place.number()));
                return self.stop_before(rejected);
            }
        }
        self.delivery.open()?;
        record_durations(&self.delivery.metrics, scored.durations);
        let started = Instant::now();
        let mut too_large = Vec::new();
        for (place, value) in scored.scores() {
            let Some(event) = self.batch.get(place.event) else { continue };
            if fault::has_bug("double_produce") && event.offset() % 50 == 49 {
                let _ = self.delivery.publisher().score(&event, place, value);
            }
            if fault::has_bug("count_twice") && event.offset() % 50 == 49 {
                self.delivery.tally.scored(value.len());
            }
            match self.delivery.publisher().score(&event, place, value) {
                Ok(()) => self.delivery.tally.scored(value.len()),
                Err(ProduceError::TooLarge { bytes }) => {
                    let message = format!("the score of {bytes} bytes is larger than topic `{}` takes", self.settings.output.name);
                    too_large.push((place, Rejection::new(Phase::Encode, Reason::TooLargeForTopic, message)));
                }
                Err(error) => return Err(self.delivery.refused(error)),
            }
        }
        if self.settings.on_error == OnError::Stop && !too_large.is_empty() {
            // Known only now, with what comes before them in an open transaction: that is undone, and committed when it comes again.
            self.stop_at.extend(too_large.into_iter().filter_map(|(place, rejection)| StopAt::new(&self.batch, place, rejection)));
            return Err(self.delivery.abort());
        }
        let mut rejected: Vec<(&Place, &Rejection)> = scored.rejected().collect();
        if !too_large.is_empty() {
            rejected.extend(too_large.iter().map(|(place, rejection)| (*place, rejection)));
            rejected.sort_by_key(|(place, _)| (place.event, place.number()));
        }
        for (nth, (place, rejection)) in rejected.iter().enumerate() {
            let Some(event) = self.batch.get(place.event) else { continue };
            if self.settings.on_error == OnError::DeadLetter {
                bury(&mut self.delivery, &event, place, rejection)?;
                continue;
            }
            if nth == 0 {
                tracing::warn!(in_batch = rejected.len(), "skipped, as the first of its batch: {}", told(&event, place, rejection));
            }
            self.delivery.tally.skipped(1);
        }
        self.delivery.tally.skipped(scored.skipped().count());
        fault::point("after_produce");
        self.delivery.cover(&self.batch);
        let is_drained = self.is_drained();
        let is_due = self.delivery.pace.is_due(Instant::now(), began.elapsed(), is_drained);
        if is_drained && !is_due {
            self.delivery.send();
        }
        self.delivery.metrics.phase(LinePhase::Produce, started.elapsed());
        if is_due { self.commit() } else { Ok(()) }
    }

    /// Makes the open work durable, which is what ends the growth of the pauses after work that was undone.
    fn commit(&mut self) -> Result<(), Failure> {
        let has_work = self.delivery.pace.is_open();
        match self.delivery.commit(&self.consumer) {
            Ok(()) => {}
            // The work stays open.
            Err(Failure::Later) => return Ok(()),
            Err(failure) => return Err(failure),
        }
        if has_work {
            self.backoff = BACKOFF.0;
        }
        Ok(())
    }

    /// Holds the partitions of events that must wait, and scores what comes before them.
    fn hold(&mut self, awaiting: &[(usize, SchemaKey)]) -> Result<(), Failure> {
        if let Err(error) = self.held.hold(&self.consumer, &mut self.batch, awaiting, self.settings.call_timeout) {
            tracing::warn!(%error, "a partition could not be held; going back to the committed offsets");
            return Err(self.delivery.abort());
        }
        self.health.ready(false);
        if self.batch.is_empty() { self.commit() } else { self.score() }
    }

    /// Scores and commits what comes before the first rejected event of each partition, and stops there.
    fn stop_before(&mut self, rejected: Vec<(Place, Rejection)>) -> Result<(), Failure> {
        let told = rejected.first().and_then(|(place, rejection)| Some(told(&self.batch.get(place.event)?, place, rejection)));
        let at: Vec<(usize, ())> = rejected.iter().map(|(place, _)| (place.event, ())).collect();
        cut(&mut self.batch, &at);
        if !self.batch.is_empty() {
            self.score()?;
        }
        self.commit()?;
        if self.delivery.pace.is_open() {
            // The group takes no offsets now: everything comes again, and the worker stops there then.
            return Err(self.delivery.abort());
        }
        Err(Failure::Stop(told.unwrap_or_default()))
    }

    /// Ends the worker when two looks in a row find its consumer cut off from brokers that are there: a new one reaches them.
    fn check_reach(&mut self) -> Result<(), WorkerError> {
        if self.heard.elapsed() < REACH_INTERVAL || self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let reach = self.consumer.check_reach(&self.settings.consumer);
        self.heard = Instant::now();
        let was_cut_off = std::mem::replace(&mut self.is_cut_off, reach.is_err());
        match reach {
            Err(error) if was_cut_off => Err(WorkerError::Client(error)),
            _ => Ok(()),
        }
    }

    /// After work was undone: back to the committed offsets, never past them. The pause grows while nothing succeeds.
    fn recover(&mut self, failure: Failure) -> Result<(), WorkerError> {
        if !matches!(failure, Failure::Rewind) {
            return ended_by(failure);
        }
        self.batch.clear();
        if fault::has_bug("skip_after_abort") {
            return Ok(());
        }
        // The committed offsets may lie before the events at which partitions are held.
        self.held.release(&self.consumer, |_| false);
        let pause = Instant::now() + self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF.1);
        while let Err(error) = self.consumer.rewind_to_committed(self.settings.call_timeout) {
            tracing::warn!(%error, "the committed offsets could not be read; asking again");
            // A partition that librdkafka no longer reads cannot be sought, and why is told by a poll: of a new client, for this one must not.
            if error.is_fatal() || error.code == ErrorCode::STATE {
                return Err(WorkerError::Client(error));
            }
            if error.code.is_denied() {
                return Err(WorkerError::Operator(error));
            }
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            self.health.asks_again(self.settings.call_timeout);
            self.check_reach()?;
        }
        while Instant::now() < pause && !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(IDLE_WAIT.min(pause.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }

    /// Ready is a worker that has been told its partitions and reads them. Where there are more workers than partitions librdkafka tells the
    /// spare ones nothing: those are ready once the group has known them for longer than a rebalance waits for a member that has crashed.
    fn is_ready(&mut self) -> bool {
        let share = &mut self.delivery.share;
        if share.was_told() {
            return share.is_read(&self.consumer);
        }
        self.subscribed.elapsed() > SPARE_AFTER && self.consumer.is_known()
    }

    fn publish_lag(&mut self) {
        // What was said last stands as long as a commit hangs: it must not be that nothing waits.
        let is_news = self.waiting == 0 && !self.batch.is_empty();
        if self.lag_published.elapsed() < LAG_INTERVAL && !is_news {
            return;
        }
        self.lag_published = Instant::now();
        self.waiting = 0;
        self.held.ask_ends(&self.consumer);
        for (partition, lag) in self.delivery.share.waiting(&self.consumer, |partition| self.held.end(partition)) {
            self.waiting += lag;
            self.delivery.metrics.lag(partition, lag);
        }
    }

    /// Whether the last batch took all that had arrived. A batch that is not full may still leave much behind, where events are large.
    fn is_drained(&self) -> bool {
        let batch = self.batch.len();
        batch < self.settings.max_batch && self.consumer.lags_at_most(batch)
    }
}

impl StopAt {
    fn new(batch: &MessageBatch, place: &Place, rejection: Rejection) -> Option<Self> {
        let event = batch.get(place.event)?;
        Some(Self { partition: event.partition(), offset: event.offset(), message: place.message.clone(), rejection })
    }

    /// Where it is in a batch, when it is there.
    fn place(&self, batch: &MessageBatch) -> Option<(Place, Rejection)> {
        let is_it = |event: Message<'_>| (event.partition(), event.offset()) == (self.partition, self.offset);
        let event = batch.iter().position(is_it)?;
        Some((Place { event, message: self.message.clone() }, self.rejection.clone()))
    }
}

/// How a failure ends a worker that does not go on.
fn ended_by(failure: Failure) -> Result<(), WorkerError> {
    match failure {
        Failure::Fatal(fatal) => Err(fatal.into()),
        Failure::Operator(error) => Err(WorkerError::Operator(error)),
        Failure::Stop(event) => Err(WorkerError::Rejected(event)),
        Failure::Unanswered(error) => {
            tracing::warn!(%error, "told to stop while the broker does not answer; what is not committed is scored by the next owner");
            Ok(())
        }
        Failure::Rewind | Failure::Later => Ok(()),
    }
}

/// Where an event is, and what is wrong with it.
fn told(event: &Message<'_>, place: &Place, rejection: &Rejection) -> String {
    let message = place.number().map(|number| format!("message {number} of ")).unwrap_or_default();
    let field = rejection.field.as_deref().map(|field| format!(", field `{field}`")).unwrap_or_default();
    let byte = rejection.byte.map(|byte| format!(", byte {byte}")).unwrap_or_default();
    let (phase, reason) = (rejection.phase.name(), rejection.reason.name());
    format!("{message}the event {event:?} cannot be scored ({phase}, {reason}{field}{byte}): {}", rejection.message)
}

/// Queues the dead letter of an event that cannot be scored: without its value, and then without all that came, when the topic does not take
/// it.
fn bury(delivery: &mut Delivery, event: &Message<'_>, place: &Place, rejection: &Rejection) -> Result<(), Failure> {
    let publisher: &Publisher = delivery.publisher();
    let publish = |omit| publisher.dead_letter(event, place, rejection, omit);
    let smaller = |outcome, omit| if matches!(outcome, Err(ProduceError::TooLarge { .. })) { publish(omit) } else { outcome };
    let outcome = smaller(smaller(publish(Omit::Nothing), Omit::Value), Omit::AllThatCame);
    match outcome {
        Ok(()) => {
            delivery.tally.dead(rejection.phase, rejection.reason);
            Ok(())
        }
        Err(error) => Err(delivery.refused(error)),
    }
}

fn record_durations(metrics: &WorkerMetrics, durations: PhaseDurations) {
    metrics.phase(LinePhase::Decode, durations.decode);
    metrics.phase(LinePhase::Graph, durations.graph);
    metrics.phase(LinePhase::Inference, durations.inference);
    metrics.phase(LinePhase::Encode, durations.encode);
}

impl From<Fatal> for WorkerError {
    fn from(Fatal { fenced, error }: Fatal) -> Self {
        if fenced { Self::Fenced(error) } else { Self::Client(error) }
    }
}
