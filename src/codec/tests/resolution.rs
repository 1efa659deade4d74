//! Datums of another writer's schema, read as the dataset's.

use std::borrow::Cow;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;

use super::{all_fields, decode, schema};
use crate::codec::avro::AvroDecoder;
use crate::codec::fuzz::{at_path, is_value};
use crate::codec::view::View;
use crate::dataset::DatasetSchema;

fn record(fields: &str) -> Schema {
    Schema::parse_str(&format!(r#"{{"type":"record","name":"Event","fields":[{fields}]}}"#)).unwrap()
}

#[test]
fn fields_are_reordered_promoted_renamed_and_filled_in_as_apache_avro_does() {
    let writer = record(
        r#"{"name":"gone","type":{"type":"map","values":["null","int","string"]}},
           {"name":"i","type":"int"},{"name":"old","type":"string"},{"name":"l","type":"long"},{"name":"f","type":"float"},
           {"name":"opt","type":"string"},{"name":"e","type":{"type":"enum","name":"E","symbols":["x","z"]}},
           {"name":"a","type":{"type":"array","items":"int"}},{"name":"b","type":"bytes"}"#,
    );
    let fields = r#"{"name":"b","type":"string"},{"name":"f","type":"double"},{"name":"l","type":["null","double"]},{"name":"i","type":"long"},
           {"name":"new","type":{"type":"array","items":"string"},"default":["p","q"]},
           {"name":"opt","type":["null","string"]},
           {"name":"e","type":{"type":"enum","name":"E","symbols":["y","x"],"default":"y"}},
           {"name":"a","type":{"type":"array","items":["null","long"]}}"#;
    let dataset = schema(&format!(r#"{fields},{{"name":"renamed","aliases":["old"],"type":"string"}}"#));
    let value = Value::Record(vec![
        ("gone".into(), Value::Map([("k".to_owned(), Value::Union(2, Box::new(Value::String("v".into()))))].into())),
        ("i".into(), Value::Int(-3)),
        ("old".into(), Value::String("name".into())),
        ("l".into(), Value::Long(1 << 40)),
        ("f".into(), Value::Float(0.1)),
        ("opt".into(), Value::String("there".into())),
        ("e".into(), Value::Enum(1, "z".into())),
        ("a".into(), Value::Array(vec![Value::Int(1), Value::Int(-1)])),
        ("b".into(), Value::Bytes("é".as_bytes().to_vec())),
    ]);
    let datum = GenericDatumWriter::builder(&writer).build().unwrap().write_value_to_vec(value).unwrap();
    let decoded = decode(&mut AvroDecoder::with_writer(&writer, &dataset, &all_fields(&dataset)).unwrap(), &[&datum, &datum]);
    assert_eq!(decoded.rejected, vec![]);
    let reader = record(fields);
    let theirs = GenericDatumReader::builder(&writer).reader_schema(&reader).build().unwrap().read_value(&mut datum.as_slice()).unwrap();
    for (field, column) in dataset.fields().iter().zip(&decoded.columns) {
        let view = View::new(column.as_ref()).unwrap();
        let renamed = Value::String("name".into());
        let theirs = if field.path == "renamed" { Cow::Borrowed(&renamed) } else { at_path(&theirs, &field.path) };
        assert!(is_value(&view.cell(1), &theirs), "{}: {:?} is not {theirs:?}", field.path, view.cell(1));
    }
}

#[test]
fn a_writers_union_is_read_branch_by_branch() {
    let writer = record(
        r#"{"name":"v","type":["null","int","string"]},{"name":"r","type":["null",{"type":"record","name":"R","fields":[{"name":"x","type":"int"}]}]}"#,
    );
    let dataset =
        schema(r#"{"name":"v","type":"long"},{"name":"r","type":{"type":"record","name":"R","fields":[{"name":"x","type":"double"}]}}"#);
    let mut decoder = AvroDecoder::with_writer(&writer, &dataset, &[0, 1]).unwrap();
    let decoded = decode(&mut decoder, &[b"\x02\x0a\x02\x04", b"\x00\x02\x04", b"\x04\x02a\x02\x04", b"\x02\x0a\x00"]);
    assert_eq!(decoded.rows, [0]);
    let rejected: Vec<_> =
        decoded.rejected.iter().map(|(_, rejection)| (rejection.reason.name(), rejection.field.as_deref(), rejection.byte)).collect();
    assert_eq!(
        rejected,
        [("missing_field", Some("v"), Some(0)), ("wrong_type", Some("v"), Some(0)), ("missing_field", Some("r"), Some(2))]
    );
}

#[test]
fn a_field_is_the_writers_of_its_name_or_else_of_an_alias() {
    // The writer's fields, the dataset's with their aliases, and what each of the dataset's is then: 9 is the default.
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a [&'a str])], &'a [i64]);
    let cases: [Case<'_>; 4] = [
        (&["old"], &[("new", &["old"])], &[1]),
        (&["old", "new"], &[("new", &["old"])], &[2]),
        (&["new", "old"], &[("new", &["old"])], &[1]),
        (&["v1", "v2", "other"], &[("v3", &["v2", "v1"]), ("new", &[])], &[2, 9]),
    ];
    for (writer, reader, expected) in cases {
        let fields = writer.iter().map(|name| format!(r#"{{"name":"{name}","type":"long"}}"#)).collect::<Vec<_>>().join(",");
        let ours = reader.iter().map(|(name, aliases)| format!(r#"{{"name":"{name}","aliases":{aliases:?},"type":"long","default":9}}"#));
        let ours = ours.collect::<Vec<_>>().join(",");
        let items = |fields: &str| {
            format!(r#"{{"name":"items","type":{{"type":"array","items":{{"type":"record","name":"I","fields":[{fields}]}}}}}}"#)
        };
        let values: Vec<_> = writer.iter().zip(1..).map(|(name, value)| ((*name).to_owned(), Value::Long(value))).collect();
        let datum = |schema: &Schema, value| GenericDatumWriter::builder(schema).build().unwrap().write_value_to_vec(value).unwrap();

        let (theirs, ours_flat) = (record(&fields), schema(&ours));
        let event = datum(&theirs, Value::Record(values.clone()));
        let mut decoder = AvroDecoder::with_writer(&theirs, &ours_flat, &all_fields(&ours_flat)).unwrap();
        let decoded = decode(&mut decoder, &[&event, &event]);
        let read: Vec<i64> = decoded.columns.iter().map(|column| column.as_primitive::<Int64Type>().value(1)).collect();
        assert_eq!(read, expected, "{writer:?} as {reader:?}");

        // Inside an array, fields are those of a struct.
        let (theirs, ours) = (record(&items(&fields)), schema(&items(&ours)));
        let item = Value::Record(values);
        let event = datum(&theirs, Value::Record(vec![("items".into(), Value::Array(vec![item.clone(), item]))]));
        let mut decoder = AvroDecoder::with_writer(&theirs, &ours, &[0]).unwrap();
        let decoded = decode(&mut decoder, &[&event]);
        let items = decoded.columns[0].as_list::<i32>().value(0);
        let read: Vec<i64> = items.as_struct().columns().iter().map(|column| column.as_primitive::<Int64Type>().value(1)).collect();
        assert_eq!(read, expected, "{writer:?} as {reader:?} in an array");
    }
}

#[test]
fn a_fixed_of_no_bytes_is_skipped_and_makes_no_column() {
    let nothing = r#"{"name":"z","type":{"type":"fixed","name":"Z","size":0}}"#;
    let refused = DatasetSchema::parse_avro(&format!(r#"{{"type":"record","name":"Event","fields":[{nothing}]}}"#)).unwrap_err();
    assert_eq!(refused.to_string(), "field `z`: fixed of no bytes is not supported");
    let (writer, dataset) = (record(&format!(r#"{nothing},{{"name":"n","type":"int"}}"#)), schema(r#"{"name":"n","type":"int"}"#));
    let mut decoder = AvroDecoder::with_writer(&writer, &dataset, &[0]).unwrap();
    assert_eq!(decode(&mut decoder, &[b"\x02", b"\x04"]).rows, [0, 1]);
}

#[test]
fn a_logical_type_that_one_side_has_is_read_as_the_type_beneath() {
    let fixed = |size: usize, logical: &str| format!(r#"{{"type":"fixed","name":"F","size":{size}{logical}}}"#);
    let decimal = r#","logicalType":"decimal","precision":4,"scale":2"#;
    let decimal_bytes = format!(r#"{{"type":"bytes"{decimal}}}"#);
    let duration = r#","logicalType":"duration""#;
    let twelve: [u8; 12] = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0];
    let of_decimal = "Decimal(256, 2)";
    let cases: [(String, String, &[u8], &[&str]); 7] = [
        (r#""bytes""#.into(), decimal_bytes.clone(), b"\x04\x01\x00", &[of_decimal]),
        (decimal_bytes, r#""bytes""#.into(), b"\x04\x01\x00", &["Binary([1, 0])"]),
        (fixed(2, ""), fixed(2, decimal), b"\x01\x00", &[of_decimal]),
        (fixed(2, decimal), fixed(2, ""), b"\x01\x00", &["Binary([1, 0])"]),
        (fixed(12, ""), fixed(12, duration), &twelve, &["Int(1)", "Int(2)", "Int(3)"]),
        (fixed(12, duration), fixed(12, ""), &twelve, &["Binary([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0])"]),
        (fixed(16, r#","logicalType":"uuid""#), fixed(16, ""), &[7; 16], &["Binary([7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7])"]),
    ];
    let field = |kind: &str| format!(r#"{{"name":"a","type":{kind}}}"#);
    for (writer, reader, datum, expected) in cases {
        let dataset = schema(&field(&reader));
        let mut decoder = AvroDecoder::with_writer(&record(&field(&writer)), &dataset, &all_fields(&dataset)).unwrap();
        let decoded = decode(&mut decoder, &[datum]);
        let read: Vec<_> = decoded.columns.iter().map(|column| format!("{:?}", View::new(column.as_ref()).unwrap().cell(0))).collect();
        assert_eq!(read, expected, "{writer} as {reader}");
    }
    // In an array a duration is a struct, and of another size it is none.
    let items = |kind: &str| field(&format!(r#"{{"type":"array","items":{kind}}}"#));
    let dataset = schema(&items(&fixed(12, duration)));
    let mut decoder = AvroDecoder::with_writer(&record(&items(&fixed(12, ""))), &dataset, &[0]).unwrap();
    let datum = [b"\x02".as_slice(), &twelve, b"\x00"].concat();
    assert_eq!(decode(&mut decoder, &[&datum]).rows, [0]);
    assert!(AvroDecoder::with_writer(&record(&items(&fixed(11, ""))), &dataset, &[0]).is_err());
}

#[test]
fn what_cannot_be_read_is_refused_when_the_decoder_is_built() {
    let cases = [
        (r#"{"name":"a","type":"string"}"#, r#"{"name":"a","type":"int"}"#),
        (r#"{"name":"b","type":"int"}"#, r#"{"name":"a","type":"int"}"#),
        (r#"{"name":"a","type":"long"}"#, r#"{"name":"a","type":"int"}"#),
        (
            r#"{"name":"a","type":{"type":"long","logicalType":"timestamp-micros"}}"#,
            r#"{"name":"a","type":{"type":"long","logicalType":"timestamp-millis"}}"#,
        ),
        (r#"{"name":"a","type":"int"}"#, r#"{"name":"a","type":{"type":"record","name":"R","fields":[{"name":"x","type":"int"}]}}"#),
    ];
    let errors: Vec<String> = cases
        .iter()
        .map(|(writer, reader)| AvroDecoder::with_writer(&record(writer), &schema(reader), &[0]).unwrap_err().to_string())
        .collect();
    insta::assert_snapshot!(errors.join("\n"));
}
