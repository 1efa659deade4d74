//! Ensembles of trees: every tree's answer for a row, added up in the trees' order.

mod ensemble;
mod finish;
mod forest;
mod input;

use std::sync::Arc;

use self::ensemble::{Aggregate, Ensemble, Test, TreeNode};
use self::finish::{Finish, Score};
use self::forest::{Block, Forest, LANES, Scores};
use super::Unfit;
use super::graph::{Graph, Node};
use super::number::Number;
use super::outputs::Answers;
use crate::model::signature::{Port, Signature};
use crate::model::tensor::{Element, Tensor, Values};

/// Whether an operator is one of trees.
pub(super) fn is_operator(op: &str) -> bool {
    op.starts_with("TreeEnsemble")
}

/// Bytes of features that a block of rows has: they stay in the nearest cache while tree after tree walks over them.
const BLOCK_BYTES: usize = 16 << 10;
/// Rows in a block of narrow rows.
const MOST_BLOCK_ROWS: usize = 256;

/// A model of trees, which all workers share.
pub(in crate::model) struct Trees {
    kernel: Kernel,
    answers: Answers,
    /// The numbers that rows are compared with, by feature.
    thresholds: Vec<Vec<f64>>,
}

/// The kernel, in the type that the model computes in.
enum Kernel {
    Single(Typed<f32>),
    Double(Typed<f64>),
}

struct Typed<T> {
    forest: Forest<T>,
    finish: Finish<T>,
    aggregate: Aggregate,
    targets: usize,
}

impl Trees {
    /// The trees of a graph with this operator, for an input of this width.
    pub(super) fn read(
        graph: &Graph<'_>,
        operator: &Node<'_>,
        (port, width): (&Port, usize),
        signature: &Signature,
    ) -> Result<Self, Unfit> {
        let element = input::element(graph, operator, port)?;
        let Some(ensemble) = Ensemble::read(operator) else { return Err(Unfit(format!("{} is not known", operator.op))) };
        let mut ensemble = ensemble?;
        let kernel = match element {
            Element::F64 => Kernel::Double(Typed::new(&ensemble)?),
            // ONNX Runtime compares integers as floats.
            _ => Kernel::Single(Typed::new(&ensemble)?),
        };
        let thresholds = thresholds(&ensemble);
        let answers = Answers::plan(graph, operator, ensemble.targets, ensemble.classes.take(), signature)?;
        let trees = Self { kernel, answers, thresholds };
        if width < trees.width() {
            return Err(Unfit(format!("it asks for {} features of {width}", trees.width())));
        }
        Ok(trees)
    }

    /// The numbers that each feature is compared with.
    pub(super) fn landmarks(&self) -> &[Vec<f64>] {
        &self.thresholds
    }

    fn width(&self) -> usize {
        match &self.kernel {
            Kernel::Single(kernel) => kernel.forest.width(),
            Kernel::Double(kernel) => kernel.forest.width(),
        }
    }
}

impl<T: Number> Typed<T> {
    fn new(ensemble: &Ensemble) -> Result<Self, Unfit> {
        let (aggregate, targets) = (ensemble.aggregate, ensemble.targets);
        Ok(Self { forest: Forest::new(ensemble)?, finish: Finish::new(ensemble)?, aggregate, targets })
    }
}

/// The numbers that each feature is compared with, ascending.
fn thresholds(ensemble: &Ensemble) -> Vec<Vec<f64>> {
    let mut all: Vec<Vec<f64>> = Vec::new();
    for node in ensemble.trees.iter().flat_map(|tree| &tree.0) {
        let TreeNode::Branch(branch) = node else { continue };
        let feature = branch.feature as usize;
        if all.len() <= feature {
            all.resize(feature + 1, Vec::new());
        }
        match &branch.test {
            Test::Member(values) => all[feature].extend(values),
            Test::AtMost(value)
            | Test::Below(value)
            | Test::AtLeast(value)
            | Test::Above(value)
            | Test::Equal(value)
            | Test::NotEqual(value) => all[feature].push(*value),
        }
    }
    for values in &mut all {
        values.sort_by(f64::total_cmp);
        values.dedup();
    }
    all
}

/// The kernel with the buffers of one worker.
pub(in crate::model) struct TreesRunner {
    trees: Arc<Trees>,
    buffers: Buffers,
}

enum Buffers {
    Single(Work<f32>),
    Double(Work<f64>),
}

