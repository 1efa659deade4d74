//! The main job against a real broker: events in, scores out, exactly once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use caz::kafka::{Admin, BareRecord, ClientProperties, Consumer, Producer};
use caz::stream::{Assembly, Pool};
use caz::telemetry::Health;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use support::car_insurance::{Caz, Example, avro_events, expected_scores};
use support::{PATIENCE, Stored, admin, delete_topic, make_topic_anew, properties, read_committed, unique, wait_for};

/// Scores by the event's number, which is the record's key; each must be there once.
fn scores_by_event(records: &[Stored]) -> BTreeMap<usize, serde_json::Value> {
    let mut scores = BTreeMap::new();
    for record in records {
        let event = std::str::from_utf8(record.key.as_deref().unwrap()).unwrap().parse().unwrap();
        let score = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        assert!(scores.insert(event, score).is_none(), "event {event} has two scores");
    }
    scores
}

/// Every source offset of `events` events in `partitions` is named by exactly one record.
fn assert_each_offset_once(records: &[Stored], partitions: usize, events: usize) {
    let mut seen: Vec<(i32, i64)> = records
        .iter()
        .map(|record| {
            let source = record.source().unwrap();
            (source.partition, source.offset)
        })
        .collect();
    seen.sort_unstable();
    let mut all: Vec<(i32, i64)> =
        (0..events).map(|event| (i32::try_from(event % partitions).unwrap(), i64::try_from(event / partitions).unwrap())).collect();
    all.sort_unstable();
    assert_eq!(seen.len(), all.len(), "records and events");
    assert_eq!(seen, all);
}

fn assert_scores_are_those_of_training(records: &[Stored]) {
    let scores = scores_by_event(records);
    let expected = expected_scores();
    assert_eq!(scores.len(), expected.len());
    for (event, (label, probability)) in expected.into_iter().enumerate() {
        let score = &scores[&event];
        assert_eq!(score["purchase_predicted"].as_i64(), Some(label), "event {event}");
        let difference = score["probability_yes"].as_f64().unwrap() - probability;
        assert!(difference.abs() <= 1e-5, "event {event}: {score}, expected {probability}");
    }
}

#[test]
fn every_score_is_that_of_the_training_side() {
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().map(Some).collect();
    let example = Example::new(3, &[]);
    example.publish(3, &events);
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 5_000);
    let took = caz.terminate();
    assert!(took < Duration::from_secs(10), "ended after {took:?}");
    let records = read_committed(&example.output);
    assert_scores_are_those_of_training(&records);
    assert_each_offset_once(&records, 3, 5_000);
    let told: Vec<&str> = records[0].header("caz.score").unwrap().split(' ').collect();
    assert!(told[0].starts_with(&format!("{}/", example.input)), "{told:?}");
    assert_eq!(told[1..].iter().map(|digest| digest.len()).collect::<Vec<_>>(), [16, 16]);
    assert!(read_committed(&example.dead_letters).is_empty());
}

#[test]
fn three_workers_give_the_same_scores() {
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().map(Some).collect();
    let example = Example::new(6, &[("workers: 1", "workers: 3")]);
    example.publish(6, &events);
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 5_000);
    caz.terminate();
    let records = read_committed(&example.output);
    assert_scores_are_those_of_training(&records);
    assert_each_offset_once(&records, 6, 5_000);
}

#[test]
fn poison_goes_to_the_dead_letters_and_hurts_nobody() {
    let good = avro_events();
    let mut events: Vec<Option<Vec<u8>>> = Vec::new();
    let mut poison: BTreeMap<usize, &str> = BTreeMap::new();
    for (row, datum) in good.iter().enumerate() {
        if row % 250 == 100 {
            let (bad, reason) = match row / 250 % 5 {
                0 => (None, "tombstone"),
                1 => (Some(Vec::new()), "empty"),
                2 => (Some(datum[..datum.len() - 3].to_vec()), "truncated"),
                3 => (Some([datum.as_slice(), b"more"].concat()), "trailing_bytes"),
                // The first field is a string of 38 bytes: its first byte becomes one that UTF-8 does not have.
                _ => (Some([&datum[..1], &[0xFF], &datum[2..]].concat()), "invalid_utf8"),
            };
            poison.insert(events.len(), reason);
            events.push(bad);
        }
        events.push(Some(datum.clone()));
    }
    assert_eq!(poison.len(), 20);
    let example = Example::new(3, &[]);
    example.publish(3, &events);
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 5_020);
    caz.terminate();

    let scores = read_committed(&example.output);
    assert_eq!(scores.len(), 5_000);
    let dead = read_committed(&example.dead_letters);
    assert_eq!(dead.len(), 20);
    for letter in &dead {
        let event: usize = std::str::from_utf8(letter.key.as_deref().unwrap()).unwrap().parse().unwrap();
        assert_eq!(letter.header("caz.error.reason"), Some(poison[&event]), "event {event}");
        assert_eq!(letter.header("caz.error.phase"), Some("decode"));
        assert_eq!(letter.value, events[event], "the original bytes");
    }
    let both: Vec<Stored> = scores.into_iter().chain(dead).collect();
    assert_each_offset_once(&both, 3, 5_020);
}

