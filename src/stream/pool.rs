//! The workers of one process: started together, restarted when a Kafka client comes to its end, stopped together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::assembly::Assembly;
use super::settings::Settings;
use super::worker::{Worker, WorkerError};
use crate::telemetry::WorkerHealth;

/// The longest pause before a worker is started again.
const MOST_BACKOFF: Duration = Duration::from_secs(30);
/// A worker that ran this long starts again without having to pay for earlier failures.
const SETTLED: Duration = Duration::from_secs(60);

/// The running workers.
pub struct Pool {
    workers: Vec<JoinHandle<Result<(), WorkerError>>>,
    /// Why workers did not start.
    failed: Vec<WorkerError>,
    stop: Arc<AtomicBool>,
}

impl Pool {
    /// Starts one thread for each of `workers`, each with its own line of the assembly.
    ///
    /// When `stop` is set, by whomever, all workers finish their batch, commit and leave; when one worker ends for good, or does not start,
    /// it is set for all.
    pub fn start(assembly: &Arc<Assembly>, settings: Settings, workers: Vec<WorkerHealth>, stop: Arc<AtomicBool>) -> Self {
        let settings = Arc::new(settings);
        let mut pool = Self { workers: Vec::new(), failed: Vec::new(), stop };
        for (number, health) in workers.into_iter().enumerate() {
            let (assembly, settings, stop) = (Arc::clone(assembly), Arc::clone(&settings), Arc::clone(&pool.stop));
            let health = Arc::new(health);
            let thread = std::thread::Builder::new().name(format!("caz-worker-{number}"));
            match thread.spawn(move || supervise(&assembly, &settings, number, &health, &stop)) {
                Ok(worker) => pool.workers.push(worker),
                Err(error) => {
                    pool.failed.push(WorkerError::Thread(error));
                    pool.stop();
                }
            }
        }
        pool
    }

    /// Tells all workers to finish their batch, commit and leave; does not wait.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether every worker has ended.
    pub fn has_ended(&self) -> bool {
        self.workers.iter().all(JoinHandle::is_finished)
    }

    /// Waits until every worker has ended.
    ///
    /// # Errors
    /// Each worker's own reason when it was not told to stop.
    pub fn wait(self) -> Result<(), Vec<WorkerError>> {
        let errors: Vec<WorkerError> = self.failed.into_iter().chain(self.workers.into_iter().filter_map(reason)).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The reasons of the workers that have ended. The others are given up.
    pub fn abandon(self) -> Vec<WorkerError> {
        self.failed.into_iter().chain(self.workers.into_iter().filter(JoinHandle::is_finished).filter_map(reason)).collect()
    }
}

/// Why a worker ended, once it has.
fn reason(worker: JoinHandle<Result<(), WorkerError>>) -> Option<WorkerError> {
    worker.join().unwrap_or_else(|panic| Err(defect(panic.as_ref()))).err()
}

/// Runs one worker, and another in its place when its clients come to their end. What only a person can mend stops all workers: a
/// process that serves part of its load quietly is worse than one that ends loudly.
fn supervise(
    assembly: &Assembly,
    settings: &Arc<Settings>,
    number: usize,
    health: &Arc<WorkerHealth>,
    stop: &Arc<AtomicBool>,
) -> Result<(), WorkerError> {
    let mut backoff = Duration::from_millis(250);
    loop {
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let line = assembly.line().map_err(|diagnostics| WorkerError::Defect(diagnostics.render(false)))?;
            Worker::new(Arc::clone(settings), number, line, Arc::clone(health), Arc::clone(stop))?.run()
        }))
        .unwrap_or_else(|panic| Err(defect(panic.as_ref())));
        let error = match outcome {
            Ok(()) => return Ok(()),
            // Nobody else has the transactional id of a nameless process: the broker gave up a transaction that was open too long.
            Err(WorkerError::Fenced(error)) if !settings.is_named => WorkerError::Client(error),
            Err(error) => error,
        };
        if !error.is_transient() {
            stop.store(true, Ordering::Relaxed);
            return Err(error);
        }
        if started.elapsed() > SETTLED {
            backoff = Duration::from_millis(250);
        }
        tracing::error!(worker = number, %error, pause_ms = backoff.as_millis(), "a worker ended and is started again");
        pause(backoff, health, stop);
        // Nothing is open, and another worker is not needed any more.
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        backoff = (backoff * 2).min(MOST_BACKOFF);
    }
}

fn pause(time: Duration, health: &WorkerHealth, stop: &AtomicBool) {
    let until = Instant::now() + time;
    while Instant::now() < until && !stop.load(Ordering::Relaxed) {
        health.beat();
        std::thread::sleep(Duration::from_millis(50).min(until.saturating_duration_since(Instant::now())));
    }
}

fn defect(panic: &(dyn std::any::Any + Send)) -> WorkerError {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    WorkerError::Defect(text.unwrap_or("no message").to_owned())
}
