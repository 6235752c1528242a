//! Backward through time of one neuron in f64, term by term.

use super::Lif64;

/// A gradient, and the sum of the magnitudes of the terms that make it up.
#[derive(Clone, Copy, Debug)]
pub struct Grad {
    /// The gradient.
    pub value: f64,
    /// Sum of the terms' magnitudes.
    pub size: f64,
}

impl Grad {
    /// The error of `got`, as a part of the gradient and of the terms that make it up.
    #[must_use]
    pub fn error(&self, got: f64) -> f64 {
        let error = (got - self.value).abs();
        if error == 0.0 {
            0.0
        } else {
            error / (self.value.abs() + self.size)
        }
    }

    fn times(self, factor: f64) -> Self {
        Self {
            value: self.value * factor,
            size: self.size * factor.abs(),
        }
    }
}

/// What the forward of one neuron left, and the gradients that come in; one number a step.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Membranes after the charge.
    pub h: Vec<f64>,
    /// Emissions.
    pub s: Vec<f64>,
    /// Gradients on the emissions.
    pub grad_s: Vec<f64>,
    /// Gradients on the membranes after the reset.
    pub grad_v: Vec<f64>,
    /// Gradient on the last membrane.
    pub grad_v_last: f64,
}

/// The gradients on the inputs and on the initial membrane of a spiking neuron.
///
/// `slope` is the derivative of the emission at `h - v_threshold`; `detach_reset` leaves out the way through the
/// reset.
pub fn backward(
    lif: &Lif64,
    detach_reset: bool,
    slope: impl Fn(f64) -> f64,
    trace: &Trace,
) -> (Vec<Grad>, Grad) {
    let mut grad_x = Vec::new();
    let mut carry = trace.grad_v_last;
    let mut grad_v_init = Grad {
        value: carry,
        size: 0.0,
    };
    for t in (0..trace.h.len()).rev() {
        let (h, s) = (trace.h[t], trace.s[t]);
        let sg = slope(h - lif.v_threshold);
        let g = trace.grad_v[t] + carry;
        let mut terms = vec![trace.grad_s[t] * sg];
        match lif.v_reset {
            Some(r) => {
                terms.push(g * (1.0 - s));
                if !detach_reset {
                    terms.push(g * r * sg);
                    terms.push(-g * h * sg);
                }
            }
            None => {
                terms.push(g);
                if !detach_reset {
                    terms.push(-g * lif.v_threshold * sg);
                }
            }
        }
        let grad_h = Grad {
            value: terms.iter().sum(),
            size: terms.iter().map(|term| term.abs()).sum(),
        };
        let to_x = if lif.decay_input { 1.0 / lif.tau } else { 1.0 };
        grad_x.push(grad_h.times(to_x));
        grad_v_init = grad_h.times(1.0 - 1.0 / lif.tau);
        carry = grad_v_init.value;
    }
    grad_x.reverse();
    (grad_x, grad_v_init)
}

/// The gradients on the inputs of a NonSpikingLIF neuron, from the gradients on its membranes.
#[must_use]
pub fn non_spiking_backward(tau: f64, grad_v: &[f64]) -> Vec<Grad> {
    let mut grad_x = Vec::new();
    let mut carry = 0.0f64;
    for g in grad_v.iter().rev() {
        let grad_h = Grad {
            value: g + carry,
            size: g.abs() + carry.abs(),
        };
        grad_x.push(grad_h.times(1.0 / tau));
        carry = grad_h.value - grad_h.value / tau;
    }
    grad_x.reverse();
    grad_x
}
