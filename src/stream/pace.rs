//! When the open work is committed.
//!
//! Scores of a transaction are seen once it is committed, which is due as soon as what has arrived is scored: an event waits for some
//! milliseconds. Where more waits than a batch took, the work goes on with that, at most the whole interval, so that commits take the less of
//! the time the more there is to do. A batch that would probably outlast the interval is not begun before the commit: the broker ends a
//! transaction that a slow model keeps open for too long. With at least once scores are seen before their commit, so that it waits for the
//! interval. The first commit waits for nothing: it tells early whether commits may be made.

use std::time::{Duration, Instant};

/// When a worker's work was opened, and how long it lasts.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    is_transactional: bool,
    opened: Option<Instant>,
    has_committed: bool,
}

impl Pace {
    /// `interval` is how long work may stay open.
    pub(super) fn new(interval: Duration, is_transactional: bool) -> Self {
        Self { interval, is_transactional, opened: None, has_committed: false }
    }

    pub(super) fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    pub(super) fn open(&mut self, now: Instant) {
        self.opened = Some(now);
    }

    /// The work is undone; whether there was any.
    pub(super) fn undone(&mut self) -> bool {
        self.opened.take().is_some()
    }

    /// The work is committed.
    pub(super) fn committed(&mut self) {
        self.opened = None;
        self.has_committed = true;
    }

    /// Whether the open work is to be committed. `took` is how long the last batch took, as long as the next one may; `is_drained` tells
    /// whether everything that had arrived is scored.
    pub(super) fn is_due(&self, now: Instant, took: Duration, is_drained: bool) -> bool {
        let left = self.due_in(now);
        left.is_zero() || (self.is_transactional && (left < took || is_drained))
    }

    /// How long the open work may wait for more events.
    pub(super) fn waits(&self, now: Instant) -> Duration {
        if self.is_transactional { Duration::ZERO } else { self.due_in(now) }
    }

    fn due_in(&self, now: Instant) -> Duration {
        let lasted = self.opened.map_or(Duration::ZERO, |opened| now.saturating_duration_since(opened));
        if self.has_committed { self.interval.saturating_sub(lasted) } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Pace;

    const INTERVAL: Duration = Duration::from_millis(100);

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Work that was opened at that moment, after an earlier commit.
    fn opened(is_transactional: bool) -> (Pace, Instant) {
        let (mut pace, now) = (Pace::new(INTERVAL, is_transactional), Instant::now());
        pace.open(now);
        pace.committed();
        pace.open(now);
        (pace, now)
    }

    #[test]
    fn the_first_commit_waits_for_nothing() {
        for is_transactional in [true, false] {
            let (mut pace, now) = (Pace::new(INTERVAL, is_transactional), Instant::now());
            pace.open(now);
            assert!(pace.is_due(now, ms(1), false));
        }
    }

    #[test]
    fn a_transaction_is_committed_when_the_input_is_drained() {
        let (pace, now) = opened(true);
        assert!(pace.is_due(now, ms(1), true));
        assert_eq!(pace.waits(now), Duration::ZERO);
    }

    #[test]
    fn it_lasts_no_longer_than_the_interval() {
        let (pace, now) = opened(true);
        assert!(!pace.is_due(now + ms(99), ms(1), false));
        assert!(pace.is_due(now + INTERVAL, ms(1), false));
    }

    /// A transaction stays open for one batch of a model that takes longer than the interval, not for two.
    #[test]
    fn a_batch_that_would_outlast_the_interval_waits_for_the_commit() {
        let (pace, now) = opened(true);
        assert!(pace.is_due(now + ms(1), ms(20_000), false));
        assert!(!pace.is_due(now + ms(1), ms(50), false) && pace.is_due(now + ms(51), ms(50), false));
        assert!(!opened(false).0.is_due(now + ms(1), ms(20_000), false), "nobody ends what is no transaction");
    }

    #[test]
    fn at_least_once_waits_for_the_interval() {
        let (pace, now) = opened(false);
        assert!(!pace.is_due(now + ms(30), ms(1), true));
        assert_eq!(pace.waits(now + ms(30)), ms(70));
        assert!(pace.is_due(now + INTERVAL, ms(1), false));
    }

    #[test]
    fn work_that_is_undone_is_not_open() {
        let (mut pace, _) = opened(true);
        assert!(pace.is_open() && pace.undone() && !pace.is_open() && !pace.undone());
    }
}
