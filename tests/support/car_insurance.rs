//! The car-insurance example as its users meet it: events, pipeline file, process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use caz::kafka::{BareRecord, Producer};
use tempfile::TempDir;

use super::command::example;
use super::{PATIENCE, bootstrap, create_topic, create_topic_with, properties, unique, wait_for};

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The dataset's rows as the datums that any Avro producer would write.
pub fn avro_events() -> Vec<Vec<u8>> {
    let schema = std::fs::read_to_string(root().join("schemas/car-insurance.avsc")).expect("the schema");
    let schema = apache_avro::Schema::parse_str(&schema).expect("an Avro schema");
    let writer = GenericDatumWriter::builder(&schema).build().expect("a writer");
    let mut reader = csv::Reader::from_path(root().join("datasets/car-insurance.csv")).expect("the dataset");
    let names: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let datum = |record: csv::StringRecord| {
        let fields = names.iter().zip(record.iter()).map(|(name, text)| (name.clone(), value(name, text))).collect();
        writer.write_value_to_vec(Value::Record(fields)).expect("a row of the schema")
    };
    reader.records().map(|record| datum(record.expect("a row"))).collect()
}

/// The datum of row `row` with another value of one field.
pub fn changed_event(row: usize, field: &str, value: Value) -> Vec<u8> {
    let schema = std::fs::read_to_string(root().join("schemas/car-insurance.avsc")).expect("the schema");
    let schema = apache_avro::Schema::parse_str(&schema).expect("an Avro schema");
    let datum = &avro_events()[row];
    let reader = GenericDatumReader::builder(&schema).build().expect("a reader");
    let Value::Record(mut fields) = reader.read_value(&mut datum.as_slice()).expect("a datum") else { panic!("not a record") };
    fields.iter_mut().filter(|(name, _)| name == field).for_each(|(_, of)| *of = value.clone());
    GenericDatumWriter::builder(&schema).build().expect("a writer").write_value_to_vec(Value::Record(fields)).expect("a datum")
}

fn value(name: &str, text: &str) -> Value {
    let nullable = |value: Option<Value>| match value {
        None => Value::Union(0, Box::new(Value::Null)),
        Some(value) => Value::Union(1, Box::new(value)),
    };
    match name {
        "ecid" => Value::String(text.to_owned()),
        "pricequote" => Value::Double(text.parse().expect("a number")),
        "timestamp" => Value::TimestampMillis(chrono::DateTime::parse_from_rfc3339(text).expect("a time").timestamp_millis()),
        "km" | "age" | "purchase" => nullable((!text.is_empty()).then(|| Value::Int(text.parse().expect("an integer")))),
        _ => nullable((!text.is_empty()).then(|| Value::String(text.to_owned()))),
    }
}

/// What scikit-learn answers for each row: label and probability of class 1 by the forest.
pub fn expected_scores() -> Vec<(i64, f64)> {
    let mut reader = csv::Reader::from_path(root().join("models/car-insurance/expected.csv")).expect("the expected scores");
    let row = |record: csv::StringRecord| (record[2].parse().expect("a label"), record[4].parse().expect("a probability"));
    reader.records().map(|record| row(record.expect("a row"))).collect()
}

/// The example with topics of its own.
pub struct Example {
    pub input: String,
    pub output: String,
    pub dead_letters: String,
    pub group: String,
    /// The pipeline file.
    pub file: PathBuf,
    _folder: TempDir,
}

impl Example {
    /// The example's pipeline with topics of `partitions`, and these texts of the file replaced.
    pub fn new(partitions: i32, replacements: &[(&str, &str)]) -> Self {
        Self::with_output(partitions, &[], replacements)
    }

    /// [`Example::new`] with properties of the output topic.
    pub fn with_output(partitions: i32, output: &[(&str, &str)], replacements: &[(&str, &str)]) -> Self {
        let (input, output) = (create_topic("input", partitions), create_topic_with("output", partitions, output));
        let (dead_letters, group) = (create_topic("dead-letters", 1), unique("group"));
        let mut text = example(&[]);
        let mut replace = |from: &str, to: &str| {
            assert!(text.contains(from), "the pipeline file has no `{from}`");
            text = text.replace(from, to);
        };
        replace("topic: car-insurance-events", &format!("topic: {input}"));
        replace("topic: car-insurance-scores", &format!("topic: {output}"));
        replace("topic: car-insurance-dead-letters", &format!("topic: {dead_letters}"));
        replace("group: caz-car-insurance", &format!("group: {group}"));
        replacements.iter().for_each(|(from, to)| replace(from, to));
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("pipeline.yaml");
        std::fs::write(&file, text).expect("a writable folder");
        Self { input, output, dead_letters, group, file, _folder: folder }
    }

    /// Publishes events in order, spread over the partitions; the key is the event's number.
    pub fn publish(&self, partitions: i32, events: &[Option<Vec<u8>>]) {
        self.publish_from(0, partitions, events);
    }

    /// As [`Example::publish`], with keys from `first` on.
    pub fn publish_from(&self, first: usize, partitions: i32, events: &[Option<Vec<u8>>]) {
        let producer = Producer::new(&properties()).expect("valid properties");
        let topic = producer.topic(&self.input).expect("a valid name");
        let keys: Vec<String> = (first..first + events.len()).map(|number| number.to_string()).collect();
        let records: Vec<BareRecord<'_>> = (0..partitions)
            .cycle()
            .zip(keys.iter().zip(events))
            .map(|(partition, (key, value))| BareRecord {
                partition: Some(partition),
                key: Some(key.as_bytes()),
                value: value.as_deref(),
                tag: 0,
            })
            .collect();
        for chunk in records.chunks(1000) {
            producer.produce_batch(&topic, chunk, PATIENCE).expect("the queue drains");
        }
        producer.flush(PATIENCE).expect("the broker takes everything");
    }

