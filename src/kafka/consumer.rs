//! The consumer of one topic: batches of whatever has arrived, rebalances on the caller's thread.

use std::cell::Cell;
use std::ffi::{CString, c_int};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings::{
    RD_KAFKA_EVENT_REBALANCE, rd_kafka_consume_batch_queue, rd_kafka_consumer_close_queue, rd_kafka_consumer_closed,
    rd_kafka_event_destroy, rd_kafka_event_topic_partition_list, rd_kafka_event_type, rd_kafka_mem_free, rd_kafka_memberid,
    rd_kafka_message_errstr, rd_kafka_message_t, rd_kafka_queue_destroy, rd_kafka_queue_get_consumer, rd_kafka_queue_new,
    rd_kafka_queue_poll, rd_kafka_queue_t, rd_kafka_t, rd_kafka_topic_partition_list_t, rd_kafka_type_t,
};

use super::client::{ConfigError, Forced, NativeClient, NativeConfig, PropertyProblem, layered, millis, remaining_ms};
use super::error::copied;
use super::partitions::PartitionList;
use super::rebalance::{Admission, ConsumerRole, on_rebalance};
use super::{ClientProperties, ErrorCode, KafkaError, MessageBatch, RebalanceListener, ffi};

const FORCED: [Forced; 2] = [
    Forced { name: "enable.auto.commit", value: "false", because: "offsets are committed with the output they belong to" },
    Forced { name: "enable.auto.offset.store", value: "false", because: "offsets are committed with the output they belong to" },
];

/// What a consumer gets unless the user says otherwise.
const DEFAULTS: [(&str, &str); 7] = [
    ("auto.offset.reset", "earliest"),
    // As in Apache Kafka's own client: a record that was damaged on its way must not become another event.
    ("check.crcs", "true"),
    ("isolation.level", "read_committed"),
    // The prefetch is bounded by bytes of records. A small record takes five times its bytes in librdkafka's queue: 2 MiB are 10 MiB of
    // memory there, 80 ms of the quickest pipeline's input, and enough for the longest way to a broker.
    ("queued.max.messages.kbytes", "2048"),
    // What one fetch brings of a partition at most; it lies in memory beside the queue. A larger record comes all the same.
    ("fetch.message.max.bytes", "524288"),
    // A fetch that found the prefetch queue full is repeated after this pause. librdkafka's 1000 ms would idle a worker that drains the
    // queue in a fraction of that, and 10 ms do when its events are large.
    ("fetch.queue.backoff.ms", "1"),
    // Under a steady load the broker answers at once; when idle this bounds how long it parks a fetch.
    ("fetch.wait.max.ms", "500"),
];

/// How long dropping a consumer that was not closed may take to leave its group.
const LEAVE_ON_DROP: Duration = Duration::from_secs(3);

/// How long the seek back after a failure may take; it involves no broker.
const SEEK_BACK: Duration = Duration::from_secs(1);

/// How long a look at the committed offsets of partitions that begin may take before other partitions have their turn.
const LOOK_AT_COMMITTED: Duration = Duration::from_secs(1);

/// Bounds of one [`Consumer::poll_batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollLimits {
    /// The most messages to return; at least 1.
    pub max_messages: usize,
    /// How long to wait for the first message.
    pub wait: Duration,
    /// How long to wait for more once there is one. Zero: take what has arrived.
    pub linger: Duration,
}

/// A queue reference, returned to librdkafka on drop.
pub(super) struct Queue(NonNull<rd_kafka_queue_t>);

impl Queue {
    /// # Safety
    /// `queue` is a reference nobody else returns, and its client outlives the result.
    unsafe fn new(queue: *mut rd_kafka_queue_t) -> Option<Self> {
        NonNull::new(queue).map(Self)
    }

    pub(super) fn as_ptr(&self) -> *mut rd_kafka_queue_t {
        self.0.as_ptr()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: an owned reference to a live queue.
        unsafe { rd_kafka_queue_destroy(self.0.as_ptr()) }
    }
}