#[test]
fn a_kill_in_the_middle_loses_and_doubles_nothing() {
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().cycle().take(40_000).map(Some).collect();
    // Small batches and commits make many transactions to be killed in; the short session lets the successor start soon.
    let example = Example::new(
        3,
        &[
            ("max_batch: 1024", "max_batch: 64"),
            ("commit_interval: 100ms", "commit_interval: 20ms\n  instance: killed"),
            ("kafka:\n", "kafka:\n  session.timeout.ms: 6000\n"),
        ],
    );
    example.publish(3, &events);
    for _ in 0..3 {
        let next = (example.committed() + 1_000).min(40_000);
        let mut caz = example.start();
        example.wait_for_committed(&mut caz, next);
        caz.kill();
    }
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 40_000);
    caz.terminate();
    assert_each_offset_once(&read_committed(&example.output), 3, 40_000);
}

/// Crashes at the third passing of a point, then a successor finishes: answers the scores, in the order of their source offsets.
fn scores_after_a_crash_at(point: &str, guarantee: &str) -> Vec<Stored> {
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().map(Some).collect();
    let example = Example::new(
        3,
        &[
            ("guarantee: exactly_once", &format!("guarantee: {guarantee}")),
            ("max_batch: 1024", "max_batch: 64"),
            ("commit_interval: 100ms", "commit_interval: 20ms\n  instance: crashed"),
            ("kafka:\n", "kafka:\n  session.timeout.ms: 6000\n"),
        ],
    );
    example.publish(3, &events);
    example.start_with(&[("CAZ_FAULT", &format!("crash@{point}:3"))]).wait_for_crash();
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 5_000);
    caz.terminate();
    read_committed(&example.output)
}

#[test]
fn a_crash_at_any_point_of_a_transaction_loses_and_doubles_nothing() {
    std::thread::scope(|scope| {
        for point in ["after_produce", "before_offsets", "before_commit", "after_commit"] {
            scope.spawn(move || assert_each_offset_once(&scores_after_a_crash_at(point, "exactly_once"), 3, 5_000));
        }
    });
}

#[test]
fn a_crash_at_least_once_loses_nothing() {
    let mut records = scores_after_a_crash_at("after_flush", "at_least_once");
    assert!(records.len() > 5_000, "what was flushed and not committed comes again");
    records.sort_by_key(Stored::source);
    records.dedup_by_key(|record| record.source());
    assert_each_offset_once(&records, 3, 5_000);
}

#[test]
fn sigterm_under_load_loses_and_doubles_nothing() {
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().cycle().take(40_000).map(Some).collect();
    let example = Example::new(3, &[("max_batch: 1024", "max_batch: 64")]);
    example.publish(3, &events);
    for _ in 0..3 {
        // The run before may have done everything; then there is no work to interrupt.
        let next = example.committed() + 1_000;
        if next > 40_000 {
            break;
        }
        let mut caz = example.start();
        example.wait_for_committed(&mut caz, next);
        let took = caz.terminate();
        assert!(took < Duration::from_secs(10), "ended after {took:?}");
    }
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 40_000);
    caz.terminate();
    assert_each_offset_once(&read_committed(&example.output), 3, 40_000);
}

