//! Fresh random graphs, run by pandas and by caz: the same rows, the same bits.
//!
//! pandas runs in `tests/golden/graphs.py`. A graph that differs is shrunk by leaving nodes out, and printed with its seed.
//! `make differential SEED=7 GRAPHS=5000` runs many; `cargo test` runs 200.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and tells its seed"
)]

mod harness;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use caz::model::ModelStore;
use harness::graph::{EVENTS, FieldOf, MODEL, NodeOf, PlannedGraph, models, plan, with_model};
use harness::{Values, read_column};
use serde_json::{Value, json};

/// How many graphs run unless the environment says otherwise.
const GRAPHS: usize = 200;

#[test]
fn random_graphs_give_the_answers_of_pandas() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let seed = number("CAZ_DIFFERENTIAL_SEED").unwrap_or(1);
    let graphs = number("CAZ_DIFFERENTIAL_GRAPHS").unwrap_or(GRAPHS);
    println!("seed {seed}");
    let mut differential = Differential { pandas: Pandas::start(), models: models(), seed, refused: BTreeMap::new() };
    let (mut failures, mut ran) = (Vec::new(), 0);
    for graph in 0..graphs {
        ran += 1;
        if let Some(difference) = differential.shrunk(graph) {
            println!("{difference}");
            failures.push(difference);
        }
        if failures.len() >= 40 {
            break;
        }
    }
    let refused: usize = differential.refused.values().sum();
    println!("{ran} graphs of seed {seed}, {} differ, {refused} nodes refused by the planner:", failures.len());
    differential.refused.iter().for_each(|(reason, count)| println!("  {count} {reason}"));
    assert!(failures.is_empty(), "{} of {ran} graphs differ from pandas\n\n{}", failures.len(), failures.join("\n\n"));
}

struct Differential {
    pandas: Pandas,
    models: ModelStore,
    seed: usize,
    /// What the planner said of nodes that it refused, with how often.
    refused: BTreeMap<String, usize>,
}

impl Differential {
    /// The difference of a graph, with as few nodes as show it; `None` where there is none.
    fn shrunk(&mut self, graph: usize) -> Option<String> {
        let mut dropped = BTreeSet::new();
        let mut difference = self.difference(graph, &mut dropped)?;
        let mut again = true;
        while again {
            again = false;
            for node in (0..16).rev().map(|index| format!("n{index}")) {
                let mut fewer = dropped.clone();
                if fewer.insert(node)
                    && let Some(smaller) = self.difference(graph, &mut fewer)
                {
                    (dropped, difference, again) = (fewer, smaller, true);
                }
            }
        }
        Some(difference)
    }

    /// What differs in a graph without some nodes; nodes that the planner refuses join `dropped`.
    fn difference(&mut self, graph: usize, dropped: &mut BTreeSet<String>) -> Option<String> {
        let (described, mut planned) = loop {
            let described = self.pandas.ask(&json!({"seed": self.seed, "graph": graph, "drop": dropped}));
            let count = described["nodes"].as_array().unwrap().len();
            if count == 0 {
                return None;
            }
            match self.plan(&described) {
                Ok(planned) => break (described, planned),
                Err(found) => {
                    let before = dropped.len();
                    for (node, message) in found {
                        let node = node.filter(|node| node != EVENTS && node != MODEL);
                        let message = format!("{}: {}", node.as_deref().unwrap_or("-"), message);
                        *self.refused.entry(without_names(&message)).or_default() += 1;
                        dropped.extend(node);
                    }
                    assert!(dropped.len() > before, "graph {graph} of seed {} is refused as a whole", self.seed);
                }
            }
        };
        let dtypes: BTreeMap<String, Value> = planned
            .plan
            .nodes()
            .iter()
            .map(|node| {
                (
                    node.id.clone(),
                    node.frame
                        .columns()
                        .iter()
                        .filter(|column| !column.name.starts_with("model_"))
                        .map(|column| (column.name.to_string(), Value::from(column.dtype())))
                        .collect(),
                )
            })
            .collect();
        let answer = self.pandas.ask(&json!({"dtypes": dtypes}));
        let problem = compare(&mut planned, &described, &answer)?;
        let nodes: Vec<String> = described["nodes"].as_array().unwrap().iter().map(Value::to_string).collect();
        Some(format!("seed {} graph {graph}: {problem}\n  {}\n  frozen {}", self.seed, nodes.join("\n  "), described["frozen"]))
    }

