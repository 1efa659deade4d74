//! The names of all metrics, each with its kind, unit, labels and help text.

use metrics::{Counter, Gauge, Histogram, IntoLabels, Unit};

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations counted into buckets.
    Histogram {
        /// The buckets' upper bounds, ascending, in the metric's unit; one more for all larger values is implied.
        bounds: &'static [f64],
    },
}

impl Kind {
    /// The type in the Prometheus exposition format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram { .. } => "histogram",
        }
    }
}

/// 10 us to 10 s.
const DURATION_SECONDS: &[f64] =
    &[1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// 1 ms, the resolution of a record's timestamp, to 60 s.
const LATENCY_SECONDS: &[f64] = &[1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
const BATCH_EVENTS: &[f64] =
    &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0, 32768.0, 65536.0];

/// Every metric of a caz process, in the order of the reference page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// `caz_events_total`
    EventsTotal,
    /// `caz_dead_letters_total`
    DeadLettersTotal,
    /// `caz_consumed_bytes_total`
    ConsumedBytesTotal,
    /// `caz_produced_bytes_total`
    ProducedBytesTotal,
    /// `caz_batch_size`
    BatchSize,
    /// `caz_phase_duration_seconds`
    PhaseDurationSeconds,
    /// `caz_event_latency_seconds`
    EventLatencySeconds,
    /// `caz_consumer_lag`
    ConsumerLag,
    /// `caz_assigned_partitions`
    AssignedPartitions,
    /// `caz_transactions_total`
    TransactionsTotal,
    /// `caz_rebalances_total`
    RebalancesTotal,
    /// `caz_inference_duration_seconds`
    InferenceDurationSeconds,
    /// `caz_inference_rows_total`
    InferenceRowsTotal,
    /// `caz_model_load_duration_seconds`
    ModelLoadDurationSeconds,
    /// `caz_model_rows_per_run`
    ModelRowsPerRun,
    /// `caz_workers`
    Workers,
    /// `caz_build_info`
    BuildInfo,
}

/// All that is known of a metric beside its name.
struct Definition {
    name: &'static str,
    kind: Kind,
    unit: Unit,
    labels: &'static [&'static str],
    help: &'static str,
}

impl Metric {
    /// All metrics.
    pub const ALL: &[Self] = &[
        Self::EventsTotal,
        Self::DeadLettersTotal,
        Self::ConsumedBytesTotal,
        Self::ProducedBytesTotal,
        Self::BatchSize,
        Self::PhaseDurationSeconds,
        Self::EventLatencySeconds,
        Self::ConsumerLag,
        Self::AssignedPartitions,
        Self::TransactionsTotal,
        Self::RebalancesTotal,
        Self::InferenceDurationSeconds,
        Self::InferenceRowsTotal,
        Self::ModelLoadDurationSeconds,
        Self::ModelRowsPerRun,
        Self::Workers,
        Self::BuildInfo,
    ];

    fn definition(self) -> Definition {
        let define = |name, kind, unit, labels, help| Definition { name, kind, unit, labels, help };
        let durations = Kind::Histogram { bounds: DURATION_SECONDS };
        match self {
            Self::EventsTotal => define(
                "caz_events_total",
                Kind::Counter,
                Unit::Count,
                &["outcome"],
                "Events whose way has ended, by outcome: scored, dead_letter or skipped.",
            ),
            Self::DeadLettersTotal => define(
                "caz_dead_letters_total",
                Kind::Counter,
                Unit::Count,
                &["phase", "reason"],
                "Events sent to the dead-letter topic, by the phase that rejected them and the reason.",
            ),
            Self::ConsumedBytesTotal => {
                define("caz_consumed_bytes_total", Kind::Counter, Unit::Bytes, &[], "Bytes of the values of consumed records.")
            }
            Self::ProducedBytesTotal => {
                define("caz_produced_bytes_total", Kind::Counter, Unit::Bytes, &[], "Bytes of the values of produced scores.")
            }
            Self::BatchSize => define(
                "caz_batch_size",
                Kind::Histogram { bounds: BATCH_EVENTS },
                Unit::Count,
                &[],
                "Events in a batch; a batch is what had arrived when the worker asked.",
            ),
            Self::PhaseDurationSeconds => define(
                "caz_phase_duration_seconds",
                durations,
                Unit::Seconds,
                &["phase"],
                "Time that one phase took for one batch: poll, decode, graph, inference, encode, produce or commit.",
            ),
            Self::EventLatencySeconds => define(
                "caz_event_latency_seconds",
                Kind::Histogram { bounds: LATENCY_SECONDS },
                Unit::Seconds,
                &[],
                "Time from a record's timestamp until the outcome of its events was delivered, once for each record.",
            ),
            Self::ConsumerLag => define(
                "caz_consumer_lag",
                Kind::Gauge,
                Unit::Count,
                &["topic", "partition"],
                "Records of an assigned partition whose outcome is not delivered yet; the series ends when the partition leaves.",
            ),
            Self::AssignedPartitions => {
                define("caz_assigned_partitions", Kind::Gauge, Unit::Count, &[], "Partitions assigned to the workers of this process.")
            }
            Self::TransactionsTotal => define(
                "caz_transactions_total",
                Kind::Counter,
                Unit::Count,
                &["result"],
                "Transactions, by result: committed or aborted; with at_least_once, which has none, commits and undone work.",
            ),
            Self::RebalancesTotal => define(
                "caz_rebalances_total",
                Kind::Counter,
                Unit::Count,
                &["kind"],
                "Changes of a worker's assignment, by kind: assigned, revoked or lost.",
            ),
            Self::InferenceDurationSeconds => define(
                "caz_inference_duration_seconds",
                durations,
                Unit::Seconds,
                &["model", "version"],
                "Time of one run of a model, which serves at most caz_model_rows_per_run rows.",
            ),
            Self::InferenceRowsTotal => define(
                "caz_inference_rows_total",
                Kind::Counter,
                Unit::Count,
                &["model", "version"],
                "Rows given to a model; a row of a failed run that is tried again counts again.",
            ),
            Self::ModelLoadDurationSeconds => define(
                "caz_model_load_duration_seconds",
                Kind::Gauge,
                Unit::Seconds,
                &["model", "version"],
                "Time that loading and probing a model took.",
            ),
            Self::ModelRowsPerRun => define(
                "caz_model_rows_per_run",
                Kind::Gauge,
                Unit::Count,
                &["model", "version", "engine"],
                "Rows in one run of a model, as the pipeline says or as measured; engine tells what computes it: onnxruntime, linear or trees.",
            ),
            Self::Workers => define(
                "caz_workers",
                Kind::Gauge,
                Unit::Count,
                &["state"],
                "Workers of this process, by state: joining, ready, stalled or ended.",
            ),
            Self::BuildInfo => define(
                "caz_build_info",
                Kind::Gauge,
                Unit::Count,
                &["version", "revision", "rustc"],
                "Always 1; its labels tell the version, the source revision and the compiler.",
            ),
        }
    }

