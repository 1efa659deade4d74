//! JSON: one object per event.

mod check;
mod choice;
mod decode;
mod encode;
mod entity;
mod envelope;
mod fault;
mod floats;
mod messages;
mod put;
mod report;
mod shape;
mod skip;
mod typed;
mod values;
mod visit;

pub use decode::JsonDecoder;
pub use encode::JsonEncoder;
pub(crate) use encode::{OMITS_NULL, plain};
pub use messages::messages;
pub use shape::Rules;
pub use values::JsonValues;
