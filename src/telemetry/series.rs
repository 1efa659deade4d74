//! The series that the exporter does not keep for us: histograms in constant memory, and gauges that end.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use metrics::atomics::AtomicU64;
use metrics::{Gauge, Histogram, Key};
use metrics_exporter_prometheus::formatting::{sanitize_label_value, write_help_line, write_type_line};

use super::histogram::FixedHistogram;
use super::{Kind, Metric};

/// The labels of one series as the exposition writes them, without braces: `model="a",version="1"`.
type Labels = String;

type ByName<T> = BTreeMap<&'static str, BTreeMap<Labels, T>>;

/// Where the handles of these series lead. Its locks are taken when a handle is asked for and when all is rendered, never to measure.
#[derive(Debug, Default)]
pub(super) struct Series {
    histograms: Mutex<ByName<Arc<FixedHistogram>>>,
    /// Weak: the handles own the value, and the series ends with the last of them.
    ending_gauges: Mutex<ByName<Weak<AtomicU64>>>,
}

impl Series {
    /// The handle of a histogram's series. Unknown names get none: every metric is in [`Metric`].
    pub(super) fn histogram(&self, key: &Key) -> Histogram {
        let Some((metric, Kind::Histogram { bounds })) = Metric::by_name(key.name()).map(|metric| (metric, metric.kind())) else {
            return Histogram::noop();
        };
        let mut histograms = lock(&self.histograms);
        let series = histograms.entry(metric.name()).or_default().entry(labels(key));
        Histogram::from_arc(Arc::clone(series.or_insert_with(|| Arc::new(FixedHistogram::new(bounds)))))
    }

    /// The handle of a gauge whose series ends with its handles.
    pub(super) fn ending_gauge(&self, metric: Metric, key: &Key) -> Gauge {
        let mut gauges = lock(&self.ending_gauges);
        let series = gauges.entry(metric.name()).or_default().entry(labels(key)).or_default();
        let value = series.upgrade().unwrap_or_default();
        *series = Arc::downgrade(&value);
        Gauge::from_arc(value)
    }

    /// Appends all series in the Prometheus text format.
    pub(super) fn render(&self, into: &mut String) {
        for (name, all) in lock(&self.histograms).iter() {
            write_header(into, name);
            for (labels, histogram) in all {
                render_histogram(into, name, labels, histogram);
            }
        }
        for (name, all) in lock(&self.ending_gauges).iter_mut() {
            all.retain(|_, value| value.strong_count() > 0);
            if !all.is_empty() {
                write_header(into, name);
            }
            for (labels, value) in all.iter().filter_map(|(labels, value)| Some((labels, value.upgrade()?))) {
                let value = f64::from_bits(value.load(std::sync::atomic::Ordering::Relaxed));
                let _ = writeln!(into, "{name}{{{labels}}} {value}");
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn labels(key: &Key) -> Labels {
    let labels = key.labels().map(|label| format!("{}=\"{}\"", label.key(), sanitize_label_value(label.value())));
    labels.collect::<Vec<_>>().join(",")
}

fn write_header(into: &mut String, name: &str) {
    let Some(metric) = Metric::by_name(name) else { return };
    write_help_line(into, name, None, None, metric.help());
    write_type_line(into, name, None, None, metric.kind().name());
}

fn render_histogram(into: &mut String, name: &str, labels: &str, histogram: &FixedHistogram) {
    let comma = if labels.is_empty() { "" } else { "," };
    let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    // Read before the counts: a sum that lacks an observation is better than a mean above the largest one.
    let sum = histogram.sum();
    let mut count = 0;
    // Writing to a string cannot fail.
    for (bound, cumulative) in histogram.cumulative() {
        let bound = if bound.is_infinite() { "+Inf".to_owned() } else { bound.to_string() };
        let _ = writeln!(into, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {cumulative}");
        count = cumulative;
    }
    let _ = writeln!(into, "{name}_sum{braced} {sum}\n{name}_count{braced} {count}");
}