    /// The name in the exposition.
    pub fn name(self) -> &'static str {
        self.definition().name
    }

    /// How it behaves.
    pub fn kind(self) -> Kind {
        self.definition().kind
    }

    /// Its base unit; `Unit::Count` for a number of things.
    pub fn unit(self) -> Unit {
        self.definition().unit
    }

    /// The names of its labels.
    pub fn labels(self) -> &'static [&'static str] {
        self.definition().labels
    }

    /// One sentence on what it measures.
    pub fn help(self) -> &'static str {
        self.definition().help
    }

    /// The metric of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| metric.name() == name)
    }

    /// Whether a series of it ends when the last handle to it is dropped. Others stay for the life of the process, as counters must.
    pub(super) fn ends_with_its_handles(self) -> bool {
        self == Self::ConsumerLag
    }

    /// The handle of one series of this counter.
    pub fn counter(self, labels: impl IntoLabels) -> Counter {
        debug_assert_eq!(self.kind(), Kind::Counter);
        metrics::counter!(self.name(), labels)
    }

    /// The handle of one series of this gauge.
    pub fn gauge(self, labels: impl IntoLabels) -> Gauge {
        debug_assert_eq!(self.kind(), Kind::Gauge);
        metrics::gauge!(self.name(), labels)
    }

    /// The handle of one series of this histogram.
    pub fn histogram(self, labels: impl IntoLabels) -> Histogram {
        debug_assert!(matches!(self.kind(), Kind::Histogram { .. }));
        metrics::histogram!(self.name(), labels)
    }
}

/// The reference page of all metrics, in Markdown.
pub fn reference() -> String {
    let mut page = String::from(
        "# Metrics\n\nServed in the Prometheus text format at `/metrics`. This page is generated from the program's definitions.\n\n\
         | metric | type | unit | labels | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for metric in Metric::ALL {
        let labels: Vec<String> = metric.labels().iter().map(|label| format!("`{label}`")).collect();
        let unit = match metric.unit() {
            Unit::Count => "",
            unit => unit.as_str(),
        };
        page.push_str(&format!(
            "| `{}` | {} | {unit} | {} | {} |\n",
            metric.name(),
            metric.kind().name(),
            labels.join(", "),
            metric.help()
        ));
    }
    page.push_str("\n## Buckets of the histograms\n\nUpper bounds, in the metric's unit; a last bucket takes all larger values.\n\n");
    for metric in Metric::ALL {
        if let Kind::Histogram { bounds } = metric.kind() {
            let bounds: Vec<String> = bounds.iter().map(ToString::to_string).collect();
            page.push_str(&format!("- `{}`: {}\n", metric.name(), bounds.join(", ")));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_kind_and_unit() {
        for metric in Metric::ALL {
            let name = metric.name();
            assert!(name.starts_with("caz_"), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind() == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), metric.unit() == Unit::Seconds, "{name}");
            assert_eq!(name.ends_with("_bytes_total"), metric.unit() == Unit::Bytes, "{name}");
            assert!(metric.help().ends_with('.'), "{name}");
            assert_eq!(Metric::by_name(name), Some(*metric));
        }
    }

    #[test]
    fn bounds_ascend() {
        for metric in Metric::ALL {
            if let Kind::Histogram { bounds } = metric.kind() {
                assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{}", metric.name());
            }
        }
    }

    #[test]
    fn the_reference_page_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == reference(), "docs/metrics.md is not what the program says: `make docs` writes it");
    }
}
