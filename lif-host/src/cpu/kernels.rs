//! Charge, fire and reset over rows of neurons, and one step back, as loops that compile to vectors
//! (`docs/dynamics.md`, sections 1, 2 and 6.2).
//!
//! The charge and the reset are those of [`Lif`]: here they are only told at compile time which branches to take.

use std::f64::consts::FRAC_PI_2;

use lif_nostd::neuron::Lif;

use crate::surrogate::Surrogate;

/// Evaluates `$body` with `$lif` rebuilt so that the compiler knows `decay_input` and the kind of the reset.
macro_rules! with_lif {
    ($lif:ident, $body:expr) => {
        match ($lif.decay_input, $lif.v_reset) {
            (true, Some(v_reset)) => {
                let $lif = lif_nostd::neuron::Lif {
                    decay_input: true,
                    v_reset: Some(v_reset),
                    ..$lif
                };
                $body
            }
            (false, Some(v_reset)) => {
                let $lif = lif_nostd::neuron::Lif {
                    decay_input: false,
                    v_reset: Some(v_reset),
                    ..$lif
                };
                $body
            }
            (true, None) => {
                let $lif = lif_nostd::neuron::Lif {
                    decay_input: true,
                    v_reset: None,
                    ..$lif
                };
                $body
            }
            (false, None) => {
                let $lif = lif_nostd::neuron::Lif {
                    decay_input: false,
                    v_reset: None,
                    ..$lif
                };
                $body
            }
        }
    };
}
pub(super) use with_lif;

/// One step of a row of neurons with membranes `v` and currents `x`: 1 or 0 into `s`.
#[inline(always)]
pub(super) fn spike_row(lif: Lif<f32>, x: &[f32], v: &mut [f32], s: &mut [f32]) {
    for ((v, x), s) in v.iter_mut().zip(x).zip(s) {
        let h = lif.charge(*v, *x);
        let spike = h >= lif.v_threshold;
        *s = if spike { 1.0 } else { 0.0 };
        *v = lif.reset(h, spike);
    }
}

/// The same without spikes, but with the membranes after the charge, into `h`.
#[inline(always)]
pub(super) fn charge_row(lif: Lif<f32>, x: &[f32], v: &mut [f32], h: &mut [f32]) {
    for ((v, x), h) in v.iter_mut().zip(x).zip(h) {
        *h = lif.charge(*v, *x);
        *v = lif.reset(*h, *h >= lif.v_threshold);
    }
}

/// The derivative that stands in for that of the spike.
pub(super) trait Slope: Copy {
    /// At `x` above the threshold.
    fn at(self, x: f64) -> f64;
}

/// [`Surrogate::Atan`], with its constants.
#[derive(Clone, Copy)]
pub(super) struct Atan {
    half: f64,
    steepness: f64,
}

impl Atan {
    pub(super) fn new(alpha: f64) -> Self {
        Self {
            half: alpha / 2.0,
            steepness: FRAC_PI_2 * alpha,
        }
    }
}

impl Slope for Atan {
    #[inline(always)]
    fn at(self, x: f64) -> f64 {
        let y = self.steepness * x;
        self.half / (1.0 + y * y)
    }
}

impl Slope for Surrogate {
    #[inline]
    fn at(self, x: f64) -> f64 {
        self.grad(x)
    }
}

/// The constants of a step back, in f64.
#[derive(Clone, Copy)]
pub(super) struct Back {
    v_threshold: f64,
    /// What the reset adds to the membrane at a spike: of `a - b h`, `a`; `b` is 1 for a hard reset, else 0.
    reset: f64,
    /// 1 for a hard reset, 0 for a soft one.
    hard: bool,
    detach_reset: bool,
    /// 1 / tau.
    rate: f64,
    decay_input: bool,
    /// Threshold in the type of the forward.
    fires_at: f32,
}

impl Back {
    pub(super) fn new(lif: Lif<f32>, detach_reset: bool) -> Self {
        let v_threshold = f64::from(lif.v_threshold);
        Self {
            v_threshold,
            reset: lif.v_reset.map_or(-v_threshold, f64::from),
            hard: lif.v_reset.is_some(),
            detach_reset,
            rate: 1.0 / f64::from(lif.leak.tau),
            decay_input: lif.decay_input,
            fires_at: lif.v_threshold,
        }
    }
}

/// Evaluates `$body` with `$back` rebuilt so that the compiler knows the kind of the reset, and with `$slope` for the
/// surrogate.
macro_rules! with_back {
    (@slope $surrogate:expr, $slope:ident, $body:expr) => {
        match $surrogate {
            $crate::surrogate::Surrogate::Atan { alpha } => {
                let $slope = $crate::cpu::kernels::Atan::new(alpha);
                $body
            }
            $slope => $body,
        }
    };
    ($back:ident, $surrogate:expr, $slope:ident, $body:expr) => {
        match $back.kind() {
            (true, true) => {
                let $back = $back.of_kind(true, true);
                $crate::cpu::kernels::with_back!(@slope $surrogate, $slope, $body)
            }
            (true, false) => {
                let $back = $back.of_kind(true, false);
                $crate::cpu::kernels::with_back!(@slope $surrogate, $slope, $body)
            }
            (false, true) => {
                let $back = $back.of_kind(false, true);
                $crate::cpu::kernels::with_back!(@slope $surrogate, $slope, $body)
            }
            (false, false) => {
                let $back = $back.of_kind(false, false);
                $crate::cpu::kernels::with_back!(@slope $surrogate, $slope, $body)
            }
        }
    };
}
pub(super) use with_back;

impl Back {
    /// Whether the reset is hard, and detached.
    #[inline(always)]
    pub(super) const fn kind(&self) -> (bool, bool) {
        (self.hard, self.detach_reset)
    }

    /// The same constants for the compiler, which then knows the kind.
    #[inline(always)]
    pub(super) const fn of_kind(self, hard: bool, detach_reset: bool) -> Self {
        Self {
            hard,
            detach_reset,
            ..self
        }
    }

    /// One step back of one neuron: the gradient on its current, from its membrane `h` after the charge, the gradient
    /// `grad_s` on its spike, and that on its membrane after the step, which `grad_v` holds and which becomes that
    /// on the membrane before.
    #[inline(always)]
    pub(super) fn step(&self, slope: impl Slope, h: f32, grad_s: f32, grad_v: &mut f64) -> f64 {
        let spike = h >= self.fires_at;
        let h = f64::from(h);
        let slope = slope.at(h - self.v_threshold);
        let direct = if self.hard && spike { 0.0 } else { 1.0 };
        let through_spike = if self.hard {
            self.reset - h
        } else {
            self.reset
        };
        let dv_dh = if self.detach_reset {
            direct
        } else {
            direct + through_spike * slope
        };
        let grad_h = f64::from(grad_s) * slope + *grad_v * dv_dh;
        let part = grad_h * self.rate;
        *grad_v = grad_h - part;
        if self.decay_input { part } else { grad_h }
    }

    /// One step back of a row of neurons; the gradients on the currents go to `grad_x`.
    #[inline(always)]
    pub(super) fn row(
        &self,
        slope: impl Slope,
        h: &[f32],
        grad_s: &[f32],
        grad_v: &mut [f64],
        grad_x: &mut [f32],
    ) {
        let rows = h.iter().zip(grad_s).zip(grad_v).zip(grad_x);
        for (((h, grad_s), grad_v), grad_x) in rows {
            *grad_x = self.step(slope, *h, *grad_s, grad_v) as f32;
        }
    }
}
