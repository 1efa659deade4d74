//! Avro: unframed datums, as Kafka records carry them behind their frame.

mod cursor;
mod decode;
pub(crate) mod default;
mod read;
mod resolve;
mod skip;
mod write;

pub use decode::AvroDecoder;
