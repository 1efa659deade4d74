//! What a running pipeline tells the outside: metrics, health, logs, and the HTTP endpoint that serves the first two.
//!
//! # Invariants
//! - Every metric is in [`Metric`]; nothing else names one.
//! - What a worker calls per batch takes no lock that another thread holds for long and allocates nothing; only a dead letter is counted on its
//!   own.
//! - Memory does not depend on the number of events: histograms count into fixed buckets.

mod health;
mod histogram;
mod http;
mod logs;
mod metric;
mod probe;
mod recorder;
mod series;
mod worker;

pub use health::{Health, Verdict, WorkerHealth, WorkerState, WorkerStatus};
pub use http::{BindError, Endpoint};
pub use logs::{LogError, LogFormat, install as install_logs, install_from as install_logs_from};
pub use metric::{Kind, Metric, reference};
pub use probe::{ProbeError, probe};
pub use recorder::{Exposition, InstallError, install as install_metrics};
pub use worker::{LinePhase, Outcome, RebalanceKind, WorkerMetrics};
