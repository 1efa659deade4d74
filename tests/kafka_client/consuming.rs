//! Polling, positions and seeks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use caz::kafka::{Consumer, MessageBatch, OutboundRecord, PollLimits, RebalanceListener};

use crate::producing::record;
use crate::support::{Bystander, PATIENCE, create_topic, produce_numbers, properties, unique, wait_for};
use crate::transactions::producer;

pub(crate) const LIMITS: PollLimits = PollLimits { max_messages: 1000, wait: Duration::from_millis(100), linger: Duration::ZERO };

/// A subscribed consumer of a group of its own.
pub(crate) fn consumer(topic: &str) -> Consumer {
    let consumer = Consumer::new(&properties().with("group.id", unique("group")), topic).unwrap();
    consumer.subscribe().unwrap();
    consumer
}

/// Polls until `count` messages have come, and returns their partitions and offsets.
pub(crate) fn take(consumer: &Consumer, count: usize, limits: PollLimits) -> Vec<(i32, i64)> {
    let mut batch = MessageBatch::new();
    let mut taken = Vec::new();
    wait_for("messages", || {
        consumer.poll_batch(&mut batch, limits, &mut Bystander).unwrap();
        taken.extend(batch.iter().map(|message| (message.partition(), message.offset())));
        (taken.len() >= count).then_some(())
    });
    taken
}

#[test]
fn a_batch_is_what_has_arrived() {
    let topic = create_topic("batch", 1);
    produce_numbers(&topic, 1, 500);
    let consumer = consumer(&topic);
    let mut batch = MessageBatch::new();

    wait_for("a full batch", || {
        consumer.poll_batch(&mut batch, PollLimits { max_messages: 100, ..LIMITS }, &mut Bystander).unwrap();
        (batch.len() == 100).then_some(())
    });
    assert_eq!(batch.get(0).unwrap().topic(), topic);
    assert_eq!(batch.bytes(), batch.iter().map(|m| m.key().unwrap().len() + m.payload().unwrap().len()).sum::<usize>());
    assert!(batch.get(0).unwrap().timestamp_ms().is_some());
    let end = batch.get(99).unwrap().offset() + 1;
    assert_eq!(consumer.position(0), Some(end));
    assert_eq!(consumer.lags(), [(0, 500 - end)]);

    // What is there is returned at once, though neither the batch is full nor the wait over.
    let started = Instant::now();
    let patient = PollLimits { max_messages: 100_000, wait: PATIENCE, linger: Duration::ZERO };
    let rest = take(&consumer, 500 - usize::try_from(end).unwrap(), patient);
    assert_eq!(rest.last(), Some(&(0, 499)));
    assert!(started.elapsed() < PATIENCE / 2);
    let watermarks = consumer.watermarks_cached(0).unwrap();
    assert_eq!((watermarks.low, watermarks.high), (0, 500));

    // Nothing there: the wait is kept, and the batch is empty.
    let started = Instant::now();
    consumer.poll_batch(&mut batch, PollLimits { wait: Duration::from_millis(200), ..LIMITS }, &mut Bystander).unwrap();
    assert!(batch.is_empty());
    assert!((Duration::from_millis(190)..PATIENCE / 2).contains(&started.elapsed()), "{:?}", started.elapsed());
}

