//! Spiking neurons over a sequence (`docs/dynamics.md`, sections 1, 2 and 6).

use lif_nostd::neuron::{ConfigError, Lif, LifConfig, SimpleLif};
use lif_nostd::real::Real;
use lif_nostd::scalar::Scalar;

use super::{Checkpointed, Float};
use crate::surrogate::Surrogate;

/// A model of a spiking neuron.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// SpikingJelly's LIFNode.
    #[default]
    Lif,
    /// SpikingJelly's SimpleLIFNode.
    SimpleLif,
}

/// What a layer of neurons is, for forward and backward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeuronParams {
    /// Model.
    pub model: Model,
    /// Constants.
    pub config: LifConfig,
    /// Whether the gradient leaves out the way through the reset.
    pub detach_reset: bool,
    /// Derivative of the spike; without `spiking`, its primitive takes the place of the spike.
    pub surrogate: Surrogate,
    /// Whether the neurons spike; if not, they emit the surrogate's primitive function, and the gradient is its
    /// true one.
    pub spiking: bool,
}

/// Why parameters do not make a layer.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// A constant of the neuron.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A parameter of the surrogate.
    #[error("surrogate {name}: {problem}")]
    Surrogate {
        /// Name of the surrogate.
        name: &'static str,
        /// What is wrong.
        problem: lif_nostd::surrogate::ParamError,
    },
    /// Neurons that do not spike need a primitive function.
    #[error("surrogate {0} has no primitive function, which neurons that do not spike would emit")]
    NoPrimitive(&'static str),
}

/// A layer of neurons with its constants in `F`.
#[derive(Clone, Copy, Debug)]
pub struct Neurons<F: Float> {
    lif: Lif<F>,
    simple: Option<SimpleLif<F>>,
    detach_reset: bool,
    surrogate: Surrogate,
    spiking: bool,
}

/// What a forward leaves, `[T, N]` but for `v_last`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence<F> {
    /// Membranes after the charge.
    pub h: Vec<F>,
    /// Spikes.
    pub spikes: Vec<F>,
    /// Membranes after the reset.
    pub v: Vec<F>,
    /// Membranes after the last step, `[N]`.
    pub v_last: Vec<F>,
}

/// Gradients that come in, `[T, N]` but for `v_last`.
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'a, F> {
    /// On the spikes.
    pub spikes: &'a [F],
    /// On the membranes after each step.
    pub v: Option<&'a [F]>,
    /// On the membranes after the last step, `[N]`.
    pub v_last: Option<&'a [F]>,
}

impl<F: Float> Neurons<F> {
    /// Checks `params` and rounds the constants to `F`.
    ///
    /// # Errors
    ///
    /// [`ParamsError`].
    pub fn new(params: &NeuronParams) -> Result<Self, ParamsError> {
        let NeuronParams {
            model,
            config,
            detach_reset,
            surrogate,
            spiking,
        } = *params;
        let simple = match model {
            Model::Lif => None,
            Model::SimpleLif => Some(config.simple_lif()?),
        };
        let lif = match &simple {
            Some(simple) => *simple.constants(),
            None => config.lif()?,
        };
        let name = surrogate.name();
        if let Some(problem) = surrogate.problem() {
            return Err(ParamsError::Surrogate { name, problem });
        }
        if !spiking && !surrogate.has_primitive() {
            return Err(ParamsError::NoPrimitive(name));
        }
        Ok(Self {
            lif,
            simple,
            detach_reset,
            surrogate,
            spiking,
        })
    }

    /// LIF neurons with constants that are there already.
    #[must_use]
    pub const fn from_lif(lif: Lif<F>, surrogate: Surrogate, detach_reset: bool) -> Self {
        Self {
            lif,
            simple: None,
            detach_reset,
            surrogate,
            spiking: true,
        }
    }

    /// Membrane before the first step.
    #[must_use]
    pub fn v_init(&self) -> F {
        match self.simple {
            Some(_) => <F as Scalar>::ZERO,
            None => self.lif.v_reset.unwrap_or(<F as Scalar>::ZERO),
        }
    }