/// A member of a consumer group, reading one topic. See the [module](super) for its invariants.
pub struct Consumer {
    // Fields drop in this order: the queue's reference goes before the client's.
    queue: Queue,
    pub(super) client: Arc<NativeClient<ConsumerRole>>,
    closed: Cell<bool>,
}

// SAFETY: librdkafka's objects may be used from any thread, one at a time here since `Consumer` is not `Sync`.
unsafe impl Send for Consumer {}

impl Consumer {
    /// Makes a consumer of `topic`. It connects in the background and joins its group on
    /// [`subscribe`](Self::subscribe).
    ///
    /// # Errors
    /// Every wrong property, a missing `group.id` among them.
    pub fn new(properties: &ClientProperties, topic: &str) -> Result<Self, ConfigError> {
        let mut defaults = DEFAULTS.to_vec();
        // With `group.protocol=consumer` the broker assigns, and librdkafka refuses a client-side strategy.
        if properties.get("group.protocol").is_none_or(|protocol| protocol.eq_ignore_ascii_case("classic")) {
            defaults.push(("partition.assignment.strategy", "cooperative-sticky"));
            // How long a crashed member's partitions wait for their next owner; librdkafka's 45 s is a long gap in a stream.
            defaults.push(("session.timeout.ms", "10000"));
        }
        let (properties, mut problems) = layered(properties, &defaults, &FORCED);
        if properties.get("group.id").is_none_or(str::is_empty) {
            problems.push(PropertyProblem::new("group.id", "is required: the group whose offsets are read and committed"));
        }
        let topic_name = CString::new(topic).unwrap_or_else(|_| {
            problems.push(PropertyProblem::new("", "the topic's name holds a NUL byte"));
            CString::default()
        });
        let conf = NativeConfig::new(&properties, problems)?;
        // SAFETY: a live configuration; the callback expects the state that `NativeClient::new` makes.
        unsafe { ffi::rd_kafka_conf_set_rebalance_cb(conf.as_ptr(), Some(on_rebalance)) }
        let role = ConsumerRole::new(topic_name, properties.get("group.id").unwrap_or_default());
        let client = NativeClient::new(rd_kafka_type_t::RD_KAFKA_CONSUMER, conf, &properties, role)?;
        // SAFETY: a live consumer; the reference is owned by `Queue`, which is dropped before `client`.
        let queue = unsafe {
            // Errors and other events arrive on the consumer's queue too, so that one call serves everything.
            ffi::rd_kafka_poll_set_consumer(client.as_ptr());
            Queue::new(rd_kafka_queue_get_consumer(client.as_ptr()))
        };
        let queue = queue.ok_or_else(|| ConfigError::general("the consumer has no group"))?;
        Ok(Self { queue, client, closed: Cell::new(false) })
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        self.role().topic()
    }

    /// Joins the group. Partitions arrive in a later [`poll_batch`](Self::poll_batch).
    pub fn subscribe(&self) -> Result<(), KafkaError> {
        let list = PartitionList::new(&self.role().topic, &[-1]);
        // SAFETY: a live handle and list; librdkafka copies the list.
        KafkaError::check("subscribe", unsafe { ffi::rd_kafka_subscribe(self.rk(), list.as_ptr()) })
    }

