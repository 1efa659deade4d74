//! `caz demo`: broker, simulator, scorer and readers of its output in one process.

mod account;
mod latency;
mod observer;
mod view;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use self::account::{Balance, Outcome};
use self::observer::{Observed, Observers, lock};
use self::view::{ScoreReader, Snapshot, Summary, View};
use super::control::ControlPlane;
use super::exit::{Failure, running};
use super::{amount, load_to_serve, signals, terminal};
use crate::config::ScoreHeaders;
use crate::kafka::{Admin, ClientProperties, MockBroker, Producer, TopicHandle};
use crate::simulate::{EventOptions, Events, Limits, Progress, Report, SimulateError, publish};
use crate::stream::{Assembly, Pool};
use crate::telemetry::{self, Exposition, Metric};

const EXAMPLES: &str = "\
Examples:
  From a clone of the repository, until Ctrl-C:
    caz demo
  A pipeline of your own, with events made up from its schema, for ten seconds as fast as it goes:
    caz demo my-pipeline.yaml --seconds 10 --rate 0

No Kafka is needed: the demo brings a small broker of its own, in memory. At the
end every event published must have a score or a dead letter; the demo exits
with 5 when one is missing.";

/// `caz demo [FILE]`
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Demo {
    /// The pipeline file (YAML or JSON)
    #[arg(value_name = "FILE", default_value = "config/car-insurance.yaml")]
    file: PathBuf,
    /// Stop after so many seconds; without it at Ctrl-C
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
    /// Events a second, such as 2000 or 2k/s; 0 is as fast as it goes; without it as the graph's Simulator says, else 2000/s
    #[arg(long, value_name = "RATE", value_parser = amount::rate)]
    rate: Option<f64>,
    /// The share of events that are broken on purpose, to see dead letters
    #[arg(long, value_name = "SHARE", value_parser = amount::share, default_value = "1%")]
    faults: f64,
    /// Publish the rows of this file (.csv, .jsonl, .ndjson, .avro or .parquet), over and over; without it those that the graph's Simulator
    /// names; where it has none those of ../datasets/NAME.csv beside the pipeline's folder when it is there, else events made up from the
    /// schema
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    /// Where /metrics, /healthz and /readyz are served; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    address: SocketAddr,
}

/// Events a second, where nobody says how many.
const RATE: f64 = 2000.0;
/// Partitions of each topic, when there are not more workers.
const PARTITIONS: i32 = 4;
/// A worker that did nothing for so long is stalled.
const STALL_LIMIT: Duration = Duration::from_secs(60);
/// How long the groups may take to form, one call to the broker to be answered, and the last events to come out.
const START: Duration = Duration::from_secs(20);
const CALL: Duration = Duration::from_secs(5);
const SETTLE: Duration = Duration::from_secs(10);
/// A fetch that finds nothing is answered when its time is over, even when records arrive meanwhile: unlike Kafka's, the in-process
/// broker does not wake it.
const FETCH_WAIT: (&str, &str) = ("fetch.wait.max.ms", "2");
/// How often the demo is shown, and looked after.
const SHOW: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(20);
/// What the broker stores beside an event's value in an output record: key, headers, framing.
const RECORD_OVERHEAD: u64 = 1024;

/// The parts of a running demo, in the order in which they end: the broker last.
struct Running {
    assembly: Arc<Assembly>,
    exposition: Exposition,
    observers: Observers,
    pool: Pool,
    control: ControlPlane,
    client: ClientProperties,
    reader: ScoreReader,
    partitions: i32,
    _broker: MockBroker,
}

/// What is known when the last event has been published.
struct Played {
    report: Report,
    progress: Arc<Progress>,
    view: View,
    started: Instant,
}

impl Demo {
    pub(super) fn run(self) -> Result<(), Failure> {
        telemetry::install_logs_from("warn", telemetry::LogFormat::Human).map_err(running)?;
        if !self.file.exists() {
            let file = self.file.display();
            return Err(Failure::Running(format!(
                "{file} is not there. Mend: run `caz demo` in a clone of the repository, or give a pipeline file"
            )));
        }
        let demo = self.start()?;
        match self.play(&demo) {
            Ok(played) => demo.end(played),
            Err(failure) => {
                demo.abandon();
                Err(failure)
            }
        }
    }

