//! The rows: faults of the scorer's own process and group.

use std::time::Duration;

use super::oracle::Guarantee::{self, AtLeastOnce, ExactlyOnce};
use super::run::{Run, Scenario};
use crate::support::properties;
use caz::kafka::Producer;

type Replacements = &'static [(&'static str, &'static str)];

/// The same transactional ids for each scorer that is started after another.
const INSTANCE: (&str, &str) = ("commit_interval: 20ms", "commit_interval: 20ms\n  instance: chaos");
pub(crate) const TWO_WORKERS: (&str, &str) = ("workers: 1", "workers: 2");
const EAGER: Replacements = &[TWO_WORKERS, ("kafka:\n", "kafka:\n  partition.assignment.strategy: range,roundrobin\n")];
const CONSUMER_PROTOCOL: Replacements =
    &[TWO_WORKERS, ("kafka:\n  session.timeout.ms: 6000\n  heartbeat.interval.ms: 500\n", "kafka:\n  group.protocol: consumer\n")];

/// `kill -9` at random moments.
fn kill(name: &'static str, guarantee: Guarantee, settings: Replacements) {
    Run::row(name, guarantee, 4, settings, |run| {
        for _ in 0..run.rounds {
            run.start();
            let events = i64::try_from(run.random.within(1, 1_500)).unwrap();
            run.progress(events);
            run.random.pause(0, 60);
            let oldest = run.take_oldest();
            run.kill(oldest);
        }
    });
}

#[test]
fn kill_exactly_once() {
    kill("kill", ExactlyOnce, &[INSTANCE]);
}

/// Without a name for the instance, the broker's timeout ends what the killed one left open.
#[test]
fn kill_nameless_exactly_once() {
    kill("kill_nameless", ExactlyOnce, &[]);
}

#[test]
fn kill_at_least_once() {
    kill("kill", AtLeastOnce, &[]);
}

/// The process ends between two given steps of the delivery.
fn failpoint(guarantee: Guarantee, points: &[&str]) {
    Run::row("failpoint", guarantee, 6, &[INSTANCE], |run| {
        for _ in 0..run.rounds {
            let (point, passing) = (*run.random.pick(points), run.random.within(1, 40));
            run.start_with(&[("CAZ_FAULT", &format!("crash@{point}:{passing}"))]);
            run.counts_are_lost();
            run.take_oldest().wait_for_crash();
        }
    });
}

#[test]
fn failpoint_exactly_once() {
    failpoint(ExactlyOnce, &["after_produce", "before_offsets", "before_commit", "after_commit"]);
}

#[test]
fn failpoint_at_least_once() {
    failpoint(AtLeastOnce, &["after_produce", "after_flush"]);
}

/// A scorer stands still beyond its session and its transaction's timeout, while another takes over; then it wakes up.
fn freeze(guarantee: Guarantee) {
    Run::row("freeze", guarantee, 1, &[TWO_WORKERS], |run| {
        run.start();
        run.start();
        run.progress(500);
        // A commit whose answer the sleeper misses may be counted by nobody.
        run.counts_are_lost();
        for _ in 0..run.rounds {
            let sleeper = run.take_oldest();
            sleeper.signal("STOP");
            // The other one gets the partitions when the session (6 s) is over.
            run.random.pause(8_000, 10_000);
            run.progress(1_000);
            sleeper.signal("CONT");
            run.put_back(sleeper);
            run.progress(1_000);
        }
    });
}

#[test]
fn freeze_exactly_once() {
    freeze(ExactlyOnce);
}

#[test]
fn freeze_at_least_once() {
    freeze(AtLeastOnce);
}

/// The scorer stands still in the middle of a commit, beyond its transaction's timeout, as with a model that takes too long.
fn slow(guarantee: Guarantee, points: &[&str]) {
    Run::row("slow", guarantee, 2, &[], |run| {
        for _ in 0..run.rounds {
            let (point, passing) = (*run.random.pick(points), run.random.within(1, 20));
            // The transaction's timeout is 3 s, and the broker looks every second.
            run.start_with(&[("CAZ_FAULT", &format!("pause@{point}:{passing}:5500"))]);
            run.progress(1_000);
            run.random.pause(6_000, 7_000);
            run.progress(1_000);
            let oldest = run.take_oldest();
            run.kill(oldest);
        }
    });
}

#[test]
fn slow_exactly_once() {
    slow(ExactlyOnce, &["after_produce", "before_offsets", "before_commit"]);
}

#[test]
#[ignore = "long: make chaos"]
fn slow_at_least_once() {
    slow(AtLeastOnce, &["after_produce", "after_flush"]);
}

/// Somebody else takes a transactional id, of either producer: the scorer must end, and its successor go on.
#[test]
fn thief_exactly_once() {
    Run::row("thief", ExactlyOnce, 3, &[INSTANCE], |run| {
        run.start();
        for round in 0..run.rounds {
            run.progress(500);
            run.random.pause(0, 50);
            run.faults += 1;
            let id = format!("{}/chaos-0-{}", run.example.group, round % 2);
            let thief = Producer::new(&properties().with("transactional.id", id)).unwrap();
            thief.init_transactions(Duration::from_secs(30)).unwrap();
            run.wait_for_restart();
        }
    });
}

