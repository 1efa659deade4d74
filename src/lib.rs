//! caz: a stream scorer.
//!
//! Profile events come from Kafka, are decoded against the dataset schema, run through a configured graph of nodes with batched
//! ONNX inference, and leave as scores, exactly once. `ARCHITECTURE.md` is the map; the modules below are in its order, and a module
//! uses only those that stand beneath it, but for the exception that it names.

#[forbid(unsafe_code)]
pub mod cli;

#[cfg(any(test, fuzzing))]
#[forbid(unsafe_code)]
pub mod fuzz;

#[forbid(unsafe_code)]
pub mod reference;

#[forbid(unsafe_code)]
pub mod audit;

#[forbid(unsafe_code)]
pub mod dead_letters;

#[forbid(unsafe_code)]
pub mod fit;

#[forbid(unsafe_code)]
pub mod golden;

#[forbid(unsafe_code)]
pub mod stream;

#[forbid(unsafe_code)]
pub mod simulate;

#[forbid(unsafe_code)]
pub mod config;

#[forbid(unsafe_code)]
pub mod graph;

#[forbid(unsafe_code)]
pub mod nodes;

#[forbid(unsafe_code)]
pub mod model;

#[forbid(unsafe_code)]
pub mod codec;

#[forbid(unsafe_code)]
pub mod registry;

#[forbid(unsafe_code)]
pub mod telemetry;

#[forbid(unsafe_code)]
pub mod dataset;

// The one module with unsafe code: librdkafka's batch calls.
pub mod kafka;

#[forbid(unsafe_code)]
pub mod diagnostic;

#[forbid(unsafe_code)]
mod https;

#[forbid(unsafe_code)]
mod files;

#[forbid(unsafe_code)]
mod digest;

#[forbid(unsafe_code)]
mod guard;