    /// Publishes and shows, until Ctrl-C, until the time is over, or until a part of the demo ends.
    fn play(&self, demo: &Running) -> Result<Played, Failure> {
        let stop = signals::stop_on_signal()?;
        let rows = self.rows(&demo.assembly);
        let source = rows.as_ref().map_or("events made up from the schema".to_owned(), |path| format!("rows of {}", path.display()));
        terminal::notice(&format!("{}: {source}", demo.assembly.pipeline().name));
        terminal::notice(&format!("serving http://{}/metrics, /healthz and /readyz", demo.control.address()));
        let progress = Arc::new(Progress::default());
        let publisher = self.publisher(demo, rows)?;
        demo.await_readers(&stop)?;
        let simulator = self.simulate(demo, publisher, Arc::clone(&progress), Arc::clone(&stop))?;
        let duration = self.seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let (view, started) = demo.watch(&progress, &simulator, &stop, duration);
        stop.store(true, Ordering::Relaxed);
        let report = simulator.join().map_err(|_| Failure::Running("a defect in caz ended the simulator".to_owned()))?.map_err(running)?;
        match report.exhausted {
            Some(why) => Err(Failure::Running(why)),
            None => Ok(Played { report, progress, view, started }),
        }
    }

    /// Starts everything but the simulator.
    fn start(&self) -> Result<Running, Failure> {
        let exposition = telemetry::install_metrics().map_err(running)?;
        let assembly = load_to_serve(&self.file)?;
        if [assembly.pipeline().input.framing, assembly.pipeline().output.framing].iter().any(|framing| framing.needs_registry()) {
            terminal::notice("the demo has no schema registry: events and scores go without their framing");
        }
        let assembly = Arc::new(assembly.without_registry());
        let pipeline = assembly.pipeline();
        let (input, output, dead_letters) = (&pipeline.input.topic, &pipeline.output.topic, &pipeline.dead_letters.topic);
        let broker = MockBroker::start(1).map_err(running)?;
        let partitions = PARTITIONS.max(i32::from(pipeline.workers));
        for topic in [input, output, dead_letters] {
            broker.create_topic(topic, partitions).map_err(running)?;
        }
        let client = ClientProperties::new().with("bootstrap.servers", broker.bootstrap_servers().map_err(running)?);
        // A worker that joins late waits nearly as long as a session may last.
        let group = client.clone().with("session.timeout.ms", "6000").with(FETCH_WAIT.0, FETCH_WAIT.1);
        let line = assembly.line().map_err(Failure::Configuration)?;
        let reader = ScoreReader::new(pipeline.output.format, line.encoder().schema());
        let (health, workers) = telemetry::Health::new(pipeline.workers.into(), STALL_LIMIT);
        let control = ControlPlane::start(self.address, exposition.clone(), health)?;
        let observers = Observers::start(&group, &[(output, Outcome::Scored), (dead_letters, Outcome::Dead)]).map_err(running)?;
        let mut settings = assembly.settings_at(client.clone());
        group.iter().for_each(|(name, value)| drop(settings.consumer.set(name, value)));
        if settings.score_headers == ScoreHeaders::None {
            // The demo accounts for every event.
            settings.score_headers = ScoreHeaders::Packed;
        }
        let pool = Pool::start(&assembly, settings, workers, Arc::default());
        Ok(Running { assembly, exposition, observers, pool, control, client, reader, partitions, _broker: broker })
    }

    /// The file whose rows are published.
    fn rows(&self, assembly: &Assembly) -> Option<PathBuf> {
        let beside = || {
            let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            // Beside `.` and `..` is what the system says.
            let datasets = match folder.file_name() {
                Some(_) => folder.with_file_name("datasets"),
                None => folder.join("../datasets"),
            };
            Some(datasets.join(format!("{}.csv", assembly.pipeline().name))).filter(|path| path.is_file())
        };
        self.rows.clone().or_else(|| assembly.simulation().map_or_else(beside, |simulation| simulation.rows))
    }

    /// What publishes the events. Made early: a producer takes a while to find its broker.
    fn publisher(&self, demo: &Running, rows: Option<PathBuf>) -> Result<(Events, Producer, TopicHandle), Failure> {
        let seed = demo.assembly.simulation().and_then(|simulation| simulation.seed).unwrap_or(1);
        let options = EventOptions { key: None, faults: self.faults, seed };
        let (schema, encoder) = (demo.assembly.dataset(), demo.assembly.event_encoder().map_err(running)?);
        let events = match rows {
            Some(path) => Events::of_rows(&path, schema, encoder, &options),
            None => Events::invented(schema, encoder, &options),
        }
        .map_err(running)?;
        let producer = Producer::new(&demo.client).map_err(running)?;
        let topic = producer.topic(&demo.assembly.pipeline().input.topic).map_err(running)?;
        Ok((events, producer, topic))
    }

