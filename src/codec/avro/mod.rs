//! Avro: datums, as Kafka records carry them, with or without a header.

mod cursor;
mod decode;
mod default;
mod encode;
mod fingerprint;
mod read;
mod resolve;
mod skip;
mod write;
mod writers;

pub use decode::AvroDecoder;
pub(crate) use default::Default;
pub use encode::AvroEncoder;
pub(crate) use encode::{branch_of_number, decimal_bytes, long, uuid_bytes};
pub(crate) use skip::Splitter;
pub(crate) use write::{bytes as write_bytes, count as write_count};
pub use writers::{KnownSchemas, WriterSchemas};
