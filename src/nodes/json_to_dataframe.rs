//! The JsonToDataframe node: the event's fields as a pandas frame has them.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{ArrayRef, PrimitiveArray, cast::AsArray};
use arrow_schema::{DataType, TimeUnit};
use schemars::JsonSchema;
use serde::Deserialize;

use super::json_payload;
use super::{Column, Frame, Inputs, Kernel, Node, Origin, Planning, Position, Source};
use crate::dataset::{Phase, Reason, Rejection, Rows};

/// The event's fields as a frame; behind another node the frame that comes from there.
pub(super) struct JsonToDataframe;

/// Parameters of JsonToDataframe.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Example rows, by column and row label: `{"sepal_length": {"0": 5.8}}`, or this as a string of JSON. In a stream the decoded event
    /// takes their place; the check tells where they are no events of the dataset schema.
    #[serde(default)]
    json_payload: Option<serde_json::Value>,
}

impl Node for JsonToDataframe {
    fn type_name(&self) -> &'static str {
        "JsonToDataframe"
    }

    fn summary(&self) -> &'static str {
        "Brings the event's fields into a frame with pandas' types"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Params)
    }

    fn types(&self) -> &'static str {
        "Each field becomes a column, fields of records under their dotted path. Integers become `int64`, or `float64` where they can be \
         null; `float` and `double` become `float64`, `boolean` becomes `bool`, `string` and enums `object`. Timestamps become \
         `datetime64[ns, UTC]`, those without a zone `datetime64[ns]`; a time outside of the years 1677 to 2262 makes the event a dead \
         letter. Decimals, dates and times of day stay what they are, objects in pandas: `astype` makes numbers or text of decimals, \
         `to_datetime` times of dates, `astype` text of dates and of times of day. Bytes, maps and lists can only be passed on, but for a \
         list that is the whole of one model input."
    }

    fn nulls(&self) -> &'static str {
        "A column can be null where the schema lets the field, or a record around it, be null. A float can also be NaN, which is pandas' null."
    }

    fn position(&self) -> Position {
        Position::Anywhere
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        if let Some(Params { json_payload: Some(payload) }) = planning.params() {
            json_payload::check(planning, payload);
        }
        planning.input().clone()
    }
}

/// The event's fields, which are the planning's input, in pandas' types: an integer that can be null becomes `float64`, a time becomes
/// `datetime64[ns]`. So every frame of a graph has columns that pandas has.
pub(crate) fn event_frame(planning: &mut Planning<'_>) -> Frame {
    let fields = planning.input().clone();
    fields.columns().iter().map(|field| into_pandas(planning, field)).collect()
}

/// The column that pandas would hold for an event's field.
fn into_pandas(planning: &mut Planning<'_>, field: &Column) -> Column {
    let (data_type, widen) = match (&field.data_type, field.nullable) {
        (DataType::Int8, false) => (DataType::Int64, Some(Widen::new(to_int64::<Int8Type>))),
        (DataType::Int16, false) => (DataType::Int64, Some(Widen::new(to_int64::<Int16Type>))),
        (DataType::Int32, false) => (DataType::Int64, Some(Widen::new(to_int64::<Int32Type>))),
        (DataType::Int8, true) => (DataType::Float64, Some(Widen::new(to_float64::<Int8Type>))),
        (DataType::Int16, true) => (DataType::Float64, Some(Widen::new(to_float64::<Int16Type>))),
        (DataType::Int32, true) => (DataType::Float64, Some(Widen::new(to_float64::<Int32Type>))),
        (DataType::Int64, true) => (DataType::Float64, Some(Widen::new(long_to_float64))),
        (DataType::Float32, _) => (DataType::Float64, Some(Widen::new(to_float64::<Float32Type>))),
        (DataType::Timestamp(unit, tz), _) => {
            let run = match unit {
                TimeUnit::Second => to_nanoseconds::<TimestampSecondType, 1_000_000_000>,
                TimeUnit::Millisecond => to_nanoseconds::<TimestampMillisecondType, 1_000_000>,
                TimeUnit::Microsecond => to_nanoseconds::<TimestampMicrosecondType, 1_000>,
                TimeUnit::Nanosecond => to_nanoseconds::<TimestampNanosecondType, 1>,
            };
            let zone = tz.as_ref().map(|_| Arc::from("+00:00"));
            let kernel = Widen { run, utc: zone.is_some(), field: Arc::clone(&field.name), can_reject: *unit != TimeUnit::Nanosecond };
            (DataType::Timestamp(TimeUnit::Nanosecond, zone), Some(kernel))
        }
        (other, _) => (other.clone(), None),
    };
    let source = match (widen, &field.source) {
        (Some(kernel), Source::Slot(slot)) => Source::Slot(planning.step_one(kernel, &[*slot])),
        (_, source) => source.clone(),
    };
    let (name, origin) = (Arc::clone(&field.name), Origin::made(planning.id(), vec![field.as_ancestor()]));
    // Avro's doubles may be NaN, which is pandas' null.
    let nullable = field.nullable || data_type.is_floating();
    let origin = if nullable && !field.nullable { origin.or_nan() } else { origin };
    Column { name, data_type, nullable, categories: None, source, origin }
}

