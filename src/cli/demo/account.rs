//! The account of events: what was published, against what came out, event by event.

use std::collections::{BTreeMap, VecDeque};

/// The most events of a partition that may be out while an older one is not: 2 MiB of bits. Older ones are given up as missing.
const MAX_WINDOW: i64 = 1 << 24;
const WORD: i64 = 64;
/// The missing events that are told by their coordinates.
const EXAMPLES: usize = 5;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Scored,
    Dead,
}

/// Which events have come out, by the coordinates of their source.
///
/// # Invariants
/// Memory is a bit for each event between the oldest that is not out and the newest that is, and no more than [`MAX_WINDOW`] bits a
/// partition.
#[derive(Debug, Default)]
pub(super) struct Account {
    partitions: BTreeMap<i32, Partition>,
    scored: u64,
    dead: u64,
    doubled: u64,
    unattributed: u64,
}

#[derive(Debug, Default)]
struct Partition {
    /// Every event below is out, or was given up; a multiple of [`WORD`].
    settled: i64,
    /// A bit for each event from `settled` on.
    out: VecDeque<u64>,
    /// Events that were given up: the first few, and how many.
    given_up: (Vec<i64>, u64),
}

/// The account at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Balance {
    /// Events that are in the input topic.
    pub(super) in_topic: u64,
    /// Events that have neither a score nor a dead letter.
    pub(super) absent: u64,
    /// The first few of them: partition, offset.
    pub(super) examples: Vec<(i32, i64)>,
    /// Scores and dead letters of events that never were in the input topic.
    pub(super) unknown: u64,
}

impl Account {
    /// An event has come out.
    pub(super) fn note(&mut self, partition: i32, offset: i64, outcome: Outcome) {
        match self.partitions.entry(partition).or_default().note(offset) {
            false => self.doubled += 1,
            true if outcome == Outcome::Scored => self.scored += 1,
            true => self.dead += 1,
        }
    }

    /// A record has come out that does not say of which event.
    pub(super) fn note_unattributed(&mut self) {
        self.unattributed += 1;
    }

    /// Events with a score.
    pub(super) fn scored(&self) -> u64 {
        self.scored
    }

    /// Events with a dead letter.
    pub(super) fn dead(&self) -> u64 {
        self.dead
    }

    /// Events with either.
    pub(super) fn out(&self) -> u64 {
        self.scored + self.dead
    }

    /// Records beyond the first of their event.
    pub(super) fn doubled(&self) -> u64 {
        self.doubled
    }

    /// Records that do not say of which event they are.
    pub(super) fn unattributed(&self) -> u64 {
        self.unattributed
    }

    /// Holds what came out against the input topic: each partition with the offset behind its last event; the first event is at 0.
    pub(super) fn balance(&self, input: &[(i32, i64)]) -> Balance {
        let mut balance = Balance::default();
        for (partition, end) in input {
            balance.in_topic += end.unsigned_abs();
            let empty = Partition::default();
            let known = self.partitions.get(partition).unwrap_or(&empty);
            let (given_up, count) = &known.given_up;
            balance.absent += count;
            let missing = (known.settled..*end).filter(|offset| !known.is_out(*offset));
            let mut examples: Vec<(i32, i64)> = given_up.iter().map(|offset| (*partition, *offset)).collect();
            for offset in missing {
                balance.absent += 1;
                if examples.len() < EXAMPLES {
                    examples.push((*partition, offset));
                }
            }
            balance.examples.extend(examples);
            balance.unknown += known.out_from(*end);
        }
        let is_input = |partition: &i32| input.iter().any(|(known, _)| known == partition);
        balance.unknown += self.partitions.iter().filter(|(number, _)| !is_input(number)).map(|(_, known)| known.out_from(0)).sum::<u64>();
        balance.examples.truncate(EXAMPLES);
        balance
    }
}

