//! The checkers, proved: scorers with a bug on purpose (`CAZ_BUG`), which the run must find. `make chaos-proof` runs them.

use super::oracle::Guarantee::{AtLeastOnce, ExactlyOnce};
use super::rows::{revoked, sigterm, undone};
use super::run::{Run, Scenario};

/// After work was undone the worker goes on instead of back.
#[test]
#[ignore = "make chaos-proof"]
fn skip_after_abort() {
    undone(Scenario::new("proof", ExactlyOnce, 1, &[]).bug("skip_after_abort"));
}

/// Offsets are committed before, and not in, the transaction.
#[test]
#[ignore = "make chaos-proof"]
fn offsets_outside() {
    undone(Scenario::new("proof", ExactlyOnce, 1, &[]).bug("offsets_outside"));
}

/// At least once, offsets are committed before the records before them have arrived.
#[test]
#[ignore = "make chaos-proof"]
fn offsets_before_flush() {
    // Records wait in the producer for longer than a commit takes.
    let scenario = Scenario::new("proof", AtLeastOnce, 3, &[("kafka:\n", "kafka:\n  linger.ms: 500\n")]).bug("offsets_before_flush");
    Run::of(scenario, |run| {
        run.counts_are_lost();
        for _ in 0..run.rounds {
            run.start_with(&[("CAZ_FAULT", "crash@before_flush:20")]);
            run.take_oldest().wait_for_crash();
        }
    });
}

/// What is open when partitions leave is committed later.
#[test]
#[ignore = "make chaos-proof"]
fn no_commit_at_revocation() {
    revoked(Scenario::new("proof", ExactlyOnce, 3, &[]).bug("no_commit_at_revocation"));
}

/// Some scores are written twice.
#[test]
#[ignore = "make chaos-proof"]
fn double_produce() {
    sigterm(Scenario::new("proof", ExactlyOnce, 1, &[]).bug("double_produce"));
}

/// Some scores are counted twice.
#[test]
#[ignore = "make chaos-proof"]
fn count_twice() {
    sigterm(Scenario::new("proof", ExactlyOnce, 1, &[]).bug("count_twice"));
}