/// A conversion of one field.
struct Widen {
    run: fn(&Widen, &ArrayRef, &mut Rows) -> ArrayRef,
    utc: bool,
    field: Arc<str>,
    can_reject: bool,
}

impl Widen {
    fn new(run: fn(&Widen, &ArrayRef, &mut Rows) -> ArrayRef) -> Self {
        Self { run, utc: false, field: "".into(), can_reject: false }
    }
}

impl Kernel for Widen {
    fn run(&mut self, inputs: &Inputs<'_>, rows: &mut Rows, outputs: &mut Vec<ArrayRef>) {
        outputs.push((self.run)(self, inputs.array(0), rows));
    }

    fn can_reject(&self) -> bool {
        self.can_reject
    }
}

fn to_int64<T: ArrowPrimitiveType<Native: Into<i64>>>(_: &Widen, array: &ArrayRef, _: &mut Rows) -> ArrayRef {
    Arc::new(array.as_primitive::<T>().unary::<_, Int64Type>(Into::into))
}

fn to_float64<T: ArrowPrimitiveType<Native: Into<f64>>>(_: &Widen, array: &ArrayRef, _: &mut Rows) -> ArrayRef {
    Arc::new(array.as_primitive::<T>().unary::<_, Float64Type>(Into::into))
}

/// Rounds to the nearest double beyond 2^53, as pandas does when nulls make an integer column float.
fn long_to_float64(_: &Widen, array: &ArrayRef, _: &mut Rows) -> ArrayRef {
    Arc::new(array.as_primitive::<Int64Type>().unary::<_, Float64Type>(|value| value as f64))
}

/// pandas' `datetime64[ns]` spans the years 1677 to 2262; a time outside is `OutOfBoundsDatetime` there, a dead letter here.
fn to_nanoseconds<T: ArrowPrimitiveType<Native = i64>, const SCALE: i64>(widen: &Widen, array: &ArrayRef, rows: &mut Rows) -> ArrayRef {
    let array = array.as_primitive::<T>();
    let scaled: PrimitiveArray<TimestampNanosecondType> = array.unary(|value| value.wrapping_mul(SCALE));
    if widen.can_reject {
        let limit = i64::MAX / SCALE;
        for (row, value) in array.iter().enumerate() {
            if value.is_some_and(|value| value.unsigned_abs() > limit.unsigned_abs()) {
                let message = "expected: a time between the years 1677 and 2262, as nanoseconds hold it";
                let rejection = Rejection::new(Phase::Graph, Reason::OutOfRange, message).field(widen.field.to_string());
                rows.reject(row, rejection);
            }
        }
    }
    if widen.utc { Arc::new(scaled.with_timezone("+00:00")) } else { Arc::new(scaled) }
}
