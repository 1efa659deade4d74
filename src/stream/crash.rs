//! Points of the delivery at which a debug build ends as by a power cut: `CAZ_CRASH_AT=after_commit:3` at the third passing of that point.
//! Tests of the guarantees reach the narrow moments with them that a kill from outside rarely hits. Release builds have none.

/// The process ends here when it is told to.
#[cfg(not(debug_assertions))]
pub(super) fn point(_: &str) {}

/// The process ends here when it is told to.
#[cfg(debug_assertions)]
pub(super) fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};
    static TOLD: OnceLock<Option<(String, AtomicUsize)>> = OnceLock::new();
    let told = TOLD.get_or_init(|| {
        let told = std::env::var("CAZ_CRASH_AT").ok()?;
        let (name, passings) = told.split_once(':')?;
        Some((name.to_owned(), AtomicUsize::new(passings.parse().ok()?)))
    });
    if let Some((_, passings)) = told.as_ref().filter(|(told, _)| told == name)
        && passings.fetch_sub(1, Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
}
