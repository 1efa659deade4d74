//! Rows written to a file are the rows read from it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Float32Builder, MapBuilder, StringBuilder};
use arrow_array::types::Float32Type;
use arrow_array::{
    ArrayRef, BinaryArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::data_type::{FixedLenByteArray, FixedLenByteArrayType};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::schema;
use crate::codec::file::{FileFormat, RawRows, RowFile, RowSink};

use crate::codec::json::{JsonDecoder, JsonEncoder};
use crate::codec::{Decoded, Encoded, Encoder};
use crate::dataset::{DatasetSchema, Reason};

const FIELDS: &str = r#"{"name":"id","type":"string"},{"name":"n","type":["null","int"]},{"name":"x","type":"double"},
    {"name":"t","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}"#;

fn events(count: usize) -> Vec<String> {
    let event = |row: usize| {
        let n = if row.is_multiple_of(3) { "null".to_owned() } else { row.to_string() };
        let text = ["plain", "with, comma", "with \\\"quotes\\\"", "two\\nlines", "ünïcödé"][row % 5];
        format!(r#"{{"id":"{text}","n":{n},"x":{}.5,"t":"2020-02-29T17:04:05.{:03}Z"}}"#, row, row % 1000)
    };
    (0..count).map(event).collect()
}

fn read_back(path: &Path, schema: &DatasetSchema, batch: usize) -> Vec<String> {
    let mut file = RowFile::open(path).unwrap();
    let projection = super::all_fields(schema);
    let mut decoder = file.decoder(schema, &projection).unwrap();
    let (mut rows, mut decoded, mut texts) = (RawRows::default(), Decoded::default(), Vec::new());
    loop {
        file.read(batch, &mut rows).unwrap();
        if rows.is_empty() {
            let (read, size) = file.progress();
            assert_eq!(read, size);
            return texts;
        }
        decoder.decode(&rows.payloads(), &mut decoded);
        assert_eq!(decoded.rejected, vec![]);
        let mut encoded = Encoded::default();
        JsonEncoder::for_schema(schema).encode(&decoded.columns, &mut (0..decoded.rows.len()), &mut encoded, &mut vec![]);
        texts.extend(encoded.iter().map(|(_, bytes)| String::from_utf8(bytes.to_vec()).unwrap()));
    }
}

/// Writes these ranges of rows, one after the other.
fn write(path: &Path, fields: &[(String, DataType, bool)], columns: &[ArrayRef], ranges: &[Range<usize>]) {
    let mut encoder = FileFormat::of(path).unwrap().encoder("caz.Row", fields).unwrap();
    let mut sink = RowSink::create(path, encoder.as_ref()).unwrap();
    for range in ranges {
        let (mut encoded, mut rejected) = (Encoded::default(), vec![]);
        encoder.encode(columns, &mut range.clone(), &mut encoded, &mut rejected);
        assert_eq!(rejected, vec![]);
        sink.write(&encoded).unwrap();
    }
    sink.finish().unwrap();
}

#[test]
fn every_format_gives_back_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let schema = schema(FIELDS);
    let events = events(3000);
    let payloads: Vec<&[u8]> = events.iter().map(|event| event.as_bytes()).collect();
    let decoded = super::decode(&mut JsonDecoder::new(&schema, &super::all_fields(&schema)).unwrap(), &payloads);
    assert_eq!(decoded.rejected, vec![]);
    let fields: Vec<_> = schema.fields().iter().map(|field| (field.path.clone(), field.data_type.clone(), field.nullable)).collect();
    for name in ["rows.csv", "rows.jsonl", "rows.ndjson", "rows.avro"] {
        let path = folder.path().join(name);
        write(&path, &fields, &decoded.columns, &[0..1000, 1000..3000]);
        for batch in [1, 64, 5000] {
            assert_eq!(read_back(&path, &schema, batch), events, "{name} by {batch}");
        }
    }
}

#[test]
fn apache_avro_reads_the_container_and_the_other_way_round() {
    let folder = tempfile::tempdir().unwrap();
    let schema = schema(FIELDS);
    let events = events(500);
    let payloads: Vec<&[u8]> = events.iter().map(|event| event.as_bytes()).collect();
    let decoded = super::decode(&mut JsonDecoder::new(&schema, &super::all_fields(&schema)).unwrap(), &payloads);
    let fields: Vec<_> = schema.fields().iter().map(|field| (field.path.clone(), field.data_type.clone(), field.nullable)).collect();
    let path = folder.path().join("ours.avro");
    write(&path, &fields, &decoded.columns, std::slice::from_ref(&(0..500)));
    let values: Vec<_> = apache_avro::Reader::new(std::fs::File::open(&path).unwrap()).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(values.len(), 500);

    for (name, codec) in [("null", apache_avro::Codec::Null), ("deflate", apache_avro::Codec::Deflate(Default::default()))] {
        let avro = apache_avro::Schema::parse_str(schema.text()).unwrap();
        let mut writer = apache_avro::Writer::with_codec(&avro, Vec::new(), codec).unwrap();
        for value in &values {
            writer.append_value_ref(value).unwrap();
        }
        let path = folder.path().join(format!("{name}.avro"));
        std::fs::write(&path, writer.into_inner().unwrap()).unwrap();
        assert_eq!(read_back(&path, &schema, 64), events);
    }
}

fn write_parquet<const N: usize>(path: &Path, columns: [(&str, ArrayRef); N]) {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// As Avro widens a float, and pandas.
#[test]
fn a_float_of_parquet_is_the_same_number_as_a_double() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let floats: ArrayRef = Arc::new(Float32Array::from(vec![Some(0.1), None, Some(f32::NAN)]));
    let lists = [Some(vec![Some(0.1), Some(f32::NAN)]), None, Some(vec![])];
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(lists));
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Float32Builder::new());
    maps.keys().append_value("a");
    maps.values().append_value(0.1);
    [true, false, true].into_iter().for_each(|is_there| maps.append(is_there).unwrap());
    write_parquet(&path, [("x", Arc::clone(&floats)), ("f", floats), ("l", lists), ("m", Arc::new(maps.finish()))]);
    let schema = schema(
        r#"{"name":"x","type":["null","double"]},{"name":"f","type":["null","float"]},
           {"name":"l","type":["null",{"type":"array","items":["null","double"]}]},
           {"name":"m","type":["null",{"type":"map","values":"double"}]}"#,
    );
    let expected = [
        r#"{"x":0.10000000149011612,"f":0.1,"l":[0.10000000149011612,null],"m":{"a":0.10000000149011612}}"#,
        r#"{"x":null,"f":null,"l":null,"m":null}"#,
        r#"{"x":null,"f":null,"l":[],"m":{}}"#,
    ];
    assert_eq!(read_back(&path, &schema, 64), expected);
}

