//! Every type of node but Pandas and ONNXNode, which have tests of their own: answers, messages, and whole graphs of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod harness;

#[path = "nodes/encoder.rs"]
mod encoder;
#[path = "nodes/fields.rs"]
mod fields;
#[path = "nodes/graphs.rs"]
mod graphs;
#[path = "nodes/messages.rs"]
mod messages;
#[path = "nodes/pipeline.rs"]
mod pipeline;
