//! Members that come and go, under every group protocol: nothing lost, nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use caz::kafka::{
    ClientProperties, Consumer, MessageBatch, OutboundRecord, PollLimits, Producer, RebalanceListener, TopicHandle, TransactionError,
};

use crate::consuming::{LIMITS, take};
use crate::support::{Bystander, PATIENCE, create_topic, produce_numbers, properties, read_committed, unique, wait_for};
use crate::transactions::producer;

const PARTITIONS: i32 = 6;
const COUNT: usize = 50_000;

/// What the members of a copying group tell each other.
#[derive(Default)]
struct Progress {
    /// Messages whose transaction is committed.
    committed: AtomicUsize,
    /// The second member has partitions.
    joined: AtomicBool,
}

/// Copies its partitions to the output, in transactions with the offsets.
struct Copier<'a> {
    producer: Producer,
    output: TopicHandle,
    offsets: BTreeMap<i32, i64>,
    /// Messages in the open transaction.
    pending: usize,
    /// Messages this member has committed.
    copied: usize,
    progress: &'a Progress,
}

impl<'a> Copier<'a> {
    fn new(output: &str, progress: &'a Progress) -> Self {
        let producer = Producer::new(&properties().with("transactional.id", unique("copier"))).unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        let output = producer.topic(output).unwrap();
        Self { producer, output, offsets: BTreeMap::new(), pending: 0, copied: 0, progress }
    }

    fn copy(&mut self, batch: &MessageBatch) {
        if self.pending == 0 && !batch.is_empty() {
            self.producer.begin().unwrap();
        }
        for message in batch.iter() {
            let source = format!("{}:{}", message.partition(), message.offset());
            let record = OutboundRecord {
                topic: &self.output,
                partition: Some(message.partition()),
                key: message.key(),
                value: message.payload(),
                headers: &[("source", Some(source.as_bytes()))],
                timestamp_ms: None,
                tag: 0,
            };
            self.producer.produce(&record, PATIENCE).unwrap();
            self.offsets.insert(message.partition(), message.offset() + 1);
        }
        self.pending += batch.len();
    }

    fn finish(&mut self, consumer: &Consumer) {
        if self.pending == 0 {
            return;
        }
        let offsets: Vec<(i32, i64)> = std::mem::take(&mut self.offsets).into_iter().collect();
        let group = consumer.group_metadata().unwrap();
        let outcome =
            self.producer.send_offsets(&offsets, consumer.topic(), &group, PATIENCE).and_then(|()| self.producer.commit(PATIENCE));
        let pending = std::mem::take(&mut self.pending);
        match outcome {
            Ok(()) => {
                self.copied += pending;
                self.progress.committed.fetch_add(pending, Ordering::SeqCst);
            }
            Err(TransactionError::Abortable(_)) => {
                self.producer.abort(PATIENCE).unwrap();
                consumer.rewind_to_committed(PATIENCE).unwrap();
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn done(&self) -> bool {
        self.progress.committed.load(Ordering::SeqCst) >= COUNT
    }
}

impl RebalanceListener for Copier<'_> {
    fn assigned(&mut self, _: &Consumer, _: &[i32]) {}

    fn revoked(&mut self, consumer: &Consumer, _: &[i32]) {
        self.finish(consumer);
    }

    fn lost(&mut self, _: &Consumer, _: &[i32]) {
        panic!("no member is slow enough to lose its partitions");
    }
}

/// Two members copy a topic; the second joins half-way, the first stops at three quarters.
fn copies_everything_once(group_properties: &[(&str, &str)]) {
    let (input, output) = (create_topic("in", PARTITIONS), create_topic("out", PARTITIONS));
    produce_numbers(&input, PARTITIONS, COUNT);
    let group: ClientProperties =
        properties().iter().chain(group_properties.iter().copied()).chain([("group.id", unique("group").as_str())]).collect();
    let progress = Progress::default();
    let limits = PollLimits { max_messages: 500, ..LIMITS };

    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            let consumer = Consumer::new(&group, &input).unwrap();
            consumer.subscribe().unwrap();
            let mut copier = Copier::new(&output, &progress);
            let mut batch = MessageBatch::new();
            let deadline = Instant::now() + PATIENCE;
            let mut paused = false;
            while progress.committed.load(Ordering::SeqCst) < COUNT * 3 / 4 {
                assert!(Instant::now() < deadline, "the first member is stuck");
                // Half-way it waits, polling, for the second: its partitions leave in the middle of their data.
                let half = progress.committed.load(Ordering::SeqCst) >= COUNT / 2;
                if half && !paused && !progress.joined.load(Ordering::SeqCst) {
                    consumer.pause(&consumer.assignment()).unwrap();
                    paused = true;
                } else if paused && progress.joined.load(Ordering::SeqCst) {
                    consumer.resume(&consumer.assignment()).unwrap();
                    paused = false;
                }
                consumer.poll_batch(&mut batch, limits, &mut copier).unwrap();
                copier.copy(&batch);
                copier.finish(&consumer);
            }
            consumer.close(&mut copier, PATIENCE).unwrap();
            copier.copied
        });
        let second = scope.spawn(|| {
            wait_for("the first half", || {
                std::thread::yield_now();
                (progress.committed.load(Ordering::SeqCst) >= COUNT / 2).then_some(())
            });
            let consumer = Consumer::new(&group, &input).unwrap();
            consumer.subscribe().unwrap();
            let mut copier = Copier::new(&output, &progress);
            let mut batch = MessageBatch::new();
            wait_for("the rest", || {
                consumer.poll_batch(&mut batch, limits, &mut copier).unwrap();
                if !consumer.assignment().is_empty() {
                    progress.joined.store(true, Ordering::SeqCst);
                }
                copier.copy(&batch);
                copier.finish(&consumer);
                copier.done().then_some(())
            });
            consumer.close(&mut copier, PATIENCE).unwrap();
            copier.copied
        });
        (first.join().unwrap(), second.join().unwrap())
    });

    assert!(first > 0 && second > 0, "both members took part: {first} and {second}");
    assert_eq!(first + second, COUNT);
    let copied = read_committed(&output);
    assert_eq!(copied.len(), COUNT, "as many as came in");
    let numbers: BTreeSet<&str> = copied.iter().map(|record| record.text()).collect();
    assert_eq!(numbers.len(), COUNT, "each of them once");
    for pair in copied.windows(2).filter(|pair| pair[0].partition == pair[1].partition) {
        let offset = |index: usize| -> i64 { pair[index].header("source").unwrap().split_once(':').unwrap().1.parse().unwrap() };
        assert!(offset(0) < offset(1), "in the order of the input: {pair:?}");
    }
}

