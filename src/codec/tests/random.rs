//! Random schemas and values of them.

use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use serde_json::json;

use crate::dataset::DatasetSchema;

/// The type of a field; what is random of a schema.
#[derive(Clone, Debug)]
pub(super) enum Spec {
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Text,
    Bytes,
    Fixed,
    Enum,
    Date,
    TimeMillis,
    TimeMicros,
    Timestamp(&'static str),
    Decimal,
    Optional(Box<Spec>, bool),
    Array(Box<Spec>),
    Map(Box<Spec>),
    Record(Vec<Spec>),
    Duration,
    /// A union of several types, with null at the end or not.
    Several(Vec<Spec>, bool),
}

fn single() -> BoxedStrategy<Spec> {
    prop_oneof![
        Just(Spec::Boolean),
        Just(Spec::Int),
        Just(Spec::Long),
        Just(Spec::Float),
        Just(Spec::Double),
        Just(Spec::Text),
        Just(Spec::Bytes),
        Just(Spec::Fixed),
        Just(Spec::Enum),
        Just(Spec::Date),
        Just(Spec::TimeMillis),
        Just(Spec::TimeMicros),
        Just(Spec::Decimal),
        prop::sample::select(vec![
            "timestamp-millis",
            "timestamp-micros",
            "timestamp-nanos",
            "local-timestamp-millis",
            "local-timestamp-micros",
            "local-timestamp-nanos"
        ])
        .prop_map(Spec::Timestamp),
    ]
    .boxed()
}

fn optional(inner: impl Strategy<Value = Spec> + 'static) -> BoxedStrategy<Spec> {
    (inner, any::<Option<bool>>())
        .prop_map(|(spec, null)| match null {
            Some(first) => Spec::Optional(Box::new(spec), first),
            None => spec,
        })
        .boxed()
}

/// Unions of several types, none of them twice, and of one number at most: in plain JSON `5.0` may be either.
fn several() -> BoxedStrategy<Spec> {
    let branches = vec![
        Spec::Text,
        Spec::Boolean,
        Spec::Long,
        Spec::Double,
        Spec::Array(Box::new(Spec::Int)),
        Spec::Map(Box::new(Spec::Record(vec![Spec::Text]))),
    ];
    let numbers = |chosen: &Vec<Spec>| chosen.iter().filter(|spec| matches!(spec, Spec::Long | Spec::Double)).count() > 1;
    (prop::sample::subsequence(branches, 2..4).prop_filter("two numbers", move |chosen| !numbers(chosen)), any::<bool>())
        .prop_map(|(branches, null)| Spec::Several(branches, null))
        .boxed()
}

/// A field; a `simple` one is neither a duration nor has it unions of several types, which have more columns than one.
fn field(depth: u32, simple: bool) -> BoxedStrategy<Spec> {
    let item = || optional(single());
    let flat = prop_oneof![
        8 => optional(single()),
        1 => optional(item().prop_map(|item| Spec::Array(Box::new(item)))),
        1 => optional(item().prop_map(|item| Spec::Map(Box::new(item)))),
        1 => vec(item(), 1..3).prop_map(|fields| Spec::Array(Box::new(Spec::Record(fields)))),
    ];
    let more = prop_oneof![optional(Just(Spec::Duration)), several(), several().prop_map(|item| Spec::Array(Box::new(item)))];
    let flat = if simple { flat.boxed() } else { prop_oneof![5 => flat, 1 => more].boxed() };
    if depth == 0 {
        return flat;
    }
    // A record that may be null begins with a field that may not: else a record of nulls and a null record are the same columns.
    let record = (single(), vec(field(depth - 1, simple), 0..3)).prop_map(|(first, mut rest)| {
        rest.insert(0, first);
        Spec::Record(rest)
    });
    prop_oneof![6 => flat, 1 => optional(record)].boxed()
}

impl Spec {
    fn schema(&self, names: &mut usize) -> serde_json::Value {
        *names += 1;
        let name = format!("n{names}");
        match self {
            Self::Boolean => json!("boolean"),
            Self::Int => json!("int"),
            Self::Long => json!("long"),
            Self::Float => json!("float"),
            Self::Double => json!("double"),
            Self::Text => json!("string"),
            Self::Bytes => json!("bytes"),
            Self::Fixed => json!({ "type": "fixed", "name": name, "size": 3 }),
            Self::Enum => json!({ "type": "enum", "name": name, "symbols": ["a", "bc", "def"] }),
            Self::Date => json!({ "type": "int", "logicalType": "date" }),
            Self::TimeMillis => json!({ "type": "int", "logicalType": "time-millis" }),
            Self::TimeMicros => json!({ "type": "long", "logicalType": "time-micros" }),
            Self::Timestamp(kind) => json!({ "type": "long", "logicalType": kind }),
            Self::Decimal => json!({ "type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2 }),
            Self::Optional(inner, true) => json!(["null", inner.schema(names)]),
            Self::Optional(inner, false) => json!([inner.schema(names), "null"]),
            Self::Array(item) => json!({ "type": "array", "items": item.schema(names) }),
            Self::Map(value) => json!({ "type": "map", "values": value.schema(names) }),
            Self::Record(fields) => record(&name, fields, names),
            Self::Duration => json!({ "type": { "type": "fixed", "name": name, "size": 12 }, "logicalType": "duration" }),
            Self::Several(branches, null) => {
                let mut branches: Vec<_> = branches.iter().map(|branch| branch.schema(names)).collect();
                if *null {
                    branches.push(json!("null"));
                }
                json!(branches)
            }
        }
    }

    fn value(&self) -> BoxedStrategy<Value> {
        match self {
            Self::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
            Self::Int => any::<i32>().prop_map(Value::Int).boxed(),
            Self::Long => any::<i64>().prop_map(Value::Long).boxed(),
            Self::Float => any::<f32>().prop_map(Value::Float).boxed(),
            Self::Double => any::<f64>().prop_map(Value::Double).boxed(),
            Self::Text => any::<String>().prop_map(Value::String).boxed(),
            Self::Bytes => vec(any::<u8>(), 0..20).prop_map(Value::Bytes).boxed(),
            Self::Fixed => vec(any::<u8>(), 3).prop_map(|bytes| Value::Fixed(3, bytes)).boxed(),
            Self::Enum => (0u32..3).prop_map(|index| Value::Enum(index, ["a", "bc", "def"][index as usize].to_owned())).boxed(),
            // Years of four digits, which text can tell.
            Self::Date => (-719_162i32..2_932_896).prop_map(Value::Date).boxed(),
            Self::TimeMillis => (0i32..86_400_000).prop_map(Value::TimeMillis).boxed(),
            Self::TimeMicros => (0i64..86_400_000_000).prop_map(Value::TimeMicros).boxed(),
            Self::Timestamp(kind) => timestamp(kind),
            Self::Decimal => (-999_999_999i64..1_000_000_000)
                .prop_map(|unscaled| {
                    let bytes = i128::from(unscaled).to_be_bytes();
                    Value::Decimal(apache_avro::Decimal::from(&bytes[8..]))
                })
                .boxed(),
            Self::Optional(inner, null_first) => {
                let null = u32::from(!*null_first);
                prop_oneof![
                    1 => Just(Value::Union(null, Box::new(Value::Null))),
                    3 => inner.value().prop_map(move |value| Value::Union(1 - null, Box::new(value))),
                ]
                .boxed()
            }
            Self::Array(item) => vec(item.value(), 0..4).prop_map(Value::Array).boxed(),
            Self::Map(value) => hash_map("[a-zé]{0,3}", value.value(), 0..4).prop_map(Value::Map).boxed(),
            Self::Record(fields) => values(fields),
            Self::Duration => any::<[u8; 12]>().prop_map(|bytes| Value::Duration(bytes.into())).boxed(),
            Self::Several(branches, null) => {
                let of = |(index, value): (usize, BoxedStrategy<Value>)| {
                    value.prop_map(move |value| Value::Union(u32::try_from(index).unwrap(), Box::new(value))).boxed()
                };
                let null = null.then(|| Just(Value::Null).boxed());
                proptest::strategy::Union::new(branches.iter().map(Self::value).chain(null).enumerate().map(of)).boxed()
            }
        }
    }
}

fn timestamp(kind: &'static str) -> BoxedStrategy<Value> {
    let wrap: fn(i64) -> Value = match kind {
        "timestamp-millis" => Value::TimestampMillis,
        "timestamp-micros" => Value::TimestampMicros,
        "timestamp-nanos" => Value::TimestampNanos,
        "local-timestamp-millis" => Value::LocalTimestampMillis,
        "local-timestamp-micros" => Value::LocalTimestampMicros,
        _ => Value::LocalTimestampNanos,
    };
    let bound = match kind.rsplit('-').next() {
        Some("millis") => 62_135_596_800_000,
        Some("micros") => 62_135_596_800_000_000,
        _ => i64::MAX,
    };
    (-bound..bound).prop_map(wrap).boxed()
}

fn record(name: &str, fields: &[Spec], names: &mut usize) -> serde_json::Value {
    let fields: Vec<_> =
        fields.iter().enumerate().map(|(index, spec)| json!({ "name": format!("f{index}"), "type": spec.schema(names) })).collect();
    json!({ "type": "record", "name": name, "fields": fields })
}

fn values(fields: &[Spec]) -> BoxedStrategy<Value> {
    let values: Vec<_> = fields.iter().map(Spec::value).collect();
    values
        .prop_map(|values| Value::Record(values.into_iter().enumerate().map(|(index, value)| (format!("f{index}"), value)).collect()))
        .boxed()
}

/// A dataset and events of it.
#[derive(Clone, Debug)]
pub(super) struct Dataset {
    pub(super) schema: DatasetSchema,
    pub(super) avro: Schema,
    pub(super) events: Vec<Value>,
}

impl Dataset {
    /// The events as apache-avro writes them.
    pub(super) fn datums(&self) -> Vec<Vec<u8>> {
        let writer = GenericDatumWriter::builder(&self.avro).build().unwrap();
        self.events.iter().map(|event| writer.write_value_to_vec(event.clone()).unwrap()).collect()
    }
}

/// Random datasets with records within records to a depth of `depth`.
pub(super) fn datasets(depth: u32) -> BoxedStrategy<Dataset> {
    datasets_of(field(depth, false))
}

/// The same without durations and unions of several types.
pub(super) fn simple_datasets(depth: u32) -> BoxedStrategy<Dataset> {
    datasets_of(field(depth, true))
}

fn datasets_of(field: BoxedStrategy<Spec>) -> BoxedStrategy<Dataset> {
    vec(field, 1..7)
        .prop_flat_map(|fields| {
            let text = record("Event", &fields, &mut 0).to_string();
            let schema = DatasetSchema::parse_avro(&text).unwrap();
            let avro = Schema::parse_str(&text).unwrap();
            vec(values(&fields), 1..8).prop_map(move |events| Dataset { schema: schema.clone(), avro: avro.clone(), events })
        })
        .boxed()
}