#[test]
fn a_partition_without_news_has_no_lag() {
    let topic = create_topic("lag", 2);
    let producer = producer(&unique("transactions"));
    producer.begin().unwrap();
    let handle = producer.topic(&topic).unwrap();
    for partition in [0, 0, 1] {
        producer.produce(&OutboundRecord { partition: Some(partition), ..record(&handle, b"x") }, PATIENCE).unwrap();
    }
    producer.commit(PATIENCE).unwrap();

    // Partition 0 is done with, and gives nothing; partition 1 gives its record, behind which lies the transaction's control record.
    let consumer = Consumer::new(&properties().with("group.id", unique("group")), &topic).unwrap();
    consumer.commit(&[(0, 3)], PATIENCE).unwrap();
    consumer.subscribe().unwrap();
    assert_eq!(take(&consumer, 1, LIMITS), [(1, 0)]);
    let mut batch = MessageBatch::new();
    wait_for("what the broker has", || {
        consumer.poll_batch(&mut batch, LIMITS, &mut Bystander).unwrap();
        (0..2).all(|partition| consumer.watermarks_cached(partition).is_some()).then_some(())
    });
    assert_eq!(consumer.watermarks_cached(0).unwrap().high, 3);
    assert_eq!(consumer.lags(), [(0, 0), (1, 0)]);
}

#[test]
fn linger_waits_for_more() {
    let topic = create_topic("linger", 1);
    let consumer = consumer(&topic);
    let mut batch = MessageBatch::new();
    wait_for("the assignment", || {
        consumer.poll_batch(&mut batch, LIMITS, &mut Bystander).unwrap();
        (!consumer.assignment().is_empty()).then_some(())
    });
    let late = std::thread::spawn({
        let topic = topic.clone();
        move || {
            produce_numbers(&topic, 1, 1);
            produce_numbers(&topic, 1, 9);
        }
    });
    let limits = PollLimits { max_messages: 10, wait: PATIENCE, linger: PATIENCE };
    let started = Instant::now();
    wait_for("a message", || {
        consumer.poll_batch(&mut batch, limits, &mut Bystander).unwrap();
        (!batch.is_empty()).then_some(())
    });
    assert_eq!(batch.len(), 10, "the linger lasts until the batch is full");
    assert!(started.elapsed() < PATIENCE / 2);
    late.join().unwrap();
}

#[test]
fn seeks_discard_what_was_fetched() {
    let topic = create_topic("seek", 2);
    produce_numbers(&topic, 2, 2000);
    let consumer = consumer(&topic);
    assert_eq!(take(&consumer, 2000, LIMITS).len(), 2000);
    consumer.seek(&[(0, 990), (1, 995)], PATIENCE).unwrap();
    let mut again = take(&consumer, 15, LIMITS);
    again.sort_unstable();
    let expected: Vec<(i32, i64)> = (990..1000).map(|o| (0, o)).chain((995..1000).map(|o| (1, o))).collect();
    assert_eq!(again, expected);
    assert!(consumer.seek(&[(0, -2)], PATIENCE).is_err());
    assert!(consumer.seek(&[(7, 0)], PATIENCE).is_err(), "partition 7 does not exist");
}

#[test]
fn rewinding_goes_to_the_committed_offset_or_the_first_message() {
    let topic = create_topic("rewind", 2);
    produce_numbers(&topic, 2, 200);
    // `latest` would skip everything if it were asked again.
    let properties = properties().with("group.id", unique("group")).with("auto.offset.reset", "earliest");
    let consumer = Consumer::new(&properties, &topic).unwrap();
    consumer.subscribe().unwrap();
    take(&consumer, 200, LIMITS);
    assert_eq!(consumer.committed(&[0, 1], PATIENCE).unwrap(), [(0, None), (1, None)]);

    consumer.rewind_to_committed(PATIENCE).unwrap();
    let mut again = take(&consumer, 200, LIMITS);
    again.sort_unstable();
    assert_eq!((again.len(), again[0], again[100]), (200, (0, 0), (1, 0)));

    consumer.commit(&[(0, 40)], PATIENCE).unwrap();
    assert_eq!(consumer.committed(&[0, 1], PATIENCE).unwrap(), [(0, Some(40)), (1, None)]);
    consumer.rewind_to_committed(PATIENCE).unwrap();
    let mut again = take(&consumer, 160, LIMITS);
    again.sort_unstable();
    assert_eq!((again.len(), again[0], again[60]), (160, (0, 40), (1, 0)));

    consumer.commit(&[(1, 100)], PATIENCE).unwrap();
    assert_eq!(consumer.committed(&[1], PATIENCE).unwrap(), [(1, Some(100))]);
}

