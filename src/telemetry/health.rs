//! Whether the process is alive and ready, as its workers say themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use metrics::Gauge;
use serde::Serialize;

use super::Metric;

/// The health of all workers of a process; clones share it. Nothing in it locks: a worker stores two or three integers per beat.
#[derive(Clone, Debug)]
pub struct Health {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    stall_limit_ms: u64,
    is_draining: AtomicBool,
    workers: Box<[Worker]>,
}

/// What one worker last said. Times are milliseconds since [`Shared::started`].
#[derive(Debug)]
struct Worker {
    beat_ms: AtomicU64,
    /// How long after the beat the next one is due.
    allowance_ms: AtomicU64,
    standing: AtomicU8,
}

const JOINING: u8 = 0;
const READY: u8 = 1;
const ENDED: u8 = 2;

/// What a worker is doing, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// Not ready yet: the group has not told it its partitions, or it does not read all of them.
    Joining,
    /// Told its partitions, which may be none, and reading them.
    Ready,
    /// Its beat is overdue.
    Stalled,
    /// Its thread is over.
    Ended,
}

impl WorkerState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Joining, Self::Ready, Self::Stalled, Self::Ended];

    /// The value of the label `state`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Ready => "ready",
            Self::Stalled => "stalled",
            Self::Ended => "ended",
        }
    }
}

/// One worker in a [`Verdict`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkerStatus {
    /// Its number, from 0.
    pub worker: usize,
    /// What it is doing.
    pub state: WorkerState,
    /// Seconds since its last beat.
    pub last_beat_seconds: f64,
}

/// The answer of a health check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether the check passed.
    pub ok: bool,
    /// Whether the process is finishing its work in order to end.
    pub draining: bool,
    /// The workers that are the reason of a failed check.
    pub failing: Vec<WorkerStatus>,
}

impl Health {
    /// The health of `workers` workers and their handles, in order. A worker is stalled when it has not beaten for `stall_limit`; one that
    /// expects to block longer says so by [`WorkerHealth::may_block`].
    pub fn new(workers: usize, stall_limit: Duration) -> (Self, Vec<WorkerHealth>) {
        let stall_limit_ms = millis(stall_limit);
        let worker =
            |_| Worker { beat_ms: AtomicU64::new(0), allowance_ms: AtomicU64::new(stall_limit_ms), standing: AtomicU8::new(JOINING) };
        let shared = Arc::new(Shared {
            started: Instant::now(),
            stall_limit_ms,
            is_draining: AtomicBool::new(false),
            workers: (0..workers).map(worker).collect(),
        });
        let handles = (0..workers).map(|index| WorkerHealth { shared: Arc::clone(&shared), index }).collect();
        (Self { shared }, handles)
    }

    /// The process has begun to end: it is no longer ready, and a worker that ends is no longer a failure.
    pub fn drain(&self) {
        self.shared.is_draining.store(true, Ordering::Relaxed);
    }

    /// Whether the process works: every worker beats, or has ended because the process drains. When not, a restart is what helps.
    pub fn live(&self) -> Verdict {
        let draining = self.is_draining();
        self.verdict(draining, true, |state| match state {
            WorkerState::Joining | WorkerState::Ready => true,
            WorkerState::Stalled => false,
            WorkerState::Ended => draining,
        })
    }

    /// Whether every worker has been told its partitions and reads them, and the process does not drain.
    pub fn ready(&self) -> Verdict {
        let draining = self.is_draining();
        self.verdict(draining, !draining, |state| state == WorkerState::Ready)
    }

    fn is_draining(&self) -> bool {
        self.shared.is_draining.load(Ordering::Relaxed)
    }

    fn verdict(&self, draining: bool, ok: bool, passes: impl Fn(WorkerState) -> bool) -> Verdict {
        let failing: Vec<WorkerStatus> = self.workers().filter(|status| !passes(status.state)).collect();
        Verdict { ok: ok && failing.is_empty(), draining, failing }
    }

    /// All workers, in order.
    pub fn workers(&self) -> impl Iterator<Item = WorkerStatus> {
        self.workers_at(millis(self.shared.started.elapsed()))
    }

    fn workers_at(&self, now_ms: u64) -> impl Iterator<Item = WorkerStatus> {
        self.shared.workers.iter().enumerate().map(move |(index, worker)| {
            let since_beat_ms = now_ms.saturating_sub(worker.beat_ms.load(Ordering::Relaxed));
            let state = match worker.standing.load(Ordering::Relaxed) {
                ENDED => WorkerState::Ended,
                _ if since_beat_ms > worker.allowance_ms.load(Ordering::Relaxed) => WorkerState::Stalled,
                READY => WorkerState::Ready,
                _ => WorkerState::Joining,
            };
            WorkerStatus { worker: index, state, last_beat_seconds: since_beat_ms as f64 / 1e3 }
        })
    }
}

