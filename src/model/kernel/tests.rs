//! Files that are damaged or made up.

use std::path::Path;

use proptest::prelude::*;

use super::fuzz::{CASES, Case, exercise};

fn file(case: Case) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("models/{}.onnx", case.file));
    std::fs::read(path).unwrap_or_default()
}

#[test]
fn whole_files_are_taken() {
    for case in CASES {
        assert!(case.exercise(&file(case)), "{case:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_files_do_no_harm(
        case in prop::sample::select(&CASES[..]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = file(case);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        case.exercise(&bytes);
    }

    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
    }
}
