//! When the open work is committed.
//!
//! Scores wait for nothing but their commit, which is due as soon as what had arrived is scored: an event waits for some milliseconds. Who
//! cannot keep up so, which a backlog tells, works half as long as commits take before the next one, then twice as long each time, at most
//! the whole interval, and half as long when there is none. With at least once scores are seen before their commit, so that it waits for the
//! interval. The first commit waits for nothing: it tells how long commits take, and early whether they may be made.

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
}

impl Pace {
    /// `interval` is how long work may stay open.
    pub(super) fn new(interval: Duration, is_transactional: bool) -> Self {
        Self { interval, is_transactional, opened: None, commits_take: Duration::ZERO, work_lasts: Duration::ZERO }
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
    pub(super) fn committed(&mut self, took: Duration, has_backlog: bool) {
        self.opened = None;
        self.commits_take = (self.commits_take * 7 + took) / 8;
        let longer = || (self.work_lasts * 2).max(self.commits_take / 2);
        let paced = if has_backlog { longer() } else { self.work_lasts / 2 };
        self.work_lasts = if self.is_transactional { paced.min(self.interval) } else { self.interval };
    }

    /// How long the open work may wait for its commit.
    pub(super) fn due_in(&self, now: Instant) -> Duration {
        let lasted = self.opened.map_or(Duration::ZERO, |opened| now.saturating_duration_since(opened));
        self.work_lasts.saturating_sub(lasted)
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
            pace.committed(ms(8), has_backlog);
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
    fn without_a_backlog_a_commit_is_due_at_once() {
        let (pace, now) = paced(true);
        assert_eq!(pace.due_in(now), Duration::ZERO);
    }

    #[test]
    fn with_a_backlog_work_lasts_twice_as_long_each_time_until_the_interval() {
        let (mut pace, _) = paced(true);
        let mut lasts = |has_backlog| {
            [(); 6].map(|()| {
                let now = commit(&mut pace, 1, has_backlog);
                pace.due_in(now).as_millis()
            })
        };
        assert_eq!(lasts(true), [3, 7, 15, 31, 63, 100]);
        assert_eq!(lasts(false), [50, 25, 12, 6, 3, 1]);
    }

    #[test]
    fn at_least_once_waits_for_the_interval() {
        let (pace, now) = paced(false);
        assert_eq!(pace.due_in(now + ms(30)), ms(70));
        assert_eq!(pace.due_in(now + INTERVAL), Duration::ZERO);
    }

    #[test]
    fn work_lasts_no_longer_than_the_interval_after_a_commit_that_took_long() {
        let (mut pace, now) = paced(true);
        pace.committed(ms(60_000), true);
        pace.open(now);
        assert_eq!(pace.due_in(now), INTERVAL);
    }

    #[test]
    fn work_that_is_undone_is_not_open() {
        let (mut pace, _) = paced(true);
        assert!(pace.is_open() && pace.undone() && !pace.is_open() && !pace.undone());
    }
}
