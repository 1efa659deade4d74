//! What is made up can be read back, for every type and both formats.

#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, RecordBatch};
use parquet::arrow::ArrowWriter;

use super::{EventOptions, Events};
use crate::codec::avro::{AvroDecoder, AvroEncoder};
use crate::codec::json::{JsonDecoder, JsonEncoder, Rules};
use crate::codec::{Decoded, Decoder, Encoder};
use crate::dataset::DatasetSchema;
use crate::diagnostic::Document;

/// Every type that an event's field may have.
const SCHEMA: &str = r#"{"type": "record", "name": "Event", "fields": [
    {"name": "nothing", "type": "null"},
    {"name": "flag", "type": "boolean"},
    {"name": "count", "type": ["null", "int"]},
    {"name": "size", "type": "long"},
    {"name": "ratio", "type": "float"},
    {"name": "price", "type": ["double", "null"]},
    {"name": "city", "type": ["null", "string"]},
    {"name": "raw", "type": "bytes"},
    {"name": "tag", "type": {"type": "fixed", "name": "Tag", "size": 3}},
    {"name": "colour", "type": {"type": "enum", "name": "Colour", "symbols": ["red", "green"]}},
    {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
    {"name": "fine_clock", "type": {"type": "long", "logicalType": "time-micros"}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "finely_at", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
    {"name": "locally_at", "type": {"type": "long", "logicalType": "local-timestamp-millis"}},
    {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
    {"name": "small", "type": {"type": "fixed", "name": "Small", "size": 2, "logicalType": "decimal", "precision": 4, "scale": 1}},
    {"name": "uuid", "type": {"type": "fixed", "name": "Uuid", "size": 16, "logicalType": "uuid"}},
    {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
    {"name": "scores", "type": ["null", {"type": "map", "values": "double"}]},
    {"name": "who", "type": ["null", {"type": "record", "name": "Who", "fields": [
        {"name": "id", "type": "string"},
        {"name": "age", "type": ["null", "int"]}
    ]}]}
]}"#;

fn schema() -> DatasetSchema {
    DatasetSchema::parse_avro(SCHEMA).unwrap()
}

fn events(encoder: Box<dyn Encoder>, seed: u64) -> Events {
    let options = EventOptions { key: Some("who.id".into()), faults: 0.0, seed };
    Events::invented(&schema(), encoder, &options).unwrap()
}

fn decoders() -> [(Box<dyn Encoder>, Box<dyn Decoder>); 2] {
    let schema = schema();
    let projection: Vec<usize> = (0..schema.fields().len()).collect();
    [
        (Box::new(AvroEncoder::for_schema(&schema)), Box::new(AvroDecoder::new(&schema, &projection).unwrap())),
        (Box::new(JsonEncoder::for_schema(&schema)), Box::new(JsonDecoder::new(&schema, &projection).unwrap())),
    ]
}

#[test]
fn every_type_is_made_up_and_can_be_read_back() {
    for (encoder, mut decoder) in decoders() {
        let format = encoder.content_type();
        let mut events = events(encoder, 5);
        let batch = events.next_batch(2_000).unwrap();
        let payloads: Vec<&[u8]> = batch.iter().map(|event| event.value.unwrap()).collect();
        let mut decoded = Decoded::default();
        decoder.decode(&payloads, &mut decoded);
        assert!(decoded.rejected.is_empty(), "{format}: {:?}", decoded.rejected.first());
        for (column, field) in decoded.columns.iter().zip(decoder.fields()) {
            let nulls = column.logical_null_count();
            match (field.path.as_str(), field.nullable) {
                ("nothing", _) => assert_eq!(nulls, 2_000),
                (path, true) => assert!((100..600).contains(&nulls), "{format}: {nulls} of 2000 are null in {path}"),
                (path, false) => assert_eq!(nulls, 0, "{format}: {path}"),
            }
        }
        let keyless = batch.iter().filter(|event| event.key.is_none()).count();
        assert!((100..300).contains(&keyless), "a record that is null has no key: {keyless}");
    }
}

#[test]
fn a_value_of_a_union_is_of_one_of_its_types() {
    let schema = DatasetSchema::parse_avro(
        r#"{"type": "record", "name": "E", "fields": [
            {"name": "u", "type": ["long", "string"]},
            {"name": "w", "type": [{"type": "record", "name": "Click", "fields": [
                {"name": "x", "type": ["null", "double"]}, {"name": "y", "type": ["null", "string"]}]}, "boolean"]},
            {"name": "l", "type": {"type": "array", "items": ["int", "boolean"]}}]}"#,
    )
    .unwrap();
    let all: Vec<usize> = (0..schema.fields().len()).collect();
    let codecs: [(Box<dyn Encoder>, Box<dyn Decoder>); 3] = [
        (Box::new(AvroEncoder::for_schema(&schema)), Box::new(AvroDecoder::new(&schema, &all).unwrap())),
        (Box::new(JsonEncoder::for_schema(&schema)), Box::new(JsonDecoder::new(&schema, &all).unwrap())),
        (Box::new(JsonEncoder::by(Rules::Avro, &schema)), Box::new(JsonDecoder::by(Rules::Avro, &schema, &all).unwrap())),
    ];
    for (encoder, mut decoder) in codecs {
        let mut events = Events::invented(&schema, encoder, &EventOptions::default()).unwrap();
        let batch = events.next_batch(2_000).unwrap();
        let payloads: Vec<&[u8]> = batch.iter().map(|event| event.value.unwrap()).collect();
        let mut decoded = Decoded::default();
        decoder.decode(&payloads, &mut decoded);
        assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected.first());
        // `u.long` and `u.string`; `w.Click.x` and `w.boolean`: each row has one of the two, and about half of them the first.
        for [one, other] in [[0, 1], [2, 4]] {
            let [one, other] = [&decoded.columns[one], &decoded.columns[other]];
            assert!((0..2_000).all(|row| one.is_null(row) != other.is_null(row)));
            assert!((800..1_200).contains(&one.null_count()), "{}", one.null_count());
        }
        let nulls = decoded.columns[3].null_count();
        assert!((1_001..1_300).contains(&nulls), "beside a field that is there another may be null: {nulls}");
    }
}

