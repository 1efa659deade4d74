//! What fitting costs in memory: a test that has its process to itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is a failed test")]

use std::fmt::Write as _;

use caz::fit::{Options, fit};
use caz::stream::Assembly;

const PIPELINE: &str = "
name: p
input: {topic: in, group: g, format: json, schema: rows.avsc}
output: {topic: out}
dead_letters: {topic: dead}
kafka: {bootstrap.servers: 'none:9092'}
graph:
  nodes:
    - {id: event, type: JsonToDataframe}
    - {id: mean, type: Pandas, params: {import: fillna, cols: x, kwargs: {value: {frozen: mean}}}}
    - {id: cut, type: Pandas, params: {import: qcut, cols: y, kwargs: {q: 4}}}
    - {id: top, type: Pandas, params: {import: top_k, cols: t, kwargs: {k: 5, others: rest}}}
    - {id: model, type: ONNXNode, params: {model_id: none, features: [x]}}
  edges: [[event, mean], [mean, cut], [cut, top], [top, model]]
";
const SCHEMA: &str = r#"{"type": "record", "name": "Row", "fields": [{"name": "x", "type": ["null", "double"]},
    {"name": "y", "type": ["null", "double"]}, {"name": "t", "type": "string"}]}"#;

#[test]
fn values_that_do_not_fit_in_memory_go_to_files() {
    const ROWS: u64 = 120_000;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // Every value is another one.
    let mut rows = String::from("x,y,t\n");
    for row in 0..ROWS {
        let mixed = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        writeln!(rows, "{}.5,{}.25,{mixed:064x}-{mixed:064x}", mixed >> 40, mixed >> 20).unwrap();
    }
    std::fs::write(path("rows.csv"), rows).unwrap();
    std::fs::write(path("p.yaml"), PIPELINE).unwrap();
    std::fs::write(path("rows.avsc"), SCHEMA).unwrap();
    let assembly = Assembly::load_to_fit(&path("p.yaml")).unwrap_or_else(|found| panic!("{}", found.render(false)));
    let fit_in = |memory_bytes: usize| {
        let before = peak_bytes();
        let options = Options { memory_bytes, ..Options::default() };
        let fitted = fit(&assembly, &path("rows.csv"), options, &mut |_| {}).unwrap();
        (fitted.frozen, peak_bytes() - before)
    };
    // The buffers of a batch are there from here on.
    drop(fit_in(256 << 10));
    let (little, grown) = fit_in(3 << 20);
    let (all, unbounded) = fit_in(256 << 20);
    assert_eq!(little, all);
    assert!(grown < 8 << 20, "{grown} bytes more where 3 MiB are allowed");
    assert!(unbounded > 24 << 20, "{unbounded} bytes more without a bound: the test shows nothing");
}

/// The most memory that the process had at once.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
