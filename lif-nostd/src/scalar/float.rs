//! f32 and f64 (`docs/dynamics.md`, section 2).

use super::Scalar;

/// Leak of a floating-point membrane.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FloatLeak<F> {
    /// Time constant, in steps.
    pub tau: F,
    /// Membrane that the leak pulls towards.
    pub v_leak: F,
}

/// The one text of both types. Each operation is rounded by itself: no fused multiply-add.
macro_rules! float {
    ($f:ty) => {
        impl Scalar for $f {
            type Leak = FloatLeak<$f>;
            type Sum = $f;

            const ZERO: Self = 0.0;
            const ZERO_SUM: Self = 0.0;
            const TAU_MIN: f64 = f64::NEG_INFINITY;

            fn from_f64(x: f64) -> Option<Self> {
                let nearest = x as $f;
                let overflows = x.is_finite() && !nearest.is_finite();
                (!x.is_nan() && !overflows).then_some(nearest)
            }

            fn saturating_from_f64(x: f64) -> Option<Self> {
                let nearest = x as $f;
                let overflows = x.is_finite() && !nearest.is_finite();
                Some(if overflows {
                    <$f>::MAX.copysign(nearest)
                } else {
                    nearest
                })
            }

            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            fn leak(tau: f64, v_leak: Self) -> Self::Leak {
                FloatLeak {
                    tau: tau as $f,
                    v_leak,
                }
            }

            fn pull_from_zero(tau: f64, v_leak: f64) -> Self {
                (v_leak / tau) as $f
            }

            #[inline]
            fn plus(self, x: Self) -> Self {
                self + x
            }

            #[inline]
            fn charge(self, x: Self, leak: &Self::Leak, decay_input: bool) -> Self {
                let v = self;
                if decay_input {
                    v + (x - (v - leak.v_leak)) / leak.tau
                } else {
                    v - (v - leak.v_leak) / leak.tau + x
                }
            }

            #[inline]
            fn charge_simple(self, x: Self, leak: &Self::Leak, decay_input: bool) -> Self {
                let v = self;
                if decay_input {
                    v + (leak.v_leak - v + x) / leak.tau
                } else {
                    v + (leak.v_leak - v) / leak.tau + x
                }
            }

            #[inline]
            fn charge_non_spiking(self, x: Self, leak: &Self::Leak) -> Self {
                self + (x - self) / leak.tau
            }

            #[inline]
            fn hard_reset(self, spike: bool, v_reset: Self) -> Self {
                // Written out as the reference does: an infinite membrane that fires leaves NaN.
                let s = <$f>::from(u8::from(spike));
                s * v_reset + (1.0 - s) * self
            }

            #[inline]
            fn soft_reset(self, spike: bool, v_threshold: Self) -> Self {
                self - <$f>::from(u8::from(spike)) * v_threshold
            }

            #[inline]
            fn add_to(self, sum: Self) -> Self {
                sum + self
            }

            fn mean(sum: Self, n: u32) -> Self {
                sum / n as $f
            }

            fn max_abs(max: Self, min: Self) -> Self {
                let above = max.abs() > min.abs();
                let not_above = max.abs() <= min.abs();
                max * <$f>::from(u8::from(above)) + min * <$f>::from(u8::from(not_above))
            }
        }
    };
}

float!(f32);
float!(f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hard_reset_follows_the_reference_at_infinity() {
        assert!(f32::INFINITY.hard_reset(true, 0.0).is_nan());
        assert_eq!(1.5f32.hard_reset(true, -0.25), -0.25);
        assert_eq!(1.5f32.soft_reset(true, 1.0), 0.5);
        // A zero takes the sign that the sum gives it.
        assert_eq!((-0.0f32).hard_reset(false, 0.0).to_bits(), 0.0f32.to_bits());
        assert_eq!(
            (-0.0f32).hard_reset(false, -1.0).to_bits(),
            (-0.0f32).to_bits()
        );
    }

    #[test]
    fn values_that_a_type_cannot_hold_are_none() {
        assert_eq!(f32::from_f64(1e39), None);
        assert_eq!(f32::from_f64(f64::NAN), None);
        assert_eq!(f32::from_f64(f64::INFINITY), Some(f32::INFINITY));
        assert_eq!(f32::from_f64(0.1), Some(0.1));
    }
}
