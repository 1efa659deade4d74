//! The rows: faults of the brokers, on three nodes of their own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::oracle::Guarantee::{self, AtLeastOnce, ExactlyOnce};
use super::run::Run;
use crate::support::car_insurance::root;
use crate::support::{PATIENCE, bootstrap};

/// One cluster at a time: each is three Java processes.
static ONE: Mutex<()> = Mutex::new(());

/// Runs the test again, alone, with three brokers of its own; inside, runs `row`.
fn with_three_nodes(test: &str, row: impl FnOnce()) {
    if std::env::var_os("CAZ_CHAOS_CLUSTER").is_some() {
        return row();
    }
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(root().join("scripts/with-kafka"));
    command.args(["--nodes", "3"]).arg(std::env::current_exe().expect("this program"));
    command.args(["--exact", &format!("brokers::{test}"), "--nocapture", "--include-ignored"]);
    let status = command.env_remove("CAZ_TEST_BOOTSTRAP").env("CAZ_CHAOS_CLUSTER", "1").status().expect("scripts/with-kafka");
    assert!(status.success(), "{test} with three brokers: {status}");
}

/// The cluster that the test runs in.
struct Cluster(PathBuf);

impl Cluster {
    fn new() -> Self {
        Self(std::env::var_os("CAZ_TEST_KAFKA_DIR").expect("with-kafka names the cluster's directory").into())
    }

    /// Sends a node's process a signal by name; answers with its id.
    fn signal(&self, node: u64, name: &str) -> String {
        let pid = std::fs::read_to_string(self.0.join(format!("node-{node}/pid"))).expect("the node's pid");
        let sent = Command::new("kill").args([format!("-{name}"), pid.trim().to_owned()]).status().expect("kill");
        assert!(sent.success());
        pid
    }

    /// Ends a node by a signal, and waits until it has ended.
    fn end(&self, node: u64, name: &str) {
        let pid = self.signal(node, name);
        let process = PathBuf::from("/proc").join(pid.trim());
        crate::support::wait_for("the broker's process ends", || {
            std::thread::sleep(Duration::from_millis(50));
            let state = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
            (state.is_empty() || state.contains(") Z ")).then_some(())
        });
    }

    /// Starts the nodes that do not run, and waits until they answer.
    fn heal(&self) {
        let status = Command::new(root().join("scripts/kafka")).args(["start", "--dir"]).arg(&self.0).status().expect("scripts/kafka");
        assert!(status.success(), "the brokers come back");
    }

    /// Scores go on without the node that has ended, and when it is back.
    fn go_on(&self, run: &mut Run) {
        run.faults += 1;
        run.progress(500);
        self.heal();
        run.progress(500);
    }
}

/// A node ends, stays away for a while, and comes back.
fn node_away(name: &'static str, guarantee: Guarantee, signal: &'static str) {
    Run::row(name, guarantee, 1, &[("workers: 1", "workers: 2")], |run| {
        let cluster = Cluster::new();
        // A commit whose answer gets lost with a broker may be counted by nobody.
        run.counts_are_lost();
        run.start();
        run.progress(1_000);
        for _ in 0..run.rounds {
            let node = run.random.within(1, 4);
            cluster.end(node, signal);
            run.random.pause(500, 4_000);
            cluster.go_on(run);
        }
    });
}

#[test]
fn broker_restart_exactly_once() {
    with_three_nodes("broker_restart_exactly_once", || node_away("broker_restart", ExactlyOnce, "TERM"));
}

#[test]
fn broker_kill_exactly_once() {
    with_three_nodes("broker_kill_exactly_once", || node_away("broker_kill", ExactlyOnce, "KILL"));
}

#[test]
fn broker_kill_at_least_once() {
    with_three_nodes("broker_kill_at_least_once", || node_away("broker_kill", AtLeastOnce, "KILL"));
}

#[test]
#[ignore = "long: make chaos"]
fn broker_restart_at_least_once() {
    with_three_nodes("broker_restart_at_least_once", || node_away("broker_restart", AtLeastOnce, "TERM"));
}

/// A node stands still until the others have taken its partitions, and wakes up.
fn node_frozen(guarantee: Guarantee) {
    Run::row("broker_freeze", guarantee, 1, &[("workers: 1", "workers: 2")], |run| {
        let cluster = Cluster::new();
        run.counts_are_lost();
        run.start();
        run.progress(1_000);
        for _ in 0..run.rounds {
            run.faults += 1;
            let node = run.random.within(1, 4);
            cluster.signal(node, "STOP");
            // The controller takes a broker for dead after 9 s without a sign of life.
            run.random.pause(11_000, 14_000);
            cluster.signal(node, "CONT");
            run.progress(1_000);
        }
    });
}

#[test]
#[ignore = "long: make chaos"]
fn broker_freeze_exactly_once() {
    with_three_nodes("broker_freeze_exactly_once", || node_frozen(ExactlyOnce));
}

#[test]
#[ignore = "long: make chaos"]
fn broker_freeze_at_least_once() {
    with_three_nodes("broker_freeze_at_least_once", || node_frozen(AtLeastOnce));
}

/// The node that coordinates the scorer's transactions is killed while a commit is under way.
#[test]
fn coordinator_kill_exactly_once() {
    with_three_nodes("coordinator_kill_exactly_once", || {
        Run::row("coordinator_kill", ExactlyOnce, 1, &[("commit_interval: 20ms", "commit_interval: 20ms\n  instance: chaos")], |run| {
            let cluster = Cluster::new();
            run.counts_are_lost();
            run.start();
            run.progress(1_000);
            for _ in 0..run.rounds {
                // Commits follow each other by 20 ms: any moment is in the middle of one or just beside it.
                cluster.end(coordinator("__transaction_state", &format!("{}-chaos-0", run.example.group)), "KILL");
                cluster.go_on(run);
            }
        });
    });
}

/// The node that coordinates the scorers' group ends while offsets are on their way to it.
fn group_coordinator(signal: &'static str) {
    Run::row("group_coordinator", ExactlyOnce, 2, &[("workers: 1", "workers: 2")], |run| {
        let cluster = Cluster::new();
        run.counts_are_lost();
        run.start();
        run.progress(1_000);
        for _ in 0..run.rounds {
            cluster.end(coordinator("__consumer_offsets", &run.example.group), signal);
            cluster.go_on(run);
        }
    });
}

#[test]
#[ignore = "long: make chaos"]
fn group_coordinator_restart_exactly_once() {
    with_three_nodes("group_coordinator_restart_exactly_once", || group_coordinator("TERM"));
}

/// The node that leads the partition of the log which holds this id: Kafka takes Java's hash of it.
fn coordinator(log: &str, id: &str) -> u64 {
    let hash = id.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap()).create().expect("valid properties");
    let metadata = consumer.fetch_metadata(Some(log), PATIENCE).expect("the brokers answer");
    let partitions = metadata.topics()[0].partitions();
    let partition = (hash & i32::MAX) % i32::try_from(partitions.len()).expect("few partitions");
    let leader = partitions.iter().find(|of| of.id() == partition).expect("the partition").leader();
    u64::try_from(leader).expect("a leader")
}
