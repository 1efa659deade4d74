//! Tensors on their way into a model: rows of features, contiguous, reused from batch to batch.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, StringArray};
use arrow_schema::DataType;
use ort::session::SessionInputValue;
use ort::value::{TensorElementType, TensorRef};

/// The element types that a model may take or give here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `float`
    F32,
    /// `double`
    F64,
    /// `int64`
    I64,
    /// `int32`
    I32,
    /// `bool`
    Bool,
    /// `string`
    Str,
}

impl Element {
    /// The element for ONNX Runtime's; `None` for those that no feature has.
    pub fn from_onnx(element: TensorElementType) -> Option<Self> {
        Some(match element {
            TensorElementType::Float32 => Self::F32,
            TensorElementType::Float64 => Self::F64,
            TensorElementType::Int64 => Self::I64,
            TensorElementType::Int32 => Self::I32,
            TensorElementType::Bool => Self::Bool,
            TensorElementType::String => Self::Str,
            _ => return None,
        })
    }

    /// ONNX's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "float",
            Self::F64 => "double",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::Bool => "bool",
            Self::Str => "string",
        }
    }

    /// The Arrow type of a column of it.
    pub fn data_type(self) -> DataType {
        match self {
            Self::F32 => DataType::Float32,
            Self::F64 => DataType::Float64,
            Self::I64 => DataType::Int64,
            Self::I32 => DataType::Int32,
            Self::Bool => DataType::Boolean,
            Self::Str => DataType::Utf8,
        }
    }
}

/// A matrix of `rows x width` elements, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Elements in a row.
    pub width: usize,
    /// The elements.
    pub values: Values,
}

/// The elements of a [`Tensor`].
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// `float`
    F32(Vec<f32>),
    /// `double`
    F64(Vec<f64>),
    /// `int64`
    I64(Vec<i64>),
    /// `int32`
    I32(Vec<i32>),
    /// `bool`
    Bool(Vec<bool>),
    /// `string`
    Str(Vec<String>),
}

/// Runs one expression on the vector of any element type.
macro_rules! each_values {
    ($values:expr, $vec:ident => $body:expr) => {
        match $values {
            Values::F32($vec) => $body,
            Values::F64($vec) => $body,
            Values::I64($vec) => $body,
            Values::I32($vec) => $body,
            Values::Bool($vec) => $body,
            Values::Str($vec) => $body,
        }
    };
}

impl Values {
    /// No elements, room for `capacity`.
    pub fn with_capacity(element: Element, capacity: usize) -> Self {
        match element {
            Element::F32 => Self::F32(Vec::with_capacity(capacity)),
            Element::F64 => Self::F64(Vec::with_capacity(capacity)),
            Element::I64 => Self::I64(Vec::with_capacity(capacity)),
            Element::I32 => Self::I32(Vec::with_capacity(capacity)),
            Element::Bool => Self::Bool(Vec::with_capacity(capacity)),
            Element::Str => Self::Str(Vec::with_capacity(capacity)),
        }
    }

    /// Cuts it to `len` elements, or fills it up with zeros (false, empty strings).
    pub fn resize(&mut self, len: usize) {
        each_values!(self, vec => vec.resize(len, Default::default()));
    }

    /// The elements as an array without nulls.
    pub fn into_array(self) -> ArrayRef {
        match self {
            Self::F32(vec) => Arc::new(Float32Array::from(vec)),
            Self::F64(vec) => Arc::new(Float64Array::from(vec)),
            Self::I64(vec) => Arc::new(Int64Array::from(vec)),
            Self::I32(vec) => Arc::new(Int32Array::from(vec)),
            Self::Bool(vec) => Arc::new(BooleanArray::from(vec)),
            Self::Str(vec) => Arc::new(StringArray::from(vec)),
        }
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
        each_values!(&self.values, vec => vec.len()) / self.width.max(1)
    }

    /// Its columns as arrays, in order: what a model sees, for people who look.
    pub fn columns(&self) -> Vec<ArrayRef> {
        fn column<T: Clone>(values: &[T], at: usize, width: usize) -> Vec<T> {
            values.iter().skip(at).step_by(width).cloned().collect()
        }
        let width = self.width;
        let column = |at: usize| match &self.values {
            Values::F32(vec) => Values::F32(column(vec, at, width)),
            Values::F64(vec) => Values::F64(column(vec, at, width)),
            Values::I64(vec) => Values::I64(column(vec, at, width)),
            Values::I32(vec) => Values::I32(column(vec, at, width)),
            Values::Bool(vec) => Values::Bool(column(vec, at, width)),
            Values::Str(vec) => Values::Str(column(vec, at, width)),
        };
        (0..width).map(|at| column(at).into_array()).collect()
    }

    /// The rows `from..to` as a model's input of the given rank (1 or 2), borrowed but for strings, which ONNX Runtime copies.
    ///
    /// # Errors
    /// When ONNX Runtime refuses the tensor.
    pub fn input(&self, from: usize, to: usize, rank: usize) -> Result<SessionInputValue<'_>, ort::Error> {
        let range = from * self.width..to * self.width;
        let shape = match rank {
            1 => vec![(to - from) * self.width],
            _ => vec![to - from, self.width],
        };
        Ok(match &self.values {
            Values::F32(vec) => TensorRef::from_array_view((shape, &vec[range]))?.into(),
            Values::F64(vec) => TensorRef::from_array_view((shape, &vec[range]))?.into(),
            Values::I64(vec) => TensorRef::from_array_view((shape, &vec[range]))?.into(),
            Values::I32(vec) => TensorRef::from_array_view((shape, &vec[range]))?.into(),
            Values::Bool(vec) => TensorRef::from_array_view((shape, &vec[range]))?.into(),
            Values::Str(vec) => ort::value::Tensor::from_string_array((shape, &vec[range]))?.into(),
        })
    }
}
