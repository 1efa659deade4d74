//! The producer: a bounded queue into librdkafka, with or without transactions.

use std::cell::RefCell;
use std::ffi::{CString, c_int};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings::{
    RD_KAFKA_MSG_F_COPY, RD_KAFKA_MSG_F_PARTITION, rd_kafka_message_t, rd_kafka_outq_len, rd_kafka_poll, rd_kafka_produce_batch,
    rd_kafka_produceva, rd_kafka_t, rd_kafka_topic_destroy, rd_kafka_topic_new, rd_kafka_topic_t, rd_kafka_type_t,
};

use super::client::{ConfigError, Forced, NativeClient, NativeConfig, Role, layered, millis};
use super::record::{HeaderList, arguments, error_of, native_record};
use super::reports::Reports;
use super::{BareRecord, ClientProperties, DeliveryFailure, ErrorCode, KafkaError, OutboundRecord, ProduceError, Right, ffi, reach};

const FORCED: [Forced; 2] = [
    Forced { name: "enable.idempotence", value: "true", because: "a retried record must be neither lost, nor doubled, nor reordered" },
    Forced { name: "delivery.report.only.error", value: "false", because: "what no broker has confirmed is told by reports of success" },
];

/// Whether asking for a topic that does not exist creates it where the brokers allow that, as librdkafka's producers do unless told otherwise: how many
/// partitions a topic has is the operator's decision, and a misspelt one must not come to be.
pub(super) const AUTO_CREATE: &str = "allow.auto.create.topics";

/// The largest record that librdkafka takes at all, bytes.
pub const MOST_RECORD_BYTES: usize = 1_000_000_000;

/// A producer's queue unless a single record may be larger, which would wait for room for ever, KiB.
const QUEUE_KBYTES: usize = 65_536;

/// What a producer gets unless the user says otherwise, besides its queue.
const DEFAULTS: [(&str, &str); 7] = [
    (AUTO_CREATE, "false"),
    // A transaction that begins while the broker still writes the markers of the one before is asked to try again. librdkafka's 100 ms
    // are twenty times what that takes. The pause doubles from one attempt to the next.
    ("retry.backoff.ms", "5"),
    // librdkafka asks again for a group's coordinator that has ended only when some connection comes or goes, whatever the call's timeout.
    // So unused ones are closed soon, and opened again by a refresh that is rarer: or two closed at once would be the last ones. How old
    // metadata may be follows the refresh unless it is set.
    ("connections.max.idle.ms", "10000"),
    ("topic.metadata.refresh.interval.ms", "15000"),
    ("metadata.max.age.ms", "900000"),
    // The partitioner of the Java clients, so that a key finds the partition their producers use.
    ("partitioner", "murmur2_random"),
    ("queue.buffering.max.messages", "500000"),
];

/// How long [`Producer::send`] waits: some round trips, and not much of what a partition without a leader would take.
const SENDING: Duration = Duration::from_millis(20);

/// How long one look at a full queue waits unless a report ends it.
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(2);

/// A producer's part of the callback state.
pub(super) struct ProducerRole {
    transactional_id: String,
    pub(super) reports: Reports,
}

impl ProducerRole {
    pub(super) fn is_transactional(&self) -> bool {
        !self.transactional_id.is_empty()
    }
}

impl Role for ProducerRole {
    fn lacking(&self, code: ErrorCode) -> Option<Right> {
        match code {
            ErrorCode::TRANSACTIONAL_ID_DENIED => Some(Right::as_transactional_id(&self.transactional_id)),
            ErrorCode::CLUSTER_DENIED => {
                let resource = "the topics that it writes to, or IdempotentWrite on the cluster where Kafka is older than 3.0";
                Some(Right { operation: "Write", resource: resource.to_owned() })
            }
            _ => None,
        }
    }
}

/// A topic of one producer, resolved once.
pub struct TopicHandle {
    topic: NonNull<rd_kafka_topic_t>,
    name: String,
    /// Keeps the handle alive as long as its topic.
    client: Arc<NativeClient<ProducerRole>>,
}

// SAFETY: topics are reference-counted inside librdkafka and may be used from any thread.
unsafe impl Send for TopicHandle {}

impl TopicHandle {
    /// The topic's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn as_ptr(&self) -> *mut rd_kafka_topic_t {
        self.topic.as_ptr()
    }
}

impl std::fmt::Debug for TopicHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TopicHandle").field(&self.name).finish()
    }
}

impl Drop for TopicHandle {
    fn drop(&mut self) {
        // SAFETY: owned, destroyed once, before the client.
        unsafe { rd_kafka_topic_destroy(self.topic.as_ptr()) }
    }
}

/// An idempotent producer; transactional when `transactional.id` is set (see the methods in `transaction.rs`).
///
/// Dropping it discards what is still queued: [`flush`](Self::flush) or commit first. A transaction left open
/// holds back its readers until the broker times it out or a producer with the same transactional id starts.
pub struct Producer {
    pub(super) client: Arc<NativeClient<ProducerRole>>,
    /// Scratch for `produce_batch`; empty between calls.
    scratch: RefCell<Vec<rd_kafka_message_t>>,
}

