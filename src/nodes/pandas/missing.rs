//! `isna`, `notna`, `dropna`: nulls seen and left out.

use std::sync::Arc;

use arrow_array::BooleanArray;
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::lanes;
use super::operation::{Call, NoKwargs, Operation, Scope};
use crate::nodes::{Column, Slot, Source};

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[
    &IsNull { name: "isna", summary: "Whether each value is null", wanted: true },
    &IsNull { name: "isnull", summary: "Whether each value is null", wanted: true },
    &IsNull { name: "notna", summary: "Whether each value is not null", wanted: false },
    &IsNull { name: "notnull", summary: "Whether each value is not null", wanted: false },
    &DropNa,
];

struct IsNull {
    name: &'static str,
    summary: &'static str,
    /// What a null answers.
    wanted: bool,
}

impl Operation for IsNull {
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
        Scope::Columns
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        if call.kwargs::<NoKwargs>().is_none() {
            return call.fail();
        }
        let wanted = self.wanted;
        call.each(|call, column| {
            let slot = null_test(call, column, wanted)?;
            Some(call.made(DataType::Boolean, false, slot))
        });
    }
}

/// A slot with `wanted` where the column is null, and its opposite elsewhere; `None` when the column is poisoned.
pub(in crate::nodes) fn null_test(call: &mut Call<'_, '_>, column: &Column, wanted: bool) -> Option<Slot> {
    let (slot, nulls) = null_reader(column)?;
    Some(call.kernel(&[slot], move |inputs, _| {
        let is_null = nulls(inputs.array(0));
        Arc::new(BooleanArray::new(if wanted { is_null } else { !&is_null }, None))
    }))
}

type NullsOf = fn(&arrow_array::ArrayRef) -> BooleanBuffer;

/// Where to read a column's nulls, and how; codes are not decoded for it. `None` when the column is poisoned.
fn null_reader(column: &Column) -> Option<(Slot, NullsOf)> {
    match &column.source {
        Source::Slot(slot) => Some((*slot, lanes::null_mask)),
        Source::Indicator { codes, .. } => Some((*codes, |codes| BooleanBuffer::new_unset(codes.len()))),
        Source::Codes { codes, .. } => Some((*codes, |codes| {
            let codes = codes.as_primitive::<Int32Type>().values();
            BooleanBuffer::collect_bool(codes.len(), |row| codes[row] < 0)
        })),
        Source::Poisoned => None,
    }
}

struct DropNa;

/// Keyword arguments of `dropna`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DropKwargs {
    /// The columns to look at; without it those in `cols`, else all.
    #[serde(default)]
    subset: Option<Subset>,
    /// Whether one null is enough, or all of the columns must be null.
    #[serde(default)]
    how: Option<How>,
    /// A row needs this many values that are not null to stay; not with `how`.
    #[serde(default)]
    thresh: Option<usize>,
    /// 0: rows.
    #[serde(default)]
    axis: i64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Subset {
    /// One column.
    One(String),
    /// Several.
    List(Vec<String>),
}

/// How many nulls take a row out.
#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum How {
    /// One.
    Any,
    /// All.
    All,
}

impl Operation for DropNa {
    fn name(&self) -> &'static str {
        "dropna"
    }

    fn summary(&self) -> &'static str {
        "Skips rows with nulls: they are counted, and not scored"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(DropKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Frame
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<DropKwargs>() else { return };
        if kwargs.axis != 0 {
            return call.wrong("axis", "dropping columns with nulls would depend on the batch", "name the columns to drop with `drop`");
        }
        if kwargs.how.is_some() && kwargs.thresh.is_some() {
            return call.wrong("thresh", "`how` and `thresh` exclude each other", "leave one of them out");
        }
        if kwargs.subset.is_some() && call.cols.is_some() {
            return call.wrong("subset", "`subset` and `cols` exclude each other", "name the columns in one of them");
        }
        let subset = match kwargs.subset {
            Some(Subset::One(name)) => vec![(name, call.at("subset"))],
            Some(Subset::List(names)) => {
                names.into_iter().enumerate().map(|(index, name)| (name, call.at(&format!("subset/{index}")))).collect()
            }
            None => call.subjects(),
        };
        let columns: Vec<Column> = subset.iter().filter_map(|(name, pointer)| call.column(name, pointer)).collect();
        let needed = match (kwargs.thresh, kwargs.how) {
            (Some(thresh), _) => thresh,
            (None, Some(How::All)) => 1.min(columns.len()),
            (None, _) => columns.len(),
        };
        // A column that cannot be null counts in every row and needs no look; a float can be NaN whatever the schema says.
        let nullable: Vec<&Column> = columns.iter().filter(|column| column.nullable || lanes::is_float(&column.data_type)).collect();
        let needed_here = needed.saturating_sub(columns.len() - nullable.len());
        if needed_here == 0 {
            return;
        }
        skip_rows(call, &nullable, needed_here);
        if needed_here == nullable.len() {
            let without_nulls: Vec<Column> = nullable.iter().map(|column| Column { nullable: false, ..(*column).clone() }).collect();
            without_nulls.into_iter().for_each(|column| call.frame.set(column));
        }
    }
}

/// Adds the kernel that skips rows with fewer than `needed` values in `columns`.
fn skip_rows(call: &mut Call<'_, '_>, columns: &[&Column], needed: usize) {
    let (reads, readers): (Vec<Slot>, Vec<NullsOf>) = columns.iter().filter_map(|column| null_reader(column)).unzip();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_ref()).collect();
    let reason: Arc<str> = format!("node {}: dropna on {}", call.planning.id(), crate::nodes::list(names.into_iter())).into();
    call.rejecting_kernel(&reads, move |inputs, rows| {
        let nulls: Vec<BooleanBuffer> = readers.iter().enumerate().map(|(at, reader)| reader(inputs.array(at))).collect();
        for row in 0..rows.len() {
            let present = nulls.iter().filter(|nulls| !nulls.value(row)).count();
            if present < needed {
                rows.skip(row, Arc::clone(&reason));
            }
        }
        Arc::new(BooleanArray::new(BooleanBuffer::new_unset(rows.len()), None))
    });
}
