//! From added-up scores to what the operator answers: base values, the label, the transform. Every step is ONNX Runtime's, its special cases
//! of two classes included, in its types: scores as floats pass through the transforms even where trees compute in doubles.

use std::f32::consts::{PI, SQRT_2};

use super::ensemble::{Aggregate, Ensemble, Transform, TreeNode};
use crate::model::kernel::Unfit;
use crate::model::kernel::number::Number;
use crate::model::kernel::outputs::Classes;

/// How an ensemble's scores become its answer.
pub(super) struct Finish<T> {
    targets: usize,
    trees: f64,
    aggregate: Aggregate,
    transform: Transform,
    base: Vec<T>,
    /// For a classifier, how it finds the label.
    labels: Option<Labels>,
}

/// How a classifier finds its label.
struct Labels {
    /// Whether all weights belong to one of two classes: the other's score follows from it.
    one_sided: bool,
    /// Whether that one's weights are probabilities.
    all_positive: bool,
    /// Whether labels are numbers, and not positions of strings.
    integers: Option<Vec<i64>>,
}

/// A score, and whether any tree gave it.
#[derive(Clone, Copy, Default)]
pub(super) struct Score<T> {
    value: T,
    given: bool,
}

impl<T: Number> Score<T> {
    fn new(value: T) -> Self {
        Self { value, given: true }
    }

    fn or_zero(self) -> T {
        if self.given { self.value } else { T::default() }
    }

    fn single(self) -> f32 {
        self.or_zero().single()
    }
}

impl<T: Number> Finish<T> {
    pub(super) fn new(ensemble: &Ensemble) -> Result<Self, Unfit> {
        let base: Vec<T> = ensemble.base.iter().map(|value| T::of(*value)).collect();
        let labels = ensemble.classes.as_ref().map(|classes| labels(ensemble, classes)).transpose()?;
        let Ensemble { targets, aggregate, transform, .. } = *ensemble;
        match &labels {
            Some(labels) if targets == 2 => {
                let undefined =
                    labels.one_sided && transform == Transform::Probit || !labels.one_sided && base.len() == 1 || base.len() > 2;
                if undefined {
                    return Err(Unfit("ONNX Runtime leaves a score of its two classes undefined".into()));
                }
            }
            _ if base.is_empty() || base.len() == targets => {}
            _ => return Err(Unfit(format!("it has {} base values for {targets} targets", base.len()))),
        }
        Ok(Self { targets, trees: ensemble.trees.len() as f64, aggregate, transform, base, labels })
    }

    /// Turns a row's scores, with whether each was given, into its answer; for a classifier, answers the class's label, or its position
    /// among labels that are strings. `scores` is memory to work in.
    pub(super) fn row(&self, values: &mut [T], given: &[bool], scores: &mut Vec<Score<T>>) -> i64 {
        if self.labels.is_none() && self.targets == 1 {
            let value = self.with_base(Score { value: values[0], given: given[0] }, 0);
            values[0] = if self.transform == Transform::Probit { T::of(probit(value.single()).into()) } else { value };
            return 0;
        }
        scores.clear();
        scores.extend(values.iter().zip(given).map(|(value, given)| Score { value: *value, given: *given }));
        let label = match &self.labels {
            None => {
                scores.iter_mut().enumerate().for_each(|(at, score)| score.value = self.with_base(*score, at));
                self.transform(scores);
                0
            }
            Some(labels) if self.targets == 2 => self.two_classes(labels, scores),
            Some(labels) => self.classes(labels, scores),
        };
        values.iter_mut().zip(scores.iter()).for_each(|(value, score)| *value = score.or_zero());
        label
    }

    fn with_base(&self, score: Score<T>, at: usize) -> T {
        let base = self.base.get(at).copied().unwrap_or_default();
        match self.aggregate {
            Aggregate::Sum => score.value.plus(base),
            Aggregate::Average => score.value.over(T::of(self.trees)).plus(base),
            Aggregate::Min | Aggregate::Max => score.or_zero().plus(base),
        }
    }

    fn classes(&self, labels: &Labels, scores: &mut [Score<T>]) -> i64 {
        for (score, base) in scores.iter_mut().zip(&self.base) {
            *score = Score::new(if score.given { score.value.plus(*base) } else { *base });
        }
        let mut best: Option<(usize, T)> = None;
        for (at, score) in scores.iter().enumerate().filter(|(_, score)| score.given) {
            if best.is_none_or(|(_, most)| score.value > most) {
                best = Some((at, score.value));
            }
        }
        self.transform(scores);
        labels.at(best.map_or(0, |(at, _)| at))
    }

