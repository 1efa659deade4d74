//! Asking the model, batch after batch.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, Float32Array, Float64Array, PrimitiveArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use arrow_select::interleave::interleave;

use super::features::Gather;
use super::{NonFinite, Nulls};
use crate::dataset::{Phase, Reason, Rejection, Rows};
use crate::model::{ModelSession, Output, Tensor};
use crate::nodes::{Inputs, Kernel};

/// Gathers the features of all rows that are alive, runs the model, spreads its answers over the batch.
pub(super) struct Infer {
    session: ModelSession,
    gather: Gather,
    inputs: Vec<Tensor>,
    nulls: Nulls,
    non_finite: NonFinite,
    /// The names of the model's columns, for rejections.
    names: Vec<String>,
    alive: Vec<usize>,
}

impl Infer {
    pub(super) fn new(session: ModelSession, gather: Gather, nulls: Nulls, non_finite: NonFinite) -> Self {
        let inputs = gather.tensors();
        let names = session.signature().outputs.iter().flat_map(Output::column_names).collect();
        Self { session, gather, inputs, nulls, non_finite, names, alive: Vec::new() }
    }
}

impl Kernel for Infer {
    fn run(&mut self, inputs: &Inputs<'_>, rows: &mut Rows, outputs: &mut Vec<ArrayRef>) {
        self.gather.reject_lengths(inputs, rows);
        if self.nulls == Nulls::Reject {
            self.gather.reject_non_finite(inputs, rows);
        }
        self.gather.reject_out_of_range(inputs, rows);
        self.alive.clear();
        self.alive.extend(rows.iter_alive());
        self.gather.fill(inputs, &self.alive, &mut self.inputs);
        let alive = &self.alive;
        let mut answers = self.session.run(&self.inputs, |at, error| {
            rows.reject(alive[at], Rejection::new(Phase::Inference, Reason::ModelFailed, error.to_string()));
        });
        for (answer, name) in answers.iter_mut().zip(&self.names) {
            match self.non_finite {
                NonFinite::Reject => reject_non_finite(answer, name, alive, rows),
                NonFinite::Null => *answer = null_non_finite(answer),
            }
        }
        let all_alive = alive.len() == rows.len();
        outputs.extend(answers.into_iter().map(|answer| if all_alive { answer } else { spread(&answer, alive, rows.len()) }));
    }

    fn phase(&self) -> Phase {
        Phase::Inference
    }

    fn can_reject(&self) -> bool {
        true
    }
}

/// A score that is not a number is no score.
fn reject_non_finite(answer: &ArrayRef, name: &str, alive: &[usize], rows: &mut Rows) {
    let mut reject = |at: usize, value: f64| {
        let message = format!("the model answered {value}; expected: a finite number");
        rows.reject(alive[at], Rejection::new(Phase::Inference, Reason::NotFinite, message).field(name.to_owned()));
    };
    if let Some(values) = answer.as_any().downcast_ref::<Float32Array>() {
        let values = values.values().iter().enumerate();
        values.filter(|(_, value)| !value.is_finite()).for_each(|(at, value)| reject(at, f64::from(*value)));
    } else if let Some(values) = answer.as_any().downcast_ref::<Float64Array>() {
        let values = values.values().iter().enumerate();
        values.filter(|(_, value)| !value.is_finite()).for_each(|(at, value)| reject(at, *value));
    }
}

/// The answer with null where it is not a finite number.
fn null_non_finite(answer: &ArrayRef) -> ArrayRef {
    fn nulls<T: ArrowPrimitiveType>(answer: &ArrayRef, is_finite: impl Fn(&T::Native) -> bool) -> ArrayRef {
        let values = answer.as_primitive::<T>().values();
        let nulls: NullBuffer = values.iter().map(is_finite).collect();
        if nulls.null_count() == 0 {
            return Arc::clone(answer);
        }
        Arc::new(PrimitiveArray::<T>::new(values.clone(), Some(nulls)))
    }
    match answer.data_type() {
        DataType::Float32 => nulls::<Float32Type>(answer, |value| value.is_finite()),
        DataType::Float64 => nulls::<Float64Type>(answer, |value| value.is_finite()),
        _ => Arc::clone(answer),
    }
}

/// The answers of the alive rows at these rows' places; anything elsewhere, here the first answer.
pub(super) fn spread(answer: &ArrayRef, alive: &[usize], rows: usize) -> ArrayRef {
    if answer.is_empty() {
        return arrow_array::new_null_array(answer.data_type(), rows);
    }
    let mut picks = vec![(0, 0); rows];
    alive.iter().enumerate().for_each(|(at, row)| picks[*row] = (0, at));
    match answer.data_type() {
        DataType::Float32 if answer.null_count() == 0 => {
            let values = answer.as_primitive::<Float32Type>().values();
            Arc::new(Float32Array::from_iter_values(picks.iter().map(|(_, at)| values[*at])))
        }
        DataType::Float64 if answer.null_count() == 0 => {
            let values = answer.as_primitive::<Float64Type>().values();
            Arc::new(Float64Array::from_iter_values(picks.iter().map(|(_, at)| values[*at])))
        }
        _ => interleave(&[answer.as_ref()], &picks).unwrap_or_else(|_| arrow_array::new_null_array(answer.data_type(), rows)),
    }
}