    /// Fills `batch` with what has arrived.
    ///
    /// Takes what is there, up to `max_messages`. If there is nothing, waits up to `wait` for the first message
    /// and then takes what came with it. Waits at most `linger` for more. Rebalances are served meanwhile; a
    /// batch may therefore come back empty before `wait` is over.
    ///
    /// # Errors
    /// What waiting cannot mend: a fatal error, missing rights, an unknown topic. Only a fatal one ends the
    /// consumer. An error is returned alone, never instead of messages: those come first, and the next call reports it.
    pub fn poll_batch(&self, batch: &mut MessageBatch, limits: PollLimits, listener: &mut dyn RebalanceListener) -> Result<(), KafkaError> {
        batch.start(&self.client);
        self.failure()?;
        self.seek_failed();
        let max = limits.max_messages.max(1);
        // librdkafka's batch call returns when the array is full or the time is over, so waiting for *any*
        // message takes a call for a single one.
        self.take(batch, max, Duration::ZERO, listener)?;
        if batch.is_empty() && !limits.wait.is_zero() {
            self.take(batch, 1, limits.wait, listener)?;
            if !batch.is_empty() {
                self.take(batch, max - batch.len(), limits.linger, listener)?;
            }
        } else if !limits.linger.is_zero() {
            self.take(batch, max - batch.len(), limits.linger, listener)?;
        }
        if batch.is_empty() { self.failure() } else { Ok(()) }
    }

    /// What is to be reported, if anything.
    fn failure(&self) -> Result<(), KafkaError> {
        match self.role().failure.take() {
            Some(error) => Err(error),
            None => self.client.state.raised(),
        }
    }

    /// Goes back to where reading failed. librdkafka counts an error as a message: it takes the record at its offset for returned and,
    /// once the partition was paused (which every rebalance does), goes on behind it.
    fn seek_failed(&self) {
        let failed = self.role().positions.borrow().failed();
        if let Err(error) = self.seek(&failed, SEEK_BACK) {
            tracing::warn!(%error, "the way back to where reading failed was refused; trying again");
        }
    }

    /// One native batch call, and the removal of what must not be returned.
    fn take(&self, batch: &mut MessageBatch, room: usize, wait: Duration, listener: &mut dyn RebalanceListener) -> Result<(), KafkaError> {
        if room == 0 {
            return Ok(());
        }
        let start = batch.len();
        let queue = self.queue.as_ptr();
        let served = self.role().serve(self, listener, || {
            batch.append(room, |slots| {
                // SAFETY: a live queue, and an array as long as said.
                let taken = unsafe { rd_kafka_consume_batch_queue(queue, millis(wait), slots.as_mut_ptr(), slots.len()) };
                usize::try_from(taken).unwrap_or(0)
            });
        })?;
        let start = self.drop_left(batch, start);
        batch.retain(start..batch.len(), |message| {
            // SAFETY: a valid message; the error is read as an integer before anything else.
            let (partition, offset) = unsafe {
                match ErrorCode(ptr::addr_of!((*message).err).cast::<c_int>().read()) {
                    ErrorCode::NONE => ((*message).partition, (*message).offset),
                    error => {
                        self.note(error, message);
                        return false;
                    }
                }
            };
            let mut positions = self.role().positions.borrow_mut();
            let mut admission = positions.admit(partition, offset);
            if let Admission::Repeated { next } = admission
                && self.watermarks_cached(partition).is_some_and(|watermarks| watermarks.high < next)
            {
                tracing::warn!(partition, offset, next, "the partition seems to begin again: its topic was made anew, or its log was cut");
                admission = positions.begin_anew(partition, offset);
            }
            admission == Admission::Accepted
        });
        self.check_beginnings(batch);
        // A listener's panic waits until here: the batch must hold no message that was not looked at.
        served.take();
        Ok(())
    }