    fn two_classes(&self, labels: &Labels, scores: &mut [Score<T>]) -> i64 {
        match *self.base.as_slice() {
            // The second base value counts for both classes; the second class's own score does not count.
            [_, base] if scores[1].given => {
                scores[1].value = scores[0].value.plus(base);
                scores[0].value = scores[1].value.negative();
            }
            [first, second] => {
                scores[0].value = scores[0].value.plus(first);
                scores[1].value = scores[1].value.plus(second);
            }
            [base] => scores[0].value = scores[0].value.plus(base),
            _ => {}
        }
        // Without two base values a class that no tree knows has no score of its own.
        let only_first = self.base.len() < 2 && !scores[1].given;
        let decisive = if scores[1].given { scores[1].value } else { scores[0].or_zero() };
        let are_probabilities = labels.one_sided && labels.all_positive;
        let is_positive = decisive > if are_probabilities { T::of(0.5) } else { T::default() };
        if only_first {
            let score = scores[0].or_zero();
            let (first, second) = match self.transform {
                Transform::Logistic => (T::of(logistic(score.negative().single()).into()), T::of(logistic(score.single()).into())),
                _ if are_probabilities => (T::of(1.0).plus(score.negative()), score),
                _ => (score.negative(), score),
            };
            (scores[0], scores[1]) = (Score::new(first), Score::new(second));
        } else {
            self.transform(scores);
        }
        match &labels.integers {
            // With weights for both classes the answer is 0 or 1, whatever the labels are.
            Some(_) if !labels.one_sided => i64::from(is_positive),
            _ => labels.at(usize::from(is_positive)),
        }
    }

    fn transform(&self, scores: &mut [Score<T>]) {
        let each = |scores: &mut [Score<T>], of: fn(f32) -> f32| {
            scores.iter_mut().for_each(|score| *score = Score::new(T::of(of(score.single()).into())));
        };
        match self.transform {
            Transform::None => {}
            Transform::Probit => each(scores, probit),
            Transform::Logistic => each(scores, logistic),
            Transform::Softmax => softmax(scores),
            Transform::SoftmaxZero => softmax_zero(scores),
        }
    }
}

fn labels(ensemble: &Ensemble, classes: &Classes) -> Result<Labels, Unfit> {
    if classes.len() < 2 {
        return Err(Unfit(format!("its classifier has {} classes", classes.len())));
    }
    let leaves = || {
        ensemble
            .trees
            .iter()
            .flat_map(|tree| &tree.0)
            .filter_map(|node| if let TreeNode::Leaf(weights) = node { Some(weights) } else { None })
    };
    let mut targets: Vec<u32> = leaves().flatten().map(|(target, _)| *target).collect();
    targets.sort_unstable();
    targets.dedup();
    Ok(Labels {
        one_sided: classes.len() == 2 && targets.len() == 1,
        all_positive: leaves().flatten().all(|(_, weight)| *weight >= 0.0),
        integers: if let Classes::Integers(classes) = classes { Some(classes.clone()) } else { None },
    })
}

impl Labels {
    fn at(&self, class: usize) -> i64 {
        match &self.integers {
            Some(labels) => labels[class],
            None => class as i64,
        }
    }
}

fn logistic(value: f32) -> f32 {
    let positive = 1.0 / (1.0 + (-value.abs()).exp());
    if value < 0.0 { 1.0 - positive } else { positive }
}

/// The inverse of the normal distribution, by Winitzki's approximation of the inverse error function.
fn probit(value: f32) -> f32 {
    const A: f32 = 0.147;
    let x = 2.0 * value - 1.0;
    let sign = if x < 0.0 { -1.0 } else { 1.0 };
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let half = 2.0 / (PI * A) + 0.5 * log;
    let inner = 1.0 / A * log;
    SQRT_2 * (sign * (-half + (half * half - inner).sqrt()).sqrt())
}

fn greatest<T: Number>(scores: &[Score<T>]) -> f32 {
    scores.iter().map(|score| score.single()).fold(f32::MIN, |most, score| if score > most { score } else { most })
}

fn softmax<T: Number>(scores: &mut [Score<T>]) {
    let greatest = greatest(scores);
    let mut sum = 0.0_f32;
    for score in scores.iter_mut() {
        let power = (score.single() - greatest).exp();
        sum += power;
        *score = Score::new(T::of(power.into()));
    }
    scores.iter_mut().for_each(|score| *score = Score::new(T::of((score.single() / sum).into())));
}

/// As [`softmax`], but zeros stay zeros.
fn softmax_zero<T: Number>(scores: &mut [Score<T>]) {
    let greatest = greatest(scores);
    let mut sum = 0.0_f32;
    for score in scores.iter_mut() {
        let single = score.single();
        if !(-1e-7..=1e-7).contains(&single) {
            let power = (single - greatest).exp();
            sum += power;
            *score = Score::new(T::of(power.into()));
        } else {
            *score = Score::new(score.or_zero().times(T::of((-greatest).exp().into())));
        }
    }
    scores.iter_mut().for_each(|score| *score = Score::new(score.value.over(T::of(sum.into()))));
}
