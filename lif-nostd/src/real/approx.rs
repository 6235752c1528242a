//! A number whose elementary functions are approximate and fast.

use core::f32::consts::{FRAC_PI_2, TAU};
use core::ops::{Add, Div, Mul, Neg, Sub};

use micromath::F32;

use super::Real;

/// An f32 with the approximate functions of the `micromath` crate. The operators are those of f32.
///
/// Largest errors, as the test `errors_are_within_the_documented_bounds` measures them:
///
/// | function | over | error |
/// |---|---|---|
/// | `exp` | -87 to 88 | 2.4e-3 relative |
/// | `ln` | 1e-37 to 1e38 | 7e-5 absolute |
/// | `atan` | all | 2.9e-3 absolute |
/// | `erfc` | all | 5.8e-4 absolute |
/// | `sin`, `cos` | -100 to 100 | 1.2e-3 absolute |
/// | `powf` | 1 to 100, to the power of -4 to -0.25 | 2.7e-3 relative |
///
/// Results of `exp` below the smallest normal number are 0. An angle beyond 100 radians loses accuracy as f32
/// spaces it; beyond 100000 the result is within -1 to 1 and means nothing. `powf` of a negative number is NaN.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Approx(pub f32);

/// Beyond this, e^x is infinite in f32.
const EXP_MAX: f32 = 88.72;

/// Below this, e^x is not a normal number of f32.
const EXP_MIN: f32 = -87.33;

/// Beyond this, the arc tangent is pi/2 in f32, and a square may overflow.
const ATAN_MAX: f32 = 1e8;

/// Beyond this, angles are reduced to one turn before micromath sees them, which takes them through i32.
const ANGLE_MAX: f32 = 1e5;

impl Approx {
    /// `ln` of a finite number of at least 1, where micromath's polynomial holds.
    fn ln_from_1(x: f32) -> f32 {
        F32(x).ln().0
    }

    fn angle(self) -> F32 {
        F32(if self.0.abs() < ANGLE_MAX {
            self.0
        } else {
            self.0 % TAU
        })
    }
}

impl Real for Approx {
    const ZERO: Self = Self(0.0);

    const ONE: Self = Self(1.0);

    #[inline]
    fn from_f64(x: f64) -> Self {
        Self(x as f32)
    }

    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self.0)
    }

    #[inline]
    fn abs(self) -> Self {
        Self(self.0.abs())
    }

    fn exp(self) -> Self {
        Self(if self.0 > EXP_MAX {
            f32::INFINITY
        } else if self.0 < EXP_MIN {
            0.0
        } else if self.0.is_nan() {
            self.0
        } else {
            F32(self.0).exp().0
        })
    }

    fn ln(self) -> Self {
        let x = self.0;
        Self(if x.is_nan() || x < 0.0 {
            f32::NAN
        } else if x == 0.0 {
            f32::NEG_INFINITY
        } else if x < f32::MIN_POSITIVE {
            // A subnormal number has no reciprocal in f32.
            -Self::ln_from_1(1.0 / (x * 8_388_608.0)) - 23.0 * core::f32::consts::LN_2
        } else if x < 1.0 {
            -Self::ln_from_1(1.0 / x)
        } else if x.is_finite() {
            Self::ln_from_1(x)
        } else {
            x
        })
    }

    fn atan(self) -> Self {
        Self(if self.0.abs() > ATAN_MAX {
            FRAC_PI_2.copysign(self.0)
        } else {
            F32(self.0).atan().0
        })
    }

    /// Abramowitz and Stegun, formula 7.1.26, with the approximate `exp`.
    fn erfc(self) -> Self {
        const COEFFICIENTS: [f32; 5] = [
            1.061_405_4,
            -1.453_152,
            1.421_413_7,
            -0.284_496_74,
            0.254_829_6,
        ];
        let x = self.0.abs();
        let t = 1.0 / (1.0 + 0.327_591_1 * x);
        let polynomial = COEFFICIENTS.iter().fold(0.0, |sum, c| (sum + c) * t);
        let tail = polynomial * Self(-x * x).exp().0;
        Self(if self.0 < 0.0 { 2.0 - tail } else { tail })
    }

    fn sin(self) -> Self {
        Self(self.angle().sin().0)
    }

    fn cos(self) -> Self {
        Self(self.angle().cos().0)
    }

    fn powf(self, exponent: Self) -> Self {
        if exponent.0 == 0.0 {
            return Self::ONE;
        }
        (exponent * self.ln()).exp()
    }

    #[inline]
    fn rint(self) -> Self {
        Self(libm::rintf(self.0))
    }
}

