//! Linear models: a weighted sum of the features for each target, with ONNX Runtime's bits.
//!
//! ONNX Runtime adds a row's products feature by feature with fused multiply-adds, and the intercept last, in all its runs of several rows;
//! in a run of one row it adds in another order. This kernel adds in the first order always, so that a row's score does not depend on its batch.

mod read;
mod score;

use std::sync::Arc;

use pulp::Arch;

use self::score::{LANES, Logistic, Sums};
use super::Unfit;
use super::graph::{Graph, Node};
use super::outputs::Answers;
use crate::model::signature::{Port, Signature};
use crate::model::tensor::{Tensor, Values};

/// Whether an operator is one of linear models.
pub(super) fn is_operator(op: &str) -> bool {
    matches!(op, "LinearClassifier" | "LinearRegressor")
}

/// A linear model.
pub(in crate::model) struct Linear {
    /// Features in a row.
    width: usize,
    scaler: Option<Scaler>,
    /// A target's coefficients behind each other, target after target.
    coefficients: Vec<f32>,
    /// One for each target, or none at all.
    intercepts: Vec<f32>,
    targets: usize,
    /// Whether the scores become probabilities, each by itself.
    logistic: bool,
    /// For a classifier, each class's label: the number, or the position among labels that are strings.
    labels: Option<Vec<i64>>,
    answers: Answers,
    landmarks: Vec<Vec<f64>>,
}

/// What stands between the input and the sum: `(feature - offset) * factor`.
struct Scaler {
    offsets: Vec<f32>,
    factors: Vec<f32>,
}

impl Linear {
    /// The model of a graph with this operator, for an input of this width.
    pub(super) fn read(graph: &Graph<'_>, operator: &Node<'_>, input: (&Port, usize), signature: &Signature) -> Result<Self, Unfit> {
        read::linear(graph, operator, input, signature)
    }

    /// The label of the first class with the greatest sum in a lane.
    fn label(&self, sums: &[f32], lane: usize) -> i64 {
        let Some(labels) = &self.labels else { return 0 };
        let mut best = (labels[0], sums[lane]);
        for (label, sums) in labels.iter().zip(sums.chunks_exact(LANES)).skip(1) {
            if sums[lane] > best.1 {
                best = (*label, sums[lane]);
            }
        }
        best.0
    }

    /// The numbers around which a feature lies: its mean, and one deviation off.
    pub(super) fn landmarks(&self) -> &[Vec<f64>] {
        &self.landmarks
    }
}

/// The kernel with the buffers of one worker.
pub(in crate::model) struct LinearRunner {
    linear: Arc<Linear>,
    arch: Arch,
    /// Each feature of a group of rows behind each other.
    features: Vec<f32>,
    /// Each target's scores of the group behind each other.
    scores: Vec<f32>,
    labels: Vec<i64>,
    row: Vec<f32>,
}

impl LinearRunner {
    pub(super) fn new(linear: Arc<Linear>) -> Self {
        let (features, scores) = (vec![0.0; linear.width * LANES], vec![0.0; linear.targets * LANES]);
        Self { linear, arch: Arch::new(), features, scores, labels: Vec::new(), row: Vec::new() }
    }

    /// Appends the answers to the rows `from..to` to the outputs' columns.
    pub(super) fn run(&mut self, input: &Tensor, from: usize, to: usize, columns: &mut [Values]) {
        let Self { linear, arch, features, scores, labels, row } = self;
        // No linear model that loads has another type as its input.
        let Values::F32(values) = &input.values else { return };
        for rows in values[from * linear.width..to * linear.width].chunks(LANES * linear.width) {
            let count = rows.len() / linear.width;
            for (lane, row) in rows.chunks_exact(linear.width).enumerate() {
                row.iter().zip(features[lane..].iter_mut().step_by(LANES)).for_each(|(value, slot)| *slot = *value);
            }
            arch.dispatch(Sums { linear, features, sums: scores });
            labels.clear();
            labels.extend((0..count).map(|lane| linear.label(scores, lane)));
            if linear.logistic {
                arch.dispatch(Logistic(scores));
            }
            for (lane, label) in labels.iter().enumerate() {
                row.clear();
                row.extend(scores.chunks_exact(LANES).map(|target| target[lane]));
                linear.answers.push(row, *label, columns);
            }
        }
    }
}
