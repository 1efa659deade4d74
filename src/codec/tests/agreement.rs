//! The Avro codecs agree with apache-avro and arrow-avro.

use std::sync::Arc;

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use arrow_array::{Array, RecordBatch};
use arrow_avro::codec::Tz;
use arrow_avro::reader::{DecoderMode, ReaderBuilder};
use arrow_avro::schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore};
use arrow_schema::{DataType, Field};
use proptest::prelude::*;

use super::random::{Dataset, datasets, simple_datasets};
use super::{all_fields, decode};
use crate::codec::avro::{AvroDecoder, AvroEncoder};
use crate::codec::fuzz::{at_path, is_value};
use crate::codec::view::View;
use crate::codec::{Encoded, Encoder};

/// Checks columns, one per field, against the events they came from.
pub(super) fn assert_events(dataset: &Dataset, columns: &[arrow_array::ArrayRef]) {
    for (field, column) in dataset.schema.fields().iter().zip(columns) {
        assert_eq!(column.data_type(), &field.data_type);
        let view = View::new(column.as_ref()).unwrap();
        for (row, event) in dataset.events.iter().enumerate() {
            let (cell, value) = (view.cell(row), at_path(event, &field.path));
            assert!(is_value(&cell, &value), "{} of row {row}: {cell:?} is not {value:?}", field.path);
        }
    }
}

/// Bit for bit, since NaN does not equal itself.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Union(at, ours), Value::Union(index, theirs)) => at == index && same(ours, theirs),
        (Value::Record(ours), Value::Record(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| ours.0 == theirs.0 && same(&ours.1, &theirs.1))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        (Value::Map(ours), Value::Map(theirs)) => {
            ours.len() == theirs.len() && ours.iter().all(|(key, value)| theirs.get(key).is_some_and(|theirs| same(value, theirs)))
        }
        (Value::Float(ours), Value::Float(theirs)) => ours.to_bits() == theirs.to_bits(),
        (Value::Double(ours), Value::Double(theirs)) => ours.to_bits() == theirs.to_bits(),
        // Lengths differ, values do not.
        (Value::Decimal(ours), Value::Decimal(theirs)) => {
            let value =
                |decimal: &apache_avro::Decimal| crate::codec::text::decimal_from_be(&<Vec<u8>>::try_from(decimal.clone()).unwrap(), 38);
            value(ours) == value(theirs)
        }
        _ => ours == theirs,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn decodes_what_apache_avro_encodes(dataset in datasets(2)) {
        let datums = dataset.datums();
        let payloads: Vec<&[u8]> = datums.iter().map(Vec::as_slice).collect();
        let mut decoder = AvroDecoder::new(&dataset.schema, &all_fields(&dataset.schema)).unwrap();
        let decoded = decode(&mut decoder, &payloads);
        prop_assert_eq!(&decoded.rejected, &vec![]);
        assert_events(&dataset, &decoded.columns);
    }

    #[test]
    fn a_projection_is_the_columns_it_names(dataset in datasets(2), keep in proptest::bits::u32::ANY) {
        let datums = dataset.datums();
        let payloads: Vec<&[u8]> = datums.iter().map(Vec::as_slice).collect();
        let every = all_fields(&dataset.schema);
        let mut projection: Vec<usize> = every.iter().copied().filter(|field| keep >> (field % 32) & 1 == 1).collect();
        projection.reverse();
        let whole = decode(&mut AvroDecoder::new(&dataset.schema, &every).unwrap(), &payloads);
        let part = decode(&mut AvroDecoder::new(&dataset.schema, &projection).unwrap(), &payloads);
        prop_assert_eq!(part.rows.len(), payloads.len());
        for (field, column) in projection.iter().zip(&part.columns) {
            prop_assert_eq!(column, &whole.columns[*field]);
        }
    }

    #[test]
    fn apache_avro_reads_what_is_encoded(dataset in datasets(2)) {
        let datums = dataset.datums();
        let payloads: Vec<&[u8]> = datums.iter().map(Vec::as_slice).collect();
        let decoded = decode(&mut AvroDecoder::new(&dataset.schema, &all_fields(&dataset.schema)).unwrap(), &payloads);
        let (mut encoded, mut rejected) = (Encoded::default(), vec![]);
        AvroEncoder::for_schema(&dataset.schema).encode(&decoded.columns, &mut (0..payloads.len()), &mut encoded, &mut rejected);
        prop_assert_eq!(rejected, vec![]);
        let reader = GenericDatumReader::builder(&dataset.avro).build().unwrap();
        for (row, mut datum) in encoded.iter() {
            let value = reader.read_value(&mut datum).unwrap();
            prop_assert!(datum.is_empty());
            prop_assert!(same(&value, &dataset.events[row]), "{value:?} is not {:?}", dataset.events[row]);
        }
    }

    #[test]
    fn a_derived_schema_carries_the_columns(dataset in simple_datasets(0)) {
        let datums = dataset.datums();
        let payloads: Vec<&[u8]> = datums.iter().map(Vec::as_slice).collect();
        let decoded = decode(&mut AvroDecoder::new(&dataset.schema, &all_fields(&dataset.schema)).unwrap(), &payloads);
        let fields: Vec<_> = dataset.schema.fields().iter().map(|field| (field.path.clone(), field.data_type.clone(), field.nullable)).collect();
        let mut encoder = AvroEncoder::new("caz.Score", &fields).unwrap();
        let (mut encoded, mut rejected) = (Encoded::default(), vec![]);
        encoder.encode(&decoded.columns, &mut (0..payloads.len()), &mut encoded, &mut rejected);
        prop_assert_eq!(rejected, vec![]);
        let derived = apache_avro::Schema::parse_str(encoder.schema().unwrap()).unwrap();
        let reader = GenericDatumReader::builder(&derived).build().unwrap();
        for (row, mut datum) in encoded.iter() {
            let value = reader.read_value(&mut datum).unwrap();
            for (field, column) in fields.iter().zip(&decoded.columns) {
                let view = View::new(column.as_ref()).unwrap();
                let (cell, value) = (view.cell(row), at_path(&value, &field.0));
                prop_assert!(is_value(&cell, &value), "{cell:?} is not {value:?}");
            }
        }
    }

    #[test]
    fn arrow_avro_decodes_the_same_columns(dataset in simple_datasets(0)) {
        let datums = dataset.datums();
        let payloads: Vec<&[u8]> = datums.iter().map(Vec::as_slice).collect();
        let decoded = decode(&mut AvroDecoder::new(&dataset.schema, &all_fields(&dataset.schema)).unwrap(), &payloads);
        let theirs = arrow_avro(dataset.schema.text(), &payloads);
        for (field, (ours, theirs)) in dataset.schema.fields().iter().zip(decoded.columns.iter().zip(theirs.columns())) {
            // It names the fields of lists and maps otherwise, and makes dictionaries of enums.
            if !field.data_type.is_nested() && !matches!(theirs.data_type(), DataType::Dictionary(..)) {
                let same = ours.to_data() == theirs.to_data();
                prop_assert!(same, "{}: {:?} and {:?}", field.path, ours, theirs);
            }
        }
    }
}

