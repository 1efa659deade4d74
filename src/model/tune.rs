//! How many rows go into one run: measured at load, since it is a property of the model (a forest of 80 trees of depth 5 serves 8 rows
//! 2.3 times as fast as 256, a linear model the other way round).

use std::time::{Duration, Instant};

use ort::session::Session;

use super::probe::noise;
use super::session::values;
use super::signature::{Port, Signature};
use super::tensor::Tensor;

/// Longest time for all candidates together.
const BUDGET: Duration = Duration::from_millis(150);
const MOST_ROWS: usize = 1024;
/// Elements in all inputs of one run: an image per row does not fill the memory 1,024 times.
const MOST_ELEMENTS: usize = 1 << 20;
/// Taken when the model cannot be measured, since it refuses noise or its inputs' widths are not known yet.
pub(super) const UNMEASURED: usize = 64;
/// A larger run is taken when it costs no more than this share more per row: fewer calls, the same speed.
const TOLERANCE: f64 = 1.03;

/// The rows per run with the least time per row among the powers of two up to 1,024, on seeded noise.
pub(super) fn best_rows_per_run(session: &mut Session, signature: &Signature, declared: Option<usize>) -> usize {
    let ports = &signature.inputs;
    let width: usize = noise(ports, declared, 1).iter().map(|tensor| tensor.width).sum();
    let most = largest_power_of_two(MOST_ELEMENTS / width.max(1)).clamp(1, MOST_ROWS);
    let inputs = noise(ports, declared, most);
    let candidates: Vec<usize> = std::iter::successors(Some(1), |rows| (rows * 2 <= most).then_some(rows * 2)).collect();
    let share = BUDGET / u32::try_from(candidates.len()).unwrap_or(1);
    let mut best = None;
    for rows in candidates {
        let Some(per_row) = seconds_per_row(session, &inputs, ports, rows, share) else { break };
        match best {
            Some((_, least)) if per_row > least * TOLERANCE => {}
            Some((_, least)) => best = Some((rows, per_row.min(least))),
            None => best = Some((rows, per_row)),
        }
    }
    best.map_or(UNMEASURED, |(rows, _)| rows)
}

fn largest_power_of_two(number: usize) -> usize {
    number.checked_ilog2().map_or(0, |exponent| 1 << exponent)
}

/// The quickest of several passes over all rows, `rows` a run: other rows in each run, as in a stream, so that neither caches nor branch
/// predictors learn them by heart. `None` when the model refuses that many rows.
fn seconds_per_row(session: &mut Session, inputs: &[Tensor], ports: &[Port], rows: usize, share: Duration) -> Option<f64> {
    // The first run of a shape warms up and does not count.
    run(session, inputs, ports, 0, rows)?;
    let most = inputs.first().map_or(rows, Tensor::rows);
    let started = Instant::now();
    let mut quickest = f64::INFINITY;
    while quickest.is_infinite() || started.elapsed() < share {
        let begun = Instant::now();
        for from in (0..most).step_by(rows) {
            run(session, inputs, ports, from, from + rows)?;
            // A slow model is measured on what fits the time.
            if begun.elapsed() > share {
                let measured = (from + rows) as f64;
                return Some(quickest.min(begun.elapsed().as_secs_f64() / measured));
            }
        }
        quickest = quickest.min(begun.elapsed().as_secs_f64() / most as f64);
    }
    Some(quickest)
}

fn run(session: &mut Session, inputs: &[Tensor], ports: &[Port], from: usize, to: usize) -> Option<()> {
    session.run(values(inputs, ports, from, to).ok()?.as_slice()).ok().map(|_| ())
}
