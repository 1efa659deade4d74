//! Unions of several types: which columns they have, and which values.

use std::fmt::Write;

use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};

use super::{all_fields, decode, schema};
use crate::codec::avro::{AvroDecoder, AvroEncoder};
use crate::codec::json::{JsonDecoder, JsonEncoder, Rules};
use crate::codec::{Encoded, Encoder};
use crate::dataset::DatasetSchema;

const CLICKS: &str = r#"{"name":"what","type":["null",
    {"type":"record","name":"shop.Click","fields":[{"name":"x","type":"int"}]},
    {"type":"record","name":"shop.View","fields":[{"name":"x","type":"int"},{"name":"page","type":["null","string"]}]},
    "string", {"type":"enum","name":"Kind","symbols":["a","b"]}]}"#;

fn columns(schema: &DatasetSchema) -> Vec<String> {
    let shown =
        |field: &crate::dataset::DatasetField| format!("{}: {}{}", field.path, field.data_type, if field.nullable { "?" } else { "" });
    schema.fields().iter().map(shown).collect()
}

#[test]
fn each_type_has_its_columns_under_the_branchs_name() {
    let schema = schema(&format!(
        r#"{CLICKS},
           {{"name":"long","type":["int","long"]}},{{"name":"double","type":["null","int","float"]}},{{"name":"one","type":["string"]}},
           {{"name":"list","type":{{"type":"array","items":["int","string"]}}}},{{"name":"at","type":["string",{{"type":"long","logicalType":"timestamp-millis"}}]}},
           {{"name":"same","type":["null",{{"type":"fixed","name":"a.F","size":1}},{{"type":"fixed","name":"b.F","size":2}}]}},
           {{"name":"lasts","type":["null",{{"type":"fixed","name":"D","size":12,"logicalType":"duration"}}]}}"#
    ));
    insta::assert_snapshot!(columns(&schema).join("\n"));
}

