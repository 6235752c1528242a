//! Optimisers: SGD, Adam and AdamW, as PyTorch defines them (`docs/dynamics.md`, section 6.5).

use serde::{Deserialize, Serialize};

use super::number::Number;

/// An optimiser and its constants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum OptimizerConfig {
    /// Stochastic gradient descent.
    Sgd {
        /// What is kept of the direction of the step before.
        #[serde(default)]
        momentum: f64,
        /// Whether the step looks ahead along the momentum (Nesterov).
        #[serde(default)]
        nesterov: bool,
        /// L2 penalty: this times the parameter is added to its gradient.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam (Kingma, Ba 2015).
    Adam {
        /// Decay of the running mean of the gradients.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay of the running mean of their squares.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Added to the denominator.
        #[serde(default = "eps")]
        eps: f64,
        /// L2 penalty: this times the parameter is added to its gradient.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov, Hutter 2019).
    Adamw {
        /// Decay of the running mean of the gradients.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay of the running mean of their squares.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Added to the denominator.
        #[serde(default = "eps")]
        eps: f64,
        /// This times the learning rate is the share of each parameter that a step takes away.
        #[serde(default = "decoupled")]
        weight_decay: f64,
    },
}

const fn beta1() -> f64 {
    0.9
}

const fn beta2() -> f64 {
    0.999
}

const fn eps() -> f64 {
    1e-8
}

const fn decoupled() -> f64 {
    0.01
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::Adam {
            beta1: beta1(),
            beta2: beta2(),
            eps: eps(),
            weight_decay: 0.0,
        }
    }
}

impl OptimizerConfig {
    /// The first constant that is out of range: its name, its value and what is allowed.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, f64, &'static str)> {
        const SHARE: &str = "0 up to but not including 1 is allowed";
        let checks: &[(&'static str, f64, bool, &'static str)] = &match *self {
            Self::Sgd {
                momentum,
                nesterov,
                weight_decay,
            } => {
                let need = if nesterov {
                    "nesterov needs a momentum above 0 and below 1"
                } else {
                    SHARE
                };
                let enough = (0.0..1.0).contains(&momentum) && (!nesterov || momentum > 0.0);
                [
                    ("momentum", momentum, enough, need),
                    not_negative("weight_decay", weight_decay),
                    not_negative("weight_decay", 0.0),
                    not_negative("weight_decay", 0.0),
                ]
            }
            Self::Adam {
                beta1,
                beta2,
                eps,
                weight_decay,
            }
            | Self::Adamw {
                beta1,
                beta2,
                eps,
                weight_decay,
            } => [
                ("beta1", beta1, (0.0..1.0).contains(&beta1), SHARE),
                ("beta2", beta2, (0.0..1.0).contains(&beta2), SHARE),
                not_negative("eps", eps),
                not_negative("weight_decay", weight_decay),
            ],
        };
        let failed = checks.iter().find(|(_, _, holds, _)| !holds)?;
        Some((failed.0, failed.1, failed.3))
    }
}

fn not_negative(name: &'static str, x: f64) -> (&'static str, f64, bool, &'static str) {
    let holds = x >= 0.0 && x.is_finite();
    (name, x, holds, "it must be 0 or more, and finite")
}

/// An optimiser with its state for one buffer of parameters.
#[derive(Clone, Debug)]
pub struct Optimizer<F> {
    config: OptimizerConfig,
    /// Running means of the gradients, or the momentum.
    pub(super) first: Vec<F>,
    /// Running means of their squares.
    pub(super) second: Vec<F>,
    /// beta1^t and beta2^t after t steps.
    pub(super) powers: (f64, f64),
}

impl<F: Number> Optimizer<F> {
    /// The state before the first step, for `n` parameters.
    #[must_use]
    pub fn new(n: usize, config: OptimizerConfig) -> Self {
        let (first, second) = match config {
            OptimizerConfig::Sgd { momentum: 0.0, .. } => (0, 0),
            OptimizerConfig::Sgd { .. } => (n, 0),
            _ => (n, n),
        };
        Self {
            config,
            first: vec![F::NIL; first],
            second: vec![F::NIL; second],
            powers: (1.0, 1.0),
        }
    }

