//! The kernel for trees beside ONNX Runtime: the same bits, on the committed models and on random ensembles of every kind.

use std::collections::BTreeMap;

use caz::model::{Element, Engine, Model, Tensor, Values};

use super::ensembles::{AGGREGATES, MEMBER, MODES, Operator, Random, Shape, TRANSFORMS};
use super::onnx::{DOUBLE, FLOAT, INT64};
use super::{assert_same, car_insurance, car_insurance_features, load, zoo};

/// Rows around `thresholds`, with NaN, infinities and noise among them.
fn rows(random: &mut Random, element: Element, width: usize, rows: usize, thresholds: &[f64]) -> Tensor {
    let mut tensor = Tensor::new(element, width);
    tensor.reset(rows);
    let mut next = |single: bool| {
        let near = if thresholds.is_empty() { 0.5 } else { random.pick(thresholds) };
        match random.below(12) {
            0 => f64::NAN,
            1 => random.pick(&[0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324]),
            2..=4 => near,
            5 if single => f64::from((near as f32).next_up()),
            6 if single => f64::from((near as f32).next_down()),
            5 => near.next_up(),
            6 => near.next_down(),
            7 | 8 => (random.below(41) as f64 - 20.0) / 4.0,
            _ => random.unit() * 6.0,
        }
    };
    match &mut tensor.values {
        Values::F32(values) => values.iter_mut().for_each(|value| *value = next(true) as f32),
        Values::F64(values) => values.iter_mut().for_each(|value| *value = next(false)),
        Values::I64(values) => values.iter_mut().for_each(|value| *value = next(false) as i64),
        _ => panic!("{element:?}"),
    }
    tensor
}

#[test]
fn the_committed_ensembles_run_in_the_kernel() {
    let model = car_insurance("random-forest");
    assert_eq!((model.engine(), model.unfit()), (Engine::Trees, None));
    assert_same(&model, &car_insurance_features(), &"random-forest");
    for id in ["gradient-boosting", "hist-gradient-boosting", "lightgbm", "random-forest", "xgboost", "xgboost-regressor"] {
        let model = Model::load(id, &zoo(id)).unwrap();
        assert_eq!((model.engine(), model.unfit()), (Engine::Trees, None), "{id}");
        let mut random = Random(7);
        // Features of the zoo's models have two digits.
        let near: Vec<f64> = (-400..400).map(|hundredth| f64::from(hundredth as f32 / 100.0)).collect();
        assert_same(&model, &rows(&mut random, Element::F32, 8, 2_000, &near), &id);
    }
}

/// A random kind of ensemble; combinations that ONNX has not are left out.
fn shape(random: &mut Random) -> Shape {
    let operator = random.pick(&[Operator::Classifier, Operator::Classifier, Operator::Regressor, Operator::Ensemble]);
    let is_classifier = operator == Operator::Classifier;
    let targets = if is_classifier { 2 + random.below(3) } else { 1 + random.below(3) };
    let modes: &'static [&'static str] = match random.below(4) {
        0 => &["BRANCH_LEQ"],
        1 => &["BRANCH_LT"],
        _ if operator == Operator::Ensemble => &["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", MEMBER],
        _ => &MODES,
    };
    let one_sided = is_classifier && targets == 2 && random.chance(60);
    let base = match (operator, random.below(2), targets) {
        (Operator::Ensemble, ..) | (_, 0, _) => 0,
        (Operator::Classifier, _, 2) => 1 + random.below(2),
        _ => targets,
    };
    let element = random.pick(if is_classifier { &[FLOAT, FLOAT, DOUBLE, INT64] } else { &[FLOAT, FLOAT, DOUBLE] });
    Shape {
        operator,
        element,
        trees: 1 + random.below(12),
        depth: 1 + random.below(6),
        leaves: random.below(40),
        features: 1 + random.below(6),
        targets,
        strings: is_classifier && random.chance(30),
        modes,
        tracks: random.pick(&[0, 0, 50]),
        aggregate: if is_classifier { "SUM" } else { random.pick(&AGGREGATES) },
        transform: random.pick(&TRANSFORMS),
        base,
        dense: operator != Operator::Ensemble && !one_sided && random.chance(40),
        one_sided,
        positive: random.chance(50),
        cast: random.chance(15),
    }
}

/// Whether ONNX Runtime leaves the score of a second class as the memory happens to be.
fn is_undefined(shape: &Shape) -> bool {
    let one_sided = shape.one_sided || (!shape.dense && shape.trees == 1);
    let two_classes = shape.operator == Operator::Classifier && shape.targets == 2;
    two_classes && if one_sided { shape.transform == "PROBIT" } else { shape.base == 1 }
}

#[test]
fn random_ensembles_have_the_bits_of_onnx_runtime() {
    let mut unfit: BTreeMap<String, usize> = BTreeMap::new();
    let mut fit = 0;
    let first: u64 = std::env::var("CAZ_TREES_SEED").map_or(1, |seed| seed.parse().unwrap());
    let count: u64 = std::env::var("CAZ_TREES_ENSEMBLES").map_or(120, |count| count.parse().unwrap());
    for seed in first..first + count {
        let mut random = Random(seed * 1_000_003);
        let shape = shape(&mut random);
        let (bytes, thresholds) = shape.file(&mut random);
        let model = load(&bytes);
        if let Some(reason) = model.unfit() {
            let reason = reason.to_string();
            assert!(is_undefined(&shape), "seed {seed}: {reason}: {shape:?}");
            *unfit.entry(reason).or_default() += 1;
            continue;
        }
        fit += 1;
        let element = model.signature.inputs[0].element;
        assert_same(&model, &rows(&mut random, element, shape.features, 500, &thresholds), &(seed, shape));
    }
    let left: usize = unfit.values().sum();
    assert!(fit > 4 * left, "{fit} fit, these do not: {unfit:?}");
}

#[test]
fn a_deep_and_lopsided_tree_runs_in_the_kernel() {
    let shape = Shape {
        operator: Operator::Regressor,
        element: FLOAT,
        trees: 3,
        depth: 40,
        leaves: 49,
        features: 4,
        targets: 1,
        strings: false,
        modes: &["BRANCH_LEQ"],
        tracks: 50,
        aggregate: "SUM",
        transform: "NONE",
        base: 1,
        dense: false,
        one_sided: false,
        positive: false,
        cast: false,
    };
    let mut random = Random(3);
    let (bytes, thresholds) = shape.file(&mut random);
    let model = load(&bytes);
    assert_eq!(model.unfit(), None);
    assert_same(&model, &rows(&mut random, Element::F32, 4, 2_000, &thresholds), &shape);
}
