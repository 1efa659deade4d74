//! How fast the kernels for linear models and for trees are, beside ONNX Runtime in the same run, on one thread: `make bench-kernels`.
//! Measurements are of the thread's CPU and alternate, so that a busy machine slows both; each goes on through rows that it has not just seen.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails by panicking"
)]

#[path = "cpu.rs"]
mod cpu;
#[path = "../tests/support/onnx.rs"]
mod onnx;
#[path = "../tests/support/trees.rs"]
#[allow(dead_code, reason = "a benchmark uses what it needs of it")]
mod trees;

use std::path::Path;

use caz::model::{Engine, Model, ModelSession, Tensor, Values};
use cpu::thread_cpu_ns;
use trees::{Operator, Random, Shape};

const REPETITIONS: usize = 9;
const ROWS_PER_RUN: [usize; 5] = [1, 8, 64, 256, 1024];
/// The CPU that one measurement takes at least.
const MEASUREMENT_NS: u64 = 40_000_000;
/// How often a kernel must be faster than ONNX Runtime for the example's models, at 256 rows a run, to be worth its code.
const TARGET: f64 = 2.0;

fn main() {
    // `cargo test --benches` and `cargo clippy` want it built only.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    println!("{REPETITIONS} alternating measurements each, one thread; min / median / max\n");
    println!("| model | rows a run | kernel, CPU ns a row | ONNX Runtime, CPU ns a row | times ONNX Runtime |");
    println!("|---|---|---|---|---|");
    let features = std::fs::read(root.join("models/car-insurance/features.f32le")).unwrap();
    let features: Vec<f32> = features.chunks_exact(4).map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap())).collect();
    let linear = Model::load("logistic-regression", &root.join("models/car-insurance/logistic-regression.onnx")).unwrap();
    let forest = Model::load("random-forest, 80 trees", &root.join("models/car-insurance/random-forest.onnx")).unwrap();
    let times = [compare(&linear, &features), compare(&forest, &features)];
    let mut random = Random(1);
    for id in ["lightgbm", "xgboost", "xgboost-regressor", "hist-gradient-boosting", "random-forest"] {
        let model = Model::load(&format!("zoo/{id}"), &root.join(format!("models/zoo/{id}.onnx"))).unwrap();
        compare(&model, &noise(&mut random, 8));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.onnx");
    let (bytes, _) = LARGE.file(&mut random);
    std::fs::write(&path, bytes).unwrap();
    compare(&Model::load("500 trees of depth 8", &path).unwrap(), &noise(&mut random, 60));
    assert!(times.iter().all(|times| *times >= TARGET), "{times:.1?} times ONNX Runtime, the target is {TARGET}");
}

const LARGE: Shape = Shape {
    operator: Operator::Regressor,
    element: onnx::FLOAT,
    trees: 500,
    depth: 8,
    leaves: 5,
    features: 60,
    targets: 1,
    strings: false,
    modes: &["BRANCH_LEQ"],
    tracks: 0,
    aggregate: "SUM",
    transform: "NONE",
    base: 1,
    dense: false,
    one_sided: true,
    positive: false,
    cast: false,
};

/// 5,000 rows between -5 and 5.
fn noise(random: &mut Random, width: usize) -> Vec<f32> {
    (0..5_000 * width).map(|_| random.unit() as f32 * 5.0).collect()
}

/// One engine on its way round and round through the rows.
struct Lap<'r> {
    session: ModelSession,
    rows: &'r [Tensor],
    at: usize,
}

impl Lap<'_> {
    /// Nanoseconds a row.
    fn measure(&mut self) -> f64 {
        let started = thread_cpu_ns();
        let mut rows = 0;
        let mut taken = 0;
        while taken < MEASUREMENT_NS {
            let run = std::slice::from_ref(&self.rows[self.at]);
            std::hint::black_box(self.session.run(run, |row, error| panic!("row {row}: {error}")));
            rows += run[0].rows();
            self.at = (self.at + 1) % self.rows.len();
            // Asking costs more than a run of one row.
            if self.at == 0 {
                taken = thread_cpu_ns() - started;
            }
        }
        taken as f64 / rows as f64
    }
}

/// Prints a line for each number of rows a run; answers how often the kernel is faster at 256.
fn compare(model: &Model, features: &[f32]) -> f64 {
    assert_eq!(model.unfit(), None, "{}", model.id);
    let width = model.signature.inputs[0].width().unwrap();
    let mut at_256 = 0.0;
    for rows_per_run in ROWS_PER_RUN {
        let chunks = features.chunks_exact(rows_per_run * width);
        let rows: Vec<Tensor> = chunks.map(|chunk| Tensor { width, values: Values::F32(chunk.to_vec()) }).collect();
        let lap = |engine| Lap { session: model.session(Some(engine), Some(rows_per_run)).unwrap(), rows: &rows, at: 0 };
        let (mut kernel, mut runtime) = (lap(model.engine()), lap(Engine::OnnxRuntime));
        kernel.measure();
        runtime.measure();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..REPETITIONS {
            ours.push(kernel.measure());
            theirs.push(runtime.measure());
        }
        ours.sort_by(f64::total_cmp);
        theirs.sort_by(f64::total_cmp);
        let times = theirs[REPETITIONS / 2] / ours[REPETITIONS / 2];
        println!("| {} | {rows_per_run} | {} | {} | {times:.1} |", model.id, spread(&ours), spread(&theirs));
        if rows_per_run == 256 {
            at_256 = times;
        }
    }
    at_256
}

fn spread(sorted: &[f64]) -> String {
    format!("{:.0} / {:.0} / {:.0}", sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1])
}
