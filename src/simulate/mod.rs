//! Events to try a pipeline with: rows of a file, or made up from the dataset schema, published at a rate.
//!
//! # Invariants
//! - The same seed makes the same events, but for their timestamps, however they are cut into batches.
//! - Memory does not depend on the number of events or on the size of the file.
//! - Every event is counted as published or as failed; none is dropped quietly.

mod events;
mod fault;
mod invent;
mod pace;
mod publish;
mod random;
mod rules;
#[cfg(test)]
mod tests;

pub use events::{Event, EventBatch, EventOptions, Events, SimulateError};
pub use pace::Pace;
pub use publish::{Limits, Progress, Report, publish};