    fn simulate(
        &self,
        demo: &Running,
        (mut events, producer, topic): (Events, Producer, TopicHandle),
        progress: Arc<Progress>,
        stop: Arc<AtomicBool>,
    ) -> Result<JoinHandle<Result<Report, SimulateError>>, Failure> {
        let rate = self.rate.or(demo.assembly.simulation().and_then(|simulation| simulation.rate)).unwrap_or(RATE);
        let limits = Limits { rate: Some(rate), ..Limits::default() };
        let observed = demo.observers.shared();
        let exposition = demo.exposition.clone();
        let simulate = move || {
            // The broker forgets a partition's oldest records when it holds too many: what is under way must fit in one, unread.
            let room = || {
                let (published, bytes) = (progress.events(), progress.bytes());
                let mean = bytes.checked_div(published).unwrap_or(0) + RECORD_OVERHEAD;
                let most = (MockBroker::PARTITION_BYTES as u64 / 2 / mean).max(1);
                let under_way = published.saturating_sub(lock(&observed).account.out());
                match under_way < most {
                    true => most - under_way,
                    // Rarely asked: skipped events are known from the metrics alone.
                    false => most.saturating_sub(under_way.saturating_sub(skipped(&exposition))),
                }
            };
            publish(&mut events, (&producer, &topic), limits, &stop, &progress, &room)
        };
        Ok(std::thread::Builder::new().name("caz-simulator".into()).spawn(simulate)?)
    }
}

