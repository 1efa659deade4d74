//! A worker's own copy of a model: micro-batched runs and their outputs as columns.

use std::sync::Arc;
use std::time::Instant;

use arrow_array::ArrayRef;
use metrics::{Counter, Histogram};
use ort::session::{Session, SessionInputValue, SessionOutputs};
use ort::value::{DynMap, DynSequenceValueType, DynValue};

use super::signature::{Output, Outputs, Signature};
use super::tensor::{Element, Tensor, Values};
use crate::telemetry::Metric;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// ONNX Runtime refused the input or failed on it.
    #[error("{0}")]
    Runtime(#[from] ort::Error),
    /// The model answered in another shape than it declares.
    #[error("output `{output}` has {found}, expected {expected}")]
    Shape {
        /// The output.
        output: String,
        /// What it holds.
        found: String,
        /// What its declaration, or an earlier run, promised.
        expected: String,
    },
}

/// One ONNX Runtime session with the buffers that it reuses. `run` takes `&mut self`: a session belongs to one worker.
pub struct ModelSession {
    session: Session,
    signature: Arc<Signature>,
    rows_per_run: usize,
    duration: Histogram,
    rows: Counter,
}

impl ModelSession {
    pub(super) fn new(session: Session, signature: Arc<Signature>, rows_per_run: usize, labels: [(&'static str, String); 2]) -> Self {
        Self {
            session,
            signature,
            rows_per_run,
            duration: Metric::InferenceDurationSeconds.histogram(&labels),
            rows: Metric::InferenceRowsTotal.counter(&labels),
        }
    }

    /// What the model takes and gives.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// How many rows go into one run.
    pub fn rows_per_run(&self) -> usize {
        self.rows_per_run
    }

    /// Runs all rows of `inputs` (one tensor an input, in the model's order, equal rows), in micro-batches. Answers the columns of all
    /// outputs, in order, one value a row; a row on which the model fails holds zero there and is given to `failed` with the reason. A
    /// failing micro-batch is halved until the failing rows stand alone, so that its other rows keep their scores.
    pub fn run(&mut self, inputs: &[Tensor], mut failed: impl FnMut(usize, RunError)) -> Vec<ArrayRef> {
        let rows = inputs.first().map_or(0, Tensor::rows);
        let mut columns: Vec<Values> = self.signature.outputs.iter().flat_map(|output| buffers(output, rows)).collect();
        let mut from = 0;
        while from < rows {
            let to = rows.min(from + self.rows_per_run);
            self.run_range(inputs, from, to, &mut columns, &mut failed);
            from = to;
        }
        columns.into_iter().map(Values::into_array).collect()
    }

    fn run_range(&mut self, inputs: &[Tensor], from: usize, to: usize, columns: &mut [Values], failed: &mut impl FnMut(usize, RunError)) {
        let started = Instant::now();
        let outcome = self.run_once(inputs, from, to, columns);
        self.duration.record(started.elapsed());
        self.rows.increment((to - from) as u64);
        match outcome {
            Ok(()) => {}
            Err(error) if to - from == 1 => {
                columns.iter_mut().for_each(|column| column.resize(from + 1));
                failed(from, error);
            }
            Err(_) => {
                // Each half starts where the buffers stood before the failed run.
                columns.iter_mut().for_each(|column| column.resize(from));
                let middle = from + (to - from) / 2;
                self.run_range(inputs, from, middle, columns, failed);
                self.run_range(inputs, middle, to, columns, failed);
            }
        }
    }

    fn run_once(&mut self, inputs: &[Tensor], from: usize, to: usize, columns: &mut [Values]) -> Result<(), RunError> {
        let ports = &self.signature.inputs;
        let outputs = match inputs {
            [tensor] => self.session.run([tensor.input(from, to, ports[0].rank)?])?,
            _ => {
                let values: Result<Vec<SessionInputValue<'_>>, ort::Error> =
                    inputs.iter().zip(ports).map(|(tensor, port)| tensor.input(from, to, port.rank)).collect();
                self.session.run(values?.as_slice())?
            }
        };
        let mut at = 0;
        for (index, output) in self.signature.outputs.iter().enumerate() {
            let width = output.holds.width();
            read_output(output, &outputs[index], to - from, &mut columns[at..at + width])?;
            at += width;
        }
        Ok(())
    }
}

impl std::fmt::Debug for ModelSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelSession").field("signature", &self.signature).field("rows_per_run", &self.rows_per_run).finish()
    }
}

/// Runs a model whose outputs are not known yet on one row and reads them off.
pub(super) fn probe(session: &mut Session, inputs: &[(Tensor, usize)]) -> Result<Vec<Output>, String> {
    let values: Result<Vec<SessionInputValue<'_>>, ort::Error> = inputs.iter().map(|(tensor, rank)| tensor.input(0, 1, *rank)).collect();
    let names: Vec<String> = session.outputs().iter().map(|output| output.name().to_owned()).collect();
    let outputs: SessionOutputs<'_> =
        session.run(values.map_err(|error| error.to_string())?.as_slice()).map_err(|error| error.to_string())?;
    names.into_iter().enumerate().map(|(index, name)| observe(name, &outputs[index])).collect()
}

