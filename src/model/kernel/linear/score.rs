//! The scores of some rows at once, compiled for the instructions that the machine has: fused multiply-add on all of a register's rows.

use pulp::{Simd, WithSimd};

use super::Linear;

/// Rows side by side.
pub(super) const LANES: usize = 32;
/// Registers side by side, so that one's multiply-adds hide behind the others': four of AVX2's hold all lanes.
const REGISTERS: usize = 4;

/// Rows on their way to their sums. What stands in lanes without a row does not matter.
pub(super) struct Sums<'g> {
    pub(super) linear: &'g Linear,
    /// Each feature of all rows behind each other; scaled where they stand.
    pub(super) features: &'g mut [f32],
    /// For each target, what its features and its intercept add up to, of all rows behind each other.
    pub(super) sums: &'g mut [f32],
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { linear, features, sums } = self;
        if let Some(scaler) = &linear.scaler {
            for ((feature, offset), factor) in features.chunks_exact_mut(LANES).zip(&scaler.offsets).zip(&scaler.factors) {
                feature.iter_mut().for_each(|value| *value = (*value - offset) * factor);
            }
        }
        let (features, _) = S::as_simd_f32s(features);
        for (target, sums) in sums.chunks_exact_mut(LANES).enumerate() {
            let coefficients = &linear.coefficients[target * linear.width..][..linear.width];
            let (sums, _) = S::as_mut_simd_f32s(sums);
            for (block, sums) in sums.chunks_exact_mut(REGISTERS).enumerate() {
                let mut added = [simd.splat_f32s(0.0); REGISTERS];
                for (feature, coefficient) in features.chunks_exact(LANES / S::F32_LANES).zip(coefficients) {
                    let coefficient = simd.splat_f32s(*coefficient);
                    let values = &feature[block * REGISTERS..][..REGISTERS];
                    for (added, value) in added.iter_mut().zip(values) {
                        *added = simd.mul_add_f32s(*value, coefficient, *added);
                    }
                }
                if let Some(intercept) = linear.intercepts.get(target) {
                    added = added.map(|added| simd.add_f32s(added, simd.splat_f32s(*intercept)));
                }
                sums.copy_from_slice(&added);
            }
        }
    }
}

/// Sums that become probabilities where they stand, each by itself.
pub(super) struct Logistic<'s>(pub(super) &'s mut [f32]);

impl WithSimd for Logistic<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.iter_mut().for_each(|value| *value = logistic(*value));
    }
}

/// The logistic function as ONNX Runtime approximates it: a quotient of two polynomials (MLAS, after Eigen).
#[inline(always)]
fn logistic(value: f32) -> f32 {
    // From the highest power down: odd powers above, even ones below.
    const ABOVE: [f32; 5] = [4.370_31e-11, 1.156_273_2e-7, 6.085_749e-5, 8.513_771e-3, 2.482_879_5e-1];
    const BELOW: [f32; 6] = [6.102_473_7e-13, 5.761_021_4e-9, 6.291_068e-6, 1.701_988_2e-3, 1.168_176_5e-1, 9.931_519e-1];
    let value = value.clamp(-18.0, 18.0);
    let square = value * value;
    let at = |polynomial: &[f32]| polynomial[1..].iter().fold(polynomial[0], |sum, coefficient| sum.mul_add(square, *coefficient));
    (at(&ABOVE) * value / at(&BELOW) + 0.5).clamp(0.0, 1.0)
}
