//! Distinct values with their counts, exactly and in bounded memory: counted in a table, which is written to a temporary file in sorted
//! runs whenever it is full, and merged in the end.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;
use std::io::{self, BufReader, Read, Write};

use super::spill::{Run, Spill};

/// A value that is counted: its order is the order of the answer.
pub(super) trait Key: Ord + Hash + Clone {
    /// About how many bytes it takes in a table, its count included.
    fn weight(&self) -> usize;
    /// Appends its bytes.
    fn write(&self, into: &mut impl Write) -> io::Result<()>;
    /// Reads what [`Key::write`] wrote.
    fn read(from: &mut impl Read) -> io::Result<Self>;
}

/// A table's share of a key beyond its own bytes: the count, the first row, the slot in the table, half of them empty.
const ENTRY_BYTES: usize = 56;

impl Key for u64 {
    fn weight(&self) -> usize {
        ENTRY_BYTES
    }

    fn write(&self, into: &mut impl Write) -> io::Result<()> {
        into.write_all(&self.to_le_bytes())
    }

    fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut bytes = [0; 8];
        from.read_exact(&mut bytes)?;
        Ok(Self::from_le_bytes(bytes))
    }
}

impl Key for Box<str> {
    fn weight(&self) -> usize {
        // The text itself with the allocator's share.
        ENTRY_BYTES + 32 + self.len()
    }

    fn write(&self, into: &mut impl Write) -> io::Result<()> {
        (self.len() as u64).write(into)?;
        into.write_all(self.as_bytes())
    }

    fn read(from: &mut impl Read) -> io::Result<Self> {
        let length = u64::read(from)?;
        let mut text = String::new();
        from.take(length).read_to_string(&mut text)?;
        Ok(text.into())
    }
}

/// How often a value is there, and where first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// In how many rows.
    pub(super) count: u64,
    /// The number of the first row.
    pub(super) first: u64,
}

impl Seen {
    fn and(self, other: Self) -> Self {
        Self { count: self.count + other.count, first: self.first.min(other.first) }
    }
}

/// Counts values.
#[derive(Debug)]
pub(super) struct Tally<K> {
    table: HashMap<K, Seen, foldhash::fast::RandomState>,
    weight: usize,
    memory_bytes: usize,
    spill: Spill,
    runs: Vec<Run>,
    rows: u64,
}

impl<K: Key> Tally<K> {
    /// Counts in a table of up to about `memory_bytes`.
    pub(super) fn new(memory_bytes: usize) -> Self {
        Self { table: HashMap::default(), weight: 0, memory_bytes, spill: Spill::default(), runs: Vec::new(), rows: 0 }
    }

    /// Counts a value of row `row`; `key` makes the key that `probe` finds.
    pub(super) fn add<Q>(&mut self, probe: &Q, row: u64, key: impl FnOnce() -> K) -> io::Result<()>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.rows += 1;
        if let Some(seen) = self.table.get_mut(probe) {
            seen.count += 1;
            return Ok(());
        }
        let key = key();
        self.weight += key.weight();
        self.table.insert(key, Seen { count: 1, first: row });
        if self.weight > self.memory_bytes { self.write_run() } else { Ok(()) }
    }

    /// How many values were counted.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    fn take_sorted(&mut self) -> Vec<(K, Seen)> {
        self.weight = 0;
        let mut entries: Vec<(K, Seen)> = std::mem::take(&mut self.table).into_iter().collect();
        entries.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        entries
    }

    fn write_run(&mut self) -> io::Result<()> {
        let entries = self.take_sorted();
        let run = self.spill.write(|file| {
            entries.iter().try_for_each(|(key, seen)| {
                key.write(file)?;
                seen.count.write(file)?;
                seen.first.write(file)
            })
        })?;
        self.runs.push(run);
        Ok(())
    }

    /// The distinct values in order.
    pub(super) fn finish(mut self) -> io::Result<Sorted<K>> {
        if self.runs.is_empty() {
            return Ok(Sorted::Table(self.take_sorted().into_iter()));
        }
        self.write_run()?;
        let mut merge = Merge { runs: Vec::with_capacity(self.runs.len()), heads: BinaryHeap::new() };
        // The table is gone: its memory is the runs' now.
        let buffer_bytes = (self.memory_bytes / self.runs.len()).clamp(64, 64 << 10);
        for run in self.runs {
            merge.runs.push(BufReader::with_capacity(buffer_bytes, run));
            merge.advance(merge.runs.len() - 1)?;
        }
        Ok(Sorted::Merge(merge))
    }
}

