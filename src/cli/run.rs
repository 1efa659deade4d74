//! `caz run`: the stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::PipelineFile;
use super::control::ControlPlane;
use super::exit::{Failure, running};
use super::signals::Signals;
use super::terminal;
use crate::kafka::{Admin, ClientProperties};
use crate::stream::{Assembly, Pool};
use crate::telemetry::{self, Outcome};

/// `caz run FILE`
#[derive(clap::Args)]
pub(super) struct Run {
    #[command(flatten)]
    pipeline: PipelineFile,
    /// How log lines look: for people, or one JSON object each
    #[arg(long, value_enum, default_value_t)]
    log_format: telemetry::LogFormat,
}

/// How long the question for the topics may take at the start.
const TOPICS_TIMEOUT: Duration = Duration::from_secs(30);
/// A worker that did nothing for so long is stalled.
const STALL_LIMIT: Duration = Duration::from_secs(60);
/// How often the main thread looks whether the workers have ended.
const LOOK: Duration = Duration::from_millis(50);

impl Run {
    pub(super) fn run(self) -> Result<(), Failure> {
        telemetry::install_logs(self.log_format).map_err(running)?;
        if self.log_format == telemetry::LogFormat::Json {
            terminal::say_in_log();
        }
        let signals = Signals::handle()?;
        let exposition = telemetry::install_metrics().map_err(running)?;
        let assembly = Arc::new(self.pipeline.load_to_serve()?);
        let mut settings = assembly.settings();
        let pipeline = assembly.pipeline();
        let topics = [
            ("input", &*pipeline.input.topic, "Read"),
            ("output", &*pipeline.output.topic, "Write"),
            ("dead_letters", &*pipeline.dead_letters.topic, "Write"),
        ];
        let admin = admin(&settings.consumer)?;
        check_topics(&admin, &settings.consumer, &topics)?;
        settings.ask_limits(&admin).map_err(running)?;
        assembly.knock_at_registry().map_err(running)?;
        assembly.register_output(&|| false).map_err(running)?;
        let stop = signals.begin_work();
        let (health, workers) = telemetry::Health::new(assembly.pipeline().workers.into(), STALL_LIMIT);
        let control = ControlPlane::start(assembly.pipeline().metrics.address, exposition.clone(), health)?;
        tracing::info!(address = %control.address(), pipeline = assembly.pipeline().name, "serving /metrics, /healthz and /readyz");
        let pool = Pool::start(&assembly, settings, workers, Arc::clone(&stop));
        let outcome = wait(pool, &assembly, &stop, &control);
        control.end();
        let [scored, dead_letters, skipped] = Outcome::ALL.map(|outcome| exposition.events(outcome));
        tracing::info!(scored, dead_letters, skipped, "ended; so many events were counted");
        outcome
    }
}

/// Waits for the workers; once they are told to stop, only as long as they are given. They are when the registry refuses caz: what only a
/// person can mend ends the process, while the events still keep their places.
fn wait(pool: Pool, assembly: &Assembly, stop: &AtomicBool, control: &ControlPlane) -> Result<(), Failure> {
    let shutdown_timeout = assembly.pipeline().shutdown_timeout.get();
    let (mut told_at, mut refusal) = (None, None);
    while !pool.has_ended() {
        std::thread::sleep(LOOK);
        if !stop.load(Ordering::Relaxed) {
            refusal = assembly.registry_refusal();
            stop.fetch_or(refusal.is_some(), Ordering::Relaxed);
        }
        if stop.load(Ordering::Relaxed) {
            control.drain();
            let told_at = *told_at.get_or_insert_with(Instant::now);
            if told_at.elapsed() > shutdown_timeout {
                // The open transaction is aborted by the broker; the next owner scores its events.
                let late = format!("a worker did not stop within {} s", shutdown_timeout.as_secs_f64());
                let reasons = pool.abandon();
                if reasons.is_empty() {
                    return Err(Failure::Running(refusal.map_or_else(|| late.clone(), |why| format!("{why}; {late}"))));
                }
                tracing::warn!("{late}");
                return Err(Failure::Workers(reasons));
            }
        }
    }
    pool.wait().map_err(Failure::Workers)?;
    refusal.map_or(Ok(()), |why| Err(Failure::Running(why)))
}

/// A client for topics.
pub(super) fn admin(client: &ClientProperties) -> Result<Admin, Failure> {
    Admin::new(client, TOPICS_TIMEOUT).map_err(running)
}

/// Missing topics, and rights that are lacking at all of them, are told before anything starts. A topic comes with its key in the pipeline
/// file, and with what is done with it: each operation on a topic implies the right to ask for it.
pub(super) fn check_topics(admin: &Admin, client: &ClientProperties, topics: &[(&str, &str, &str)]) -> Result<(), Failure> {
    let (mut missing, mut denied) = (Vec::new(), Vec::new());
    for (key, topic, operation) in topics {
        match admin.describe_topic(topic) {
            Ok(Some(_)) => {}
            Ok(None) => missing.push(format!("topic `{topic}` (`{key}.topic`) does not exist")),
            Err(error) if error.code.is_denied() => denied.push(format!("{operation} on topic `{topic}` (`{key}.topic`)")),
            Err(error) if error.is_retriable() => {
                let servers = client.get("bootstrap.servers").unwrap_or_default();
                return Err(Failure::Running(format!("no Kafka broker answers at {servers}: {error}")));
            }
            Err(error) => return Err(running(error)),
        }
    }
    if !missing.is_empty() {
        return Err(Failure::Running(format!("{}. Mend: create them, with as many partitions as the most workers", missing.join("; "))));
    }
    if !denied.is_empty() {
        return Err(Failure::Running(format!("the user has no right to the topics. Mend: grant it the operation {}", denied.join(", "))));
    }
    Ok(())
}
