//! A batch of consumed messages and views into it.

use std::ffi::{CStr, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr;
use std::slice;
use std::sync::Arc;

use rdkafka::bindings::{
    rd_kafka_headers_t, rd_kafka_message_destroy, rd_kafka_message_t, rd_kafka_message_timestamp, rd_kafka_timestamp_type_t,
};

use super::client::NativeClient;
use super::rebalance::ConsumerRole;
use super::{ErrorCode, ffi};

/// Messages of one [`Consumer::poll_batch`](super::Consumer::poll_batch), kept in librdkafka's buffers: nothing is
/// copied. Cleared by the next poll, on [`clear`](Self::clear) or on drop.
#[derive(Default)]
pub struct MessageBatch {
    /// Valid message pointers without errors, owned; every one is of `client`.
    messages: Vec<*mut rd_kafka_message_t>,
    /// Keeps the handle alive as long as its messages.
    client: Option<Arc<NativeClient<ConsumerRole>>>,
}

// SAFETY: the pointers are owned, and librdkafka lets any thread read and destroy a message.
unsafe impl Send for MessageBatch {}

impl MessageBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// True when there is no message.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Size of all keys and payloads, bytes.
    pub fn bytes(&self) -> usize {
        self.iter().map(|message| message.raw.len + message.raw.key_len).sum()
    }

    /// The message at `index`, in the order of arrival: by offset within a partition.
    pub fn get(&self, index: usize) -> Option<Message<'_>> {
        let topic = self.topic();
        // SAFETY: pointers in `messages` are valid until `clear`, which needs `&mut self`.
        self.messages.get(index).map(|message| Message { raw: unsafe { &**message }, topic })
    }

    /// All messages in the order of arrival.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Message<'_>> {
        let topic = self.topic();
        // SAFETY: as for `get`.
        self.messages.iter().map(move |message| Message { raw: unsafe { &**message }, topic })
    }

    fn topic(&self) -> &str {
        topic_of(self.client.as_ref())
    }

    /// Keeps the messages that `wanted` accepts, in order, and hands the others back to librdkafka.
    pub fn keep(&mut self, wanted: impl Fn(&Message<'_>) -> bool) {
        let client = self.client.clone();
        let topic = topic_of(client.as_ref());
        // SAFETY: as for `get`; none of the batch's messages has an error.
        self.retain(0..self.len(), |message| wanted(&Message { raw: unsafe { &*message }, topic }));
    }

    /// Hands the messages back to librdkafka and keeps the buffer.
    pub fn clear(&mut self) {
        for message in self.messages.drain(..) {
            // SAFETY: owned by this batch, taken out of it, destroyed once.
            unsafe { rd_kafka_message_destroy(message) };
        }
        self.client = None;
    }

    /// Starts a batch of `client`'s messages.
    pub(super) fn start(&mut self, client: &Arc<NativeClient<ConsumerRole>>) {
        self.clear();
        self.client = Some(Arc::clone(client));
    }

    /// Lets `fill` append up to `room` messages: it gets a null-filled slice and returns how many of its first
    /// entries it set to messages of the client given to `start`.
    pub(super) fn append(&mut self, room: usize, fill: impl FnOnce(&mut [*mut rd_kafka_message_t]) -> usize) -> usize {
        let start = self.messages.len();
        self.messages.resize(start + room, ptr::null_mut());
        let added = fill(&mut self.messages[start..]).min(room);
        self.messages.truncate(start + added);
        added
    }

    /// Keeps the messages in `range` that `keep` accepts, in order, destroys the others, and returns how many
    /// those are. `keep` gets a valid message whose error code may be one this process does not know; it must
    /// refuse every message with an error.
    pub(super) fn retain(&mut self, range: Range<usize>, mut keep: impl FnMut(*const rd_kafka_message_t) -> bool) -> usize {
        let (start, end) = (range.start, range.end);
        let mut kept = start;
        for index in range {
            let message = self.messages[index];
            if keep(message) {
                self.messages[kept] = message;
                kept += 1;
            } else {
                // SAFETY: owned by this batch, destroyed once: its slot is overwritten or cut off.
                unsafe { rd_kafka_message_destroy(message) };
            }
        }
        self.messages.drain(kept..end);
        end - kept
    }
}

