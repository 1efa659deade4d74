//! Headers before datums: what they say, and what is wrong with those that say nothing.

use std::fmt::Write;

use apache_avro::Schema;
use apache_avro::types::{Record, Value};
use apache_avro::writer::datum::GenericDatumWriter;

use super::{all_fields, decode, schema};
use crate::codec::avro::{AvroDecoder, AvroEncoder, KnownSchemas, WriterSchemas};
use crate::codec::frame::Framing;
use crate::codec::json::JsonDecoder;
use crate::codec::{Decoder, Encoded, Encoder};
use crate::dataset::DatasetSchema;

const OLD: &str = r#"{"type":"record","name":"Event","fields":[{"name":"n","type":"int"},{"name":"gone","type":"string"}]}"#;

fn event() -> DatasetSchema {
    schema(r#"{"name":"id","type":"string","default":"none"},{"name":"n","type":"long"}"#)
}

fn single_object() -> AvroDecoder {
    let (schema, mut known) = (event(), KnownSchemas::default());
    known.add(schema.text()).unwrap();
    known.add(OLD).unwrap();
    known.add(r#"{"type":"record","name":"Event","fields":[{"name":"n","type":"string"}]}"#).unwrap();
    AvroDecoder::framed(Framing::SingleObject, WriterSchemas::Known(known), &schema, &all_fields(&schema)).unwrap()
}

fn datum(text: &str, fields: &[(&str, Value)]) -> Vec<u8> {
    let schema = Schema::parse_str(text).unwrap();
    let mut record = Record::new(&schema).unwrap();
    fields.iter().for_each(|(name, value)| record.put(name, value.clone()));
    let datum = GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(record).unwrap();
    [Framing::SingleObject.header(fingerprint(text)), datum].concat()
}

fn fingerprint(text: &str) -> u64 {
    KnownSchemas::default().add(text).unwrap()
}

#[test]
fn a_fingerprint_is_the_specifications() {
    // The first rows of the specification's test file `schema-tests.txt`.
    for (text, expected) in [
        (r#""null""#, 7_195_948_357_588_979_594_i64),
        (r#""boolean""#, -6_970_731_678_124_411_036),
        (r#""int""#, 8_247_732_601_305_521_295),
    ] {
        assert_eq!(fingerprint(text).cast_signed(), expected, "{text}");
    }
}

#[test]
fn a_fingerprint_is_fastavros() {
    // As `fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")` of fastavro 1.13.1 tells, whose digits are of the bytes.
    for (text, expected) in [
        (r#"{"type":"int","logicalType":"date"}"#, 0x8f5c_393f_1ad5_7572_u64),
        (r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#, 0x6519_20c3_da16_c04f),
        (r#"{"type":"fixed","name":"F","namespace":"a.b","size":16,"logicalType":"uuid","aliases":["G"]}"#, 0xd171_ad06_482d_641a),
        (r#"{"type":"fixed","name":"D","size":12,"logicalType":"duration"}"#, 0x3488_5d48_dc6c_5dbd),
        (
            r#"{"type":"record","name":"Event","namespace":"shop","doc":"d","aliases":["Old"],"fields":[
                {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"x","default":0,"aliases":["when"],"order":"ignore"},
                {"name":"price","type":["null",{"type":"fixed","name":"other.Money","size":8,"logicalType":"decimal","precision":18,"scale":4}],
                 "default":null},
                {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["A","B"],"default":"A"}},
                {"name":"more","type":{"type":"array","items":"Kind"}},
                {"name":"tags","type":{"type":"map","values":["string","other.Money"]}},
                {"name":"id","type":{"type":"string","logicalType":"uuid"}}]}"#,
            0x0931_3943_60b4_c062,
        ),
    ] {
        assert_eq!(fingerprint(text).swap_bytes(), expected, "{text}");
    }
}

#[test]
fn schemas_that_their_fingerprint_does_not_tell_apart_are_refused() {
    let event = |field: &str| format!(r#"{{"type":"record","name":"Event","fields":[{{"name":"at",{field}}}]}}"#);
    let mut known = KnownSchemas::default();
    let key = known.add(&event(r#""type":{"type":"long","logicalType":"timestamp-millis"}"#)).unwrap();
    let same = known.add(&event(r#""type":{"type":"long","logicalType":"timestamp-millis"},"doc":"told","aliases":["when"]"#));
    assert_eq!(same.unwrap(), key);
    let other = known.add(&event(r#""type":{"type":"long","logicalType":"timestamp-micros"}"#));
    insta::assert_snapshot!(other.unwrap_err());
}

/// Java and the registry take any text as the default of a text or a fixed; apache-avro parses it by the logical type.
#[test]
fn a_writers_defaults_are_not_looked_at() {
    for (kind, default) in [
        (r#"{"type":"string","logicalType":"uuid"}"#, r#""unknown""#),
        (r#"{"type":"fixed","name":"D","size":12,"logicalType":"duration"}"#, r#""twelve bytes""#),
        (r#""double""#, "9223372036854775808"),
    ] {
        let field = format!(r#"{{"name":"a","type":{kind},"default":{default}}}"#);
        let record = format!(r#"{{"type":"record","name":"I","fields":[{field}]}}"#);
        let nested = format!(r#"{{"name":"in","type":["null",{{"type":"array","items":{record}}}]}}"#);
        for fields in [&field, &nested] {
            let text = format!(r#"{{"type":"record","name":"E","fields":[{fields}]}}"#);
            assert!(Schema::parse_str(&text).is_err(), "{text}");
            fingerprint(&text);
        }
    }
}

#[test]
fn a_batch_mixes_writers_and_keeps_its_order() {
    let old = |n: i32| datum(OLD, &[("n", Value::Int(n)), ("gone", Value::String("x".into()))]);
    let new = |id: &str, n: i64| datum(event().text(), &[("id", Value::String(id.into())), ("n", Value::Long(n))]);
    let payloads = [old(1), new("b", 2), old(3), b"\xc3\x01".to_vec(), new("e", 5), new("f", 6), old(7)];
    let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let decoded = decode(&mut single_object(), &payloads);
    assert_eq!(decoded.rows, [0, 1, 2, 4, 5, 6]);
    insta::assert_debug_snapshot!(decoded.columns);
}

#[test]
fn what_is_encoded_with_a_header_is_decoded() {
    let schema = event();
    let mut known = KnownSchemas::default();
    let key = known.add(schema.text()).unwrap();
    let payload = datum(schema.text(), &[("id", Value::String("a".into())), ("n", Value::Long(1))]);
    let mut decoder = AvroDecoder::framed(Framing::SingleObject, WriterSchemas::Known(known), &schema, &[0, 1]).unwrap();
    let decoded = decode(&mut decoder, &[&payload]);
    let mut encoder = AvroEncoder::for_schema(&schema).with_header(Framing::SingleObject.header(key));
    let mut encoded = Encoded::default();
    encoder.encode(&decoded.columns, &mut (0..1), &mut encoded, &mut vec![]);
    assert_eq!(encoded.get(0), payload);
}

fn table(name: &str, decoder: &mut dyn Decoder, payloads: &[&[u8]], into: &mut String) {
    for payload in payloads {
        let decoded = decode(decoder, &[payload]);
        let shown = payload.escape_ascii();
        match decoded.rejected.first() {
            None => writeln!(into, "{name} {shown}\n    decoded").unwrap(),
            Some((_, rejection)) => writeln!(
                into,
                "{name} {shown}\n    {} {} at byte {} of {}: {}",
                rejection.phase.name(),
                rejection.reason.name(),
                rejection.byte.unwrap(),
                rejection.field.as_deref().unwrap_or("the event"),
                rejection.message
            )
            .unwrap(),
        }
    }
}

#[test]
fn headers_that_are_wrong() {
    let mut told = String::new();
    let sound = datum(event().text(), &[("id", Value::String("a".into())), ("n", Value::Long(1))]);
    let unreadable =
        datum(r#"{"type":"record","name":"Event","fields":[{"name":"n","type":"string"}]}"#, &[("n", Value::String("x".into()))]);
    let mut flipped = sound.clone();
    flipped[2] ^= 1;
    let payloads: [&[u8]; 8] =
        [&sound, b"", b"\xc3", b"\xc3\x02aaaaaaaa", b"\xc3\x01aaaaaaa", &flipped, &sound[..10], &sound[..sound.len() - 1]];
    table("single_object", &mut single_object(), &payloads, &mut told);
    table("single_object", &mut single_object(), &[&unreadable], &mut told);
    let schema = event();
    for (name, framing) in [("confluent", Framing::Confluent), ("apicurio", Framing::Apicurio)] {
        let writers = WriterSchemas::Known(KnownSchemas::default());
        let mut decoder = AvroDecoder::framed(framing, writers, &schema, &[0, 1]).unwrap();
        let negative = b"\x00\xc4\x9a\x31\xf0\x00\x00\x00\x01\x02";
        table(
            name,
            &mut decoder,
            &[b"", b"\x00", b"\x01\x00\x00\x00\x01", b"\x00\x00\x00\x00", b"\xc3\x01\x00\x00\x00", negative],
            &mut told,
        );
        let mut decoder = JsonDecoder::new(&schema, &[0, 1]).unwrap().framed(framing);
        let header = framing.header(7);
        let json = |text: &[u8]| [header.as_slice(), text].concat();
        table(name, &mut decoder, &[&json(br#"{"n":1}"#), &json(br#"{"n":"x"}"#), &json(b""), br#"{"n":1}"#], &mut told);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn ids_are_big_endian_and_fingerprints_little() {
    assert_eq!(Framing::None.header(5), b"");
    assert_eq!(Framing::Confluent.header(0x0102_0304), [0, 1, 2, 3, 4]);
    assert_eq!(Framing::Apicurio.header(0x0102_0304), [0, 0, 0, 0, 0, 1, 2, 3, 4]);
    assert_eq!(Framing::SingleObject.header(0x0102), [0xc3, 1, 2, 1, 0, 0, 0, 0, 0, 0]);
    for framing in [Framing::Confluent, Framing::Apicurio, Framing::SingleObject] {
        assert_eq!(framing.key(&framing.header(77)).unwrap(), 77);
        assert_eq!(framing.header(77).len(), framing.header_bytes());
    }
}
