//! When the open work is committed.
//!
//! A backlog is worked off in transactions that last the whole interval. Without one, scores wait for nothing but their commit, which is due
//! as soon as the work has lasted as long as commits take: an event waits for some milliseconds, and commits take at most half of the time.
//! With at least once scores are seen before their commit, so that it waits for the interval. The first commit waits for nothing: it tells how
//! long commits take, and early whether they may be made.

use std::time::{Duration, Instant};

/// When a worker's work was opened, and how long its commits take.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    is_transactional: bool,
    opened: Option<Instant>,
    /// How long commits take, as a moving average.
    commits_take: Duration,
    /// From when on the broker takes the next transaction at once.
    settled: Option<Instant>,
}

impl Pace {
    /// `interval` is how long work may stay open.
    pub(super) fn new(interval: Duration, is_transactional: bool) -> Self {
        Self { interval, is_transactional, opened: None, commits_take: Duration::ZERO, settled: None }
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

    /// The work is committed, which took so long. The broker writes a transaction's markers after it has answered, and refuses the next one
    /// meanwhile, which librdkafka then tries again 20 ms later; half the time of a commit is enough for most. Work that lasted the
    /// interval is a backlog's, which loses less by those 20 ms than by a pause after each commit.
    pub(super) fn committed(&mut self, now: Instant, took: Duration) {
        self.commits_take = (self.commits_take * 7 + took) / 8;
        let lasted = self.opened.take().map_or(Duration::ZERO, |opened| now.saturating_duration_since(opened).saturating_sub(took));
        self.settled = (self.is_transactional && lasted < self.interval).then(|| now + (self.commits_take / 2).min(self.interval));
    }

    /// How long the open work may wait for its commit.
    pub(super) fn due_in(&self, now: Instant, has_backlog: impl FnOnce() -> bool) -> Duration {
        if self.commits_take.is_zero() {
            return Duration::ZERO;
        }
        let lasted = self.opened.map_or(Duration::ZERO, |opened| now.saturating_duration_since(opened));
        let until_interval = self.interval.saturating_sub(lasted);
        let until_paced = self.commits_take.saturating_sub(lasted);
        if !self.is_transactional || (until_paced.is_zero() && has_backlog()) { until_interval } else { until_interval.min(until_paced) }
    }

    /// How long the next work had better not be opened.
    pub(super) fn settles_in(&self, now: Instant) -> Duration {
        self.settled.filter(|_| self.opened.is_none()).map_or(Duration::ZERO, |settled| settled.saturating_duration_since(now))
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

    /// A pace whose commits take 8 ms, and when the last one was done.
    fn paced(is_transactional: bool) -> (Pace, Instant) {
        let (mut pace, mut now) = (Pace::new(INTERVAL, is_transactional), Instant::now());
        for _ in 0..100 {
            pace.open(now);
            now += ms(8);
            pace.committed(now, ms(8));
        }
        (pace, now)
    }

    #[test]
    fn the_first_commit_waits_for_nothing() {
        for is_transactional in [true, false] {
            let (mut pace, now) = (Pace::new(INTERVAL, is_transactional), Instant::now());
            pace.open(now);
            assert_eq!(pace.due_in(now, || true), Duration::ZERO);
        }
    }

    #[test]
    fn without_a_backlog_work_lasts_as_long_as_a_commit() {
        let (mut pace, now) = paced(true);
        pace.open(now);
        assert_eq!(pace.due_in(now + ms(2), || false).as_millis(), 5);
        assert_eq!(pace.due_in(now + ms(8), || false), Duration::ZERO);
    }

    #[test]
    fn a_backlog_and_at_least_once_wait_for_the_interval() {
        let (mut pace, now) = paced(true);
        pace.open(now);
        assert_eq!(pace.due_in(now + ms(30), || true), ms(70));
        assert_eq!(pace.due_in(now + INTERVAL, || true), Duration::ZERO);
        let (mut pace, now) = paced(false);
        pace.open(now);
        assert_eq!(pace.due_in(now + ms(30), || false), ms(70));
        assert_eq!(pace.due_in(now + INTERVAL, || false), Duration::ZERO);
    }

    #[test]
    fn the_next_transaction_gives_the_broker_time_unless_there_is_a_backlog() {
        let (mut pace, now) = paced(true);
        assert_eq!(pace.settles_in(now + ms(1)).as_millis(), 2);
        assert_eq!(pace.settles_in(now + ms(4)), Duration::ZERO);
        pace.open(now);
        pace.committed(now + INTERVAL + ms(8), ms(8));
        assert_eq!(pace.settles_in(now + INTERVAL + ms(8)), Duration::ZERO);
        assert_eq!(paced(false).0.settles_in(now), Duration::ZERO);
    }

    #[test]
    fn a_commit_that_took_long_does_not_hold_back_the_next_work_as_long() {
        let (mut pace, now) = paced(true);
        pace.open(now);
        pace.committed(now + ms(60_000), ms(60_000));
        assert_eq!(pace.settles_in(now + ms(60_000)), INTERVAL);
    }

    #[test]
    fn work_that_is_undone_is_not_open() {
        let (mut pace, now) = paced(true);
        assert!(!pace.undone());
        pace.open(now);
        assert!(pace.is_open() && pace.undone() && !pace.is_open());
    }
}
