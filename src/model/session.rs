//! A worker's own copy of a model: micro-batched runs and their outputs as columns.

use std::sync::Arc;
use std::time::Instant;

use arrow_array::ArrayRef;
use metrics::{Counter, Histogram};
use ort::session::SessionInputValue;

use super::answer;
use super::engine::{Engine, Runner};
use super::runtime::plain;
use super::signature::{Port, Signature};
use super::tensor::{Tensor, Values};
use crate::telemetry::Metric;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// ONNX Runtime refused the input or failed on it.
    #[error("{}", plain(.0.message()))]
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

/// A model in its engine, with the buffers that it reuses. `run` takes `&mut self`: a session belongs to one worker.
pub struct ModelSession {
    runner: Runner,
    signature: Arc<Signature>,
    rows_per_run: usize,
    duration: Histogram,
    rows: Counter,
}

impl ModelSession {
    pub(super) fn new(runner: Runner, signature: Arc<Signature>, rows_per_run: usize, labels: [(&'static str, String); 2]) -> Self {
        Self {
            runner,
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

    /// What computes its answers.
    pub fn engine(&self) -> Engine {
        self.runner.engine()
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
        let mut columns = answer::columns(&self.signature.outputs, rows);
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
        let outcome = self.runner.run(&self.signature, inputs, from, to, columns);
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
}

impl std::fmt::Debug for ModelSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelSession")
            .field("engine", &self.engine())
            .field("signature", &self.signature)
            .field("rows_per_run", &self.rows_per_run)
            .finish()
    }
}

/// The rows `from..to` of all inputs as ONNX Runtime takes them.
pub(super) fn values<'t>(inputs: &'t [Tensor], ports: &[Port], from: usize, to: usize) -> Result<Vec<SessionInputValue<'t>>, ort::Error> {
    inputs.iter().zip(ports).map(|(tensor, port)| value(tensor, port, from, to)).collect()
}

pub(super) fn value<'t>(tensor: &'t Tensor, port: &Port, from: usize, to: usize) -> Result<SessionInputValue<'t>, ort::Error> {
    tensor.input(from, to, port.dimensions(to - from, tensor.width))
}
