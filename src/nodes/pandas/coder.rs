//! From values to the codes of a set that is known at planning: the one lookup behind `map`, `get_dummies`, `isin`, `replace`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, Int32Array, cast::AsArray};
use arrow_schema::DataType;
use foldhash::fast::FixedState;

use super::operation::Call;
use super::scalar::Scalar;
use super::{lanes, numbers};
use crate::dataset::Statistic;
use crate::diagnostic::{Code, Diagnostic};
use crate::nodes::{Column, Slot, Source};

/// A table from values to codes. Its keys are fixed at planning, so a fixed hash seed gives an attacker nothing to flood.
pub(in crate::nodes) struct Coder {
    table: Table,
    /// The code of a value that is not in the table.
    otherwise: i32,
    /// The code of null.
    null: i32,
}

enum Table {
    Text(HashMap<Box<[u8]>, i32, FixedState>),
    /// Keyed by value; integers in a small range by position from the least.
    Int {
        least: i64,
        dense: Vec<i32>,
        sparse: HashMap<i64, i32, FixedState>,
    },
    /// Keyed by bits, with one zero.
    Float(HashMap<u64, i32, FixedState>),
    Bool([i32; 2]),
}

/// The widest range of integers that is looked up by position.
const DENSE: i64 = 4096;

impl Coder {
    /// A table for the values of `column`: `keys` with their codes (of equal keys the last), `null` for null, `otherwise` for the rest. A key that no value of the
    /// column's type equals is never found: text "1" is not the number 1. `None` when the type has no table.
    pub(in crate::nodes) fn new(column: &Column, keys: &[(Scalar, i32)], otherwise: i32, null: i32) -> Option<Self> {
        let table = match &column.data_type {
            DataType::Utf8 | DataType::Dictionary(_, _) => Table::Text(text_table(keys)),
            DataType::Boolean => Table::Bool(bool_table(keys, otherwise)),
            other if other.is_integer() => int_table(keys, other, otherwise),
            other if lanes::is_float(other) => Table::Float(float_table(keys, other)),
            _ => return None,
        };
        Some(Self { table, otherwise, null })
    }

    /// The code of a text; for planning.
    pub(super) fn of_text(&self, text: &str) -> i32 {
        match &self.table {
            Table::Text(table) => table.get(text.as_bytes()).copied().unwrap_or(self.otherwise),
            _ => self.otherwise,
        }
    }

    /// The codes of an array's rows, added to `codes`.
    fn run(&self, array: &ArrayRef, codes: &mut Vec<i32>) {
        match &self.table {
            Table::Text(table) => self.run_text(table, array, codes),
            Table::Int { least, dense, sparse } => codes.extend(lanes::ints(array).iter().map(|value| {
                // A difference beyond the table wraps to an index beyond it too.
                let position = value.wrapping_sub(*least).cast_unsigned();
                match usize::try_from(position).ok().and_then(|position| dense.get(position)) {
                    Some(code) => *code,
                    None if sparse.is_empty() => self.otherwise,
                    None => sparse.get(value).copied().unwrap_or(self.otherwise),
                }
            })),
            Table::Float(table) => codes.extend(lanes::floats(array).iter().map(|value| match value {
                value if value.is_nan() => self.null,
                value => table.get(&key_bits(*value)).copied().unwrap_or(self.otherwise),
            })),
            Table::Bool(table) => {
                let array = array.as_boolean();
                let null = |row| array.nulls().is_some_and(|nulls| nulls.is_null(row));
                codes.extend((0..array.len()).map(|row| if null(row) { self.null } else { table[usize::from(array.value(row))] }));
            }
        }
    }

    fn run_text(&self, table: &HashMap<Box<[u8]>, i32, FixedState>, array: &ArrayRef, codes: &mut Vec<i32>) {
        let code = |bytes: &[u8]| table.get(bytes).copied().unwrap_or(self.otherwise);
        if let Some(array) = array.as_string_opt::<i32>() {
            let (bytes, offsets) = (array.values().as_slice(), array.value_offsets());
            let values = offsets.windows(2).map(|ends| &bytes[ends[0] as usize..ends[1] as usize]);
            match array.nulls().filter(|nulls| nulls.null_count() > 0) {
                None => codes.extend(values.map(code)),
                Some(nulls) => codes.extend(values.zip(nulls).map(|(value, valid)| if valid { code(value) } else { self.null })),
            }
        } else {
            let array = array.as_dictionary::<Int32Type>();
            let values = array.values().as_string::<i32>();
            codes.extend(array.keys().iter().map(|key| key.map_or(self.null, |key| code(values.value(key as usize).as_bytes()))));
        }
    }
}

