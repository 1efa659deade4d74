//! How many rows go into one run: measured at load, since it is a property of the model (a forest of 80 trees of depth 5 serves 8 rows
//! 2.3 times as fast as 256, a linear model the other way round).

use std::time::{Duration, Instant};

use ort::session::Session;

use super::signature::Signature;
use super::tensor::{Tensor, Values};

/// Longest time for all candidates together.
const BUDGET: Duration = Duration::from_millis(150);
const MOST_ROWS: usize = 1024;
/// A larger run is taken when it costs no more than this share more per row: fewer calls, the same speed.
const TOLERANCE: f64 = 1.03;

/// The rows per run with the least time per row among the powers of two up to 1,024. The features are seeded noise in the proportions of
/// dummies beside a few numbers: most are 0, some 1, few between 0 and 1,000.
pub(super) fn best_rows_per_run(session: &mut Session, signature: &Signature, declared: Option<usize>) -> usize {
    let inputs: Vec<(Tensor, usize)> = signature
        .inputs
        .iter()
        .map(|port| {
            let mut tensor = Tensor::new(port.element, port.width.or(declared).unwrap_or(1));
            tensor.reset(MOST_ROWS);
            fill_with_noise(&mut tensor.values);
            (tensor, port.rank)
        })
        .collect();
    let candidates: Vec<usize> = std::iter::successors(Some(1), |rows| (rows * 2 <= MOST_ROWS).then_some(rows * 2)).collect();
    let share = BUDGET / u32::try_from(candidates.len()).unwrap_or(1);
    let mut best = (1, f64::INFINITY);
    for rows in candidates {
        let Some(per_row) = seconds_per_row(session, &inputs, rows, share) else { break };
        if per_row <= best.1 * TOLERANCE {
            best = (rows, per_row.min(best.1));
        }
    }
    best.0
}

/// The quickest of several passes over all rows, `rows` a run: other rows in each run, as in a stream, so that neither caches nor branch
/// predictors learn them by heart. `None` when the model refuses that many rows.
fn seconds_per_row(session: &mut Session, inputs: &[(Tensor, usize)], rows: usize, share: Duration) -> Option<f64> {
    // The first run of a shape warms up and does not count.
    run(session, inputs, 0, rows)?;
    let started = Instant::now();
    let mut quickest = f64::INFINITY;
    while quickest.is_infinite() || started.elapsed() < share {
        let begun = Instant::now();
        for from in (0..MOST_ROWS).step_by(rows) {
            run(session, inputs, from, from + rows)?;
            // A slow model is measured on what fits the time.
            if begun.elapsed() > share {
                let measured = (from + rows) as f64;
                return Some(quickest.min(begun.elapsed().as_secs_f64() / measured));
            }
        }
        quickest = quickest.min(begun.elapsed().as_secs_f64() / MOST_ROWS as f64);
    }
    Some(quickest)
}

fn run(session: &mut Session, inputs: &[(Tensor, usize)], from: usize, to: usize) -> Option<()> {
    let values: Result<Vec<_>, _> = inputs.iter().map(|(tensor, rank)| tensor.input(from, to, *rank)).collect();
    session.run(values.ok()?.as_slice()).ok().map(|_| ())
}

fn fill_with_noise(values: &mut Values) {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match state % 32 {
            0 => (state >> 40) as f64 / f64::from(1 << 24) * 1000.0,
            1..=4 => 1.0,
            _ => 0.0,
        }
    };
    match values {
        Values::F32(vec) => vec.iter_mut().for_each(|value| *value = next() as f32),
        Values::F64(vec) => vec.iter_mut().for_each(|value| *value = next()),
        Values::I64(vec) => vec.iter_mut().for_each(|value| *value = next() as i64),
        Values::I32(vec) => vec.iter_mut().for_each(|value| *value = next() as i32),
        Values::Bool(vec) => vec.iter_mut().for_each(|value| *value = next() > 0.5),
        Values::Str(_) => {}
    }
}
