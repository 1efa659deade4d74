//! Whether a kernel answers as ONNX Runtime does: both get the same rows, around every landmark of a feature, and must give the same bits
//! (one NaN is as good as another).

use std::time::{Duration, Instant};

use ort::session::Session;

use super::{Kernel, Unfit};
use crate::model::answer;
use crate::model::engine::{Engine, run_onnx};
use crate::model::signature::{Port, Signature};
use crate::model::tensor::{Element, Tensor, Values};

/// Rows of the probe set, and the time after which no more of them are tried.
const ROWS: usize = 2048;
const BUDGET: Duration = Duration::from_millis(50);
/// Rows in one run.
const RUN: usize = 64;
/// Rows with a run of their own, the first. ONNX Runtime gives a linear model's row other bits there.
const ALONE: usize = 8;

impl Kernel {
    /// The kernel, once it has proved itself against a session of the same model.
    pub(in crate::model) fn proved(self, session: &mut Session, signature: &Signature) -> Result<Self, Unfit> {
        let inputs: Vec<Tensor> = signature.inputs.iter().map(|port| self.rows(port)).collect();
        let alone = if self.engine() == Engine::Linear { 0 } else { ALONE };
        let mut runner = self.runner();
        let started = Instant::now();
        let mut from = 0;
        while from < ROWS && (from < RUN || started.elapsed() < BUDGET) {
            let to = if from < alone { from + 1 } else { ROWS.min(from + RUN) };
            let mut theirs = answer::columns(&signature.outputs, to - from);
            run_onnx(session, signature, &inputs, from, to, &mut theirs).map_err(|error| Unfit(error.to_string()))?;
            let mut ours = answer::columns(&signature.outputs, to - from);
            runner.run(signature, &inputs, from, to, &mut ours).map_err(|error| Unfit(error.to_string()))?;
            let names = signature.outputs.iter().flat_map(|output| output.column_names());
            for ((one, other), name) in ours.iter().zip(&theirs).zip(names) {
                if let Some(difference) = difference(one, other) {
                    return Err(Unfit(format!("the kernel differs from it in `{name}`: {difference}")));
                }
            }
            from = to;
        }
        Ok(self)
    }

    /// Seeded rows: every feature goes through its landmarks, the next smaller number and the next larger, in an order of
    /// its own; some are zeros, ones, noise, infinities; a quarter of the rows may have NaN.
    fn rows(&self, port: &Port) -> Tensor {
        let mut tensor = Tensor::new(port.element, port.width().unwrap_or_default());
        tensor.reset(ROWS);
        let width = tensor.width.max(1);
        let value = |at: usize| {
            let (row, feature) = (at / width, at % width);
            let landmarks = self.landmarks().get(feature).map_or(&[][..], Vec::as_slice);
            let draw = mixed(at as u64);
            match draw % 16 {
                0 => 0.0,
                1 => -0.0,
                2 => 1.0,
                3 => ((draw >> 8) % 4096) as f64 / 16.0 - 128.0,
                4 if draw >> 8 & 3 == 0 => {
                    if draw >> 10 & 1 == 0 {
                        f64::INFINITY
                    } else {
                        f64::NEG_INFINITY
                    }
                }
                5 | 6 if row % 4 == 3 => f64::NAN,
                _ if landmarks.is_empty() => (draw >> 8 & 1) as f64,
                _ => {
                    let step = row + feature * 7 + (draw >> 8) as usize % 3 * (ROWS / 3);
                    let near = landmarks[step / 3 % landmarks.len()];
                    nudged(near, step % 3, port.element)
                }
            }
        };
        match &mut tensor.values {
            Values::F32(values) => values.iter_mut().enumerate().for_each(|(at, slot)| *slot = value(at) as f32),
            Values::F64(values) => values.iter_mut().enumerate().for_each(|(at, slot)| *slot = value(at)),
            Values::I32(values) => values.iter_mut().enumerate().for_each(|(at, slot)| *slot = value(at) as i32),
            Values::I64(values) => values.iter_mut().enumerate().for_each(|(at, slot)| *slot = value(at) as i64),
            _ => {}
        }
        tensor
    }
}

/// The number itself, the next below, or the next above.
fn nudged(value: f64, how: usize, element: Element) -> f64 {
    match (how, element) {
        (1, Element::F32) => f64::from((value as f32).next_down()),
        (2, Element::F32) => f64::from((value as f32).next_up()),
        (1, Element::F64) => value.next_down(),
        (2, Element::F64) => value.next_up(),
        (1, _) => value - 1.0,
        (2, _) => value + 1.0,
        _ => value,
    }
}

/// A number's bits, well mixed (SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The first two values that have not the same bits.
fn difference(ours: &Values, theirs: &Values) -> Option<String> {
    fn first<T: std::fmt::Debug>(ours: &[T], theirs: &[T], same: impl Fn(&T, &T) -> bool) -> Option<String> {
        let mut pairs = ours.iter().zip(theirs);
        if ours.len() != theirs.len() {
            return Some(format!("{} values for {}", ours.len(), theirs.len()));
        }
        pairs.find(|(one, other)| !same(one, other)).map(|(one, other)| format!("{one:?} for {other:?}"))
    }
    match (ours, theirs) {
        (Values::F32(one), Values::F32(other)) => first(one, other, |a, b| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()),
        (Values::F64(one), Values::F64(other)) => first(one, other, |a, b| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()),
        (Values::I64(one), Values::I64(other)) => first(one, other, PartialEq::eq),
        (Values::Str(one), Values::Str(other)) => first(one, other, PartialEq::eq),
        _ => Some("another type".into()),
    }
}