fn datum(fields: &str, values: Vec<(&str, Value)>) -> Vec<u8> {
    let schema = Schema::parse_str(&format!(r#"{{"type":"record","name":"Event","fields":[{fields}]}}"#)).unwrap();
    let record = Value::Record(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(record).unwrap()
}

fn union(index: u32, value: Value) -> Value {
    Value::Union(index, Box::new(value))
}

#[test]
fn records_of_a_union_are_read_and_written_back() {
    let schema = schema(CLICKS);
    let click = union(1, Value::Record(vec![("x".into(), Value::Int(1))]));
    let page = union(1, Value::String("home".into()));
    let view = union(2, Value::Record(vec![("x".into(), Value::Int(2)), ("page".into(), page)]));
    let values = [click, view, union(3, Value::String("text".into())), union(4, Value::Enum(1, "b".into())), union(0, Value::Null)];
    let datums: Vec<Vec<u8>> = values.into_iter().map(|value| datum(CLICKS, vec![("what", value)])).collect();
    let payloads: Vec<&[u8]> = datums.iter().map(Vec::as_slice).collect();
    let decoded = decode(&mut AvroDecoder::new(&schema, &all_fields(&schema)).unwrap(), &payloads);
    insta::assert_debug_snapshot!(decoded.columns);
    let (mut encoded, mut rejected) = (Encoded::default(), vec![]);
    AvroEncoder::for_schema(&schema).encode(&decoded.columns, &mut (0..5), &mut encoded, &mut rejected);
    assert_eq!(rejected, vec![]);
    assert_eq!(encoded.iter().map(|(_, bytes)| bytes).collect::<Vec<_>>(), payloads);
    // What nobody asked for is skipped, whatever its branch.
    let page = schema.field("what.View.page").unwrap().0;
    let part = decode(&mut AvroDecoder::new(&schema, &[page]).unwrap(), &payloads);
    assert_eq!(&part.columns[0], &decoded.columns[page]);
}

#[test]
fn what_nobody_asked_for_is_not_looked_at() {
    let schema = schema(&format!(
        r#"{{"name":"price","type":"int"}},{CLICKS},{{"name":"one","type":["null","string","long"]}},{{"name":"must","type":["string","long"]}},
           {{"name":"of","type":{{"type":"record","name":"Of","fields":[{{"name":"a","type":"int"}},{{"name":"v","type":["string","long"]}}]}}}},
           {{"name":"lasts","type":{{"type":"fixed","name":"D","size":12,"logicalType":"duration"}}}}"#
    ));
    let column = |name: &str| schema.field(name).unwrap().0;
    let rejected = |rules, asked: &str, event: &str| {
        let mut decoder = JsonDecoder::by(rules, &schema, &[column(asked)]).unwrap();
        decode(&mut decoder, &[format!(r#"{{"price":1,{event}}}"#).as_bytes()]).rejected
    };
    let plain = [
        ("price", r#""one":1.5,"what":{"x":1}"#),
        ("price", r#""must":1.5,"of":5,"lasts":5"#),
        ("price", r#""must":null,"of":{"a":"x","v":1.5}"#),
        ("of.a", r#""of":{"a":1,"v":1.5}"#),
        ("what.View.page", r#""what":{"Click":{"x":"no"}}"#),
        ("what.View.page", r#""what":{"View":{"x":"no","page":null}}"#),
    ];
    for (asked, event) in plain {
        assert_eq!(rejected(Rules::Plain, asked, event), vec![], "{asked}: {event}");
    }
    for event in [r#""one":{"float":1.5}"#, r#""must":null,"of":[],"lasts":"x""#] {
        assert_eq!(rejected(Rules::Avro, "price", event), vec![], "{event}");
    }
    for (asked, event) in [("of.a", r#""of":5"#), ("one.long", r#""one":1.5"#), ("what.View.page", r#""what":{"View":{"page":5}}"#)] {
        assert_eq!(rejected(Rules::Plain, asked, event).len(), 1, "{asked}: {event}");
    }
    // JSON it must be all the same, and no member twice.
    let deep = format!(r#""of":{}{}"#, "[".repeat(70), "]".repeat(70));
    for event in [r#""of":{"a":01}"#, r#""one":[1,}"#, r#""must":"x" "y""#, r#""of":{},"of":{}"#, deep.as_str()] {
        assert_eq!(rejected(Rules::Plain, "price", event).len(), 1, "{event}");
    }
}

#[test]
fn numbers_are_promoted_and_written_back() {
    let fields = r#"{"name":"n","type":["int","long"]},{"name":"d","type":["null","int","float","double"]}"#;
    let values = [
        (union(0, Value::Int(-1)), union(1, Value::Int(3)), Some(3.0)),
        (union(1, Value::Long(1 << 40)), union(2, Value::Float(0.5)), Some(0.5)),
        (union(1, Value::Long(0)), union(3, Value::Double(0.1)), Some(0.1)),
        (union(1, Value::Long(0)), union(0, Value::Null), None),
    ];
    let datums: Vec<Vec<u8>> = values.iter().map(|(n, d, _)| datum(fields, vec![("n", n.clone()), ("d", d.clone())])).collect();
    let payloads: Vec<&[u8]> = datums.iter().map(Vec::as_slice).collect();
    let schema = schema(fields);
    let mut decoder = AvroDecoder::new(&schema, &[0, 1]).unwrap();
    let decoded = decode(&mut decoder, &payloads);
    assert_eq!(decoded.columns[0].as_primitive::<Int64Type>().values(), &[-1, 1 << 40, 0, 0]);
    let doubles: Vec<Option<f64>> = decoded.columns[1].as_primitive::<Float64Type>().iter().collect();
    assert_eq!(doubles, values.map(|(.., expected)| expected));
    // Written as the widest branch, which is another than the one it came as, it is the same number.
    let mut encoded = Encoded::default();
    AvroEncoder::for_schema(&schema).encode(&decoded.columns, &mut (0..4), &mut encoded, &mut vec![]);
    let again: Vec<&[u8]> = encoded.iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(decode(&mut decoder, &again).columns, decoded.columns);
}

#[test]
fn types_of_one_shape_are_told_apart_by_their_names() {
    let record = |name: &str| format!(r#"{{"type":"record","name":"{name}","fields":[{{"name":"x","type":"int","default":0}}]}}"#);
    let renamed = |name: &str, alias: &str| record(name).replace(r#""fields""#, &format!(r#""aliases":["{alias}"],"fields""#));
    let fixed = |name: &str| format!(r#"{{"type":"fixed","name":"{name}","size":1}}"#);
    let symbols = |name: &str| format!(r#"{{"type":"enum","name":"{name}","symbols":["a"]}}"#);
    let x = |value| Value::Record(vec![("x".into(), Value::Int(value))]);
    let union = |types: &[String]| format!("[{}]", types.join(","));
    let array = |kind: &str| format!(r#"{{"type":"array","items":{kind}}}"#);
    let cases = [
        (union(&[fixed("A"), fixed("B")]), union(&[fixed("A"), fixed("B")]), vec![Value::Fixed(1, vec![1]), Value::Fixed(1, vec![2])]),
        (union(&[fixed("A"), fixed("B")]), union(&[fixed("B"), fixed("A")]), vec![Value::Fixed(1, vec![1]), Value::Fixed(1, vec![2])]),
        (union(&[record("x.Click"), record("y.Click")]), union(&[record("y.Click"), record("x.Click")]), vec![x(1), x(2)]),
        (union(&[symbols("x.E"), symbols("y.E")]), union(&[symbols("x.E"), symbols("y.E")]), vec![Value::Enum(0, "a".into()); 2]),
        (union(&[record("Old"), record("Other")]), union(&[record("Other"), renamed("New", "Old")]), vec![x(1), x(2)]),
        // A writer's type without a name in the dataset's union is the first that fits, unless that is another one's.
        (union(&[record("Click"), record("View")]), union(&[record("Click"), record("Buy")]), vec![x(1), x(2)]),
        (union(&[record("Click"), record("View")]), union(&[record("Click"), symbols("E")]), vec![x(1), x(2)]),
        (union(&[record("Click"), record("View")]), record("Click"), vec![x(1), x(2)]),
        (union(&[record("Click"), record("View")]), record("Buy"), vec![x(1), x(2)]),
    ];
    let mut told = String::new();
    for (writer, reader, values) in cases {
        for (theirs, ours, in_array) in [(writer.clone(), reader.clone(), false), (array(&writer), array(&reader), true)] {
            let theirs = format!(r#"{{"name":"v","type":{theirs}}}"#);
            let dataset = schema(&format!(r#"{{"name":"v","type":{ours}}}"#));
            let schema = Schema::parse_str(&format!(r#"{{"type":"record","name":"Event","fields":[{theirs}]}}"#)).unwrap();
            let mut decoder = AvroDecoder::with_writer(&schema, &dataset, &all_fields(&dataset)).unwrap();
            let columns: Vec<_> =
                dataset.fields().iter().map(|field| (field.path.clone(), field.data_type.clone(), field.nullable)).collect();
            writeln!(told, "{theirs} as {ours}").unwrap();
            for (index, value) in (0..).zip(&values) {
                let value = self::union(index, value.clone());
                let value = if in_array { Value::Array(vec![value]) } else { value };
                let decoded = decode(&mut decoder, &[&datum(&theirs, vec![("v", value)])]);
                let mut encoded = Encoded::default();
                JsonEncoder::new(&columns).unwrap().encode(&decoded.columns, &mut (0..decoded.rows.len()), &mut encoded, &mut vec![]);
                encoded.iter().for_each(|(_, event)| writeln!(told, "    {}", event.escape_ascii()).unwrap());
                decoded.rejected.iter().for_each(|(_, why)| writeln!(told, "    {}: {}", why.reason.name(), why.message).unwrap());
            }
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_fault_is_at_the_field_beneath_the_branch() {
    let fields = r#"{"name":"v","type":["null",{"type":"record","name":"Click","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["a"]}}]},"string"]},
        {"name":"l","type":{"type":"array","items":["int","string"]}}"#;
    let schema = schema(fields);
    let mut avro = AvroDecoder::new(&schema, &all_fields(&schema)).unwrap();
    let mut told = String::new();
    for payload in [b"\x02\x08\x00".as_slice(), b"\x04\x02\xff\x00", b"\x00\x02\x02\x02\xff\x00"] {
        let decoded = decode(&mut avro, &[payload]);
        let why = &decoded.rejected[0].1;
        writeln!(told, "avro {}: {} at {:?}", payload.escape_ascii(), why.reason.name(), why.field).unwrap();
    }
    for (rules, payload) in [
        (Rules::Plain, r#"{"v":{"e":"b"},"l":[]}"#),
        (Rules::Avro, r#"{"v":{"Click":{"e":"b"}},"l":[]}"#),
        (Rules::Avro, r#"{"v":null,"l":[{"int":"b"}]}"#),
    ] {
        let mut decoder = JsonDecoder::by(rules, &schema, &all_fields(&schema)).unwrap();
        let decoded = decode(&mut decoder, &[payload.as_bytes()]);
        let why = &decoded.rejected[0].1;
        writeln!(told, "{rules:?} {payload}: {} at {:?}", why.reason.name(), why.field).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn an_enums_default_takes_no_text_that_another_type_has() {
    let schema = schema(
        r#"{"name":"v","type":["null",{"type":"enum","name":"E","symbols":["A","B"],"default":"A"},"string"]},
           {"name":"l","type":{"type":"array","items":[{"type":"enum","name":"F","symbols":["A"],"default":"A"},"long"]}}"#,
    );
    let fields: Vec<_> = schema.fields().iter().map(|field| (field.path.clone(), field.data_type.clone(), field.nullable)).collect();
    let payloads: [&[u8]; 2] = [br#"{"v":"B","l":["other",1]}"#, br#"{"v":"other","l":[]}"#];
    let decoded = decode(&mut JsonDecoder::new(&schema, &all_fields(&schema)).unwrap(), &payloads);
    let mut encoded = Encoded::default();
    JsonEncoder::new(&fields).unwrap().encode(&decoded.columns, &mut (0..2), &mut encoded, &mut vec![]);
    let texts: Vec<_> = encoded.iter().map(|(_, bytes)| std::str::from_utf8(bytes).unwrap()).collect();
    let expected =
        [r#"{"v.E":"B","v.string":null,"l":[{"F":"A","long":null},{"F":null,"long":1}]}"#, r#"{"v.E":null,"v.string":"other","l":[]}"#];
    assert_eq!(texts, expected);
}

#[test]
fn a_union_of_null_alone_has_a_column() {
    let schema = schema(r#"{"name":"a","type":["null"]},{"name":"b","type":"long"},{"name":"c","type":"long"}"#);
    for rules in [Rules::Plain, Rules::Avro] {
        let decoded = decode(&mut JsonDecoder::by(rules, &schema, &[1, 2]).unwrap(), &[br#"{"a":null,"b":1,"c":2}"#, br#"{"b":3,"c":4}"#]);
        assert_eq!(decoded.rejected, vec![], "{rules:?}");
        let values = decoded.columns.iter().map(|column| column.as_primitive::<Int64Type>().values().to_vec());
        assert_eq!(values.collect::<Vec<_>>(), [[1, 3], [2, 4]], "{rules:?}");
    }
}

#[test]
fn writers_with_other_unions_find_the_branch() {
    let dataset =
        schema(r#"{"name":"v","type":["null","string","long"],"default":null},{"name":"w","type":["string","boolean"],"default":"new"}"#);
    let cases = [
        (r#"{"name":"v","type":"int"}"#, Value::Int(5)),
        (r#"{"name":"v","type":["boolean","int","bytes"]}"#, union(2, Value::Bytes(b"b".to_vec()))),
        (r#"{"name":"v","type":["long","string"]}"#, union(0, Value::Long(7))),
        (r#"{"name":"v","type":["boolean","int"]}"#, union(0, Value::Boolean(true))),
        (r#"{"name":"v","type":"null"}"#, Value::Null),
    ];
    let shown: Vec<String> = cases
        .map(|(fields, value)| {
            let writer = Schema::parse_str(&format!(r#"{{"type":"record","name":"Event","fields":[{fields}]}}"#)).unwrap();
            let mut decoder = AvroDecoder::with_writer(&writer, &dataset, &all_fields(&dataset)).unwrap();
            let decoded = decode(&mut decoder, &[&datum(fields, vec![("v", value)])]);
            format!("{fields}\n{:?}\n{:?}", decoded.columns, decoded.rejected)
        })
        .into();
    insta::assert_snapshot!(shown.join("\n\n"));
    let writer = Schema::parse_str(r#"{"type":"record","name":"Event","fields":[{"name":"v","type":"boolean"}]}"#).unwrap();
    let refused = AvroDecoder::with_writer(&writer, &dataset, &[0]).unwrap_err().to_string();
    assert_eq!(refused, "field `v`: the writer's boolean is no branch of the dataset's union");
}