impl Running {
    /// Waits until every partition is read, of the input by the workers as of their output by the observers: latencies then are those
    /// of a pipeline that runs, not of one that starts.
    fn await_readers(&self, stop: &AtomicBool) -> Result<(), Failure> {
        let give_up = Instant::now() + START;
        // The lag of a partition is known once it has been read.
        let series = format!("{}{{", Metric::ConsumerLag.name());
        let are_read = || self.exposition.render().lines().filter(|line| line.starts_with(&series)).count() >= self.partitions as usize;
        while !(self.observers.are_ready() && are_read()) {
            if stop.load(Ordering::Relaxed) || self.pool.has_ended() {
                return Ok(());
            }
            if Instant::now() > give_up {
                return Err(Failure::Running(format!("the workers did not join their group within {} s", START.as_secs())));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Ends everything without an account; the broker last, so that nobody looks for it in vain.
    fn abandon(mut self) {
        self.pool.stop();
        self.observers.stop();
        self.await_pool();
        self.control.end();
    }

    /// Waits for the workers as long as they are given.
    fn await_pool(&self) {
        let give_up = Instant::now() + self.assembly.pipeline().shutdown_timeout.get();
        while !self.pool.has_ended() && Instant::now() < give_up {
            std::thread::sleep(LOOK);
        }
    }

    /// Shows the demo each second until it is told to stop, its time is over or a part of it ends.
    fn watch(
        &self,
        progress: &Progress,
        simulator: &JoinHandle<Result<Report, SimulateError>>,
        stop: &AtomicBool,
        duration: Option<Duration>,
    ) -> (View, Instant) {
        let mut view = View::new(format!(
            "{} on an in-process broker, metrics at http://{}/metrics",
            self.assembly.pipeline().name,
            self.control.address()
        ));
        let started = Instant::now();
        let mut next = SHOW;
        while !stop.load(Ordering::Relaxed) && !simulator.is_finished() && !self.pool.has_ended() {
            let elapsed = started.elapsed();
            if duration.is_some_and(|duration| elapsed >= duration) {
                break;
            }
            if elapsed >= next {
                next += SHOW;
                view.show(self.snapshot(progress, elapsed));
            }
            std::thread::sleep(LOOK);
        }
        (view, started)
    }

    fn snapshot(&self, progress: &Progress, elapsed: Duration) -> Snapshot {
        let text = self.exposition.render();
        let batch = |suffix| sample(&text, &format!("{}{suffix}", Metric::BatchSize.name())).unwrap_or(0.0);
        let mut observed = self.observers.look();
        let recent = observed.recent.take();
        Snapshot {
            elapsed,
            published: progress.events(),
            scored: observed.account.scored(),
            dead: observed.account.dead(),
            skipped: skipped(&self.exposition),
            batches: (batch("_count"), batch("_sum")),
            latency_ms: recent.quantile(0.5).zip(recent.quantile(0.99)),
            last_scores: self.last_scores(&observed),
            last_dead: observed.last_dead.clone(),
        }
    }

    fn last_scores(&self, observed: &Observed) -> Vec<String> {
        observed.last_scores.iter().map(|score| self.reader.read(score)).collect()
    }

    /// Waits for what is under way, stops the workers and draws up the account.
    fn end(mut self, played: Played) -> Result<(), Failure> {
        let Played { report, progress, mut view, started } = played;
        let give_up = Instant::now() + SETTLE;
        let is_out = |demo: &Self| demo.observers.look().account.out() + skipped(&demo.exposition) >= report.published;
        while !is_out(&self) && Instant::now() < give_up && !self.pool.has_ended() {
            std::thread::sleep(LOOK);
        }
        view.show(self.snapshot(&progress, started.elapsed()));
        view.end();
        let ends = self.input_ends();
        self.pool.stop();
        self.await_pool();
        // What the workers did last is read too.
        self.observers.stop();
        let ended = if self.pool.has_ended() { self.pool.wait().map_err(Failure::Workers) } else { Err(late()) };
        let skipped = skipped(&self.exposition);
        self.control.end();
        let observed = self.observers.look();
        let balance = observed.account.balance(&ends?);
        let missing = missing(report.published, skipped, &balance);
        let last_scores = observed.last_scores.iter().map(|score| self.reader.read(score)).collect();
        let elapsed = report.elapsed;
        let summary =
            Summary { published: report.published, skipped, missing, balance: &balance, observed: &observed, elapsed, last_scores };
        terminal::answer(&summary.text())?;
        ended?;
        if missing > 0 {
            return Err(Failure::Unaccounted(unaccounted(report.published, missing, &balance, &self.assembly.pipeline().input.topic)));
        }
        match report.failure {
            None => Ok(()),
            Some(why) => Err(Failure::Running(format!("{} events were not published: {why}", amount::grouped(report.failed)))),
        }
    }

    /// Each partition of the input with the offset behind its last event.
    fn input_ends(&self) -> Result<Vec<(i32, i64)>, Failure> {
        let admin = Admin::new(&self.client, CALL).map_err(running)?;
        let topic = &self.assembly.pipeline().input.topic;
        let end = |partition| Ok((partition, admin.watermarks(topic, partition).map_err(running)?.high));
        (0..self.partitions).map(end).collect()
    }
}

fn late() -> Failure {
    Failure::Running("a worker did not stop in time".to_owned())
}

/// Events without an outcome: those that are not in the input topic though they were published, and those in it that neither came out nor
/// were skipped.
fn missing(published: u64, skipped: u64, balance: &Balance) -> u64 {
    published.saturating_sub(balance.in_topic) + balance.absent.saturating_sub(skipped)
}

fn unaccounted(published: u64, missing: u64, balance: &Balance, topic: &str) -> String {
    let examples: Vec<String> = balance.examples.iter().map(|(partition, offset)| format!("{topic}[{partition}]@{offset}")).collect();
    let examples = if examples.is_empty() { String::new() } else { format!(", the first at {}", examples.join(", ")) };
    format!(
        "of {} events published {} have neither a score nor a dead letter{examples}",
        amount::grouped(published),
        amount::grouped(missing)
    )
}

/// Events that the workers left out, which leave no record.
fn skipped(exposition: &Exposition) -> u64 {
    exposition.events(telemetry::Outcome::Skipped)
}

/// The value of one series in the Prometheus text format.
fn sample(exposition: &str, series: &str) -> Option<f64> {
    exposition.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_lost_on_its_way_is_missing() {
        let mut account = account::Account::default();
        (0..100).filter(|offset| *offset != 42).for_each(|offset| account.note(1, offset, Outcome::Scored));
        let balance = account.balance(&[(0, 0), (1, 100)]);
        assert_eq!(missing(100, 0, &balance), 1);
        assert_eq!(
            unaccounted(100, 1, &balance, "events"),
            "of 100 events published 1 have neither a score nor a dead letter, the first at events[1]@42"
        );
        // Had it been left out on purpose, nothing would be missing.
        assert_eq!(missing(100, 1, &balance), 0);
        // One that never reached the topic is missing as well.
        assert_eq!(missing(101, 1, &balance), 1);
    }

    #[test]
    fn samples_of_the_exposition() {
        let text = "# TYPE a histogram\ncaz_batch_size_sum 12.5\ncaz_batch_size_count 2\n";
        assert_eq!((sample(text, "caz_batch_size_sum"), sample(text, "caz_batch")), (Some(12.5), None));
    }
}
