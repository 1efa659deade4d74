//! The targets of `caz::fuzz` under libFuzzer.

#![no_main]

use std::sync::OnceLock;

use caz::fuzz::{TARGETS, Target, target};
use libfuzzer_sys::fuzz_target;

static CHOSEN: OnceLock<Target> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let chosen = CHOSEN.get_or_init(|| {
        let name = std::env::var("CAZ_FUZZ_TARGET").unwrap_or_default();
        let names = TARGETS.map(|(name, _)| name).join(", ");
        target(&name).unwrap_or_else(|| panic!("CAZ_FUZZ_TARGET is `{name}`; the targets: {names}"))
    });
    chosen(bytes);
});
