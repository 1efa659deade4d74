//! The JSON codecs agree with serde_json and with each other.

use std::fmt::Write;
use std::sync::Arc;

use apache_avro::Schema;
use apache_avro::types::Value;
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_schema::DataType;
use proptest::prelude::*;
use serde_json::json;

use super::agreement::assert_events;
use super::random::{Dataset, datasets};
use super::{all_fields, decode, schema};
use crate::codec::avro::AvroDecoder;
use crate::codec::fuzz::is_value;
use crate::codec::json::{JsonDecoder, JsonEncoder, Rules};
use crate::codec::view::View;
use crate::codec::{Encoded, Encoder};
use crate::dataset::Reason;

/// Whether every float of a value is one that JSON has.
fn is_finite(value: &Value) -> bool {
    match value {
        Value::Float(value) => value.is_finite(),
        Value::Double(value) => value.is_finite(),
        Value::Union(_, value) => is_finite(value),
        Value::Array(items) => items.iter().all(is_finite),
        Value::Map(entries) => entries.values().all(is_finite),
        Value::Record(fields) => fields.iter().all(|(_, value)| is_finite(value)),
        _ => true,
    }
}

/// The event as a tree of serde_json's, with times as numbers.
fn tree(value: &Value) -> serde_json::Value {
    let latin1 = |bytes: &[u8]| json!(bytes.iter().map(|byte| char::from(*byte)).collect::<String>());
    match value {
        Value::Null => json!(null),
        Value::Boolean(value) => json!(value),
        Value::Int(value) | Value::Date(value) | Value::TimeMillis(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::Double(value) => json!(value),
        Value::String(text) | Value::Enum(_, text) => json!(text),
        Value::Bytes(bytes) | Value::Fixed(_, bytes) => latin1(bytes),
        Value::Decimal(decimal) => {
            let unscaled = crate::codec::text::decimal_from_be(&<Vec<u8>>::try_from(decimal.clone()).unwrap(), 38).unwrap();
            let mut text = Vec::new();
            crate::codec::text::write_decimal(&mut text, unscaled, 2);
            json!(String::from_utf8(text).unwrap())
        }
        Value::Union(_, value) => tree(value),
        Value::Array(items) => items.iter().map(tree).collect(),
        Value::Map(entries) => entries.iter().map(|(key, value)| (key.clone(), tree(value))).collect(),
        Value::Record(fields) => fields.iter().rev().map(|(name, value)| (name.clone(), tree(value))).collect(),
        Value::Long(value)
        | Value::TimeMicros(value)
        | Value::TimestampMillis(value)
        | Value::TimestampMicros(value)
        | Value::TimestampNanos(value)
        | Value::LocalTimestampMillis(value)
        | Value::LocalTimestampMicros(value)
        | Value::LocalTimestampNanos(value) => json!(value),
        Value::Duration(duration) => {
            let bytes: [u8; 12] = (*duration).into();
            let part = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            json!({"millis": part(8), "months": part(0), "days": part(4)})
        }
        other => panic!("no tree of {other:?}"),
    }
}

/// The event as the Avro specification encodes it.
fn avro_tree(schema: &Schema, value: &Value) -> serde_json::Value {
    match (schema, value) {
        (_, Value::Union(_, value)) if **value == Value::Null => json!(null),
        (Schema::Union(union), Value::Union(index, value)) => {
            let branch = &union.variants()[*index as usize];
            let name = branch.name().map_or_else(|| type_name(value).to_owned(), |name| name.fullname(None));
            json!({ name: avro_tree(branch, value) })
        }
        (Schema::Array(array), Value::Array(items)) => items.iter().map(|item| avro_tree(&array.items, item)).collect(),
        (Schema::Map(map), Value::Map(entries)) => entries.iter().map(|(key, value)| (key.clone(), avro_tree(&map.types, value))).collect(),
        (Schema::Record(record), Value::Record(fields)) => {
            let fields = record.fields.iter().zip(fields);
            fields.map(|(field, (name, value))| (name.clone(), avro_tree(&field.schema, value))).collect()
        }
        (_, Value::Decimal(decimal)) => {
            let bytes = <Vec<u8>>::try_from(decimal.clone()).unwrap();
            json!(bytes.iter().map(|byte| char::from(*byte)).collect::<String>())
        }
        (_, value) => tree(value),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Boolean(_) => "boolean",
        Value::Int(_) | Value::Date(_) | Value::TimeMillis(_) => "int",
        Value::Float(_) => "float",
        Value::Double(_) => "double",
        Value::String(_) => "string",
        Value::Bytes(_) | Value::Decimal(_) => "bytes",
        Value::Array(_) => "array",
        Value::Map(_) => "map",
        _ => "long",
    }
}

fn columns(dataset: &Dataset) -> Vec<ArrayRef> {
    let datums = dataset.datums();
    let payloads: Vec<&[u8]> = datums.iter().map(Vec::as_slice).collect();
    decode(&mut AvroDecoder::new(&dataset.schema, &all_fields(&dataset.schema)).unwrap(), &payloads).columns
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn decodes_what_serde_json_writes(dataset in datasets(2), pretty in any::<bool>()) {
        let mut dataset = dataset;
        dataset.events.retain(is_finite);
        let lines: Vec<Vec<u8>> = dataset.events.iter().map(|event| match pretty {
            true => serde_json::to_vec_pretty(&tree(event)).unwrap(),
            false => serde_json::to_vec(&tree(event)).unwrap(),
        }).collect();
        let payloads: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let decoded = decode(&mut JsonDecoder::new(&dataset.schema, &all_fields(&dataset.schema)).unwrap(), &payloads);
        prop_assert_eq!(&decoded.rejected, &vec![]);
        assert_events(&dataset, &decoded.columns);
    }

    #[test]
    fn decodes_avros_own_json(dataset in datasets(2)) {
        let mut dataset = dataset;
        dataset.events.retain(is_finite);
        let lines: Vec<Vec<u8>> =
            dataset.events.iter().map(|event| serde_json::to_vec(&avro_tree(&dataset.avro, event)).unwrap()).collect();
        let payloads: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let decoded = decode(&mut JsonDecoder::by(Rules::Avro, &dataset.schema, &all_fields(&dataset.schema)).unwrap(), &payloads);
        prop_assert_eq!(&decoded.rejected, &vec![]);
        assert_events(&dataset, &decoded.columns);
    }

    #[test]
    fn encodes_avros_own_json(dataset in datasets(2)) {
        let mut encoded = Encoded::default();
        JsonEncoder::by(Rules::Avro, &dataset.schema).encode(&columns(&dataset), &mut (0..dataset.events.len()), &mut encoded, &mut vec![]);
        let decoder = JsonDecoder::by(Rules::Avro, &dataset.schema, &all_fields(&dataset.schema));
        let payloads: Vec<&[u8]> = encoded.iter().map(|(_, bytes)| bytes).collect();
        let decoded = decode(&mut decoder.unwrap(), &payloads);
        prop_assert_eq!(&decoded.rejected, &vec![]);
        let sound = dataset.events.iter().filter(|event| is_finite(event)).cloned().collect();
        assert_events(&Dataset { events: sound, ..dataset }, &decoded.columns);
    }

    #[test]
    fn decodes_what_is_encoded(dataset in datasets(2)) {
        let mut encoded = Encoded::default();
        let mut rejected = vec![];
        let mut encoder = JsonEncoder::for_schema(&dataset.schema);
        encoder.encode(&columns(&dataset), &mut (0..dataset.events.len()), &mut encoded, &mut rejected);
        for (row, event) in dataset.events.iter().enumerate() {
            let refused = rejected.iter().any(|(rejected, rejection)| *rejected == row && rejection.reason == Reason::NotFinite);
            prop_assert_eq!(refused, !is_finite(event));
        }
        let mut finite = dataset.clone();
        finite.events.retain(is_finite);
        let payloads: Vec<&[u8]> = encoded.iter().map(|(_, bytes)| bytes).collect();
        let decoded = decode(&mut JsonDecoder::new(&dataset.schema, &all_fields(&dataset.schema)).unwrap(), &payloads);
        prop_assert_eq!(&decoded.rejected, &vec![]);
        assert_events(&finite, &decoded.columns);
    }

    /// What serde_json does not take is refused, and where both take it they take the same number.
    #[test]
    fn numbers_are_those_of_serde_json(text in "-?[0-9]{1,25}(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?") {
        let schema = schema(r#"{"name":"x","type":"double"}"#);
        let payload = format!(r#"{{"x":{text}}}"#);
        let decoded = decode(&mut JsonDecoder::new(&schema, &[0]).unwrap(), &[payload.as_bytes()]);
        let theirs: Result<serde_json::Value, _> = serde_json::from_str(&text);
        match theirs {
            Ok(number) => {
                prop_assert_eq!(&decoded.rejected, &vec![]);
                let view = View::new(decoded.columns[0].as_ref()).unwrap();
                prop_assert!(is_value(&view.cell(0), &Value::Double(number.as_f64().unwrap())));
                prop_assert_eq!(number.as_f64().unwrap(), text.parse::<f64>().unwrap());
            }
            Err(_) => prop_assert_eq!(decoded.rejected.len(), 1),
        }
    }
}

#[test]
fn missing_members_take_defaults_or_null() {
    let schema = schema(
        r#"{"name":"a","type":"int","default":7},{"name":"b","type":["null","string"]},
           {"name":"c","type":{"type":"record","name":"C","fields":[{"name":"d","type":"string","default":"x"},{"name":"e","type":["null","int"],"default":null}]}},
           {"name":"f","type":["null",{"type":"record","name":"F","fields":[{"name":"g","type":"string"}]}],"default":null},
           {"name":"h","type":{"type":"array","items":"int"},"default":[1,2]},
           {"name":"i","type":{"type":"record","name":"I","fields":[{"name":"j","type":"int"}]},"default":{"j":5}}"#,
    );
    let fields: Vec<_> = schema.fields().iter().map(|field| (field.path.clone(), field.data_type.clone(), field.nullable)).collect();
    for rules in [Rules::Plain, Rules::Avro] {
        let mut decoder = JsonDecoder::by(rules, &schema, &all_fields(&schema)).unwrap();
        let decoded = decode(&mut decoder, &[b"{}", br#"{"c":{},"i":{"j":6}}"#]);
        assert_eq!(decoded.rejected, vec![], "{rules:?}");
        let mut encoded = Encoded::default();
        JsonEncoder::new(&fields).unwrap().encode(&decoded.columns, &mut (0..2), &mut encoded, &mut vec![]);
        let texts: Vec<_> = encoded.iter().map(|(_, bytes)| std::str::from_utf8(bytes).unwrap()).collect();
        assert_eq!(texts[0], r#"{"a":7,"b":null,"c.d":"x","c.e":null,"f.g":null,"h":[1,2],"i.j":5}"#, "{rules:?}");
        assert_eq!(texts[1], r#"{"a":7,"b":null,"c.d":"x","c.e":null,"f.g":null,"h":[1,2],"i.j":6}"#, "{rules:?}");
    }
}

#[test]
fn a_decimal_is_the_number_that_was_written_or_it_is_refused() {
    let schema = schema(r#"{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":38,"scale":2}}"#);
    let mut decoder = JsonDecoder::new(&schema, &[0]).unwrap();
    let mut told = String::new();
    for number in [
        "1234567890123.45",
        "1234567890123.5",
        "12345678901234567.89",
        "9007199254740993",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551617",
        "1e20",
        "-0.5",
        "1.005",
        r#""12345678901234567.89""#,
        r#""18446744073709551617""#,
    ] {
        let decoded = decode(&mut decoder, &[format!(r#"{{"d":{number}}}"#).as_bytes()]);
        let outcome = match decoded.rejected.first() {
            None => format!("{:?}", View::new(decoded.columns[0].as_ref()).unwrap().cell(0)),
            Some((_, why)) => format!("{}: {}", why.reason.name(), why.message),
        };
        writeln!(told, "{number}\n    {outcome}").unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn an_integer_that_a_double_cannot_tell_is_refused() {
    let schema = schema(r#"{"name":"n","type":"long"}"#);
    let mut decoder = JsonDecoder::new(&schema, &[0]).unwrap();
    let payloads = ["9007199254740991.0", "9007199254740992.0", "9007199254740993.0", "-9007199254740992e0", "9007199254740993"];
    let payloads = payloads.map(|number| format!(r#"{{"n":{number}}}"#).into_bytes());
    let decoded = decode(&mut decoder, &payloads.each_ref().map(Vec::as_slice));
    assert_eq!(decoded.rows, [0, 4]);
    assert!(decoded.rejected.iter().all(|(_, why)| why.reason == Reason::OutOfRange), "{:?}", decoded.rejected);
}

#[test]
fn values_of_fixed_length_are_avros_json_by_its_rules() {
    let schema = schema(
        r#"{"name":"u","type":{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}},
           {"name":"d","type":["null",{"type":"fixed","name":"D","size":4,"logicalType":"decimal","precision":9,"scale":2}]}"#,
    );
    let uuid = "550e8400-e29b-41d4-a716-446655440000";
    let bytes = crate::codec::text::parse_uuid(uuid).unwrap();
    let datum = [bytes.as_slice(), b"\x02\xff\xff\xff\xfe"].concat();
    let columns = decode(&mut AvroDecoder::new(&schema, &[0, 1]).unwrap(), &[&datum]).columns;
    let latin1 = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    let by_avro = json!({ "u": latin1(&bytes), "d": { "D": latin1(b"\xff\xff\xff\xfe") } });
    for (rules, expected) in [(Rules::Plain, json!({ "u": uuid, "d": "-0.02" })), (Rules::Avro, by_avro)] {
        let mut encoded = Encoded::default();
        JsonEncoder::by(rules, &schema).encode(&columns, &mut (0..1), &mut encoded, &mut vec![]);
        assert_eq!(serde_json::from_slice::<serde_json::Value>(encoded.get(0)).unwrap(), expected, "{rules:?}");
        let decoded = decode(&mut JsonDecoder::by(rules, &schema, &[0, 1]).unwrap(), &[encoded.get(0)]);
        assert_eq!((decoded.columns, decoded.rejected), (columns.clone(), vec![]), "{rules:?}");
    }
    let mut told = String::new();
    for (rules, payload) in [
        (Rules::Plain, r#"{"u":"550E8400E29B41D4A716446655440000","d":null}"#),
        (Rules::Plain, r#"{"u":"550e8400","d":null}"#),
        (Rules::Avro, r#"{"u":"550e8400-e29b-41d4-a716-446655440000","d":null}"#),
        (Rules::Avro, r#"{"u":"0123456789abcdef","d":{"D":"abc"}}"#),
        (Rules::Avro, r#"{"u":"0123456789abcdef","d":{"D":"\u0000\u0000\u0000\u0001"}}"#),
    ] {
        let decoded = decode(&mut JsonDecoder::by(rules, &schema, &[0, 1]).unwrap(), &[payload.as_bytes()]);
        let outcome = match decoded.rejected.first() {
            None => decoded
                .columns
                .iter()
                .map(|column| format!("{:?}", View::new(column.as_ref()).unwrap().cell(0)))
                .collect::<Vec<_>>()
                .join(", "),
            Some((_, why)) => format!("{} of {}: {}", why.reason.name(), why.field.as_deref().unwrap_or("?"), why.message),
        };
        writeln!(told, "{rules:?} {payload}\n    {outcome}").unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_character_is_escaped_wherever_it_stands() {
    let characters = ('\0'..='\u{80}').chain(['ß', '€', '😀']);
    let texts: Vec<String> = characters
        .flat_map(|character| (0..36).flat_map(move |before| [0, 15, 16, 33].map(|behind| (character, before, behind))))
        .map(|(character, before, behind)| format!("{}{character}{}", "a".repeat(before), "a".repeat(behind)))
        .collect();
    let column: ArrayRef = Arc::new(StringArray::from(texts.clone()));
    let mut encoded = Encoded::default();
    let mut encoder = JsonEncoder::new(&[("t".to_owned(), DataType::Utf8, false)]).unwrap();
    encoder.encode(&[column], &mut (0..texts.len()), &mut encoded, &mut vec![]);
    assert_eq!(encoded.len(), texts.len());
    for (row, bytes) in encoded.iter() {
        assert_eq!(std::str::from_utf8(bytes), Ok(json!({"t": texts[row]}).to_string().as_str()));
    }
}

#[test]
fn arrays_of_objects_are_structs() {
    let schema = schema(
        r#"{"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[
             {"name":"sku","type":"string"},{"name":"n","type":["null","int"]},{"name":"price","type":"double","default":1.5}]}}}"#,
    );
    let payload = br#"{"items":[{"sku":"a","x":{"deep":[1]}},{"price":2,"n":3,"sku":"b"}]}"#;
    let decoded =
        decode(&mut JsonDecoder::new(&schema, &[0]).unwrap(), &[payload, br#"{"items":[{"sku":"a"},{"n":1}]}"#, br#"{"items":[]}"#]);
    assert_eq!(decoded.rows, [0, 2]);
    insta::assert_debug_snapshot!(decoded.columns[0]);
    assert_eq!(decoded.rejected[0].1.field.as_deref(), Some("items.sku"));
}

#[test]
fn instants_are_read_in_every_form() {
    let schema = schema(r#"{"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}}"#);
    let mut decoder = JsonDecoder::new(&schema, &[0]).unwrap();
    let forms = [
        r#""2020-02-29T17:04:05Z""#,
        r#""2020-02-29T17:04:05.000Z""#,
        r#""2020-02-29t18:04:05.000999999+01""#,
        r#""2020-02-29 18:34:05+01:30""#,
        r#""2020-02-29T13:04:05-0400""#,
        "1582995845000",
        "1582995845000.0",
        "1.582995845e12",
    ];
    for form in forms {
        let payload = format!(r#"{{"t":{form}}}"#);
        let decoded = decode(&mut decoder, &[payload.as_bytes()]);
        assert_eq!(decoded.rejected, vec![], "{form}");
        let view = View::new(decoded.columns[0].as_ref()).unwrap();
        assert!(is_value(&view.cell(0), &Value::TimestampMillis(1_582_995_845_000)), "{form}");
    }
}

#[test]
fn unions_are_told_apart_by_their_values_or_by_name() {
    let schema = schema(
        r#"{"name":"v","type":["null","boolean","long","string",{"type":"array","items":"int"}]},
           {"name":"r","type":["null",{"type":"record","name":"shop.Click","fields":[{"name":"x","type":"int"}]},
             {"type":"record","name":"shop.View","fields":[{"name":"x","type":"int"}]},"string"]}"#,
    );
    let plain: [&[u8]; 14] = [
        br#"{"v":null,"r":null}"#,
        br#"{"v":true,"r":"text"}"#,
        br#"{"v":5,"r":{"Click":{"x":1}}}"#,
        br#"{"v":"5","r":{"shop.View":{"x":2}}}"#,
        br#"{"v":[1,2],"r":null}"#,
        br#"{}"#,
        br#"{"v":5.5}"#,
        br#"{"v":{"long":5}}"#,
        br#"{"v":["x"]}"#,
        br#"{"r":{"x":1}}"#,
        br#"{"r":{}}"#,
        br#"{"r":{"Click":{"x":"1"}}}"#,
        br#"{"r":{"Click":{"x":1},"View":{"x":1}}}"#,
        br#"{"r":5}"#,
    ];
    let avro: [&[u8]; 6] = [
        br#"{"v":{"long":5},"r":{"shop.Click":{"x":1}}}"#,
        br#"{"v":null,"r":{"string":"x"}}"#,
        br#"{"v":5}"#,
        br#"{"v":{"int":5}}"#,
        br#"{"v":{"long":5,"long":6}}"#,
        br#"{"v":{"long":"5"}}"#,
    ];
    let mut told = String::new();
    for (rules, payloads) in [(Rules::Plain, plain.as_slice()), (Rules::Avro, avro.as_slice())] {
        let mut decoder = JsonDecoder::by(rules, &schema, &all_fields(&schema)).unwrap();
        for payload in payloads {
            let decoded = decode(&mut decoder, &[payload]);
            let shown: Vec<String> = decoded
                .columns
                .iter()
                .zip(schema.fields())
                .filter(|(column, _)| column.len() == 1 && column.is_valid(0))
                .map(|(column, field)| format!("{} = {:?}", field.path, View::new(column.as_ref()).unwrap().cell(0)))
                .collect();
            let rejected = decoded.rejected.iter().map(|(_, why)| {
                format!("{} at byte {} of {}: {}", why.reason.name(), why.byte.unwrap(), why.field.as_deref().unwrap_or("?"), why.message)
            });
            told.push_str(&format!(
                "{rules:?} {}\n    {}\n",
                payload.escape_ascii(),
                shown.into_iter().chain(rejected).collect::<Vec<_>>().join(", ")
            ));
        }
    }
    insta::assert_snapshot!(told);
}

/// Fields of long arrays: of floats, with nulls, of arrays, of integers, of a union, in an object; and a text.
const LONG_ARRAYS: &str = r#"{"name":"a","type":{"type":"array","items":"float"}},
    {"name":"b","type":["null",{"type":"array","items":["null","double"]}],"default":null},
    {"name":"c","type":{"type":"array","items":{"type":"array","items":"double"}},"default":[]},
    {"name":"d","type":{"type":"record","name":"D","fields":[{"name":"e","type":{"type":"array","items":"double"}}]}},
    {"name":"n","type":{"type":"array","items":"long"},"default":[]},
    {"name":"u","type":{"type":"array","items":["boolean","double"]},"default":[]},
    {"name":"t","type":"string","default":""}"#;

/// Numbers, and seldom what is none, or does not fit.
fn item() -> impl Strategy<Value = String> {
    prop_oneof![
        300 => "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,18})?",
        60 => "-?[1-9]\\.[0-9]{1,9}[eE][+-]?[0-9]",
        10 => "[1-9][0-9]{14,21}",
        1 => prop::sample::select(vec!["null", "true", "1.5e-300", "1e39", "1e400", "01", "1.", "\"1\"", "[]", "{}", ""]).prop_map(str::to_owned),
    ]
}

fn array() -> impl Strategy<Value = String> {
    (prop::collection::vec(item(), 0..40), prop::sample::select(vec![",", ", ", "\n,"]))
        .prop_map(|(items, comma)| format!("[{}]", items.join(comma)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn long_arrays_of_numbers_are_read_as_short_ones(
        a in array(), b in prop::option::of(array()), c in prop::collection::vec(array(), 0..3), d in array(), t in ".{0,8}|\\[1,2,3,4,5,6,7,8\\]",
        n in prop::option::of(prop::collection::vec(-99_i64..1 << 60, 0..20)), u in prop::option::of(array()), surplus in prop::option::of(array()), damage in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let schema = schema(LONG_ARRAYS);
        // Digits of a mark anywhere keep every array in the text: all but the first decoder's way is the same.
        let event = |mark: &str| {
            let member = |name: &str, value: Option<&String>| value.map_or_else(String::new, |value| format!(", \"{name}\": {value}"));
            let n = n.as_ref().map(|n| format!("{n:?}"));
            let (n, b, u, surplus, t) = (member("n", n.as_ref()), member("b", b.as_ref()), member("u", u.as_ref()), member("surplus", surplus.as_ref()), json!(t));
            let mut text = format!(r#"{{"mark": "{mark}", "a": {a}{b}, "c": [{}], "t": {t}{n}{u}{surplus}, "d": {{"e": {d}}}}}"#, c.join(","));
            if let Some(damage) = &damage {
                let at = (0..=damage.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                text.truncate(at);
            }
            text
        };
        let mut decoder = JsonDecoder::new(&schema, &all_fields(&schema)).unwrap();
        let good = r#"{"a": [1,2,3,4,5,6,7,8], "d": {"e": []}}"#;
        let mut decoded = ["18446744072", "18446744073"].map(|mark| {
            let text = event(mark);
            decode(&mut decoder, &[good.as_bytes(), text.as_bytes(), good.as_bytes()])
        });
        let [apart, whole] = &mut decoded;
        prop_assert_eq!(&apart.columns, &whole.columns);
        prop_assert_eq!(&apart.rows, &whole.rows);
        let told = |mark: &str, decoded: &crate::codec::Decoded| format!("{:?}", decoded.rejected).replace(mark, "");
        prop_assert_eq!(told("18446744072", apart), told("18446744073", whole));
    }
}

#[test]
fn an_event_with_long_arrays_of_a_union_is_read_once_more() {
    let schema = schema(LONG_ARRAYS);
    let mut decoder = JsonDecoder::new(&schema, &all_fields(&schema)).unwrap();
    let event = br#"{"a": [1,2,3,4,5,6,7,8], "d": {"e": [1,2,3,4,5,6,7,8.5]}, "n": [1,2,3,4,5,6,7,8], "u": [1,2,3,4,5,6,7,8.5]}"#;
    let decoded = decode(&mut decoder, &[event, event]);
    assert_eq!((decoded.rows, decoded.rejected), (vec![0, 1], Vec::new()));
}
