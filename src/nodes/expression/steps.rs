//! What expressions do with the steps of their parts: fold constants, and keep branches that are not taken from rejecting rows.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Int32Array, PrimitiveArray, types::Float64Type, types::Int64Type};
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType;

use super::Evaluation;
use crate::dataset::{Phase, Rejection, Rows};
use crate::diagnostic::Span;
use crate::nodes::pandas::{Scalar, lanes};
use crate::nodes::{Column, Inputs, Kernel, Slot, Source};

impl Evaluation<'_, '_> {
    /// How many steps there are.
    pub(super) fn mark(&mut self) -> usize {
        self.call.planning.steps().len()
    }

    /// The column that holds a constant in every row; `None` for null, which has no type, and is reported.
    pub(super) fn constant(&mut self, value: &Scalar, span: Span) -> Option<Column> {
        let (name, origin) = (value.show().into(), "".into());
        let (array, data_type): (fn(&Scalar, usize) -> ArrayRef, _) = match value {
            Scalar::Null(()) => {
                self.wrong("null alone has no type", &span, "give it one: `float(nan)`, or `if false then '' else null`");
                return None;
            }
            Scalar::Int(_) => (ints, DataType::Int64),
            Scalar::Float(_) => (floats, DataType::Float64),
            Scalar::Bool(_) => (flags, DataType::Boolean),
            Scalar::Text(text) => {
                let values = vec![text.clone()].into();
                let codes = self.call.kernel(&[], |_, rows| Arc::new(Int32Array::from_value(0, rows.len())));
                return Some(Column { name, origin, ..self.call.made_codes(codes, values, false) });
            }
        };
        let (constant, nullable) = (value.clone(), value.is_null());
        let slot = self.call.kernel(&[], move |_, rows| array(&constant, rows.len()));
        Some(Column { name, origin, ..self.call.made(data_type, nullable, slot) })
    }

    /// The constant that a column is, whose steps since `mark` read constants only: they are run now, on one row, and taken out. `None` when
    /// no constant of the language is what it is; the column stays then. The error is why a step rejects the row.
    pub(super) fn fold(&mut self, mark: usize, column: &Column) -> Option<Result<Scalar, Rejection>> {
        let folds = column.data_type == DataType::Utf8 || lanes::is_numeric(&column.data_type) && column.data_type != DataType::UInt64;
        if !folds || column.source == Source::Poisoned {
            return None;
        }
        let slot = self.call.array(column);
        let (mut slots, mut outputs) = (vec![None; self.call.planning.slots()], Vec::new());
        let mut rows = Rows::default();
        rows.reset(1);
        for step in self.call.planning.steps().iter_mut().skip(mark) {
            step.kernel.run(&Inputs::new(&slots, &step.reads), &mut rows, &mut outputs);
            step.writes.iter().zip(outputs.drain(..)).for_each(|(slot, array)| slots[slot.index()] = Some(array));
        }
        if let Some((_, rejection)) = rows.rejected().next() {
            return Some(Err(rejection.clone()));
        }
        let value = scalar(slots[slot.index()].as_ref()?);
        // Null as a constant would lose its type.
        if value == Scalar::Null(()) {
            return None;
        }
        self.call.planning.steps().truncate(mark);
        Some(Ok(value))
    }

    /// Plans a part whose values count only in the rows where `condition` is `wanted`: in the others it rejects nothing.
    pub(super) fn guarded<T>(&mut self, condition: Slot, wanted: bool, plan: impl FnOnce(&mut Self) -> T) -> T {
        let (mark, known) = (self.mark(), self.order.len());
        let planned = plan(self);
        let mut guards = false;
        for step in self.call.planning.steps().iter_mut().skip(mark).filter(|step| step.kernel.can_reject()) {
            let kernel = std::mem::replace(&mut step.kernel, Box::new(Nothing));
            step.kernel = Box::new(Guarded { kernel, condition: step.reads.len(), wanted, rows: Rows::default() });
            step.reads.push(condition);
            guards = true;
        }
        if guards {
            // Elsewhere these values may count in other rows.
            self.forget(known);
        }
        planned
    }
}

fn ints(value: &Scalar, rows: usize) -> ArrayRef {
    let value = if let Scalar::Int(value) = value { *value } else { 0 };
    Arc::new(PrimitiveArray::<Int64Type>::from_value(value, rows))
}

fn floats(value: &Scalar, rows: usize) -> ArrayRef {
    Arc::new(PrimitiveArray::<Float64Type>::from_value(value.number().unwrap_or(f64::NAN), rows))
}

fn flags(value: &Scalar, rows: usize) -> ArrayRef {
    let bits = if *value == Scalar::Bool(true) { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) };
    Arc::new(BooleanArray::new(bits, None))
}

/// The value of an array of one row.
fn scalar(array: &ArrayRef) -> Scalar {
    if array.is_null(0) {
        return Scalar::Null(());
    }
    match array.data_type() {
        DataType::Utf8 => Scalar::Text(array.as_string::<i32>().value(0).to_owned()),
        DataType::Boolean => Scalar::Bool(array.as_boolean().value(0)),
        data_type if lanes::is_float(data_type) => Scalar::Float(lanes::floats(array)[0]),
        _ => Scalar::Int(lanes::ints(array)[0]),
    }
}

/// A kernel whose rejections count in some rows only.
struct Guarded {
    kernel: Box<dyn Kernel>,
    /// The position of the condition among its inputs.
    condition: usize,
    wanted: bool,
    /// What the kernel rejects, of a batch.
    rows: Rows,
}

impl Kernel for Guarded {
    fn run(&mut self, inputs: &Inputs<'_>, rows: &mut Rows, outputs: &mut Vec<ArrayRef>) {
        self.rows.reset(rows.len());
        self.kernel.run(inputs, &mut self.rows, outputs);
        let holds = inputs.array(self.condition).as_boolean().values();
        for (row, rejection) in self.rows.rejected().filter(|(row, _)| holds.value(*row) == self.wanted) {
            rows.reject(row, rejection.clone());
        }
    }

    fn phase(&self) -> Phase {
        self.kernel.phase()
    }

    fn can_reject(&self) -> bool {
        true
    }
}

/// Stands in a step while its kernel is taken out.
struct Nothing;

impl Kernel for Nothing {
    fn run(&mut self, _: &Inputs<'_>, _: &mut Rows, _: &mut Vec<ArrayRef>) {}
}
