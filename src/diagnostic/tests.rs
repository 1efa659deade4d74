//! What users see, whole; and properties of documents.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{Code, Diagnostic, Diagnostics, Document, Severity, join, yaml::MAX_DEPTH};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{fmt::Write, path::Path, sync::Arc};

fn environment(name: &str) -> Option<String> {
    match name {
        "COUNT" => Some("3".to_owned()),
        "EMPTY" => Some(String::new()),
        "NULL" => Some("null".to_owned()),
        "PASSWORD" => Some("hunter2".to_owned()),
        "CONTAINER" => Some("5713e9920457".to_owned()),
        "DIGITS" => Some("12345678901234567890123".to_owned()),
        _ => None,
    }
}

fn parse(text: &str) -> Arc<Document> {
    Document::parse("test.yaml", text, &environment).map_err(|found| found.render(false)).unwrap()
}

/// What is reported of a text that cannot be used.
fn refused(text: &str) -> String {
    Document::parse("test.yaml", text, &environment).unwrap_err().render(false)
}

/// What is reported when a text is read as a `T`.
fn misread<T: serde::de::DeserializeOwned + JsonSchema>(text: &str) -> String {
    let (document, mut diagnostics) = Document::examine("test.yaml", text, &environment).unwrap();
    assert!(document.read_as::<T>("", &mut diagnostics).is_none());
    diagnostics.render(false)
}

#[test]
fn scalars_are_typed_after_their_variables_are_filled_in() {
    let document = parse("workers: ${COUNT}\nquoted: \"${COUNT}\"\nsize: ${NONE:-4}KB\nnothing: ${NONE:-}\nescaped: $${COUNT}\n");
    let expected = json!({"workers": 3, "quoted": "3", "size": "4KB", "nothing": null, "escaped": "${COUNT}"});
    assert_eq!(document.value(), &expected);
    assert!(document.is_private("/workers") && !document.is_private("/size"));
}

/// As null the key would be as if it were left out, and what it asks for off.
#[test]
fn what_the_environment_says_is_never_null() {
    let document = parse("empty: ${EMPTY}\nquoted: \"${EMPTY}\"\nsays: ${NULL}\nregistry: {password: ~}\n");
    assert_eq!(document.value(), &json!({"empty": "", "quoted": "", "says": "null", "registry": {"password": null}}));
}

#[test]
fn what_looks_like_a_number_that_no_type_holds_is_text_where_nobody_can_write_quotes() {
    let document = parse("instance: ${CONTAINER}\nsasl.password: ${DIGITS}\napi_key: 1e999\n");
    let expected = json!({"instance": "5713e9920457", "sasl.password": "12345678901234567890123", "api_key": "1e999"});
    assert_eq!(document.value(), &expected);
    let told = misread::<Forms>("format: json\ncols: a\nworkers: ${DIGITS}\n");
    assert!(told.contains("`workers` must be an integer") && !told.contains("12345"), "{told}");
}

#[test]
fn a_file_that_is_not_written_for_caz_has_no_variables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.json");
    let title = "x".repeat(2 << 20);
    std::fs::write(&path, json!({"title": title, "const": "${HOME}", "description": "of ${profile.id}"}).to_string()).unwrap();
    let document = Document::read_foreign(&path, 8 << 20).map_err(|found| found.render(false)).unwrap();
    assert_eq!(document.value()["const"], "${HOME}");
    assert_eq!(document.value()["description"], "of ${profile.id}");
    assert_eq!(document.value()["title"].as_str().map(str::len), Some(2 << 20));
    let told = Document::read_foreign(&path, 1 << 20).unwrap_err().render(false);
    assert!(told.contains("it is larger than 1024 KiB"), "{told}");
}

#[test]
fn json_reads_as_it_should() {
    let text = "{\n\t\"a/b\": [1, -2.5e3, true, null, \"\\u00e9\\ud83d\\ude00\\/\"],\r\n\t\"inf\": \".inf\"\n}";
    let document = parse(text);
    assert_eq!(document.value(), &serde_json::from_str::<Value>(text).unwrap());
    assert_eq!(&text[document.span("/a~1b/4")], "\"\\u00e9\\ud83d\\ude00\\/\"");
}

