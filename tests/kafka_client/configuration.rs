//! Properties, topics, and the in-process broker.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use caz::kafka::{Admin, BareRecord, ClientProperties, Consumer, MessageBatch, MockBroker, PollLimits, Producer};

use crate::consuming::LIMITS;
use crate::support::{Bystander, PATIENCE, admin, create_topic_with, unique, wait_for};

/// A broker in this process, and the properties that lead to it.
fn mock() -> (MockBroker, ClientProperties) {
    let broker = MockBroker::start(1).unwrap();
    let address = broker.bootstrap_servers().expect("the broker tells its address");
    (broker, ClientProperties::new().with("bootstrap.servers", address))
}

#[test]
fn every_wrong_property_is_reported_at_once() {
    let properties = ClientProperties::new()
        .with("bootstrap.servers", "127.0.0.1:1")
        .with("session.timeout", "45000")
        .with("auto.offset.reset", "newest")
        .with("enable.auto.commit", "true")
        .with("fetch.wait.max.ms", "soon");
    let error = Consumer::new(&properties, "in").err().expect("refused");
    let mut lines = String::new();
    for problem in &error.problems {
        writeln!(lines, "{}: {}", problem.name, problem.message).unwrap();
    }
    assert_eq!(
        lines,
        r#"enable.auto.commit: is fixed to `false` because offsets are committed with the output they belong to; remove it
group.id: is required: the group whose offsets are read and committed
session.timeout: No such configuration property: "session.timeout"
auto.offset.reset: Invalid value "newest" for configuration property "auto.offset.reset"
fetch.wait.max.ms: Invalid value for configuration property "fetch.wait.max.ms"
"#
    );
}

#[test]
fn producers_and_administration_report_every_wrong_property_too() {
    let properties = ClientProperties::new().with("compression.type", "brotli").with("linger", "5").with("enable.idempotence", "false");
    let names = |error: caz::kafka::ConfigError| error.problems.into_iter().map(|problem| problem.name).collect::<Vec<_>>();
    let refused = Producer::new(&properties).err().expect("refused");
    assert_eq!(names(refused), ["enable.idempotence", "compression.type", "linger"]);
    let refused = Admin::new(&properties, PATIENCE).err().expect("refused");
    assert_eq!(names(refused), ["compression.type", "linger"]);
}

#[test]
fn contradictory_properties_are_reported() {
    let properties = ClientProperties::new().with("group.id", "g").with("session.timeout.ms", "9000").with("max.poll.interval.ms", "6000");
    let error = Consumer::new(&properties, "in").err().expect("refused");
    assert_eq!(error.to_string(), "`max.poll.interval.ms`must be >= `session.timeout.ms`");
}

/// caz's default is of `linger.ms`, which is the same property.
#[test]
fn what_the_user_says_stands_whichever_name_it_has() {
    let properties = ClientProperties::new().with("queue.buffering.max.ms", "5000").with("message.timeout.ms", "1000");
    let error = Producer::new(&properties).err().expect("refused");
    assert_eq!(error.to_string(), "`message.timeout.ms` must be greater than `linger.ms`");
}

