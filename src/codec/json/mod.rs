//! JSON: one object per event.

mod choice;
mod decode;
mod encode;
mod fault;
mod shape;
mod skip;
mod typed;
mod values;
mod visit;

pub use decode::JsonDecoder;
pub use encode::JsonEncoder;
pub(crate) use encode::plain;
pub use shape::Rules;
pub use values::JsonValues;
