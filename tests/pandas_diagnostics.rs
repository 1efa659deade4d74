//! What the Pandas node says of mistakes: every message a user can see, whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod harness;

use std::collections::BTreeSet;

use harness::{Case, CaseColumn, Planned, Values};
use serde_json::{Value, json};

fn mistakes(params: &Value) -> String {
    let column = |name: &str, dtype: &str, nullable, values| CaseColumn {
        name: name.into(),
        dtype: dtype.into(),
        categories: None,
        nullable,
        values,
    };
    let case = Case {
        params: params.clone(),
        frozen: json!({}),
        rows: 0,
        input: vec![
            column("age", "float64", true, Values::Float64(vec![])),
            column("carbrand", "object", true, Values::Text(vec![])),
            column("count", "int64", false, Values::Int(vec![])),
            column("when", "datetime64[ns, UTC]", true, Values::Time(vec![])),
        ],
        output: Vec::new(),
        rejected: Vec::new(),
        skipped: Vec::new(),
    };
    match Planned::new(&case) {
        Ok(_) => format!("{params}\n  no mistake\n"),
        Err(mistakes) => format!("{params}\n  {}\n", mistakes.replace("; ", "\n  ")),
    }
}

#[test]
fn every_mistake_is_named() {
    let calls = [
        json!({"import": "fillan", "cols": "age", "kwargs": {"value": 0}}),
        json!({"import": "groupby", "cols": "age"}),
        json!({"import": "apply"}),
        json!({"import": "ffill"}),
        json!({"import": "assign", "kwargs": {"older": "agee + 1"}}),
        json!({"import": "qcut", "cols": "age"}),
        json!({"cols": "age"}),
        json!({"import": "isna", "steps": [{"import": "isna"}]}),
        json!({"import": "dt.hour"}),
        json!({"import": "dt.hour", "cols": "carbrand"}),
        json!({"import": "dt.hour", "cols": ["when"], "into": ["a", "b"]}),
        json!({"import": "drop", "into": "x", "kwargs": {"columns": ["age"]}}),
        json!({"import": "drop", "kwargs": {"columns": ["agee", "carbrant"]}}),
        json!({"import": "drop", "kwargs": {"labels": ["age"]}}),
        json!({"import": "fillna", "cols": "carbrand", "kwargs": {"value": 0}}),
        json!({"import": "fillna", "cols": "age", "kwargs": {"value": {"frozen": "median"}}}),
        json!({"import": "fillna", "cols": "age", "kwargs": {"value": 0, "method": "ffill"}}),
        json!({"import": "fillna", "kwargs": {"value": {"agee": 0, "carbrand": 1}}}),
        json!({"import": "map", "cols": "age", "kwargs": {"arg": {"old": 1}}}),
        json!({"import": "map", "cols": "carbrand", "kwargs": {"arg": {"vw": 1, "bmw": "two"}}}),
        json!({"import": "map", "cols": "carbrand", "kwargs": {"arg": {"vw": 1}, "na_action": 1}}),
        json!({"kwargs": {"subset": ["age"]}, "steps": [{"import": "dropna"}]}),
        json!({"import": "to_datetime", "cols": "carbrand", "kwargs": {"format": "%Y-%Q"}}),
        json!({"import": "to_datetime", "cols": "carbrand", "kwargs": {"unit": "s"}}),
        json!({"import": "where", "cols": ["age", "count"], "kwargs": {"cond": {"column": "flgg"}, "other": {"column": "agee"}}}),
        json!({"import": "mask", "cols": ["age", "count"], "kwargs": {"cond": {"lt": {"column": "agee"}}, "other": 0}}),
        json!({"import": "astype", "cols": "carbrand", "kwargs": {"dtype": "str"}}),
        json!({"import": "astype", "cols": "age", "kwargs": {"dtype": "complex"}}),
        json!({"import": "cut", "cols": "age", "kwargs": {"bins": 4}}),
        json!({"import": "cut", "cols": "age", "kwargs": {"bins": [0, 10, 10]}}),
        json!({"import": "cut", "cols": "age", "kwargs": {"bins": [0, 10, 20], "labels": ["a"]}}),
        json!({"import": "get_dummies", "kwargs": {"columns": ["carbrand"]}}),
        json!({"import": "get_dummies", "kwargs": {"columns": ["when"], "prefix": ["a", "b"]}}),
        json!({"import": "str.contains", "cols": "carbrand", "kwargs": {"pat": "(?=a)"}}),
        json!({"import": "str.replace", "cols": "carbrand", "kwargs": {"pat": "a", "repl": "\\2", "regex": true}}),
        json!({"import": "str.replace", "cols": "carbrand", "kwargs": {"pat": "a", "repl": "\\q", "regex": true}}),
        json!({"import": "str.contains", "cols": "carbrand", "kwargs": {"pat": "[a&&b]"}}),
        json!({"import": "str.contains", "cols": "carbrand", "kwargs": {"pat": "[[:alpha:]]"}}),
        json!({"import": "str.contains", "cols": "carbrand", "kwargs": {"pat": "\\<b\\>"}}),
        json!({"import": "str.split", "cols": "carbrand", "kwargs": {"pat": "(-|_)", "n": 1, "expand": true}}),
        json!({"import": "str.split", "cols": "carbrand", "kwargs": {"pat": "", "n": 1, "expand": true, "regex": false}}),
        json!({"import": "str.zfill", "cols": "carbrand", "kwargs": {"width": 40000}}),
        json!({"import": "str.split", "cols": "carbrand", "kwargs": {"pat": ",", "n": 1, "expand": true}}),
        json!({"import": "str.lower", "cols": "age"}),
        json!({"import": "add", "cols": "carbrand", "kwargs": {"other": 1}}),
        json!({"import": "add", "cols": "age", "kwargs": {"other": {"column": "cuont"}}}),
        json!({"import": "lt", "cols": "carbrand", "kwargs": {"other": "m"}}),
        json!({"import": "eq", "cols": "age", "kwargs": {"other": null}}),
        json!({"import": "pow", "cols": "count", "kwargs": {"other": -1}}),
        json!({"import": "replace", "cols": "carbrand", "kwargs": {"to_replace": {"yes": 1}}}),
        json!({"import": "replace", "cols": "carbrand", "kwargs": {"to_replace": "vw"}}),
        json!({"import": "replace", "cols": "carbrand", "kwargs": {"to_replace": {"vw": "x"}, "value": null}}),
        json!({"steps": [
            {"import": "astype", "cols": "count", "kwargs": {"dtype": "int8"}},
            {"import": "replace", "cols": "count", "kwargs": {"to_replace": 1, "value": 300}},
            {"import": "top_k", "cols": "count", "kwargs": {"k": 2, "others": 300}},
        ]}),
        json!({"import": "rename", "kwargs": {"columns": {"age": "count"}}}),
        json!({"import": "dropna", "kwargs": {"axis": 1}}),
        json!({"import": "to_datetime", "cols": "count", "kwargs": {"format": "%Y%m%d"}}),
        json!({"import": "to_datetime", "cols": "age", "kwargs": {"format": "%Y%m%d"}}),
        json!({"import": "to_datetime", "cols": "count", "kwargs": {"unit": "s", "format": "%Y"}}),
        json!({"import": "isna", "cols": ["age", "count", "age"]}),
        json!({"import": "isna", "cols": ["age", "count"], "into": ["x", "x"]}),
        json!({"import": "str.split", "cols": "carbrand", "into": ["x", "x"], "kwargs": {"n": 1, "expand": true}}),
        json!({"import": "astype", "cols": "age", "into": "years", "kwargs": {"dtype": {"age": "int64"}}}),
        json!({"import": "fillna", "into": ["a", "b", "c", "d"], "kwargs": {"value": {"age": 0}}}),
        json!({"import": "fillna", "cols": "age", "kwargs": {"value": {"frozen": "medain"}}}),
        json!({"steps": [
            {"import": "isna", "cols": "age", "into": "sure"},
            {"import": "map", "cols": "sure", "kwargs": {"arg": {"1": "yes"}}},
        ]}),
        json!({"import": "get_dummies", "kwargs": {"columns": ["carbrand", "count"], "prefix": {"carbrand": "b", "cuont": "c"}}}),
        json!({"import": "cut", "cols": "age", "kwargs": {"bins": [0, 1], "precision": 2_000_000_000}}),
        json!({"import": "qcut", "cols": "age", "kwargs": {"q": 4, "precision": 2_000_000_000}}),
        json!({"import": "str.contains", "cols": "carbrand", "kwargs": {"pat": "a++a"}}),
        json!({"steps": [{"import": "str.lower", "cols": "age"}, {"import": "str.upper", "cols": "age"}, {"import": "isna", "cols": "aeg"}]}),
    ];
    insta::assert_snapshot!(calls.iter().map(mistakes).collect::<Vec<_>>().join("\n"));
}