#[test]
fn aliases_and_merge_keys_stand_for_their_anchors() {
    let document = parse("base: &base {x: 1, y: 2}\nlist: &list [a]\nmerged:\n  <<: *base\n  y: 3\nall: [*list, *base]\n");
    assert_eq!(document.value()["merged"], json!({"y": 3, "x": 1}));
    assert_eq!(document.value()["all"], json!([["a"], {"x": 1, "y": 2}]));
    assert_eq!(&document.text()[document.span("/all/1/x")], "*base");
    assert_eq!(&document.text()[document.span("/merged/x")], "*base");
    assert_eq!(parse("&t topic: x\ngroup: *t\n").value()["group"], "topic");
}

#[test]
fn places_fall_back_to_the_nearest_parent() {
    let text = "# note\ngraph:\n  nodes:\n    - id: a # first\n      params: {cols: [x, 'y']}\n  frozen:\n";
    let document = parse(text);
    let slice = |pointer| &text[document.span(pointer)];
    assert_eq!(slice("/graph/nodes/0/params/cols/1"), "'y'");
    assert_eq!(slice("/graph/nodes/0/params/cols/7/z"), "[x, 'y']");
    assert_eq!(slice("/graph/nodes/0"), "id: a # first\n      params: {cols: [x, 'y']}");
    assert_eq!(slice("/graph/frozen"), "");
    assert_eq!(&text[document.key_span("/graph/nodes/0/params")], "params");
    assert_eq!(document.position(document.span("/graph/nodes/0/id").start), (4, 11));
}

#[test]
fn mistakes_in_the_text() {
    let mut all = String::new();
    for text in [
        "a: \"open\nb: 1\n",
        "a: 1\n b: 2\n",
        "a: [${COUNT}]\n",
        "a: b\n\tc: d\n",
        "input:\n  format: avro\n  topic:events\n  # of the shop\n\n  group: g\n",
        "input:\n  topic:events # of the shop\n  group: g\n",
        "input:\n  group: g\n  topic:events",
        "a: b\0\n",
        "a: *nowhere\n",
        "a: &a [*a]\n",
        "? [x]\n: y\n",
        "k: &k x\n*k : y\n",
        "a: 1\n---\nb: 2\n",
        "a: !!str 1\nb: ${NONE}\nc: ${NONE:?where events come from}\nd: ${1}\ne: ${COUNT\na: 2\nf: 18446744073709551616\n<<: 3\n",
        &format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1)),
    ] {
        writeln!(all, "{}", refused(text)).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn alias_bombs_are_defused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{inner}]").unwrap();
    }
    let rendered = refused(&text);
    assert!(rendered.contains("the aliases of this file stand for too much"), "{rendered}");
}