#[test]
fn batches_do_not_matter() {
    let keys = |sizes: &[usize]| {
        let [(encoder, _), _] = decoders();
        let mut events = events(encoder, 9);
        let keys = |size: &usize| events.next_batch(*size).unwrap().iter().map(|event| event.key.map(<[u8]>::to_vec)).collect::<Vec<_>>();
        sizes.iter().flat_map(keys).collect::<Vec<_>>()
    };
    assert_eq!(keys(&[100]), keys(&[1, 7, 64, 28]));
}

#[test]
fn what_is_made_up_keeps_to_an_xdm_schema() {
    let text = r#"{"type": "object", "required": ["must", "inner"], "properties": {
        "must": {"type": ["string", "null"]}, "kind": {"type": ["string", "null"], "enum": ["a", "b", null]},
        "sure": {"type": "boolean", "const": true},
        "inner": {"type": "object", "required": ["n"], "properties": {"n": {"type": ["integer", "null"], "enum": [1, null]}}},
        "list": {"type": "array", "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": ["string", "null"]}}}}}}"#;
    let document = Document::parse("schema.json", text, &|_| None).map_err(|found| found.render(false)).unwrap();
    let schema = DatasetSchema::read_xdm(&document).map_err(|found| found.render(false)).unwrap();
    let mut events = Events::invented(&schema, Box::new(JsonEncoder::by(Rules::Xdm, &schema)), &EventOptions::default()).unwrap();
    let batch = events.next_batch(500).unwrap();
    let payloads: Vec<&[u8]> = batch.iter().map(|event| event.value.unwrap()).collect();
    let mut decoded = Decoded::default();
    let all: Vec<usize> = (0..schema.fields().len()).collect();
    JsonDecoder::by(Rules::Xdm, &schema, &all).unwrap().decode(&payloads, &mut decoded);
    assert_eq!((decoded.rejected.first(), decoded.rows.len()), (None, 500));
}

#[test]
fn rows_of_a_file_come_again_and_a_wrong_one_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let (path, parquet) = (folder.path().join("rows.csv"), folder.path().join("rows.parquet"));
    let schema = DatasetSchema::parse_avro(r#"{"type": "record", "name": "E", "fields": [{"name": "n", "type": "int"}]}"#).unwrap();
    let rows_of =
        |path: &Path| Events::of_rows(path, &schema, Box::new(JsonEncoder::for_schema(&schema)), &EventOptions::default()).unwrap();
    let open = || rows_of(&path);
    std::fs::write(&path, "n\n1\n2\n3\n").unwrap();
    let column: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&parquet).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    for mut events in [open(), rows_of(&parquet)] {
        let mut values = Vec::new();
        while values.len() < 7 {
            let batch = events.next_batch(2).unwrap();
            values.extend(batch.iter().map(|event| String::from_utf8(event.value.unwrap().to_vec()).unwrap()));
        }
        assert_eq!(values[..7], [1, 2, 3, 1, 2, 3, 1].map(|n| format!("{{\"n\":{n}}}")));
    }
    std::fs::write(&path, "n\n1\n2\nthree\n").unwrap();
    let message = open().next_batch(10).map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("rows.csv: row 3: field `n`: "), "{message}");
    std::fs::write(&path, "n\n").unwrap();
    assert!(open().next_batch(10).map(|_| ()).unwrap_err().to_string().ends_with("rows.csv has no rows"));
}
