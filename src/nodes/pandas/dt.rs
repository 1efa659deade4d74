//! `dt.*`: the parts of times.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_schema::DataType;

use super::lanes::{self, NAT};
use super::operation::{Call, NoKwargs, Operation, Scope};
use super::timestamp::{DAY, HOUR, MINUTE, SECOND, civil_from_days, days_from_civil, days_in_month, is_leap};
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[
    &Part { name: "dt.year", summary: "The year", of: |ns| civil(ns).0 },
    &Part { name: "dt.month", summary: "The month, January is 1", of: |ns| civil(ns).1 },
    &Part { name: "dt.day", summary: "The day of the month, from 1", of: |ns| civil(ns).2 },
    &Part { name: "dt.hour", summary: "The hour, 0 to 23", of: |ns| ns.rem_euclid(DAY) / HOUR },
    &Part { name: "dt.minute", summary: "The minute, 0 to 59", of: |ns| ns.rem_euclid(HOUR) / MINUTE },
    &Part { name: "dt.second", summary: "The second, 0 to 59", of: |ns| ns.rem_euclid(MINUTE) / SECOND },
    &Part { name: "dt.microsecond", summary: "The microsecond, 0 to 999999", of: |ns| ns.rem_euclid(SECOND) / 1_000 },
    &Part { name: "dt.nanosecond", summary: "The nanosecond within its microsecond, 0 to 999", of: |ns| ns.rem_euclid(1_000) },
    &Part { name: "dt.dayofweek", summary: "The day of the week, Monday is 0", of: day_of_week },
    &Part { name: "dt.day_of_week", summary: "The day of the week, Monday is 0", of: day_of_week },
    &Part { name: "dt.weekday", summary: "The day of the week, Monday is 0", of: day_of_week },
    &Part { name: "dt.dayofyear", summary: "The day of the year, from 1", of: day_of_year },
    &Part { name: "dt.day_of_year", summary: "The day of the year, from 1", of: day_of_year },
    &Part { name: "dt.quarter", summary: "The quarter, 1 to 4", of: |ns| (civil(ns).1 + 2) / 3 },
    &Part { name: "dt.days_in_month", summary: "How many days the month has", of: month_length },
    &Part { name: "dt.daysinmonth", summary: "How many days the month has", of: month_length },
    &Is { name: "dt.is_month_start", summary: "Whether it is the first day of a month", of: |ns| civil(ns).2 == 1 },
    &Is { name: "dt.is_month_end", summary: "Whether it is the last day of a month", of: |ns| civil(ns).2 == month_length(ns) },
    &Is { name: "dt.is_leap_year", summary: "Whether the year has a leap day", of: |ns| is_leap(civil(ns).0) },
    &Normalize,
];

fn civil(ns: i64) -> (i64, i64, i64) {
    civil_from_days(ns.div_euclid(DAY))
}

/// 1970-01-01 was a Thursday.
fn day_of_week(ns: i64) -> i64 {
    (ns.div_euclid(DAY) + 3).rem_euclid(7)
}

fn day_of_year(ns: i64) -> i64 {
    let days = ns.div_euclid(DAY);
    days - days_from_civil(civil_from_days(days).0, 1, 1) + 1
}

fn month_length(ns: i64) -> i64 {
    let (year, month, _) = civil(ns);
    days_in_month(year, month)
}

/// A part of times that is a number: `int32`, or `float64` where a time can be null.
struct Part {
    name: &'static str,
    summary: &'static str,
    /// The part of a local time in nanoseconds.
    of: fn(i64) -> i64,
}

impl Operation for Part {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(NoKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        if call.kwargs::<NoKwargs>().is_none() {
            return call.fail();
        }
        call.each(|call, column| {
            let offset = offset_ns(call, column)?;
            let (slot, of) = (call.array(column), self.of);
            Some(if column.nullable {
                let slot = call.kernel(&[slot], move |inputs, _| {
                    let part = |ns: &i64| if *ns == NAT { f64::NAN } else { of(local(*ns, offset)) as f64 };
                    lanes::float_array(lanes::times(inputs.array(0)).iter().map(part).collect(), &DataType::Float64)
                });
                call.made(DataType::Float64, true, slot)
            } else {
                let slot = call.kernel(&[slot], move |inputs, _| {
                    let parts: Vec<i32> = lanes::times(inputs.array(0)).iter().map(|ns| of(local(*ns, offset)) as i32).collect();
                    Arc::new(PrimitiveArray::<Int32Type>::new(parts.into(), None)) as ArrayRef
                });
                call.made(DataType::Int32, false, slot)
            })
        });
    }
}

/// A property of times; false where the time is null, as in pandas.
struct Is {
    name: &'static str,
    summary: &'static str,
    of: fn(i64) -> bool,
}

impl Operation for Is {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(NoKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        if call.kwargs::<NoKwargs>().is_none() {
            return call.fail();
        }
        call.each(|call, column| {
            let offset = offset_ns(call, column)?;
            let (slot, of) = (call.array(column), self.of);
            let slot = call.kernel(&[slot], move |inputs, _| {
                let times = lanes::times(inputs.array(0));
                lanes::bool_array(times.len(), |row| times[row] != NAT && of(local(times[row], offset)))
            });
            Some(call.made(DataType::Boolean, false, slot))
        });
    }
}

/// `dt.normalize`: midnight of the day.
struct Normalize;

impl Operation for Normalize {
    fn name(&self) -> &'static str {
        "dt.normalize"
    }

    fn summary(&self) -> &'static str {
        "Midnight of the time's day"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(NoKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        if call.kwargs::<NoKwargs>().is_none() {
            return call.fail();
        }
        call.each(|call, column| {
            let offset = offset_ns(call, column)?;
            let (slot, data_type) = (call.array(column), column.data_type.clone());
            let slot = call.kernel(&[slot], move |inputs, _| {
                // The time since local midnight; going back below the least time wraps as in NumPy.
                let midnight = |ns: &i64| if *ns == NAT { NAT } else { ns.wrapping_sub(local(*ns, offset).rem_euclid(DAY)) };
                lanes::time_array(lanes::times(inputs.array(0)).iter().map(midnight).collect(), &data_type)
            });
            Some(call.made(column.data_type.clone(), column.nullable, slot))
        });
    }
}

/// The calendar's time at an offset from UTC.
fn local(ns: i64, offset: i64) -> i64 {
    ns.wrapping_add(offset)
}

/// The offset of a column's zone from UTC; `None` when it holds no times or its zone has no fixed offset, which is then reported.
fn offset_ns(call: &mut Call<'_, '_>, column: &Column) -> Option<i64> {
    let DataType::Timestamp(_, zone) = &column.data_type else {
        call.mismatch(column, "it holds no times", "convert it with `to_datetime` first");
        return None;
    };
    let Some(zone) = zone else { return Some(0) };
    if zone.as_ref() == "UTC" {
        return Some(0);
    }
    let mut reader = super::timestamp::Reader { rest: zone.as_bytes() };
    let offset = reader.offset().filter(|_| reader.is_done());
    if offset.is_none() {
        call.mismatch(column, "its time zone has no fixed offset", "convert it with `to_datetime` and `utc: true` first");
    }
    offset.map(|seconds| seconds * SECOND)
}
