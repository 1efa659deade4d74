//! Expressions through the nodes that have them: FieldTrans, Processor, and the Pandas node's `assign`, `eval` and `query`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod harness;

use std::fmt::Write as _;
use std::ops::Range;

use harness::{Case, CaseColumn, Planned, Values, mistakes};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

fn column(name: &str, dtype: &str, nullable: bool, values: Values) -> CaseColumn {
    CaseColumn { name: name.into(), dtype: dtype.into(), categories: None, nullable, values }
}

/// One row: whole, fraction, flag, perhaps a flag, perhaps a text, a text, perhaps a time.
type Row = (i64, f64, bool, Option<bool>, Option<String>, String, Option<i64>);

fn case(params: Value, rows: &[Row]) -> Case {
    Case {
        params,
        frozen: json!({}),
        rows: rows.len(),
        input: vec![
            column("i", "int64", false, Values::Int(rows.iter().map(|row| row.0.into()).collect())),
            column("f", "float64", true, Values::Float64(rows.iter().map(|row| row.1).collect())),
            column("b", "bool", false, Values::Bool(rows.iter().map(|row| Some(row.2)).collect())),
            column("o", "bool", true, Values::Bool(rows.iter().map(|row| row.3).collect())),
            column("t", "object", true, Values::Text(rows.iter().map(|row| row.4.clone()).collect())),
            column("s", "object", false, Values::Text(rows.iter().map(|row| Some(row.5.clone())).collect())),
            column("w", "datetime64[ns, UTC]", true, Values::Time(rows.iter().map(|row| row.6).collect())),
            column("person.age", "float64", true, Values::Float64(rows.iter().map(|row| row.1 * 2.0).collect())),
            column("xdm:age", "int64", false, Values::Int(rows.iter().map(|row| row.0.into()).collect())),
        ],
        output: Vec::new(),
        rejected: Vec::new(),
        skipped: Vec::new(),
    }
}

fn rows() -> Vec<Row> {
    let text = |text: &str| Some(text.to_owned());
    vec![
        (1, 0.5, true, Some(true), text("vw"), "Graz".into(), Some(1_000_000_000)),
        (-7, f64::NAN, false, None, None, "Wien".into(), None),
        (0, -0.0, true, Some(false), text("A b"), String::new(), Some(-1)),
        (5, f64::INFINITY, false, Some(true), text(""), "Linz".into(), Some(86_400_000_000_000)),
    ]
}

/// What a node of a type makes of the rows, a line a row.
fn shown(type_name: &str, params: &Value) -> String {
    let case = case(params.clone(), &rows());
    let mut planned = Planned::of(type_name, &case).unwrap();
    let answer = planned.run(&case, 0..case.rows);
    let made = planned.columns.len() - case.input.len();
    let mut text = String::new();
    for (name, dtype) in planned.columns.iter().rev().take(made).rev() {
        let _ = write!(text, "{name}: {dtype}  ");
    }
    for row in 0..case.rows {
        let fate = match (answer.rejected.contains(&row), answer.skipped.contains(&row)) {
            (true, _) => " rejected",
            (_, true) => " skipped",
            _ => "",
        };
        let values: Vec<String> = answer.columns.iter().rev().take(made).rev().map(|column| column.show(row)).collect();
        let _ = write!(text, "\n  {}{fate}", values.join(", "));
    }
    text
}

#[test]
fn every_field_of_field_trans_sees_what_reached_the_node() {
    let params = json!({"fields": {"i": "i + 1", "twice": "i * 2", "age": "person.age / 2", "x": "`xdm:age`", "one": 1}});
    let case = case(params, &rows());
    let mut planned = Planned::of("FieldTrans", &case).unwrap();
    let answer = planned.run(&case, 0..case.rows);
    let names: Vec<&str> = planned.columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["i", "f", "b", "o", "t", "s", "w", "person.age", "xdm:age", "twice", "age", "x", "one"]);
    let shown = |name: &str| {
        let at = names.iter().position(|known| *known == name).unwrap();
        (0..case.rows).map(|row| answer.columns[at].show(row)).collect::<Vec<_>>()
    };
    assert_eq!(shown("i"), ["2", "-6", "1", "6"]);
    assert_eq!(shown("twice"), ["2", "-14", "0", "10"]);
    assert_eq!(shown("x"), ["1", "-7", "0", "5"]);
    assert_eq!(shown("one"), ["1"; 4]);
}