    /// Runs `n` neurons over `x_seq`, `[T, n]`, from `v_init`, `[n]`, or from the model's initial membrane.
    ///
    /// # Panics
    ///
    /// If `x_seq` is not whole steps, or `v_init` not `n` long.
    #[must_use]
    pub fn forward(&self, n: usize, x_seq: &[F], v_init: Option<&[F]>) -> Sequence<F> {
        let whole = x_seq.len().checked_rem(n).unwrap_or(x_seq.len());
        assert_eq!(whole, 0, "x_seq is not whole steps of {n} neurons");
        let mut out = Sequence {
            h: vec![<F as Scalar>::ZERO; x_seq.len()],
            spikes: vec![<F as Scalar>::ZERO; x_seq.len()],
            v: Vec::with_capacity(x_seq.len()),
            v_last: match v_init {
                Some(v) => v.to_vec(),
                None => vec![self.v_init(); n],
            },
        };
        assert_eq!(out.v_last.len(), n, "v_init is not one membrane a neuron");
        let v_seq = &mut out.v;
        self.forward_into(
            |t| &x_seq[t * n..],
            v_init.is_none(),
            &mut out.v_last,
            &mut out.h,
            &mut out.spikes,
            |v| v_seq.extend_from_slice(v),
        );
        out
    }

    /// Runs `v.len()` neurons from the membranes in `v`, which it leaves at the last ones; `fresh` says that they
    /// are the model's initial ones.
    ///
    /// `x` yields the currents `[N]` of each step. `h` and `s`, `[T, N]`, get the membranes after the charge and the
    /// spikes; as many steps run as they hold. `on_step` sees the membranes after each.
    ///
    /// # Panics
    ///
    /// If a current, or a row of `s`, is shorter than N.
    pub fn forward_into<'x>(
        &self,
        x: impl FnMut(usize) -> &'x [F],
        fresh: bool,
        v: &mut [F],
        h: &mut [F],
        s: &mut [F],
        on_step: impl FnMut(&[F]),
    ) where
        F: 'x,
    {
        let lif = self.lif;
        match self.simple {
            None => self.run(|v, x, _| lif.charge(v, x), x, v, h, s, on_step),
            Some(simple) => {
                let charge = |v, x, t| match t {
                    0 if fresh => simple.first_charge(x),
                    _ => simple.charge(v, x),
                };
                self.run(charge, x, v, h, s, on_step);
            }
        }
    }

    fn run<'x>(
        &self,
        charge: impl Fn(F, F, usize) -> F,
        mut x: impl FnMut(usize) -> &'x [F],
        v: &mut [F],
        h: &mut [F],
        s: &mut [F],
        mut on_step: impl FnMut(&[F]),
    ) where
        F: 'x,
    {
        let n = v.len().max(1);
        let binary = self.spiking && self.surrogate.is_binary();
        for (t, (h, s)) in h.chunks_exact_mut(n).zip(s.chunks_exact_mut(n)).enumerate() {
            let x = &x(t)[..v.len()];
            if binary {
                for i in 0..v.len() {
                    h[i] = charge(v[i], x[i], t);
                    let spike = h[i] >= self.lif.v_threshold;
                    s[i] = if spike { one() } else { <F as Scalar>::ZERO };
                    v[i] = self.lif.reset(h[i], spike);
                }
            } else {
                for i in 0..v.len() {
                    h[i] = charge(v[i], x[i], t);
                    s[i] = self.emit(h[i] - self.lif.v_threshold);
                    v[i] = self.reset_by(h[i], s[i]);
                }
            }
            on_step(v);
        }
    }

    /// What a neuron emits at `x` above its threshold.
    fn emit(&self, x: F) -> F {
        if self.spiking {
            self.surrogate.spike(x)
        } else {
            // `new` refuses neurons that do not spike without a primitive.
            self.surrogate.primitive(x).unwrap_or(<F as Scalar>::ZERO)
        }
    }

    /// The reset after an emission `s` of any size.
    fn reset_by(&self, h: F, s: F) -> F {
        match self.lif.v_reset {
            Some(v_reset) => s * v_reset + (one::<F>() - s) * h,
            None => h - s * self.lif.v_threshold,
        }
    }

    /// Backward through time from the gradients `up`, with `h` and `s`, `[T, N]`, of the forward over `n` neurons:
    /// the gradients on the currents, `[T, N]`, and on the initial membranes, `[N]`.
    ///
    /// # Panics
    ///
    /// If the lengths do not match.
    #[must_use]
    pub fn backward(&self, n: usize, h: &[F], s: &[F], up: Upstream<'_, F>) -> (Vec<F>, Vec<F>) {
        let mut grad_x = vec![<F as Scalar>::ZERO; h.len()];
        let grad_v_init = self.backward_into(n, h, s, up, |t, i, g| {
            grad_x[t * n + i] = <F as Real>::from_f64(g);
        });
        let grad_v_init = grad_v_init.into_iter().map(<F as Real>::from_f64);
        (grad_x, grad_v_init.collect())
    }

    /// The same; `grad_x(t, i, gradient)` is called once for each current, last step first. The gradients on the
    /// initial membranes are returned.
    ///
    /// All arithmetic is in f64, with the constants as rounded to `F`.
    ///
    /// # Panics
    ///
    /// If the lengths do not match.
    pub fn backward_into(
        &self,
        n: usize,
        h: &[F],
        s: &[F],
        up: Upstream<'_, F>,
        mut grad_x: impl FnMut(usize, usize, f64),
    ) -> Vec<f64> {
        let wide = |x: F| Real::to_f64(x);
        let rate = 1.0 / wide(self.lif.leak.tau);
        let threshold = wide(self.lif.v_threshold);
        let v_reset = self.lif.v_reset.map(wide);
        let steps = h.len().checked_div(n).unwrap_or(0);
        let mut grad_v = match up.v_last {
            Some(g) => g[..n].iter().map(|g| wide(*g)).collect(),
            None => vec![0.0; n],
        };
        for t in (0..steps).rev() {
            for (i, grad_v) in grad_v.iter_mut().enumerate() {
                let at = t * n + i;
                let (h, s) = (wide(h[at]), wide(s[at]));
                let slope = self.slope(h - threshold);
                if let Some(g) = up.v {
                    *grad_v += wide(g[at]);
                }
                // dv/dh, directly and through the spike.
                let (direct, through_spike) = match v_reset {
                    Some(v_reset) => (1.0 - s, v_reset - h),
                    None => (1.0, -threshold),
                };
                let dv_dh = if self.detach_reset {
                    direct
                } else {
                    direct + through_spike * slope
                };
                let grad_h = wide(up.spikes[at]) * slope + *grad_v * dv_dh;
                let part = grad_h * rate;
                grad_x(t, i, if self.lif.decay_input { part } else { grad_h });
                *grad_v = grad_h - part;
            }
        }
        grad_v
    }

    /// Derivative of what is emitted, at `x` above the threshold.
    #[inline]
    fn slope(&self, x: f64) -> f64 {
        if self.spiking {
            self.surrogate.grad(x)
        } else {
            self.surrogate.primitive_grad(x).unwrap_or(0.0)
        }
    }
}

