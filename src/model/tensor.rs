//! Tensors on their way into a model: rows of features, contiguous, reused from batch to batch.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Float16Type};
use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, StringArray, UInt8Array,
    UInt16Array, UInt32Array, UInt64Array,
};
use arrow_schema::DataType;
use ort::session::SessionInputValue;
use ort::value::{DynValue, TensorElementType, TensorRef};

/// A float of 16 bits.
pub type F16 = <Float16Type as ArrowPrimitiveType>::Native;

/// The nearest half. A float between the two would round twice, unless its last bit says that something was cut off behind it.
pub fn half(value: f64) -> F16 {
    let nearest = value as f32;
    let back = f64::from(nearest);
    if back == value {
        return F16::from_f32(nearest);
    }
    let towards_zero = nearest.to_bits() - u32::from(back.abs() > value.abs());
    F16::from_f32(f32::from_bits(towards_zero | 1))
}

/// Defines [`Element`] and [`Values`] from one table: variant, Rust's type, ONNX Runtime's element, ONNX's name, the Arrow type of a
/// column, and how the elements become an array of it.
macro_rules! elements {
    ($($variant:ident($rust:ty), $onnx:ident, $name:literal, $arrow:ident, $array:expr;)*) => {
        /// The element types that a model may take or give here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Element {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            /// `string`
            Str,
        }

        /// The elements of a [`Tensor`].
        #[derive(Clone, Debug, PartialEq)]
        pub enum Values {
            $(#[doc = concat!("`", $name, "`")] $variant(Vec<$rust>),)*
            /// `string`
            Str(Vec<String>),
        }

        impl Element {
            /// The element for ONNX Runtime's; `None` for those that no feature has.
            pub fn from_onnx(element: TensorElementType) -> Option<Self> {
                match element {
                    $(TensorElementType::$onnx => Some(Self::$variant),)*
                    TensorElementType::String => Some(Self::Str),
                    _ => None,
                }
            }

            /// ONNX's name of it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Str => "string",
                }
            }

            /// The Arrow type of a column of it. A `float16` becomes a `Float32`, which holds each of its values.
            pub fn data_type(self) -> DataType {
                match self {
                    $(Self::$variant => DataType::$arrow,)*
                    Self::Str => DataType::Utf8,
                }
            }
        }

        impl Values {
            /// No elements, room for `capacity`.
            pub fn with_capacity(element: Element, capacity: usize) -> Self {
                match element {
                    $(Element::$variant => Self::$variant(Vec::with_capacity(capacity)),)*
                    Element::Str => Self::Str(Vec::with_capacity(capacity)),
                }
            }

            /// The elements as an array without nulls.
            pub fn into_array(self) -> ArrayRef {
                match self {
                    $(Self::$variant(vec) => { let array: fn(Vec<$rust>) -> ArrayRef = $array; array(vec) })*
                    Self::Str(vec) => Arc::new(StringArray::from(vec)),
                }
            }

            /// Every `step`-th element, from `at` on.
            fn column(&self, at: usize, step: usize) -> Self {
                match self {
                    $(Self::$variant(vec) => Self::$variant(vec.iter().skip(at).step_by(step).copied().collect()),)*
                    Self::Str(vec) => Self::Str(vec.iter().skip(at).step_by(step).cloned().collect()),
                }
            }

            /// Appends every `step`-th element of a tensor that a model answered, from `at` on.
            pub(super) fn extend(&mut self, value: &DynValue, at: usize, step: usize) -> Result<(), ort::Error> {
                match self {
                    $(Self::$variant(vec) => vec.extend(value.try_extract_tensor::<$rust>()?.1.iter().skip(at).step_by(step)),)*
                    Self::Str(vec) => vec.extend(value.try_extract_strings()?.1.into_iter().skip(at).step_by(step)),
                }
                Ok(())
            }
        }

        impl Tensor {
            /// The rows `from..to` as a value of these dimensions, borrowed but for strings, which ONNX Runtime copies.
            pub(super) fn input(&self, from: usize, to: usize, dimensions: Vec<usize>) -> Result<SessionInputValue<'_>, ort::Error> {
                let range = from * self.width..to * self.width;
                Ok(match &self.values {
                    $(Values::$variant(vec) => TensorRef::from_array_view((dimensions, &vec[range]))?.into(),)*
                    Values::Str(vec) => ort::value::Tensor::from_string_array((dimensions, &vec[range]))?.into(),
                })
            }
        }

        /// Runs one expression on the vector of any element type.
        macro_rules! each_values {
            ($values:expr, $vec:ident => $body:expr) => {
                match $values {
                    $(Values::$variant($vec) => $body,)*
                    Values::Str($vec) => $body,
                }
            };
        }
    };
}

elements! {
    F16(F16), Float16, "float16", Float32, |vec| Arc::new(vec.into_iter().map(F16::to_f32).collect::<Float32Array>());
    F32(f32), Float32, "float", Float32, |vec| Arc::new(Float32Array::from(vec));
    F64(f64), Float64, "double", Float64, |vec| Arc::new(Float64Array::from(vec));
    I8(i8), Int8, "int8", Int8, |vec| Arc::new(Int8Array::from(vec));
    I16(i16), Int16, "int16", Int16, |vec| Arc::new(Int16Array::from(vec));
    I32(i32), Int32, "int32", Int32, |vec| Arc::new(Int32Array::from(vec));
    I64(i64), Int64, "int64", Int64, |vec| Arc::new(Int64Array::from(vec));
    U8(u8), Uint8, "uint8", UInt8, |vec| Arc::new(UInt8Array::from(vec));
    U16(u16), Uint16, "uint16", UInt16, |vec| Arc::new(UInt16Array::from(vec));
    U32(u32), Uint32, "uint32", UInt32, |vec| Arc::new(UInt32Array::from(vec));
    U64(u64), Uint64, "uint64", UInt64, |vec| Arc::new(UInt64Array::from(vec));
    Bool(bool), Bool, "bool", Boolean, |vec| Arc::new(BooleanArray::from(vec));
}

/// A matrix of `rows x width` elements, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Elements in a row.
    pub width: usize,
    /// The elements.
    pub values: Values,
}

impl Values {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        each_values!(self, vec => vec.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Cuts it to `len` elements, or fills it up with zeros (false, empty strings).
    pub fn resize(&mut self, len: usize) {
        each_values!(self, vec => vec.resize(len, Default::default()));
    }
}

impl Tensor {
    /// A tensor without rows.
    pub fn new(element: Element, width: usize) -> Self {
        Self { width, values: Values::with_capacity(element, 0) }
    }

    /// Makes it `rows` rows of zeros (false, empty strings); reuses its memory.
    pub fn reset(&mut self, rows: usize) {
        self.values.resize(0);
        self.values.resize(rows * self.width);
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// Its columns as arrays, in order: what a model sees, for people who look.
    pub fn columns(&self) -> Vec<ArrayRef> {
        (0..self.width).map(|at| self.values.column(at, self.width).into_array()).collect()
    }
}