#[test]
fn deep_aliases_count_as_depth() {
    let mut text = "a0: &a0 [x]\n".to_owned();
    for level in 1..=MAX_DEPTH {
        writeln!(text, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert!(refused(&text).contains("deeper than"), "{text}");
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large.yaml");
    std::fs::write(&large, "#".repeat((1 << 20) + 1)).unwrap();
    let binary = folder.path().join("binary.yaml");
    std::fs::write(&binary, b"a: \xff").unwrap();
    let mut all = String::new();
    for path in [&folder.path().join("missing.yaml"), folder.path(), &large, &binary] {
        all += &Document::read(path).unwrap_err().render(false).replace(&folder.path().display().to_string(), "FOLDER");
        all.push('\n');
    }
    insta::assert_snapshot!(all);
}

#[test]
fn secrets_are_masked_in_source_lines() {
    let text = "kafka: {sasl.password: hünter2, ssl_key: 'x' , topic: 1}\n";
    let document = parse(text);
    let mut found: Diagnostics = Diagnostic::error(Code::WrongValue, "wrong").at(&document, "/kafka/topic").into();
    found.push(Diagnostic::error(Code::WrongValue, "also wrong").at(&document, "/kafka/sasl.password"));
    let rendered = found.render(false);
    assert!(!rendered.contains("nter2") && !rendered.contains("'x'"), "{rendered}");
    insta::assert_snapshot!(rendered);
}

#[test]
fn secrets_are_masked_however_the_text_is_broken() {
    for text in [
        "kafka:\n  sasl.password: \"hunter2\n",
        "kafka:\n  sasl.password: hunter2: x\n",
        "sasl.password: hunter2\nsasl.password: hunter2\n",
        "{\"sasl.password\": \"hunter2\" \"x\"}",
        "p: &p hunter2\nsasl.password: *p\nq: [\n",
        "sasl.password: [hunter2, {a: hunter2}, !x hunter2]\n",
        "sasl.password: ${NONE:-hunter2}${NONE}\n",
        "sasl.password: [\n  hunter2 ]]\n",
        "registry: https://user:hunter2@host: x\n",
        "registry: [user:hunter2@host\n",
        "sasl.password: ${NONE} # hunter2 on staging\n",
        "p: &p x\nsasl.password: *p\nsasl.password: *p # hunter2\n",
        "{sasl.password:hunter2, a: 1, a: 1}\n",
        "sasl.password:hunter2\na: 1\n",
        "- sasl.password:hunter2\n- {a: 1, a: 1}\n",
        "sasl.pasword: hunter2\na: 1\na: 1\n",
    ] {
        let found = Document::parse("test.yaml", text, &environment).map(|_| String::new());
        let rendered = found.unwrap_or_else(|found| found.render(false));
        assert!(!rendered.contains("hunter2"), "{text}\n{rendered}");
    }
}

#[test]
fn rendering_is_ordered_counted_and_machine_readable() {
    let (one, two) = (parse("a: 1\nb: 2\n"), Document::parse("other.yaml", "c: é 3\n", &environment).unwrap());
    let mut found = Diagnostics::new();
    found.push(
        Diagnostic::error(Code::UnknownColumn, "node `dummies` reads column `age_bucket`")
            .at(&one, "/b")
            .label("did you mean `age_buckets`?"),
    );
    found.push(Diagnostic::warning(Code::NullReaches, "a null may come here").at_key(&one, "/a").help("fill it").help("or drop it"));
    found.push(
        Diagnostic { severity: Severity::Note, ..Diagnostic::error(Code::Model, "no model yet") }.label("it is made by `make models`"),
    );
    found.push(Diagnostic::error(Code::Schema, "wrong").at(&two, "/c"));
    insta::assert_snapshot!(found.render(false));
    insta::assert_snapshot!(serde_json::to_string_pretty(&found.to_json()).unwrap());
    assert!(found.render(true).contains("\u{1b}["));
    assert_eq!(Diagnostics::new().render(true), "");
}

/// Parameters with every form that a schema can ask for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read by serde alone")]
struct Forms {
    /// How events are encoded. More text.
    format: Format,
    /// Names of columns.
    #[schemars(length(min = 1))]
    cols: Columns,
    #[schemars(range(min = 1, max = 256))]
    workers: u16,
    #[serde(default)]
    ratio: Option<f32>,
    #[serde(default)]
    step: Option<Step>,
    #[serde(default)]
    fill: Option<Fill>,
    #[serde(default)]
    source: Option<Source>,
    #[serde(default)]
    pair: Option<(String, String)>,
    #[serde(default)]
    flag: bool,
    #[serde(default)]
    small: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// Avro binary.
    Avro,
    /// JSON text.
    Json,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "read by serde alone")]
enum Columns {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "import", rename_all = "snake_case", deny_unknown_fields)]
#[allow(dead_code, reason = "read by serde alone")]
enum Step {
    Fillna { value: f64 },
    Map { arg: std::collections::BTreeMap<String, String>, default: Option<String> },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(dead_code, reason = "read by serde alone")]
enum Fill {
    Frozen(String),
    Constant(f64),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "read by serde alone")]
