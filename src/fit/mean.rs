//! The mean with pandas' bits: NumPy adds pairwise, in an order that only the number of rows decides.

use std::io::{self, BufReader, Write};

use super::spill::{Run, Spill};
use super::tally::Key;

/// Keeps a column's values in their order until their number is known: in memory while they are few, then in a temporary file.
///
/// pandas sums the whole column with zeros in the places of nulls. That is what is kept.
#[derive(Debug)]
pub(super) struct Mean {
    is_single: bool,
    values: Vec<f64>,
    memory_bytes: usize,
    spill: Spill,
    runs: Vec<Run>,
    rows: u64,
    count: u64,
}

impl Mean {
    /// Of `float32` when `is_single`, which NumPy adds in its own precision; else of `float64`.
    pub(super) fn new(is_single: bool, memory_bytes: usize) -> Self {
        Self { is_single, values: Vec::new(), memory_bytes, spill: Spill::default(), runs: Vec::new(), rows: 0, count: 0 }
    }

    /// Adds a row; NaN is null.
    pub(super) fn add(&mut self, value: f64) -> io::Result<()> {
        self.rows += 1;
        self.count += u64::from(!value.is_nan());
        self.values.push(if value.is_nan() { 0.0 } else { value });
        if self.values.len() * size_of::<f64>() >= self.memory_bytes { self.write_run() } else { Ok(()) }
    }

    fn write_run(&mut self) -> io::Result<()> {
        let values = &self.values;
        let run = self.spill.write(|file| values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes())))?;
        self.runs.push(run);
        self.values.clear();
        Ok(())
    }

    /// The mean; `None` when every row is null.
    pub(super) fn finish(self) -> io::Result<Option<f64>> {
        if self.count == 0 {
            return Ok(None);
        }
        let spilled = self.runs.into_iter().flat_map(|run| {
            let mut reader = BufReader::with_capacity(64 << 10, run);
            std::iter::from_fn(move || {
                let more = !reader.buffer().is_empty() || !reader.get_ref().is_at_end();
                more.then(|| u64::read(&mut reader).map(f64::from_bits))
            })
        });
        let mut values = spilled.chain(self.values.into_iter().map(Ok));
        // Each value is there: `rows` counted them.
        let mut next = || values.next().unwrap_or(Ok(0.0));
        Ok(Some(if self.is_single {
            let sum = pairwise(self.rows, &mut || next().map(|value| value as f32))?;
            f64::from((0.0 + sum) / self.count as f32)
        } else {
            (0.0 + pairwise(self.rows, &mut next)?) / self.count as f64
        }))
    }
}

/// NumPy's pairwise sum of the next `count` values: blocks of up to 128 in eight lanes, halves of larger ones one after the other.
fn pairwise<T: Copy + std::ops::Add<Output = T>>(count: u64, next: &mut impl FnMut() -> io::Result<T>) -> io::Result<T> {
    const BLOCK: u64 = 128;
    if count > BLOCK {
        let half = count / 2 - (count / 2) % 8;
        return Ok(pairwise(half, next)? + pairwise(count - half, next)?);
    }
    if count < 8 {
        let mut sum = next()?;
        for _ in 1..count {
            sum = sum + next()?;
        }
        return Ok(sum);
    }
    let mut lanes = [next()?, next()?, next()?, next()?, next()?, next()?, next()?, next()?];
    for _ in 1..count / 8 {
        for lane in &mut lanes {
            *lane = *lane + next()?;
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    let mut sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    for _ in 0..count % 8 {
        sum = sum + next()?;
    }
    Ok(sum)
}
