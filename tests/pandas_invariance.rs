//! A row's values never depend on which rows share its batch: random rows, random splits, the same bits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod harness;

use std::ops::Range;

use harness::{Case, CaseColumn, Planned, Values};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Steps that touch every operation whose kernel looks at more than one row at a time, or keeps memory between batches.
fn steps() -> Value {
    json!({"steps": [
        {"import": "to_datetime", "cols": "when", "kwargs": {"utc": true, "errors": "coerce", "format": "ISO8601"}},
        {"import": "dt.hour", "cols": "when", "into": "hour"},
        {"import": "dt.dayofweek", "cols": "when", "into": "dayofweek"},
        {"import": "str.upper", "cols": "brand", "into": "upper"},
        {"import": "str.strip", "cols": "brand", "into": "stripped"},
        {"import": "str.len", "cols": "brand", "into": "length"},
        {"import": "str.extract", "cols": "brand", "into": ["first", "rest"], "kwargs": {"pat": "(\\w)(.*)"}},
        {"import": "str.split", "cols": "brand", "into": ["left", "right"], "kwargs": {"pat": "a", "n": 1, "expand": true}},
        {"import": "str.replace", "cols": "brand", "into": "replaced", "kwargs": {"pat": "[a-z]*", "repl": "<\\g<0>>", "regex": true}},
        {"import": "fillna", "cols": "brand", "kwargs": {"value": "notgiven"}},
        {"import": "str.lower", "cols": "brand"},
        {"import": "map", "cols": "brand", "into": "group", "kwargs": {"arg": {"vw": "volkswagen", "bmw": "bmw"}, "default": "Others"}},
        {"import": "map", "cols": "brand", "into": "number", "kwargs": {"arg": {"vw": 1, "bmw": 2}}},
        {"import": "replace", "cols": "brand", "into": "other", "kwargs": {"to_replace": {"vw": "x", "": null}}},
        {"import": "isna", "cols": "number", "into": "unmapped"},
        {"import": "where", "cols": "price", "into": "kept", "kwargs": {"cond": {"column": "unmapped"}, "other": -1}},
        {"import": "clip", "cols": "price", "into": "clipped", "kwargs": {"lower": 0, "upper": 1000}},
        {"import": "round", "cols": "price", "into": "rounded", "kwargs": {"decimals": 2}},
        {"import": "log1p", "cols": "price", "into": "logarithm"},
        {"import": "exp", "cols": "price", "into": "exponential"},
        {"import": "pow", "cols": "price", "into": "power", "kwargs": {"other": 1.7}},
        {"import": "floordiv", "cols": "count", "into": "quotient", "kwargs": {"other": {"column": "price"}}},
        {"import": "mod", "cols": "count", "into": "left_over", "kwargs": {"other": 7}},
        {"import": "cut", "cols": "price", "into": "bucket", "kwargs": {"bins": ["-inf", 0, 10.5, "inf"], "labels": ["low", "mid", "high"]}},
        {"import": "astype", "cols": "price", "into": "whole", "kwargs": {"dtype": "int32"}},
        {"import": "astype", "cols": "price", "into": "spelled", "kwargs": {"dtype": "str"}},
        {"import": "dropna", "kwargs": {"subset": ["when", "logarithm"], "how": "all"}},
        {"import": "get_dummies", "kwargs": {"columns": ["bucket", "group", "hour"], "dummy_na": true}}
    ]})
}

fn frozen() -> Value {
    let hours: Vec<i64> = (0..24).collect();
    json!({"group": {"categories": ["Others", "bmw", "volkswagen"]}, "hour": {"categories": hours}})
}

/// One event: brand, price, count, time.
type Row = (Option<String>, f64, i64, Option<String>);

fn row() -> impl Strategy<Value = Row> {
    let brand = prop_oneof![
        Just("vw".to_owned()),
        Just("BMW".to_owned()),
        Just(String::new()),
        Just("ΑΣ".to_owned()),
        Just("İ".to_owned()),
        "\\PC{0,8}",
    ];
    let price = prop_oneof![-1e4..1e4, any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0), Just(10.5),];
    let count = prop_oneof![-20_i64..20, any::<i64>(), Just(i64::MIN)];
    let time = prop_oneof![
        (1900..2200, 1..13, 1..32, 0..25).prop_map(|(year, month, day, hour)| format!("{year}-{month:02}-{day:02}T{hour:02}:30:00Z")),
        Just("2020-01-02T03:04:05.123456789+05:30".to_owned()),
        Just("no time".to_owned()),
    ];
    (option::of(brand), price, count, option::of(time))
}

/// The rows as a case; types and nullability are the schema's, whatever these rows hold.
fn case(rows: &[Row]) -> Case {
    let column = |name: &str, dtype: &str, values: Values| CaseColumn {
        name: name.into(),
        dtype: dtype.into(),
        categories: None,
        nullable: true,
        values,
    };
    Case {
        params: steps(),
        frozen: frozen(),
        rows: rows.len(),
        input: vec![
            column("brand", "object", Values::Text(rows.iter().map(|row| row.0.clone()).collect())),
            column("price", "float64", Values::Float64(rows.iter().map(|row| row.1).collect())),
            CaseColumn { nullable: false, ..column("count", "int64", Values::Int(rows.iter().map(|row| row.2.into()).collect())) },
            column("when", "object", Values::Text(rows.iter().map(|row| row.3.clone()).collect())),
        ],
        output: Vec::new(),
        rejected: Vec::new(),
        skipped: Vec::new(),
    }
}

/// Ranges that cover `rows` rows, cut at `cuts`.
fn split(rows: usize, cuts: &[prop::sample::Index]) -> Vec<Range<usize>> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(rows + 1)).chain([0, rows]).collect();
    ends.sort_unstable();
    ends.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_identical_bits(rows in vec(row(), 1..40), cuts in vec(any::<prop::sample::Index>(), 0..6)) {
        let case = case(&rows);
        let mut planned = Planned::new(&case).unwrap();
        let whole = planned.run(&case, 0..rows.len());
        for range in split(rows.len(), &cuts) {
            let part = planned.run(&case, range.clone());
            let within = |all: &[usize]| all.iter().filter(|row| range.contains(row)).map(|row| row - range.start).collect::<Vec<_>>();
            prop_assert_eq!(&part.rejected, &within(&whole.rejected));
            prop_assert_eq!(&part.skipped, &within(&whole.skipped));
            for row in range.clone().filter(|row| !whole.rejected.contains(row) && !whole.skipped.contains(row)) {
                for ((one, all), (name, _)) in part.columns.iter().zip(&whole.columns).zip(&planned.columns) {
                    prop_assert_eq!(one.show(row - range.start), all.show(row), "column {}", name);
                }
            }
        }
    }
}
