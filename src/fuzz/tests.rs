//! The corpus, replayed, and damaged at random.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::path::Path;

use super::TARGETS;
use super::damage::{Bits, inputs};

/// The inputs that are kept of a target, in a fixed order.
fn kept(target: &str) -> Vec<Vec<u8>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut paths: Vec<_> = std::fs::read_dir(corpus.join(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn the_corpus_and_damages_to_it_find_nothing() {
    for (name, target) in TARGETS {
        let kept = kept(name);
        assert!(!kept.is_empty(), "{name} has no corpus");
        kept.iter().for_each(|input| target(input));
        let mut bits = Bits(5);
        (0..inputs() / TARGETS.len()).for_each(|_| target(&bits.damage(&kept)));
    }
}

#[test]
fn the_corpus_stays_small() {
    let bytes: usize = TARGETS.iter().flat_map(|(name, _)| kept(name)).map(|input| input.len()).sum();
    assert!(bytes < 300_000, "{bytes} bytes");
}
