//! The kernel for linear models beside ONNX Runtime: the same bits, on the example's model and on random ones.

use caz::model::{Engine, Tensor, Values};

use super::ensembles::Random;
use super::onnx::{FLOAT, INT64, Message, STRING, floats, integer, integers, model, node, string, strings, value};
use super::{assert_same, car_insurance, car_insurance_features, load};

#[test]
fn the_example_runs_in_the_kernel() {
    let model = car_insurance("logistic-regression");
    assert_eq!((model.engine(), model.unfit()), (Engine::Linear, None));
    assert_same(&model, &car_insurance_features(), &"logistic-regression");
}

/// What a linear model is like.
#[derive(Clone, Debug)]
struct Shape {
    classifier: bool,
    features: usize,
    /// How many scores a row gets.
    targets: usize,
    /// How many labels there are.
    classes: usize,
    strings: bool,
    transform: &'static str,
    scaler: bool,
    intercepts: bool,
    zip_map: bool,
}

impl Shape {
    fn new(random: &mut Random) -> Self {
        let classifier = random.chance(70);
        let most_features = random.pick(&[4, 40, 300]);
        let targets = if classifier { 2 + random.below(5) } else { 1 + random.below(4) };
        Self {
            classifier,
            features: 1 + random.below(most_features),
            targets,
            classes: targets,
            strings: classifier && random.chance(30),
            transform: if classifier { random.pick(&["NONE", "LOGISTIC", "LOGISTIC"]) } else { "NONE" },
            scaler: random.chance(50),
            intercepts: classifier || random.chance(70),
            zip_map: classifier && random.chance(30),
        }
    }

    fn file(&self, random: &mut Random) -> Vec<u8> {
        let mut numbers = |count: usize, scale: f64| (0..count).map(|_| random.unit() * scale).collect::<Vec<_>>();
        let coefficients = floats("coefficients", &numbers(self.targets * self.features, 2.0));
        let intercepts = floats("intercepts", &numbers(if self.intercepts { self.targets } else { 0 }, 1.0));
        let scaler = [floats("offset", &numbers(self.features, 3.0)), floats("scale", &numbers(self.features, 1.5))];
        let mut nodes = Vec::new();
        if self.scaler {
            nodes.push(node("Scaler", "ai.onnx.ml", &["x"], &["scaled"], &scaler));
        }
        let from = if self.scaler { "scaled" } else { "x" };
        let names: Vec<String> = (0..self.classes).map(|class| format!("class {}", class * 3)).collect();
        let ids: Vec<i64> = (0..self.classes as i64).map(|class| class * 3 - 1).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let labels = |name: &str| if self.strings { strings("classlabels_strings", &names) } else { integers(name, &ids) };
        let given = if self.zip_map { "raw" } else { "scores" };
        let (kind, outputs, specific) = match self.classifier {
            true => ("LinearClassifier", vec!["label", given], labels("classlabels_ints")),
            false => ("LinearRegressor", vec![given], integer("targets", self.targets as i64)),
        };
        let transform = string("post_transform", self.transform);
        nodes.push(node(kind, "ai.onnx.ml", &[from], &outputs, &[coefficients, intercepts, transform, specific]));
        if self.zip_map {
            nodes.push(node("ZipMap", "ai.onnx.ml", &[given], &["scores"], &[labels("classlabels_int64s")]));
        }
        let scores = if self.zip_map { Message::default().text(1, "scores") } else { value("scores", FLOAT, &[]) };
        let outputs = match self.classifier {
            true => vec![value("label", if self.strings { STRING } else { INT64 }, &[]), scores],
            false => vec![scores],
        };
        model(&[("", 17), ("ai.onnx.ml", 1)], &nodes, &[value("x", FLOAT, &[0, self.features as i64])], &outputs, &[])
    }
}

/// Numbers of every size, zeros of both signs, NaN and infinities.
fn rows(random: &mut Random, width: usize, rows: usize) -> Tensor {
    let strange = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE, 1e-45];
    let values = (0..rows * width).map(|at| match random.below(8) {
        // Few rows, for a strange number makes the whole row strange.
        0 if (at / width).is_multiple_of(5) => random.pick(&strange),
        1 => random.pick(&[0.0, -0.0]),
        2 => 1.0,
        3 => (random.unit() * 1e4) as f32,
        _ => (random.unit() * 4.0) as f32,
    });
    Tensor { width, values: Values::F32(values.collect()) }
}

#[test]
fn random_models_have_the_bits_of_onnx_runtime() {
    let first: u64 = std::env::var("CAZ_LINEAR_SEED").map_or(1, |seed| seed.parse().unwrap());
    let count: u64 = std::env::var("CAZ_LINEAR_MODELS").map_or(120, |count| count.parse().unwrap());
    for seed in first..first + count {
        let mut random = Random(seed * 1_000_003);
        let shape = Shape::new(&mut random);
        let model = load(&shape.file(&mut random));
        assert_eq!((model.engine(), model.unfit()), (Engine::Linear, None), "seed {seed}: {shape:?}");
        assert_same(&model, &rows(&mut random, shape.features, 500), &(seed, shape));
    }
}

#[test]
fn other_rules_stay_with_onnx_runtime() {
    let plain = Shape {
        classifier: true,
        features: 3,
        targets: 2,
        classes: 2,
        strings: false,
        transform: "NONE",
        scaler: false,
        intercepts: true,
        zip_map: false,
    };
    for (shape, reason) in [
        (Shape { transform: "SOFTMAX", ..plain.clone() }, "it transforms by SOFTMAX"),
        (Shape { targets: 1, ..plain.clone() }, "its classifier has 2 classes and 1 scores"),
    ] {
        let model = load(&shape.file(&mut Random(7)));
        assert_eq!((model.engine(), model.unfit().unwrap().to_string().as_str()), (Engine::OnnxRuntime, reason));
    }
}
