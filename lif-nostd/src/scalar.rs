//! The number types of neuron states, and the few operations that dynamics need.
//!
//! Floating point follows SpikingJelly's order of operations, rounding after each; fixed point is one
//! primitive with one saturation. Both are normative in `docs/dynamics.md`, sections 2 and 3.

use core::fmt::Debug;

/// A number that a neuron's membrane can be kept in.
///
/// `i16` is the raw integer of a fixed-point membrane: where its binary point lies is the user's affair,
/// because a leaky integrate-and-fire neuron is scale-free.
pub trait Scalar: Copy + PartialOrd + Debug {
    /// The constants of the leak, computed once.
    type Leak: Copy + Debug;

    /// Zero.
    const ZERO: Self;

    /// The leak of time constant `tau` (in steps, above 0) towards `v_leak`.
    fn leak(tau: f64, v_leak: Self) -> Self::Leak;

    /// Charge: the membrane after one step, before it fires. `self` is the membrane, `x` the input.
    ///
    /// With `decay_input` the input is divided by tau.
    fn charge(self, x: Self, leak: &Self::Leak, decay_input: bool) -> Self;

    /// The membrane after a hard reset: `v_reset` where it fired, else `self`.
    fn hard_reset(self, spike: bool, v_reset: Self) -> Self;

    /// The membrane after a soft reset: `v_threshold` less where it fired, else `self`.
    fn soft_reset(self, spike: bool, v_threshold: Self) -> Self;
}

/// Leak of a floating-point membrane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatLeak<F> {
    /// Time constant, in steps.
    pub tau: F,
    /// Membrane that the leak pulls towards.
    pub v_leak: F,
}

impl Scalar for f32 {
    type Leak = FloatLeak<f32>;

    const ZERO: Self = 0.0;

    fn leak(tau: f64, v_leak: Self) -> Self::Leak {
        FloatLeak {
            tau: tau as f32,
            v_leak,
        }
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
    fn hard_reset(self, spike: bool, v_reset: Self) -> Self {
        // Written out as the reference does: an infinite membrane that fires leaves NaN.
        let s = f32::from(u8::from(spike));
        s * v_reset + (1.0 - s) * self
    }

    #[inline]
    fn soft_reset(self, spike: bool, v_threshold: Self) -> Self {
        self - f32::from(u8::from(spike)) * v_threshold
    }
}

/// Leak of a fixed-point membrane, as a factor with 16 fractional bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl Scalar for i16 {
    type Leak = FixedLeak;

    const ZERO: Self = 0;

    fn leak(tau: f64, v_leak: Self) -> Self::Leak {
        let a = leak_factor(tau);
        FixedLeak {
            a,
            pull: scale_by(65536 - a, v_leak),
        }
    }

    #[inline]
    fn charge(self, x: Self, leak: &Self::Leak, decay_input: bool) -> Self {
        let x = if decay_input {
            scale_by(65536u32.wrapping_sub(leak.a), x)
        } else {
            i32::from(x)
        };
        let h = scale_by(leak.a, self)
            .saturating_add(x)
            .saturating_add(leak.pull);
        saturate_i16(h)
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
}

/// `(a * v) >> 16`, rounded down; `a` at most 65536, so that the product fits 32 bits.
#[inline]
fn scale_by(a: u32, v: i16) -> i32 {
    (a as i32).wrapping_mul(i32::from(v)) >> 16
}

/// The nearest value that 16 bits hold.
#[inline]
#[must_use]
pub fn saturate_i16(x: i32) -> i16 {
    x.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn fixed_charge_rounds_down_and_saturates_once() {
        let leak = i16::leak(2.0, 0);
        assert_eq!(i16::charge(-1, 0, &leak, false), -1);
        assert_eq!(i16::charge(1, 0, &leak, false), 0);
        assert_eq!(i16::charge(i16::MAX, i16::MAX, &leak, false), i16::MAX);
        assert_eq!(i16::charge(i16::MIN, i16::MIN, &leak, false), i16::MIN);
        assert_eq!(i16::charge(i16::MIN, i16::MAX, &leak, false), 16383);
        assert_eq!(i16::charge(0, -3, &leak, true), -2);
    }

    #[test]
    fn fixed_pull_leads_to_v_leak() {
        let leak = i16::leak(2.0, 100);
        let mut v = 0;
        for _ in 0..32 {
            v = i16::charge(v, 0, &leak, false);
        }
        assert!((99..=100).contains(&v), "{v}");
    }

    #[test]
    fn float_hard_reset_follows_the_reference_at_infinity() {
        assert!(f32::INFINITY.hard_reset(true, 0.0).is_nan());
        assert_eq!(1.5f32.hard_reset(true, -0.25), -0.25);
        assert_eq!(1.5f32.soft_reset(true, 1.0), 0.5);
    }
}
