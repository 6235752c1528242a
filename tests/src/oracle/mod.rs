//! Obvious implementations of `docs/dynamics.md`, slow on purpose: one neuron, one step, no sharing with the
//! code that they judge.

pub mod backward;
mod f32_net;
pub mod fixed;
mod int_net;
pub mod slopes;

pub use f32_net::{F32Layer, F32Net, F32Step};
pub use int_net::{IntLayer, IntNet, IntStep};

/// A model of a neuron.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// LIF.
    Lif,
    /// SimpleLIF.
    SimpleLif,
    /// NonSpikingLIF.
    NonSpikingLif,
}

/// A leaky integrate-and-fire neuron in f64.
#[derive(Clone, Copy, Debug)]
pub struct Lif64 {
    /// Time constant, in steps.
    pub tau: f64,
    /// Threshold.
    pub v_threshold: f64,
    /// Membrane after a spike; none for a soft reset.
    pub v_reset: Option<f64>,
    /// Whether the input is divided by tau.
    pub decay_input: bool,
}

impl Lif64 {
    /// Membrane after the charge, spike and membrane after the reset, from membrane `v` and input `x`.
    #[must_use]
    pub fn step(&self, v: f64, x: f64) -> (f64, bool, f64) {
        let vr = self.v_reset.unwrap_or(0.0);
        let h = if self.decay_input {
            v + (x - (v - vr)) / self.tau
        } else {
            v - (v - vr) / self.tau + x
        };
        let spike = h >= self.v_threshold;
        let after = match (spike, self.v_reset) {
            (false, _) => h,
            // s * v_reset + (1 - s) * h, of which the last is 0 times infinity.
            (true, Some(_)) if h == f64::INFINITY => f64::NAN,
            (true, Some(v_reset)) => v_reset,
            (true, None) => h - self.v_threshold,
        };
        (h, spike, after)
    }
}
