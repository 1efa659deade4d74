//! When the open work is committed.
//!
//! Scores wait for nothing but their commit, which is due as soon as the work has lasted as long as commits take: an event waits for some
//! milliseconds, and commits take at most half of the time. Who cannot keep up so, which a backlog tells, works twice as long before the next
//! commit, at most the whole interval, and half as long when there is none. With at least once scores are seen before their commit, so that
//! it waits for the interval. The first commit waits for nothing: it tells how long commits take, and early whether they may be made.

use std::time::{Duration, Instant};

/// When a worker's work was opened, how long it lasts, and how long its commits take.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    is_transactional: bool,
    opened: Option<Instant>,
    /// How long commits take, as a moving average.
    commits_take: Duration,
    /// How long work lasts before its commit is due.
    work_lasts: Duration,
    /// From when on the broker takes the next transaction at once.
    settled: Option<Instant>,
}

impl Pace {
    /// `interval` is how long work may stay open.
    pub(super) fn new(interval: Duration, is_transactional: bool) -> Self {
        Self { interval, is_transactional, opened: None, commits_take: Duration::ZERO, work_lasts: Duration::ZERO, settled: None }
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

    /// The work is committed, which took so long; `has_backlog` tells whether more was waiting when it began.
    ///
    /// The broker writes a transaction's markers after it has answered, and refuses the next one meanwhile, which librdkafka then tries again
    /// 20 ms later; half the time of a commit is enough for most. Work that lasts the interval loses less by those 20 ms than by a pause
    /// after each commit.
    pub(super) fn committed(&mut self, now: Instant, took: Duration, has_backlog: bool) {
        self.opened = None;
        self.commits_take = (self.commits_take * 7 + took) / 8;
        let paced = if has_backlog { self.work_lasts * 2 } else { self.work_lasts / 2 };
        self.work_lasts = if self.is_transactional { paced.max(self.commits_take).min(self.interval) } else { self.interval };
        let pauses = self.is_transactional && self.work_lasts < self.interval;
        self.settled = pauses.then(|| now + (self.commits_take / 2).min(self.interval));
    }

    /// How long the open work may wait for its commit.
    pub(super) fn due_in(&self, now: Instant) -> Duration {
        let lasted = self.opened.map_or(Duration::ZERO, |opened| now.saturating_duration_since(opened));
        self.work_lasts.saturating_sub(lasted)
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

    /// Commits of 8 ms each; answers when the last one was done and the next work was opened.
    fn commit(pace: &mut Pace, times: usize, has_backlog: bool) -> Instant {
        let now = Instant::now();
        for _ in 0..times {
            pace.open(now);
            pace.committed(now, ms(8), has_backlog);
        }
        pace.open(now);
        now
    }

    fn paced(is_transactional: bool) -> (Pace, Instant) {
        let mut pace = Pace::new(INTERVAL, is_transactional);
        let now = commit(&mut pace, 100, false);
        (pace, now)
    }

    #[test]
    fn the_first_commit_waits_for_nothing() {
        for is_transactional in [true, false] {
            let (mut pace, now) = (Pace::new(INTERVAL, is_transactional), Instant::now());
            pace.open(now);
            assert_eq!(pace.due_in(now), Duration::ZERO);
        }
    }

    #[test]
    fn without_a_backlog_work_lasts_as_long_as_a_commit() {
        let (pace, now) = paced(true);
        assert_eq!(pace.due_in(now + ms(2)).as_millis(), 5);
        assert_eq!(pace.due_in(now + ms(8)), Duration::ZERO);
    }

    #[test]
    fn with_a_backlog_it_lasts_twice_as_long_each_time_until_the_interval() {
        let (mut pace, _) = paced(true);
        let mut lasts = |has_backlog| {
            [(); 5].map(|()| {
                let now = commit(&mut pace, 1, has_backlog);
                pace.due_in(now).as_millis()
            })
        };
        assert_eq!(lasts(true), [15, 31, 63, 100, 100]);
        assert_eq!(lasts(false), [50, 25, 12, 7, 7]);
    }

    #[test]
    fn at_least_once_waits_for_the_interval() {
        let (pace, now) = paced(false);
        assert_eq!(pace.due_in(now + ms(30)), ms(70));
        assert_eq!(pace.due_in(now + INTERVAL), Duration::ZERO);
    }

    #[test]
    fn the_next_transaction_gives_the_broker_time_unless_work_lasts_the_interval() {
        let settles = |mut pace: Pace, now: Instant, after: Duration| {
            pace.opened = None;
            pace.settles_in(now + after)
        };
        let (pace, now) = paced(true);
        assert_eq!(pace.settles_in(now), Duration::ZERO, "it is open");
        assert_eq!(settles(pace, now, Duration::ZERO).as_millis(), 3);
        let (pace, now) = paced(true);
        assert_eq!(settles(pace, now, ms(4)), Duration::ZERO);
        let (mut pace, _) = paced(true);
        let now = commit(&mut pace, 5, true);
        assert_eq!(settles(pace, now, Duration::ZERO), Duration::ZERO);
        let (pace, now) = paced(false);
        assert_eq!(settles(pace, now, Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_commit_that_took_long_holds_back_no_longer_than_the_interval() {
        let (mut pace, now) = paced(true);
        pace.committed(now, ms(60_000), false);
        assert_eq!(pace.settles_in(now), Duration::ZERO);
        pace.open(now);
        assert_eq!(pace.due_in(now), INTERVAL);
    }

    #[test]
    fn work_that_is_undone_is_not_open() {
        let (mut pace, _) = paced(true);
        assert!(pace.is_open() && pace.undone() && !pace.is_open() && !pace.undone());
    }
}
