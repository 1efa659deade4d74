//! The two types that kernels compute in.

use crate::model::tensor::Values;

/// A float of 32 or 64 bits: features and sums of one model.
pub(super) trait Number: Copy + Default + PartialOrd + Send + Sync + 'static {
    /// A tensor's elements, where they are of this type.
    fn elements(values: &Values) -> Option<&[Self]>;
    /// The nearest to a double.
    fn of(value: f64) -> Self;
    /// The nearest to an integer.
    fn of_integer(value: i64) -> Self;
    /// Itself, as a float of 32 bits.
    fn single(self) -> f32;
    /// Itself, as a double.
    fn double(self) -> f64;
    /// Whether it is no number.
    fn is_nan(self) -> bool;
    /// The next smaller number; NaN below minus infinity.
    fn below(self) -> Self;
    /// Its negative.
    fn negative(self) -> Self;
    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The product.
    fn times(self, other: Self) -> Self;
    /// The quotient.
    fn over(self, other: Self) -> Self;
}

macro_rules! number {
    ($type:ty, $values:ident) => {
        impl Number for $type {
            fn elements(values: &Values) -> Option<&[Self]> {
                if let Values::$values(elements) = values { Some(elements) } else { None }
            }

            fn of(value: f64) -> Self {
                value as Self
            }

            fn of_integer(value: i64) -> Self {
                value as Self
            }

            fn single(self) -> f32 {
                self as f32
            }

            fn double(self) -> f64 {
                self.into()
            }

            #[inline]
            fn is_nan(self) -> bool {
                Self::is_nan(self)
            }

            fn below(self) -> Self {
                if self == Self::NEG_INFINITY { Self::NAN } else { self.next_down() }
            }

            fn negative(self) -> Self {
                -self
            }

            #[inline]
            fn plus(self, other: Self) -> Self {
                self + other
            }

            fn times(self, other: Self) -> Self {
                self * other
            }

            fn over(self, other: Self) -> Self {
                self / other
            }
        }
    };
}

number!(f32, F32);
number!(f64, F64);