impl Add for Approx {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Approx {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul for Approx {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

impl Div for Approx {
    type Output = Self;

    #[inline]
    fn div(self, other: Self) -> Self {
        Self(self.0 / other.0)
    }
}

impl Neg for Approx {
    type Output = Self;

    #[inline]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::ops::RangeInclusive;

    use super::*;

    /// Name, range to measure over, whether relative, both functions, and the error that the documentation states.
    type Row = (
        &'static str,
        RangeInclusive<f32>,
        bool,
        fn(Approx) -> Approx,
        fn(f64) -> f64,
        f64,
    );

    /// Points to measure at: evenly over -100 to 100, and powers from 1e-37 to 1e38 of both signs.
    fn points() -> impl Iterator<Item = f32> {
        let even = (-200_000..=200_000).map(|i| i as f32 / 2000.0);
        let powers = (-7400..=7600).map(|i| libm::exp10(f64::from(i) / 200.0) as f32);
        even.chain(powers.flat_map(|x| [x, -x]))
    }

    /// The largest error of `approximate` at the points that `range` holds, and where it is.
    fn worst(
        range: RangeInclusive<f32>,
        relative: bool,
        approximate: impl Fn(Approx) -> Approx,
        exact: impl Fn(f64) -> f64,
    ) -> (f64, f32) {
        let mut worst = (0.0, 0.0);
        for x in points().filter(|x| range.contains(x)) {
            let want = exact(f64::from(x));
            let scale = if relative { want } else { 1.0 };
            let error = ((approximate(Approx(x)).to_f64() - want) / scale).abs();
            assert!(!error.is_nan(), "{x}");
            if error > worst.0 {
                worst = (error, x);
            }
        }
        worst
    }

    #[test]
    fn errors_are_within_the_documented_bounds() {
        let all = f32::MIN..=f32::MAX;
        let functions: [Row; 6] = [
            ("exp", -87.0..=88.0, true, Real::exp, libm::exp, 2.4e-3),
            ("ln", 1e-37..=1e38, false, Real::ln, libm::log, 7e-5),
            ("atan", all.clone(), false, Real::atan, libm::atan, 2.9e-3),
            ("erfc", all, false, Real::erfc, libm::erfc, 5.8e-4),
            ("sin", -100.0..=100.0, false, Real::sin, libm::sin, 1.2e-3),
            ("cos", -100.0..=100.0, false, Real::cos, libm::cos, 1.2e-3),
        ];
        let mut outside = std::vec::Vec::new();
        let mut check = |name: &str, (error, x), bound: f64| {
            if error > bound {
                outside.push(std::format!("{name}: {error:.3e} at {x}"));
            }
        };
        for (name, range, relative, approximate, exact, bound) in functions {
            check(name, worst(range, relative, approximate, exact), bound);
        }
        for exponent in [-4.0, -2.5, -1.0, -0.5, -0.25] {
            let power = Approx::from_f64(exponent);
            let exact = |x| libm::pow(x, exponent);
            let error = worst(1.0..=100.0, true, |x| x.powf(power), exact);
            check("powf", error, 2.7e-3);
        }
        assert!(outside.is_empty(), "{outside:?}");
    }

    #[test]
    fn functions_stay_in_range_at_the_edges_of_f32() {
        for x in [
            1e-45,
            1e-39,
            f32::MIN_POSITIVE,
            88.0,
            88.7,
            1e5,
            1e20,
            f32::MAX,
        ] {
            for x in [x, -x] {
                let x = Approx(x);
                for y in [x.sin(), x.cos()] {
                    assert!(y.0.abs() <= 1.002, "{x:?} {y:?}");
                }
                assert!(
                    x.exp().0 >= 0.0 && !x.atan().is_nan() && !x.erfc().is_nan(),
                    "{x:?}"
                );
            }
        }
        for (x, ln) in [(1e-45f32, -103.2789), (1e-39, -89.8008)] {
            assert!((Approx(x).ln().0 - ln).abs() < 1e-2, "{x}");
        }
        assert_eq!(Approx(88.8).exp().0, f32::INFINITY);
        assert_eq!(Approx(-87.4).exp().0, 0.0);
    }
}
