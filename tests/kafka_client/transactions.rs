//! Transactions: commits with offsets, aborts, fencing.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use rdkafka::mocking::{MockCluster, MockCoordinator};
use rdkafka::types::RDKafkaRespErr;

use caz::kafka::{
    ClientProperties, Consumer, ErrorCode, GroupMetadata, OutboundRecord, ProduceError, Producer, TopicHandle, TransactionError,
};

use crate::consuming::{LIMITS, consumer, take};
use crate::producing::{answering_the_first, record};
use crate::support::{PATIENCE, create_topic, create_topic_with, produce_numbers, properties, read_committed, unique};

pub(crate) fn producer(transactional_id: &str) -> Producer {
    let producer = Producer::new(&properties().with("transactional.id", transactional_id)).unwrap();
    assert!(producer.is_transactional());
    producer.init_transactions(PATIENCE).unwrap();
    producer
}

fn send(producer: &Producer, topic: &TopicHandle, value: &[u8]) -> Result<(), ProduceError> {
    let record = OutboundRecord { topic, partition: Some(0), key: None, value: Some(value), headers: &[], timestamp_ms: None, tag: 7 };
    producer.produce(&record, PATIENCE)
}

fn values(topic: &str) -> Vec<String> {
    read_committed(topic).iter().map(|record| record.text().to_owned()).collect()
}

fn metadata(consumer: &Consumer) -> GroupMetadata {
    consumer.group_metadata().unwrap()
}

#[test]
fn an_abort_and_a_rewind_replay_the_input() {
    let (input, output) = (create_topic("in", 1), create_topic("out", 1));
    produce_numbers(&input, 1, 30);
    let consumer = consumer(&input);
    let producer = producer(&unique("txn"));
    let handle = producer.topic(&output).unwrap();

    // Nothing is committed yet: the abort goes back to the first message.
    producer.begin().unwrap();
    assert_eq!(take(&consumer, 30, LIMITS).first(), Some(&(0, 0)));
    send(&producer, &handle, b"aborted").unwrap();
    producer.send_offsets(&[(0, 30)], &input, &metadata(&consumer), PATIENCE).unwrap();
    producer.abort(PATIENCE).unwrap();
    assert_eq!(producer.take_failures(), [], "what an abort drops is no failure");
    consumer.rewind_to_committed(PATIENCE).unwrap();
    assert_eq!(take(&consumer, 30, LIMITS).first(), Some(&(0, 0)));

    // Offsets and output are committed together.
    producer.begin().unwrap();
    send(&producer, &handle, b"committed").unwrap();
    producer.send_offsets(&[(0, 12)], &input, &metadata(&consumer), PATIENCE).unwrap();
    producer.commit(PATIENCE).unwrap();
    assert_eq!(consumer.committed(&[0], PATIENCE).unwrap(), [(0, Some(12))]);

    // Now the abort goes back there.
    producer.begin().unwrap();
    send(&producer, &handle, b"aborted too").unwrap();
    producer.flush(PATIENCE).unwrap();
    producer.abort(PATIENCE).unwrap();
    consumer.rewind_to_committed(PATIENCE).unwrap();
    assert_eq!(take(&consumer, 18, LIMITS).first(), Some(&(0, 12)));
    assert_eq!(values(&output), ["committed"]);
}

#[test]
fn an_undeliverable_record_makes_the_transaction_abortable() {
    let output = create_topic_with("small", 1, &[("max.message.bytes", "2000")]);
    let producer = producer(&unique("txn"));
    let handle = producer.topic(&output).unwrap();
    producer.begin().unwrap();
    send(&producer, &handle, b"innocent").unwrap();
    send(&producer, &handle, &[b'x'; 3000]).unwrap();
    let error = producer.commit(PATIENCE).unwrap_err();
    assert!(matches!(error, TransactionError::Abortable(_)), "{error:?}");
    let failures = producer.take_failures();
    assert!(failures.iter().any(|failure| failure.tag == 7 && failure.error.code == ErrorCode::MESSAGE_TOO_LARGE), "{failures:?}");
    let refused = send(&producer, &handle, b"too late").unwrap_err();
    assert!(matches!(refused, ProduceError::Refused(_)), "{refused:?}");
    producer.abort(PATIENCE).unwrap();

    // The refused batch left a gap in the producer's sequence, for which the next transaction may have to be
    // aborted too. That abort mends it.
    let tries = (1..=2).find(|_| {
        producer.begin().unwrap();
        send(&producer, &handle, b"again").unwrap();
        let outcome = producer.commit(PATIENCE);
        if let Err(error) = &outcome {
            assert!(matches!(error, TransactionError::Abortable(_)), "{error:?}");
            producer.abort(PATIENCE).unwrap();
        }
        outcome.is_ok()
    });
    assert!(tries.is_some(), "the producer does not recover");
    assert_eq!(values(&output), ["again"]);
}

