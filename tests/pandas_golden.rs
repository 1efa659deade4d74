//! The Pandas node against what pandas itself answers: `tests/golden/pandas/*.json.gz`, written by `tests/golden/generate.py`.
//!
//! Every call is planned as a graph plans it and run on all rows at once, row by row, and in odd pieces: the same bits each time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod harness;

use std::collections::BTreeMap;

use harness::{Case, CaseColumn, FAMILIES, Planned, Values, read_golden};
use serde_json::json;

/// How many calls of each operation there are at least.
const CALLS: usize = 200;

fn check(family: &str) {
    let golden = read_golden(family);
    // The last bits of these are those of the C library that answered.
    let allowed_ulps = if family == "transcendental" && golden["libc"] != libc() { 2 } else { 0 };
    let mut failures = Vec::new();
    let (cases, frames) = (golden["cases"].as_array().unwrap(), golden["frames"].as_array().unwrap());
    for (index, case) in cases.iter().enumerate() {
        let case = Case::read(case, frames);
        if let Err(failure) = check_case(&case, allowed_ulps) {
            failures.push(format!("case {index}, {}: {failure}", case.params));
        }
    }
    assert!(failures.is_empty(), "{} of {} calls differ from pandas\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// Such as `glibc 2.36`.
fn libc() -> String {
    let answer = std::process::Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    answer.map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned()).unwrap_or_default()
}

fn check_case(case: &Case, allowed_ulps: u64) -> Result<(), String> {
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
            let near = allowed_ulps > 0 && column.ulps(*row, &expected.values, at).is_some_and(|ulps| ulps <= allowed_ulps);
            if ours != theirs && !near {
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
        #[test]
        fn every_family_has_a_test() {
            let mut tests = [$(stringify!($family)),*];
            let mut families = FAMILIES;
            tests.sort_unstable();
            families.sort_unstable();
            assert_eq!(tests, families);
        }
        $(#[test] fn $family() { check(stringify!($family)); })*
    };
}

families! {
    fillna map to_datetime dt astype cut get_dummies text
    missing compare arithmetic math transcendental condition replace columns text_match to_numeric expressions
}

#[test]
fn every_operation_has_its_calls() {
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    for family in FAMILIES {
        for case in read_golden(family)["cases"].as_array().unwrap() {
            *calls.entry(case["params"]["import"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    // Operations whose answers are frozen are compared in tests/fit_golden.rs.
    for case in read_golden("fitted")["cases"].as_array().unwrap() {
        *calls.entry(case["params"]["import"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let of = |name: &str| calls.get(name).copied().unwrap_or(0);
    let few: Vec<String> = caz::nodes::operation_pages()
        .filter(|page| of(page.name) < CALLS)
        .map(|page| format!("{} has {}", page.name, of(page.name)))
        .collect();
    assert!(few.is_empty(), "operations with fewer than {CALLS} calls: {}", few.join(", "));
}

#[test]
fn values_show_their_bits() {
    assert_ne!(Values::Float64(vec![0.0]).show(0), Values::Float64(vec![-0.0]).show(0));
}

/// pandas makes -2^63 of it. caz rejects the row, as for a null float, and only where the value counts.
#[test]
fn a_null_time_is_no_integer() {
    let case = |params| Case {
        params,
        frozen: json!({}),
        rows: 2,
        input: vec![CaseColumn {
            name: "x".into(),
            dtype: "datetime64[ns, UTC]".into(),
            categories: None,
            nullable: true,
            values: Values::Time(vec![Some(5), None]),
        }],
        output: Vec::new(),
        rejected: Vec::new(),
        skipped: Vec::new(),
    };
    let call = case(json!({"import": "astype", "cols": "x", "kwargs": {"dtype": "int64"}}));
    let answer = Planned::new(&call).unwrap().run(&call, 0..2);
    assert_eq!((answer.columns[0].show(0), answer.rejected), ("5".to_owned(), vec![1]));
    let expression = case(json!({"fields": {"y": "if x is null then -1 else int(x)"}}));
    let answer = Planned::of("FieldTrans", &expression).unwrap().run(&expression, 0..2);
    assert_eq!((answer.columns[1].show(0), answer.columns[1].show(1), answer.rejected), ("5".to_owned(), "-1".to_owned(), vec![]));
}
