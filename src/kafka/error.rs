//! What can go wrong between caz and Kafka, and whether a retry helps.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;

use rdkafka::bindings::{
    rd_kafka_error_destroy, rd_kafka_error_is_fatal, rd_kafka_error_is_retriable, rd_kafka_error_string, rd_kafka_error_t,
    rd_kafka_error_txn_requires_abort,
};

use super::{Right, ffi};

/// An error code of the Kafka protocol (positive) or of librdkafka itself (negative).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub(super) c_int);

impl ErrorCode {
    /// No error.
    pub const NONE: Self = Self(0);
    /// The deadline passed before the broker answered.
    pub const TIMED_OUT: Self = Self(-185);
    /// The producer's bounded queue has no room.
    pub const QUEUE_FULL: Self = Self(-184);
    /// The end of a partition was reached: information, not a failure.
    pub const PARTITION_EOF: Self = Self(-191);
    /// Every configured broker is unreachable; librdkafka keeps trying.
    pub const ALL_BROKERS_DOWN: Self = Self(-187);
    /// The client is in no state to carry the call out.
    pub const STATE: Self = Self(-172);
    /// An argument was refused before anything was sent.
    pub const INVALID_ARGUMENT: Self = Self(-186);
    /// The client can no longer work; [`KafkaError::is_fatal`] is true for it.
    pub const FATAL: Self = Self(-150);
    /// The broker refused the credentials, or there is no token.
    pub const AUTHENTICATION: Self = Self(-169);
    /// The connection to a broker broke, or could not be made.
    pub(super) const TRANSPORT: Self = Self(-195);
    /// TLS failed: a certificate that is not trusted, missing or over.
    pub const SSL: Self = Self(-181);
    /// The topic is not known to the brokers.
    pub const UNKNOWN_TOPIC_OR_PARTITION: Self = Self(3);
    /// The message is larger than `message.max.bytes` or the topic's `max.message.bytes`.
    pub const MESSAGE_TOO_LARGE: Self = Self(10);
    /// A transaction may stay open longer than the brokers allow.
    pub const INVALID_TRANSACTION_TIMEOUT: Self = Self(50);
    /// The topic exists already.
    pub const TOPIC_ALREADY_EXISTS: Self = Self(36);
    /// librdkafka's state contradicts what it was told.
    pub const INCONSISTENT: Self = Self(-149);

    pub(super) const ASSIGN_PARTITIONS: Self = Self(-175);
    pub(super) const REVOKE_PARTITIONS: Self = Self(-174);
    const UNKNOWN_TOPIC: Self = Self(-188);
    const UNKNOWN_PARTITION: Self = Self(-190);
    pub(super) const TOPIC_DENIED: Self = Self(29);
    pub(super) const GROUP_DENIED: Self = Self(30);
    pub(super) const CLUSTER_DENIED: Self = Self(31);
    pub(super) const TRANSACTIONAL_ID_DENIED: Self = Self(53);
    const INVALID_TIMESTAMP: Self = Self(32);
    const INVALID_RECORD: Self = Self(87);
    const BAD_MESSAGE: Self = Self(-199);
    const BAD_COMPRESSION: Self = Self(-198);
    const PURGED_IN_QUEUE: Self = Self(-152);
    const PURGED_IN_FLIGHT: Self = Self(-151);
    const ISR_INSUFFICIENT: Self = Self(-183);

    /// The number itself.
    pub fn code(self) -> i32 {
        self.0
    }

    /// The name in librdkafka's tables, without the `RD_KAFKA_RESP_ERR_` prefix, such as `_TIMED_OUT`.
    pub fn name(self) -> String {
        // SAFETY: err2name accepts any integer and returns a static or thread-local C string, copied at once.
        unsafe { copied(ffi::rd_kafka_err2name(self.0)) }
    }

    /// The description in librdkafka's tables.
    pub fn description(self) -> String {
        // SAFETY: as for `name`.
        unsafe { copied(ffi::rd_kafka_err2str(self.0)) }
    }

    /// True when the message was dropped by [`Producer::abort`](super::Producer::abort) rather than refused.
    pub(super) fn is_purged(self) -> bool {
        self == Self::PURGED_IN_QUEUE || self == Self::PURGED_IN_FLIGHT
    }

