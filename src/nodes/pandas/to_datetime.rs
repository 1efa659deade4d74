//! `to_datetime`: text, numbers and dates to times.

use arrow_array::cast::AsArray;
use arrow_array::types::Date32Type;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lanes::{self, NAT};
use super::operation::{Call, Operation, Scope};
use super::strptime::Format;
use super::timestamp::{self, DAY, HOUR, MINUTE, Problem, SECOND};
use crate::dataset::{Phase, Reason, Rejection, Rows, Statistic};
use crate::nodes::{Column, Source};

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&ToDatetime];

struct ToDatetime;

/// Keyword arguments of `to_datetime`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// Whether the result is in UTC; text without an offset then counts as UTC. Text with offsets needs it, and so does a format with `%z`.
    #[serde(default)]
    utc: bool,
    /// What a number counts, since 1970; nanoseconds without it. Not with `format`.
    #[serde(default)]
    unit: Option<Unit>,
    /// How text is written: `ISO8601`, or `strftime` codes. Without it the format is the one that all training data share, frozen by
    /// `caz fit`; it is never guessed from the batch. Numbers have none: `astype` makes text of them.
    #[serde(default)]
    format: Option<String>,
    /// What becomes of a value that is no time.
    #[serde(default)]
    errors: Errors,
}

/// A unit of time.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
enum Unit {
    /// Days.
    D,
    /// Hours.
    #[serde(rename = "h")]
    Hour,
    /// Minutes.
    #[serde(rename = "m")]
    Minute,
    /// Seconds.
    #[serde(rename = "s")]
    Second,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Millisecond,
    /// Microseconds.
    #[serde(rename = "us")]
    Microsecond,
    /// Nanoseconds.
    #[default]
    #[serde(rename = "ns")]
    Nanosecond,
}

impl Unit {
    fn nanoseconds(self) -> i64 {
        match self {
            Self::D => DAY,
            Self::Hour => HOUR,
            Self::Minute => MINUTE,
            Self::Second => SECOND,
            Self::Millisecond => 1_000_000,
            Self::Microsecond => 1_000,
            Self::Nanosecond => 1,
        }
    }
}

/// What becomes of a value that cannot be converted.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Errors {
    /// The row goes to the dead letters.
    #[default]
    Raise,
    /// The value becomes null.
    Coerce,
}

impl Operation for ToDatetime {
    fn name(&self) -> &'static str {
        "to_datetime"
    }

    fn summary(&self) -> &'static str {
        "Reads text, numbers or dates as times"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Kwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<Kwargs>() else { return call.fail() };
        if kwargs.unit.is_some() && kwargs.format.is_some() {
            call.wrong("unit", "`unit` and `format` exclude each other", "numbers have a `unit`, text has a `format`");
            return call.fail();
        }
        call.each(|call, column| {
            let made = plan(call, column, &kwargs)?;
            let is_made = made.source != column.source && kwargs.errors == Errors::Coerce;
            Some(if is_made { made.null_where("the value is no time, with `errors: coerce`") } else { made })
        });
    }
}