#[test]
fn cooperative_sticky_copies_everything_once() {
    copies_everything_once(&[("partition.assignment.strategy", "cooperative-sticky")]);
}

#[test]
fn eager_range_copies_everything_once() {
    copies_everything_once(&[("partition.assignment.strategy", "range")]);
}

#[test]
fn the_consumer_protocol_copies_everything_once() {
    copies_everything_once(&[("group.protocol", "consumer")]);
}

/// Commits, outside any transaction, exactly when partitions leave.
#[derive(Default)]
struct CommitsWhenRevoked {
    left: BTreeMap<i32, i64>,
}

impl RebalanceListener for CommitsWhenRevoked {
    fn assigned(&mut self, _: &Consumer, _: &[i32]) {}

    fn revoked(&mut self, consumer: &Consumer, partitions: &[i32]) {
        let positions: Vec<(i32, i64)> = partitions.iter().filter_map(|id| Some((*id, consumer.position(*id)?))).collect();
        consumer.commit(&positions, PATIENCE).unwrap();
        self.left.extend(positions);
    }

    fn lost(&mut self, _: &Consumer, _: &[i32]) {
        panic!("not lost");
    }
}

/// Keeps what it gets silent.
struct PausesWhatComes;

impl RebalanceListener for PausesWhatComes {
    fn assigned(&mut self, consumer: &Consumer, partitions: &[i32]) {
        consumer.pause(partitions).unwrap();
    }
    fn revoked(&mut self, _: &Consumer, _: &[i32]) {}
    fn lost(&mut self, _: &Consumer, _: &[i32]) {}
}

#[test]
fn offsets_committed_while_partitions_leave_are_where_the_next_owner_starts() {
    let topic = create_topic("handover", 2);
    produce_numbers(&topic, 2, 2000);
    let group = properties().with("group.id", unique("group"));
    let first = Consumer::new(&group, &topic).unwrap();
    first.subscribe().unwrap();
    let small = PollLimits { max_messages: 10, ..LIMITS };
    let mut listener = CommitsWhenRevoked::default();
    let mut batch = MessageBatch::new();
    wait_for("some of each partition", || {
        first.poll_batch(&mut batch, small, &mut listener).unwrap();
        (first.position(0).is_some() && first.position(1).is_some()).then_some(())
    });

    let second = Consumer::new(&group, &topic).unwrap();
    second.subscribe().unwrap();
    let one = PollLimits { max_messages: 1, wait: Duration::from_millis(10), ..LIMITS };
    wait_for("the handover", || {
        first.poll_batch(&mut batch, one, &mut listener).unwrap();
        second.poll_batch(&mut batch, small, &mut PausesWhatComes).unwrap();
        (!second.assignment().is_empty()).then_some(())
    });
    // The partition may have been read to its end: then the next message is where its owner starts.
    produce_numbers(&topic, 2, 2);
    second.resume(&second.assignment()).unwrap();
    let mut starts = BTreeMap::new();
    wait_for("the first message after the handover", || {
        second.poll_batch(&mut batch, small, &mut Bystander).unwrap();
        for message in batch.iter() {
            starts.entry(message.partition()).or_insert(message.offset());
        }
        (!starts.is_empty()).then_some(())
    });
    assert_eq!(starts, listener.left);
    assert_eq!((first.assignment().len(), second.assignment().len()), (1, 1));
}

