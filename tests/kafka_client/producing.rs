//! The producer's queue, headers and refusals.

use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use caz::kafka::{BareRecord, ClientProperties, Header, OutboundRecord, ProduceError, Producer, TopicHandle};

use crate::consuming::{LIMITS, consumer};
use crate::support::{Bystander, PATIENCE, create_topic, create_topic_with, properties, read_committed, wait_for};

pub(crate) fn record<'a>(topic: &'a TopicHandle, value: &'a [u8]) -> OutboundRecord<'a> {
    OutboundRecord { topic, partition: None, key: None, value: Some(value), headers: &[], timestamp_ms: None, tag: 0 }
}

#[test]
fn keys_values_and_headers_come_back_as_sent() {
    let topic = create_topic("round-trip", 1);
    let producer = Producer::new(&properties()).unwrap();
    let handle = producer.topic(&topic).unwrap();
    let headers: [Header<'_>; 4] = [("source", Some(b"in")), ("digest", Some(&[0, 255, 10])), ("none", None), ("source", Some(b""))];
    let plain = record(&handle, b"value");
    producer
        .produce(&OutboundRecord { key: Some(b"key"), headers: &headers, timestamp_ms: Some(1_700_000_000_123), ..plain }, PATIENCE)
        .unwrap();
    producer.produce(&OutboundRecord { key: Some(b""), value: Some(b""), ..plain }, PATIENCE).unwrap();
    producer.produce(&OutboundRecord { value: None, partition: Some(0), timestamp_ms: Some(0), ..plain }, PATIENCE).unwrap();
    producer.flush(PATIENCE).unwrap();
    assert_eq!(producer.in_flight(), 0);

    let consumer = consumer(&topic);
    let mut batch = caz::kafka::MessageBatch::new();
    let mut seen = Vec::new();
    wait_for("the records", || {
        consumer.poll_batch(&mut batch, LIMITS, &mut Bystander).unwrap();
        for message in batch.iter() {
            let headers: Vec<_> = message.headers().map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec))).collect();
            assert_eq!(message.header("source").is_some(), !headers.is_empty());
            seen.push((message.key().map(<[u8]>::to_vec), message.payload().map(<[u8]>::to_vec), headers, message.timestamp_ms()));
        }
        (seen.len() == 3).then_some(())
    });
    let sent: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), value.map(<[u8]>::to_vec))).collect();
    assert_eq!(seen[0], (Some(b"key".to_vec()), Some(b"value".to_vec()), sent, Some(1_700_000_000_123)));
    assert_eq!((&seen[1].0, &seen[1].1, seen[1].2.len()), (&Some(Vec::new()), &Some(Vec::new()), 0));
    // To librdkafka the epoch itself is no time.
    assert_eq!((&seen[2].0, &seen[2].1, seen[2].3), (&None, &None, Some(1)));
}

#[test]
fn a_full_queue_holds_the_caller_back_and_loses_nothing() {
    const COUNT: usize = 20_000;
    const ROOM: usize = 100;
    let topic = create_topic("backpressure", 2);
    let producer = Producer::new(&properties().with("queue.buffering.max.messages", ROOM.to_string())).unwrap();
    let handle = producer.topic(&topic).unwrap();
    let numbers: Vec<String> = (0..COUNT).map(|number| number.to_string()).collect();
    let (batched, single) = numbers.split_at(COUNT / 2);
    let records: Vec<_> =
        batched.iter().map(|n| BareRecord { partition: Some(0), value: Some(n.as_bytes()), ..BareRecord::default() }).collect();
    producer.produce_batch(&handle, &records, PATIENCE).unwrap();
    for number in single {
        producer
            .produce(&OutboundRecord { partition: Some(1), headers: &[("n", Some(b"1"))], ..record(&handle, number.as_bytes()) }, PATIENCE)
            .unwrap();
        // Each report that waits counts as one besides the records it tells of.
        assert!(producer.in_flight() <= 2 * ROOM);
    }
    producer.flush(PATIENCE).unwrap();
    assert_eq!(producer.take_failures(), []);
    let values: Vec<String> = read_committed(&topic).iter().map(|record| record.text().to_owned()).collect();
    assert_eq!(values, numbers, "all of them, in order");
}

