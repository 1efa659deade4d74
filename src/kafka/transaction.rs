//! Transactions of a [`Producer`]. Every call blocks; each repeats what librdkafka calls retriable until its
//! deadline.

use std::ffi::{CString, c_int};
use std::time::{Duration, Instant};

use rdkafka::bindings::{
    rd_kafka_abort_transaction, rd_kafka_begin_transaction, rd_kafka_commit_transaction, rd_kafka_error_t, rd_kafka_init_transactions,
    rd_kafka_send_offsets_to_transaction,
};

use super::client::{Role as _, remaining_ms};
use super::partitions::PartitionList;
use super::{ErrorCode, GroupMetadata, KafkaError, Producer, Right, TransactionError};

/// Pause before a retriable call is repeated; a full answer from the broker usually took longer.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// How often a commit that waits for its records asks whether the transaction has failed, after which they never arrive.
const FAILURE_CHECK: Duration = Duration::from_millis(50);

const COMMIT: &str = "commit the transaction";

impl Producer {
    /// Registers the transactional id: waits for, or aborts, what an earlier producer of the same id left open,
    /// and fences it. Once, before the first [`begin`](Self::begin).
    pub fn init_transactions(&self, timeout: Duration) -> Result<(), TransactionError> {
        // SAFETY: a live handle.
        self.until(timeout, "start transactions", |ms| unsafe { rd_kafka_init_transactions(self.rk(), ms) })
    }

    /// Begins a transaction: a local act, without a round trip.
    pub fn begin(&self) -> Result<(), TransactionError> {
        // SAFETY: a live handle; the error object is owned by us.
        let outcome = unsafe { KafkaError::take("begin a transaction", rd_kafka_begin_transaction(self.rk())) };
        outcome.map_err(TransactionError::classify)
    }

    /// Adds the offsets of the next messages to read to the transaction: they are committed with it or not at all.
    pub fn send_offsets(
        &self,
        offsets: &[(i32, i64)],
        topic: &str,
        group: &GroupMetadata,
        timeout: Duration,
    ) -> Result<(), TransactionError> {
        const OPERATION: &str = "add offsets to the transaction";
        if offsets.is_empty() {
            return Ok(());
        }
        let topic =
            CString::new(topic).map_err(|_| TransactionError::classify(KafkaError::refused(OPERATION, "the topic holds a NUL byte")))?;
        let list = PartitionList::with_offsets(&topic, offsets);
        // SAFETY: live handle, list and metadata.
        let outcome = self
            .until(timeout, OPERATION, |ms| unsafe { rd_kafka_send_offsets_to_transaction(self.rk(), list.as_ptr(), group.as_ptr(), ms) });
        outcome.map_err(|error| {
            // A transaction whose records were refused meanwhile says so here too: then it is another topic and another right.
            let is_of_records = error.kafka_error().reason.starts_with("Failed to add partition(s)");
            error.lacking(|code| match code {
                ErrorCode::TOPIC_DENIED if is_of_records => None,
                ErrorCode::TOPIC_DENIED => Some(Right::on_topic("Read", &topic.to_string_lossy())),
                ErrorCode::GROUP_DENIED => Some(Right::in_group(group.group())),
                _ => None,
            })
        })
    }

    /// Delivers everything that is queued and commits the transaction.
    pub fn commit(&self, timeout: Duration) -> Result<(), TransactionError> {
        let deadline = Instant::now() + timeout;
        self.deliver(deadline)?;
        // SAFETY: a live handle.
        self.until(deadline.saturating_duration_since(Instant::now()), COMMIT, |ms| unsafe { rd_kafka_commit_transaction(self.rk(), ms) })
    }

    /// Waits until every record of the transaction is known to have arrived. The native commit waits too, but commits
    /// records of which nobody knows.
    fn deliver(&self, deadline: Instant) -> Result<(), TransactionError> {
        while self.flush(FAILURE_CHECK.min(deadline.saturating_duration_since(Instant::now()))).is_err() {
            self.standing()?;
            if Instant::now() >= deadline {
                return Err(TransactionError::Retriable(KafkaError::from_code(COMMIT, ErrorCode::TIMED_OUT)));
            }
        }
        self.client.state.role.reports.unconfirmed().map_or(Ok(()), |error| Err(TransactionError::Abortable(error)))
    }

    /// Whether the open transaction can still be committed.
    ///
    /// # Errors
    /// Why it cannot, which a record that is refused meanwhile does not tell.
    pub fn standing(&self) -> Result<(), TransactionError> {
        // SAFETY: a live handle; the error object is owned by us. Inside of a transaction this changes nothing, and is refused: with the
        // transaction's own error once it has one.
        match unsafe { KafkaError::take(COMMIT, rd_kafka_begin_transaction(self.rk())) } {
            Err(error) if error.is_fatal() || error.requires_abort() => Err(self.explained(error)),
            _ => Ok(()),
        }
    }

    /// Drops everything that is queued and aborts the transaction. The consumer must then be rewound, see
    /// [`Consumer::rewind_to_committed`](super::Consumer::rewind_to_committed).
    pub fn abort(&self, timeout: Duration) -> Result<(), TransactionError> {
        // SAFETY: a live handle.
        self.until(timeout, "abort the transaction", |ms| unsafe { rd_kafka_abort_transaction(self.rk(), ms) })
    }

    fn until(
        &self,
        timeout: Duration,
        operation: &'static str,
        call: impl Fn(c_int) -> *mut rd_kafka_error_t,
    ) -> Result<(), TransactionError> {
        let deadline = Instant::now() + timeout;
        loop {
            // SAFETY: the error object is owned by us.
            let outcome = unsafe { KafkaError::take(operation, call(remaining_ms(deadline))) };
            match outcome.map_err(|error| self.explained(error)) {
                Err(TransactionError::Retriable(_)) if Instant::now() + RETRY_PAUSE < deadline => {
                    self.serve(RETRY_PAUSE);
                }
                outcome => return outcome,
            }
        }
    }

    fn explained(&self, error: KafkaError) -> TransactionError {
        TransactionError::classify(error.lacking(|code| self.client.state.role.lacking(code)))
    }
}