/// A client reads one topic: asking for the name beats asking each message for it.
fn topic_of(client: Option<&Arc<NativeClient<ConsumerRole>>>) -> &str {
    client.map_or("", |client| client.state.role.topic())
}

impl Drop for MessageBatch {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for MessageBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageBatch").field("len", &self.len()).field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

/// One consumed message. Its bytes live as long as the batch.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    raw: &'a rd_kafka_message_t,
    topic: &'a str,
}

impl<'a> Message<'a> {
    /// The topic's name.
    pub fn topic(&self) -> &'a str {
        self.topic
    }

    /// The partition.
    pub fn partition(&self) -> i32 {
        self.raw.partition
    }

    /// The offset.
    pub fn offset(&self) -> i64 {
        self.raw.offset
    }

    /// The key; `None` for a record without one.
    pub fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: pointer and length describe memory owned by the message.
        unsafe { bytes(self.raw.key, self.raw.key_len) }
    }

    /// The value; `None` for a tombstone.
    pub fn payload(&self) -> Option<&'a [u8]> {
        // SAFETY: as for `key`.
        unsafe { bytes(self.raw.payload, self.raw.len) }
    }

    /// Milliseconds since the epoch: when it was created or appended, as the topic is configured.
    pub fn timestamp_ms(&self) -> Option<i64> {
        let mut kind = rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: a live message.
        let timestamp = unsafe { rd_kafka_message_timestamp(self.raw, &mut kind) };
        (kind != rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && timestamp >= 0).then_some(timestamp)
    }

    /// The headers in order; a name may occur more than once.
    pub fn headers(&self) -> Headers<'a> {
        let mut headers = ptr::null_mut();
        // SAFETY: a live message; librdkafka parses its headers at the first call and keeps them in the message,
        // which no other thread uses at this time (`Message` is not `Send`).
        let found = ErrorCode(unsafe { ffi::rd_kafka_message_headers(self.raw, &mut headers) });
        if found != ErrorCode::NONE {
            headers = ptr::null_mut();
        }
        Headers { headers, next: 0, message: PhantomData }
    }

    /// The value of the last header of that name.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().filter(|(known, _)| *known == name).last()?.1
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]@{}", self.topic(), self.partition(), self.offset())
    }
}

/// Iterator over a message's headers.
#[derive(Clone)]
pub struct Headers<'a> {
    /// Owned by the message; null when it has none.
    headers: *const rd_kafka_headers_t,
    next: usize,
    message: PhantomData<&'a rd_kafka_message_t>,
}

impl<'a> Iterator for Headers<'a> {
    /// The name, and the value (`None` for a null value). A name that is not UTF-8 is given as an empty string.
    type Item = (&'a str, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.headers.is_null() {
            return None;
        }
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: live headers; an index past the end is answered with an error.
        let found = ErrorCode(unsafe { ffi::rd_kafka_header_get_all(self.headers, self.next, &mut name, &mut value, &mut size) });
        if found != ErrorCode::NONE {
            return None;
        }
        self.next += 1;
        // SAFETY: name and value are owned by the headers, the name is NUL-terminated.
        Some(unsafe { (CStr::from_ptr(name).to_str().unwrap_or_default(), bytes(value.cast_mut(), size)) })
    }
}

/// # Safety
/// `data` is null, or `len` bytes that live for `'a`.
unsafe fn bytes<'a>(data: *mut c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: caller's contract.
    (!data.is_null()).then(|| unsafe { slice::from_raw_parts(data.cast::<u8>().cast_const(), len) })
}
