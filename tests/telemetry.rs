//! The endpoint as Prometheus and an orchestrator see it: scraped over HTTP while workers measure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed expectation is a failed test")]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use caz::dataset::{Phase, Reason};
use caz::telemetry::{Endpoint, Health, LinePhase, Metric, ProbeError, RebalanceKind, WorkerHealth, WorkerMetrics, install_metrics, probe};
use tokio::sync::oneshot;

const STALL_LIMIT: Duration = Duration::from_secs(60);

/// An endpoint on a free port; dropping `stop` ends it.
struct Running {
    address: SocketAddr,
    health: Health,
    workers: Vec<WorkerHealth>,
    stop: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Running {
    fn start(workers: usize) -> Self {
        let exposition = install_metrics().unwrap();
        let (health, workers) = Health::new(workers, STALL_LIMIT);
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell_address, address) = std::sync::mpsc::channel();
        let served = health.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let endpoint = Endpoint::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
                tell_address.send(endpoint.address()).unwrap();
                endpoint.serve(exposition, served, async { drop(stopped.await) }).await;
            });
        });
        Self { address: address.recv().unwrap(), health, workers, stop, thread }
    }

    fn get(&self, path: &str) -> Result<String, ProbeError> {
        probe(&format!("http://{}{path}", self.address))
    }

    fn status(&self, path: &str) -> (u16, String) {
        match self.get(path) {
            Ok(body) => (200, body),
            Err(ProbeError::Unhealthy { status, body, .. }) => (status, body),
            Err(error) => panic!("{error}"),
        }
    }

    fn stop(self) {
        drop(self.stop);
        self.thread.join().unwrap();
    }
}

/// The value of the series, as the exposition writes it.
fn value<'a>(exposition: &'a str, series: &str) -> Option<&'a str> {
    exposition.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
}

#[test]
fn a_scrape_shows_what_workers_measured() {
    let running = Running::start(2);
    let (one, other) = (WorkerMetrics::new("scraped"), WorkerMetrics::new("scraped"));
    for worker in [&one, &other] {
        worker.batch(5, 780);
        worker.phase(LinePhase::Decode, Duration::from_micros(300));
        worker.scored(3, 120);
        worker.skipped(1);
        worker.dead_letter(Phase::Decode, Reason::Truncated);
        worker.latency(1_000_020, [(1_000_000, 2), (-1, 1), (1_000_018, 1), (1_000_050, 1)].into_iter());
        worker.transaction(true);
        worker.rebalance(RebalanceKind::Assigned);
        worker.assigned(2);
    }
    other.assigned(1);
    one.lag(0, 17);
    other.lag(3, 4);
    running.workers[0].ready(true);

    let text = running.get("/metrics").unwrap();
    for (series, expected) in [
        ("caz_events_total{outcome=\"scored\"}", "6"),
        ("caz_events_total{outcome=\"dead_letter\"}", "2"),
        ("caz_events_total{outcome=\"skipped\"}", "2"),
        ("caz_dead_letters_total{phase=\"decode\",reason=\"truncated\"}", "2"),
        ("caz_consumed_bytes_total", "1560"),
        ("caz_produced_bytes_total", "240"),
        ("caz_batch_size_bucket{le=\"4\"}", "0"),
        ("caz_batch_size_bucket{le=\"8\"}", "2"),
        ("caz_batch_size_sum", "10"),
        ("caz_batch_size_count", "2"),
        ("caz_phase_duration_seconds_bucket{phase=\"decode\",le=\"0.00025\"}", "0"),
        ("caz_phase_duration_seconds_bucket{phase=\"decode\",le=\"0.0005\"}", "2"),
        ("caz_phase_duration_seconds_bucket{phase=\"commit\",le=\"+Inf\"}", "0"),
        // Two at 20 ms, one at 2 ms and one from a clock that is ahead; no timestamp counts for nothing.
        ("caz_event_latency_seconds_bucket{le=\"0.001\"}", "2"),
        ("caz_event_latency_seconds_bucket{le=\"0.0025\"}", "4"),
        ("caz_event_latency_seconds_bucket{le=\"0.025\"}", "8"),
        ("caz_event_latency_seconds_count", "8"),
        ("caz_transactions_total{result=\"committed\"}", "2"),
        ("caz_transactions_total{result=\"aborted\"}", "0"),
        ("caz_rebalances_total{kind=\"assigned\"}", "2"),
        ("caz_rebalances_total{kind=\"lost\"}", "0"),
        ("caz_assigned_partitions", "3"),
        ("caz_consumer_lag{topic=\"scraped\",partition=\"0\"}", "17"),
        ("caz_consumer_lag{topic=\"scraped\",partition=\"3\"}", "4"),
        ("caz_workers{state=\"ready\"}", "1"),
        ("caz_workers{state=\"joining\"}", "1"),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series} in\n{text}");
    }
    assert!(text.contains(&format!("caz_build_info{{version=\"{}\",", env!("CARGO_PKG_VERSION"))), "{text}");
    check_form(&text);

    // A partition that leaves takes its series along; one that another worker holds too stays.
    other.lag(0, 9);
    one.forget(0);
    other.forget(3);
    drop(one);
    let text = running.get("/metrics").unwrap();
    assert_eq!(value(&text, "caz_consumer_lag{topic=\"scraped\",partition=\"0\"}"), Some("9"));
    assert!(!text.contains("partition=\"3\""), "{text}");
    assert_eq!(value(&text, "caz_assigned_partitions"), Some("1"));
    running.stop();
}

