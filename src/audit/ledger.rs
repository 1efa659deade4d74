//! One input partition's account: which events are there, and what the output says of each.

use std::collections::BTreeMap;

use serde::Serialize;

/// The account of one input partition's offsets `from..to`. One byte for each offset, some tens for each message of an event that holds
/// several.
#[derive(Debug)]
pub struct Ledger {
    from: i64,
    fates: Vec<Fate>,
    /// Of events that hold messages, by offset and message.
    messages: BTreeMap<(i64, u32), Fate>,
}

/// Which kind of record tells of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A record of the output topic.
    Score,
    /// A record of the dead-letter topic.
    DeadLetter,
}

/// What is known of one offset: how many scores and dead letters (up to 3 each), whether there is an event, whether it is
/// skipped, whether a record of it stands behind that of a later event.
#[derive(Clone, Copy, Debug, Default)]
struct Fate(u8);

impl Fate {
    const EVENT: u8 = 1 << 4;
    const SKIPPED: u8 = 1 << 5;
    const OUT_OF_ORDER: u8 = 1 << 6;
    const MOST: u8 = 0b11;

    fn count(self, record: Record) -> u8 {
        (self.0 >> Self::shift(record)) & Self::MOST
    }

    fn records(self) -> u8 {
        self.count(Record::Score) + self.count(Record::DeadLetter)
    }

    fn add(&mut self, record: Record) {
        if self.count(record) < Self::MOST {
            self.0 += 1 << Self::shift(record);
        }
    }

    fn shift(record: Record) -> u8 {
        match record {
            Record::Score => 0,
            Record::DeadLetter => 2,
        }
    }

    fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// How many offsets have something, and the first few of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tallied {
    /// How many.
    pub count: u64,
    /// The first few, ascending.
    pub first: Vec<i64>,
}

impl Tallied {
    /// How many offsets are told by number.
    const SHOWN: usize = 10;

    fn add(&mut self, offset: i64) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(offset);
        }
    }
}

/// The sums of one input partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PartitionReport {
    /// The partition.
    pub partition: i32,
    /// The first offset audited.
    pub from: i64,
    /// The offset behind the last one audited.
    pub to: i64,
    /// Events in the range.
    pub events: u64,
    /// Events with a score.
    pub scored: u64,
    /// Events with a dead letter.
    pub dead_letters: u64,
    /// Events that the graph leaves out, by its own declaration.
    pub skipped: u64,
    /// Events without any record.
    pub missing: Tallied,
    /// Events with more than one record.
    pub doubled: Tallied,
    /// Offsets that hold no event, and have a record.
    pub unknown: Tallied,
    /// Events whose record stands behind that of a later event of the same partition.
    pub out_of_order: Tallied,
}

impl PartitionReport {
    /// Whether every event is accounted for, once and in order.
    pub fn is_clean(&self) -> bool {
        [&self.missing, &self.doubled, &self.unknown, &self.out_of_order].iter().all(|tallied| tallied.count == 0)
    }
}

impl Ledger {
    /// An empty account of the offsets `from..to`.
    pub fn new(from: i64, to: i64) -> Self {
        let len = usize::try_from(to.saturating_sub(from)).unwrap_or(0);
        Self { from, fates: vec![Fate::default(); len], messages: BTreeMap::new() }
    }

    /// The offsets.
    pub fn range(&self) -> std::ops::Range<i64> {
        self.from..self.from + i64::try_from(self.fates.len()).unwrap_or(i64::MAX)
    }

    /// Events before `first` have expired, and what tells of them counts no more.
    pub fn begin_at(&mut self, first: i64) {
        let range = self.range();
        let first = first.clamp(range.start, range.end);
        self.fates.drain(..usize::try_from(first - range.start).unwrap_or(0));
        self.messages = self.messages.split_off(&(first, 0));
        self.from = first;
    }

    /// A record tells of the event at `offset`, or of a message that it holds; `true` when it is the first that does. Offsets outside the
    /// range are passed over.
    pub fn record(&mut self, offset: i64, message: Option<u32>, record: Record) -> bool {
        let Some(fate) = self.fate(offset, message) else { return false };
        let is_first = fate.records() == 0;
        fate.add(record);
        is_first
    }

    /// The record of the event at `offset` stands behind that of a later one.
    pub fn out_of_order(&mut self, offset: i64) {
        if let Some(fate) = self.fate(offset, None) {
            fate.0 |= Fate::OUT_OF_ORDER;
        }
    }

    /// There is an event at `offset`, or a message in it, each of which counts as an event; `true` when no record tells of it.
    pub fn event(&mut self, offset: i64, message: Option<u32>) -> bool {
        let Some(fate) = self.fate(offset, message) else { return false };
        fate.0 |= Fate::EVENT;
        fate.records() == 0
    }

    /// The graph leaves the event at `offset` out, or a message of it.
    pub fn skip(&mut self, offset: i64, message: Option<u32>) {
        if let Some(fate) = self.fate(offset, message) {
            fate.0 |= Fate::SKIPPED;
        }
    }

