//! Avro: unframed datums, as Kafka records carry them behind their frame.

mod cursor;
mod decode;
mod default;
mod encode;
mod read;
mod resolve;
mod skip;
mod write;

pub use decode::AvroDecoder;
pub(crate) use default::Default;
pub use encode::AvroEncoder;
pub(crate) use skip::Splitter;
pub(crate) use write::{bytes as write_bytes, count as write_count};
