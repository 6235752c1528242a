//! The number types of neuron states, and the few operations that dynamics need.
//!
//! Floating point follows SpikingJelly's order of operations, rounding after each; fixed point is one
//! primitive with one saturation. Both are normative in `docs/dynamics.md`, sections 2 and 3.
//!
//! | type | membrane |
//! |---|---|
//! | `f32`, `f64` | IEEE 754 |
//! | `i16`, `i32` | raw integers, in whatever unit the network folds into its thresholds |
//! | `FixedI16<F>`, `FixedI32<F>` of the `fixed` crate (feature `fixed`) | fixed point with any fraction |

mod float;
mod integer;
mod number;

use core::fmt::Debug;

pub use float::FloatLeak;
pub(crate) use integer::scale;
pub use integer::{FixedLeak, leak_factor, saturate_i16};
pub use number::Number;

/// A number that a neuron's membrane can be kept in.
///
/// `i16` and `i32` are raw integers: where the binary point lies is the user's affair, because a leaky
/// integrate-and-fire neuron is scale-free.
pub trait Scalar: Copy + PartialOrd + Debug {
    /// The constants of the leak, computed once.
    type Leak: Copy + Debug;
    /// A sum of many values.
    type Sum: Copy + Debug;

    /// Zero.
    const ZERO: Self;
    /// The empty sum.
    const ZERO_SUM: Self::Sum;
    /// The smallest time constant that the type can express, in steps; 0 is never one.
    const TAU_MIN: f64;

    /// The nearest value, ties to even; none where the type holds none: out of range, or NaN.
    fn from_f64(x: f64) -> Option<Self>;

    /// The nearest value, ties to even; the largest or smallest where `x` is beyond it. None for NaN in fixed
    /// point.
    fn saturating_from_f64(x: f64) -> Option<Self>;

    /// The value, exactly where f64 holds it.
    fn to_f64(self) -> f64;

    /// The leak of time constant `tau` (in steps) towards `v_leak`.
    fn leak(tau: f64, v_leak: Self) -> Self::Leak;

    /// What the leak of `tau` towards `v_leak` adds to a membrane at 0: `v_leak / tau`, computed in f64 and
    /// rounded once; rounded down in fixed point.
    fn pull_from_zero(tau: f64, v_leak: f64) -> Self;

    /// `self + x`, saturating in fixed point.
    fn plus(self, x: Self) -> Self;

    /// Charge of LIF: the membrane after one step, before it fires. `self` is the membrane, `x` the input.
    ///
    /// With `decay_input` the input is divided by tau.
    fn charge(self, x: Self, leak: &Self::Leak, decay_input: bool) -> Self;

    /// Charge of SimpleLIF: the same equation in another order of operations. The same as [`Scalar::charge`] in
    /// fixed point.
    fn charge_simple(self, x: Self, leak: &Self::Leak, decay_input: bool) -> Self;

    /// Charge of NonSpikingLIF, which leaks towards 0: `v + (x - v) / tau`.
    fn charge_non_spiking(self, x: Self, leak: &Self::Leak) -> Self;

    /// The membrane after a hard reset: `v_reset` where it fired, else `self`.
    fn hard_reset(self, spike: bool, v_reset: Self) -> Self;

    /// The membrane after a soft reset: `v_threshold` less where it fired, else `self`.
    fn soft_reset(self, spike: bool, v_threshold: Self) -> Self;

    /// `sum + self`.
    fn add_to(self, sum: Self::Sum) -> Self::Sum;

    /// `sum / n`, rounded down in fixed point; `n` is at least 1.
    fn mean(sum: Self::Sum, n: u32) -> Self;

    /// `max` where its magnitude is above that of `min`, else `min`; in floating point by the masks
    /// `max * [..] + min * [..]`, so that an infinity gives NaN.
    fn max_abs(max: Self, min: Self) -> Self;
}
