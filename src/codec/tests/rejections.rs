//! Every rejection, with its field and its byte.

use std::fmt::Write;

use super::{all_fields, decode, schema};
use crate::codec::Decoder;
use crate::codec::avro::AvroDecoder;
use crate::codec::csv::CsvDecoder;
use crate::codec::json::JsonDecoder;
use crate::dataset::{DatasetSchema, Reason};

fn table(decoder: &mut dyn Decoder, payloads: &[&[u8]]) -> String {
    let decoded = decode(decoder, payloads);
    let mut table = String::new();
    for (index, payload) in (0u32..).zip(payloads) {
        let shown = payload.escape_ascii();
        match decoded.rejected.iter().find(|(rejected, _)| *rejected == index) {
            Some((_, rejection)) => writeln!(
                table,
                "{shown}\n    {} at byte {} of {}: {}",
                rejection.reason.name(),
                rejection.byte.map_or("?".to_owned(), |byte| byte.to_string()),
                rejection.field.as_deref().unwrap_or("the event"),
                rejection.message
            ),
            None => writeln!(table, "{shown}\n    decoded"),
        }
        .unwrap();
    }
    table
}

fn event() -> DatasetSchema {
    schema(
        r#"{"name":"id","type":"string"},
           {"name":"n","type":["null","int"],"default":null},
           {"name":"in","type":{"type":"record","name":"In","fields":[
             {"name":"flag","type":"boolean","default":false},
             {"name":"tags","type":{"type":"array","items":"string"},"default":[]},
             {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["a","b"]},"default":"a"}]}}"#,
    )
}

#[test]
fn avro() {
    let schema = event();
    let mut decoder = AvroDecoder::new(&schema, &all_fields(&schema)).unwrap();
    // id "ab", n 5, flag true, tags ["x"], kind b: 04 'a' 'b' 02 0a 01 02 02 'x' 00 02
    let payloads: [&[u8]; 24] = [
        b"\x04ab\x02\x0a\x01\x02\x02x\x00\x02",
        b"",
        b"\x04a",
        b"\x04ab",
        b"\x04ab\x02",
        b"\x04ab\x02\x0a\x01\x02\x02x\x00",
        b"\x04ab\x02\x0a\x01\x02\x02x\x00\x02\x00",
        b"\x04\xffb\x02\x0a\x01\x02\x02x\x00\x02",
        b"\x04a\xc3\x02\x0a\x01\x02\x02x\x00\x02",
        b"\x03ab\x02\x0a\x01\x02\x02x\x00\x02",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01ab",
        b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01ab",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7fab",
        b"\x04ab\x04\x0a\x01\x02\x02x\x00\x02",
        b"\x04ab\x01\x0a\x01\x02\x02x\x00\x02",
        b"\x04ab\x02\xfe\xff\xff\xff\x1f\x01\x00\x02",
        b"\x04ab\x02\x80",
        b"\x04ab\x00\x02\x00\x02",
        b"\x04ab\x00\x01\xc8\x01\x02x\x00\x02",
        b"\x04ab\x00\x01\x01\x04\x02x\x00\x02",
        b"\x04ab\x00\x01\x01\x06\x02x\x00\x02",
        b"\x04ab\x00\x01\x01\x01\x02x\x00\x02",
        b"\x04ab\x00\x01\x02\x02\x80\x00\x02",
        b"\x04ab\x00\x01\x00\x04",
    ];
    insta::assert_snapshot!(table(&mut decoder, &payloads));
}