fn plan(call: &mut Call<'_, '_>, column: &Column, kwargs: &Kwargs) -> Option<Column> {
    let zone = kwargs.utc.then(|| "+00:00".into());
    let data_type = DataType::Timestamp(TimeUnit::Nanosecond, zone);
    let field: std::sync::Arc<str> = std::sync::Arc::clone(&column.name);
    let coerce = kwargs.errors == Errors::Coerce;
    let nullable = column.nullable || coerce;
    let convert = Convert { field, utc: kwargs.utc, coerce, nullable, data_type: data_type.clone() };
    match &column.data_type {
        DataType::Timestamp(_, zone) if zone.is_some() == kwargs.utc && (!kwargs.utc || zone.as_deref() == Some("+00:00")) => {
            Some(column.clone())
        }
        DataType::Timestamp(_, _) if kwargs.utc => {
            let slot = call.array(column);
            let slot = call.kernel(&[slot], move |inputs, _| lanes::time_array(lanes::times(inputs.array(0)).into_owned(), &data_type));
            Some(Column { source: Source::Slot(slot), ..call.made(convert.data_type, column.nullable, slot) })
        }
        DataType::Timestamp(_, _) => Some(column.clone()),
        DataType::Utf8 if kwargs.unit.is_some() => {
            // pandas takes the text for a number of units, not for a time.
            call.mismatch(
                column,
                "it holds text, and only numbers have a `unit`",
                "convert it with `to_numeric` first, or leave `unit` out",
            );
            None
        }
        DataType::Utf8 => {
            let format = match kwargs.format.as_deref() {
                Some(ISO) => None,
                given => Some(format(call, column, given, kwargs)?),
            };
            let slot = call.array(column);
            let slot = call.rejecting_kernel(&[slot], move |inputs, rows| convert.text(inputs.array(0), format.as_ref(), rows));
            Some(call.made(data_type, nullable, slot))
        }
        other if kwargs.format.is_some() && (other.is_integer() || lanes::is_float(other)) => {
            // pandas reads the digits of whole numbers as text, also where a null beside them made floats of them.
            let help = match other.is_integer() {
                true => "convert it with `astype` to str first",
                false => "use `fillna`, and `astype` to int64 and then to str first",
            };
            call.mismatch(column, "it holds numbers, and only text has a `format`", help);
            None
        }
        DataType::Date32 => {
            if kwargs.unit.is_some() {
                call.wrong("unit", "dates have no `unit`", "leave it out: numbers have one");
                return None;
            }
            let slot = call.array(column);
            let slot = call.rejecting_kernel(&[slot], move |inputs, rows| convert.dates(inputs.array(0), rows));
            Some(call.made(data_type, nullable, slot))
        }
        other if other.is_integer() => {
            let (slot, scale) = (call.array(column), kwargs.unit.unwrap_or_default().nanoseconds());
            let slot = call.rejecting_kernel(&[slot], move |inputs, rows| convert.integers(inputs.array(0), scale, rows));
            Some(call.made(data_type, nullable, slot))
        }
        other if lanes::is_float(other) => {
            let (slot, scale) = (call.array(column), kwargs.unit.unwrap_or_default().nanoseconds());
            let slot = call.rejecting_kernel(&[slot], move |inputs, rows| convert.floats(inputs.array(0), scale, rows));
            Some(call.made(data_type, nullable, slot))
        }
        _ => {
            call.mismatch(column, "it cannot be read as times", "to_datetime takes text, numbers, dates and times");
            None
        }
    }
}

/// Any ISO 8601 text.
const ISO: &str = "ISO8601";

/// The format that was given, or else the frozen one.
fn format(call: &mut Call<'_, '_>, column: &Column, given: Option<&str>, kwargs: &Kwargs) -> Option<Format> {
    let text = match given {
        Some(given) => given.to_owned(),
        None => {
            let pointer = call.column_pointer(&column.name);
            call.frozen(column, &Statistic::TimeFormat { lenient: kwargs.errors == Errors::Coerce }, &pointer)?.python_str()
        }
    };
    match Format::read(&text) {
        Ok(format) if format.has_offset() && !kwargs.utc => {
            let reason = format!("text in the format `{text}` has an offset from UTC, which a column without a time zone does not hold");
            call.mismatch(column, reason, "set `utc: true`");
            None
        }
        Ok(format) => Some(format),
        Err(message) => {
            call.wrong("format", message, "a format is `ISO8601` or made of strftime codes such as `%Y-%m-%d %H:%M:%S`");
            None
        }
    }
}

/// A conversion of one column.
struct Convert {
    field: std::sync::Arc<str>,
    utc: bool,
    coerce: bool,
    /// Whether the result can be null. Where it cannot, a value that stands for a missing time is rejected: types come from the schema.
    nullable: bool,
    data_type: DataType,
}

