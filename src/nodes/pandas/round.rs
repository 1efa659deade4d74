//! Rounding as NumPy does it.

/// `numpy.around`: scaled by a power of ten, rounded half to even, scaled back.
pub(super) fn around(value: f64, decimals: i32) -> f64 {
    let rounded = match decimals {
        0 => value.round_ties_even(),
        decimals if decimals > 0 => {
            let power = 10f64.powi(decimals);
            (value * power).round_ties_even() / power
        }
        decimals => {
            let power = 10f64.powi(-decimals);
            (value / power).round_ties_even() * power
        }
    };
    rounded
}
