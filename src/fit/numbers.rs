//! Numbers as keys in their order, and what pandas and NumPy compute of sorted ones, bit for bit.

use arrow_schema::DataType;

/// How a column's numbers are kept as keys and computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `float64`.
    Double,
    /// `float32`.
    Single,
    /// Integers with a sign.
    Signed,
    /// `uint64`, and those that fit it.
    Unsigned,
    /// Booleans, as 0 and 1.
    Boolean,
}

const SIGN: u64 = 1 << 63;

impl Kind {
    /// Of a type; `None` where it is no number's.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Float64 => Some(Self::Double),
            DataType::Float32 => Some(Self::Single),
            DataType::Boolean => Some(Self::Boolean),
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Some(Self::Unsigned),
            other => other.is_integer().then_some(Self::Signed),
        }
    }

    pub(super) fn is_float(self) -> bool {
        matches!(self, Self::Double | Self::Single)
    }

    /// The key of a float: keys are ordered as the floats are. There is one zero.
    pub(super) fn float_key(value: f64) -> u64 {
        let bits = if value == 0.0 { 0 } else { value.to_bits() };
        if bits & SIGN == 0 { bits | SIGN } else { !bits }
    }

    /// The key of an integer or Boolean; one without a sign is given by its bits.
    pub(super) fn int_key(self, value: i64) -> u64 {
        if self == Self::Unsigned { value.cast_unsigned() } else { value.cast_unsigned() ^ SIGN }
    }

    fn signed(key: u64) -> i64 {
        (key ^ SIGN).cast_signed()
    }

    /// The number of a key as a double.
    pub(super) fn double(self, key: u64) -> f64 {
        match self {
            Self::Double | Self::Single => f64::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN }),
            Self::Unsigned => key as f64,
            Self::Signed | Self::Boolean => Self::signed(key) as f64,
        }
    }

    /// The number of a key as the statistics file has it; JSON has no infinities.
    pub(super) fn value(self, key: u64) -> serde_json::Value {
        match self {
            Self::Double | Self::Single => number(self.double(key)),
            Self::Unsigned => key.into(),
            Self::Signed => Self::signed(key).into(),
            Self::Boolean => (Self::signed(key) != 0).into(),
        }
    }

    /// `greater - less` in the column's own type, as a double.
    fn difference(self, greater: u64, less: u64) -> f64 {
        match self {
            Self::Double => self.double(greater) - self.double(less),
            Self::Single => f64::from(self.double(greater) as f32 - self.double(less) as f32),
            Self::Unsigned => greater.wrapping_sub(less) as f64,
            Self::Signed | Self::Boolean => Self::signed(greater).wrapping_sub(Self::signed(less)) as f64,
        }
    }

    /// NumPy's median from the two numbers in the middle, which may be one.
    pub(super) fn median(self, low: u64, high: u64, is_one: bool) -> f64 {
        let (low, high) = (self.double(low), self.double(high));
        match (is_one, self) {
            (true, _) => low,
            (false, Self::Single) => f64::from((low as f32 + high as f32) / 2.0),
            (false, _) => (low + high) / 2.0,
        }
    }

    /// NumPy's linear interpolation between two neighbours.
    pub(super) fn between(self, low: u64, high: u64, weight: f64) -> f64 {
        let difference = self.difference(high, low);
        if weight >= 0.5 { self.double(high) - difference * (1.0 - weight) } else { self.double(low) + difference * weight }
    }

    /// The edges of `count` intervals of equal width as pandas' `cut` makes them: the outer one that would hold no value is moved by a
    /// thousandth of the range.
    pub(super) fn bin_edges(self, least: u64, greatest: u64, count: u32, right: bool) -> Vec<f64> {
        let (low, high) = (self.double(least), self.double(greatest));
        if least == greatest {
            let margin = if low == 0.0 { 0.001 } else { 0.001 * low.abs() };
            return linspace(low - margin, high + margin, count);
        }
        let mut edges = linspace(low, high, count);
        let margin = self.difference(greatest, least) * 0.001;
        if right {
            edges[0] -= margin;
        } else if let Some(last) = edges.last_mut() {
            *last += margin;
        }
        edges
    }
}

/// NumPy's `linspace` with `steps + 1` numbers.
fn linspace(start: f64, stop: f64, steps: u32) -> Vec<f64> {
    let (delta, count) = (stop - start, f64::from(steps));
    let step = delta / count;
    let at = |index: f64| if step == 0.0 { index / count * delta } else { index * step };
    (0..steps).map(|index| at(f64::from(index)) + start).chain([stop]).collect()
}

/// The places of the sorted numbers that a probability lies between, and its weight there, as NumPy's `percentile` has them.
pub(super) fn place(probability: f64, rows: u64) -> (u64, u64, f64) {
    let last = rows - 1;
    // pandas asks for percents, and NumPy makes them fractions again.
    let index = last as f64 * (probability * 100.0 / 100.0);
    if index >= last as f64 {
        return (last, last, 0.0);
    }
    let below = index.floor();
    (below as u64, below as u64 + 1, index - below)
}

/// A float as the statistics file has it.
pub(super) fn number(value: f64) -> serde_json::Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => number.into(),
        None => if value > 0.0 { "inf" } else { "-inf" }.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Kind;

    proptest! {
        #[test]
        fn keys_keep_order_and_value(one in any::<f64>(), other in any::<f64>(), int in any::<i64>(), another in any::<i64>()) {
            prop_assume!(!one.is_nan() && !other.is_nan());
            prop_assert_eq!(Kind::float_key(one).cmp(&Kind::float_key(other)), one.partial_cmp(&other).unwrap_or(std::cmp::Ordering::Equal));
            prop_assert_eq!(Kind::Double.double(Kind::float_key(one)), one);
            prop_assert_eq!(Kind::Signed.int_key(int).cmp(&Kind::Signed.int_key(another)), int.cmp(&another));
            prop_assert_eq!(Kind::Signed.value(Kind::Signed.int_key(int)), serde_json::Value::from(int));
        }
    }
}