/// Every metric has one head with the text of its definition, and every sample stands under its own.
fn check_form(text: &str) {
    let mut heads = BTreeSet::new();
    let mut current: Option<Metric> = None;
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').unwrap();
            let metric = Metric::by_name(name).unwrap_or_else(|| panic!("{name} is in no definition"));
            assert_eq!(kind, metric.kind().name(), "{name}");
            assert!(text.contains(&format!("# HELP {name} {}\n", metric.help())), "{name} has no help in\n{text}");
            assert!(heads.insert(name), "{name} has two heads");
            current = Some(metric);
        } else if !line.starts_with('#') {
            let metric = current.expect("a sample stands under a head");
            let (series, number) = line.rsplit_once(' ').unwrap();
            assert!(series.starts_with(metric.name()), "{series} stands under {}", metric.name());
            assert!(number.parse::<f64>().is_ok(), "{line}");
            for label in metric.labels() {
                assert!(series.contains(&format!("{label}=\"")), "{series} has no label {label}");
            }
        }
    }
}

#[test]
fn readiness_follows_the_workers() {
    let running = Running::start(2);
    assert_eq!(running.status("/healthz").0, 200);
    let (status, body) = running.status("/readyz");
    assert_eq!(status, 503);
    assert!(body.contains("{\"worker\":1,\"state\":\"joining\""), "{body}");
    running.workers.iter().for_each(|worker| worker.ready(true));
    assert_eq!(running.status("/readyz").0, 200);
    running.health.drain();
    let (status, body) = running.status("/readyz");
    assert_eq!((status, body.as_str()), (503, "{\"ok\":false,\"draining\":true,\"failing\":[]}"));
    assert_eq!(running.status("/healthz").0, 200);
    running.stop();
}

#[test]
fn a_worker_whose_thread_ended_fails_liveness() {
    let mut running = Running::start(2);
    running.workers.pop();
    let (status, body) = running.status("/healthz");
    assert_eq!(status, 503);
    assert!(body.contains("{\"worker\":1,\"state\":\"ended\""), "{body}");
    running.stop();
}

#[test]
fn the_index_leads_on_and_other_paths_do_not_exist() {
    let running = Running::start(1);
    let index = running.status("/?");
    assert!(index.0 == 200 && index.1.contains("href=\"/readyz\""), "{index:?}");
    assert_eq!(running.status("/secrets").0, 404);
    running.stop();
}

/// What the endpoint answers to these bytes, until it closes the connection or says no more.
fn answer_to(running: &Running, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(running.address).unwrap();
    // The endpoint may have answered and gone before all is written.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn nothing_can_be_changed() {
    let running = Running::start(1);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        for path in ["/", "/metrics", "/healthz", "/readyz"] {
            let answer = answer_to(&running, format!("{method} {path} HTTP/1.0\r\nHost: caz\r\n\r\n").as_bytes());
            assert!(answer.starts_with("HTTP/1.0 405 "), "{method} {path}: {answer}");
        }
    }
    running.stop();
}

#[test]
fn what_a_client_sends_is_bounded() {
    let running = Running::start(1);
    let long = format!("GET /metrics HTTP/1.1\r\nHost: caz\r\nX: {}\r\n\r\n", "x".repeat(64 << 10));
    let answer = answer_to(&running, long.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many = format!("GET /metrics HTTP/1.1\r\nHost: caz\r\n{}\r\n", "X: x\r\n".repeat(1_000));
    let answer = answer_to(&running, many.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    // A body is not waited for.
    let answer = answer_to(&running, b"POST /metrics HTTP/1.0\r\nHost: caz\r\nContent-Length: 1000000000000\r\n\r\nx");
    assert!(answer.starts_with("HTTP/1.0 405 "), "{answer}");
    running.stop();
}

#[test]
fn so_many_connections_and_no_more_are_served() {
    const MAX_CONNECTIONS: usize = 64;
    let running = Running::start(1);
    let mut idle: Vec<TcpStream> = (0..MAX_CONNECTIONS)
        .map(|_| {
            let mut stream = TcpStream::connect(running.address).unwrap();
            // An answer shows that the connection is being served; it stays open.
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: caz\r\n\r\n").unwrap();
            assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0);
            stream
        })
        .collect();
    let mut late = TcpStream::connect(running.address).unwrap();
    late.write_all(b"GET /healthz HTTP/1.0\r\nHost: caz\r\n\r\n").unwrap();
    late.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let waits = late.read(&mut [0; 16]).unwrap_err();
    assert!(matches!(waits.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{waits}");
    idle.pop();
    late.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut answer = String::new();
    late.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 200 "), "{answer}");
    running.stop();
}

#[test]
fn a_taken_port_is_explained() {
    let running = Running::start(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(Endpoint::bind(running.address)).unwrap_err().to_string();
    assert!(error.contains(&running.address.to_string()) && error.contains("`metrics.address`"), "{error}");
    running.stop();
}

#[test]
fn a_stopped_endpoint_is_gone_at_once_even_with_an_idle_connection() {
    let running = Running::start(1);
    let idle = TcpStream::connect(running.address).unwrap();
    running.get("/healthz").unwrap();
    let (address, started) = (running.address, std::time::Instant::now());
    running.stop();
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(matches!(probe(&address.to_string()), Err(ProbeError::Unreachable { .. })));
    drop(idle);
}
