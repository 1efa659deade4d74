//! Reading that fails: no message is passed over.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use caz::kafka::{ClientProperties, Consumer, MessageBatch, OutboundRecord, Producer};
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::consuming::{LIMITS, take};
use crate::producing::record;
use crate::support::{Bystander, PATIENCE, create_topic, make_topic_anew, properties, unique, wait_for};

/// Produces a batch for each text.
fn produce(properties: &ClientProperties, topic: &str, texts: &[&str]) {
    let producer = Producer::new(properties).unwrap();
    let topic = producer.topic(topic).unwrap();
    for text in texts {
        producer.produce(&OutboundRecord { partition: Some(0), ..record(&topic, text.as_bytes()) }, PATIENCE).unwrap();
        producer.flush(PATIENCE).unwrap();
    }
}

#[test]
fn a_partition_goes_on_at_the_record_at_which_a_fetch_failed() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("events", 1, 1).unwrap();
    // In later versions the error is one of the whole fetch.
    cluster.apiversion(RDKafkaApiKey::Fetch, Some(0), Some(6)).unwrap();
    let properties = ClientProperties::new().with("bootstrap.servers", cluster.bootstrap_servers());
    let consumer = Consumer::new(&properties.clone().with("group.id", "group").with("fetch.wait.max.ms", "10"), "events").unwrap();
    consumer.subscribe().unwrap();
    produce(&properties, "events", &["first"]);
    assert_eq!(take(&consumer, 1, LIMITS), [(0, 0)]);

    // The first of them may be hidden by the end of the partition, which librdkafka looks at before.
    cluster.request_errors(RDKafkaApiKey::Fetch, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN; 2]);
    let mut batch = MessageBatch::new();
    for _ in 0..10 {
        consumer.poll_batch(&mut batch, LIMITS, &mut Bystander).unwrap();
        assert!(batch.is_empty());
    }
    // A pause, such as librdkafka makes in every rebalance, keeps the place where it goes on.
    consumer.pause(&[0]).unwrap();
    produce(&properties, "events", &["second", "third"]);
    consumer.resume(&[0]).unwrap();
    assert_eq!(take(&consumer, 2, LIMITS), [(0, 1), (0, 2)]);
}

/// librdkafka does not ask again, and gives nothing of the partition as long as it has it.
#[test]
fn a_partition_whose_committed_offset_is_not_told_ends_the_consumer() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("events", 1, 1).unwrap();
    let properties = ClientProperties::new().with("bootstrap.servers", cluster.bootstrap_servers());
    produce(&properties, "events", &["first"]);
    cluster.request_errors(RDKafkaApiKey::OffsetFetch, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN]);
    let consumer = Consumer::new(&properties.with("group.id", "group"), "events").unwrap();
    consumer.subscribe().unwrap();
    let mut batch = MessageBatch::new();
    wait_for("the error", || {
        let polled = consumer.poll_batch(&mut batch, LIMITS, &mut Bystander);
        assert!(batch.is_empty());
        polled.is_err_and(|error| error.is_fatal()).then_some(())
    });
}

#[test]
fn nothing_behind_a_corrupt_record_is_returned() {
    let topic = create_topic("corrupt", 1);
    produce(&properties(), &topic, &["before", "to be corrupted", "behind"]);
    let cluster = PathBuf::from(std::env::var_os("CAZ_TEST_KAFKA_DIR").expect("with-kafka names the cluster's directory"));
    let segment = cluster.join(format!("node-1/data/{topic}-0/00000000000000000000.log"));
    let log = std::fs::read(&segment).unwrap();
    let at = log.windows(15).position(|bytes| bytes == b"to be corrupted").unwrap();
    let mut file = std::fs::OpenOptions::new().write(true).open(&segment).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(b"X").unwrap();

    let consumer = Consumer::new(&properties().with("group.id", unique("group")), &topic).unwrap();
    consumer.subscribe().unwrap();
    let mut batch = MessageBatch::new();
    let mut taken = Vec::new();
    let mut poll = || {
        let outcome = consumer.poll_batch(&mut batch, LIMITS, &mut Bystander);
        taken.extend(batch.iter().map(|message| message.offset()));
        outcome.err()
    };
    let error = wait_for("the error", &mut poll);
    assert!(error.code.needs_operator());
    let told = error.to_string();
    let (place, mend) = (told.split(" (original").next().unwrap(), told.split("(_BAD_MSG)").last().unwrap());
    insta::assert_snapshot!(format!("{place} ... (_BAD_MSG){mend}"));
    wait_for("the same error again", &mut poll);
    assert_eq!(taken, [0]);
}

#[test]
fn a_topic_that_is_made_anew_is_read_from_its_start() {
    let topic = create_topic("anew", 1);
    produce(&properties(), &topic, &["first", "second", "third"]);
    let consumer = Consumer::new(&properties().with("group.id", unique("group")), &topic).unwrap();
    consumer.subscribe().unwrap();
    assert_eq!(take(&consumer, 3, LIMITS).len(), 3);
    consumer.commit(&[(0, 3)], PATIENCE).unwrap();

    make_topic_anew(&topic, 1);
    produce(&properties(), &topic, &["new first", "new second"]);
    let mut batch = MessageBatch::new();
    let mut taken = Vec::new();
    wait_for("the new messages", || {
        // A look at the metadata at the right moment finds the topic missing.
        if let Err(error) = consumer.poll_batch(&mut batch, LIMITS, &mut Bystander) {
            assert!(error.code.needs_operator(), "{error}");
        }
        taken.extend(batch.iter().map(|message| message.offset()));
        (taken.len() >= 2).then_some(())
    });
    assert_eq!(taken, [0, 1]);
    assert_eq!(consumer.position(0), Some(2));
}