#[test]
fn closing_hands_partitions_over_at_once() {
    for protocol in ["classic", "consumer"] {
        let topic = create_topic("closing", 2);
        produce_numbers(&topic, 2, 20);
        // Were the leave not announced, the partitions would stay until this session is over.
        let group = properties().with("group.id", unique("group")).with("group.protocol", protocol);
        let first = Consumer::new(&group, &topic).unwrap();
        first.subscribe().unwrap();
        take(&first, 20, LIMITS);
        let started = Instant::now();
        let mut listener = CommitsWhenRevoked::default();
        first.close(&mut listener, PATIENCE).unwrap();
        assert_eq!(listener.left, BTreeMap::from([(0, 10), (1, 10)]), "the last revocation was announced");

        let second = Consumer::new(&group, &topic).unwrap();
        second.subscribe().unwrap();
        let mut batch = MessageBatch::new();
        wait_for("the partitions", || {
            second.poll_batch(&mut batch, LIMITS, &mut Bystander).unwrap();
            assert!(batch.is_empty(), "everything was committed");
            (second.assignment() == [0, 1]).then_some(())
        });
        assert!(started.elapsed() < Duration::from_secs(15), "{protocol}: {:?}", started.elapsed());
    }
}

/// As when a process was killed in the middle of a commit: the offsets of its partitions are not known before the transaction's timeout, and
/// the group goes on to rebalance meanwhile.
#[test]
fn partitions_wait_for_an_open_transaction_through_rebalances() {
    for (strategy, reset) in [("cooperative-sticky", "earliest"), ("cooperative-sticky", "latest"), ("range", "earliest")] {
        let topic = create_topic("unstable", 4);
        produce_numbers(&topic, 4, 400);
        let group = properties().with("group.id", unique("group")).with("partition.assignment.strategy", strategy);
        let group = group.with("auto.offset.reset", reset);
        let outside = Consumer::new(&group, &topic).unwrap();
        let at = |offset: i64| (0..4).map(|partition| (partition, offset)).collect::<Vec<_>>();
        outside.commit(&at(50), PATIENCE).unwrap();
        let producer = producer(&unique("txn"));
        producer.begin().unwrap();
        producer.send_offsets(&at(60), &topic, &outside.group_metadata().unwrap(), PATIENCE).unwrap();
        drop(outside);

        let members: Vec<Consumer> = (0..2).map(|_| Consumer::new(&group, &topic).unwrap()).collect();
        let (mut batch, mut starts) = (MessageBatch::new(), BTreeMap::new());
        let mut poll = |member: &Consumer| {
            member.poll_batch(&mut batch, LIMITS, &mut Bystander).unwrap();
            for message in batch.iter() {
                starts.entry(message.partition()).or_insert(message.offset());
            }
            starts.clone()
        };
        for (number, member) in members.iter().enumerate() {
            member.subscribe().unwrap();
            wait_for("the partitions are shared", || {
                members[..=number].iter().for_each(|member| drop(poll(member)));
                let has = |member: &Consumer| member.assignment().len() == 4 / (number + 1);
                members[..=number].iter().all(has).then_some(())
            });
        }
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until {
            members.iter().for_each(|member| assert_eq!(poll(member), BTreeMap::new(), "the transaction is open ({strategy}, {reset})"));
        }
        producer.commit(PATIENCE).unwrap();
        // Where nothing has come, the next event tells where the partition begins.
        produce_numbers(&topic, 4, 4);
        wait_for("every partition", || {
            members.iter().for_each(|member| drop(poll(member)));
            (poll(&members[0]).len() == 4).then_some(())
        });
        assert_eq!(poll(&members[0]), BTreeMap::from([0, 1, 2, 3].map(|partition| (partition, 60))), "{strategy}, {reset}");
    }
}
