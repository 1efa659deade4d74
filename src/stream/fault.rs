//! Points of the delivery at which a debug build can be made to fail, so that tests of the guarantees reach the narrow moments that a kill from
//! outside rarely hits. Release builds have none.
//!
//! | `CAZ_FAULT` | what happens |
//! |---|---|
//! | `crash@after_commit:3` | the process ends as by a power cut at the third passing of that point |
//! | `pause@before_commit:3:5000` | it stands still there for 5,000 ms |
//! | `slow@after_produce:20` | it stands still for 20 ms at every passing |
//! | `fail@before_commit:7` | every seventh passing is a failure after which the work is undone |
//!
//! Several stand behind each other with commas between.
//!
//! `CAZ_BUG` makes the delivery wrong on purpose ([`has_bug`]): the checkers of the guarantees must find each.

/// The process fails here when it is told to; whether the step must count as failed.
#[cfg(not(debug_assertions))]
pub(super) fn point(_: &str) -> bool {
    false
}

/// Whether the delivery has this bug on purpose.
#[cfg(not(debug_assertions))]
pub(super) fn has_bug(_: &str) -> bool {
    false
}

/// The process fails here when it is told to; whether the step must count as failed.
#[cfg(debug_assertions)]
pub(super) fn point(name: &str) -> bool {
    use std::sync::OnceLock;
    use std::sync::atomic::Ordering;
    static TOLD: OnceLock<Vec<Fault>> = OnceLock::new();
    let told = TOLD.get_or_init(|| std::env::var("CAZ_FAULT").unwrap_or_default().split(',').filter_map(Fault::parse).collect());
    let mut has_failed = false;
    for fault in told.iter().filter(|fault| fault.point == name) {
        let passing = fault.passings.fetch_add(1, Ordering::Relaxed) + 1;
        match fault.kind {
            Kind::Crash { at } if passing == at => std::process::abort(),
            Kind::Pause { at, time } if passing == at => std::thread::sleep(time),
            Kind::Slow { time } => std::thread::sleep(time),
            Kind::Fail { every } => has_failed |= passing.is_multiple_of(every),
            Kind::Crash { .. } | Kind::Pause { .. } => {}
        }
    }
    has_failed
}

/// Whether the delivery has this bug on purpose.
#[cfg(debug_assertions)]
pub(super) fn has_bug(name: &str) -> bool {
    use std::sync::OnceLock;
    static TOLD: OnceLock<Option<String>> = OnceLock::new();
    TOLD.get_or_init(|| std::env::var("CAZ_BUG").ok()).as_deref() == Some(name)
}

#[cfg(debug_assertions)]
struct Fault {
    point: String,
    kind: Kind,
    passings: std::sync::atomic::AtomicUsize,
}

#[cfg(debug_assertions)]
enum Kind {
    Crash { at: usize },
    Pause { at: usize, time: std::time::Duration },
    Slow { time: std::time::Duration },
    Fail { every: usize },
}

#[cfg(debug_assertions)]
impl Fault {
    fn parse(text: &str) -> Option<Self> {
        let (kind, place) = text.split_once('@')?;
        let mut parts = place.split(':');
        let point = parts.next()?.to_owned();
        let numbers: Vec<usize> = parts.map(str::parse).collect::<Result<_, _>>().ok()?;
        let millis = |of: usize| std::time::Duration::from_millis(of as u64);
        let kind = match (kind, numbers.as_slice()) {
            ("crash", [at]) => Kind::Crash { at: *at },
            ("pause", [at, time]) => Kind::Pause { at: *at, time: millis(*time) },
            ("slow", [time]) => Kind::Slow { time: millis(*time) },
            ("fail", [every]) => Kind::Fail { every: *every },
            _ => return None,
        };
        Some(Self { point, kind, passings: 0.into() })
    }
}