#[test]
fn paused_partitions_are_silent() {
    let topic = create_topic("pause", 2);
    let consumer = consumer(&topic);
    let mut batch = MessageBatch::new();
    wait_for("the assignment", || {
        consumer.poll_batch(&mut batch, LIMITS, &mut Bystander).unwrap();
        (consumer.assignment() == [0, 1]).then_some(())
    });
    consumer.pause(&[0]).unwrap();
    produce_numbers(&topic, 2, 100);
    assert!(take(&consumer, 50, LIMITS).iter().all(|(partition, _)| *partition == 1));
    consumer.poll_batch(&mut batch, LIMITS, &mut Bystander).unwrap();
    assert!(batch.is_empty());
    consumer.resume(&[0]).unwrap();
    assert!(take(&consumer, 50, LIMITS).iter().all(|(partition, _)| *partition == 0));
}

#[test]
fn an_unknown_topic_is_an_error_and_then_none() {
    let consumer = consumer(&unique("absent"));
    let error = wait_for("the error", || consumer.poll_batch(&mut MessageBatch::new(), LIMITS, &mut Bystander).err());
    assert_eq!(error.code.name(), "UNKNOWN_TOPIC_OR_PART");
    assert!(!error.is_fatal());
}

#[test]
fn messages_outlive_their_consumer() {
    let topic = create_topic("outlive", 1);
    produce_numbers(&topic, 1, 10);
    let consumer = consumer(&topic);
    let mut batch = MessageBatch::new();
    wait_for("messages", || {
        consumer.poll_batch(&mut batch, LIMITS, &mut Bystander).unwrap();
        (!batch.is_empty()).then_some(())
    });
    drop(consumer);
    let batch = std::thread::spawn(move || batch).join().unwrap();
    assert_eq!(batch.get(0).unwrap().payload(), Some(b"0".as_slice()));
}

/// Does what a listener must not do.
#[derive(Default)]
struct Unruly {
    refusal: Option<String>,
    panics: bool,
}

impl RebalanceListener for Unruly {
    fn assigned(&mut self, consumer: &Consumer, _: &[i32]) {
        let outcome = consumer.poll_batch(&mut MessageBatch::new(), LIMITS, &mut Bystander);
        self.refusal = outcome.err().map(|error| error.reason);
        assert!(!self.panics, "on purpose");
    }
    fn revoked(&mut self, _: &Consumer, _: &[i32]) {}
    fn lost(&mut self, _: &Consumer, _: &[i32]) {}
}

#[test]
fn a_listener_may_not_poll_and_its_panic_comes_out_of_the_poll() {
    let topic = create_topic("unruly", 1);
    produce_numbers(&topic, 1, 10);
    let consumer = consumer(&topic);
    let mut batch = MessageBatch::new();
    let mut listener = Unruly { refusal: None, panics: true };
    let panic = wait_for("the panic", || catch_unwind(AssertUnwindSafe(|| consumer.poll_batch(&mut batch, LIMITS, &mut listener))).err());
    assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
    assert_eq!(listener.refusal.as_deref(), Some("a rebalance listener must not poll its consumer"));
    // The assignment was carried out all the same, what came with it is in the batch, and the consumer goes on.
    assert_eq!(consumer.assignment(), [0]);
    let offsets: Vec<i64> = batch.iter().map(|message| message.offset()).collect();
    let rest = if offsets.len() < 10 { take(&consumer, 10 - offsets.len(), LIMITS) } else { Vec::new() };
    let all: Vec<i64> = offsets.into_iter().chain(rest.into_iter().map(|(_, offset)| offset)).collect();
    assert_eq!(all, (0..10).collect::<Vec<_>>());
}
