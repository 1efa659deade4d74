//! The clock of the benchmarks: what a thread takes of the CPU, which other programs on the machine disturb least.

/// The CPU time of this thread so far, as the scheduler counts it, ns.
pub(crate) fn thread_cpu_ns() -> u64 {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    schedule.split_whitespace().next().unwrap().parse().unwrap()
}
