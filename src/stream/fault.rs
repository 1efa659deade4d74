//! Points of the delivery at which a debug build can be made to fail. `CAZ_FAULT=crash@after_commit:3` ends the process as by a power cut at
//! the third passing of that point; `CAZ_FAULT=pause@before_commit:3:5000` makes it stand still there for 5,000 ms. Tests of the guarantees
//! reach the narrow moments with them that a kill from outside rarely hits. Release builds have none.

/// The process fails here when it is told to.
#[cfg(not(debug_assertions))]
pub(super) fn point(_: &str) {}

/// The process fails here when it is told to.
#[cfg(debug_assertions)]
pub(super) fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::Ordering;
    static TOLD: OnceLock<Option<Fault>> = OnceLock::new();
    let told = TOLD.get_or_init(|| Fault::parse(&std::env::var("CAZ_FAULT").ok()?));
    let Some(fault) = told.as_ref().filter(|fault| fault.point == name) else { return };
    if fault.passings.fetch_sub(1, Ordering::Relaxed) == 1 {
        match fault.pause {
            Some(pause) => std::thread::sleep(pause),
            None => std::process::abort(),
        }
    }
}

#[cfg(debug_assertions)]
struct Fault {
    point: String,
    passings: std::sync::atomic::AtomicUsize,
    /// How long it stands still; the process ends when absent.
    pause: Option<std::time::Duration>,
}

#[cfg(debug_assertions)]
impl Fault {
    fn parse(text: &str) -> Option<Self> {
        let (kind, place) = text.split_once('@')?;
        let mut parts = place.split(':');
        let (point, passings) = (parts.next()?.to_owned(), parts.next()?.parse::<usize>().ok()?.into());
        let pause = match (kind, parts.next()) {
            ("crash", None) => None,
            ("pause", Some(millis)) => Some(std::time::Duration::from_millis(millis.parse().ok()?)),
            _ => return None,
        };
        Some(Self { point, passings, pause })
    }
}