fn observe(name: String, value: &DynValue) -> Result<Output, String> {
    let refuse = |found: String| format!("output `{name}` is {found}; a graph can use tensors with one row per event, and ZipMap's maps");
    if let Some(element) = value.dtype().tensor_type() {
        let element = Element::from_onnx(element).ok_or_else(|| refuse(value.dtype().to_string()))?;
        let shape: &[i64] = value.dtype().tensor_shape().map_or(&[], |shape| shape);
        let width = match shape {
            [1] => 1,
            [1, width] => usize::try_from(*width).map_err(|_| refuse(value.dtype().to_string()))?,
            _ => return Err(refuse(format!("{} for one row", value.dtype()))),
        };
        return Ok(Output { name, holds: Outputs::Tensor { element, width } });
    }
    let maps = row_maps(value).map_err(|_| refuse(value.dtype().to_string()))?;
    let Some(map) = maps.first() else { return Err(refuse("an empty sequence".into())) };
    let integers = map.try_extract_key_values::<i64, f32>().is_ok();
    let pairs = class_probabilities(map, integers).map_err(|_| refuse(value.dtype().to_string()))?;
    let mut classes: Vec<String> = pairs.into_iter().map(|(class, _)| class).collect();
    if integers {
        classes.sort_by_key(|class| class.parse::<i64>().unwrap_or(i64::MAX));
    } else {
        classes.sort();
    }
    Ok(Output { name, holds: Outputs::Maps { classes, integers } })
}

fn row_maps(value: &DynValue) -> Result<Vec<DynMap>, ort::Error> {
    value.view().downcast::<DynSequenceValueType>()?.try_extract_sequence()
}

fn class_probabilities(map: &DynMap, integers: bool) -> Result<Vec<(String, f32)>, ort::Error> {
    if integers {
        let pairs = map.try_extract_key_values::<i64, f32>()?;
        Ok(pairs.into_iter().map(|(class, probability)| (class.to_string(), probability)).collect())
    } else {
        map.try_extract_key_values::<String, f32>()
    }
}

/// The empty columns of an output, with room for all rows.
fn buffers(output: &Output, rows: usize) -> impl Iterator<Item = Values> {
    let element = output.holds.element();
    (0..output.holds.width()).map(move |_| Values::with_capacity(element, rows))
}

/// Appends what one run answered to the output's columns.
fn read_output(output: &Output, value: &DynValue, rows: usize, columns: &mut [Values]) -> Result<(), RunError> {
    match &output.holds {
        Outputs::Tensor { width, .. } => read_tensor(output, value, rows * width, columns),
        Outputs::Maps { classes, integers } => read_maps(output, value, rows, classes, *integers, columns),
    }
}

fn read_tensor(output: &Output, value: &DynValue, expected: usize, columns: &mut [Values]) -> Result<(), RunError> {
    let found = value.dtype().tensor_shape().map_or(0, |shape| shape.num_elements());
    if found != expected {
        return Err(wrong_shape(output, value, expected));
    }
    let width = columns.len();
    for (at, column) in columns.iter_mut().enumerate() {
        match column {
            Values::F32(vec) => vec.extend(value.try_extract_tensor::<f32>()?.1.iter().skip(at).step_by(width)),
            Values::F64(vec) => vec.extend(value.try_extract_tensor::<f64>()?.1.iter().skip(at).step_by(width)),
            Values::I64(vec) => vec.extend(value.try_extract_tensor::<i64>()?.1.iter().skip(at).step_by(width)),
            Values::I32(vec) => vec.extend(value.try_extract_tensor::<i32>()?.1.iter().skip(at).step_by(width)),
            Values::Bool(vec) => vec.extend(value.try_extract_tensor::<bool>()?.1.iter().skip(at).step_by(width)),
            Values::Str(vec) => vec.extend(value.try_extract_strings()?.1.into_iter().skip(at).step_by(width)),
        }
    }
    Ok(())
}

fn read_maps(
    output: &Output,
    value: &DynValue,
    rows: usize,
    classes: &[String],
    integers: bool,
    columns: &mut [Values],
) -> Result<(), RunError> {
    let maps = row_maps(value)?;
    if maps.len() != rows {
        return Err(wrong_shape(output, value, rows));
    }
    for map in &maps {
        let pairs = class_probabilities(map, integers)?;
        for (class, column) in classes.iter().zip(columns.iter_mut()) {
            let probability = pairs.iter().find(|(of, _)| of == class).map_or(f32::NAN, |(_, probability)| *probability);
            if let Values::F32(vec) = column {
                vec.push(probability);
            }
        }
    }
    Ok(())
}

fn wrong_shape(output: &Output, value: &DynValue, expected: usize) -> RunError {
    RunError::Shape { output: output.name.clone(), found: value.dtype().to_string(), expected: format!("{expected} values") }
}
