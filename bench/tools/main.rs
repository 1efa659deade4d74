//! The parts of the stream bench that must cost little: what publishes events and watches scores, what checks them, and the floors.
//! `bench/harness` calls them; each prints one JSON object.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails by panicking"
)]

mod alone;
#[path = "../cpu.rs"]
mod cpu;
mod events;
mod latency;
mod publish;
mod transport;
mod verify;

use clap::Parser;

/// The floors have what caz has.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Tools of the stream bench.
#[derive(Parser)]
#[command(name = "stream-bench")]
enum Tool {
    /// Publishes a workload's events.
    Publish(publish::Publish),
    /// Publishes events at a fixed rate and measures when each score can be read.
    Latency(latency::Latency),
    /// Checks the scores of a run against the reference, every event once.
    Verify(verify::Verify),
    /// Floor: consumes events and produces records of the scores' size, until SIGTERM.
    Transport(transport::Transport),
    /// Floor: ONNX Runtime on features that are ready.
    Inference(alone::Inference),
    /// Floor: the events' decoding alone.
    Decode(alone::Decode),
}

fn main() {
    let answer = match Tool::parse() {
        Tool::Publish(tool) => tool.run(),
        Tool::Latency(tool) => tool.run(),
        Tool::Verify(tool) => tool.run(),
        Tool::Transport(tool) => tool.run(),
        Tool::Inference(tool) => tool.run(),
        Tool::Decode(tool) => tool.run(),
    };
    println!("{answer}");
}
