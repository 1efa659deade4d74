//! The OneHotEncoder node against scikit-learn: `tests/golden/sklearn/one_hot_encoder.json`, written by `tests/golden/one_hot.py`.

use std::ops::Range;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::{Answer, Case, CaseColumn, Planned, Values};

#[test]
fn scikit_learn_answers_the_same() {
    let path = format!("{}/tests/golden/sklearn/one_hot_encoder.json", env!("CARGO_MANIFEST_DIR"));
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= 200);
    let failures: Vec<String> = cases
        .iter()
        .enumerate()
        .filter_map(|(at, case)| check(case).err().map(|why| format!("case {at}, {}: {why}", case["params"])))
        .collect();
    assert!(failures.is_empty(), "{} of {} differ\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn check(case: &Value) -> Result<(), String> {
    let mut case = case.clone();
    let frame = std::mem::replace(&mut case["input"], json!(0));
    let case = Case::read(&case, &[frame]);
    let mut planned = Planned::of("OneHotEncoder", &case)?;
    let expected: Vec<(String, String)> = case.output.iter().map(|column| (column.name.clone(), column.dtype.clone())).collect();
    if planned.columns != expected {
        return Err(format!("columns {:?}, scikit-learn has {expected:?}", planned.columns));
    }
    let whole = planned.run(&case, 0..case.rows);
    if whole.rejected != case.rejected {
        return Err(format!("rejects {:?}, scikit-learn raises on {:?}", whole.rejected, case.rejected));
    }
    let kept: Vec<usize> = (0..case.rows).filter(|row| !case.rejected.contains(row)).collect();
    for (column, expected) in whole.columns.iter().zip(&case.output) {
        for (at, row) in kept.iter().enumerate() {
            let (ours, theirs) = (column.show(*row), expected.values.show(at));
            if ours != theirs {
                return Err(format!("column `{}` row {row}: {ours}, scikit-learn has {theirs}", expected.name));
            }
        }
    }
    for size in [1, 5] {
        for start in (0..case.rows).step_by(size) {
            same_bits(&mut planned, &case, &whole, start..(start + size).min(case.rows));
        }
    }
    Ok(())
}

/// A part of the rows has the bits that it has among all.
pub(crate) fn same_bits(planned: &mut Planned, case: &Case, whole: &Answer, range: Range<usize>) {
    let part = planned.run(case, range.clone());
    let within: Vec<usize> = whole.rejected.iter().filter(|row| range.contains(row)).map(|row| row - range.start).collect();
    assert_eq!(part.rejected, within);
    for row in range.clone().filter(|row| !whole.rejected.contains(row)) {
        for ((one, all), (name, _)) in part.columns.iter().zip(&whole.columns).zip(&planned.columns) {
            assert_eq!(one.show(row - range.start), all.show(row), "column {name}, row {row} in {range:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_identical_bits(
        rows in vec((option::of("[ab]{0,2}"), any::<f64>(), -3_i64..3), 1..40),
        cuts in vec(any::<prop::sample::Index>(), 0..6),
        ignore in any::<bool>(),
    ) {
        let column = |name: &str, dtype: &str, nullable, values| CaseColumn { name: name.into(), dtype: dtype.into(), categories: None, nullable, values };
        let case = Case {
            params: json!({
                "features": ["brand", "price", "count"],
                "categories": {"brand": ["b", "a", "", null], "price": [0.0, 1.0, null]},
                "drop": ["a", 0.0, 2],
                "handle_unknown": if ignore { "ignore" } else { "error" },
            }),
            frozen: json!({"count": {"categories": [-3, -2, -1, 0, 1, 2]}}),
            rows: rows.len(),
            input: vec![
                column("brand", "object", true, Values::Text(rows.iter().map(|row| row.0.clone()).collect())),
                column("price", "float64", true, Values::Float64(rows.iter().map(|row| row.1).collect())),
                column("count", "int64", false, Values::Int(rows.iter().map(|row| row.2.into()).collect())),
            ],
            output: Vec::new(),
            rejected: Vec::new(),
            skipped: Vec::new(),
        };
        let mut planned = Planned::of("OneHotEncoder", &case).unwrap();
        let whole = planned.run(&case, 0..rows.len());
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(rows.len() + 1)).chain([0, rows.len()]).collect();
        ends.sort_unstable();
        ends.windows(2).for_each(|pair| same_bits(&mut planned, &case, &whole, pair[0]..pair[1]));
    }
}
