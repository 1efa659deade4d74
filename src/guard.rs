//! Readers of other crates that panic on some of what they are given: on damaged files, on schemas.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local!(static IS_GUARDED: Cell<bool> = const { Cell::new(false) });

/// Runs such a reader, which must not be used again after a panic.
///
/// # Errors
/// The words of its panic.
pub(crate) fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    // The panic is told as an error of what was read, and not as a defect of caz before that.
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