/// Distinct values in order.
pub(super) enum Sorted<K> {
    /// From one table.
    Table(std::vec::IntoIter<(K, Seen)>),
    /// From sorted runs.
    Merge(Merge<K>),
}

impl<K: Key> Iterator for Sorted<K> {
    type Item = io::Result<(K, Seen)>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Table(entries) => entries.next().map(Ok),
            Self::Merge(merge) => merge.next().transpose(),
        }
    }
}

/// Sorted runs, merged as they are read.
pub(super) struct Merge<K> {
    runs: Vec<BufReader<Run>>,
    /// The next entry of each run, the smallest first.
    heads: BinaryHeap<Reverse<(K, usize, u64, u64)>>,
}

impl<K: Key> Merge<K> {
    fn advance(&mut self, run: usize) -> io::Result<()> {
        let reader = &mut self.runs[run];
        if !reader.buffer().is_empty() || !reader.get_ref().is_at_end() {
            self.heads.push(Reverse((K::read(reader)?, run, u64::read(reader)?, u64::read(reader)?)));
        }
        Ok(())
    }

    fn pop(&mut self) -> io::Result<Option<(K, Seen)>> {
        let Some(Reverse((key, run, count, first))) = self.heads.pop() else { return Ok(None) };
        self.advance(run)?;
        Ok(Some((key, Seen { count, first })))
    }

    fn next(&mut self) -> io::Result<Option<(K, Seen)>> {
        let Some((key, mut seen)) = self.pop()? else { return Ok(None) };
        while self.heads.peek().is_some_and(|Reverse((next, ..))| *next == key) {
            if let Some((_, more)) = self.pop()? {
                seen = seen.and(more);
            }
        }
        Ok(Some((key, seen)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn expected<K: Ord + Clone>(values: &[K]) -> Vec<(K, Seen)> {
        let mut counts: BTreeMap<K, Seen> = BTreeMap::new();
        for (row, value) in (0..).zip(values) {
            counts.entry(value.clone()).and_modify(|seen| seen.count += 1).or_insert(Seen { count: 1, first: row });
        }
        counts.into_iter().collect()
    }

    proptest! {
        #[test]
        fn however_little_memory_there_is_the_answer_is_the_same(
            numbers in prop::collection::vec(0u64..40, 0..300),
            texts in prop::collection::vec("[a-cé]{0,3}", 0..300),
            memory_bytes in 0usize..2_000,
        ) {
            let mut tally = Tally::<u64>::new(memory_bytes);
            for (row, number) in (0..).zip(&numbers) {
                tally.add(number, row, || *number).unwrap();
            }
            prop_assert_eq!(tally.rows(), numbers.len() as u64);
            prop_assert_eq!(tally.finish().unwrap().collect::<io::Result<Vec<_>>>().unwrap(), expected(&numbers));
            let mut tally = Tally::<Box<str>>::new(memory_bytes);
            for (row, text) in (0..).zip(&texts) {
                tally.add(text.as_str(), row, || text.as_str().into()).unwrap();
            }
            let texts: Vec<Box<str>> = texts.iter().map(|text| text.as_str().into()).collect();
            prop_assert_eq!(tally.finish().unwrap().collect::<io::Result<Vec<_>>>().unwrap(), expected(&texts));
        }
    }
}