#[test]
fn a_processor_skips_or_rejects_what_does_not_stay() {
    let skips = case(json!({"where": "f >= 0 and t != 'A b'", "reason": "no price"}), &rows());
    let answer = Planned::of("Processor", &skips).unwrap().run(&skips, 0..4);
    assert_eq!((answer.rejected, answer.skipped), (vec![], vec![1, 2]));
    let rejects = case(json!({"where": "o", "otherwise": "reject", "reason": "no consent"}), &rows());
    let answer = Planned::of("Processor", &rejects).unwrap().run(&rejects, 0..4);
    assert_eq!((answer.rejected, answer.skipped), (vec![1, 2], vec![]));
}

/// A condition leaves columns without nulls: what follows may ask for that.
#[test]
fn what_a_query_says_of_nulls_holds_behind_it() {
    let after = |expr: &str| {
        let steps = json!({"steps": [
            {"import": "query", "kwargs": {"expr": expr}},
            {"import": "astype", "cols": "t", "kwargs": {"dtype": "str"}},
        ]});
        Planned::of("Pandas", &case(steps, &rows())).map(|_| ())
    };
    for told in ["t is not null", "notna(t) and b", "t == 'vw' & b", "t in ['vw']", "b and (i > 0 and t.notna() == true and t == s)"] {
        assert_eq!(after(told), Ok(()), "{told}");
    }
    for silent in
        ["t == ['vw', null]", "t != 'vw'", "t is not null or b", "not (t == 'vw')", "t in ['vw', null]", "t not in ['vw']", "t is null"]
    {
        assert!(after(silent).is_err(), "{silent}");
    }
}

