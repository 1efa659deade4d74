//! `caz demo`: the whole of it in one process, and its account of events.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is a failed test")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The demo in the root of the repository, where its files are.
fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_caz"));
    command.arg("demo").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(arguments: &[&str]) -> Child {
    demo(arguments).spawn().unwrap()
}

fn interrupt(demo: &Child) {
    let killed = Command::new("kill").args(["-INT", &demo.id().to_string()]).status().unwrap();
    assert!(killed.success());
}

/// The number behind a label of the summary.
fn number(summary: &str, label: &str) -> u64 {
    let line = summary.lines().find_map(|line| line.strip_prefix(label)).unwrap_or_else(|| panic!("no {label} in:\n{summary}"));
    line.split_whitespace().next().unwrap().replace(',', "").parse().unwrap()
}

fn summary(output: &Output) -> String {
    let summary = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{summary}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!summary.contains('\x1b'), "colours only on a terminal:\n{summary}");
    summary
}

fn get(address: &str, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

/// The address in the line that tells the URL.
fn served_at(stderr: &mut impl BufRead) -> String {
    let mut line = String::new();
    while stderr.read_line(&mut line).unwrap() > 0 {
        if let Some((_, rest)) = line.split_once("http://") {
            return rest.split('/').next().unwrap().to_owned();
        }
        line.clear();
    }
    panic!("no URL was told");
}

fn check_account(summary: &str) {
    let [published, scored, dead, skipped] = ["published", "scored", "dead letters", "skipped"].map(|label| number(summary, label));
    assert_eq!(published, scored + dead + skipped, "{summary}");
    assert_eq!((number(summary, "missing"), number(summary, "doubled")), (0, 0), "{summary}");
    assert!(summary.contains("every event published is accounted for"), "{summary}");
}

#[test]
fn a_short_run_accounts_for_every_event_and_serves_metrics() {
    let mut demo = start(&["--seconds", "3", "--rate", "1000", "--faults", "5%"]);
    let mut stderr = BufReader::new(demo.stderr.take().unwrap());
    let address = served_at(&mut stderr);
    let rest = std::thread::spawn(move || stderr.lines().map_while(Result::ok).collect::<Vec<_>>());
    std::thread::sleep(Duration::from_millis(1_500));
    let metrics = get(&address, "/metrics");
    assert!(metrics.contains("caz_events_total{outcome=\"scored\"}"), "{metrics}");
    assert!(metrics.contains("caz_batch_size_count"), "{metrics}");
    assert!(get(&address, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(get(&address, "/readyz").starts_with("HTTP/1.1 200"));
    let summary = summary(&demo.wait_with_output().unwrap());
    check_account(&summary);
    assert!(number(&summary, "published") >= 1_000, "{summary}");
    assert!(number(&summary, "dead letters") >= 10, "{summary}");
    let lines = rest.join().unwrap();
    assert!(lines.iter().any(|line| line.contains("published") && line.contains("p99")), "{lines:?}");
}

#[test]
fn a_pipeline_that_needs_a_registry_is_shown_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let text = support::command::example(&[
        ("format: avro\n", "format: avro\n  framing: confluent\n"),
        ("output:\n", "registry: {url: http://127.0.0.1:9}\noutput:\n  framing: confluent\n"),
        ("format: json\n", "format: avro\n"),
    ]);
    let file = folder.path().join("framed.yaml");
    std::fs::write(&file, text).unwrap();
    let output = start(&[file.to_str().unwrap(), "--seconds", "1", "--rate", "500"]).wait_with_output().unwrap();
    let summary = summary(&output);
    check_account(&summary);
    assert!(number(&summary, "scored") > 0, "{summary}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("the demo has no schema registry"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn an_interrupt_ends_it_in_order_and_quickly() {
    // As fast as it goes: the hardest case for the account.
    let rows = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/car-insurance.csv");
    let mut demo = start(&["--rate", "0", "--rows", rows.to_str().unwrap()]);
    let mut stderr = BufReader::new(demo.stderr.take().unwrap());
    served_at(&mut stderr);
    let rest = std::thread::spawn(move || stderr.lines().count());
    std::thread::sleep(Duration::from_secs(2));
    let interrupted = Instant::now();
    interrupt(&demo);
    let output = demo.wait_with_output().unwrap();
    assert!(interrupted.elapsed() < Duration::from_secs(10), "{:?}", interrupted.elapsed());
    check_account(&summary(&output));
    rest.join().unwrap();
}

/// Its log goes nowhere any more, as behind `2>&1 | tee` when that ends first.
#[test]
fn a_log_that_nobody_takes_stops_nothing() {
    let mut demo = demo(&["--rate", "500"]).env("CAZ_LOG", "debug").spawn().unwrap();
    let mut stderr = BufReader::new(demo.stderr.take().unwrap());
    let address = served_at(&mut stderr);
    drop(stderr);
    let is_ready = || TcpStream::connect(&address).is_ok() && get(&address, "/readyz").starts_with("HTTP/1.1 200");
    support::wait_for("ready", || is_ready().then_some(()));
    interrupt(&demo);
    check_account(&summary(&demo.wait_with_output().unwrap()));
}

#[test]
fn a_missing_file_is_told_with_its_mend() {
    let output = start(&["no/such/pipeline.yaml"]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("no/such/pipeline.yaml is not there. Mend: "), "{message}");
}