/// Memory to work in.
struct Work<T> {
    /// A run's features, where the input has another type.
    features: Vec<T>,
    lanes: Vec<T>,
    scores: Scores<T>,
    row: Vec<Score<T>>,
}

impl<T: Number> Work<T> {
    fn new(targets: usize) -> Self {
        Self { features: Vec::new(), lanes: Vec::new(), scores: Scores::new(targets), row: Vec::new() }
    }
}

impl TreesRunner {
    pub(super) fn new(trees: Arc<Trees>) -> Self {
        let buffers = match &trees.kernel {
            Kernel::Single(kernel) => Buffers::Single(Work::new(kernel.targets)),
            Kernel::Double(kernel) => Buffers::Double(Work::new(kernel.targets)),
        };
        Self { trees, buffers }
    }

    /// Appends the answers to the rows `from..to` to the outputs' columns.
    pub(super) fn run(&mut self, input: &Tensor, from: usize, to: usize, columns: &mut [Values]) {
        let Trees { kernel, answers, .. } = self.trees.as_ref();
        match (kernel, &mut self.buffers) {
            (Kernel::Single(kernel), Buffers::Single(work)) => {
                kernel.run(input, from, to, work, |scores, label| answers.push(scores, label, columns));
            }
            (Kernel::Double(kernel), Buffers::Double(work)) => {
                kernel.run(input, from, to, work, |scores, label| answers.push(scores, label, columns));
            }
            // A runner's buffers are made for its kernel.
            _ => {}
        }
    }
}

impl<T: Number> Typed<T> {
    /// Calls `answer` with the scores and the label of each row.
    fn run(&self, input: &Tensor, from: usize, to: usize, work: &mut Work<T>, mut answer: impl FnMut(&[T], i64)) {
        let Work { features, lanes, scores, row } = work;
        let (width, range) = (input.width.max(1), from * input.width..to * input.width);
        let features = match T::elements(&input.values) {
            Some(elements) => &elements[range],
            None => {
                convert(&input.values, range, features);
                features
            }
        };
        let block_rows = (BLOCK_BYTES / (width * size_of::<T>())).next_multiple_of(LANES).clamp(LANES, MOST_BLOCK_ROWS);
        for features in features.chunks(block_rows * width) {
            scores.reset(features.len() / width);
            self.add_up(&Block::new(features, width, lanes), scores);
            for (values, given) in scores.values.chunks_exact_mut(self.targets).zip(scores.given.chunks_exact(self.targets)) {
                let label = self.finish.row(values, given, row);
                answer(values, label);
            }
        }
    }

    fn add_up(&self, block: &Block<'_, T>, scores: &mut Scores<T>) {
        match self.aggregate {
            Aggregate::Sum | Aggregate::Average => self.forest.sum(block, scores),
            Aggregate::Min => {
                self.forest.join(block, scores, |least, given, value| if !given || value < least { value } else { least });
            }
            Aggregate::Max => {
                self.forest.join(block, scores, |most, given, value| if !given || value > most { value } else { most });
            }
        }
    }
}

/// The features of a range as the type that the trees compute in, rounded as ONNX's Cast does.
fn convert<T: Number>(values: &Values, range: std::ops::Range<usize>, into: &mut Vec<T>) {
    into.clear();
    match values {
        Values::F16(values) => into.extend(values[range].iter().map(|value| T::of(value.to_f64()))),
        Values::F32(values) => into.extend(values[range].iter().map(|value| T::of((*value).into()))),
        Values::F64(values) => into.extend(values[range].iter().map(|value| T::of(*value))),
        Values::I8(values) => into.extend(values[range].iter().map(|value| T::of((*value).into()))),
        Values::I16(values) => into.extend(values[range].iter().map(|value| T::of((*value).into()))),
        Values::I32(values) => into.extend(values[range].iter().map(|value| T::of((*value).into()))),
        Values::I64(values) => into.extend(values[range].iter().map(|value| T::of_integer(*value))),
        Values::U8(values) => into.extend(values[range].iter().map(|value| T::of((*value).into()))),
        Values::U16(values) => into.extend(values[range].iter().map(|value| T::of((*value).into()))),
        Values::U32(values) => into.extend(values[range].iter().map(|value| T::of((*value).into()))),
        // No tree that loads has these as its input.
        Values::U64(_) | Values::Bool(_) | Values::Str(_) => into.resize(range.len(), T::default()),
    }
}