impl Convert {
    fn text(&self, array: &ArrayRef, format: Option<&Format>, rows: &mut Rows) -> ArrayRef {
        let array = array.as_string::<i32>();
        let mut times = Vec::with_capacity(array.len());
        for row in 0..array.len() {
            if array.is_null(row) || timestamp::is_missing(array.value(row)) {
                times.push(self.missing(row, rows));
                continue;
            }
            let text = array.value(row);
            let parsed = format.map_or_else(|| timestamp::parse_iso(text), |format| format.parse(text));
            times.push(match parsed.and_then(|parsed| parsed.in_zone(self.utc)) {
                Ok(NAT) => self.missing(row, rows),
                Ok(time) => time,
                Err(problem) => self.failed(row, &problem, rows),
            });
        }
        lanes::time_array(times, &self.data_type)
    }

    /// Midnights.
    fn dates(&self, array: &ArrayRef, rows: &mut Rows) -> ArrayRef {
        let times = array.as_primitive::<Date32Type>().iter().enumerate().map(|(row, day)| match day {
            None => self.missing(row, rows),
            Some(day) => i64::from(day).checked_mul(DAY).unwrap_or_else(|| self.failed(row, &Problem::OutOfBounds, rows)),
        });
        lanes::time_array(times.collect(), &self.data_type)
    }

    fn integers(&self, array: &ArrayRef, scale: i64, rows: &mut Rows) -> ArrayRef {
        let values = lanes::ints(array);
        // The lane wraps `uint64`: what is negative there lies beyond every time.
        let least = if *array.data_type() == DataType::UInt64 { 0 } else { i64::MIN };
        let nanoseconds = |value: i64| value.checked_mul(scale).filter(|_| value >= least);
        let times = values.iter().enumerate().map(|(row, value)| match nanoseconds(*value) {
            // pandas reads the least integer as a missing time, too.
            Some(NAT) => self.missing(row, rows),
            Some(time) => time,
            None => self.failed(row, &Problem::OutOfBounds, rows),
        });
        lanes::time_array(times.collect(), &self.data_type)
    }

    /// As pandas does: the whole units exactly, the fraction rounded to nanoseconds.
    fn floats(&self, array: &ArrayRef, scale: i64, rows: &mut Rows) -> ArrayRef {
        // Nanoseconds below a unit, as decimal digits.
        let digits = scale.ilog10();
        let power = 10f64.powi(digits.cast_signed());
        let values = lanes::floats(array);
        let times = values.iter().enumerate().map(|(row, value)| {
            if value.is_nan() {
                return self.missing(row, rows);
            }
            let (whole, fraction) = (value.trunc(), value.fract());
            let fraction = if digits > 0 { (fraction * power).round_ties_even() / power } else { fraction };
            let whole = (whole.abs() < i64::MAX as f64).then_some(whole as i64).and_then(|whole| whole.checked_mul(scale));
            match whole.and_then(|ns| ns.checked_add((fraction * scale as f64) as i64)) {
                Some(time) => time,
                None => self.failed(row, &Problem::OutOfBounds, rows),
            }
        });
        lanes::time_array(times.collect(), &self.data_type)
    }

    fn missing(&self, row: usize, rows: &mut Rows) -> i64 {
        if !self.nullable {
            let message = "to_datetime: a missing time in a column that cannot be null";
            rows.reject(row, Rejection::new(Phase::Graph, Reason::UnexpectedNull, message).field(self.field.to_string()));
        }
        NAT
    }

    fn failed(&self, row: usize, problem: &Problem, rows: &mut Rows) -> i64 {
        if !self.coerce {
            let help = if *problem == Problem::UnexpectedOffset { "; set `utc: true`" } else { "" };
            let message = format!("to_datetime: {problem}{help}");
            let reason = if *problem == Problem::OutOfBounds { Reason::OutOfRange } else { Reason::Conversion };
            rows.reject(row, Rejection::new(Phase::Graph, reason, message).field(self.field.to_string()));
        }
        NAT
    }
}