#[test]
fn values_that_pandas_does_not_have() {
    let fields = [
        "o and b",
        "o | b",
        "if o then 1 else 0",
        "if t is null then 'none' else t",
        "if f is null then 0 else int(clip(f, -9, 9))",
        "t is null or int(float(len(t))) > 1",
        "coalesce(where(b, f, null), i)",
        "1 / 0",
        "0 // 0 is null",
        "60 * 60 * 24",
        "'a' + 'b'",
        "'a' < 'b'",
        "len('four')",
        "to_datetime('2024-02-29', '%Y-%m-%d')",
        "to_datetime('2024-02-29', '%Y-%m-%d', utc=true) > w",
        "min(2, 1)",
        "max(w, to_datetime('1970-01-01T12:00:00Z', 'ISO8601', utc=true))",
        "inf > f",
        "-(-9223372036854775808)",
        "f in [inf]",
        "null is null",
        "split_part('a', ',', 1)",
        "split_part('a', ',', 1) + s",
    ];
    let shown: Vec<String> =
        fields.iter().map(|field| format!("{field}\n{}", shown("FieldTrans", &json!({"fields": {"x": field}})))).collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn a_text_beside_a_time_is_a_time() {
    let of = |field: &str| shown("FieldTrans", &json!({"fields": {"x": field}}));
    let time = "to_datetime('1970-01-01T12:00:00Z', 'ISO8601', utc=true)";
    for name in ["min", "max"] {
        assert_eq!(of(&format!("{name}(w, '1970-01-01T12:00:00Z')")), of(&format!("{name}(w, {time})")), "{name}");
        assert_eq!(of(&format!("{name}('1970-01-01T12:00', w, w)")), of(&format!("{name}(w, {time})")), "{name}");
    }
    let refused = mistakes("FieldTrans", "params: {fields: {x: \"max(w, 'noon')\"}}", &case(json!({}), &rows()));
    assert!(refused.contains("'noon' is no ISO 8601 time that the column could hold"), "{refused}");
}

/// In a column of numbers NaN is null, however it is spelled; and a text that spells it is none.
#[test]
fn nan_fills_no_nulls_and_no_text_does() {
    let refused = |type_name: &str, params: Value, message: &str| match Planned::of(type_name, &case(params.clone(), &rows())) {
        Ok(_) => panic!("{params} is planned"),
        Err(found) => assert!(found.contains(message), "{params}: {found}"),
    };
    let null = "null cannot fill nulls";
    refused("Pandas", json!({"import": "fillna", "cols": "f", "kwargs": {"value": "nan"}}), null);
    refused("FieldOps", json!({"default": {"f": "nan"}}), null);
    for field in ["fillna(f, nan)", "f.fillna(nan)", "fillna(t, nan)"] {
        refused("FieldTrans", json!({"fields": {"x": field}}), null);
    }
    for field in ["if b then f else 'nan'", "if b then 'nan' else i", "coalesce(f, 'nan')"] {
        refused("FieldTrans", json!({"fields": {"x": field}}), "it holds numbers, and 'nan' is text");
    }
    // Text has a word for it.
    let filled = shown("FieldTrans", &json!({"fields": {"x": "coalesce(t, 'nan')"}}));
    assert!(filled.contains("Some(\"nan\")"), "{filled}");
}

/// pandas: `-s` of uint8 [1, 0, 0, 5] is [255, 0, 0, 251].
#[test]
fn the_sign_of_an_unsigned_integer_wraps() {
    let shown = shown("FieldTrans", &json!({"fields": {"x": "-astype(clip(i, 0, 9), 'uint8')"}}));
    assert_eq!(shown, "x: uint8  \n  255\n  0\n  0\n  251");
}

/// What stands between two comparisons belongs to both; a chain of chains would tell its mistake 4,096 times.
#[test]
fn a_mistake_between_two_comparisons_is_told_once() {
    let nested = (0..12).fold("0 < aeg <= 120".to_owned(), |inner, _| format!("0 < ({inner}) < 1"));
    for text in ["0 < aeg <= 120", nested.as_str()] {
        let found = Planned::of("FieldTrans", &case(json!({"fields": {"x": text}}), &rows())).map(|_| ()).unwrap_err();
        assert_eq!(found.matches("reads column `aeg`").count(), 1, "{found}");
    }
}

/// Equal parts are computed once, a column that is not named costs nothing.
#[test]
fn equal_parts_share_their_steps() {
    let steps = |fields: Value| {
        let (with, without) = (case(json!({"fields": fields}), &rows()), case(json!({"fields": {}}), &rows()));
        Planned::of("FieldTrans", &with).unwrap().steps() - Planned::of("FieldTrans", &without).unwrap().steps()
    };
    assert_eq!(steps(json!({"x": "i + 1"})), 1);
    assert_eq!(steps(json!({"x": "i + 1", "y": "i+1"})), 1);
    assert_eq!(steps(json!({"x": "i + 1 - 2", "y": "(i + 1) * 3"})), 3);
    assert_eq!(steps(json!({"x": "lower(s) == 'graz'", "y": "s.str.lower()", "z": "s.str.lower() != 'wien'"})), 4);
    assert_eq!(steps(json!({"x": "i * (60 * 60 * 24)"})), 1);
    assert_eq!(steps(json!({"x": "s"})), 0);
}

#[test]
fn long_chains_and_deep_nests_are_planned() {
    for text in [format!("i{}", " + i".repeat(2000)), format!("b{}", " or b".repeat(1600)), format!("0{}", " < i".repeat(2000))] {
        Planned::of("FieldTrans", &case(json!({"fields": {"x": text}}), &rows())).unwrap();
    }
    let deep = (0..15).fold("i".to_owned(), |inner, _| format!("abs(if b then ({inner} + 1) * 2 else -1)"));
    Planned::of("FieldTrans", &case(json!({"fields": {"x": deep}}), &rows())).unwrap();
}

/// Every message, with the place that it marks.
#[test]
fn every_mistake_is_marked() {
    let expressions = [
        "",
        "1 +",
        "(i",
        "i)",
        "i = 1",
        "i 1",
        "a..b",
        "i + ",
        "i + 'x'",
        "s * 2",
        "s - t",
        "aeg + 1",
        "person.ages",
        "w.dt.hoour",
        "lowre(s)",
        "lower(i)",
        "lower()",
        "lower(s, 1)",
        "round(f, decimals=1, decimals=2)",
        "round(f, digits=1)",
        "round(f, 'x')",
        "round(f, i)",
        "contains(s, '(?=a)')",
        "extract(s, '(a)(b)')",
        "extract(s, 'a')",
        "split_part(s, ',')",
        "split_part(s, ',', 99)",
        "i in s",
        "i in [i]",
        "[1, 2]",
        "i < [1, 2]",
        "i == null",
        "i is 1",
        "t < 'm'",
        "s < 1",
        "w > 'x'",
        "f == 'nan'",
        "not i",
        "~i",
        "not o",
        "-b",
        "-s",
        "i and b",
        "b | 'x'",
        "if i then 1 else 2",
        "if b then 1 else 'x'",
        "if b then s else i",
        "if b then null else null",
        "null",
        "where(b, 1)",
        "min(i)",
        "max(i, s)",
        "max(b, i)",
        "coalesce(i)",
        "coalesce(t, 0)",
        "str(t)",
        "int('x')",
        "int(w) + int(s) + foo + bar(1)",
        "astype(f, 'complex')",
        "to_datetime(s, '%Q')",
        "@i > 0",
        "i ^ 2",
        "!b",
        "b ? 1 : 2",
        "'open",
        "`open",
        "007",
        "1x",
        "99999999999999999999",
        "1e999",
        "'\\x1'",
        "i if b else f",
        "in",
        "i ** -1",
        "i.apply(1)",
        "s.str.lowwer()",
    ]; // as a user would write them
    let yaml = expressions.iter().enumerate().fold("params:\n  fields:\n".to_owned(), |yaml, (at, text)| {
        format!("{yaml}    x{at}: {}\n", if text.contains(['\'', '\\']) { json!(text).to_string() } else { format!("'{text}'") })
    });
    insta::assert_snapshot!(mistakes("FieldTrans", &yaml, &case(json!({}), &rows())));
}

#[test]
fn places_are_found_in_every_way_of_writing() {
    let yamls = [
        ("Pandas", "params:\n  import: eval\n  kwargs:\n    expr: |\n      x = i + 1\n      y = x + aeg\n\n      1 + 1\n      z = y +\n"),
        ("Pandas", "params: {import: eval, kwargs: {expr: ' '}}"),
        ("Pandas", "params: {import: assign, kwargs: {x: aeg * 2, y: x + 1, z: 'x + foo'}}"),
        ("Pandas", "params: {import: assign, kwargs: {x: [1]}}"),
        ("Pandas", "params:\n  import: query\n  kwargs: {expr: \"i > 0 and\\u0020aeg > 1\"}"),
        ("Pandas", "params:\n  import: query\n  kwargs:\n    expr: >\n      i > 0\n      and aeg > 1\n"),
        ("Processor", "params: {where: i + 1, reason: none}"),
        ("Processor", "params: {where: i > 1}"),
        ("Processor", "params: {where: i > 1, otherwise: drop, reason: none}"),
        ("FieldTrans", "params: {}"),
        ("FieldTrans", "params: {fields: {x: null, y: {a: 1}}}"),
    ];
    let found: Vec<String> = yamls.iter().map(|(node, yaml)| mistakes(node, yaml, &case(json!({}), &rows()))).collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn every_function_has_its_line_in_the_reference() {
    let page = caz::nodes::expression_reference();
    for line in ["| `lower(x)` | `x.str.lower()` | Lower case", "| `int(x)` | `x.astype(dtype='int')` |", "| `coalesce(x, y, ...)` | |"] {
        assert!(page.contains(line), "{line}");
    }
    let written = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/expressions.md")).unwrap_or_default();
    assert!(written == page, "docs/expressions.md is not what the program says: `make docs` writes it");
}

/// Random well-typed expressions; each strategy makes one type.
fn number() -> BoxedStrategy<String> {
    let leaf = proptest::sample::select(&["i", "f", "person.age", "`xdm:age`", "3", "-0.5", "len(s)", "hour(w)", "w.dt.dayofyear"][..]);
    let leaf = leaf.prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operator = proptest::sample::select(&["+", "-", "*", "/", "//", "%"][..]);
        let function =
            proptest::sample::select(&["abs", "log1p", "exp", "sqrt", "floor", "round", "float", "-", "fillna(0).abs", "int"][..]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(one, operator, other)| format!("({one} {operator} {other})")),
            (function, inner.clone()).prop_map(|(function, inner)| match function.split_once(").") {
                Some(_) => format!("({inner}).fillna(0).abs()"),
                None => format!("{function}({inner})"),
            }),
            (condition_of(inner.clone()), inner.clone(), inner.clone())
                .prop_map(|(condition, one, other)| format!("(if {condition} then {one} else {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("coalesce({one}, {other}, 0)")),
            (inner.clone(), inner).prop_map(|(one, other)| format!("max(float({one}), float({other}))")),
        ]
    })
    .boxed()
}

fn condition_of(number: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = String> {
    let relation = proptest::sample::select(&["<", "<=", "==", "!=", ">"][..]);
    let plain = &["b", "o", "not b", "t == 'vw'", "t in ['vw', null]", "contains(t, 'a')", "s == t", "w is null", "lower(s) < 'm'"][..];
    let compared = (number.clone(), relation, number).prop_map(|(one, relation, other)| format!("{one} {relation} {other}"));
    let one = prop_oneof![proptest::sample::select(plain).prop_map(str::to_owned), compared];
    (one.clone(), proptest::sample::select(&["and", "or", "&", "|"][..]), one)
        .prop_map(|(one, joined, other)| format!("{one} {joined} {other}"))
}

fn text() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(&["t", "s", "'x'", "str(i)"][..]).prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 2, |inner| {
        let function = proptest::sample::select(&["lower", "upper", "strip", "coalesce"][..]);
        prop_oneof![
            (function, inner.clone()).prop_map(|(function, inner)| match function {
                "coalesce" => format!("coalesce({inner}, 'none')"),
                _ => format!("{function}({inner})"),
            }),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} + {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("(if b then {one} else {other})")),
            inner.clone().prop_map(|inner| format!("replace({inner}, 'a', 'é')")),
            inner.prop_map(|inner| format!("split_part({inner}, 'a', 1)")),
        ]
    })
}