fn text_table(keys: &[(Scalar, i32)]) -> HashMap<Box<[u8]>, i32, FixedState> {
    let texts = keys.iter().filter_map(|(key, code)| match key {
        Scalar::Text(text) => Some((text.as_bytes().into(), *code)),
        _ => None,
    });
    texts.collect()
}

/// Python calls True and 1 equal, False and 0.
fn bool_table(keys: &[(Scalar, i32)], otherwise: i32) -> [i32; 2] {
    let find = |wanted: bool| {
        let equal = |key: &Scalar| match key {
            Scalar::Bool(value) => *value == wanted,
            Scalar::Int(value) => *value == i64::from(wanted),
            Scalar::Float(value) => *value == f64::from(u8::from(wanted)),
            _ => false,
        };
        keys.iter().rev().find(|(key, _)| equal(key)).map_or(otherwise, |(_, code)| *code)
    };
    [find(false), find(true)]
}

fn int_table(keys: &[(Scalar, i32)], data_type: &DataType, otherwise: i32) -> Table {
    let ints: Vec<(i64, i32)> = keys.iter().filter_map(|(key, code)| Some((as_int(key, data_type)?, *code))).collect();
    let least = ints.iter().map(|(key, _)| *key).min().unwrap_or(0);
    let greatest = ints.iter().map(|(key, _)| *key).max().unwrap_or(-1);
    match greatest.checked_sub(least) {
        Some(range) if range < DENSE => {
            let mut dense = vec![otherwise; usize::try_from(range + 1).unwrap_or(0)];
            for (key, code) in ints {
                dense[usize::try_from(key - least).unwrap_or(0)] = code;
            }
            Table::Int { least, dense, sparse: HashMap::default() }
        }
        _ => Table::Int { least: 0, dense: Vec::new(), sparse: ints.into_iter().collect() },
    }
}

/// The integer of a type that equals a key, as the lane holds it: 1.0 is 1, 1.5 is none.
fn as_int(key: &Scalar, data_type: &DataType) -> Option<i64> {
    let value = match key {
        Scalar::Int(value) => i128::from(*value),
        Scalar::Bool(value) => i128::from(*value),
        Scalar::Float(value) if value.fract() == 0.0 => *value as i128,
        _ => return None,
    };
    let (least, greatest) = numbers::bounds(data_type);
    (least..=greatest).contains(&value).then_some(value as i64)
}

/// Keys of a `float32` column are compared as `float64`, where only those that `float32` holds can be equal.
fn float_table(keys: &[(Scalar, i32)], _data_type: &DataType) -> HashMap<u64, i32, FixedState> {
    let number = |key: &Scalar| match key {
        Scalar::Bool(value) => Some(f64::from(u8::from(*value))),
        key => key.number(),
    };
    keys.iter().filter_map(|(key, code)| Some((key_bits(number(key)?), *code))).collect()
}

/// A constant as a column of this type holds it, where it can: a float column's 1 is 1.0, an integer column's 1.0 is 1.
pub(in crate::nodes) fn as_held(value: Scalar, data_type: &DataType) -> Scalar {
    match value {
        Scalar::Int(value) if lanes::is_float(data_type) => as_held(Scalar::Float(value as f64), data_type),
        Scalar::Float(value) if *data_type == DataType::Float32 => Scalar::Float(f64::from(value as f32)),
        other if data_type.is_integer() => other.whole().map_or(other, Scalar::Int),
        other => other,
    }
}

/// The bits of a float with one zero.
fn key_bits(value: f64) -> u64 {
    if value == 0.0 { 0 } else { value.to_bits() }
}