    /// True while the group shares its partitions anew and takes no offsets, or has done so and this member does not know yet: it takes the
    /// same ones after the next poll, which tells a member that has been thrown out of that.
    pub fn is_rebalancing(self) -> bool {
        // ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, STALE_MEMBER_EPOCH
        matches!(self.0, 22 | 27 | 113)
    }

    /// True when this producer was replaced by a newer one of the same transactional id, or this group member by
    /// a newer one of the same instance id.
    pub fn is_fenced(self) -> bool {
        // _FENCED, INVALID_PRODUCER_EPOCH, FENCED_INSTANCE_ID, PRODUCER_FENCED
        matches!(self.0, -144 | 47 | 82 | 90)
    }

    /// True when only a human can mend it: credentials, authorisation, a topic that does not exist, a protocol
    /// the broker lacks, a record that is corrupt. A client that meets one of these reports it instead of waiting for ever.
    pub fn needs_operator(self) -> bool {
        // _BAD_MSG, _BAD_COMPRESSION, _UNKNOWN_PARTITION, _UNKNOWN_TOPIC, _AUTHENTICATION, _UNSUPPORTED_FEATURE, _AUTO_OFFSET_RESET,
        // UNKNOWN_TOPIC_OR_PART, TOPIC_EXCEPTION, INCONSISTENT_GROUP_PROTOCOL, INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, the
        // *_AUTHORIZATION_FAILED codes, UNSUPPORTED_SASL_MECHANISM, UNSUPPORTED_VERSION, INVALID_TRANSACTION_TIMEOUT,
        // SASL_AUTHENTICATION_FAILED, UNSUPPORTED_ASSIGNOR
        self == Self::INVALID_TRANSACTION_TIMEOUT
            || matches!(
                self.0,
                -199 | -198 | -190 | -188 | -169 | -165 | -140 | 3 | 17 | 23 | 24 | 26 | 29 | 30 | 31 | 33 | 35 | 53 | 58 | 112
            )
    }

    /// True when the user lacks a right: the `*_AUTHORIZATION_FAILED` codes.
    pub fn is_denied(self) -> bool {
        [Self::TOPIC_DENIED, Self::GROUP_DENIED, Self::CLUSTER_DENIED, Self::TRANSACTIONAL_ID_DENIED].contains(&self)
    }

    /// True when what a record holds is against its topic's settings: the topic refuses it however often it is sent.
    pub fn is_against_topic(self) -> bool {
        [Self::INVALID_TIMESTAMP, Self::INVALID_RECORD].contains(&self)
    }

    /// True when the same call may succeed later without anybody's doing.
    fn is_transient(self) -> bool {
        // Local: _TRANSPORT, _RESOLVE, _MSG_TIMED_OUT, _WAIT_COORD, _IN_PROGRESS, _PREV_IN_PROGRESS, _RETRY,
        // _TIMED_OUT_QUEUE. Broker: leader and coordinator moves, request timeouts, unstable offset commits.
        self == Self::TIMED_OUT
            || self == Self::ALL_BROKERS_DOWN
            || self == Self::QUEUE_FULL
            || self == Self::ISR_INSUFFICIENT
            || matches!(self.0, -195 | -193 | -192 | -180 | -178 | -177 | -166 | -153)
            || matches!(self.0, 5 | 6 | 7 | 8 | 9 | 13 | 14 | 15 | 16 | 19 | 20 | 27 | 51 | 78 | 88)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description())
    }
}

/// A failed call to Kafka. Never holds the value of a secret property.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {reason} ({}){}", code.name(), self.mend())]
pub struct KafkaError {
    /// What was being done, such as `commit the transaction`.
    pub operation: &'static str,
    /// librdkafka's code.
    pub code: ErrorCode,
    /// librdkafka's text.
    pub reason: String,
    /// The right that the user lacks, where that is the reason.
    pub right: Option<Right>,
    fatal: bool,
    retriable: bool,
    abortable: bool,
}

impl KafkaError {
    /// An error known only by its code.
    pub(super) fn from_code(operation: &'static str, code: ErrorCode) -> Self {
        Self::with_reason(operation, code, code.description())
    }

    pub(super) fn with_reason(operation: &'static str, code: ErrorCode, reason: String) -> Self {
        let fatal = code == ErrorCode::FATAL || code.is_fenced();
        Self { operation, code, reason, right: None, fatal, retriable: code.is_transient(), abortable: false }
    }

