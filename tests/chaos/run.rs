//! One run: events at a steady pace, faults, recovery, judgement.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use caz::kafka::{BareRecord, Producer};

use super::observer::{Observer, Topics};
use super::oracle::{Event, Expected, Guarantee, Place, judge, miscounted};
use crate::support::car_insurance::{Caz, Example, avro_events, expected_scores};
use crate::support::{PATIENCE, properties, read_committed};

pub(crate) const PARTITIONS: i32 = 4;
/// Events a second. Enough for many transactions; little enough for a debug build beside other tests.
const RATE: u64 = 1_500;
/// Of how many keys there are events.
const KEYS: usize = 97;
/// One in so many events is poison.
const POISON: usize = 211;
/// How soon after the last fault the last event must be scored.
const RECOVERY: Duration = Duration::from_secs(45);
/// The most memory that a scorer may take, MiB (a debug build).
const MEMORY_MIB: u64 = 400;

/// Pseudo-random numbers (splitmix64): a seed is a run's faults.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of `from..to`.
    pub(crate) fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from)
    }

    pub(crate) fn pause(&mut self, from_ms: u64, to_ms: u64) {
        std::thread::sleep(Duration::from_millis(self.within(from_ms, to_ms)));
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.next()).unwrap_or(0) % of.len()]
    }
}

/// The value of the n-th event that is published.
type Make = dyn Fn(usize) -> Vec<u8> + Send + Sync;
/// What must become of an event of this value.
type Expect = dyn Fn(&[u8]) -> Expected;

/// What a row runs on.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) guarantee: Guarantee,
    pub(crate) rounds: u64,
    /// Texts of the pipeline file and what stands in their place.
    pub(crate) settings: Vec<(String, String)>,
    /// Properties of the output topic.
    pub(crate) output: &'static [(&'static str, &'static str)],
    pub(crate) make: Arc<Make>,
    pub(crate) expect: Box<Expect>,
    /// A bug that the scorers have on purpose: the run must then find violations.
    pub(crate) bug: Option<&'static str>,
}

impl Scenario {
    pub(crate) fn new(name: &'static str, guarantee: Guarantee, rounds: u64, settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        Self { name, guarantee, rounds, settings, output: &[], make: with_poison(POISON, cut), expect: known_rows(), bug: None }
    }

    pub(crate) fn with(mut self, from: &str, to: &str) -> Self {
        self.settings.push((from.to_owned(), to.to_owned()));
        self
    }

    pub(crate) fn bug(self, bug: &'static str) -> Self {
        Self { bug: Some(bug), ..self }
    }
}

