//! The process's recorder of metrics, and how they are read out.

use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::series::Series;
use super::{Kind, Metric, Outcome};

/// The metrics could not be switched on.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be recorded: the process has another recorder already, installed by the program that embeds caz")]
pub struct InstallError;

/// Reads out all metrics of the process.
#[derive(Clone, Debug)]
pub struct Exposition {
    exporter: PrometheusHandle,
    series: Arc<Series>,
}

impl Exposition {
    /// All metrics in the Prometheus text format, version 0.0.4.
    pub fn render(&self) -> String {
        let mut text = self.exporter.render();
        self.series.render(&mut text);
        text
    }

    /// How many events' way ended so, in all workers.
    pub fn events(&self, outcome: Outcome) -> u64 {
        let series = format!("{}{{outcome=\"{}\"}} ", Metric::EventsTotal.name(), outcome.name());
        self.exporter.render().lines().find_map(|line| line.strip_prefix(&series)?.parse().ok()).unwrap_or(0)
    }
}

/// Counters and gauges go to the exporter, histograms and gauges that end to [`Series`].
pub(super) struct CazRecorder {
    exporter: PrometheusRecorder,
    series: Arc<Series>,
}

impl CazRecorder {
    pub(super) fn new() -> Self {
        let exporter = PrometheusBuilder::new().build_recorder();
        for metric in Metric::ALL {
            let (name, unit, help) = (KeyName::from_const_str(metric.name()), Some(metric.unit()), SharedString::const_str(metric.help()));
            match metric.kind() {
                Kind::Counter => exporter.describe_counter(name, unit, help),
                Kind::Gauge => exporter.describe_gauge(name, unit, help),
                // `Series` writes the help of its own.
                Kind::Histogram { .. } => {}
            }
        }
        Self { exporter, series: Arc::default() }
    }

    pub(super) fn exposition(&self) -> Exposition {
        Exposition { exporter: self.exporter.handle(), series: Arc::clone(&self.series) }
    }
}

impl Recorder for CazRecorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.exporter.describe_counter(name, unit, description);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.exporter.describe_gauge(name, unit, description);
    }

    fn describe_histogram(&self, _name: KeyName, _unit: Option<Unit>, _description: SharedString) {}

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.exporter.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        match Metric::by_name(key.name()) {
            Some(metric) if metric.ends_with_its_handles() => self.series.ending_gauge(metric, key),
            _ => self.exporter.register_gauge(key, metadata),
        }
    }

    fn register_histogram(&self, key: &Key, _metadata: &Metadata<'_>) -> Histogram {
        self.series.histogram(key)
    }
}

/// Switches the process's metrics on; before, every measurement goes nowhere, and handles made before stay without effect. Further calls
/// answer the same.
///
/// # Errors
/// When the process has a recorder that is not caz's.
pub fn install() -> Result<Exposition, InstallError> {
    static INSTALLED: Mutex<Option<Exposition>> = Mutex::new(None);
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(exposition) = installed.as_ref() {
        return Ok(exposition.clone());
    }
    let recorder = CazRecorder::new();
    let exposition = recorder.exposition();
    metrics::set_global_recorder(recorder).map_err(|_| InstallError)?;
    publish_build_info();
    Ok(installed.insert(exposition).clone())
}

fn publish_build_info() {
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("revision", env!("CAZ_REVISION")), ("rustc", env!("CAZ_RUSTC"))];
    Metric::BuildInfo.gauge(&labels).set(1.0);
}