#[test]
fn instances_that_come_and_go_lose_and_double_nothing() {
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().cycle().take(60_000).map(Some).collect();
    let example = Example::new(6, &[("max_batch: 1024", "max_batch: 64"), ("workers: 1", "workers: 2")]);
    example.publish(6, &events[..30_000]);
    let mut first = example.start();
    example.wait_for_committed(&mut first, 5_000);
    let mut second = example.start();
    example.wait_for_committed(&mut second, 30_000);
    // The numbering goes on from event 0: keys repeat, offsets do not.
    example.publish(6, &events[30_000..]);
    example.wait_for_committed(&mut second, 40_000);
    first.terminate();
    example.wait_for_committed(&mut second, 60_000);
    second.terminate();
    assert_each_offset_once(&read_committed(&example.output), 6, 60_000);
}

#[test]
fn a_score_too_large_for_its_topic_is_a_dead_letter() {
    use apache_avro::types::Value;
    let mut events: Vec<Option<Vec<u8>>> = avro_events().into_iter().take(200).map(Some).collect();
    let large = support::car_insurance::changed_event(0, "city", Value::Union(1, Box::new(Value::String("x".repeat(5_000)))));
    events[50] = Some(b"no event".to_vec());
    events[100] = Some(large.clone());
    let example = Example::with_output(1, &[("max.message.bytes", "2000")], &[("pass_through: [ecid]", "pass_through: [ecid, city]")]);
    example.publish(1, &events);
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 200);
    caz.terminate();
    assert_eq!(read_committed(&example.output).len(), 198);
    let dead = read_committed(&example.dead_letters);
    let offsets: Vec<_> = dead.iter().map(|letter| letter.header("caz.source.offset")).collect();
    assert_eq!(offsets, [Some("50"), Some("100")], "in the order of their events");
    assert_eq!(dead[1].header("caz.error.phase"), Some("encode"));
    assert_eq!(dead[1].header("caz.error.reason"), Some("too_large_for_topic"));
    assert_eq!(dead[1].value, Some(large), "the original bytes");
}

#[test]
fn a_score_too_large_for_its_topic_stops_the_process_behind_what_came_before() {
    use apache_avro::types::Value;
    let mut events: Vec<Option<Vec<u8>>> = avro_events().into_iter().take(200).map(Some).collect();
    let large = support::car_insurance::changed_event(0, "city", Value::Union(1, Box::new(Value::String("x".repeat(5_000)))));
    events[100] = Some(large);
    let replacements = [("pass_through: [ecid]", "pass_through: [ecid, city]"), ("dead_letters:", "on_error: stop\ndead_letters:")];
    let example = Example::with_output(1, &[("max.message.bytes", "2000")], &replacements);
    example.publish(1, &events);
    let log = example.start().wait_for_failure();
    assert!(log.contains("@100 cannot be scored (encode, too_large_for_topic)"), "{log}");
    assert_eq!((read_committed(&example.output).len(), example.committed()), (100, 100));
}

/// Kafka's largest limit is more than librdkafka knows.
#[test]
fn a_topic_may_take_records_of_any_size() {
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().take(10).map(Some).collect();
    let example = Example::with_output(1, &[("max.message.bytes", "2147483647")], &[]);
    example.publish(1, &events);
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 10);
    caz.terminate();
    assert_eq!(read_committed(&example.output).len(), 10);
}

#[test]
fn a_transaction_timeout_longer_than_the_broker_allows_ends_the_process() {
    let example = Example::new(1, &[("delivery:\n", "delivery:\n  transaction_timeout: 20m\n")]);
    let log = example.start().wait_for_failure();
    assert!(log.contains("`delivery.transaction_timeout` is longer than the brokers' `transaction.max.timeout.ms`"), "{log}");
}

#[test]
fn a_topic_that_refuses_what_records_hold_ends_the_process() {
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().take(20).map(Some).collect();
    for guarantee in ["exactly_once", "at_least_once"] {
        // The scores have their events' times, which are of the past.
        let replacements = [("guarantee: exactly_once", format!("guarantee: {guarantee}"))];
        let replacements: Vec<(&str, &str)> = replacements.iter().map(|(from, to)| (*from, to.as_str())).collect();
        let example = Example::with_output(1, &[("message.timestamp.before.max.ms", "1")], &replacements);
        example.publish(1, &events);
        let log = example.start().wait_for_failure();
        assert!(log.contains(&format!("topic `{}` refuses a record", example.output)), "{log}");
        assert!(log.contains("see to its `message.timestamp.before.max.ms`"), "{log}");
        assert_eq!(example.committed(), 0, "{guarantee}");
    }
}