    /// A call that was refused by this module before it reached librdkafka.
    pub(super) fn refused(operation: &'static str, reason: impl Into<String>) -> Self {
        Self::with_reason(operation, ErrorCode::INVALID_ARGUMENT, reason.into())
    }

    /// A record that goes without all that it can go without, and is larger than its topic takes.
    pub fn too_large(topic: &str, bytes: usize) -> Self {
        let reason = format!(
            "the smallest record that tells of an event has {bytes} bytes, and topic `{topic}` takes none so large: raise its `max.message.bytes`"
        );
        Self::with_reason("queue a dead letter", ErrorCode::MESSAGE_TOO_LARGE, reason)
    }

    pub(super) fn fatal(operation: &'static str, code: ErrorCode, reason: String) -> Self {
        Self { fatal: true, retriable: false, ..Self::with_reason(operation, code, reason) }
    }

    /// `Ok` for code 0.
    pub(super) fn check(operation: &'static str, code: c_int) -> Result<(), Self> {
        match code {
            0 => Ok(()),
            code => Err(Self::from_code(operation, ErrorCode(code))),
        }
    }

    /// Takes ownership of an error object; `Ok` for null.
    ///
    /// # Safety
    /// `error` is null or an error object returned by librdkafka that nobody else destroys.
    pub(super) unsafe fn take(operation: &'static str, error: *mut rd_kafka_error_t) -> Result<(), Self> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: `error` is a live error object (caller's contract); its string is copied before the destroy.
        unsafe {
            let taken = Self {
                operation,
                code: ErrorCode(ffi::rd_kafka_error_code(error)),
                reason: copied(rd_kafka_error_string(error)),
                right: None,
                fatal: rd_kafka_error_is_fatal(error) != 0,
                retriable: rd_kafka_error_is_retriable(error) != 0,
                abortable: rd_kafka_error_txn_requires_abort(error) != 0,
            };
            rd_kafka_error_destroy(error);
            Err(taken)
        }
    }

    /// The error of a transaction whose records went to these topics, one of which the user may not write to: librdkafka does not say which.
    pub fn of_one_of(self, topics: &[&str]) -> Self {
        let resource = format!("topic `{}`", topics.join("` or `"));
        self.lacking(|code| (code == ErrorCode::TOPIC_DENIED).then_some(Right { operation: "Write", resource }))
    }

    /// The error of a record for this topic, which librdkafka does not name where it, or a partition of it, is missing.
    pub fn of_topic(mut self, topic: &str) -> Self {
        if matches!(self.code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::UNKNOWN_TOPIC | ErrorCode::UNKNOWN_PARTITION) {
            self.reason = format!("topic `{topic}`: {}", self.reason);
        }
        self
    }

    /// The error with the right that is lacking, where the code says that one is; what is known already stays.
    pub(super) fn lacking(mut self, right: impl FnOnce(ErrorCode) -> Option<Right>) -> Self {
        if self.right.is_none() && self.code.is_denied() {
            self.right = right(self.code);
        }
        self
    }

    /// What mends it, as the end of the message, where a person can.
    fn mend(&self) -> String {
        match (&self.right, self.code) {
            (Some(right), _) => format!(". Mend: grant the user {right}"),
            (None, ErrorCode::AUTHENTICATION) if !self.reason.contains("OAUTHBEARER token") => {
                ". Mend: see to `sasl.mechanism` under `kafka`, and to the user's name and password, or to the token".to_owned()
            }
            (None, ErrorCode::SSL) => {
                ". Mend: see to `ssl.ca.location` under `kafka`, and where the broker asks for it, to the client's certificate: \
                 `ssl.certificate.location`, `ssl.key.location`, `ssl.key.password`"
                    .to_owned()
            }
            (None, ErrorCode::BAD_MESSAGE) if self.reason.contains("receive.message.max.bytes") => {
                ". Mend: set `receive.message.max.bytes` under `kafka` to more than the largest record has; where no broker gets an answer \
                 through, see to `security.protocol`"
                    .to_owned()
            }
            (None, ErrorCode::BAD_MESSAGE | ErrorCode::BAD_COMPRESSION) => {
                ". Mend: the partition's records are damaged on its leader; let another replica lead it, or give them up by moving the \
                 group's offset behind them"
                    .to_owned()
            }
            (None, code) if code.is_against_topic() => {
                ". Mend: scores and dead letters have their events' times and keys; let the topic take what the input topic does: see to its \
                 `message.timestamp.before.max.ms` and `message.timestamp.after.max.ms`, and to its `cleanup.policy`, since a compacted \
                 topic takes no record without a key"
                    .to_owned()
            }
            (None, ErrorCode::INVALID_TRANSACTION_TIMEOUT) => {
                ". Mend: `delivery.transaction_timeout` is longer than the brokers' `transaction.max.timeout.ms`; shorten it".to_owned()
            }
            _ => String::new(),
        }
    }

    /// The client that raised it can do nothing more and must be dropped.
    pub fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// The record was dropped by an abort rather than refused.
    pub fn is_purged(&self) -> bool {
        self.code.is_purged()
    }

    /// The same call may succeed later.
    pub fn is_retriable(&self) -> bool {
        self.retriable
    }

    /// True when a deadline passed.
    pub fn is_timeout(&self) -> bool {
        self.code == ErrorCode::TIMED_OUT
    }

    pub(super) fn requires_abort(&self) -> bool {
        self.abortable
    }
}

