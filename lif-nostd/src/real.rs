//! Floating-point numbers with the elementary functions that the primitives of surrogates need.
//!
//! `f32` and `f64` are exact to the last bit or nearly so; `Approx` (feature `micromath`) trades accuracy for
//! speed on cores without a floating-point unit.

#[cfg(feature = "micromath")]
mod approx;

#[cfg(feature = "micromath")]
pub use approx::Approx;

use core::fmt::Debug;
use core::ops::{Add, Div, Mul, Neg, Sub};

/// A floating-point number and its elementary functions.
///
/// The operators are those of IEEE 754, rounded to nearest, in every implementation. A NaN gives a NaN in every
/// function.
pub trait Real:
    Copy
    + PartialOrd
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// Zero, of positive sign.
    const ZERO: Self;

    /// One.
    const ONE: Self;

    /// The nearest number of this type, ties to even; infinite beyond the largest.
    fn from_f64(x: f64) -> Self;

    /// The same number in f64.
    fn to_f64(self) -> f64;

    /// Absolute value.
    fn abs(self) -> Self;

    /// e to the power of `self`.
    fn exp(self) -> Self;

    /// Natural logarithm: negative infinity at 0, NaN below.
    fn ln(self) -> Self;

    /// Arc tangent, in radians, -pi/2 to pi/2.
    fn atan(self) -> Self;

    /// Complementary error function, `2/sqrt(pi)` times the integral of `exp(-t^2)` from `self` to infinity.
    fn erfc(self) -> Self;

    /// Sine of an angle in radians; NaN at infinity.
    fn sin(self) -> Self;

    /// Cosine of an angle in radians; NaN at infinity.
    fn cos(self) -> Self;

    /// `self` to the power of `exponent`.
    fn powf(self, exponent: Self) -> Self;

    /// The nearest whole number, ties to even; keeps the sign of a zero.
    fn rint(self) -> Self;

    /// Whether this is not a number.
    #[inline]
    fn is_nan(self) -> bool {
        self.partial_cmp(&self).is_none()
    }

    /// The nearest of the numbers from `low` to `high`; NaN stays NaN, and a zero keeps its sign.
    #[inline]
    #[must_use]
    fn clamp(self, low: Self, high: Self) -> Self {
        if self < low {
            low
        } else if self > high {
            high
        } else {
            self
        }
    }
}

/// Functions of the `libm` crate.
impl Real for f64 {
    const ZERO: Self = 0.0;

    const ONE: Self = 1.0;

    #[inline]
    fn from_f64(x: f64) -> Self {
        x
    }

    #[inline]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline]
    fn abs(self) -> Self {
        libm::fabs(self)
    }

    fn exp(self) -> Self {
        libm::exp(self)
    }

    fn ln(self) -> Self {
        libm::log(self)
    }

    fn atan(self) -> Self {
        libm::atan(self)
    }

    fn erfc(self) -> Self {
        libm::erfc(self)
    }

    fn sin(self) -> Self {
        libm::sin(self)
    }

    fn cos(self) -> Self {
        libm::cos(self)
    }

    fn powf(self, exponent: Self) -> Self {
        libm::pow(self, exponent)
    }

    #[inline]
    fn rint(self) -> Self {
        libm::rint(self)
    }
}

/// Functions of the `libm` crate in f64, rounded once: correctly rounded but for the rare result that lies
/// within f64's error of halfway between two numbers. On a core without double precision `Approx` is faster.
impl Real for f32 {
    const ZERO: Self = 0.0;

    const ONE: Self = 1.0;

    #[inline]
    fn from_f64(x: f64) -> Self {
        x as f32
    }

    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline]
    fn abs(self) -> Self {
        libm::fabsf(self)
    }

    fn exp(self) -> Self {
        libm::exp(f64::from(self)) as f32
    }

    fn ln(self) -> Self {
        libm::log(f64::from(self)) as f32
    }

    fn atan(self) -> Self {
        libm::atan(f64::from(self)) as f32
    }

    fn erfc(self) -> Self {
        libm::erfc(f64::from(self)) as f32
    }

    fn sin(self) -> Self {
        libm::sin(f64::from(self)) as f32
    }

    fn cos(self) -> Self {
        libm::cos(f64::from(self)) as f32
    }

    fn powf(self, exponent: Self) -> Self {
        libm::pow(f64::from(self), f64::from(exponent)) as f32
    }

    #[inline]
    fn rint(self) -> Self {
        libm::rintf(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn special_values<F: Real>() {
        let [nan, infinity] = [f64::NAN, f64::INFINITY].map(F::from_f64);
        let unary = [
            F::abs,
            F::exp,
            F::ln,
            F::atan,
            F::erfc,
            F::sin,
            F::cos,
            F::rint,
        ];
        assert!(unary.into_iter().all(|f| f(nan).is_nan()));
        assert!(nan.powf(F::ONE).is_nan() && nan.clamp(F::ZERO, F::ONE).is_nan());
        assert!(F::sin(infinity).is_nan() && F::cos(-infinity).is_nan() && F::ln(-F::ONE).is_nan());
        assert_eq!(F::exp(infinity), infinity);
        assert_eq!(F::exp(-infinity), F::ZERO);
        assert_eq!(F::ln(F::ZERO), -infinity);
        assert_eq!(F::ln(infinity), infinity);
        assert_eq!(F::erfc(infinity), F::ZERO);
        assert_eq!(F::erfc(-infinity), F::ONE + F::ONE);
        assert_eq!(
            F::atan(-infinity),
            F::from_f64(-core::f64::consts::FRAC_PI_2)
        );
    }

    #[test]
    fn special_values_are_those_of_the_functions() {
        special_values::<f32>();
        special_values::<f64>();
        #[cfg(feature = "micromath")]
        special_values::<Approx>();
    }

    #[test]
    fn rint_takes_ties_to_even_and_clamp_keeps_the_sign_of_zero() {
        let ties = [0.5f32, 1.5, 2.5, 3.5].map(Real::rint);
        assert_eq!(ties, [0.0, 2.0, 2.0, 4.0]);
        assert!(Real::rint(-0.25f64).is_sign_negative());
        assert!(Real::clamp(-0.0f32, 0.0, 1.0).is_sign_negative());
    }
}
