//! NumPy's functions of one number: `abs`, `log`, `exp`, `sqrt` and their like.

use arrow_schema::DataType;

use super::lanes;
use super::operation::{Call, NoKwargs, Operation, Scope};
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[
    &Abs,
    &Function {
        name: "log",
        summary: "The natural logarithm; of 0 -inf, of a negative number null",
        undefined: Some("the number is negative"),
        of: f64::ln,
        of_f32: f32::ln,
    },
    &Function {
        name: "log10",
        summary: "The logarithm to base 10",
        undefined: Some("the number is negative"),
        of: f64::log10,
        of_f32: f32::log10,
    },
    &Function {
        name: "log2",
        summary: "The logarithm to base 2",
        undefined: Some("the number is negative"),
        of: f64::log2,
        of_f32: f32::log2,
    },
    &Function {
        name: "log1p",
        summary: "log(1 + x), exact for small x",
        undefined: Some("the number is less than -1"),
        of: f64::ln_1p,
        of_f32: f32::ln_1p,
    },
    &Function { name: "exp", summary: "e to the power of x", undefined: None, of: f64::exp, of_f32: f32::exp },
    &Function { name: "expm1", summary: "exp(x) - 1, exact for small x", undefined: None, of: f64::exp_m1, of_f32: f32::exp_m1 },
    &Function {
        name: "sqrt",
        summary: "The square root; of a negative number null",
        undefined: Some("the number is negative"),
        of: f64::sqrt,
        of_f32: f32::sqrt,
    },
    &Function {
        name: "floor",
        summary: "The greatest whole number that is not greater",
        undefined: None,
        of: f64::floor,
        of_f32: f32::floor,
    },
    &Function { name: "ceil", summary: "The least whole number that is not less", undefined: None, of: f64::ceil, of_f32: f32::ceil },
];

struct Abs;

impl Operation for Abs {
    fn name(&self) -> &'static str {
        "abs"
    }

    fn summary(&self) -> &'static str {
        "The absolute value"
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
        call.each(|call, column| match &column.data_type {
            DataType::Boolean if !column.nullable => Some(column.clone()),
            data_type if data_type.is_unsigned_integer() => Some(column.clone()),
            data_type if data_type.is_integer() => {
                let (slot, written) = (call.array(column), data_type.clone());
                let slot = call.kernel(&[slot], move |inputs, _| {
                    // The least integer has no absolute value and stays, as in NumPy.
                    let values = lanes::ints(inputs.array(0)).iter().map(|value| value.wrapping_abs()).collect();
                    lanes::int_array(values, &written)
                });
                Some(call.made(data_type.clone(), false, slot))
            }
            data_type if lanes::is_float(data_type) => {
                let (slot, written) = (call.array(column), data_type.clone());
                let slot = call.kernel(&[slot], move |inputs, _| {
                    let values = lanes::floats(inputs.array(0)).iter().map(|value| value.abs()).collect();
                    lanes::float_array(values, &written)
                });
                Some(call.made(data_type.clone(), column.nullable, slot))
            }
            _ => {
                call.mismatch(column, "it has no absolute value", "convert it with `astype` first");
                None
            }
        });
    }
}

/// A function on floats; whole numbers become floats first.
struct Function {
    name: &'static str,
    summary: &'static str,
    /// Where it is not defined.
    undefined: Option<&'static str>,
    of: fn(f64) -> f64,
    /// In the narrow type, which NumPy computes in for a `float32` column.
    of_f32: fn(f32) -> f32,
}

impl Operation for Function {
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
        call.each(|call, column| self.plan_column(call, column));
    }
}

impl Function {
    fn plan_column(&self, call: &mut Call<'_, '_>, column: &Column) -> Option<Column> {
        let data_type = match &column.data_type {
            DataType::Float32 => DataType::Float32,
            DataType::Float64 | DataType::Int64 | DataType::Int32 | DataType::UInt64 | DataType::UInt32 => DataType::Float64,
            _ => {
                call.mismatch(column, "NumPy would compute it in fewer bits, or not at all", "convert it to float64 with `astype` first");
                return None;
            }
        };
        if column.data_type.is_integer() && matches!(self.name, "floor" | "ceil") {
            return Some(column.clone());
        }
        let (slot, of, of_f32, written) = (call.array(column), self.of, self.of_f32, data_type.clone());
        let slot = call.kernel(&[slot], move |inputs, _| {
            let values = lanes::floats(inputs.array(0));
            let answers = match written {
                DataType::Float32 => values.iter().map(|value| f64::from(of_f32(*value as f32))).collect(),
                _ => values.iter().map(|value| of(*value)).collect(),
            };
            lanes::float_array(answers, &written)
        });
        Some(match self.undefined {
            Some(condition) => call.made(data_type, true, slot).null_where(condition),
            None => call.made(data_type, column.nullable, slot),
        })
    }
}
