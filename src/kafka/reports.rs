//! Delivery reports: which records were not delivered, and which nobody knows to be.
//!
//! An idempotent producer sends up to five requests for a partition at once. When the broker refuses the first for a passing reason (a new
//! leader, a topic that is being made) and takes the second, librdkafka holds the first for delivered too: a log that knows the producer
//! would have refused the second. A log that does not know it yet, for the topic or the producer is new, takes any sequence number, and the
//! first request's records are lost. Such records are reported without an error and without an offset.
//!
//! Reports of success are on for a second reason: with them librdkafka frees a record on the thread that takes its report, which is the one
//! that made it, and memory that returns to its own thread costs a fraction of what two threads pass to and fro.

use std::cell::RefCell;
use std::ffi::c_void;

use rdkafka::bindings::{
    rd_kafka_conf_set_dr_msg_cb, rd_kafka_message_produce_errstr, rd_kafka_message_t, rd_kafka_t, rd_kafka_topic_name,
};

use super::client::{CallbackState, NativeConfig};
use super::error::copied;
use super::producer::{ProducerRole, named};
use super::record::error_of;
use super::{ErrorCode, KafkaError};

/// Failures kept for [`Producer::take_failures`](super::Producer::take_failures); more of them say nothing new.
const MAX_FAILURES: usize = 10_000;

/// A record that was taken into the queue and was not delivered, or is not known to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFailure {
    /// Its topic.
    pub topic: String,
    /// Its partition; -1 when none was chosen yet.
    pub partition: i32,
    /// Its [`OutboundRecord::tag`](super::OutboundRecord::tag).
    pub tag: u64,
    /// Why.
    pub error: KafkaError,
}

/// The failures that were not taken yet. Reports come on the thread that owns the producer, inside its calls.
#[derive(Default)]
pub(super) struct Reports(RefCell<Vec<DeliveryFailure>>);

impl Reports {
    /// Sees to it that a producer made from `conf` reports here.
    pub(super) fn ask_for(conf: &NativeConfig) {
        // SAFETY: a live configuration; the callback expects the state that `NativeClient::new` makes.
        unsafe { rd_kafka_conf_set_dr_msg_cb(conf.as_ptr(), Some(on_report)) }
    }

    /// The failures since the last call.
    pub(super) fn take(&self) -> Vec<DeliveryFailure> {
        self.0.take()
    }

    /// Whether a record is not known to be delivered although librdkafka holds it for that.
    pub(super) fn unconfirmed(&self) -> Option<KafkaError> {
        let failures = self.0.borrow();
        failures.iter().find(|failure| failure.error.code == ErrorCode::INCONSISTENT).map(|failure| failure.error.clone())
    }

    fn note(&self, failure: DeliveryFailure) {
        let mut failures = self.0.borrow_mut();
        if failures.len() < MAX_FAILURES {
            failures.push(failure);
        }
    }
}

/// The report of a record, delivered or not.
unsafe extern "C" fn on_report(_: *mut rd_kafka_t, message: *const rd_kafka_message_t, opaque: *mut c_void) {
    const UNCONFIRMED: &str = "librdkafka holds it for delivered, and no broker has told its offset";
    let code = error_of(message);
    // SAFETY: librdkafka passes a valid message.
    let has_offset = unsafe { (*message).offset >= 0 };
    if code == ErrorCode::NONE && has_offset {
        return;
    }
    // SAFETY: `opaque` is the state pinned for the life of this client; only shared references to it exist.
    let role = unsafe { &(*opaque.cast::<CallbackState<ProducerRole>>()).role };
    // An abort drops records; without transactions only a producer that has come to its end does.
    if code.is_purged() && role.is_transactional() {
        return;
    }
    // SAFETY: librdkafka passes a valid message with a live topic, whose name is a field of it.
    let (topic, partition, tag) = unsafe { (copied(rd_kafka_topic_name((*message).rkt)), (*message).partition, (*message)._private) };
    let error = match code {
        ErrorCode::NONE => KafkaError::with_reason("deliver", ErrorCode::INCONSISTENT, UNCONFIRMED.to_owned()),
        code if code.is_against_topic() => {
            // SAFETY: a valid message, whose text is copied at once; brokers before Kafka 2.4 send none.
            let told = unsafe { copied(rd_kafka_message_produce_errstr(message)) };
            let why = if told.is_empty() { code.description() } else { told };
            KafkaError::with_reason("deliver", code, format!("topic `{topic}` refuses a record: {why}"))
        }
        code => named(KafkaError::from_code("deliver", code), &topic),
    };
    role.reports.note(DeliveryFailure { topic, partition, tag: tag.addr() as u64, error });
}