#[test]
fn bytes_of_parquet_are_text_where_the_dataset_has_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let texts: ArrayRef = Arc::new(BinaryArray::from_vec(vec!["Zürich".as_bytes(), "".as_bytes()]));
    let fixed: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter([[b'a'; 16], [b'b'; 16]].into_iter()).unwrap());
    write_parquet(&path, [("city", Arc::clone(&texts)), ("raw", texts), ("id", fixed)]);
    let fields = r#"{"name":"city","type":"string"},{"name":"raw","type":"bytes"}"#;
    let expected = ["{\"city\":\"Zürich\",\"raw\":\"ZÃ¼rich\"}", "{\"city\":\"\",\"raw\":\"\"}"];
    assert_eq!(read_back(&path, &schema(fields), 64), expected);
    let refused = RowFile::open(&path).unwrap().decoder(&schema(r#"{"name":"id","type":"string"}"#), &[0]).map(|_| ()).unwrap_err();
    assert!(refused.to_string().ends_with("field `id`: a Parquet column of type FixedSizeBinary(16) is not read as Utf8"), "{refused}");
    write_parquet(&path, [("city", Arc::new(BinaryArray::from_vec(vec![b"Z\xfcrich".as_slice()])))]);
    let mut file = RowFile::open(&path).unwrap();
    file.decoder(&schema(r#"{"name":"city","type":"string"}"#), &[0]).unwrap();
    let damaged = file.read(64, &mut RawRows::default()).unwrap_err().to_string();
    assert!(damaged.contains("column `city`: "), "{damaged}");
}

#[test]
fn a_uuid_of_parquet_is_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let message = parse_message_type("message rows { required fixed_len_byte_array (16) u (UUID); }").unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = SerializedFileWriter::new(file, Arc::new(message), Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let bytes = FixedLenByteArray::from((0..16).collect::<Vec<u8>>());
    column.typed::<FixedLenByteArrayType>().write_batch(&[bytes], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let uuid = r#"{"u":"00010203-0405-0607-0809-0a0b0c0d0e0f"}"#;
    let fixed = r#"{"name":"u","type":{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}}"#;
    for field in [r#"{"name":"u","type":{"type":"string","logicalType":"uuid"}}"#, fixed] {
        assert_eq!(read_back(&path, &schema(field), 64), [uuid], "{field}");
    }
}

/// pandas writes dicts as records that have the keys of all rows.
#[test]
fn a_record_of_parquet_that_is_read_as_a_map_has_no_nulls() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let member = |name: &str, values: Vec<Option<f64>>| {
        (Arc::new(Field::new(name, DataType::Float64, true)), Arc::new(Float64Array::from(values)) as ArrayRef)
    };
    let dicts = StructArray::from(vec![member("a", vec![Some(1.0), None, None]), member("b", vec![None, Some(2.0), None])]);
    write_parquet(&path, [("v", Arc::new(dicts))]);
    for values in [r#""double""#, r#"["null","double"]"#] {
        let field = format!(r#"{{"name":"v","type":{{"type":"map","values":{values}}}}}"#);
        let expected = [r#"{"v":{"a":1.0}}"#, r#"{"v":{"b":2.0}}"#, r#"{"v":{}}"#];
        assert_eq!(read_back(&path, &schema(&field), 64), expected);
    }
}

/// A row is read by the columns that are asked for, whether they are in records or are named like the fields in them.
#[test]
fn parquet_is_read_by_the_fields_that_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let infinite: ArrayRef = Arc::new(Float64Array::from(vec![1.5, f64::NEG_INFINITY]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![None, Some(7.5)]));
    write_parquet(&path, [("unasked", Arc::clone(&infinite)), ("v.double", numbers), ("r.s.x", infinite), ("v.string", texts)]);
    let schema = schema(
        r#"{"name":"r","type":{"type":"record","name":"R","fields":[
             {"name":"s","type":["null",{"type":"record","name":"S","fields":[{"name":"x","type":"double"}]}]}]}},
           {"name":"v","type":["null","string","double"]},{"name":"d","type":"int","default":3}"#,
    );
    let read = |projection: &[usize]| {
        let (mut file, mut rows) = (RowFile::open(&path).unwrap(), RawRows::default());
        let mut decoder = file.decoder(&schema, projection).unwrap();
        file.read(64, &mut rows).unwrap();
        super::decode(decoder.as_mut(), &rows.payloads())
    };
    let all = read(&[0, 1, 2, 3]);
    let mut encoded = Encoded::default();
    JsonEncoder::for_schema(&schema).encode(&all.columns, &mut (0..1), &mut encoded, &mut vec![]);
    assert_eq!(encoded.get(0), br#"{"r":{"s":{"x":1.5}},"v":"a","d":3}"#);
    let (row, why) = &all.rejected[0];
    assert_eq!((*row, why.reason, why.field.as_deref()), (1, Reason::OutOfRange, Some("r.s.x")));
    for projection in [&[2, 1][..], &[3], &[]] {
        let decoded = read(projection);
        assert_eq!((decoded.rows, decoded.rejected), (vec![0, 1], vec![]), "{projection:?}");
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    std::fs::write(&path, "\u{feff}{\"i\":1}\n{\"i\":2}\n").unwrap();
    assert_eq!(read_back(&path, &schema(r#"{"name":"i","type":"int"}"#), 64), [r#"{"i":1}"#, r#"{"i":2}"#]);
}

#[test]
fn numbers_of_csv_may_have_blanks_beside_them_and_a_sign_before_zero() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, "i,x\n-0, -0\n 5 ,6 \n").unwrap();
    let schema = schema(r#"{"name":"i","type":"int"},{"name":"x","type":"double"}"#);
    assert_eq!(read_back(&path, &schema, 64), [r#"{"i":0,"x":-0.0}"#, r#"{"i":5,"x":6.0}"#]);
}

#[test]
fn a_column_of_csv_may_be_there_twice_if_no_field_is_read_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, "k,z,z,,\n1,2,3,,\n").unwrap();
    let schema = schema(r#"{"name":"k","type":"int"},{"name":"z","type":["null","int"]}"#);
    let mut file = RowFile::open(&path).unwrap();
    assert!(file.decoder(&schema, &[0]).is_ok());
    let refused = file.decoder(&schema, &[0, 1]).err().unwrap().to_string();
    assert!(refused.ends_with("column `z`: the file's header has it twice"), "{refused}");
}

/// The default of a record, or of a union, stands for all of it where the file has nothing of it.
#[test]
fn what_a_file_lacks_is_the_same_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("rows.csv"), "k,p.x\n1,5\n").unwrap();
    std::fs::write(path("rows.jsonl"), r#"{"k":1,"p":{"x":5}}"#).unwrap();
    let column = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    write_parquet(&path("rows.parquet"), [("k", column(1)), ("p.x", column(5))]);
    let fields = r#"{"name":"x","type":"int","default":3},{"name":"y","type":["int","null"],"default":4}"#;
    let record = |name: &str| format!(r#"{{"type":"record","name":"{name}","fields":[{fields}]}}"#);
    let [o, n, m, p] = ["O", "N", "M", "P"].map(record);
    let schema = schema(&format!(
        r#"{{"name":"k","type":"int"}},{{"name":"o","type":{o},"default":{{"x":9,"y":null}}}},{{"name":"n","type":["null",{n}],"default":null}},
           {{"name":"m","type":{m}}},{{"name":"p","type":["null",{p}],"default":null}},{{"name":"w","type":["string","long"],"default":"d"}}"#
    ));
    let expected = r#"{"k":1,"o":{"x":9,"y":null},"n":null,"m":{"x":3,"y":4},"p":{"x":5,"y":4},"w":"d"}"#;
    for name in ["rows.csv", "rows.jsonl", "rows.parquet"] {
        assert_eq!(read_back(&path(name), &schema, 64), [expected], "{name}");
    }
    for name in ["rows.csv", "rows.parquet"] {
        let absent = RowFile::open(&path(name)).unwrap().absent(&schema, &super::all_fields(&schema));
        let told: Vec<String> = absent.iter().map(|absent| format!("{}={}", absent.field.path, absent.value())).collect();
        assert_eq!(told.join(" "), r#"o.x=9 o.y=null n.x=null n.y=null m.x=3 m.y=4 p.y=4 w.string="d" w.long=null"#, "{name}");
    }
}

/// Where all fields may be null it would be a file of nulls.
#[test]
fn a_header_that_commas_do_not_part_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    let schema = schema(r#"{"name":"a","type":["null","int"]},{"name":"b","type":["null","int"]}"#);
    for header in ["a;b", "a\tb"] {
        std::fs::write(&path, format!("{header}\n1;2\n")).unwrap();
        let refused = RowFile::open(&path).unwrap().decoder(&schema, &[0, 1]).err().unwrap().to_string();
        assert!(refused.ends_with("the header is this one column; fields are separated by commas"), "{refused}");
    }
    std::fs::write(&path, "a\n1\n").unwrap();
    assert_eq!(read_back(&path, &schema, 64), [r#"{"a":1,"b":null}"#]);
}

#[test]
fn the_committed_dataset_decodes_without_a_rejection() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = DatasetSchema::parse_avro(&std::fs::read_to_string(root.join("schemas/car-insurance.avsc")).unwrap()).unwrap();
    assert_eq!(read_back(&root.join("datasets/car-insurance.csv"), &schema, 512).len(), 5000);
}

#[test]
fn damaged_files_say_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("empty.csv"), "").unwrap();
    std::fs::write(path("no.avro"), "Obj").unwrap();
    std::fs::write(path("rows.parquet"), "").unwrap();
    std::fs::write(path("rows.xlsx"), "").unwrap();
    let mut head = Vec::from(b"Obj\x01\x02\x16avro.schema\xfe\xff\xff\xff\x0f");
    std::fs::write(path("claims.avro"), &head).unwrap();
    head.truncate(8);
    std::fs::write(path("cut.avro"), &head).unwrap();
    let errors: Vec<String> = ["empty.csv", "no.avro", "rows.parquet", "rows.xlsx", "claims.avro", "cut.avro", "missing.csv"]
        .iter()
        .map(|name| RowFile::open(&path(name)).unwrap_err().to_string().replace(&format!("{}/", folder.path().display()), ""))
        .collect();
    insta::assert_snapshot!(errors.join("\n"));
}
