//! Kafka: a small safe interface over librdkafka's batch calls.
//!
//! rust-rdkafka's consumer delivers one message a call and handles a rebalance as an event of its own `poll`.
//! caz takes messages in batches, at half the cost of one call each, and must serve a rebalance on the thread
//! that owns the open transaction. So [`Consumer`] and [`Producer`] call librdkafka through
//! [`rdkafka::bindings`]. Administration and the in-process broker, which are off the hot path, use rust-rdkafka.
//!
//! # Ownership
//! One worker thread owns one [`Consumer`] and one [`Producer`]. Both are `Send` and not `Sync`. Every callback
//! that reaches caz's code (rebalance, delivery report, client error) runs inside a call made by that thread.
//! Two run elsewhere: the log callback touches nothing but `tracing`, and the one that fetches OAUTHBEARER tokens, on
//! librdkafka's background thread, nothing but the client's `TokenSource`, which is `Sync`.
//!
//! # Invariants
//! - A message that [`Consumer::poll_batch`] returns belongs to a partition that is assigned at that moment, and
//!   its offset is above every offset returned before for that partition since the last seek or assignment, unless the log has become
//!   shorter than that: a topic that was made anew is read from its start.
//! - An error in place of a message is no message: its partition goes on where it stood, and gives nothing before it was sought there.
//! - [`RebalanceListener::revoked`] runs while the partitions are still ours: offsets committed in it count.
//! - Offsets are never committed or stored by librdkafka on its own.
//! - [`Producer::commit`] and [`Producer::take_failures`] count a record as delivered only when a broker has said where it is.
//! - Every wait is bounded: by a timeout argument, or by a property that is always set.
//! - The value of a secret property appears in no error, log line or `Debug` output.
//!
//! # Safety
//! This is the only module of the crate with `unsafe` code. The argument rests on few facts:
//! - **Lifetimes.** The native handle is reference-counted (`client::NativeClient`); batches of messages and topic
//!   handles hold a reference, so they are always destroyed before it, as librdkafka requires.
//! - **Opaque pointers.** Callbacks receive a pointer to heap memory with a fixed address that is freed after the
//!   handle. Only shared references to it are ever made; it changes through `Cell`, `RefCell` and `Mutex`.
//! - **The listener pointer** is set only while a call that may run the rebalance callback is on the stack, by a
//!   guard that clears it, also during unwinding.
//! - **Panics** in a listener are caught before the C frame, and resumed once the native call has returned; one while
//!   a token is fetched becomes a failure to fetch it.
//! - **The background thread** has ended before the handle is freed: `rd_kafka_destroy` waits for it, for as long as
//!   a request for a token takes at most.
//! - **Error codes** cross the boundary as integers (`ffi`), so that a code unknown to librdkafka is harmless.

#![allow(unsafe_code)]

mod admin;
mod batch;
mod client;
mod consumer;
mod ends;
mod error;
mod ffi;
mod lookup;
mod mock;
mod oauthbearer;
mod offsets;
mod partitions;
mod producer;
mod properties;
mod range;
mod reach;
mod rebalance;
mod record;
mod reports;
mod right;
mod sasl;
mod transaction;
mod trial;

pub use admin::{Admin, TopicDescription};
pub use batch::{Headers, Message, MessageBatch};
pub use client::{ConfigError, PropertyFault, PropertyProblem};
pub use consumer::{Consumer, PollLimits};
pub use ends::{Ends, TopicEnd};
pub use error::{ErrorCode, KafkaError, ProduceError, TransactionError};
pub use lookup::{LookupError, read_record};
pub use mock::MockBroker;
pub use offsets::{GroupMetadata, Watermarks};
pub use producer::{MOST_RECORD_BYTES, Producer, TopicHandle};
pub use properties::{ClientProperties, MASK};
pub use range::{OffsetRange, RangeReader};
pub use rebalance::RebalanceListener;
pub use record::{BareRecord, Header, OutboundRecord};
pub use reports::DeliveryFailure;
pub use right::Right;
pub use trial::{KnownProperty, conflicts, known_properties};