fn arrow_avro(schema: &str, payloads: &[&[u8]]) -> RecordBatch {
    let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
    store.set(Fingerprint::Id(1), AvroSchema::new(schema.to_owned())).unwrap();
    let mut decoder = ReaderBuilder::new()
        .with_batch_size(payloads.len())
        .with_writer_schema_store(store)
        .with_active_fingerprint(Fingerprint::Id(1))
        .with_decoder_mode(DecoderMode::UnframedDatum)
        .with_tz(Tz::Utc)
        .build_decoder()
        .unwrap();
    for payload in payloads {
        assert_eq!(decoder.decode(payload).unwrap(), payload.len());
    }
    decoder.flush().unwrap().unwrap()
}

#[test]
fn a_member_that_avro_cannot_name_is_refused_with_its_column() {
    let record = DataType::Struct(vec![Field::new("@id", DataType::Utf8, true)].into());
    let list = DataType::List(Arc::new(Field::new("item", record, true)));
    let refused = AvroEncoder::new("Score", &[("l".to_owned(), list, true)]).unwrap_err().to_string();
    assert!(refused.starts_with("column `l.@id`: an Avro name has "), "{refused}");
}

#[test]
fn a_derived_schema_names_no_type_twice() {
    let record = |name: &str, kind: DataType| DataType::Struct(vec![Field::new(name, kind, true)].into());
    let fields = [
        ("a".to_owned(), record("b", record("c", DataType::FixedSizeBinary(2))), true),
        ("a_b".to_owned(), record("c", DataType::FixedSizeBinary(3)), true),
        ("Score".to_owned(), record("record", DataType::Int64), false),
    ];
    let schema = AvroEncoder::new("caz.Score_record", &fields).unwrap().schema().unwrap().to_owned();
    insta::assert_snapshot!(schema);
    let names: Vec<&str> = schema.split(r#""name":""#).skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let types: Vec<&&str> = names.iter().filter(|name| name.ends_with(|end: char| end.is_ascii_digit() || end == 'd')).collect();
    assert!(types.iter().enumerate().all(|(at, name)| !types[..at].contains(name)), "{types:?}");
}