    /// Starts `caz run` on it.
    pub fn start(&self) -> Caz {
        self.start_with(&[])
    }

    /// Starts it with these environment variables.
    pub fn start_with(&self, environment: &[(&str, &str)]) -> Caz {
        let log = self.file.with_file_name(unique("log"));
        let file = std::fs::File::create(&log).expect("a log file");
        let child = Command::new(env!("CARGO_BIN_EXE_caz"))
            .arg("run")
            .arg(&self.file)
            .env("CAZ_BOOTSTRAP", bootstrap())
            .env("CAZ_HTTP_ADDRESS", "127.0.0.1:0")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("the binary");
        Caz { child, log }
    }

    /// How many of the input's events the group has committed.
    pub fn committed(&self) -> i64 {
        use rdkafka::consumer::{BaseConsumer, Consumer as _};
        let consumer: BaseConsumer = rdkafka::config::ClientConfig::new()
            .set("bootstrap.servers", bootstrap())
            .set("group.id", &self.group)
            // What is committed now: some transaction of a busy group is always open.
            .set("isolation.level", "read_uncommitted")
            .create()
            .expect("valid properties");
        let metadata = consumer.fetch_metadata(Some(&self.input), PATIENCE).expect("the broker answers");
        let mut asked = rdkafka::TopicPartitionList::new();
        metadata.topics()[0].partitions().iter().for_each(|partition| {
            asked.add_partition(&self.input, partition.id());
        });
        // A broker that has just started may not coordinate the group yet.
        wait_for("committed offsets", || {
            let committed = consumer.committed_offsets(asked.clone(), PATIENCE).ok()?;
            Some(committed.elements().iter().map(|element| element.offset().to_raw().unwrap_or(0).max(0)).sum())
        })
    }

    /// Runs `caz` with these arguments to its end; the pipeline file takes the place of `FILE`.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let arguments = arguments.iter().map(|argument| if *argument == "FILE" { self.file.as_os_str() } else { argument.as_ref() });
        let mut command = Command::new(env!("CARGO_BIN_EXE_caz"));
        command.args(arguments).env("CAZ_BOOTSTRAP", bootstrap()).stdin(Stdio::null()).output().expect("caz runs")
    }

    /// Waits until the group has committed so many of the input's events.
    pub fn wait_for_committed(&self, caz: &mut Caz, events: i64) {
        wait_for(&format!("{events} events committed"), || {
            caz.assert_running();
            std::thread::sleep(Duration::from_millis(20));
            (self.committed() >= events).then_some(())
        });
    }
}

/// A running `caz`; killed when the test forgets it.
pub struct Caz {
    child: Child,
    log: PathBuf,
}

impl Caz {
    /// Everything it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Where it serves its metrics and its health; `None` before it does.
    pub fn address(&self) -> Option<String> {
        let log = self.log();
        let line = log.lines().find(|line| line.contains("serving /metrics"))?;
        let port: String = line.split("127.0.0.1:").nth(1)?.chars().take_while(char::is_ascii_digit).collect();
        Some(format!("127.0.0.1:{port}"))
    }

    /// What it answers to a GET request: the status and the body.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(self.address()?).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: caz\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// The events that its metrics count as scored, dead letters and skipped; `None` when it does not answer.
    pub fn counted(&self) -> Option<[u64; 3]> {
        let (_, text) = self.get("/metrics")?;
        Some(["scored", "dead_letter", "skipped"].map(|outcome| {
            let series = text.lines().filter(|line| line.starts_with("caz_events_total{") && line.contains(&format!("\"{outcome}\"")));
            series.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
        }))
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().expect("a child") {
            panic!("caz ended early with {status}:\n{}", self.log());
        }
    }

    /// The most memory that it has taken so far, MiB; `None` when it has ended.
    pub fn peak_memory_mib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
    }

    /// Sends it a signal by name, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().expect("kill");
        assert!(sent.success());
    }

    /// Kills it as a crash would.
    pub fn kill(mut self) {
        self.child.kill().expect("a running process");
        self.child.wait().expect("a child");
    }

    /// Waits until it has ended by itself, which it must not do with success.
    pub fn wait_for_crash(mut self) {
        let status = wait_for("caz crashes", || {
            std::thread::sleep(Duration::from_millis(5));
            self.child.try_wait().expect("a child")
        });
        assert!(!status.success(), "caz ended with {status}:\n{}", self.log());
    }

    /// Waits until it has ended by itself, as a failure, and answers with its log.
    pub fn wait_for_failure(mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(Instant::now() < deadline, "caz does not fail:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(status.code(), Some(1), "caz ended with {status}:\n{}", self.log());
        self.log()
    }

    /// Sends SIGTERM, upon which it must end with success; answers after how long.
    pub fn terminate(self) -> Duration {
        let started = Instant::now();
        self.terminate_counted();
        started.elapsed()
    }

    /// As [`Caz::terminate`]; answers with the events that it says it has counted as scored, dead letters and skipped.
    pub fn terminate_counted(mut self) -> [u64; 3] {
        self.signal("TERM");
        let status: ExitStatus = wait_for("caz ends", || {
            std::thread::sleep(Duration::from_millis(5));
            self.child.try_wait().expect("a child")
        });
        assert!(status.success(), "caz ended with {status}:\n{}", self.log());
        let log = self.log();
        // A process that is told to stop before it serves has counted nothing.
        let line = log.lines().rfind(|line| line.contains("so many events were counted")).unwrap_or_default();
        ["scored=", "dead_letters=", "skipped="].map(|field| {
            let digits = line.split(field).nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
            digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
        })
    }
}

impl Drop for Caz {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