#[test]
fn a_dead_letter_topic_that_takes_not_even_the_smallest_letter_ends_the_process() {
    let example = Example::new(1, &[]);
    let small = support::create_topic_with("small-letters", 1, &[("max.message.bytes", "150")]);
    let text = std::fs::read_to_string(&example.file).unwrap();
    std::fs::write(&example.file, text.replace(&example.dead_letters, &small)).unwrap();
    example.publish(1, &[Some(b"no event".to_vec())]);
    let log = example.start().wait_for_failure();
    assert!(log.contains(&format!("topic `{small}` takes none so large: raise its `max.message.bytes`")), "{log}");
    assert_eq!(example.committed(), 0);
}

#[test]
fn a_missing_topic_is_named_before_anything_starts() {
    let example = Example::new(1, &[]);
    let text = std::fs::read_to_string(&example.file).unwrap();
    std::fs::write(&example.file, text.replace(&format!("topic: {}", example.dead_letters), "topic: no-such-topic")).unwrap();
    let output = example.command(&["run", "FILE"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("topic `no-such-topic` (`dead_letters.topic`) does not exist"), "{told}");
}

#[test]
fn an_input_topic_that_is_made_anew_is_scored_from_its_start() {
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().map(Some).collect();
    let example = Example::new(1, &[]);
    example.publish(1, &events[..300]);
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 300);
    make_topic_anew(&example.input, 1);
    example.publish(1, &events[..100]);
    let records = wait_for("the scores of the new events", || {
        // A look at the metadata at the right moment finds the topic missing, which only a person can mend.
        if !caz.is_running() {
            assert!(caz.log().contains(&format!("`{}`", example.input)), "{}", caz.log());
            caz = example.start();
        }
        std::thread::sleep(Duration::from_millis(20));
        Some(read_committed(&example.output)).filter(|records| records.len() >= 400)
    });
    caz.terminate();
    let offsets: Vec<i64> = records.iter().map(|record| record.source().unwrap().offset).collect();
    assert_eq!(offsets, (0..300).chain(0..100).collect::<Vec<_>>());
}

#[test]
fn at_least_once_loses_nothing() {
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().map(Some).collect();
    let example = Example::new(3, &[("guarantee: exactly_once", "guarantee: at_least_once")]);
    example.publish(3, &events);
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 5_000);
    caz.terminate();
    // Nothing failed on the way, so nothing came twice.
    assert_scores_are_those_of_training(&read_committed(&example.output));
}

/// A broker that can be told to fail, with the example's topics, and the properties that reach it.
fn mock_broker(example: &Example) -> (MockCluster<'static, DefaultProducerContext>, ClientProperties) {
    let broker = MockCluster::new(1).unwrap();
    [&example.input, &example.output, &example.dead_letters].iter().for_each(|topic| broker.create_topic(topic, 1, 1).unwrap());
    let properties = ClientProperties::new().with("bootstrap.servers", broker.bootstrap_servers());
    (broker, properties)
}

/// While its group shares the partitions anew a commit is refused, and nothing has failed.
#[test]
fn a_rebalance_makes_no_second_scores_at_least_once() {
    let example = Example::new(1, &[("guarantee: exactly_once", "guarantee: at_least_once")]);
    let (broker, properties) = mock_broker(&example);
    // (Without a rebalance librdkafka takes the third, ILLEGAL_GENERATION, as the loss of all partitions.)
    let refusals = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, RDKafkaRespErr::RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH];
    broker.request_errors(RDKafkaApiKey::OffsetCommit, &refusals);
    let producer = Producer::new(&properties).unwrap();
    let input = producer.topic(&example.input).unwrap();
    for event in avro_events().iter().take(20) {
        producer.produce_batch(&input, &[BareRecord { partition: Some(0), key: None, value: Some(event), tag: 0 }], PATIENCE).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let assembly = Arc::new(Assembly::load(&example.file).unwrap().0);
    let (_health, workers) = Health::new(1, PATIENCE);
    let stop = Arc::new(AtomicBool::new(false));
    let pool = Pool::start(&assembly, assembly.settings_at(properties.clone()), workers, Arc::clone(&stop));
    let group = Consumer::new(&properties.clone().with("group.id", &example.group), &example.input).unwrap();
    wait_for("the offsets are committed", || (group.committed(&[0], PATIENCE).ok()? == [(0, Some(20))]).then_some(()));
    stop.store(true, Ordering::Relaxed);
    pool.wait().unwrap();
    assert_eq!(Admin::new(&properties, PATIENCE).unwrap().watermarks(&example.output, 0).unwrap().high, 20);
}

