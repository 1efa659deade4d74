//! Rows written to a file are the rows read from it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::Float32Type;
use arrow_array::{ArrayRef, Float32Array, ListArray, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;

use super::schema;
use crate::codec::file::{FileFormat, RawRows, RowFile, RowSink};

use crate::codec::json::{JsonDecoder, JsonEncoder};
use crate::codec::{Decoded, Encoded, Encoder};
use crate::dataset::DatasetSchema;

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

/// As Avro widens a float, and pandas.
#[test]
fn a_float_of_parquet_is_the_same_number_as_a_double() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let floats: ArrayRef = Arc::new(Float32Array::from(vec![Some(0.1), None, Some(f32::NAN)]));
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>([Some(vec![Some(0.1)]), None, Some(vec![])]));
    let columns = [("x", Arc::clone(&floats), true), ("f", floats, true), ("l", lists, true)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let schema = schema(
        r#"{"name":"x","type":["null","double"]},{"name":"f","type":["null","float"]},
           {"name":"l","type":["null",{"type":"array","items":["null","double"]}]}"#,
    );
    let expected = [
        r#"{"x":0.10000000149011612,"f":0.1,"l":[0.10000000149011612]}"#,
        r#"{"x":null,"f":null,"l":null}"#,
        r#"{"x":null,"f":null,"l":[]}"#,
    ];
    assert_eq!(read_back(&path, &schema, 64), expected);
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
