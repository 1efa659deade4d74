//! A reader of another crate that panics on some damaged files: a damaged file all the same.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local!(static IS_GUARDED: Cell<bool> = const { Cell::new(false) });

/// Runs such a reader, which must not be used again after a panic.
///
/// # Errors
/// The words of its panic.
pub(super) fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    // The panic is told as the file's error, and not as a defect of caz before that.
    HOOK.call_once(|| {
        let outer = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                outer(panic);
            }
        }));
    });
    IS_GUARDED.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(read));
    IS_GUARDED.set(false);
    outcome.map_err(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        words.unwrap_or("the reader came to its end").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    #[expect(clippy::panic, reason = "what is tested")]
    fn a_panic_is_words() {
        assert_eq!(guarded(|| 5), Ok(5));
        assert_eq!(guarded(|| panic!("no {}", "page")), Err::<(), _>("no page".to_owned()));
    }
}