/// Lines that `tracing` would write.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn secrets_show_nowhere() {
    const SECRET: &str = "hunter2-7c1f";
    let lines = Lines::default();
    let writer = lines.clone();
    // librdkafka logs from its own threads, so the subscriber is the process's. Only this test installs one.
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).init();

    let properties = ClientProperties::new()
        .with("bootstrap.servers", "127.0.0.1:1")
        .with("group.id", unique("group"))
        .with("security.protocol", "sasl_plaintext")
        .with("sasl.mechanism", "PLAIN")
        .with("sasl.username", "caz")
        .with("sasl.password", SECRET)
        .with("ssl.key.password", SECRET)
        .with("debug", "all");
    let consumer = Consumer::new(&properties, "in").expect("valid properties");
    consumer.subscribe().expect("a valid topic");
    let limits = PollLimits { max_messages: 1, wait: Duration::from_millis(50), linger: Duration::ZERO };
    // Whatever it says about the unreachable broker goes to the same log.
    let logged = || String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    wait_for("a log line of a failed connection", || {
        let _ = consumer.poll_batch(&mut MessageBatch::new(), limits, &mut Bystander);
        logged().contains("Connection refused").then_some(())
    });
    drop(consumer);

    let wrong = properties.clone().with("ssl.key.pem", SECRET).with("security.protocol", "ssl");
    let error = Producer::new(&wrong).err().expect("refused");
    for text in [format!("{properties:?}"), error.to_string(), format!("{error:?}"), logged()] {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn topics_are_created_and_described() {
    let topic = create_topic_with("described", 3, &[("max.message.bytes", "4096")]);
    let admin = admin();
    assert!(!admin.create_topic(&topic, 3, None, &[]).unwrap(), "it exists");
    let description = admin.describe_topic(&topic).unwrap().expect("it exists");
    assert_eq!((description.name.as_str(), description.partitions.as_slice()), (topic.as_str(), [0, 1, 2].as_slice()));
    assert_eq!(admin.max_message_bytes(&topic).unwrap(), Some(4096));
    assert_eq!(admin.topic_config(&topic, "cleanup.policy").unwrap().as_deref(), Some("delete"));

    let absent = unique("absent");
    assert_eq!(admin.describe_topic(&absent).unwrap(), None);
    assert_eq!(admin.topic_config(&absent, "cleanup.policy").unwrap(), None);
    let error = admin.create_topic(&unique("refused"), 1, None, &[("retention.mss", "1")]).unwrap_err();
    assert_eq!(error.code.name(), "INVALID_CONFIG");
}

/// The in-process broker creates the topics that it is asked for, as Apache Kafka does unless it is told otherwise.
#[test]
fn what_does_not_exist_is_not_created_by_asking_for_it() {
    let (_broker, properties) = mock();
    let producer = Producer::new(&properties.clone().with("topic.metadata.propagation.max.ms", "500")).unwrap();
    let topic = producer.topic("absent").unwrap();
    producer.produce_batch(&topic, &[BareRecord { partition: None, key: None, value: Some(b"lost"), tag: 0 }], Duration::ZERO).unwrap();
    wait_for("the record has nowhere to go", || {
        let _ = producer.flush(Duration::from_millis(100));
        (!producer.take_failures().is_empty()).then_some(())
    });
    let admin = Admin::new(&properties, Duration::from_secs(10)).unwrap();
    let consumer = Consumer::new(&properties.clone().with("group.id", "g"), "absent").unwrap();
    for _ in 0..2 {
        consumer.check_reach(&properties).unwrap();
        assert_eq!(admin.describe_topic("absent").unwrap(), None);
    }
}

#[test]
fn the_in_process_broker_serves_a_group() {
    let (broker, properties) = mock();
    broker.create_topic("in", 4).unwrap();
    let producer = Producer::new(&properties).unwrap();
    let handle = producer.topic("in").unwrap();
    let records = [BareRecord { value: Some(b"x"), ..BareRecord::default() }; 100];
    producer.produce_batch(&handle, &records, PATIENCE).unwrap();
    producer.flush(PATIENCE).unwrap();

    let consumer = Consumer::new(&properties.with("group.id", "demo"), "in").unwrap();
    consumer.subscribe().unwrap();
    let mut batch = MessageBatch::new();
    let limits = PollLimits { max_messages: 1000, wait: Duration::from_millis(100), linger: Duration::ZERO };
    let mut count = 0;
    wait_for("all records", || {
        consumer.poll_batch(&mut batch, limits, &mut Bystander).unwrap();
        count += batch.len();
        (count == records.len()).then_some(())
    });
}

#[test]
fn a_client_is_cut_off_where_a_new_client_is_let_in() {
    let (broker, properties) = mock();
    broker.create_topic("in", 1).unwrap();
    let there = properties.clone().with("group.id", "g");
    let nowhere = there.clone().with("bootstrap.servers", "127.0.0.1:1");
    let consumer = Consumer::new(&nowhere, "in").unwrap();
    consumer.check_reach(&nowhere).expect("an outage cuts nobody off");
    let error = consumer.check_reach(&there).unwrap_err();
    assert!(error.to_string().contains("this client has no broker to ask, and one answers a new client"), "{error}");
    let producer = Producer::new(&properties.clone().with("bootstrap.servers", "127.0.0.1:1")).unwrap();
    assert!(producer.check_reach(&nowhere).is_ok() && producer.check_reach(&properties).is_err());
    Producer::new(&properties).unwrap().check_reach(&properties).expect("it reaches the broker");
    // A broker answers in turn: behind a fetch that waits for events, which takes longer than the look.
    let slow = there.with("fetch.wait.max.ms", "5000");
    let consumer = Consumer::new(&slow, "in").unwrap();
    consumer.check_reach(&slow).expect("it reaches the broker");
    consumer.subscribe().unwrap();
    let mut batch = MessageBatch::new();
    wait_for("an assignment", || {
        consumer.poll_batch(&mut batch, LIMITS, &mut Bystander).unwrap();
        (!consumer.assignment().is_empty()).then_some(())
    });
    (0..3).for_each(|_| consumer.check_reach(&slow).expect("it only waits"));
}

#[test]
fn leaving_a_dead_broker_behind_is_bounded() {
    let (broker, properties) = mock();
    broker.create_topic("in", 1).unwrap();
    let properties = properties.with("group.id", "g");
    let consumer = Consumer::new(&properties, "in").unwrap();
    consumer.subscribe().unwrap();
    let limits = PollLimits { max_messages: 1, wait: Duration::from_millis(50), linger: Duration::ZERO };
    wait_for("the assignment", || {
        consumer.poll_batch(&mut MessageBatch::new(), limits, &mut Bystander).unwrap();
        (!consumer.assignment().is_empty()).then_some(())
    });
    drop(broker);
    let started = Instant::now();
    // Whether the group let go or the time was over, it ends.
    let _ = consumer.close(&mut Bystander, Duration::from_secs(1));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