impl Neurons<f32> {
    /// The same neurons with little memory traffic; none where they are not LIF, or emit anything but 0 and 1.
    #[must_use]
    pub fn checkpointed(&self) -> Option<Checkpointed> {
        let binary = self.spiking && self.surrogate.is_binary() && self.simple.is_none();
        binary.then(|| Checkpointed::new(self.lif, self.surrogate, self.detach_reset))
    }
}

#[inline]
fn one<F: Float>() -> F {
    <F as Real>::ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emissions_other_than_spikes_reset_in_part() {
        let params = NeuronParams {
            model: Model::Lif,
            config: LifConfig::new(2.0).v_reset(-0.5),
            detach_reset: false,
            surrogate: Surrogate::Sigmoid { alpha: 4.0 },
            spiking: false,
        };
        let neurons = Neurons::<f64>::new(&params).unwrap();
        let out = neurons.forward(1, &[2.5], Some(&[0.0]));
        let h = 0.0 + (2.5 - 0.5) / 2.0;
        assert_eq!(out.h, [h]);
        let s = 1.0 / (1.0 + (-4.0 * (h - 1.0)).exp());
        assert!((out.spikes[0] - s).abs() < 1e-15);
        assert!((out.v[0] - (s * -0.5 + (1.0 - s) * h)).abs() < 1e-15);
    }

    #[test]
    fn no_primitive_is_an_error_that_says_so() {
        let params = NeuronParams {
            model: Model::Lif,
            config: LifConfig::new(2.0),
            detach_reset: false,
            surrogate: Surrogate::SuperSpike { alpha: 1.0 },
            spiking: false,
        };
        let err = Neurons::<f32>::new(&params).unwrap_err();
        assert!(err.to_string().contains("super-spike has no primitive"));
    }
}