#[test]
fn objects_that_get_dummies_would_leave_out_are_named() {
    let day = CaseColumn { name: "day".into(), dtype: "date32".into(), categories: None, nullable: true, values: Values::Time(vec![]) };
    let case = Case {
        params: json!({"import": "get_dummies"}),
        frozen: json!({}),
        rows: 0,
        input: vec![day],
        output: Vec::new(),
        rejected: Vec::new(),
        skipped: Vec::new(),
    };
    let mistakes = Planned::new(&case).err().unwrap();
    let told = "`get_dummies` on column `day` of type date32 (made by `event`): values of this type are no categories, and without `columns` \
                all objects are encoded";
    assert!(mistakes.contains(told), "{mistakes}");
}

#[test]
fn every_operation_has_its_page() {
    let pages: Vec<_> = caz::nodes::operation_pages().collect();
    let names: BTreeSet<&str> = pages.iter().map(|page| page.name).collect();
    assert_eq!(names.len(), pages.len(), "two operations of one name");
    for page in &pages {
        assert!(!page.summary.is_empty() && !page.summary.ends_with('.'), "{}", page.name);
        let properties = page.kwargs.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        for (kwarg, schema) in properties {
            assert!(schema.get("description").is_some(), "`{kwarg}` of `{}` says nothing of itself", page.name);
        }
    }
}
