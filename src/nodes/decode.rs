//! Columns that are held as codes, made into arrays for whoever needs one.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, DictionaryArray, Int32Array, StringArray, cast::AsArray, types::Int32Type};
use arrow_buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow_schema::DataType;

use super::pandas::{float_array, int_array, is_float};
use super::{Column, Inputs, Kernel, Slot, Source};
use crate::dataset::Rows;

/// The kernel that makes the array of a column that is held as codes, and where they are.
pub(super) fn kernel(column: &Column) -> Option<(Box<dyn Kernel>, Slot)> {
    match &column.source {
        Source::Slot(_) | Source::Poisoned => None,
        Source::Indicator { codes, code } => Some((Box::new(Indicate { code: *code, data_type: column.data_type.clone() }), *codes)),
        Source::Codes { codes, values } => Some(match column.data_type {
            DataType::Dictionary(_, _) => (Box::new(Categorise::new(values)), *codes),
            _ => (Box::new(Spell { values: Arc::clone(values) }), *codes),
        }),
    }
}

/// Codes to the array of one category: Booleans or numbers.
struct Indicate {
    code: i32,
    data_type: DataType,
}

impl Kernel for Indicate {
    fn run(&mut self, inputs: &Inputs<'_>, _rows: &mut Rows, outputs: &mut Vec<ArrayRef>) {
        // Plain copies: through the references, each row would look at them anew.
        let (codes, wanted): (&[i32], i32) = (inputs.array(0).as_primitive::<Int32Type>().values(), self.code);
        outputs.push(match &self.data_type {
            DataType::Boolean => {
                let is = BooleanBuffer::collect_bool(codes.len(), |row| codes[row] == wanted);
                Arc::new(BooleanArray::new(is, None))
            }
            float if is_float(float) => float_array(codes.iter().map(|code| f64::from(u8::from(*code == wanted))).collect(), float),
            int => int_array(codes.iter().map(|code| i64::from(*code == wanted)).collect(), int),
        });
    }
}

/// Codes to the text that they stand for.
struct Spell {
    values: Arc<[String]>,
}

impl Kernel for Spell {
    fn run(&mut self, inputs: &Inputs<'_>, _rows: &mut Rows, outputs: &mut Vec<ArrayRef>) {
        let codes = inputs.array(0).as_primitive::<Int32Type>().values();
        let text = |code: &i32| usize::try_from(*code).map_or("", |code| self.values[code].as_str());
        let lengths = codes.iter().map(|code| text(code).len());
        let offsets: OffsetBuffer<i32> = OffsetBuffer::from_lengths(lengths);
        let mut bytes = Vec::with_capacity(offsets.last() as usize);
        codes.iter().for_each(|code| bytes.extend_from_slice(text(code).as_bytes()));
        outputs.push(Arc::new(StringArray::new(offsets, bytes.into(), code_nulls(codes))));
    }
}

/// Codes to a category array.
struct Categorise {
    categories: ArrayRef,
}

impl Categorise {
    fn new(values: &[String]) -> Self {
        Self { categories: Arc::new(StringArray::from_iter_values(values)) }
    }
}

impl Kernel for Categorise {
    fn run(&mut self, inputs: &Inputs<'_>, _rows: &mut Rows, outputs: &mut Vec<ArrayRef>) {
        let codes = inputs.array(0).as_primitive::<Int32Type>().values();
        let keys = Int32Array::new(codes.clone(), code_nulls(codes));
        outputs.push(Arc::new(DictionaryArray::new(keys, Arc::clone(&self.categories))));
    }
}

/// Which codes are null, when one is.
fn code_nulls(codes: &[i32]) -> Option<NullBuffer> {
    let nulls = NullBuffer::new(BooleanBuffer::collect_bool(codes.len(), |row| codes[row] >= 0));
    (nulls.null_count() > 0).then_some(nulls)
}