    /// Holds where partitions begin against what the group has committed, and drops what came from elsewhere.
    ///
    /// librdkafka asks for the committed offset of a partition again while a transaction is open that may still commit another. When the
    /// assignment changes meanwhile, which every rebalance does, it takes the answer "not yet" for "none", and begins where
    /// `auto.offset.reset` says (2.12).
    fn check_beginnings(&self, batch: &mut MessageBatch) {
        let begun = self.role().positions.borrow().begun();
        if begun.is_empty() {
            return;
        }
        let ids: Vec<i32> = begun.iter().map(|(partition, _)| *partition).collect();
        let committed = self.committed(&ids, LOOK_AT_COMMITTED).map_err(|error| self.client.state.raise(error)).ok();
        let mut elsewhere = Vec::new();
        for (partition, first) in begun {
            let known = committed.as_ref().map(|known| known.iter().find(|(id, _)| *id == partition).and_then(|(_, offset)| *offset));
            // The log may have become shorter than what was committed, or begin behind it.
            let is_there = |offset: &i64| {
                self.watermarks_cached(partition).is_none_or(|watermarks| (watermarks.low..=watermarks.high).contains(offset))
            };
            let mut positions = self.role().positions.borrow_mut();
            match known {
                None => positions.begin_at(partition, first, false),
                Some(Some(offset)) if offset != first && is_there(&offset) => positions.begin_at(partition, offset, true),
                Some(_) => {
                    positions.place(partition);
                    continue;
                }
            }
            elsewhere.push(partition);
        }
        if !elsewhere.is_empty() {
            // SAFETY: accepted messages are valid and without error.
            batch.retain(0..batch.len(), |message| unsafe { !elsewhere.contains(&(*message).partition) });
        }
    }

    /// Drops the first `taken` messages of partitions that left us during the last native call. (What that call
    /// itself returned of them is refused one by one; librdkafka has purged it already if a partition came
    /// back.) Returns how many of the first `taken` remain.
    fn drop_left(&self, batch: &mut MessageBatch, taken: usize) -> usize {
        let left = self.role().left.take();
        if left.is_empty() {
            return taken;
        }
        // SAFETY: accepted messages are valid and without error.
        taken - batch.retain(0..taken, |message| unsafe { !left.contains(&(*message).partition) })
    }

    /// An error that arrived in place of a message.
    ///
    /// # Safety
    /// `message` is valid.
    unsafe fn note(&self, code: ErrorCode, message: *const rd_kafka_message_t) {
        // SAFETY: caller's contract; the text belongs to the message.
        let (partition, offset, mut reason) =
            unsafe { ((*message).partition, (*message).offset, copied(rd_kafka_message_errstr(message))) };
        if code == ErrorCode::PARTITION_EOF {
            // Behind a failure it tells nothing: reading goes back, and comes upon the end again.
            if self.role().positions.borrow().failed().iter().all(|(failed, _)| *failed != partition) {
                self.role().ends.borrow_mut().insert(partition, offset);
            }
            return;
        }
        // librdkafka does not ask again, and gives nothing of the partitions as long as they are ours. A new client asks.
        if reason.starts_with("Failed to fetch committed offset") && !code.needs_operator() {
            return self.client.state.raise(KafkaError::fatal("consume", code, reason));
        }
        if offset >= 0 {
            // A right that is lacking is lacking for all of them.
            if !code.is_denied() {
                reason = format!("partition {partition}: {reason}");
            }
            self.role().positions.borrow_mut().fail(partition, offset);
        }
        self.client.state.raise(KafkaError::with_reason("consume", code, reason));
    }

    /// Whether the group knows this consumer. It is known from its first request to join, before it is told any partition.
    pub fn is_known(&self) -> bool {
        // SAFETY: a live handle; the string is owned by us and freed with librdkafka's allocator.
        unsafe {
            let id = rd_kafka_memberid(self.rk());
            if id.is_null() {
                return false;
            }
            let is_known = *id != 0;
            rd_kafka_mem_free(self.rk(), id.cast());
            is_known
        }
    }

    /// The partitions that are ours, ascending.
    pub fn assignment(&self) -> Vec<i32> {
        self.role().positions.borrow().assigned()
    }

    /// The offset after the last message returned, or the one sought. `None` before either, and for a partition
    /// that is not ours.
    pub fn position(&self, partition: i32) -> Option<i64> {
        self.role().positions.borrow().next(partition)
    }

