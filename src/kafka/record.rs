//! Records on their way into the producer, and their native form.

use std::ffi::{c_int, c_void};
use std::ptr;

use rdkafka::bindings::{
    RD_KAFKA_MSG_F_COPY, rd_kafka_headers_destroy, rd_kafka_headers_new, rd_kafka_headers_t, rd_kafka_message_t, rd_kafka_resp_err_t,
    rd_kafka_vtype_t, rd_kafka_vu_s, rd_kafka_vu_s__bindgen_ty_1 as Variant, rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 as Memory,
};

use super::{ErrorCode, KafkaError, TopicHandle, ffi};

/// A header's name and value; `None` is a null value.
pub type Header<'a> = (&'a str, Option<&'a [u8]>);

/// A record to produce. Its bytes are copied: the buffers may be reused when the call returns.
#[derive(Debug, Clone, Copy)]
pub struct OutboundRecord<'a> {
    /// Where to.
    pub topic: &'a TopicHandle,
    /// The partition; `None` leaves it to the `partitioner` and the key.
    pub partition: Option<i32>,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Names and values, in order.
    pub headers: &'a [Header<'a>],
    /// Milliseconds since the epoch; `None` is now. The epoch itself becomes the millisecond after it.
    pub timestamp_ms: Option<i64>,
    /// Returned in [`DeliveryFailure`](super::DeliveryFailure).
    pub tag: u64,
}

/// A record without headers, for [`Producer::produce_batch`](super::Producer::produce_batch).
#[derive(Debug, Clone, Copy, Default)]
pub struct BareRecord<'a> {
    /// The partition; `None` leaves it to the `partitioner` and the key.
    pub partition: Option<i32>,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Returned in [`DeliveryFailure`](super::DeliveryFailure).
    pub tag: u64,
}

/// Headers on their way into a record: librdkafka takes them over only when it takes the record.
pub(super) struct HeaderList(*mut rd_kafka_headers_t);

impl HeaderList {
    /// Null for no headers.
    pub(super) fn new(headers: &[Header<'_>]) -> Result<Self, KafkaError> {
        if headers.is_empty() {
            return Ok(Self(ptr::null_mut()));
        }
        // SAFETY: librdkafka aborts the process when it cannot allocate.
        let list = Self(unsafe { rd_kafka_headers_new(headers.len()) });
        for (name, value) in headers {
            let (name, name_size) = (name.as_ptr().cast(), name.len().cast_signed());
            let (value, value_size) = value.map_or((ptr::null(), 0), |value| (value.as_ptr().cast(), value.len().cast_signed()));
            // SAFETY: live headers; name and value are copied, lengths as given (a slice's length fits isize), null is taken as null.
            let code = unsafe { ffi::rd_kafka_header_add(list.0, name, name_size, value, value_size) };
            KafkaError::check("add a header", code)?;
        }
        Ok(list)
    }

    /// The record owns them now.
    pub(super) fn give_away(self) {
        std::mem::forget(self);
    }
}

impl Drop for HeaderList {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: owned, not given away.
            unsafe { rd_kafka_headers_destroy(self.0) }
        }
    }
}

/// The arguments of `rd_kafka_produceva`. They borrow the record and `headers` without a lifetime: for one call only.
pub(super) fn arguments(record: &OutboundRecord<'_>, headers: &HeaderList) -> [rd_kafka_vu_s; 8] {
    // The variant must be the one librdkafka reads for the type.
    let argument = |vtype, u| rd_kafka_vu_s { vtype, u };
    // librdkafka takes 0 for now.
    let timestamp_ms = record.timestamp_ms.map_or(0, |at| if at == 0 { 1 } else { at });
    [
        argument(rd_kafka_vtype_t::RD_KAFKA_VTYPE_RKT, Variant { rkt: record.topic.as_ptr() }),
        argument(rd_kafka_vtype_t::RD_KAFKA_VTYPE_PARTITION, Variant { i32_: record.partition.unwrap_or(-1) }),
        argument(rd_kafka_vtype_t::RD_KAFKA_VTYPE_KEY, Variant { mem: memory(record.key) }),
        argument(rd_kafka_vtype_t::RD_KAFKA_VTYPE_VALUE, Variant { mem: memory(record.value) }),
        argument(rd_kafka_vtype_t::RD_KAFKA_VTYPE_TIMESTAMP, Variant { i64_: timestamp_ms }),
        argument(rd_kafka_vtype_t::RD_KAFKA_VTYPE_OPAQUE, Variant { ptr: tag_pointer(record.tag) }),
        argument(rd_kafka_vtype_t::RD_KAFKA_VTYPE_MSGFLAGS, Variant { i: RD_KAFKA_MSG_F_COPY }),
        argument(rd_kafka_vtype_t::RD_KAFKA_VTYPE_HEADERS, Variant { headers: headers.0 }),
    ]
}

fn memory(bytes: Option<&[u8]>) -> Memory {
    match bytes {
        // librdkafka takes a null pointer for "no value", so an empty slice keeps its non-null one.
        Some(bytes) => Memory { ptr: bytes.as_ptr().cast_mut().cast(), size: bytes.len() },
        None => Memory { ptr: ptr::null_mut(), size: 0 },
    }
}

/// The tag travels in a pointer-sized value that is never dereferenced.
fn tag_pointer(tag: u64) -> *mut c_void {
    ptr::without_provenance_mut(tag as usize)
}

pub(super) fn native_record(topic: &TopicHandle, record: &BareRecord<'_>) -> rd_kafka_message_t {
    let (key, value) = (memory(record.key), memory(record.value));
    rd_kafka_message_t {
        err: rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR,
        rkt: topic.as_ptr(),
        partition: record.partition.unwrap_or(-1),
        payload: value.ptr,
        len: value.size,
        key: key.ptr,
        key_len: key.size,
        offset: 0,
        _private: tag_pointer(record.tag),
    }
}

/// The error code as an integer, for it may be unknown to the bindings.
pub(super) fn error_of(message: *const rd_kafka_message_t) -> ErrorCode {
    // SAFETY: callers pass a valid message; the field has the size of a C integer.
    ErrorCode(unsafe { ptr::addr_of!((*message).err).cast::<c_int>().read() })
}
