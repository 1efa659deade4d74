//! How fast the car-insurance graph makes its features, without inference and on one thread, beside pandas on the same rows in the same
//! run: `make bench-features`. Measurements of both alternate, so that a busy machine slows both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails by panicking"
)]

#[path = "cpu.rs"]
mod cpu;
#[path = "graph.rs"]
mod graph;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use arrow_array::types::{Float64Type, Int32Type};
use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_schema::DataType;
use caz::dataset::Frozen;
use caz::graph::GraphSpec;
use caz::stream::Assembly;
use serde_json::Value;
use sha2::{Digest, Sha256};

use cpu::thread_cpu_ns;
use graph::{Graph, events, without_inference};

const REPETITIONS: usize = 15;
/// Rows a batch, and how often caz must be faster than pandas there.
const SIZES: [(usize, Option<f64>); 4] = [(1, Some(200.0)), (16, None), (256, Some(20.0)), (4096, None)];
/// How long one measurement takes at least.
const MEASUREMENT: Duration = Duration::from_millis(60);

fn main() {
    // `cargo test --benches` and `cargo clippy` want it built only.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (assembly, _) = Assembly::load(&root.join("config/car-insurance.yaml")).unwrap_or_else(|found| panic!("{}", found.render(false)));
    let frozen = Frozen::read(&root.join("config/car-insurance.frozen.json")).unwrap();
    let (spec, features) = without_inference(&assembly.pipeline().graph);
    let events = events(assembly.dataset(), &root.join("datasets/car-insurance.csv"));
    let mut graph = Graph::new(&assembly, &spec, &frozen, &features, events);
    let mut pandas = Pandas::start(root);

    println!("{} features a row; {REPETITIONS} alternating measurements each, min / median / max\n", features.len());
    println!(
        "| rows a batch | caz, million features/s | pandas, million features/s | caz, CPU us a batch | pandas, CPU us a batch | times pandas |"
    );
    println!("|---|---|---|---|---|---|");
    let mut missed = Vec::new();
    for (rows, target) in SIZES {
        let (batches, pandas_batches) = (graph.calibrate(rows), pandas.calibrate(rows));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..REPETITIONS {
            ours.push(graph.measure(rows, batches));
            theirs.push(pandas.measure(rows, pandas_batches));
        }
        assert_eq!(graph.digest(rows), pandas.digest, "caz and pandas make the same features");
        let speed = |taken: &Measurement| (rows * features.len()) as f64 / taken.wall_us;
        let times = median(ours.iter().map(speed)) / median(theirs.iter().map(speed));
        println!(
            "| {rows} | {} | {} | {} | {} | {times:.0} |",
            spread(ours.iter().map(speed), 2),
            spread(theirs.iter().map(speed), 3),
            spread(ours.iter().map(|taken| taken.cpu_us), 1),
            spread(theirs.iter().map(|taken| taken.cpu_us), 0),
        );
        if let Some(target) = target.filter(|target| times < *target) {
            missed.push(format!("{rows} rows: {times:.0} times pandas, the target is {target}"));
        }
    }
    println!("\nShare of each node at 256 rows a batch:\n");
    shares(&mut graph, &spec, &pandas.nodes());
    assert!(missed.is_empty(), "{}", missed.join("; "));
}

/// What one batch took, on average.
struct Measurement {
    wall_us: f64,
    cpu_us: f64,
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn spread(values: impl Iterator<Item = f64> + Clone, digits: usize) -> String {
    let (least, greatest) =
        values.clone().fold((f64::INFINITY, 0.0_f64), |(least, greatest), value| (least.min(value), greatest.max(value)));
    format!("{least:.digits$} / {:.digits$} / {greatest:.digits$}", median(values))
}

/// Measuring the graph, and what it made.
trait Measured {
    fn measure(&mut self, rows: usize, batches: usize) -> Measurement;
    fn calibrate(&mut self, rows: usize) -> usize;
    fn digest(&mut self, rows: usize) -> String;
}

impl Measured for Graph {
    fn measure(&mut self, rows: usize, batches: usize) -> Measurement {
        let cut = self.batches(rows, batches);
        let (cpu, wall) = (thread_cpu_ns(), Instant::now());
        cut.iter().for_each(|batch| self.run::<false>(batch));
        let (wall, cpu) = (wall.elapsed(), thread_cpu_ns() - cpu);
        Measurement { wall_us: wall.as_secs_f64() * 1e6 / batches as f64, cpu_us: cpu as f64 / 1e3 / batches as f64 }
    }

