//! How many rows go into one run: measured when a model is put to work without the number, since it is a property of the model and its engine (ONNX Runtime serves a linear model
//! best in large runs, and a forest in runs that its caches hold).

use std::time::{Duration, Instant};

use super::answer;
use super::engine::{Engine, Runner};
use super::probe::{Noise, noise};
use super::signature::Signature;
use super::tensor::{Tensor, Values};

/// Longest time for all candidates together, unless more is given.
const BUDGET: Duration = Duration::from_millis(150);
const MOST_ROWS: usize = 1024;
/// Elements in all inputs of one run: an image per row does not fill the memory 1,024 times.
const MOST_ELEMENTS: usize = 1 << 20;
/// Taken when the model cannot be measured, since it refuses noise or its inputs' widths are not known yet.
const UNMEASURED: usize = 64;
/// A larger run is taken when it costs no more than this share more per row: fewer calls, the same speed.
const TOLERANCE: f64 = 1.03;

/// What a row costs in runs of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunCost {
    /// What computed it.
    pub engine: Engine,
    /// Rows in a run.
    pub rows_per_run: usize,
    /// Microseconds a row, in the quickest pass over all rows.
    pub least_us: f64,
    /// Microseconds a row, in the median pass.
    pub median_us: f64,
}

/// The rows per run with the least time per row among the powers of two up to 1,024, on seeded noise.
pub(super) fn measured_rows_per_run(runner: &mut Runner, signature: &Signature, declared: Option<usize>) -> usize {
    let budget = match runner.engine() {
        Engine::OnnxRuntime => BUDGET,
        // Its cost depends little on the rows per run, and proving it has taken time.
        Engine::Linear | Engine::Trees => BUDGET / 3,
    };
    best_rows_per_run(&measure(runner, signature, declared, budget)).unwrap_or(UNMEASURED)
}

/// The best of these, which stand in ascending order of their rows; `None` of none.
pub fn best_rows_per_run(costs: &[RunCost]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for cost in costs {
        match best {
            Some((_, least)) if cost.least_us > least * TOLERANCE => {}
            Some((_, least)) => best = Some((cost.rows_per_run, cost.least_us.min(least))),
            None => best = Some((cost.rows_per_run, cost.least_us)),
        }
    }
    best.map(|(rows, _)| rows)
}

/// The cost of each number of rows that is a power of two up to 1,024, as far as the model takes them, in about `budget`.
pub(super) fn measure(runner: &mut Runner, signature: &Signature, declared: Option<usize>, budget: Duration) -> Vec<RunCost> {
    let ports = &signature.inputs;
    let width: usize = noise(Noise::Sparse, ports, declared, 1).iter().map(|tensor| tensor.width).sum();
    let most = largest_power_of_two(MOST_ELEMENTS / width.max(1)).clamp(1, MOST_ROWS);
    let mut course =
        Course { inputs: noise(Noise::Sparse, ports, declared, most), signature, columns: answer::columns(&signature.outputs, most) };
    let candidates: Vec<usize> = std::iter::successors(Some(1), |rows| (rows * 2 <= most).then_some(rows * 2)).collect();
    let share = budget / u32::try_from(candidates.len()).unwrap_or(1);
    candidates.into_iter().map_while(|rows| course.measure(runner, rows, share)).collect()
}

fn largest_power_of_two(number: usize) -> usize {
    number.checked_ilog2().map_or(0, |exponent| 1 << exponent)
}

/// The rows that are run over.
struct Course<'s> {
    inputs: Vec<Tensor>,
    signature: &'s Signature,
    columns: Vec<Values>,
}

impl Course<'_> {
    /// Several passes over all rows, `rows` a run: other rows in each run, as in a stream, so that neither caches nor branch predictors
    /// learn them by heart. `None` when the model refuses that many rows.
    fn measure(&mut self, runner: &mut Runner, rows: usize, share: Duration) -> Option<RunCost> {
        // The first run of a shape warms up and does not count.
        self.run(runner, 0, rows)?;
        let most = self.inputs.first().map_or(rows, Tensor::rows);
        let started = Instant::now();
        let mut passes = Vec::new();
        while passes.is_empty() || started.elapsed() < share {
            let begun = Instant::now();
            let mut measured = 0;
            for from in (0..most).step_by(rows) {
                self.run(runner, from, from + rows)?;
                measured = from + rows;
                // A slow model is measured on what fits the time.
                if begun.elapsed() > share {
                    break;
                }
            }
            passes.push(begun.elapsed().as_secs_f64() * 1e6 / measured as f64);
        }
        passes.sort_by(f64::total_cmp);
        let engine = runner.engine();
        Some(RunCost { engine, rows_per_run: rows, least_us: passes[0], median_us: passes[passes.len() / 2] })
    }

    fn run(&mut self, runner: &mut Runner, from: usize, to: usize) -> Option<()> {
        self.columns.iter_mut().for_each(|column| column.resize(0));
        runner.run(self.signature, &self.inputs, from, to, &mut self.columns).ok()
    }
}