    /// The sums.
    pub fn report(&self, partition: i32) -> PartitionReport {
        let range = self.range();
        let mut report = PartitionReport { partition, from: range.start, to: range.end, ..PartitionReport::default() };
        let mut messages = self.messages.iter().peekable();
        let fates = range.zip(&self.fates).flat_map(|(offset, fate)| {
            let own = std::iter::from_fn(|| messages.next_if(|((of, _), _)| *of == offset).map(|(_, fate)| fate)).collect::<Vec<_>>();
            std::iter::once(fate).chain(own).map(move |fate| (offset, fate))
        });
        for (offset, fate) in fates {
            let (records, is_event) = (fate.records(), fate.has(Fate::EVENT));
            report.events += u64::from(is_event);
            report.scored += u64::from(fate.count(Record::Score) > 0);
            report.dead_letters += u64::from(fate.count(Record::DeadLetter) > 0);
            match (is_event, records) {
                (true, 0) if fate.has(Fate::SKIPPED) => report.skipped += 1,
                (true, 0) => report.missing.add(offset),
                (false, 1..) => report.unknown.add(offset),
                _ => {}
            }
            if records > 1 {
                report.doubled.add(offset);
            }
            if fate.has(Fate::OUT_OF_ORDER) {
                report.out_of_order.add(offset);
            }
        }
        report
    }

    fn fate(&mut self, offset: i64, message: Option<u32>) -> Option<&mut Fate> {
        let fate = self.fates.get_mut(usize::try_from(offset.checked_sub(self.from)?).ok()?)?;
        Some(match message {
            None => fate,
            Some(message) => self.messages.entry((offset, message)).or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, Record, Tallied};
    use proptest::prelude::*;

    proptest! {
        /// Whatever the records say, each event is in exactly one of accounted, skipped and missing.
        #[test]
        fn every_event_is_in_one_place(
            events in proptest::collection::btree_set(0_i64..60, 0..40),
            messages in proptest::collection::btree_set((0_i64..60, 0_u32..3), 0..40),
            records in proptest::collection::vec((-5_i64..70, proptest::option::of(0_u32..3), any::<bool>()), 0..80),
            skipped in proptest::collection::btree_set(0_i64..60, 0..10),
        ) {
            let mut ledger = Ledger::new(10, 50);
            // An event that holds messages is none itself.
            let messages: Vec<(i64, Option<u32>)> = messages.iter().map(|(offset, message)| (*offset, Some(*message))).collect();
            let single = events.iter().filter(|offset| !messages.iter().any(|(of, _)| of == *offset)).map(|offset| (*offset, None));
            let events: Vec<(i64, Option<u32>)> = single.chain(messages.iter().copied()).collect();
            for (offset, message, is_score) in &records {
                ledger.record(*offset, *message, if *is_score { Record::Score } else { Record::DeadLetter });
            }
            let told = |event: (i64, Option<u32>)| records.iter().filter(|(offset, message, _)| (*offset, *message) == event).count();
            for event in &events {
                let is_open = ledger.event(event.0, event.1);
                prop_assert_eq!(is_open, (10..50).contains(&event.0) && told(*event) == 0);
                if is_open && skipped.contains(&event.0) {
                    ledger.skip(event.0, event.1);
                }
            }
            let report = ledger.report(0);
            let inside: Vec<(i64, Option<u32>)> = events.iter().copied().filter(|(offset, _)| (10..50).contains(offset)).collect();
            prop_assert_eq!(report.events, inside.len() as u64);
            let accounted = inside.iter().filter(|event| told(**event) > 0).count() as u64;
            prop_assert_eq!(accounted + report.skipped + report.missing.count, report.events);
            let all = (10..50).flat_map(|offset| [None, Some(0), Some(1), Some(2)].map(|message| (offset, message)));
            prop_assert_eq!(report.doubled.count, all.clone().filter(|event| told(*event) > 1).count() as u64);
            prop_assert_eq!(report.unknown.count, all.filter(|event| told(*event) > 0 && !events.contains(event)).count() as u64);
        }
    }

    #[test]
    fn many_records_of_one_event_stay_one_double() {
        let mut ledger = Ledger::new(7, 8);
        ledger.event(7, None);
        (0..1000).for_each(|_| {
            ledger.record(7, None, Record::Score);
            ledger.record(7, None, Record::DeadLetter);
        });
        let report = ledger.report(3);
        assert_eq!(report.doubled, Tallied { count: 1, first: vec![7] });
        assert_eq!((report.scored, report.dead_letters, report.is_clean()), (1, 1, false));
    }

    #[test]
    fn what_has_expired_counts_no_more() {
        let mut ledger = Ledger::new(5, 10);
        let part = |offset| (offset % 2 == 0).then_some(0);
        assert!((5..10).all(|offset| ledger.record(offset, part(offset), Record::Score)));
        assert!((8..10).all(|offset| !ledger.event(offset, part(offset))));
        ledger.out_of_order(6);
        assert_eq!(ledger.report(0).out_of_order, Tallied { count: 1, first: vec![6] });
        ledger.begin_at(2);
        assert_eq!((ledger.report(0).from, ledger.report(0).unknown.count), (5, 3));
        ledger.begin_at(8);
        let report = ledger.report(0);
        assert_eq!((report.from, report.to, report.events, report.scored, report.is_clean()), (8, 10, 2, 2, true));
        ledger.begin_at(20);
        assert_eq!((ledger.range(), ledger.report(0).is_clean()), (10..10, true));
    }
}
