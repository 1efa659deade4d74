//! Latencies in constant memory.

/// Counts of latencies in whole milliseconds: exact below 128 ms, within 1/64 above.
#[derive(Clone, Debug)]
pub(super) struct Latencies {
    counts: Vec<u64>,
    total: u64,
}

/// Each power of two of milliseconds has so many buckets.
const STEPS: u64 = 64;
/// Up to 2^20 ms, a quarter of an hour; what is longer counts as that.
const MAX_MS: u64 = 1 << 20;

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; bucket(MAX_MS) + 1], total: 0 }
    }
}

impl Latencies {
    /// An event took `ms` milliseconds; less than none, by a clock that was set back, counts as none.
    pub(super) fn record(&mut self, ms: i64) {
        let ms = u64::try_from(ms).unwrap_or(0).min(MAX_MS);
        self.counts[bucket(ms)] += 1;
        self.total += 1;
    }

    /// The latency in milliseconds that a share of the events does not exceed; none without events.
    pub(super) fn quantile(&self, share: f64) -> Option<u64> {
        let rank = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut below = 0;
        let found = self.counts.iter().position(|count| {
            below += count;
            below >= rank
        });
        found.filter(|_| self.total > 0).map(upper_bound)
    }

    /// The counts since the last call, which begin anew.
    pub(super) fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

fn bucket(ms: u64) -> usize {
    // Values below 2 * STEPS have a bucket each; of larger ones the leading bits count.
    let shift = (ms / STEPS).checked_ilog2().unwrap_or(0);
    (u64::from(shift) * STEPS + (ms >> shift)) as usize
}

fn upper_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket / STEPS).saturating_sub(1);
    ((bucket - shift * STEPS + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_a_bucket_near_it() {
        for ms in (0..MAX_MS).step_by(7) {
            let bound = upper_bound(bucket(ms));
            assert!(bound >= ms && bound - ms <= ms / STEPS, "{ms}: {bound}");
        }
    }

    #[test]
    fn quantiles_of_known_latencies() {
        let mut latencies = Latencies::default();
        (1..=100).for_each(|ms| latencies.record(ms));
        assert_eq!((latencies.quantile(0.5), latencies.quantile(0.99), latencies.quantile(1.0)), (Some(50), Some(99), Some(100)));
        latencies.record(-5);
        assert_eq!(latencies.quantile(0.0), Some(0));
        assert_eq!(latencies.take().total, 101);
        assert_eq!(latencies.quantile(0.5), None);
    }
}