/// Strings of every length take another way through the look for bytes beyond ASCII.
#[test]
fn a_byte_that_is_not_utf8_is_found_wherever_it_stands() {
    let schema = schema(r#"{"name":"text","type":"string"}"#);
    let mut decoder = AvroDecoder::new(&schema, &all_fields(&schema)).unwrap();
    let places: Vec<(usize, usize)> = (1..=40).flat_map(|len| (0..len).map(move |place| (len, place))).collect();
    let payload = |&(len, place): &(usize, usize)| {
        let mut bytes = vec![b'a'; 1 + len];
        (bytes[0], bytes[1 + place]) = (2 * len as u8, 0xff);
        bytes
    };
    let payloads: Vec<Vec<u8>> = places.iter().map(payload).collect();
    let decoded = decode(&mut decoder, &payloads.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let found: Vec<_> = decoded.rejected.iter().map(|(_, rejection)| (rejection.reason, rejection.byte)).collect();
    let expected: Vec<_> = places.iter().map(|(_, place)| (Reason::InvalidUtf8, Some(1 + place))).collect();
    assert_eq!(found, expected);
}

#[test]
fn avro_skips_by_length_what_nobody_asked_for() {
    let schema = event();
    let mut decoder = AvroDecoder::new(&schema, &[1]).unwrap();
    let payloads: [&[u8]; 4] = [
        b"\x04\xffb\x02\x0a\x01\x02\x02\x80\x00\x02",
        b"\x04ab\x02\x0a\x01\x04\x02x",
        b"\x04ab\x02\x0a\x01\x02\x02x\x00",
        b"\x04ab\x02\x0a\x01\x02\x02x\x00\x02!",
    ];
    insta::assert_snapshot!(table(&mut decoder, &payloads));
}

#[test]
fn json() {
    let schema = event();
    let mut decoder = JsonDecoder::new(&schema, &all_fields(&schema)).unwrap();
    let deep = format!(r#"{{"id":"a","in":{{}},"x":{}{}}}"#, "[".repeat(64), "]".repeat(64));
    let payloads: [&[u8]; 40] = [
        br#"{"id":"a","n":5,"in":{"flag":true,"tags":["x"],"kind":"b"}}"#,
        br#"{"id":"a","n":5.0,"in":{},"unknown":{"id":1}}"#,
        b"",
        b"  ",
        b"\xef\xbb\xbf{}",
        br#"{"id":"a"#,
        br#"{"id":"a","in":{}"#,
        br#"{"id":"a","in":{}} x"#,
        br#"{"id":"a","in":{}}{}"#,
        b"{\"id\":\"\xff\",\"in\":{}}",
        br#"{"id":"a","in":{},}"#,
        br#"{"id":"a" "in":{}}"#,
        br#"{"id":"\ud800","in":{}}"#,
        br#"{"id":'a'}"#,
        br#"[1]"#,
        br#" "text""#,
        br#"5"#,
        br#"null"#,
        br#"true"#,
        br#"{"id":5,"in":{}}"#,
        br#"{"id":null,"in":{}}"#,
        br#"{"id":true,"in":{}}"#,
        br#"{"id": [1],"in":{}}"#,
        br#"{"id":{ },"in":{}}"#,
        br#"{"in":{}}"#,
        br#"{"id":"a"}"#,
        br#"{"id":"a","in":null}"#,
        br#"{"id":"a","in":5}"#,
        br#"{"id":"a","n":5.5,"in":{}}"#,
        br#"{"id":"a","n":-3000000000,"in":{}}"#,
        br#"{"id":"a","n":99999999999999999999,"in":{}}"#,
        br#"{"id":"a","n":1e999,"in":{}}"#,
        br#"{"id":"a","n":"\"5\"" ,"in":{}}"#,
        br#"{"id":"a","n":NaN,"in":{}}"#,
        br#"{"id":"a","in":{},"id":"b"}"#,
        br#"{"id":"a","in":{"flag":true, "flag" : true}}"#,
        br#"{"id":"a","in":{"kind":"c"}}"#,
        br#"{"id":"a","in":{"tags":["x",5]}}"#,
        b"{\n \"id\": \"a\",\n \"in\": {\"flag\":\n  0}}",
        deep.as_bytes(),
    ];
    insta::assert_snapshot!(table(&mut decoder, &payloads));
}

#[test]
fn csv() {
    let schema = schema(
        r#"{"name":"id","type":"string"},{"name":"n","type":["null","int"]},{"name":"x","type":"double"},
           {"name":"t","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}"#,
    );
    let header = ["id", "extra", "n", "x", "t"].map(str::to_owned);
    let mut decoder = CsvDecoder::new(&schema, &all_fields(&schema), &header).unwrap();
    let payloads: [&[u8]; 16] = [
        b"a,,5,1.5,2020-02-29T17:04:05Z",
        b"\"a,\"\"b\"\"\",ignored,,1,",
        b"",
        b"a,,5",
        b"a,,5,1,,",
        b"\"\",,5,1,",
        b"a,,5,,",
        b"a,,five,1,",
        b"a,,5.5,1,",
        b"a,,3000000000,1,",
        b"a,,,nan,",
        b"a,,,1e999,",
        b"a,,,1,2020-02-30T00:00:00Z",
        b"a,,,1,2020-02-28T00:00:00",
        b"\"a,,,1,",
        b"\"a\"b,,,1,",
    ];
    insta::assert_snapshot!(table(&mut decoder, &payloads));
}

#[test]
fn a_long_array_of_nothing_is_refused_when_the_decoder_is_built() {
    let schema = schema(r#"{"name":"a","type":{"type":"array","items":"null"}}"#);
    assert_eq!(AvroDecoder::new(&schema, &[0]).unwrap_err().to_string(), "field `a`: an array of values that take no bytes");
}

#[test]
fn schemas_that_are_not_read() {
    let field = |kind: &str| {
        format!(
            r#"{{"type":"record","name":"E","fields":[{{"name":"in","type":{{"type":"record","name":"I","fields":[{{"name":"f","type":{kind}}}]}}}}]}}"#
        )
    };
    let texts = [
        "{".to_owned(),
        r#""string""#.to_owned(),
        field(r#"["null","E"]"#),
        field(r#"{"type":"bytes","logicalType":"big-decimal"}"#),
        field(r#"{"type":"bytes","logicalType":"decimal","precision":50,"scale":2}"#),
    ];
    let errors: Vec<String> = texts.iter().map(|text| DatasetSchema::parse_avro(text).unwrap_err().to_string()).collect();
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_schema_that_another_format_takes_has_a_help_that_names_it() {
    let help = |text: &str| DatasetSchema::parse_avro(text).unwrap_err().help();
    for text in [
        r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}"#,
        r#"{"type":"object","properties":{"price":{"type":"number"}}}"#,
        r#"{"type":"record","name":"E","fields":[{"name":"Annual Income ($k)","type":"double"}]}"#,
        r#"{"type":"record","name":"E","fields":[{"name":"@type","type":"string"}]}"#,
    ] {
        assert!(help(text).is_some_and(|help| help.contains("xdm_entity")), "{text}");
    }
    assert_eq!(help("{"), None);
    assert_eq!(help(r#"{"type":"array","items":"double"}"#), None);
}
