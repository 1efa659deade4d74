//! Faults, with a real broker: whatever happens, each acknowledged event has exactly one record (at least one, where that is promised), the
//! right one, in the order of its key. Each test is one row; `make chaos ROW=kill SEED=7 ROUNDS=200` repeats one, longer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking and reports")]

mod support;

#[path = "chaos/brokers.rs"]
mod brokers;
#[path = "chaos/content.rs"]
mod content;
#[path = "chaos/observer.rs"]
mod observer;
#[path = "support/onnx.rs"]
mod onnx;
#[path = "chaos/oracle.rs"]
mod oracle;
#[path = "chaos/proof.rs"]
mod proof;
#[path = "support/registry.rs"]
mod registry;
#[path = "chaos/rows.rs"]
mod rows;
#[path = "chaos/run.rs"]
mod run;
