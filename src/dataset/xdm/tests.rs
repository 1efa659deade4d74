//! What is read of schemas, and what is said of wrong ones.

#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

use std::fmt::Write as _;

use serde_json::json;

use crate::dataset::DatasetSchema;
use crate::diagnostic::{Diagnostics, Document};

fn read(text: &str) -> Result<DatasetSchema, Diagnostics> {
    Document::parse("schema.json", text, &|_| None).and_then(|document| DatasetSchema::read_xdm(&document))
}

fn fields(text: &str) -> String {
    let schema = read(text).map_err(|found| found.render(false)).unwrap();
    schema.fields().iter().fold(String::new(), |mut all, field| {
        let _ = writeln!(all, "{}: {}{}", field.path, field.data_type, if field.nullable { ", nullable" } else { "" });
        all
    })
}

#[test]
fn the_example() {
    insta::assert_snapshot!(fields(include_str!("../../../schemas/car-insurance.xdm.json")));
}

#[test]
fn every_type() {
    insta::assert_snapshot!(fields(
        r##"{
          "type": "object",
          "properties": {
            "text": {"type": "string"}, "whole": {"type": "integer"}, "byte": {"type": "integer", "meta:xdmType": "byte"},
            "number": {"type": "number"}, "flag": {"type": ["boolean", "null"]},
            "day": {"type": "string", "format": "date"}, "at": {"meta:xdmType": "date-time"},
            "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}},
            "map": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": ["string", "null"]}}},
            "open": {"type": "object"},
            "inner": {"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}, "y": {"$ref": "#/$defs/x"}}, "required": ["x"]}
          },
          "required": ["text", "inner"],
          "$defs": {"x": {"allOf": [{"type": "number"}, {"type": "integer"}]}}
        }"##
    ));
}

/// Bounds of parts put together are the tightest, and the class adds what it requires.
#[test]
fn the_class_adds_its_fields_and_their_other_names() {
    let schema = r#"{"type": "object", "meta:class": "https://ns.adobe.com/xdm/context/experienceevent",
        "properties": {"xdm:timestamp": {"type": "string", "format": "date-time"}, "a": {"type": "string"}}}"#;
    assert_eq!(fields(schema), "xdm:timestamp: Timestamp(ns, \"UTC\")\na: Utf8, nullable\n_id: Utf8\n");
    let schema = read(schema).map_err(|found| found.render(false)).unwrap();
    let aliases: Vec<_> = schema.root().fields.iter().map(|field| field.aliases.clone()).collect();
    assert_eq!(aliases, [vec!["timestamp".to_owned()], vec![], vec!["@id".to_owned()]]);
}

#[test]
fn nulls_are_dropped_where_something_may_be_missing() {
    let schema = r#"{"type": "object", "required": ["must"], "properties": {
        "must": {"type": ["string", "null"]}, "may": {"type": ["string", "null"]},
        "list": {"type": "array", "items": {"type": "object", "required": ["b"], "properties": {
            "a": {"type": "integer"}, "b": {"type": ["integer", "null"]}}}},
        "nulls": {"type": "object", "additionalProperties": {"type": ["integer", "null"]}},
        "none": {"type": "object", "additionalProperties": {"type": "integer"}}}}"#;
    let schema = read(schema).map_err(|found| found.render(false)).unwrap();
    let mut event = json!({
        "must": null, "may": null, "other": null, "list": [{"a": null, "b": null}, null], "nulls": {"x": null}, "none": {"x": null, "y": 1},
    });
    schema.xdm().unwrap().root.drop_nulls(&mut event);
    assert_eq!(event, json!({"must": null, "list": [{"b": null}, null], "nulls": {"x": null}, "none": {"y": 1}}));
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let found = read(
        r##"{
          "type": "object",
          "allOf": [{"$ref": "#/definitions/visitr"}, {"$ref": "https://ns.adobe.com/xdm/common/address"}, {"$ref": "#/definitions/loop"}],
          "properties": {
            "a": {"type": "strng"},
            "b": {"type": ["string", "integer"]},
            "c": {"type": "string", "meta:xdmType": "int"},
            "d": {"type": "integer", "meta:xdmType": "lnog"},
            "e": {"oneOf": [{"type": "string"}]},
            "f": {"type": "string", "pattern": "(?=a)"},
            "g": {"type": "array"},
            "h": {},
            "i": {"type": "string", "minLength": -1},
            "j": {"type": "string", "maxLenght": 5},
            "k": false,
            "l": {"allOf": [{"type": "string"}, {"type": "integer"}]},
            "m": {"allOf": [{"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": false},
                            {"properties": {"y": {"type": "string"}}}]},
            "n": {"type": "array", "items": {"type": "string"}, "enum": [["a"]]}
          },
          "required": ["a", "z"],
          "definitions": {
            "visitor": {"type": "object"},
            "loop": {"type": "object", "properties": {"again": {"$ref": "#/definitions/loop"}}}
          }
        }"##,
    );
    insta::assert_snapshot!(found.unwrap_err().render(false));
}

#[test]
fn keywords_of_later_drafts_that_decide_about_values_are_refused() {
    let schema = |more: &str| format!(r#"{{"type": "object", "properties": {{"a": {{"type": "string"}}}}, {more}}}"#);
    for keyword in ["unevaluatedProperties", "unevaluatedItems"] {
        let told = read(&schema(&format!(r#""{keyword}": false"#))).unwrap_err().render(false);
        assert!(told.contains(&format!("`{keyword}` is not supported")), "{told}");
        assert!(read(&schema(&format!(r#""{keyword}": true"#))).is_ok());
    }
    for keyword in ["$dynamicRef", "$recursiveRef"] {
        let told = read(&schema(&format!(r##""{keyword}": "#""##))).unwrap_err().render(false);
        assert!(told.contains(&format!("`{keyword}` is not supported")), "{told}");
    }
}

/// Field groups that share a definition are no circle.
#[test]
fn two_parts_may_refer_to_the_same_third() {
    let schema = r##"{"type": "object", "allOf": [{"$ref": "#/definitions/a"}, {"$ref": "#/definitions/b"}],
        "definitions": {
            "a": {"allOf": [{"$ref": "#/definitions/c"}], "properties": {"x": {"$ref": "#/definitions/t"}, "y": {"$ref": "#/definitions/t"}}},
            "b": {"allOf": [{"$ref": "#/definitions/c"}]},
            "c": {"properties": {"z": {"type": "string"}}},
            "t": {"type": "string"}
        }}"##;
    assert_eq!(fields(schema), "x: Utf8, nullable\ny: Utf8, nullable\nz: Utf8, nullable\n");
    let circle = r##"{"$ref": "#/definitions/a", "definitions": {"a": {"allOf": [{"$ref": "#/definitions/b"}]}, "b": {"$ref": "#/definitions/a"}}}"##;
    assert!(read(circle).unwrap_err().render(false).contains("contains itself"));
}

#[test]
fn a_schema_that_doubles_itself_is_refused() {
    let definitions: Vec<String> = (1..30)
        .map(|n| format!(r##""d{n}": {{"type": "object", "properties": {{"a": {{"$ref": "#/definitions/d{0}"}}, "b": {{"$ref": "#/definitions/d{0}"}}}}}}"##, n - 1))
        .collect();
    let schema = format!(r##"{{"$ref": "#/definitions/d29", "definitions": {{"d0": {{"type": "string"}}, {}}}}}"##, definitions.join(", "));
    assert!(read(&schema).unwrap_err().render(false).contains("more than 20000"));
}