// SAFETY: librdkafka's objects may be used from any thread, one at a time here since `Producer` is not `Sync`;
// `scratch` holds no pointer between calls.
unsafe impl Send for Producer {}

impl Producer {
    /// Makes a producer. It connects in the background.
    ///
    /// # Errors
    /// Every wrong property.
    pub fn new(properties: &ClientProperties) -> Result<Self, ConfigError> {
        let largest = properties.bytes("message.max.bytes").unwrap_or(0).min(MOST_RECORD_BYTES);
        let queue = QUEUE_KBYTES.max(largest / 1024 + 1).to_string();
        let transactional_id = properties.get("transactional.id").unwrap_or_default().to_owned();
        // Who queues a transaction's records commits them, which waits for them to be there. Others are seen off by `send`: what librdkafka
        // would take before, while a batch is still being queued, would keep the batch's rest waiting.
        let linger = if transactional_id.is_empty() { "20" } else { "1" };
        let mut defaults = DEFAULTS.to_vec();
        defaults.push(("linger.ms", linger));
        defaults.push(("queue.buffering.max.kbytes", queue.as_str()));
        let (properties, problems) = layered(properties, &defaults, &FORCED);
        let conf = NativeConfig::new(&properties, problems)?;
        Reports::ask_for(&conf);
        let (kind, role) = (rd_kafka_type_t::RD_KAFKA_PRODUCER, ProducerRole { transactional_id, reports: Reports::default() });
        let client = NativeClient::new(kind, conf, &properties, role)?;
        Ok(Self { client, scratch: RefCell::default() })
    }

    /// True when records are produced in transactions.
    pub fn is_transactional(&self) -> bool {
        self.client.state.role.is_transactional()
    }

    /// Waits until a broker answers, at most `wait`: what is asked of the brokers before is answered half a second later.
    pub fn meet_brokers(&self, wait: Duration) {
        reach::meet(&self.client, wait);
    }

    /// Resolves a topic. It need not exist yet.
    pub fn topic(&self, name: &str) -> Result<TopicHandle, KafkaError> {
        const OPERATION: &str = "open the topic";
        let c_name = CString::new(name).map_err(|_| KafkaError::refused(OPERATION, "the name holds a NUL byte"))?;
        // SAFETY: a live handle and a NUL-terminated name; null takes the default topic configuration.
        let topic = unsafe { rd_kafka_topic_new(self.rk(), c_name.as_ptr(), ptr::null_mut()) };
        match NonNull::new(topic) {
            Some(topic) => Ok(TopicHandle { topic, name: name.to_owned(), client: Arc::clone(&self.client) }),
            // SAFETY: reads the thread's last error.
            None => Err(KafkaError::from_code(OPERATION, ErrorCode(unsafe { ffi::rd_kafka_last_error() }))),
        }
    }

    /// Takes one record into the queue. When the queue is full, waits up to `max_wait` for room.
    pub fn produce(&self, record: &OutboundRecord<'_>, max_wait: Duration) -> Result<(), ProduceError> {
        self.owned(record.topic)?;
        let headers = HeaderList::new(record.headers)?;
        let arguments = arguments(record, &headers);
        // A look at the clock costs 2 % of an event, and few records find the queue full.
        let mut full_since = None;
        loop {
            // SAFETY: a live handle and a topic of it; `arguments` describes a record whose bytes are copied before
            // the call returns; the error object is owned by us.
            let outcome = unsafe {
                let error = rd_kafka_produceva(self.rk(), arguments.as_ptr(), arguments.len());
                KafkaError::take("produce", error)
            };
            match outcome {
                Ok(()) => {
                    headers.give_away();
                    return Ok(());
                }
                Err(error) if error.code == ErrorCode::QUEUE_FULL => {
                    self.wait_for_room(*full_since.get_or_insert_with(Instant::now), max_wait)?
                }
                Err(error) => return Err(refusal(named(error, &record.topic.name), record.key, record.value)),
            }
        }
    }