/// The example's rows in order, one in `every` of them spoiled.
pub(crate) fn with_poison(every: usize, spoil: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Arc<Make> {
    let rows = avro_events();
    Arc::new(move |number| {
        let row = &rows[number % rows.len()];
        if number % every == 7 { spoil(row) } else { row.clone() }
    })
}

fn cut(row: &[u8]) -> Vec<u8> {
    row[..row.len() - 1].to_vec()
}

/// The score of a row of the example; a dead letter of anything else.
pub(crate) fn known_rows() -> Box<Expect> {
    let rows: BTreeMap<Vec<u8>, usize> = avro_events().into_iter().zip(0..).collect();
    let scores = expected_scores();
    Box::new(move |value| rows.get(value).map_or(Expected::DeadLetter, |row| Expected::Score(scores[*row].0, scores[*row].1)))
}

/// A row while it runs.
pub(crate) struct Run {
    pub(crate) scenario: Scenario,
    pub(crate) seed: u64,
    pub(crate) rounds: u64,
    pub(crate) random: Random,
    pub(crate) example: Example,
    pub(crate) faults: u64,
    instances: Vec<Caz>,
    started: Instant,
    memory_mib: u64,
    /// How many scorers ended by themselves and were replaced.
    restarts: u64,
    /// Events that the scorers' metrics counted as scored, dead letters and skipped.
    counted: [u64; 3],
    /// Whether every scorer told its last counts.
    told_all: bool,
}

/// A setting of the run from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}

impl Run {
    /// Runs a row: `faults` does its harm while events flow; then everything must be accounted for.
    pub(crate) fn row(name: &'static str, guarantee: Guarantee, rounds: u64, settings: &[(&str, &str)], faults: impl FnOnce(&mut Self)) {
        Self::of(Scenario::new(name, guarantee, rounds, settings), faults);
    }

    /// [`Run::row`] on a scenario of its own.
    pub(crate) fn of(scenario: Scenario, faults: impl FnOnce(&mut Self)) {
        let seed = setting("CAZ_CHAOS_SEED", u64::from(std::process::id()));
        let rounds = setting("CAZ_CHAOS_ROUNDS", scenario.rounds);
        let (name, guarantee) = (scenario.name, scenario.guarantee.name());
        eprintln!("to repeat: make chaos ROW={name}_{guarantee} SEED={seed} ROUNDS={rounds}");
        let guaranteed = format!("guarantee: {guarantee}");
        let common = [
            ("guarantee: exactly_once", guaranteed.as_str()),
            ("max_batch: 1024", "max_batch: 64"),
            ("commit_interval: 100ms", "commit_interval: 20ms\n  transaction_timeout: 3s"),
            ("kafka:\n", "kafka:\n  session.timeout.ms: 6000\n  heartbeat.interval.ms: 500\n"),
        ];
        let own: Vec<(&str, &str)> = scenario.settings.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        let example = Example::with_output(PARTITIONS, scenario.output, &[common.as_slice(), &own].concat());
        let mut run = Self {
            scenario,
            seed,
            rounds,
            random: Random(seed),
            example,
            faults: 0,
            instances: Vec::new(),
            started: Instant::now(),
            memory_mib: 0,
            restarts: 0,
            counted: [0; 3],
            told_all: true,
        };
        run.go(faults);
    }

    fn go(&mut self, faults: impl FnOnce(&mut Self)) {
        let topics = Topics {
            input: self.example.input.clone(),
            output: self.example.output.clone(),
            dead_letters: self.example.dead_letters.clone(),
            group: self.example.group.clone(),
        };
        let observer = Observer::start(topics, self.scenario.guarantee);
        let publisher = Publisher::start(self.example.input.clone(), Arc::clone(&self.scenario.make));
        faults(self);
        let calm = Instant::now();
        let published = publisher.finish();
        if self.instances.is_empty() {
            self.start();
        }
        let committed = i64::try_from(published).expect("few events");
        self.wait_for_committed(committed);
        let recovered = calm.elapsed();
        self.remember_memory();
        while !self.instances.is_empty() {
            let caz = self.instances.remove(0);
            self.terminate(caz);
        }
        let watch = observer.finish();
        let mut violations = watch.violations;
        let events = self.events();
        let (scores, dead) = (read_committed(&self.example.output), read_committed(&self.example.dead_letters));
        violations.extend(judge(&events, &scores, &dead, self.scenario.guarantee));
        violations.extend(
            watch.seen.iter().filter(|place| !events.contains_key(place)).map(|place| format!("{place:?} was seen, and is no event")),
        );
        if events.len() as u64 != published {
            violations.push(format!("{published} events were acknowledged, {} are in the topic", events.len()));
        }
        if recovered > RECOVERY {
            violations.push(format!("the last event was scored {recovered:?} after the last fault"));
        }
        if self.memory_mib > MEMORY_MIB {
            violations.push(format!("a scorer took {} MiB", self.memory_mib));
        }
        violations.extend(miscounted(&events, self.counted, self.told_all));
        violations.extend(self.audit());
        self.report(events.len(), scores.len() + dead.len(), recovered, watch.looks, violations.len());
        if let Some(bug) = self.scenario.bug {
            assert!(!violations.is_empty(), "`{bug}` was not found, seed {}", self.seed);
            eprintln!("`{bug}` was found, {} violations:\n{}", violations.len(), head(&violations, 3));
            return;
        }
        assert!(violations.is_empty(), "{} violations, seed {}:\n{}", violations.len(), self.seed, head(&violations, 20));
    }

    /// `caz audit` must agree with the oracle: no hung transaction, and clean if exactly once was promised.
    fn audit(&self) -> Vec<String> {
        let output = self.example.command(&["audit", "FILE", "--json"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let hung = report["ends"].as_array().is_none_or(|ends| ends.iter().any(|end| end["hung"] != 0));
        let clean = self.scenario.guarantee == Guarantee::AtLeastOnce || output.status.success();
        if hung || !clean { vec![format!("caz audit: {report:#}{}", String::from_utf8_lossy(&output.stderr))] } else { Vec::new() }
    }

    /// Starts a scorer.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts a scorer with these environment variables.
    pub(crate) fn start_with(&mut self, environment: &[(&str, &str)]) {
        let bug = self.scenario.bug.map(|bug| ("CAZ_BUG", bug));
        let environment: Vec<(&str, &str)> = environment.iter().copied().chain(bug).collect();
        self.instances.push(self.example.start_with(&environment));
    }

    /// Takes the scorer that has run longest.
    pub(crate) fn take_oldest(&mut self) -> Caz {
        self.remember_memory();
        self.faults += 1;
        self.instances.remove(0)
    }

    /// Kills a scorer; what it counted until just before is remembered.
    pub(crate) fn kill(&mut self, caz: Caz) {
        self.told_all = false;
        self.count(caz.counted().unwrap_or_default());
        caz.kill();
    }

    /// Ends a scorer with SIGTERM.
    pub(crate) fn terminate(&mut self, caz: Caz) {
        let counted = caz.terminate_counted();
        self.count(counted);
    }

    fn count(&mut self, counted: [u64; 3]) {
        self.counted.iter_mut().zip(counted).for_each(|(sum, more)| *sum += more);
    }

    /// Tells that the row's faults end scorers before they can say what they counted.
    pub(crate) fn counts_are_lost(&mut self) {
        self.told_all = false;
    }

    /// Whether the scorer that has run longest says that it is ready; `None` while it does not answer.
    pub(crate) fn is_ready(&self) -> Option<bool> {
        let (status, _) = self.instances.first()?.get("/readyz")?;
        Some(status == 200)
    }

    /// Whether the scorer that has run longest says that partitions wait for a schema.
    pub(crate) fn is_holding(&self) -> bool {
        self.instances.first().is_some_and(|caz| caz.log().contains("partitions stand still"))
    }

    /// Puts a scorer back that was taken.
    pub(crate) fn put_back(&mut self, caz: Caz) {
        self.instances.push(caz);
    }

    /// Replaces scorers that have ended by themselves, as a supervisor would.
    pub(crate) fn restart_ended(&mut self) {
        for index in (0..self.instances.len()).rev() {
            if !self.instances[index].is_running() {
                drop(self.instances.remove(index));
                self.told_all = false;
                self.restarts += 1;
                self.start();
            }
        }
    }

    /// Waits until a scorer has ended by itself and was replaced.
    pub(crate) fn wait_for_restart(&mut self) {
        let (before, deadline) = (self.restarts, Instant::now() + PATIENCE);
        while self.restarts == before {
            assert!(Instant::now() < deadline, "{}: no scorer ended; the log ends:\n{}", self.scenario.name, self.tail());
            std::thread::sleep(Duration::from_millis(20));
            self.restart_ended();
        }
    }

    /// Gives the lines of the pipeline file that begin so (after their indentation) another text, for scorers started later.
    pub(crate) fn reconfigure(&self, lines: &[(&str, &str)]) {
        let text = std::fs::read_to_string(&self.example.file).expect("the pipeline");
        let changed = text.lines().map(|line| {
            let at = line.len() - line.trim_start().len();
            let new = lines.iter().find(|(start, _)| line[at..].starts_with(start));
            new.map_or_else(|| line.to_owned(), |(_, new)| format!("{}{new}", &line[..at]))
        });
        std::fs::write(&self.example.file, changed.collect::<Vec<_>>().join("\n")).expect("the pipeline");
    }

    /// Waits until so many more events are committed than now, restarting what ends meanwhile.
    pub(crate) fn progress(&mut self, events: i64) {
        self.wait_for_committed(self.example.committed() + events);
    }

    fn wait_for_committed(&mut self, goal: i64) {
        let deadline = Instant::now() + 2 * PATIENCE;
        loop {
            self.restart_ended();
            let committed = self.example.committed();
            if committed >= goal {
                return;
            }
            let name = self.scenario.name;
            assert!(Instant::now() < deadline, "{name}: {committed} of {goal} events are committed; the logs end:\n{}", self.tail());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn remember_memory(&mut self) {
        self.memory_mib = self.instances.iter().filter_map(Caz::peak_memory_mib).fold(self.memory_mib, u64::max);
    }

    /// The ends of the running scorers' logs, for messages.
    fn tail(&self) -> String {
        let tail = |caz: &Caz| caz.log().lines().rev().take(15).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
        self.instances.iter().map(tail).collect::<Vec<_>>().join("\n\n")
    }

    /// What the input topic holds, and what must become of it.
    fn events(&self) -> BTreeMap<Place, Event> {
        let event = |record: crate::support::Stored| {
            let expected = (self.scenario.expect)(record.value.as_deref().unwrap_or_default());
            ((record.partition, record.offset), Event { key: record.key.unwrap_or_default(), expected })
        };
        read_committed(&self.example.input).into_iter().map(event).collect()
    }

    fn report(&self, events: usize, records: usize, recovered: Duration, looks: u64, violations: usize) {
        let Self { scenario: Scenario { name, guarantee, .. }, seed, rounds, faults, restarts, memory_mib, .. } = self;
        let line = format!(
            "| {name} | {} | {seed} | {rounds} | {faults} | {restarts} | {events} | {records} | {looks} | {:.1} s | {memory_mib} MiB | {:.0} s | {violations} |",
            guarantee.name().replace('_', " "),
            recovered.as_secs_f64(),
            self.started.elapsed().as_secs_f64(),
        );
        eprintln!("{line}");
        if let Some(path) = std::env::var_os("CAZ_CHAOS_REPORT") {
            use std::io::Write as _;
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("the report");
            writeln!(file, "{line}").expect("the report");
        }
    }
}

fn head(violations: &[String], most: usize) -> String {
    violations.iter().take(most).map(|violation| format!("  {violation}\n")).collect()
}

/// Publishes events in order, by key, at a steady pace.
struct Publisher {
    stop: Arc<AtomicBool>,
    published: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Publisher {
    fn start(topic: String, make: Arc<Make>) -> Self {
        let (stop, published) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (told, count) = (Arc::clone(&stop), Arc::clone(&published));
        let thread = std::thread::spawn(move || {
            // A broker may be away longer than librdkafka's patience with a message. One request at a time: every record is either known to
            // be there or known to have failed.
            let patient = properties().with("message.timeout.ms", "120000").with("max.in.flight.requests.per.connection", "1");
            let producer = Producer::new(&patient).expect("valid properties");
            let topic = producer.topic(&topic).expect("a valid name");
            let started = Instant::now();
            let mut next = 0_usize;
            while !told.load(Ordering::Relaxed) {
                let due = usize::try_from(started.elapsed().as_millis()).unwrap_or(0) * usize::try_from(RATE).unwrap_or(0) / 1000;
                while next < due {
                    let (value, key) = (make(next), format!("key-{}", next % KEYS));
                    let record = BareRecord { partition: None, key: Some(key.as_bytes()), value: Some(&value), tag: 0 };
                    producer.produce_batch(&topic, &[record], PATIENCE).expect("the queue drains");
                    next += 1;
                }
                producer.poll().expect("a live producer");
                std::thread::sleep(Duration::from_millis(5));
            }
            producer.flush(PATIENCE).expect("the brokers are back");
            assert_eq!(producer.take_failures(), [], "every event is acknowledged");
            count.store(next as u64, Ordering::Relaxed);
        });
        Self { stop, published, thread }
    }

    /// Stops it; answers how many events the brokers acknowledged.
    fn finish(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the publisher");
        self.published.load(Ordering::Relaxed)
    }
}