/// Health as a metric: the number of workers by state.
#[derive(Debug)]
pub(super) struct WorkerGauges {
    gauges: [Gauge; WorkerState::ALL.len()],
}

impl WorkerGauges {
    pub(super) fn new() -> Self {
        Self { gauges: WorkerState::ALL.map(|state| Metric::Workers.gauge(&[("state", state.name())])) }
    }

    pub(super) fn set(&self, health: &Health) {
        let mut counts = [0u32; WorkerState::ALL.len()];
        health.workers().for_each(|status| counts[status.state as usize] += 1);
        for (gauge, count) in self.gauges.iter().zip(counts) {
            gauge.set(count);
        }
    }
}

/// One worker's side of [`Health`]. Dropping it says that the worker's thread is over, however it ended.
#[derive(Debug)]
pub struct WorkerHealth {
    shared: Arc<Shared>,
    index: usize,
}

impl WorkerHealth {
    /// The worker is in the consumer group and was told its assignment, or no longer is.
    pub fn ready(&self, is_ready: bool) {
        self.worker().standing.store(if is_ready { READY } else { JOINING }, Ordering::Relaxed);
    }

    /// The worker goes on: called once in each turn of its loop.
    pub fn beat(&self) {
        self.beat_with_allowance(self.shared.stall_limit_ms);
    }

    /// The worker is about to make a call that may block for `at_most`, such as a commit: until then it counts as alive. The next
    /// [`WorkerHealth::beat`] ends the allowance.
    pub fn may_block(&self, at_most: Duration) {
        self.beat_with_allowance(self.shared.stall_limit_ms.max(millis(at_most)));
    }

    /// A broker did not answer, and the worker asks again, for `at_most` so long: it is not ready, and not stalled either, for a new process
    /// would do no better.
    pub fn asks_again(&self, at_most: Duration) {
        self.ready(false);
        self.may_block(at_most);
    }

    fn beat_with_allowance(&self, allowance_ms: u64) {
        let worker = self.worker();
        worker.allowance_ms.store(allowance_ms, Ordering::Relaxed);
        worker.beat_ms.store(millis(self.shared.started.elapsed()), Ordering::Relaxed);
    }

    fn worker(&self) -> &Worker {
        &self.shared.workers[self.index]
    }
}

impl Drop for WorkerHealth {
    fn drop(&mut self) {
        self.worker().standing.store(ENDED, Ordering::Relaxed);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn states(health: &Health, now_ms: u64) -> Vec<WorkerState> {
        health.workers_at(now_ms).map(|status| status.state).collect()
    }

    #[test]
    fn ready_only_when_all_have_joined() {
        let (health, workers) = Health::new(2, LIMIT);
        assert!(health.live().ok);
        assert!(!health.ready().ok);
        workers[0].ready(true);
        assert_eq!(health.ready().failing.iter().map(|status| status.worker).collect::<Vec<_>>(), [1]);
        workers[1].ready(true);
        assert!(health.ready().ok);
        workers[0].ready(false);
        assert!(!health.ready().ok);
    }

    #[test]
    fn a_worker_without_beats_stalls_and_recovers() {
        let (health, workers) = Health::new(1, LIMIT);
        workers[0].ready(true);
        workers[0].beat();
        assert_eq!(states(&health, 60_000), [WorkerState::Ready]);
        assert_eq!(states(&health, 60_000 + 1_000), [WorkerState::Stalled]);
        workers[0].may_block(Duration::from_secs(300));
        assert_eq!(states(&health, 61_000), [WorkerState::Ready]);
        assert_eq!(states(&health, 302_000), [WorkerState::Stalled]);
        workers[0].beat();
        assert_eq!(states(&health, 59_000), [WorkerState::Ready]);
        assert_eq!(states(&health, 61_000), [WorkerState::Stalled]);
    }

    #[test]
    fn an_ended_worker_is_a_failure_unless_the_process_drains() {
        let (health, workers) = Health::new(1, LIMIT);
        drop(workers);
        assert!(!health.live().ok);
        health.drain();
        assert!(health.live().ok);
        assert!(!health.ready().ok && health.ready().draining);
    }
}