    fn plan(&self, described: &Value) -> Result<PlannedGraph, Vec<(Option<String>, String)>> {
        let field = |field: &Value| {
            let column = harness::CaseColumn { nullable: field["nullable"].as_bool().unwrap(), ..read_column(field) };
            FieldOf { avro: field["avro"].clone(), column }
        };
        let node = |node: &Value| NodeOf {
            id: node["id"].as_str().unwrap().to_owned(),
            type_name: "Pandas".into(),
            params: node["params"].clone(),
            parents: node["parents"].as_array().unwrap().iter().map(|parent| parent.as_str().unwrap().to_owned()).collect(),
        };
        let fields: Vec<FieldOf> = described["fields"].as_array().unwrap().iter().map(field).collect();
        let nodes = described["nodes"].as_array().unwrap().iter().map(node).collect();
        let rows = fields[0].column.values.len();
        let (fields, nodes) = with_model(fields, nodes, rows);
        plan(&fields, &nodes, &described["frozen"], &self.models)
    }
}

/// A message as a pattern, to count by.
fn without_names(message: &str) -> String {
    message
        .split('`')
        .enumerate()
        .map(|(index, part)| if index % 2 == 1 { "_" } else { part })
        .collect::<Vec<_>>()
        .join("`")
        .chars()
        .skip(4)
        .take(150)
        .collect()
}

/// The first difference between the two answers.
fn compare(planned: &mut PlannedGraph, described: &Value, answer: &Value) -> Option<String> {
    if let Some(odd) = answer["odd"].as_array().filter(|odd| !odd.is_empty()) {
        return Some(odd.iter().map(|line| line.as_str().unwrap_or("")).collect::<Vec<_>>().join("; "));
    }
    let rows = read_column(&described["fields"][0]).values.len();
    let ours = planned.run(0..rows);
    let listed = |key: &str| -> Vec<usize> { answer[key].as_array().unwrap().iter().map(|row| row.as_u64().unwrap() as usize).collect() };
    for (key, found) in [("rejected", &ours.rejected), ("skipped", &ours.skipped)] {
        let (found_rows, expected): (Vec<usize>, Vec<usize>) = (found.iter().map(|(row, _)| *row).collect(), listed(key));
        if found_rows != expected {
            return Some(format!("{key} {found:?}, pandas {expected:?}"));
        }
    }
    let kept = listed("kept");
    for (name, values) in &ours.columns {
        let Some(expected) = answer["columns"].as_array().unwrap().iter().find(|column| column["name"] == name.as_str()) else { continue };
        let expected = read_column(expected).values;
        for (at, row) in kept.iter().enumerate() {
            let (own, other) = (same_type(values, &expected).show(*row), same_type(&expected, values).show(at));
            if own != other {
                return Some(format!("column `{name}` row {row}: {own}, pandas has {other}"));
            }
        }
    }
    None
}

/// Integers as floats where the other side has floats: pandas' column of integers with nulls.
fn same_type(values: &Values, other: &Values) -> Values {
    match (values, other) {
        (Values::Int(ints), Values::Float64(_)) => Values::Float64(ints.iter().map(|value| *value as f64).collect()),
        _ => values.clone(),
    }
}

/// pandas in a process of its own.
struct Pandas {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Pandas {
    fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(root.join(".caz/venv/bin/python"))
            .arg(root.join("tests/golden/graphs.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python with pandas in .caz/venv: run `scripts/setup test`");
        let (requests, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, requests, answers }
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.requests, "{question}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("tests/golden/graphs.py failed at {question}"))
    }
}

impl Drop for Pandas {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
