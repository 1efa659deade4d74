//! What measuring costs in memory: a test that has its process to itself.

#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

use caz::telemetry::{WorkerMetrics, install_metrics};

#[test]
fn memory_does_not_grow_with_events() {
    const EVENTS: i64 = 4_000_000;
    install_metrics().unwrap();
    let worker = WorkerMetrics::new("memory");
    let before = resident_bytes();
    // No two neighbours share a timestamp: the worst case. Kept one by one they would take 16 bytes each, 64 MB.
    worker.latency(100_000, (0..EVENTS).map(|event| (event % 90_000, 1)));
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 24 << 20, "{grown} bytes more");
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