fn row() -> impl Strategy<Value = Row> {
    let whole = prop_oneof![-9..10_i64, any::<i64>()];
    let fraction = prop_oneof![-10.0..10.0_f64, any::<f64>(), Just(f64::NAN), Just(0.0), Just(-0.0), Just(f64::INFINITY)];
    let letters = || prop_oneof![Just("vw".to_owned()), Just(String::new()), "\\PC{0,6}"];
    (whole, fraction, any::<bool>(), option::of(any::<bool>()), option::of(letters()), letters(), option::of(-1_i64 << 60..1 << 60))
}

/// Ranges that cover `rows` rows, cut at `cuts`.
fn split(rows: usize, cuts: &[prop::sample::Index]) -> Vec<Range<usize>> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(rows + 1)).chain([0, rows]).collect();
    ends.sort_unstable();
    ends.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_identical_bits(
        (number, condition, text) in (number(), condition_of(number()), text()),
        rows in vec(row(), 1..30),
        cuts in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let fields = json!({"x": number, "y": condition, "z": text});
        let case = case(json!({"fields": fields}), &rows);
        let mut planned = Planned::of("FieldTrans", &case).map_err(|found| match found.contains("nothing stands in a relation to null") {
            // A part without columns, such as sqrt(-0.5), that is NaN: no expression that anybody means.
            true => TestCaseError::reject("a constant is NaN"),
            false => TestCaseError::fail(format!("{fields}: {found}")),
        })?;
        let whole = planned.run(&case, 0..rows.len());
        for range in split(rows.len(), &cuts) {
            let part = planned.run(&case, range.clone());
            let within = |all: &[usize]| all.iter().filter(|row| range.contains(row)).map(|row| row - range.start).collect::<Vec<_>>();
            prop_assert_eq!(&part.rejected, &within(&whole.rejected));
            for row in range.clone().filter(|row| !whole.rejected.contains(row)) {
                for ((one, all), (name, _)) in part.columns.iter().zip(&whole.columns).zip(&planned.columns) {
                    prop_assert_eq!(one.show(row - range.start), all.show(row), "column {} of {}", name, fields);
                }
            }
        }
    }
}
