//! What one worker measures, as handles that are looked up once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use super::Metric;
use crate::dataset;

/// A stretch of the line whose time is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinePhase {
    /// Waiting for records and taking them over.
    Poll,
    /// Bytes to columns.
    Decode,
    /// Transformations.
    Graph,
    /// Models.
    Inference,
    /// Columns to bytes.
    Encode,
    /// Handing records to the producer.
    Produce,
    /// Committing the transaction, or the offsets.
    Commit,
}

impl LinePhase {
    /// All phases, in the order of the line.
    pub const ALL: [Self; 7] = [Self::Poll, Self::Decode, Self::Graph, Self::Inference, Self::Encode, Self::Produce, Self::Commit];

    /// The value of the label `phase`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Decode => "decode",
            Self::Graph => "graph",
            Self::Inference => "inference",
            Self::Encode => "encode",
            Self::Produce => "produce",
            Self::Commit => "commit",
        }
    }
}

/// How an event's way ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A score was produced.
    Scored,
    /// It went to the dead letters.
    DeadLetter,
    /// It left with a declared reason, without a record.
    Skipped,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 3] = [Self::Scored, Self::DeadLetter, Self::Skipped];

    /// The value of the label `outcome`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scored => "scored",
            Self::DeadLetter => "dead_letter",
            Self::Skipped => "skipped",
        }
    }
}

/// How a worker's assignment changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebalanceKind {
    /// Partitions came.
    Assigned,
    /// Partitions were given back in order.
    Revoked,
    /// Partitions were taken away: the group had expelled the worker.
    Lost,
}

impl RebalanceKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Assigned, Self::Revoked, Self::Lost];

    /// The value of the label `kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Revoked => "revoked",
            Self::Lost => "lost",
        }
    }
}

/// One worker's measurements. It belongs to the worker's thread; workers that measure the same series add to the same value.
///
/// Counters are cumulative for the process. Outcomes are counted once they are durable; bytes consumed, batches and phases as they happen, and
/// again when the events of an aborted transaction come again.
pub struct WorkerMetrics {
    topic: String,
    outcomes: [Counter; Outcome::ALL.len()],
    consumed_bytes: Counter,
    produced_bytes: Counter,
    batch_size: Histogram,
    phases: [Histogram; LinePhase::ALL.len()],
    latency: Histogram,
    committed: Counter,
    aborted: Counter,
    rebalances: [Counter; RebalanceKind::ALL.len()],
    /// Registered when first met: of all pairs of phase and reason few ever occur.
    dead_letters: RefCell<BTreeMap<(dataset::Phase, dataset::Reason), Counter>>,
    /// By partition. Dropping a gauge ends its series.
    lags: RefCell<BTreeMap<i32, Gauge>>,
    assigned_in_process: Gauge,
    assigned_here: Cell<usize>,
}

impl WorkerMetrics {
    /// The measurements of a worker on `topic`, its input. Series appear at zero at once, so that a first increment is seen as one.
    pub fn new(topic: &str) -> Self {
        let transactions = |result| Metric::TransactionsTotal.counter(&[("result", result)]);
        Self {
            topic: topic.to_owned(),
            outcomes: Outcome::ALL.map(|outcome| Metric::EventsTotal.counter(&[("outcome", outcome.name())])),
            consumed_bytes: Metric::ConsumedBytesTotal.counter(NO_LABELS),
            produced_bytes: Metric::ProducedBytesTotal.counter(NO_LABELS),
            batch_size: Metric::BatchSize.histogram(NO_LABELS),
            phases: LinePhase::ALL.map(|phase| Metric::PhaseDurationSeconds.histogram(&[("phase", phase.name())])),
            latency: Metric::EventLatencySeconds.histogram(NO_LABELS),
            committed: transactions("committed"),
            aborted: transactions("aborted"),
            rebalances: RebalanceKind::ALL.map(|kind| Metric::RebalancesTotal.counter(&[("kind", kind.name())])),
            dead_letters: RefCell::default(),
            lags: RefCell::default(),
            assigned_in_process: Metric::AssignedPartitions.gauge(NO_LABELS),
            assigned_here: Cell::new(0),
        }
    }

    /// A batch of `events` was consumed, whose values have `consumed_bytes` together.
    pub fn batch(&self, events: usize, consumed_bytes: usize) {
        self.batch_size.record(events as f64);
        self.consumed_bytes.increment(consumed_bytes as u64);
    }

    /// A phase took this long for one batch (for [`LinePhase::Commit`]: for one transaction).
    pub fn phase(&self, phase: LinePhase, took: Duration) {
        self.phases[phase as usize].record(took);
    }

    /// `events` were scored, and the scores' values have `produced_bytes` together.
    pub fn scored(&self, events: usize, produced_bytes: usize) {
        self.outcome(Outcome::Scored, events);
        self.produced_bytes.increment(produced_bytes as u64);
    }

    /// `events` were skipped.
    pub fn skipped(&self, events: usize) {
        self.outcome(Outcome::Skipped, events);
    }

    /// One event went to the dead letters.
    pub fn dead_letter(&self, phase: dataset::Phase, reason: dataset::Reason) {
        self.outcome(Outcome::DeadLetter, 1);
        let register = || Metric::DeadLettersTotal.counter(&[("phase", phase.name()), ("reason", reason.name())]);
        self.dead_letters.borrow_mut().entry((phase, reason)).or_insert_with(register).increment(1);
    }

    fn outcome(&self, outcome: Outcome, events: usize) {
        self.outcomes[outcome as usize].increment(events as u64);
    }

    /// Events were delivered at `now_ms`: their record timestamps (both in milliseconds since 1970), and how many share each. A timestamp
    /// after now, by a clock that is ahead, counts as no latency; a negative one, which stands for none, does not count.
    pub fn latency(&self, now_ms: i64, timestamps_ms: impl Iterator<Item = (i64, usize)>) {
        for (timestamp_ms, events) in timestamps_ms.filter(|(timestamp_ms, _)| *timestamp_ms >= 0) {
            self.latency.record_many(now_ms.saturating_sub(timestamp_ms).max(0) as f64 / 1e3, events);
        }
    }

    /// A transaction ended.
    pub fn transaction(&self, committed: bool) {
        if committed { &self.committed } else { &self.aborted }.increment(1);
    }

    /// The assignment changed.
    pub fn rebalance(&self, kind: RebalanceKind) {
        self.rebalances[kind as usize].increment(1);
    }

    /// The outcome of so many `events` of an assigned partition is not delivered yet.
    pub fn lag(&self, partition: i32, events: i64) {
        let register = || Metric::ConsumerLag.gauge(&[("topic", self.topic.clone()), ("partition", partition.to_string())]);
        self.lags.borrow_mut().entry(partition).or_insert_with(register).set(events as f64);
    }

    /// A partition left: its lag is no longer known here, and its series ends.
    pub fn forget(&self, partition: i32) {
        self.lags.borrow_mut().remove(&partition);
    }

    /// How many partitions this worker has now.
    pub fn assigned(&self, partitions: usize) {
        let before = self.assigned_here.replace(partitions);
        // The gauge is the sum over all workers of the process, so each adds its difference.
        self.assigned_in_process.increment(partitions as f64 - before as f64);
    }
}

impl Drop for WorkerMetrics {
    fn drop(&mut self) {
        self.assigned(0);
    }
}

impl std::fmt::Debug for WorkerMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerMetrics").field("topic", &self.topic).finish_non_exhaustive()
    }
}

/// The labels of a metric that has none.
const NO_LABELS: &[(&str, &str)] = &[];
