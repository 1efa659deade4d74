//! How many events are due: a token bucket filled by the clock, so that a slow turn is made up for and a rate does not drift.

use std::time::Duration;

/// A pause longer than this is not made up for: a laptop that wakes up sends no flood.
const MOST_CATCH_UP: Duration = Duration::from_secs(1);

/// Paces events to a rate. Times are since the start.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Events a second; none is as fast as it goes.
    rate: Option<f64>,
    taken: u64,
    /// Time for which no events are due: what was slept through.
    forgiven: Duration,
}

impl Pace {
    /// `rate` in events a second; `None`, or a rate that is not above 0, is as fast as it goes.
    pub fn new(rate: Option<f64>) -> Self {
        Self { rate: rate.filter(|rate| *rate > 0.0), taken: 0, forgiven: Duration::ZERO }
    }

    /// How many events are due now.
    pub fn due(&mut self, now: Duration) -> u64 {
        let Some(rate) = self.rate else { return u64::MAX };
        let scheduled = Duration::try_from_secs_f64(self.taken as f64 / rate).unwrap_or(Duration::MAX);
        let behind = now.saturating_sub(self.forgiven).saturating_sub(scheduled);
        self.forgiven += behind.saturating_sub(MOST_CATCH_UP);
        // The first event is due at once, the next one a period later.
        let due = (now.saturating_sub(self.forgiven).as_secs_f64() * rate).floor() as u64 + 1;
        due.saturating_sub(self.taken)
    }

    /// `events` were taken.
    pub fn take(&mut self, events: u64) {
        self.taken += events;
    }

    /// How long until the next event is due.
    pub fn wait(&self, now: Duration) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        let scheduled = Duration::try_from_secs_f64(self.taken as f64 / rate).unwrap_or(Duration::MAX);
        scheduled.saturating_add(self.forgiven).saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_does_not_drift() {
        let mut pace = Pace::new(Some(3.0));
        let mut published = 0;
        // Turns at odd times: what one misses the next makes up for.
        for turn in 0..=3_000_000_u64 / 7 {
            let due = pace.due(Duration::from_millis(turn * 7));
            pace.take(due);
            published += due;
        }
        assert!((8_999..=9_001).contains(&published), "{published} in 3000 s at 3 a second");
    }

    #[test]
    fn waits_until_the_next_event() {
        let mut pace = Pace::new(Some(10.0));
        assert_eq!(pace.due(Duration::ZERO), 1);
        pace.take(1);
        assert_eq!(pace.due(Duration::from_millis(40)), 0);
        assert_eq!(pace.wait(Duration::from_millis(40)), Duration::from_millis(60));
        assert_eq!(pace.due(Duration::from_millis(100)), 1);
    }

    #[test]
    fn a_long_pause_makes_no_flood() {
        let mut pace = Pace::new(Some(100.0));
        let hour = Duration::from_secs(3600);
        let due = pace.due(hour);
        assert!((100..=101).contains(&due), "{due}");
        pace.take(due);
        let due = pace.due(hour + Duration::from_secs(1));
        assert!((99..=101).contains(&due), "{due}");
    }

    #[test]
    fn no_rate_is_no_wait() {
        let mut pace = Pace::new(Some(0.0));
        assert_eq!(pace.due(Duration::ZERO), u64::MAX);
        assert_eq!(pace.wait(Duration::ZERO), Duration::ZERO);
    }
}