    /// How many batches one measurement needs.
    fn calibrate(&mut self, rows: usize) -> usize {
        let once = self.measure(rows, 50).wall_us;
        (MEASUREMENT.as_secs_f64() * 1e6 / once).ceil().max(10.0) as usize
    }

    /// The digest of the first batch's features as the model gets them.
    fn digest(&mut self, rows: usize) -> String {
        let batch = self.batches(rows, 1).remove(0);
        self.run::<false>(&batch);
        let mut hash = Sha256::new();
        for row in 0..rows {
            self.made.iter().for_each(|column| hash.update(feature(column, row).to_le_bytes()));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn feature(column: &ArrayRef, row: usize) -> f32 {
    match column.data_type() {
        DataType::Boolean => f32::from(u8::from(column.as_boolean().value(row))),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row) as f32,
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row) as f32,
        other => panic!("a feature of {other}"),
    }
}

/// pandas in a process of its own.
struct Pandas {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    digest: String,
}

impl Pandas {
    fn start(root: &Path) -> Self {
        let mut child = Command::new(root.join(".caz/venv/bin/python"))
            .arg(root.join("bench/features.py"))
            .envs([("OMP_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python with pandas in .caz/venv");
        let (requests, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, requests, answers, digest: String::new() }
    }

    fn ask(&mut self, rows: usize, batches: usize) -> Value {
        writeln!(self.requests, "{rows} {batches}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).expect("an answer of bench/features.py")
    }

    fn measure(&mut self, rows: usize, batches: usize) -> Measurement {
        let answer = self.ask(rows, batches);
        self.digest = answer["features_sha256"].as_str().unwrap().to_owned();
        let of = |key: &str| answer[key].as_f64().unwrap() / 1e3 / batches as f64;
        Measurement { wall_us: of("wall_ns"), cpu_us: of("cpu_ns") }
    }

    fn calibrate(&mut self, rows: usize) -> usize {
        let once = self.measure(rows, 3).wall_us;
        (MEASUREMENT.as_secs_f64() * 1e6 / once).ceil().max(3.0) as usize
    }

    /// Each node's share of the time at 256 rows a batch.
    fn nodes(&mut self) -> Vec<(String, f64)> {
        let spent = self.ask(256, 50)["nodes"].clone();
        let of: Vec<(String, f64)> = spent.as_object().unwrap().iter().map(|(node, ns)| (node.clone(), ns.as_f64().unwrap())).collect();
        let total: f64 = of.iter().map(|(_, ns)| ns).sum();
        of.into_iter().map(|(node, ns)| (node, ns / total)).collect()
    }
}

impl Drop for Pandas {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prints each node's share of the time, with the cost of reading the clock between the steps.
fn shares(graph: &mut Graph, spec: &GraphSpec, pandas: &[(String, f64)]) {
    graph.batches(256, 4_000).iter().for_each(|batch| graph.run::<true>(batch));
    let total: Duration = graph.spent.iter().sum();
    println!("| node | caz | pandas |\n|---|---|---|");
    for (node, spent) in spec.nodes.iter().zip(&graph.spent) {
        let share = spent.as_secs_f64() / total.as_secs_f64();
        let theirs = pandas.iter().find(|(name, _)| *name == node.id).map_or(0.0, |(_, share)| *share);
        println!("| {} | {:.1} % | {:.1} % |", node.id, share * 100.0, theirs * 100.0);
    }
}
