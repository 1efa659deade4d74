//! A histogram with fixed buckets.
//!
//! The exporter's own histograms keep every observation until they are drained, with a clock reading for each: at a million events a second
//! that is megabytes a second. Here an observation is a few additions, however many events share it.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::HistogramFn;

/// Counts of observations by bucket.
#[derive(Debug)]
pub(super) struct FixedHistogram {
    bounds: &'static [f64],
    /// One more than `bounds`: the last takes what is larger than all.
    counts: Box<[AtomicU64]>,
    /// The bits of an `f64`.
    sum: AtomicU64,
}

impl FixedHistogram {
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0.0f64.to_bits()) }
    }

    /// Each bound with the number of observations up to and including it.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let mut total = 0;
        bounds.zip(&self.counts).map(move |(bound, count)| {
            total += count.load(Ordering::Relaxed);
            (bound, total)
        })
    }

    /// The sum of all observations.
    pub(super) fn sum(&self) -> f64 {
        f64::from_bits(self.sum.load(Ordering::Relaxed))
    }
}

impl HistogramFn for FixedHistogram {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        // NaN would make the sum NaN for ever.
        if value.is_nan() {
            return;
        }
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(count as u64, Ordering::Relaxed);
        let added = value * count as f64;
        // The closure always answers `Some`, so the update always succeeds.
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| Some((f64::from_bits(bits) + added).to_bits()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_belongs_to_that_bucket() {
        let histogram = FixedHistogram::new(&[1.0, 2.0]);
        histogram.record(1.0);
        histogram.record_many(1.5, 3);
        histogram.record(9.0);
        histogram.record(f64::NAN);
        assert_eq!(histogram.cumulative().collect::<Vec<_>>(), [(1.0, 1), (2.0, 4), (f64::INFINITY, 5)]);
        assert_eq!(histogram.sum(), 14.5);
    }

    #[test]
    fn threads_lose_nothing() {
        let histogram = FixedHistogram::new(&[1.0]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| histogram.record(0.5)));
            }
        });
        assert_eq!(histogram.cumulative().last(), Some((f64::INFINITY, 40_000)));
        assert_eq!(histogram.sum(), 20_000.0);
    }
}
