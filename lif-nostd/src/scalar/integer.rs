//! Fixed point: one primitive for every type (`docs/dynamics.md`, section 3).

use super::Scalar;

/// Leak of a fixed-point membrane, as a factor with 16 fractional bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FixedLeak {
    /// `a = 65536 - round(65536 / tau)`: what a step leaves of the membrane, in units of 2^-16.
    pub a: u32,
    /// `((65536 - a) * v_leak) >> 16`: the pull towards the leak potential, in units of the membrane.
    pub pull: i32,
}

impl FixedLeak {
    /// The leak of factor `a` (at most 65536, in units of 2^-16) towards 0.
    #[must_use]
    pub const fn to_zero(a: u32) -> Self {
        Self { a, pull: 0 }
    }

    /// `65536 - a`: the part of the input that `decay_input` leaves, in units of 2^-16.
    const fn input_part(&self) -> u32 {
        65536u32.wrapping_sub(self.a)
    }
}

/// `a = 65536 - round(65536 / tau)`, ties to even, kept within 0 ..= 65536.
///
/// `tau` is in steps. A positive tau of 1 or less gives 0 (nothing is left of the membrane).
#[must_use]
pub fn leak_factor(tau: f64) -> u32 {
    let part = libm::rint(65536.0 / tau);
    if (0.0..=65536.0).contains(&part) {
        65536 - part as u32
    } else {
        0
    }
}