/// What a failed transactional call asks of its caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// Call [`Producer::abort`](super::Producer::abort), rewind the consumer, process the input again.
    #[error("the transaction must be aborted: {0}")]
    Abortable(#[source] KafkaError),
    /// The producer is finished: drop it and make a new one. `fenced` tells that another producer with the same
    /// transactional id has taken over, so that a new one here would fight it.
    #[error("the transactional producer can no longer be used: {error}")]
    Fatal {
        /// Another producer of the same transactional id is active.
        fenced: bool,
        /// The cause.
        #[source]
        error: KafkaError,
    },
    /// The deadline passed and librdkafka goes on in the background. The only permitted next step is the same
    /// call with the same arguments (or dropping the producer): the outcome is not known yet.
    #[error("the transaction is still in progress: {0}")]
    Retriable(#[source] KafkaError),
}

impl TransactionError {
    pub(super) fn classify(error: KafkaError) -> Self {
        if error.is_fatal() || error.code.is_fenced() {
            Self::Fatal { fenced: error.code.is_fenced(), error }
        } else if error.requires_abort() {
            Self::Abortable(error)
        } else if error.is_retriable() {
            Self::Retriable(error)
        } else {
            // A call made in the wrong state, or a feature the broker lacks: no abort can mend it.
            Self::Fatal { fenced: false, error }
        }
    }

    /// [`KafkaError::lacking`] of the cause.
    pub(super) fn lacking(mut self, right: impl FnOnce(ErrorCode) -> Option<Right>) -> Self {
        let (Self::Abortable(error) | Self::Retriable(error) | Self::Fatal { error, .. }) = &mut self;
        *error = error.clone().lacking(right);
        self
    }

    /// The cause.
    pub fn kafka_error(&self) -> &KafkaError {
        match self {
            Self::Abortable(error) | Self::Retriable(error) | Self::Fatal { error, .. } => error,
        }
    }

    /// The cause, taken out.
    pub fn into_kafka_error(self) -> KafkaError {
        match self {
            Self::Abortable(error) | Self::Retriable(error) | Self::Fatal { error, .. } => error,
        }
    }
}

/// Why a record was not taken into the producer's queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProduceError {
    /// The queue stayed full for the whole wait. Nothing was taken; the same call may be repeated.
    #[error("the producer's queue stayed full for {waited_ms} ms")]
    QueueFull {
        /// How long the call waited, milliseconds.
        waited_ms: u64,
    },
    /// The record is larger than `message.max.bytes`: it can never be sent.
    #[error("the record of {bytes} bytes exceeds message.max.bytes")]
    TooLarge {
        /// Key and value, bytes.
        bytes: usize,
    },
    /// The record was refused for another reason: an unknown partition, a transaction in error, a fatal error.
    #[error(transparent)]
    Refused(#[from] KafkaError),
}

/// Copies a C string that may be null.
///
/// # Safety
/// `text` is null or a valid NUL-terminated string.
pub(super) unsafe fn copied(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, NUL-terminated (caller's contract).
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_too_large_is_not_damaged() {
        let reason = "Receive failed: Invalid response size 150000123 (0..100000000): increase receive.message.max.bytes";
        let told = KafkaError::with_reason("Kafka client", ErrorCode::BAD_MESSAGE, reason.to_owned()).to_string();
        assert!(told.contains("Mend: set `receive.message.max.bytes`") && !told.contains("damaged"), "{told}");
    }
}