/// Whether a value of a type can equal a constant, which stands as the type holds it.
fn can_equal(data_type: &DataType, value: &Scalar) -> bool {
    match value {
        Scalar::Null(()) => true,
        // An infinity is a text in the file.
        Scalar::Text(_) if lanes::is_float(data_type) => value.number().is_some(),
        Scalar::Text(_) => !lanes::is_numeric(data_type),
        Scalar::Float(_) => lanes::is_float(data_type),
        Scalar::Bool(_) | Scalar::Int(_) => lanes::is_numeric(data_type),
    }
}

impl Call<'_, '_> {
    /// The frozen values of a column, as it holds them; `None` when there are none, which is reported or collected, or when they are of
    /// another type, which is reported: they were read when the column had it, and would be found in no row.
    pub(super) fn frozen_values(&mut self, column: &Column, statistic: &Statistic, pointer: &str) -> Option<Vec<Scalar>> {
        let values = self.frozen_list(column, statistic, pointer)?;
        let values: Vec<Scalar> = values.into_iter().map(|value| as_held(value, &column.data_type)).collect();
        self.keeps_digits(column, &values)?;
        let odd = values.iter().find(|value| !can_equal(&column.data_type, value)).map(Scalar::show);
        let Some(odd) = odd else { return Some(values) };
        let (id, what, dtype) = (self.planning.id(), statistic.name(), column.dtype());
        let message = format!("node `{id}`: {odd} among the frozen {what} of column `{}` is no value of type {dtype}", column.name);
        let help = "the column had another type when they were read: `caz fit FILE --dataset DATASET` reads them anew";
        self.report(Diagnostic::error(Code::NotFrozen, message).help(help), pointer);
        None
    }

    /// The codes and what they stand for, of a column whose values are known at planning: a category, or text made from a set.
    pub(in crate::nodes) fn as_codes(&mut self, column: &Column) -> Option<(Slot, Arc<[String]>)> {
        if let Source::Codes { codes, values } = &column.source {
            return Some((*codes, Arc::clone(values)));
        }
        let categories = column.categories.as_ref()?;
        let keys: Vec<(Scalar, i32)> = categories.iter().cloned().map(Scalar::Text).zip(0..).collect();
        let coder = Coder::new(column, &keys, -1, -1)?;
        Some((self.codes(column, coder), Arc::clone(categories)))
    }

    /// A slot with each row's code by `coder`. Where the column is codes already and keeps them, that is its own slot.
    pub(in crate::nodes) fn codes(&mut self, column: &Column, coder: Coder) -> Slot {
        if let Source::Codes { codes, values } = &column.source {
            let table: Vec<i32> = std::iter::once(coder.null).chain(values.iter().map(|value| coder.of_text(value))).collect();
            return self.translate(*codes, table);
        }
        let slot = self.array(column);
        self.kernel(&[slot], move |inputs, _| {
            let mut codes = Vec::with_capacity(inputs.array(0).len());
            coder.run(inputs.array(0), &mut codes);
            Arc::new(Int32Array::new(codes.into(), None))
        })
    }

    /// Codes through a table from code + 1; a table that changes nothing costs nothing.
    pub(super) fn translate(&mut self, codes: Slot, table: Vec<i32>) -> Slot {
        if table.iter().zip(-1..).all(|(to, from)| *to == from) {
            return codes;
        }
        self.kernel(&[codes], move |inputs, _| {
            let codes = inputs.array(0).as_primitive::<Int32Type>().values();
            let translated: Vec<i32> = codes.iter().map(|code| table[(code + 1) as usize]).collect();
            Arc::new(Int32Array::new(translated.into(), None))
        })
    }

    /// A slot with the value that each code stands for in a table from code + 1.
    pub(super) fn gather<T: Copy + Send + 'static>(
        &mut self,
        codes: Slot,
        table: Vec<T>,
        array: impl Fn(Vec<T>) -> ArrayRef + Send + 'static,
    ) -> Slot {
        self.kernel(&[codes], move |inputs, _| {
            let codes = inputs.array(0).as_primitive::<Int32Type>().values();
            array(codes.iter().map(|code| table[(code + 1) as usize]).collect())
        })
    }
}