/// The nearest value that 16 bits hold.
#[inline]
#[must_use]
pub fn saturate_i16(x: i32) -> i16 {
    x.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// The nearest value that 32 bits hold.
#[inline]
fn saturate_i32(x: i64) -> i32 {
    x.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// `(a * v) >> 16`, rounded down, for `a` of at most 65536, with products of 32 bits.
///
/// With v = 2^16 high + low, 0 <= low < 2^16, the product is 2^16 a high + a low: the first part has no fraction, so
/// it is a high + floor(a low / 2^16). As -2^15 <= high < 2^15, a high fits 32 bits; a low <= 2^16 (2^16 - 1) fits
/// 32 bits without a sign; and the sum is between v and 0, for a negative v too, so it fits as well.
#[inline]
pub(crate) const fn scale(a: u32, v: i32) -> i32 {
    let high = (a as i32).wrapping_mul(v >> 16);
    high.wrapping_add((a.wrapping_mul(v as u32 & 0xffff) >> 16) as i32)
}

/// `sum / n`, rounded down, where that fits 32 bits: the mean of `n` values of which `sum` is the sum. 0 for `n` = 0,
/// which cannot come from any value.
fn floor_div(sum: i64, n: u32) -> i32 {
    if n == 0 {
        return 0;
    }
    // Bit by bit: the division of 64 bits would be most of a small program.
    let mut part = u64::from(n) << 31;
    // With 2^31 more in each value there is no sign.
    let mut rest = (sum as u64).wrapping_add(part);
    let mut mean = 0u32;
    for _ in 0..32 {
        mean <<= 1;
        if rest >= part {
            rest = rest.wrapping_sub(part);
            mean |= 1;
        }
        part >>= 1;
    }
    (mean ^ 1 << 31) as i32
}

/// The one text of both widths: `$wide` holds the product of a leak factor and a membrane, and the sums.
macro_rules! integer {
    ($int:ty, $wide:ty, $saturate:path, $scale_by:ident) => {
        /// `(a * v) >> 16`, rounded down; `a` is at most 65536, so the product fits.
        #[inline]
        fn $scale_by(a: u32, v: $int) -> $wide {
            <$wide>::from(a as i32).wrapping_mul(<$wide>::from(v)) >> 16
        }

        impl Scalar for $int {
            type Leak = FixedLeak;
            type Sum = i64;

            const ZERO: Self = 0;
            const ZERO_SUM: i64 = 0;
            const TAU_MIN: f64 = 1.0;

            fn from_f64(x: f64) -> Option<Self> {
                let nearest = libm::rint(x);
                let fits = nearest >= f64::from(<$int>::MIN) && nearest <= f64::from(<$int>::MAX);
                fits.then_some(nearest as $int)
            }

            fn saturating_from_f64(x: f64) -> Option<Self> {
                // The conversion saturates.
                (!x.is_nan()).then(|| libm::rint(x) as $int)
            }

            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            fn leak(tau: f64, v_leak: Self) -> Self::Leak {
                let to_zero = FixedLeak::to_zero(leak_factor(tau));
                FixedLeak {
                    // A part of v_leak: it fits whatever v_leak fits.
                    pull: $scale_by(to_zero.input_part(), v_leak) as i32,
                    ..to_zero
                }
            }

            fn pull_from_zero(tau: f64, v_leak: f64) -> Self {
                let v_leak = Self::from_f64(v_leak).unwrap_or(0);
                $saturate(<$wide>::from(Self::leak(tau, v_leak).pull))
            }

            #[inline]
            fn plus(self, x: Self) -> Self {
                self.saturating_add(x)
            }

            #[inline]
            fn charge(self, x: Self, leak: &Self::Leak, decay_input: bool) -> Self {
                let x = if decay_input {
                    $scale_by(leak.input_part(), x)
                } else {
                    <$wide>::from(x)
                };
                let h = $scale_by(leak.a, self)
                    .saturating_add(x)
                    .saturating_add(<$wide>::from(leak.pull));
                $saturate(h)
            }

            #[inline]
            fn charge_simple(self, x: Self, leak: &Self::Leak, decay_input: bool) -> Self {
                self.charge(x, leak, decay_input)
            }

            #[inline]
            fn charge_non_spiking(self, x: Self, leak: &Self::Leak) -> Self {
                self.charge(x, &FixedLeak::to_zero(leak.a), true)
            }

            #[inline]
            fn hard_reset(self, spike: bool, v_reset: Self) -> Self {
                if spike { v_reset } else { self }
            }

            #[inline]
            fn soft_reset(self, spike: bool, v_threshold: Self) -> Self {
                if spike {
                    self.saturating_sub(v_threshold)
                } else {
                    self
                }
            }

            #[inline]
            fn add_to(self, sum: i64) -> i64 {
                sum.saturating_add(i64::from(self))
            }

            fn mean(sum: i64, n: u32) -> Self {
                // A mean lies between the values, so it fits.
                floor_div(sum, n) as $int
            }

            fn max_abs(max: Self, min: Self) -> Self {
                if max.unsigned_abs() > min.unsigned_abs() {
                    max
                } else {
                    min
                }
            }
        }
    };
}

integer!(i16, i32, saturate_i16, scale_i16);
integer!(i32, i64, saturate_i32, scale_i32);

/// A type of the `fixed` crate is its raw integer with a unit of 2^-F.
#[cfg(feature = "fixed")]
macro_rules! fixed {
    ($fixed:ident, $int:ty, $most:ident) => {
        impl<Frac: fixed::types::extra::$most> Scalar for fixed::$fixed<Frac> {
            type Leak = FixedLeak;
            type Sum = i64;

            const ZERO: Self = Self::ZERO;
            const ZERO_SUM: i64 = 0;
            const TAU_MIN: f64 = 1.0;

            fn from_f64(x: f64) -> Option<Self> {
                let raw = libm::ldexp(x, Frac::I32);
                <$int>::from_f64(raw).map(Self::from_bits)
            }

            fn saturating_from_f64(x: f64) -> Option<Self> {
                let raw = libm::ldexp(x, Frac::I32);
                <$int>::saturating_from_f64(raw).map(Self::from_bits)
            }

            fn to_f64(self) -> f64 {
                libm::ldexp(self.to_bits().to_f64(), -Frac::I32)
            }

            fn leak(tau: f64, v_leak: Self) -> Self::Leak {
                <$int>::leak(tau, v_leak.to_bits())
            }

            fn pull_from_zero(tau: f64, v_leak: f64) -> Self {
                let raw = libm::ldexp(v_leak, Frac::I32);
                Self::from_bits(<$int>::pull_from_zero(tau, raw))
            }

            #[inline]
            fn plus(self, x: Self) -> Self {
                self.saturating_add(x)
            }

            #[inline]
            fn charge(self, x: Self, leak: &Self::Leak, decay_input: bool) -> Self {
                Self::from_bits(self.to_bits().charge(x.to_bits(), leak, decay_input))
            }

            #[inline]
            fn charge_simple(self, x: Self, leak: &Self::Leak, decay_input: bool) -> Self {
                self.charge(x, leak, decay_input)
            }

            #[inline]
            fn charge_non_spiking(self, x: Self, leak: &Self::Leak) -> Self {
                Self::from_bits(self.to_bits().charge_non_spiking(x.to_bits(), leak))
            }

            #[inline]
            fn hard_reset(self, spike: bool, v_reset: Self) -> Self {
                if spike { v_reset } else { self }
            }

            #[inline]
            fn soft_reset(self, spike: bool, v_threshold: Self) -> Self {
                Self::from_bits(self.to_bits().soft_reset(spike, v_threshold.to_bits()))
            }

            #[inline]
            fn add_to(self, sum: i64) -> i64 {
                self.to_bits().add_to(sum)
            }

            fn mean(sum: i64, n: u32) -> Self {
                Self::from_bits(<$int>::mean(sum, n))
            }

            fn max_abs(max: Self, min: Self) -> Self {
                Self::from_bits(<$int>::max_abs(max.to_bits(), min.to_bits()))
            }
        }
    };
}

#[cfg(feature = "fixed")]
fixed!(FixedI16, i16, LeEqU16);
#[cfg(feature = "fixed")]
fixed!(FixedI32, i32, LeEqU32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_round_down() {
        for n in [1u32, 2, 3, 7, 65_535, u32::MAX] {
            for mean in [i32::MIN, -40_000, -1, 0, 1, 2, 12_345, i32::MAX] {
                for rest in [0, n / 2, n - 1] {
                    let sum = i64::from(mean) * i64::from(n) + i64::from(rest);
                    let most = i64::from(i32::MAX) * i64::from(n);
                    let sum = sum.min(most);
                    let want = sum.div_euclid(i64::from(n));
                    assert_eq!(i64::from(floor_div(sum, n)), want, "{sum} / {n}");
                }
            }
        }
        assert_eq!(floor_div(5, 0), 0);
    }

    #[test]
    fn products_in_32_bits_are_exact() {
        for a in [0, 1, 2, 255, 32_767, 32_768, 43_690, 65_535, 65_536] {
            for v in [
                i32::MIN,
                i32::MIN + 1,
                -65_537,
                -65_536,
                -65_535,
                -2,
                -1,
                0,
                1,
                65_535,
                65_536,
                i32::MAX,
            ] {
                assert_eq!(scale(a, v), scale_i32(a, v) as i32, "{a} {v}");
            }
        }
    }

    #[test]
    fn leak_factor_is_exact_for_powers_of_two_and_bounded() {
        assert_eq!(leak_factor(2.0), 32768);
        assert_eq!(leak_factor(4.0), 49152);
        assert_eq!(leak_factor(1.0), 0);
        assert_eq!(leak_factor(0.5), 0);
        assert_eq!(leak_factor(f64::INFINITY), 65536);
        assert_eq!(leak_factor(f64::NAN), 0);
        assert_eq!(leak_factor(-3.0), 0);
        assert_eq!(leak_factor(3.0), 65536 - 21845);
    }

    #[test]
    fn charge_rounds_down_and_saturates_once() {
        let leak = i16::leak(2.0, 0);
        assert_eq!(i16::charge(-1, 0, &leak, false), -1);
        assert_eq!(i16::charge(1, 0, &leak, false), 0);
        assert_eq!(i16::charge(i16::MAX, i16::MAX, &leak, false), i16::MAX);
        assert_eq!(i16::charge(i16::MIN, i16::MIN, &leak, false), i16::MIN);
        assert_eq!(i16::charge(i16::MIN, i16::MAX, &leak, false), 16383);
        assert_eq!(i16::charge(0, -3, &leak, true), -2);
        let leak = i32::leak(2.0, i32::MIN);
        assert_eq!(i32::charge(i32::MIN, i32::MIN, &leak, true), i32::MIN);
        assert_eq!(i32::charge(i32::MIN, i32::MIN, &leak, false), i32::MIN);
        let leak = i32::leak(f64::INFINITY, 5);
        assert_eq!(i32::charge(i32::MIN, i32::MAX, &leak, false), -1);
    }

    #[test]
    fn pull_leads_to_v_leak() {
        let leak = i16::leak(2.0, 100);
        let mut v = 0;
        for _ in 0..32 {
            v = i16::charge(v, 0, &leak, false);
        }
        assert!((99..=100).contains(&v), "{v}");
    }

    #[cfg(feature = "fixed")]
    #[test]
    fn fixed_types_hold_what_they_can() {
        use fixed::types::{I1F15, I16F16};
        assert_eq!(I1F15::from_f64(1.0), None);
        assert_eq!(I1F15::from_f64(-1.0), Some(I1F15::MIN));
        assert_eq!(I1F15::from_f64(f64::NAN), None);
        assert_eq!(I16F16::from_f64(1.0).map(Scalar::to_f64), Some(1.0));
        // A tie goes to the even neighbour.
        assert_eq!(I16F16::from_f64(1.5 / 65536.0), Some(I16F16::from_bits(2)));
        let leak = I16F16::leak(2.0, I16F16::ZERO);
        let h = I16F16::from_bits(-1).charge(I16F16::ZERO, &leak, false);
        assert_eq!(h.to_bits(), -1);
    }
}