    /// Takes many records without headers into the queue, in order, with one native call. When the queue is
    /// full, waits up to `max_wait` for room.
    ///
    /// # Errors
    /// The records that were not taken, by index, ascending; all others were.
    pub fn produce_batch(
        &self,
        topic: &TopicHandle,
        records: &[BareRecord<'_>],
        max_wait: Duration,
    ) -> Result<(), Vec<(usize, ProduceError)>> {
        if let Err(error) = self.owned(topic) {
            return Err((0..records.len()).map(|index| (index, ProduceError::Refused(error.clone()))).collect());
        }
        let mut scratch = self.scratch.borrow_mut();
        scratch.clear();
        scratch.extend(records.iter().map(|record| native_record(topic, record)));
        let mut refused = Vec::new();
        let mut first = 0;
        let started = Instant::now();
        while first < records.len() {
            let pending = &mut scratch[first..];
            let flags = RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_PARTITION;
            let count = c_int::try_from(pending.len()).unwrap_or(c_int::MAX);
            // SAFETY: a live topic of this producer; `count` messages that point to the borrowed records, whose
            // bytes are copied (`MSG_F_COPY`) before the call returns.
            let taken = unsafe { rd_kafka_produce_batch(topic.as_ptr(), -1, flags, pending.as_mut_ptr(), count) };
            if taken == count {
                first += pending.len().min(taken.unsigned_abs() as usize);
                continue;
            }
            // Once the queue is full librdkafka marks all the rest, so they are contiguous and stay in order.
            let full = pending.iter().position(|message| error_of(message) == ErrorCode::QUEUE_FULL);
            let end = first + full.unwrap_or(pending.len());
            for index in first..end {
                let code = error_of(&scratch[index]);
                if code != ErrorCode::NONE {
                    let (record, error) = (&records[index], named(KafkaError::from_code("produce", code), &topic.name));
                    refused.push((index, refusal(error, record.key, record.value)));
                }
            }
            first = end;
            if full.is_some()
                && let Err(error) = self.wait_for_room(started, max_wait)
            {
                refused.extend((first..records.len()).map(|index| (index, error.clone())));
                break;
            }
        }
        scratch.clear();
        if refused.is_empty() { Ok(()) } else { Err(refused) }
    }

    /// Serves delivery reports and client errors without waiting.
    ///
    /// # Errors
    /// What waiting cannot mend: a fatal error, missing rights.
    pub fn poll(&self) -> Result<(), KafkaError> {
        self.serve(Duration::ZERO);
        self.client.state.raised()
    }

    /// Takes the delivery reports that are there, without waiting, and with each the memory of its record: until then it counts as queued.
    pub fn take_reports(&self) {
        self.serve(Duration::ZERO);
    }

    /// Has what is queued sent without lingering, and waits a moment until it is delivered: for callers that have nothing to queue now.
    ///
    /// An idempotent producer of librdkafka has one request of more than a few records under way for each partition. Records that are queued
    /// behind it gain nothing, and its thread spins once they have waited for `linger.ms`, on a core that others could use.
    pub fn send(&self) {
        // What is not delivered by then stays under way.
        let _ = self.flush(SENDING);
    }

    /// Waits until every record is delivered or has failed.
    ///
    /// # Errors
    /// Records were still in flight when `timeout` was over; they stay queued.
    pub fn flush(&self, timeout: Duration) -> Result<(), KafkaError> {
        // SAFETY: a live handle; callbacks use no borrow that is held here.
        KafkaError::check("flush", unsafe { ffi::rd_kafka_flush(self.rk(), millis(timeout)) })
    }

    /// Records that are queued or in flight, and their reports that wait to be taken. Zero: nothing is under way.
    pub fn in_flight(&self) -> usize {
        // SAFETY: a live handle.
        usize::try_from(unsafe { rd_kafka_outq_len(self.rk()) }).unwrap_or(0)
    }

    /// The deliveries that failed since the last call, or of which nobody knows, in the order of their reports. Records dropped by an abort
    /// are not among them; those that a producer without transactions dropped at its end are.
    pub fn take_failures(&self) -> Vec<DeliveryFailure> {
        self.client.state.role.reports.take()
    }

    fn wait_for_room(&self, started: Instant, max_wait: Duration) -> Result<(), ProduceError> {
        let waited = started.elapsed();
        if waited >= max_wait {
            return Err(ProduceError::QueueFull { waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX) });
        }
        self.serve(QUEUE_FULL_PAUSE.min(max_wait - waited));
        Ok(())
    }

    pub(super) fn serve(&self, wait: Duration) {
        // SAFETY: a live handle; callbacks use no borrow that is held here.
        unsafe { rd_kafka_poll(self.rk(), millis(wait)) };
    }

    /// A topic of another producer would be used with the wrong handle.
    fn owned(&self, topic: &TopicHandle) -> Result<(), KafkaError> {
        match Arc::ptr_eq(&topic.client, &self.client) {
            true => Ok(()),
            false => Err(KafkaError::refused("produce", format!("topic `{}` belongs to another producer", topic.name))),
        }
    }

    pub(super) fn rk(&self) -> *mut rd_kafka_t {
        self.client.as_ptr()
    }
}

fn refusal(error: KafkaError, key: Option<&[u8]>, value: Option<&[u8]>) -> ProduceError {
    match error.code {
        ErrorCode::MESSAGE_TOO_LARGE => ProduceError::TooLarge { bytes: key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) },
        _ => ProduceError::Refused(error),
    }
}

/// The error of a record for this topic, with the right to write there if that is what is lacking.
pub(super) fn named(error: KafkaError, topic: &str) -> KafkaError {
    error.lacking(|code| (code == ErrorCode::TOPIC_DENIED).then(|| Right::on_topic("Write", topic)))
}