    /// One step along `grad` at learning rate `lr`; both buffers hold as many parameters as the state is for.
    pub fn step(&mut self, params: &mut [F], grad: &[F], lr: f64) {
        match self.config {
            OptimizerConfig::Sgd {
                momentum,
                nesterov,
                weight_decay,
            } => self.sgd(params, grad, lr, momentum, nesterov, weight_decay),
            OptimizerConfig::Adam {
                beta1,
                beta2,
                eps,
                weight_decay,
            } => self.adam(params, grad, lr, [beta1, beta2, eps], weight_decay),
            OptimizerConfig::Adamw {
                beta1,
                beta2,
                eps,
                weight_decay,
            } => {
                let keep = F::of(1.0 - lr * weight_decay);
                for w in &mut *params {
                    *w = *w * keep;
                }
                self.adam(params, grad, lr, [beta1, beta2, eps], 0.0);
            }
        }
    }

    fn sgd(
        &mut self,
        params: &mut [F],
        grad: &[F],
        lr: f64,
        momentum: f64,
        nesterov: bool,
        decay: f64,
    ) {
        let (rate, momentum, decay) = (F::of(lr), F::of(momentum), F::of(decay));
        for (i, (w, g)) in params.iter_mut().zip(grad).enumerate() {
            let mut g = *g + decay * *w;
            if let Some(m) = self.first.get_mut(i) {
                *m = momentum * *m + g;
                g = if nesterov { g + momentum * *m } else { *m };
            }
            *w = *w - rate * g;
        }
    }

    fn adam(&mut self, params: &mut [F], grad: &[F], lr: f64, constants: [f64; 3], decay: f64) {
        let [beta1, beta2, eps] = constants.map(F::of);
        self.powers.0 *= beta1.wide();
        self.powers.1 *= beta2.wide();
        let step = F::of(lr / (1.0 - self.powers.0));
        let root = F::of((1.0 - self.powers.1).sqrt());
        let l2 = F::of(decay);
        let state = self.first.iter_mut().zip(&mut self.second);
        for ((w, g), (m, v)) in params.iter_mut().zip(grad).zip(state) {
            let g = if decay == 0.0 { *g } else { *g + l2 * *w };
            *m = *m + (g - *m) * (F::UNIT - beta1);
            *v = *v * beta2 + g * g * (F::UNIT - beta2);
            *w = *w - step * (*m / (v.root() / root + eps));
        }
    }
}

/// Scales `grad` so that its Euclidean norm is at most `max`, as PyTorch's `clip_grad_norm_` does; the norm before.
pub fn clip_norm<F: Number>(grad: &mut [F], max: f64) -> f64 {
    let norm = grad.iter().map(|g| g.wide() * g.wide()).sum::<f64>().sqrt();
    let factor = max / (norm + 1e-6);
    if factor < 1.0 {
        let factor = F::of(factor);
        for g in grad {
            *g = *g * factor;
        }
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adam_follows_the_definition() {
        let mut adam = Optimizer::<f32>::new(1, OptimizerConfig::default());
        let mut w = [1.0f32];
        let (mut m, mut v, mut want) = (0.0f64, 0.0f64, 1.0f64);
        for t in 1..=50 {
            let g = f64::from(w[0]) * 2.0 - 1.0;
            adam.step(&mut w, &[g as f32], 0.01);
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (mh, vh) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
            want -= 0.01 * mh / (vh.sqrt() + 1e-8);
            let off = (f64::from(w[0]) - want).abs();
            assert!(off < 1e-5, "{t}: {} {want}", w[0]);
        }
    }

    #[test]
    fn gradients_are_clipped_by_their_norm() {
        let mut grad = [3.0f64, -4.0];
        assert_eq!(clip_norm(&mut grad, 10.0), 5.0);
        assert_eq!(grad, [3.0, -4.0]);
        clip_norm(&mut grad, 1.0);
        assert!((grad[0] - 0.6).abs() < 1e-6 && (grad[1] + 0.8).abs() < 1e-6);
    }
}