    /// Stops the delivery of these partitions, keeping them ours.
    pub fn pause(&self, partitions: &[i32]) -> Result<(), KafkaError> {
        self.with_list("pause", partitions, ffi::rd_kafka_pause_partitions)
    }

    /// Takes the delivery of these partitions up again.
    pub fn resume(&self, partitions: &[i32]) -> Result<(), KafkaError> {
        self.with_list("resume", partitions, ffi::rd_kafka_resume_partitions)
    }

    fn with_list(
        &self,
        operation: &'static str,
        partitions: &[i32],
        call: unsafe extern "C" fn(*mut rd_kafka_t, *mut rd_kafka_topic_partition_list_t) -> c_int,
    ) -> Result<(), KafkaError> {
        let list = PartitionList::new(&self.role().topic, partitions);
        // SAFETY: a live handle and list, which the call fills in before it returns.
        KafkaError::check(operation, unsafe { call(self.rk(), list.as_ptr()) })?;
        list.check(operation)
    }

    /// Leaves the group, so that its other members take over at once instead of after the session timeout. The
    /// listener gets its last revocation. Messages that are still queued are discarded.
    ///
    /// # Errors
    /// The group did not let us go within `timeout`; the broker will notice by the session timeout.
    pub fn close(self, listener: &mut dyn RebalanceListener, timeout: Duration) -> Result<(), KafkaError> {
        self.leave_group(listener, timeout)
    }

    fn leave_group(&self, listener: &mut dyn RebalanceListener, timeout: Duration) -> Result<(), KafkaError> {
        const OPERATION: &str = "leave the group";
        self.closed.set(true);
        let deadline = Instant::now() + timeout;
        // Declared before the queue is used and dropped after it: events may still point to it.
        let queue = self.new_queue(OPERATION)?;
        let served = self.role().serve(self, listener, || {
            // SAFETY: live handle and queue; events are owned by us.
            unsafe {
                KafkaError::take(OPERATION, rd_kafka_consumer_close_queue(self.rk(), queue.as_ptr()))?;
                while rd_kafka_consumer_closed(self.rk()) == 0 {
                    if Instant::now() >= deadline {
                        return Err(KafkaError::from_code(OPERATION, ErrorCode::TIMED_OUT));
                    }
                    let event = rd_kafka_queue_poll(queue.as_ptr(), remaining_ms(deadline).min(100));
                    if event.is_null() {
                        continue;
                    }
                    // On this queue a rebalance is an event, and goes unanswered for ever unless we answer it.
                    if rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE {
                        let code = ErrorCode(ffi::rd_kafka_event_error(event));
                        self.role().rebalance(self.rk(), code, rd_kafka_event_topic_partition_list(event));
                    }
                    rd_kafka_event_destroy(event);
                }
            }
            Ok(())
        })?;
        served.take()
    }

    pub(super) fn new_queue(&self, operation: &'static str) -> Result<Queue, KafkaError> {
        // SAFETY: a live handle, which outlives this value's methods.
        let queue = unsafe { Queue::new(rd_kafka_queue_new(self.rk())) };
        queue.ok_or_else(|| KafkaError::from_code(operation, ErrorCode::STATE))
    }

    pub(super) fn rk(&self) -> *mut rd_kafka_t {
        self.client.as_ptr()
    }

    pub(super) fn role(&self) -> &ConsumerRole {
        &self.client.state.role
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if !self.closed.get()
            && let Err(error) = self.leave_group(&mut NoListener, LEAVE_ON_DROP)
        {
            tracing::warn!(%error, "the consumer was dropped without leaving its group");
        }
    }
}

/// For a consumer that is dropped: whoever drops it has given up the open transaction.
struct NoListener;

impl RebalanceListener for NoListener {
    fn assigned(&mut self, _: &Consumer, _: &[i32]) {}
    fn revoked(&mut self, _: &Consumer, _: &[i32]) {}
    fn lost(&mut self, _: &Consumer, _: &[i32]) {}
}