/// A new process would do no better.
#[test]
fn a_worker_that_asks_for_brokers_that_are_away_is_alive_and_not_ready() {
    const STALLED: Duration = Duration::from_secs(10);
    let example = Example::new(1, &[]);
    let (broker, properties) = mock_broker(&example);
    broker.broker_down(1).unwrap();
    let assembly = Arc::new(Assembly::load(&example.file).unwrap().0);
    let mut settings = assembly.settings_at(properties);
    settings.call_timeout = Duration::from_secs(1);
    let (health, workers) = Health::new(1, STALLED);
    let stop = Arc::new(AtomicBool::new(false));
    let pool = Pool::start(&assembly, settings, workers, Arc::clone(&stop));
    let started = Instant::now();
    while started.elapsed() < 2 * STALLED {
        assert_eq!((health.live().ok, health.ready().ok), (true, false), "{:?}", started.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
    broker.broker_up(1).unwrap();
    wait_for("ready", || health.ready().ok.then_some(()));
    stop.store(true, Ordering::Relaxed);
    pool.wait().unwrap();
}

/// What its metrics say waits in all partitions; `None` while they say nothing of any.
fn lag(caz: &Caz) -> Option<f64> {
    let (_, text) = caz.get("/metrics")?;
    let lags = text.lines().filter(|line| line.starts_with("caz_consumer_lag{"));
    lags.map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).reduce(|sum, lag| Some(sum? + lag?)).flatten()
}

/// Events whose scores cannot be written wait, though the consumer has read them.
#[test]
fn events_whose_work_is_undone_count_as_waiting() {
    // A topic that is gone might only be new to the brokers: librdkafka gives it 30 s unless told otherwise.
    let example = Example::new(1, &[("  bootstrap.servers:", "  topic.metadata.propagation.max.ms: 1000\n  bootstrap.servers:")]);
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().take(30).map(Some).collect();
    example.publish(1, &events[..10]);
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 10);
    wait_for("nothing waits", || (lag(&caz)? == 0.0).then_some(()));
    delete_topic(&example.output);
    example.publish(1, &events[10..]);
    wait_for("the work is undone again and again", || {
        (caz.log().matches("the events since the last commit are scored again").count() > 2).then_some(())
    });
    wait_for("they wait", || (lag(&caz)? == 20.0).then_some(()));
    assert!(caz.log().contains(&format!("topic `{}`", example.output)), "{}", caz.log());
    wait_for("the topic is gone, and made", || admin().create_topic(&example.output, 1, None, &[]).ok().filter(|is_new| *is_new));
    example.wait_for_committed(&mut caz, 30);
    wait_for("nothing waits", || (lag(&caz)? == 0.0).then_some(()));
}

/// An open transaction that may commit offsets of the group hides where to begin.
#[test]
fn a_worker_that_cannot_begin_is_not_ready() {
    let example = Example::new(1, &[]);
    example.publish(1, &avro_events().into_iter().take(10).map(Some).collect::<Vec<_>>());
    let group = Consumer::new(&properties().with("group.id", &example.group), &example.input).unwrap();
    let other = Producer::new(&properties().with("transactional.id", unique("open"))).unwrap();
    other.init_transactions(PATIENCE).unwrap();
    other.begin().unwrap();
    other.send_offsets(&[(0, 1)], &example.input, &group.group_metadata().unwrap(), PATIENCE).unwrap();
    let mut caz = example.start();
    wait_for("the log tells", || caz.log().contains("partitions are not read yet").then_some(()));
    assert_eq!((caz.get("/readyz").map(|(status, _)| status), lag(&caz)), (Some(503), None));
    other.abort(PATIENCE).unwrap();
    example.wait_for_committed(&mut caz, 10);
    wait_for("ready", || (caz.get("/readyz")?.0 == 200).then_some(()));
}