/// Scorers come and go.
fn churn(name: &'static str, guarantee: Guarantee, settings: Replacements) {
    Run::row(name, guarantee, 4, settings, |run| {
        run.start();
        run.progress(500);
        for _ in 0..run.rounds {
            run.start();
            run.random.pause(500, 3_000);
            let leaver = run.take_oldest();
            if run.random.next().is_multiple_of(2) {
                run.kill(leaver);
            } else {
                run.terminate(leaver);
            }
            run.progress(300);
        }
    });
}

#[test]
fn churn_cooperative_exactly_once() {
    churn("churn_cooperative", ExactlyOnce, &[TWO_WORKERS]);
}

#[test]
fn churn_eager_exactly_once() {
    churn("churn_eager", ExactlyOnce, EAGER);
}

/// The protocol of KIP-848: the broker assigns.
#[test]
fn churn_consumer_protocol_exactly_once() {
    churn("churn_consumer_protocol", ExactlyOnce, CONSUMER_PROTOCOL);
}

#[test]
fn churn_at_least_once() {
    churn("churn_cooperative", AtLeastOnce, &[TWO_WORKERS]);
}

/// Restarts one after the other with another configuration, as an orchestrator rolls it out.
fn rolling(guarantee: Guarantee) {
    Run::row("rolling", guarantee, 3, &[TWO_WORKERS], |run| {
        run.start();
        run.start();
        for round in 0..run.rounds {
            run.progress(500);
            run.reconfigure(&[
                ("max_batch: ", &format!("max_batch: {}", 16 << (round % 6))),
                ("commit_interval: ", &format!("commit_interval: {}ms", 10 << (round % 6))),
            ]);
            for _ in 0..2 {
                let oldest = run.take_oldest();
                run.terminate(oldest);
                run.start();
                run.progress(300);
            }
        }
    });
}

#[test]
fn rolling_exactly_once() {
    rolling(ExactlyOnce);
}

#[test]
#[ignore = "long: make chaos"]
fn rolling_at_least_once() {
    rolling(AtLeastOnce);
}

#[test]
#[ignore = "long: make chaos"]
fn churn_eager_at_least_once() {
    churn("churn_eager", AtLeastOnce, EAGER);
}

#[test]
#[ignore = "long: make chaos"]
fn churn_consumer_protocol_at_least_once() {
    churn("churn_consumer_protocol", AtLeastOnce, CONSUMER_PROTOCOL);
}

/// SIGTERM at random moments under load: every scorer ends in order, with what it has done committed and counted.
pub(crate) fn sigterm(scenario: Scenario) {
    Run::of(scenario, |run| {
        for _ in 0..run.rounds {
            run.start();
            let events = i64::try_from(run.random.within(1, 1_000)).unwrap();
            run.progress(events);
            run.random.pause(0, 60);
            let oldest = run.take_oldest();
            run.terminate(oldest);
        }
    });
}

#[test]
fn sigterm_exactly_once() {
    sigterm(Scenario::new("sigterm", ExactlyOnce, 4, &[TWO_WORKERS]));
}

#[test]
#[ignore = "long: make chaos"]
fn sigterm_at_least_once() {
    sigterm(Scenario::new("sigterm", AtLeastOnce, 4, &[TWO_WORKERS]));
}

/// Every few commits one fails and its work is undone: the worker goes back, and skips nothing.
pub(crate) fn undone(scenario: Scenario) {
    let point = if scenario.guarantee == ExactlyOnce { "before_commit" } else { "after_flush" };
    Run::of(scenario, |run| {
        for _ in 0..run.rounds {
            let every = run.random.within(2, 5);
            run.start_with(&[("CAZ_FAULT", &format!("fail@{point}:{every}"))]);
            run.progress(5_000);
            let oldest = run.take_oldest();
            run.terminate(oldest);
        }
    });
}

#[test]
fn undone_exactly_once() {
    undone(Scenario::new("undone", ExactlyOnce, 2, &[]));
}

#[test]
fn undone_at_least_once() {
    undone(Scenario::new("undone", AtLeastOnce, 2, &[]));
}

/// Scorers that lag behind with a transaction open for seconds, and others that come and go: what is open when partitions leave must be committed
/// before they do.
pub(crate) fn revoked(scenario: Scenario) {
    let scenario = scenario
        .with("commit_interval: 20ms\n  transaction_timeout: 3s", "commit_interval: 2s\n  transaction_timeout: 10s")
        .with("max_batch: 64", "max_batch: 8");
    Run::of(scenario, |run| {
        // 8 events in 20 ms, where 1,500 a second arrive: the input is never drained, and only a poll in which partitions leave brings no event.
        // A commit behind such a poll would be one behind the new owner's first events too.
        let slow = [("CAZ_FAULT", "slow@after_produce:20,slow@before_drained_commit:1500")];
        run.start_with(&slow);
        run.progress(100);
        for _ in 0..run.rounds {
            run.start_with(&slow);
            run.progress(100);
            run.random.pause(500, 1_500);
            let oldest = run.take_oldest();
            run.terminate(oldest);
            run.progress(100);
        }
        let oldest = run.take_oldest();
        run.terminate(oldest);
        run.start();
    });
}

#[test]
#[ignore = "long: make chaos"]
fn revoked_exactly_once() {
    revoked(Scenario::new("revoked", ExactlyOnce, 3, &[]));
}

#[test]
#[ignore = "long: make chaos"]
fn revoked_at_least_once() {
    revoked(Scenario::new("revoked", AtLeastOnce, 3, &[]));
}