enum Source {
    Inline(Inline),
    File(FileSource),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read by serde alone")]
struct Inline {
    nodes: Vec<String>,
    edges: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read by serde alone")]
struct FileSource {
    path: String,
}

#[test]
fn mistakes_against_a_definition() {
    let mut all = String::new();
    for text in [
        "",
        "formt: avro\ncols: [a]\nworkers: 300\nx: 1\n",
        "format: arvo\ncols: 5\nworkers: ${COUNT}\nratio: high\nflag: yes\n",
        "format: [json]\ncols: []\nworkers: '${PASSWORD}'\npair: [a]\n",
        "format: ${PASSWORD}\ncols: [a, 1]\nworkers: 1.5\npair: [a, b, c]\nstep: {import: filna}\n",
        "format: json\ncols: a\nworkers: 1\nstep: {import: map, arg: {a: 1}, defult: x}\nfill: {frozn: a}\nsource: {nodez: [], edges: []}\n",
        "format: json\ncols: a\nworkers: 1\nstep: {value: 1}\nfill: {}\nsource: {path: 1}\n",
        "format: json\ncols: a\nworkers: 1\nstep: fillna\nfill: frozen\nsource: 7\n",
        "format: json\ncols: a\nworkers: 1\nstep: {import: map, arg: {\"1\": 1}}\nsource: {nodes: [1, 2, 3, 4], edges: []}\n",
        "format: json\ncols: a\nworkers: \"\\e[31m1\\nerror[E9999]: no finding\"\n",
        "format: json\ncols: a\nworkers: 1\nsmall: 4294967296\n",
        "format: ${NONE}\ncols: ${NONE}\nworkers: 0\n",
        "format: ${EMPTY:?is needed}\ncols: a\nworkers: 1\n",
        "format: json\ncols: a\nworkers: 4.0\n",
        "format: json\ncols: a\nworkers: https://caz:hunter2@registry\nsmall: caz:hunter2@registry:8081\n",
    ] {
        writeln!(all, "=== {text}{}", misread::<Forms>(text)).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[test]
fn a_mapping_that_takes_no_key_names_those_that_are_there() {
    let told = misread::<Nothing>("value: 40\nx: 1\n");
    assert!(told.contains("unknown key `value`") && told.contains("unknown key `x`"), "{told}");
    assert!(told.contains("no keys are allowed here"), "{told}");
}

#[test]
fn values_from_the_environment_are_never_quoted() {
    for text in [
        "format: ${PASSWORD}\n",
        "workers: ${PASSWORD}\n",
        "cols: {x: '${PASSWORD}'}\n",
        "pair: ['${PASSWORD}']\n",
        "small: '${PASSWORD}'\n",
    ] {
        assert!(!misread::<Forms>(text).contains("hunter2"), "{text}");
    }
}

#[test]
fn what_joins_a_mapping_by_a_list_is_as_private_as_it_was() {
    let document = parse("a: &a {x: 1}\nb: &b {password: 12345, y: '${COUNT}'}\nlist: {<<: [*a, *b]}\nwritten: {<<: {password: 12345}}\n");
    for pointer in ["/list/password", "/list/y", "/written/password"] {
        assert!(document.is_private(pointer), "{pointer}");
    }
}

#[test]
fn a_value_that_is_missing_reports_what_it_needs_at_its_parent() {
    let document = parse("nodes:\n  - id: bins\n");
    let mut diagnostics = Diagnostics::new();
    assert!(document.read_as::<FileSource>("/nodes/0/params", &mut diagnostics).is_none());
    insta::assert_snapshot!(diagnostics.render(false));
}

/// YAML of a value, each scalar written in a style of its own.
fn written(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (index, (key, value)) in entries.iter().enumerate() {
                let key = if index % 2 == 0 { serde_json::to_string(key).unwrap() } else { format!("'{}'", key.replace('\'', "''")) };
                write!(out, "\n{pad}{key}:  ").unwrap();
                written(value, indent + 2, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                write!(out, "\n{pad}- ").unwrap();
                written(item, indent + 2, out);
            }
        }
        scalar => write!(out, "{scalar}  # a comment").unwrap(),
    }
}

/// Pointers to all scalars of a value.
fn scalars(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| scalars(value, &join(pointer, key), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| scalars(item, &format!("{pointer}/{index}"), found)),
        _ => found.push(pointer.to_owned()),
    }
}

fn values() -> impl Strategy<Value = Value> {
    let text = "[ -#%-~é€😀]{0,8}";
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(text, inner, 0..5).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_scalar_stands_where_its_span_says(value in values()) {
        let mut yaml = String::new();
        written(&value, 0, &mut yaml);
        for text in [yaml, serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap()] {
            let document = parse(&text);
            prop_assert_eq!(document.value(), &value, "{}", text);
            let mut pointers = Vec::new();
            scalars(&value, "", &mut pointers);
            for pointer in pointers {
                let sliced: Option<Value> = serde_json::from_str(&text[document.span(&pointer)]).ok();
                prop_assert_eq!(sliced.as_ref(), value.pointer(&pointer), "{} in {}", pointer, text);
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[a-z{}\\[\\]:,#&*!|>'\"%@`$?<. \\-\n\t\r\\\\é😀\u{feff}0-9]{0,120}") {
        if let Err(found) = Document::parse("any.yaml", text, &environment) {
            prop_assert!(!found.render(false).is_empty());
        }
    }

    #[test]
    fn no_unicode_makes_it_panic(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Document::parse("any.yaml", text, &environment).map_err(|found| found.render(true));
        let _ = Document::parse("any.json", String::from_utf8_lossy(&bytes), &environment).map_err(|found| found.to_json());
    }

    #[test]
    fn broken_pipelines_do_not_panic(cut in 0usize..4000, insert in "[{}\\[\\]:\"'&*\n ]{0,3}") {
        let mut text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/car-insurance.yaml")).unwrap();
        let at = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.insert_str(at, &insert);
        let _ = Document::parse("cut.yaml", text, &environment).map_err(|found| found.render(false));
    }
}
