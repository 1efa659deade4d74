//! JSON: one object per event.

mod decode;
mod encode;
mod fault;
mod shape;
mod skip;
mod values;
mod visit;

pub use decode::JsonDecoder;
pub use encode::JsonEncoder;
pub(crate) use encode::plain;
pub use values::JsonValues;
