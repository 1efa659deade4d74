//! `caz simulate`: events for a pipeline's input topic.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::exit::{Failure, running};
use super::run::{admin, check_topics};
use super::{PipelineFile, amount, signals, terminal};
use crate::kafka::Producer;
use crate::simulate::{EventOptions, Events, Limits, Progress, publish};
use crate::stream::Assembly;
use crate::telemetry;

const EXAMPLES: &str = "\
Examples:
  The example's 5,000 rows once, as fast as it goes:
    caz simulate config/car-insurance.yaml --rows datasets/car-insurance.csv --count 5000
  Made-up events, 500 a second for a minute, one in a hundred of them broken:
    caz simulate config/car-insurance.yaml --rate 500/s --seconds 60 --faults 1%

Exits with 1 when the broker did not take an event, or a row cannot be read.";

/// `caz simulate FILE`
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Simulate {
    #[command(flatten)]
    pipeline: PipelineFile,
    /// Publish the rows of this file (.csv, .jsonl, .ndjson, .avro or .parquet), over and over; without it those that the graph's Simulator
    /// names, else events made up from the dataset schema
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    /// Events a second, such as 500 or 500/s; without it as the graph's Simulator says, else as fast as it goes
    #[arg(long, value_name = "RATE", value_parser = amount::rate)]
    rate: Option<f64>,
    /// Stop after so many events
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Stop after so many seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
    /// Which events are made up, and which are broken: the same seed makes the same ones; without it as the graph's Simulator says, else 1
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The field, by dotted path, whose value is the record's key; without it the first field of text
    #[arg(long, value_name = "FIELD")]
    keys: Option<String>,
    /// The share of events that are broken on purpose, such as 0.01 or 1%, to see dead letters
    #[arg(long, value_name = "SHARE", value_parser = amount::share, default_value = "0")]
    faults: f64,
}

/// How often progress is drawn on a terminal, and told elsewhere.
const DRAW: Duration = Duration::from_millis(100);
const TELL: Duration = Duration::from_secs(5);

impl Simulate {
    pub(super) fn run(self) -> Result<(), Failure> {
        telemetry::install_logs_from("warn", telemetry::LogFormat::Human).map_err(running)?;
        let assembly = self.pipeline.load()?;
        // A file that cannot be read is told before Kafka is asked, and before the registry is given a schema.
        self.events(&assembly)?;
        let topic_name = &assembly.pipeline().input.topic;
        let client = assembly.client();
        check_topics(&admin(&client)?, &client, &[("input", topic_name, "Write")])?;
        let producer = Producer::new(&client).map_err(running)?;
        let topic = producer.topic(topic_name).map_err(running)?;
        let stop = signals::stop_on_signal()?;
        assembly.register_input(&|| stop.load(Ordering::Relaxed)).map_err(running)?;
        let mut events = self.events(&assembly)?;
        let rate = self.rate.or(assembly.simulation().and_then(|simulation| simulation.rate));
        let limits = Limits { count: self.count, duration: self.seconds.map(|seconds| Duration::from_secs(seconds.into())), rate };
        let (progress, ended) = (Progress::default(), AtomicBool::new(false));
        let report = std::thread::scope(|scope| {
            scope.spawn(|| show(&progress, limits, &ended));
            let _end = EndOf(&ended);
            publish(&mut events, (&producer, &topic), limits, &stop, &progress, &|| u64::MAX)
        })
        .map_err(running)?;
        terminal::answer(&format!(
            "published {} events to {topic_name} in {:.1} s, {}",
            amount::grouped(report.published),
            report.elapsed.as_secs_f64(),
            amount::per_second(report.rate())
        ))?;
        match (report.failure, report.exhausted) {
            (Some(why), _) => Err(Failure::Running(format!("{} events were not delivered: {why}", amount::grouped(report.failed)))),
            (None, Some(why)) => Err(Failure::Running(why)),
            (None, None) => Ok(()),
        }
    }

    fn events(&self, assembly: &Assembly) -> Result<Events, Failure> {
        let encoder = assembly.event_encoder().map_err(running)?;
        let simulation = assembly.simulation().unwrap_or_default();
        let seed = self.seed.or(simulation.seed).unwrap_or(1);
        let options = EventOptions { key: self.keys.clone(), faults: self.faults, seed };
        match self.rows.as_ref().or(simulation.rows.as_ref()) {
            Some(path) => Events::of_rows(path, assembly.dataset(), encoder, &options),
            None => Events::invented(assembly.dataset(), encoder, &options),
        }
        .map_err(running)
    }
}

/// Ends the showing of progress, also where publishing unwinds.
struct EndOf<'a>(&'a AtomicBool);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Shows progress until `ended`: a bar on a terminal when the end is known, a line from time to time elsewhere.
fn show(progress: &Progress, limits: Limits, ended: &AtomicBool) {
    let started = Instant::now();
    if !terminal::is_terminal() {
        let mut told = (Instant::now(), 0);
        while !ended.load(Ordering::Relaxed) {
            std::thread::sleep(DRAW);
            if told.0.elapsed() >= TELL {
                let events = progress.events();
                let rate = (events - told.1) as f64 / told.0.elapsed().as_secs_f64();
                terminal::notice(&format!(
                    "{:4} s  published {}  {}",
                    started.elapsed().as_secs(),
                    amount::grouped(events),
                    amount::per_second(rate)
                ));
                told = (Instant::now(), events);
            }
        }
        return;
    }
    // A time limit is a length too: the bar then counts milliseconds.
    let (length, template) = match (limits.count, limits.duration) {
        (Some(count), _) => (Some(count), "{wide_bar} {human_pos} of {human_len} events, {msg}, {eta} left"),
        (None, Some(duration)) => (u64::try_from(duration.as_millis()).ok(), "{wide_bar} {msg}, {eta} left"),
        (None, None) => (None, "{spinner} {msg}"),
    };
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    while !ended.load(Ordering::Relaxed) {
        let (events, elapsed) = (progress.events(), started.elapsed());
        let rate = amount::per_second(events as f64 / elapsed.as_secs_f64().max(1e-3));
        match (limits.count, limits.duration) {
            (Some(_), _) => {
                bar.set_position(events);
                bar.set_message(rate);
            }
            (None, _) => {
                bar.set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).min(length.unwrap_or(u64::MAX)));
                bar.set_message(format!("{} events, {rate}", amount::grouped(events)));
            }
        }
        bar.tick();
        std::thread::sleep(DRAW);
    }
    bar.finish_and_clear();
}
