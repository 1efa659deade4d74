//! The HTTP endpoint: `/metrics`, `/healthz`, `/readyz`, and an index of the three.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::health::WorkerGauges;
use super::{Exposition, Health, Verdict};

/// Connections served at a time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 64;
/// A client that has not sent its whole head by then is cut off; so is an idle kept-alive connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest head; hyper takes nothing below 8 KiB.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// A connection older than this is closed behind its current answer, so that none that reads slowly holds its place for ever.
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(300);
/// How long answers under way may take once the endpoint stops.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// The endpoint's address cannot be taken.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be served at {address}: {source}; {}", mend(.source.kind()))]
pub struct BindError {
    /// The address asked for.
    pub address: SocketAddr,
    /// What the system says.
    pub source: std::io::Error,
}

fn mend(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AddrInUse => "another process has this port: give another one in `metrics.address`, or port 0 for any that is free",
        ErrorKind::PermissionDenied => "this user may not take this port: give one above 1023 in `metrics.address`",
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address: give one of its own in `metrics.address`, 127.0.0.1 for itself alone or 0.0.0.0 for all"
        }
        _ => "give another address in `metrics.address`",
    }
}

/// An endpoint that has its address and does not answer yet.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
}

struct Served {
    exposition: Exposition,
    health: Health,
    worker_gauges: WorkerGauges,
}

impl Endpoint {
    /// Takes the address; port 0 takes any free port.
    ///
    /// # Errors
    /// When the system refuses the address.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let failed = |source| BindError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// The address taken, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is done; then the answers under way are finished, for at most a second.
    pub async fn serve(self, exposition: Exposition, health: Health, shutdown: impl Future<Output = ()>) {
        let router = router(Served { exposition, health, worker_gauges: WorkerGauges::new() });
        let mut connections = JoinSet::new();
        // Dropping the sender tells every connection to finish.
        let (stop, stopped) = watch::channel(());
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(serve_connection(stream, router.clone(), stopped.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the metrics endpoint could not accept a connection");
                        // Out of file descriptors, most likely: without a pause this would spin.
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        drop(self.listener);
        drop(stop);
        let _ = tokio::time::timeout(STOP_GRACE, async { while connections.join_next().await.is_some() {} }).await;
    }
}

async fn serve_connection(stream: TcpStream, router: Router, mut stopped: watch::Receiver<()>) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    tokio::select! {
        result = &mut connection => {
            if let Err(error) = result {
                tracing::debug!(%error, "a connection to the metrics endpoint ended early");
            }
            return;
        }
        _ = stopped.changed() => {}
        () = tokio::time::sleep(MAX_CONNECTION_AGE) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(STOP_GRACE, connection).await;
}

/// Handlers read no body: what a client sends behind its head is never taken in.
fn router(served: Served) -> Router {
    Router::new()
        .route("/", get(async || Html(INDEX)))
        .route("/metrics", get(metrics))
        .route("/healthz", get(async |State(served): State<Arc<Served>>| answer(served.health.live())))
        .route("/readyz", get(async |State(served): State<Arc<Served>>| answer(served.health.ready())))
        .with_state(Arc::new(served))
}

async fn metrics(State(served): State<Arc<Served>>) -> Response {
    served.worker_gauges.set(&served.health);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], served.exposition.render()).into_response()
}

fn answer(verdict: Verdict) -> Response {
    let status = if verdict.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(verdict)).into_response()
}

const INDEX: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>caz</title>
<h1>caz</h1>
<ul>
<li><a href=\"/metrics\">/metrics</a>: measurements in the Prometheus text format
<li><a href=\"/healthz\">/healthz</a>: whether every worker goes on
<li><a href=\"/readyz\">/readyz</a>: whether every worker reads its partitions
</ul>
</html>
";