#[test]
fn the_wait_for_room_is_bounded() {
    let unreachable = ClientProperties::new().with("bootstrap.servers", "127.0.0.1:1").with("queue.buffering.max.messages", "10");
    let producer = Producer::new(&unreachable).unwrap();
    let handle = producer.topic("out").unwrap();
    let wait = Duration::from_millis(50);
    let refused = (0..11).find_map(|_| producer.produce(&record(&handle, b"x"), wait).err());
    assert!(matches!(refused, Some(ProduceError::QueueFull { waited_ms: 50.. })), "{refused:?}");
    let records = [BareRecord { value: Some(b"x"), ..BareRecord::default() }; 3];
    let refused = producer.produce_batch(&handle, &records, Duration::ZERO).unwrap_err();
    assert_eq!(refused.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(producer.in_flight(), 10);
    assert!(producer.flush(wait).unwrap_err().is_timeout());
}

#[test]
fn the_queue_has_room_for_the_largest_record() {
    let unreachable = ClientProperties::new().with("bootstrap.servers", "127.0.0.1:1").with("message.max.bytes", "100000000");
    let producer = Producer::new(&unreachable).unwrap();
    let handle = producer.topic("out").unwrap();
    producer.produce(&record(&handle, &vec![b'x'; 99_000_000]), Duration::ZERO).unwrap();
}

#[test]
fn records_that_are_too_large_are_named() {
    let topic = create_topic_with("small", 1, &[("max.message.bytes", "2000")]);
    let producer = Producer::new(&properties().with("message.max.bytes", "5000")).unwrap();
    let handle = producer.topic(&topic).unwrap();

    // Beyond the client's limit: refused at once, alone.
    let huge = vec![b'x'; 6000];
    let refused = producer.produce(&record(&handle, &huge), PATIENCE).unwrap_err();
    assert_eq!(refused, ProduceError::TooLarge { bytes: 6000 });
    let bare = |value| BareRecord { value: Some(value), ..BareRecord::default() };
    let refused = producer.produce_batch(&handle, &[bare(b"a"), bare(&huge), bare(b"b")], PATIENCE).unwrap_err();
    assert_eq!(refused, [(1, ProduceError::TooLarge { bytes: 6000 })]);
    producer.flush(PATIENCE).unwrap();

    // Beyond the topic's: the delivery fails, and the tag tells which it was.
    let large = vec![b'x'; 3000];
    producer.produce(&OutboundRecord { tag: 42, ..record(&handle, &large) }, PATIENCE).unwrap();
    producer.flush(PATIENCE).unwrap();
    let failures = producer.take_failures();
    assert_eq!(failures.iter().map(|failure| (failure.topic.as_str(), failure.tag)).collect::<Vec<_>>(), [(topic.as_str(), 42)]);
    assert_eq!(failures[0].error.code, caz::kafka::ErrorCode::MESSAGE_TOO_LARGE);
    assert_eq!(producer.take_failures(), []);
    assert_eq!(read_committed(&topic).iter().map(|record| record.text().to_owned()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn unknown_partitions_and_foreign_topics_are_refused() {
    let topic = create_topic("refusals", 1);
    let (producer, other) = (Producer::new(&properties()).unwrap(), Producer::new(&properties()).unwrap());
    let foreign = other.topic(&topic).unwrap();
    assert!(matches!(producer.produce(&record(&foreign, b"x"), PATIENCE), Err(ProduceError::Refused(_))));
    let handle = producer.topic(&topic).unwrap();
    producer.produce(&record(&handle, b"x"), PATIENCE).unwrap();
    producer.flush(PATIENCE).unwrap();
    let refused = producer.produce(&OutboundRecord { partition: Some(9), ..record(&handle, b"x") }, PATIENCE).unwrap_err();
    assert!(matches!(&refused, ProduceError::Refused(error) if error.code.name() == "_UNKNOWN_PARTITION"), "{refused:?}");
}

/// A broker that answers the first request for a new topic like this and takes the second, which is under way already.
pub(crate) fn answering_the_first(topic: &str, error: RDKafkaRespErr) -> (MockCluster<'static, DefaultProducerContext>, ClientProperties) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(topic, 1, 1).unwrap();
    cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
    cluster.broker_round_trip_time(1, Duration::from_millis(100)).unwrap();
    let properties = ClientProperties::new().with("bootstrap.servers", cluster.bootstrap_servers()).with("batch.num.messages", "1");
    (cluster, properties)
}

#[test]
fn a_record_that_only_its_successor_vouches_for_is_a_failure() {
    // Like a real broker that does not know the producer yet, this one takes any sequence number.
    let (_cluster, properties) = answering_the_first("new", RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    let producer = Producer::new(&properties).unwrap();
    let handle = producer.topic("new").unwrap();
    for tag in [1, 2] {
        producer.produce(&OutboundRecord { partition: Some(0), tag, ..record(&handle, b"x") }, PATIENCE).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let failures = producer.take_failures();
    let told: Vec<_> = failures.iter().map(|failure| (failure.topic.as_str(), failure.partition, failure.tag)).collect();
    assert_eq!(told, [("new", 0, 1)]);
    insta::assert_snapshot!(failures[0].error);
}
