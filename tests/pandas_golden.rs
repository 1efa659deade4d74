//! The Pandas node against what pandas itself answers: `tests/golden/pandas/*.json`, written by `tests/golden/generate.py`.
//!
//! Every call is planned as a graph plans it and run on all rows at once, row by row, and in odd pieces: the same bits each time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod harness;

use harness::{Case, Planned, Values};
use serde_json::Value;

fn check(file: &str) {
    let path = format!("{}/tests/golden/pandas/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(golden["pandas"], "2.2.3");
    let mut failures = Vec::new();
    let (cases, frames) = (golden["cases"].as_array().unwrap(), golden["frames"].as_array().unwrap());
    for (index, case) in cases.iter().enumerate() {
        let case = Case::read(case, frames);
        if let Err(failure) = check_case(&case) {
            failures.push(format!("case {index}, {}: {failure}", case.params));
        }
    }
    assert!(failures.is_empty(), "{} of {} calls differ from pandas\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn check_case(case: &Case) -> Result<(), String> {
    let mut planned = Planned::new(case)?;
    let types: Vec<(&str, &str)> = planned.columns.iter().map(|(name, dtype)| (name.as_str(), dtype.as_str())).collect();
    let expected: Vec<(&str, &str)> = case.output.iter().map(|column| (column.name.as_str(), column.dtype.as_str())).collect();
    if types != expected {
        return Err(format!("columns {types:?}, pandas has {expected:?}"));
    }
    let whole = planned.run(case, 0..case.rows);
    let out: Vec<usize> = (0..case.rows).filter(|row| whole.rejected.contains(row) || whole.skipped.contains(row)).collect();
    if (&whole.rejected, &whole.skipped) != (&case.rejected, &case.skipped) {
        return Err(format!(
            "rejects rows {:?} and skips {:?}; pandas raises on {:?} and drops {:?}{}",
            whole.rejected,
            whole.skipped,
            case.rejected,
            case.skipped,
            show_rows(case, whole.rejected.iter().chain(&case.rejected)),
        ));
    }
    let kept: Vec<usize> = (0..case.rows).filter(|row| !out.contains(row)).collect();
    for (column, expected) in whole.columns.iter().zip(&case.output) {
        for (at, row) in kept.iter().enumerate() {
            let (ours, theirs) = (column.show(*row), expected.values.show(at));
            if ours != theirs {
                return Err(format!(
                    "column `{}` row {row}: {ours}, pandas has {theirs}{}",
                    expected.name,
                    show_rows(case, [row].into_iter())
                ));
            }
        }
    }
    for size in [1, 3, 7] {
        let mut start = 0;
        while start < case.rows {
            let end = (start + size).min(case.rows);
            let part = planned.run(case, start..end);
            for (one, all) in part.columns.iter().zip(&whole.columns) {
                for row in (start..end).filter(|row| !out.contains(row)) {
                    let (one, all) = (one.show(row - start), all.show(row));
                    assert_eq!(one, all, "row {row} in a batch of {size} differs from all at once: {}", case.params);
                }
            }
            start = end;
        }
    }
    Ok(())
}

fn show_rows<'a>(case: &Case, rows: impl Iterator<Item = &'a usize>) -> String {
    let row = |row: &usize| {
        let values: Vec<String> = case.input.iter().map(|column| column.values.show(*row)).collect();
        format!("\n      row {row}: {}", values.join(", "))
    };
    rows.take(12).map(row).collect()
}

/// One test for each file of cases, so that a failure names its family.
macro_rules! families {
    ($($family:ident)*) => {
        $(#[test] fn $family() { check(stringify!($family)); })*
    };
}

families! {
    fillna map to_datetime dt astype cut get_dummies text
    missing compare arithmetic math condition replace columns text_match to_numeric expressions
}

/// The mathematics library of the machine decides the last bits of these, here and in NumPy.
#[test]
fn transcendental_within_two_ulps() {
    let path = format!("{}/tests/golden/pandas/transcendental.json", env!("CARGO_MANIFEST_DIR"));
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let frames = golden["frames"].as_array().unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let case = Case::read(case, frames);
        let mut planned = Planned::new(&case).unwrap();
        let answer = planned.run(&case, 0..case.rows);
        let (ours, theirs) = (answer.columns.last().unwrap(), &case.output.last().unwrap().values);
        let mut differing = 0;
        for row in 0..case.rows {
            if ours.show(row) != theirs.show(row) {
                differing += 1;
                let distance = ours.ulps(row, theirs, row);
                let (own, other) = (ours.show(row), theirs.show(row));
                assert!(distance.is_some_and(|distance| distance <= 2), "{} row {row}: {own} and {other}", case.params);
            }
        }
        assert!(differing * 5 <= case.rows, "{}: {differing} of {} differ", case.params, case.rows);
    }
}

#[test]
fn values_show_their_bits() {
    assert_ne!(Values::Float64(vec![0.0]).show(0), Values::Float64(vec![-0.0]).show(0));
}
