//! JSON: one object per event.

mod decode;
mod fault;
mod shape;
mod visit;

pub use decode::JsonDecoder;
