//! Declarations of librdkafka functions whose bindings carry error codes as a Rust enum.
//!
//! A broker may answer with an error code that is newer than the bundled librdkafka, which passes it through
//! unchanged. Reading such a value into a Rust enum would be undefined behaviour, so every function that takes
//! or returns `rd_kafka_resp_err_t` is declared here with the C integer it really is. Everything else comes from
//! [`rdkafka::bindings`].

use std::ffi::{c_char, c_int, c_void};

use rdkafka::bindings::{
    rd_kafka_conf_t, rd_kafka_error_t, rd_kafka_event_t, rd_kafka_headers_t, rd_kafka_message_t, rd_kafka_queue_t, rd_kafka_t,
    rd_kafka_topic_partition_list_t, rd_kafka_topic_t,
};

/// The callback of a rebalance, and of an offset commit.
pub(super) type PartitionsCallback = unsafe extern "C" fn(*mut rd_kafka_t, c_int, *mut rd_kafka_topic_partition_list_t, *mut c_void);

unsafe extern "C" {
    pub(super) fn rd_kafka_err2name(err: c_int) -> *const c_char;
    pub(super) fn rd_kafka_err2str(err: c_int) -> *const c_char;
    pub(super) fn rd_kafka_error_code(error: *const rd_kafka_error_t) -> c_int;
    pub(super) fn rd_kafka_last_error() -> c_int;
    pub(super) fn rd_kafka_fatal_error(rk: *mut rd_kafka_t, reason: *mut c_char, size: usize) -> c_int;
    pub(super) fn rd_kafka_poll_set_consumer(rk: *mut rd_kafka_t) -> c_int;
    pub(super) fn rd_kafka_subscribe(rk: *mut rd_kafka_t, topics: *const rd_kafka_topic_partition_list_t) -> c_int;
    pub(super) fn rd_kafka_assign(rk: *mut rd_kafka_t, partitions: *const rd_kafka_topic_partition_list_t) -> c_int;
    pub(super) fn rd_kafka_committed(rk: *mut rd_kafka_t, partitions: *mut rd_kafka_topic_partition_list_t, timeout_ms: c_int) -> c_int;
    pub(super) fn rd_kafka_commit_queue(
        rk: *mut rd_kafka_t,
        offsets: *const rd_kafka_topic_partition_list_t,
        queue: *mut rd_kafka_queue_t,
        callback: Option<PartitionsCallback>,
        opaque: *mut c_void,
    ) -> c_int;
    pub(super) fn rd_kafka_pause_partitions(rk: *mut rd_kafka_t, partitions: *mut rd_kafka_topic_partition_list_t) -> c_int;
    pub(super) fn rd_kafka_resume_partitions(rk: *mut rd_kafka_t, partitions: *mut rd_kafka_topic_partition_list_t) -> c_int;
    pub(super) fn rd_kafka_position(rk: *mut rd_kafka_t, partitions: *mut rd_kafka_topic_partition_list_t) -> c_int;
    pub(super) fn rd_kafka_get_watermark_offsets(
        rk: *mut rd_kafka_t,
        topic: *const c_char,
        partition: i32,
        low: *mut i64,
        high: *mut i64,
    ) -> c_int;
    pub(super) fn rd_kafka_offsets_for_times(
        rk: *mut rd_kafka_t,
        partitions: *mut rd_kafka_topic_partition_list_t,
        timeout_ms: c_int,
    ) -> c_int;
    pub(super) fn rd_kafka_message_headers(message: *const rd_kafka_message_t, headers: *mut *mut rd_kafka_headers_t) -> c_int;
    pub(super) fn rd_kafka_header_get_all(
        headers: *const rd_kafka_headers_t,
        index: usize,
        name: *mut *const c_char,
        value: *mut *const c_void,
        size: *mut usize,
    ) -> c_int;
    pub(super) fn rd_kafka_header_add(
        headers: *mut rd_kafka_headers_t,
        name: *const c_char,
        name_size: isize,
        value: *const c_void,
        value_size: isize,
    ) -> c_int;
    pub(super) fn rd_kafka_flush(rk: *mut rd_kafka_t, timeout_ms: c_int) -> c_int;
    pub(super) fn rd_kafka_conf_set_rebalance_cb(conf: *mut rd_kafka_conf_t, callback: Option<PartitionsCallback>);
    pub(super) fn rd_kafka_metadata(
        rk: *mut rd_kafka_t,
        all_topics: c_int,
        only: *mut rd_kafka_topic_t,
        metadata: *mut *const c_void,
        timeout_ms: c_int,
    ) -> c_int;
    pub(super) fn rd_kafka_oauthbearer_set_token(
        rk: *mut rd_kafka_t,
        value: *const c_char,
        expires_ms: i64,
        principal: *const c_char,
        extensions: *mut *const c_char,
        extensions_size: usize,
        reason: *mut c_char,
        reason_size: usize,
    ) -> c_int;
    pub(super) fn rd_kafka_oauthbearer_set_token_failure(rk: *mut rd_kafka_t, reason: *const c_char) -> c_int;
    pub(super) fn rd_kafka_event_error(event: *mut rd_kafka_event_t) -> c_int;
}