impl Partition {
    /// False when the event was out before.
    fn note(&mut self, offset: i64) -> bool {
        if offset < self.settled {
            return false;
        }
        while offset - self.settled >= MAX_WINDOW {
            self.give_up_word();
        }
        let (word, bit) = self.place(offset);
        if word >= self.out.len() {
            self.out.resize(word + 1, 0);
        }
        if self.out[word] & bit != 0 {
            return false;
        }
        self.out[word] |= bit;
        while self.out.front() == Some(&u64::MAX) {
            self.out.pop_front();
            self.settled += WORD;
        }
        true
    }

    fn give_up_word(&mut self) {
        let word = self.out.pop_front().unwrap_or(0);
        let missing = (0..WORD).filter(|bit| word & (1 << bit) == 0).map(|bit| self.settled + bit);
        let (examples, count) = &mut self.given_up;
        *count += u64::from(word.count_zeros());
        examples.extend(missing.take(EXAMPLES.saturating_sub(examples.len())));
        self.settled += WORD;
    }

    fn place(&self, offset: i64) -> (usize, u64) {
        let index = offset - self.settled;
        (usize::try_from(index / WORD).unwrap_or(usize::MAX), 1 << (index % WORD))
    }

    fn is_out(&self, offset: i64) -> bool {
        let (word, bit) = self.place(offset);
        offset < self.settled || self.out.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many events from `offset` on are out.
    fn out_from(&self, offset: i64) -> u64 {
        let settled = (self.settled - offset).max(0).unsigned_abs();
        let end = self.settled + self.out.len() as i64 * WORD;
        settled + (self.settled.max(offset)..end).filter(|offset| self.is_out(*offset)).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(events: i64, except: &[i64]) -> Account {
        let mut account = Account::default();
        for offset in (0..events).filter(|offset| !except.contains(offset)) {
            account.note(0, offset, if offset % 10 == 0 { Outcome::Dead } else { Outcome::Scored });
        }
        account
    }

    #[test]
    fn everything_is_accounted_for() {
        let account = filled(1_000, &[]);
        assert_eq!((account.scored(), account.dead(), account.doubled()), (900, 100, 0));
        assert_eq!(account.balance(&[(0, 1_000)]), Balance { in_topic: 1_000, ..Balance::default() });
    }

    #[test]
    fn a_lost_event_is_found_wherever_it_was() {
        for lost in [0, 63, 64, 500, 999] {
            let balance = filled(1_000, &[lost]).balance(&[(0, 1_000)]);
            assert_eq!((balance.absent, balance.examples), (1, vec![(0, lost)]));
        }
    }

    #[test]
    fn a_partition_of_which_nothing_came_out_is_missing() {
        let balance = filled(10, &[]).balance(&[(0, 10), (1, 7)]);
        assert_eq!((balance.in_topic, balance.absent), (17, 7));
        assert_eq!(balance.examples, [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4)]);
    }

    #[test]
    fn a_loss_is_not_made_up_for_by_a_double() {
        let mut account = filled(1_000, &[700]);
        account.note(0, 3, Outcome::Scored);
        account.note(0, 999, Outcome::Scored);
        assert_eq!((account.doubled(), account.balance(&[(0, 1_000)]).absent), (2, 1));
    }

    #[test]
    fn order_does_not_matter_and_what_never_was_is_told() {
        let mut account = Account::default();
        (0..200).rev().for_each(|offset| account.note(0, offset, Outcome::Scored));
        account.note(9, 5, Outcome::Scored);
        let balance = account.balance(&[(0, 198)]);
        assert_eq!((balance.absent, balance.unknown), (0, 3));
    }

    #[test]
    fn memory_is_bounded_and_what_is_given_up_stays_missing() {
        let mut account = Account::default();
        (1..=MAX_WINDOW + 640).for_each(|offset| account.note(0, offset, Outcome::Scored));
        assert!(account.partitions[&0].out.len() <= (MAX_WINDOW / WORD) as usize);
        let balance = account.balance(&[(0, MAX_WINDOW + 640 + 1)]);
        assert_eq!((balance.absent, balance.examples), (1, vec![(0, 0)]));
    }
}