#[test]
fn a_record_of_which_no_broker_knows_the_offset_is_not_committed() {
    // librdkafka holds a record for delivered that the broker calls a duplicate.
    let (_cluster, properties) = answering_the_first("new", RDKafkaRespErr::RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER);
    let producer = Producer::new(&properties.with("transactional.id", "txn")).unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    let handle = producer.topic("new").unwrap();
    producer.begin().unwrap();
    send(&producer, &handle, b"lost").unwrap();
    let error = producer.commit(PATIENCE).unwrap_err();
    assert!(matches!(&error, TransactionError::Abortable(error) if error.code == ErrorCode::INCONSISTENT), "{error:?}");
    producer.abort(PATIENCE).unwrap();
    assert_eq!(producer.take_failures().len(), 1);
}

#[test]
fn a_newer_producer_of_the_same_id_fences_the_older() {
    let output = create_topic("fenced", 1);
    let id = unique("txn");
    let older = producer(&id);
    let older_handle = older.topic(&output).unwrap();
    older.begin().unwrap();
    send(&older, &older_handle, b"zombie").unwrap();
    older.flush(PATIENCE).unwrap();

    let newer = producer(&id);
    let handle = newer.topic(&output).unwrap();
    newer.begin().unwrap();
    send(&newer, &handle, b"heir").unwrap();
    newer.commit(PATIENCE).unwrap();

    let error = older.commit(PATIENCE).unwrap_err();
    assert!(matches!(error, TransactionError::Fatal { fenced: true, .. }), "{error:?}");
    assert!(older.poll().unwrap_err().is_fatal());
    assert_eq!(values(&output), ["heir"]);
}

#[test]
fn offsets_of_a_replaced_member_are_refused() {
    let input = create_topic("in", 1);
    produce_numbers(&input, 1, 10);
    let group = unique("group");
    let join = || {
        let consumer = Consumer::new(&properties().with("group.id", group.as_str()), &input).unwrap();
        consumer.subscribe().unwrap();
        take(&consumer, 10, LIMITS);
        consumer
    };
    let former = join();
    let stale = metadata(&former);
    drop(former);
    let current = join();
    let producer = producer(&unique("txn"));
    producer.begin().unwrap();
    let error = producer.send_offsets(&[(0, 5)], &input, &stale, PATIENCE).unwrap_err();
    assert!(matches!(error, TransactionError::Abortable(_)), "{error:?}");
    producer.abort(PATIENCE).unwrap();
    assert_eq!(current.committed(&[0], PATIENCE).unwrap(), [(0, None)]);
    current.commit(&[(0, 5)], PATIENCE).unwrap();
    assert_eq!(current.committed(&[0], PATIENCE).unwrap(), [(0, Some(5))]);
}

#[test]
fn calls_out_of_order_are_errors() {
    let plain = Producer::new(&properties()).unwrap();
    assert!(!plain.is_transactional());
    assert!(plain.begin().is_err());
    let producer = producer(&unique("txn"));
    let error = producer.commit(PATIENCE).unwrap_err();
    assert_eq!(error.kafka_error().code, ErrorCode::STATE);
}

/// librdkafka looks for a group's new coordinator only when a connection comes or goes; many of them, for one is mostly lucky.
#[test]
fn offsets_find_a_coordinator_that_moves_late() {
    const PRODUCERS: usize = 12;
    // By then unused connections are closed.
    const LATE: Duration = Duration::from_secs(25);
    let cluster = MockCluster::new(3).unwrap();
    for topic in ["events", "scores"] {
        cluster.create_topic(topic, 1, 1).unwrap();
        cluster.partition_leader(topic, 0, Some(1)).unwrap();
    }
    let move_groups = |node| {
        for number in 0..PRODUCERS {
            cluster.coordinator(MockCoordinator::Group(format!("group-{number}")), node).unwrap();
        }
    };
    move_groups(3);
    let properties = ClientProperties::new().with("bootstrap.servers", cluster.bootstrap_servers());
    let (committed, commits) = channel();
    let worker = |number| {
        let transactions = format!("transactions-{number}");
        cluster.coordinator(MockCoordinator::Transaction(transactions.clone()), 1).unwrap();
        let consumer = Consumer::new(&properties.clone().with("group.id", format!("group-{number}")), "events").unwrap();
        let producer = Producer::new(&properties.clone().with("transactional.id", transactions)).unwrap();
        let (go_on, told) = channel();
        let committed = committed.clone();
        std::thread::spawn(move || {
            producer.init_transactions(PATIENCE).unwrap();
            let (scores, group) = (producer.topic("scores").unwrap(), consumer.group_metadata().unwrap());
            for offset in 1..=2 {
                producer.begin().unwrap();
                producer.produce(&record(&scores, b"score"), PATIENCE).unwrap();
                producer.send_offsets(&[(0, offset)], "events", &group, PATIENCE).unwrap();
                producer.commit(PATIENCE).unwrap();
                committed.send(offset).unwrap();
                if told.recv().is_err() {
                    break;
                }
            }
        });
        go_on
    };
    let workers: Vec<Sender<()>> = (0..PRODUCERS).map(worker).collect();
    let all = |offset| {
        let commits: Vec<i64> = (0..PRODUCERS).map(|_| commits.recv_timeout(PATIENCE).expect("every producer commits")).collect();
        assert_eq!(commits, [offset; PRODUCERS]);
    };
    all(1);
    cluster.broker_down(3).unwrap();
    workers.iter().for_each(|worker| worker.send(()).unwrap());
    std::thread::sleep(LATE);
    move_groups(1);
    all(2);
}
