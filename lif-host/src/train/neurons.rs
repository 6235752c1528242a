//! The neurons of a layer in training, with parameters of any extent, and the gradients on those that learn
//! (`docs/dynamics.md`, sections 2 and 6.2).

use std::ops::Range;

use lif_nostd::neuron::{Decode, LifConfig, NonSpikingLif, Readout, SimpleLif};
use lif_nostd::scalar::Scalar;

use super::number::Number;
use super::parameters::{Learned, tau};
use crate::cpu::{Model, NeuronParams as CpuParams, Neurons, Upstream};
use crate::net::{Error, Layer, LifParams, Net, NeuronParams, Param};
use crate::surrogate::Surrogate;

/// The neurons of a layer.
#[derive(Clone, Debug)]
pub(super) struct LayerNeurons<F: Number> {
    name: String,
    n: usize,
    /// One value a neuron.
    tau: Vec<F>,
    v_threshold: Vec<F>,
    v_reset: Option<Vec<F>>,
    decay_input: bool,
    detach_reset: bool,
    surrogate: Surrogate,
    simple: bool,
    /// Decode of neurons that do not spike; none for those that do.
    pub(super) decode: Option<Decode>,
    /// The same neurons where all share their constants and none learns.
    uniform: Option<Neurons<F>>,
    learn_tau: Option<Entries>,
    learn_threshold: Option<Entries>,
}

/// A learned parameter: its values among all parameters, and which of them is that of each neuron.
#[derive(Clone, Debug)]
struct Entries {
    at: Range<usize>,
    of: Vec<usize>,
}

/// What the backward of neurons reads: the forward's currents, of a step or held, its membranes after the charge
/// `[T, B, n]`, its spikes `[T, B, n]` and the steps that decodes picked `[B, n]`.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a, F> {
    pub(super) current: &'a [F],
    pub(super) h: &'a [F],
    pub(super) s: &'a [F],
    pub(super) picked: &'a [u32],
}

impl<F: Number> LayerNeurons<F> {
    /// The neurons of `layer`, of which `places` says what is learned.
    pub(super) fn new(net: &Net, layer: &Layer<'_>, places: &[Learned]) -> Result<Self, Error> {
        let node = layer.node + 1;
        let shape = &net.nodes[node].shape;
        let n = layer.n_out;
        let each = |p: &Param| -> Vec<F> {
            let value = |i| F::of(f64::from(p.at(i, shape)));
            (0..n).map(value).collect()
        };
        let spiking = layer.neurons.spiking();
        let entries = |is_tau: bool, param: Option<&Param>| {
            let place = places
                .iter()
                .find(|p| p.node == node && p.is_tau == is_tau)?;
            Some(Entries {
                at: place.at.clone(),
                of: (0..n)
                    .map(|i| param.map_or(0, |p| p.entry(i, shape)))
                    .collect(),
            })
        };
        let mut neurons = Self {
            name: layer.neuron.into(),
            n,
            tau: each(layer.neurons.tau()),
            v_threshold: spiking.map_or(Vec::new(), |p| each(&p.v_threshold)),
            v_reset: spiking.and_then(|p| p.v_reset.as_ref()).map(each),
            decay_input: spiking.is_none_or(|p| p.decay_input),
            detach_reset: spiking.is_some_and(|p| p.detach_reset),
            surrogate: spiking.map_or_else(Surrogate::default, |p| p.surrogate),
            simple: matches!(layer.neurons, NeuronParams::SimpleLif(_)),
            decode: match layer.neurons {
                NeuronParams::NonSpikingLif(p) => Some(p.decode),
                _ => None,
            },
            uniform: None,
            learn_tau: entries(true, Some(layer.neurons.tau())),
            learn_threshold: entries(false, spiking.map(|p| &p.v_threshold)),
        };
        if let (Some(params), None, None) = (spiking, &neurons.learn_tau, &neurons.learn_threshold)
        {
            neurons.uniform = neurons.uniform(params)?;
        }
        Ok(neurons)
    }

    /// The fast path, where all neurons share their constants.
    fn uniform(&self, params: &LifParams) -> Result<Option<Neurons<F>>, Error> {
        let v_reset = match &params.v_reset {
            None => None,
            Some(p) => match p.scalar() {
                Some(x) => Some(f64::from(x)),
                None => return Ok(None),
            },
        };
        let (Some(tau), Some(v_threshold)) = (params.tau.scalar(), params.v_threshold.scalar())
        else {
            return Ok(None);
        };
        let config = LifConfig {
            v_threshold: f64::from(v_threshold),
            v_reset,
            decay_input: params.decay_input,
            ..LifConfig::new(f64::from(tau))
        };
        let neurons = Neurons::new(&CpuParams {
            model: if self.simple {
                Model::SimpleLif
            } else {
                Model::Lif
            },
            config,
            detach_reset: self.detach_reset,
            surrogate: self.surrogate,
            spiking: true,
        });
        neurons.map(Some).map_err(|e| self.error(e.to_string()))
    }

    /// Name of the node.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn error(&self, problem: String) -> Error {
        Error::Node {
            node: self.name.clone(),
            problem,
        }
    }

    /// Takes over what is learned from all parameters.
    pub(super) fn update(&mut self, params: &[F]) {
        if let Some(learned) = &self.learn_tau {
            for (to, e) in self.tau.iter_mut().zip(&learned.of) {
                *to = tau(params[learned.at.start + e].wide());
            }
        }
        if let Some(learned) = &self.learn_threshold {
            for (to, e) in self.v_threshold.iter_mut().zip(&learned.of) {
                *to = params[learned.at.start + e];
            }
        }
    }

    /// Runs neurons `[B, n]` over `current(t)`, each `[B, n]`, into `h` and `s`, `[T, B, n]`.
    pub(super) fn spike<'x>(
        &self,
        batch: usize,
        mut current: impl FnMut(usize) -> &'x [F],
        h: &mut [F],
        s: &mut [F],
    ) -> Result<(), Error>
    where
        F: 'x,
    {
        let n = batch * self.n;
        if let Some(neurons) = &self.uniform {
            let mut v = vec![neurons.v_init(); n];
            neurons.forward_into(current, true, &mut v, h, s, |_| ());
            return Ok(());
        }
        let cells = self.cells()?;
        let mut v: Vec<F> = (0..n).map(|i| cells[i % self.n].v_init()).collect();
        for (t, (h, s)) in h.chunks_exact_mut(n).zip(s.chunks_exact_mut(n)).enumerate() {
            let x = current(t);
            for i in 0..n {
                let cell = &cells[i % self.n];
                h[i] = cell.charge(v[i], x[i], t);
                let fired = cell.fires(h[i]);
                s[i] = if fired { F::UNIT } else { F::NIL };
                v[i] = cell.reset(h[i], fired);
            }
        }
        Ok(())
    }

    /// One cell a neuron.
    fn cells(&self) -> Result<Vec<Cell<F>>, Error> {
        let config = |i: usize| LifConfig {
            v_threshold: self.v_threshold[i].wide(),
            v_reset: self.v_reset.as_ref().map(|v| v[i].wide()),
            decay_input: self.decay_input,
            ..LifConfig::new(self.tau[i].wide())
        };
        let cell = |i| {
            if self.simple {
                config(i).simple_lif().map(Cell::Simple)
            } else {
                config(i).lif().map(Cell::Lif)
            }
        };
        let cells: Result<_, _> = (0..self.n).map(cell).collect();
        cells.map_err(|e| self.error(e.to_string()))
    }

    /// Runs neurons that do not spike over `current(t)`, each `[B, n]`: membranes into `h` `[T, B, n]`, what is read
    /// out into `output`, `[B, n]` or, without a decode, `[T, B, n]`, and the steps that it was read at into `picked`.
    pub(super) fn read_out<'x>(
        &self,
        batch: usize,
        mut current: impl FnMut(usize) -> &'x [F],
        h: &mut [F],
        output: &mut Vec<F>,
        picked: &mut Vec<u32>,
    ) -> Result<(), Error>
    where
        F: 'x,
    {
        let n = batch * self.n;
        let cell = |i: usize| LifConfig::new(self.tau[i].wide()).non_spiking_lif();
        let cells: Result<Vec<NonSpikingLif<F>>, _> = (0..self.n).map(cell).collect();
        let cells = cells.map_err(|e| self.error(e.to_string()))?;
        let mut v = vec![F::NIL; n];
        let mut seen = vec![Readout::new(); n];
        for (t, h) in h.chunks_exact_mut(n).enumerate() {
            let x = current(t);
            for i in 0..n {
                cells[i % self.n].step(&mut v[i], x[i]);
                seen[i].push(v[i]);
                h[i] = v[i];
            }
        }
        let decode = self.decode.unwrap_or(Decode::None);
        output.clear();
        match decode {
            Decode::None => output.extend_from_slice(h),
            _ => output.extend(seen.iter().map(|r| r.read(decode))),
        }
        picked.clear();
        let last = (h.len() / n.max(1)).saturating_sub(1);
        picked.extend(seen.iter().map(|r| picked_step(r, decode, last)));
        Ok(())
    }

    /// Backward through time over `[B, n]` neurons: `grad_x(t, i, gradient)` is called once for each current, last
    /// step first. What is learned adds its gradients to `grad`, that of all parameters.
    pub(super) fn backward(
        &self,
        batch: usize,
        seen: Seen<'_, F>,
        grad_output: &[F],
        grad: &mut [F],
        grad_x: impl FnMut(usize, usize, f64),
    ) {
        let n = batch * self.n;
        match (self.decode, &self.uniform) {
            (Some(decode), _) => self.backward_readout(decode, seen, grad_output, n, grad, grad_x),
            (None, Some(neurons)) => {
                let up = Upstream {
                    spikes: grad_output,
                    v: None,
                    v_last: None,
                };
                neurons.backward_into(n, seen.h, seen.s, up, grad_x);
            }
            (None, None) => self.backward_each(seen, grad_output, n, grad, grad_x),
        }
    }

    /// The equations of section 6.2 neuron by neuron, in f64.
    fn backward_each(
        &self,
        seen: Seen<'_, F>,
        grad_s: &[F],
        n: usize,
        grad: &mut [F],
        mut grad_x: impl FnMut(usize, usize, f64),
    ) {
        let steps = seen.h.len() / n.max(1);
        let mut grad_v = vec![0.0; n];
        let (mut on_rate, mut on_threshold) = (vec![0.0; self.n], vec![0.0; self.n]);
        for t in (0..steps).rev() {
            for (i, grad_v) in grad_v.iter_mut().enumerate() {
                let (at, o) = (t * n + i, i % self.n);
                let (h, s) = (seen.h[at].wide(), seen.s[at].wide());
                let (tau, threshold) = (self.tau[o].wide(), self.v_threshold[o].wide());
                let v_reset = self.v_reset.as_ref().map(|v| v[o].wide());
                let slope = self.surrogate.grad(h - threshold);
                let (direct, through_spike, on_v) = match v_reset {
                    Some(v_reset) => (1.0 - s, v_reset - h, 0.0),
                    None => (1.0, -threshold, -s),
                };
                let through_spike = if self.detach_reset {
                    0.0
                } else {
                    through_spike
                };
                let on_s = grad_s[at].wide() + *grad_v * through_spike;
                on_threshold[o] += *grad_v * on_v - on_s * slope;
                let grad_h = grad_s[at].wide() * slope + *grad_v * (direct + through_spike * slope);
                let leak = self.before(seen, n, t, i) - v_reset.unwrap_or(0.0);
                let x = if self.decay_input {
                    self.current(seen, n, at, i)
                } else {
                    0.0
                };
                on_rate[o] += grad_h * (x - leak);
                let part = grad_h / tau;
                grad_x(t, i, if self.decay_input { part } else { grad_h });
                *grad_v = grad_h - part;
            }
        }
        self.add_learned(&on_rate, &on_threshold, grad);
    }

    fn backward_readout(
        &self,
        decode: Decode,
        seen: Seen<'_, F>,
        grad_output: &[F],
        n: usize,
        grad: &mut [F],
        mut grad_x: impl FnMut(usize, usize, f64),
    ) {
        let steps = seen.h.len() / n.max(1);
        let mut carry = vec![0.0; n];
        let mut on_rate = vec![0.0; self.n];
        for t in (0..steps).rev() {
            for (i, carry) in carry.iter_mut().enumerate() {
                let (at, o) = (t * n + i, i % self.n);
                let from = match decode {
                    Decode::None => grad_output[at].wide(),
                    Decode::MeanMem => grad_output[i].wide() / steps as f64,
                    _ if seen.picked[i] as usize == t => grad_output[i].wide(),
                    _ => 0.0,
                };
                let grad_v = from + *carry;
                let v = if t == 0 { 0.0 } else { seen.h[at - n].wide() };
                on_rate[o] += grad_v * (self.current(seen, n, at, i) - v);
                let part = grad_v / self.tau[o].wide();
                grad_x(t, i, part);
                *carry = grad_v - part;
            }
        }
        self.add_learned(&on_rate, &[], grad);
    }

    /// Current of neuron `o` of the float network that the integer current `c`, in units of its membrane, stands for.
    pub(super) fn float_current(&self, o: usize, c: f64) -> f64 {
        let tau = self.tau[o].wide();
        let pull = self.v_reset.as_ref().map_or(0.0, |v| v[o].wide()) / tau;
        (c - pull) * if self.decay_input { tau } else { 1.0 }
    }

    /// Whether the time constant is learned.
    pub(super) const fn learns_tau(&self) -> bool {
        self.learn_tau.is_some()
    }

    /// The current of neuron `i` of `n` in the step of place `at`.
    fn current(&self, seen: Seen<'_, F>, n: usize, at: usize, i: usize) -> f64 {
        let held = seen.current.len() == n;
        seen.current[if held { i } else { at }].wide()
    }

    /// The membrane of neuron `i` of `n` before step `t`.
    fn before(&self, seen: Seen<'_, F>, n: usize, t: usize, i: usize) -> f64 {
        let o = i % self.n;
        let v_reset = self.v_reset.as_ref().map(|v| v[o].wide());
        let Some(t) = t.checked_sub(1) else {
            return if self.simple {
                0.0
            } else {
                v_reset.unwrap_or(0.0)
            };
        };
        let (h, s) = (seen.h[t * n + i].wide(), seen.s[t * n + i].wide());
        match v_reset {
            Some(v_reset) => s * v_reset + (1.0 - s) * h,
            None => h - s * self.v_threshold[o].wide(),
        }
    }

    /// Adds the gradients on 1/tau and on the threshold of each neuron to those of the parameters that stand for them.
    fn add_learned(&self, on_rate: &[f64], on_threshold: &[f64], grad: &mut [F]) {
        if let Some(learned) = &self.learn_tau {
            let mut sums = vec![0.0; learned.at.len()];
            for ((e, g), tau) in learned.of.iter().zip(on_rate).zip(&self.tau) {
                // The derivative of the sigmoid, at 1/tau.
                let rate = 1.0 / tau.wide();
                sums[*e] += g * (rate * (1.0 - rate));
            }
            store(&sums, &mut grad[learned.at.clone()]);
        }
        if let Some(learned) = &self.learn_threshold {
            let mut sums = vec![0.0; learned.at.len()];
            for (e, g) in learned.of.iter().zip(on_threshold) {
                sums[*e] += g;
            }
            store(&sums, &mut grad[learned.at.clone()]);
        }
    }
}

fn store<F: Number>(from: &[f64], to: &mut [F]) {
    for (to, x) in to.iter_mut().zip(from) {
        *to = F::of(*x);
    }
}

/// The step whose membrane `decode` read of what `seen` saw; the `last` one where it is not that of one step.
pub(super) fn picked_step<S: Scalar>(seen: &Readout<S>, decode: Decode, last: usize) -> u32 {
    let ((max, max_at), (min, min_at)) = (seen.max(), seen.min());
    match decode {
        Decode::MaxMem => max_at,
        Decode::MaxAbsMem if max.to_f64().abs() > min.to_f64().abs() => max_at,
        Decode::MaxAbsMem => min_at,
        _ => last as u32,
    }
}

/// A neuron with constants of its own.
enum Cell<F: Number> {
    Lif(lif_nostd::neuron::Lif<F>),
    Simple(SimpleLif<F>),
}

impl<F: Number> Cell<F> {
    fn constants(&self) -> &lif_nostd::neuron::Lif<F> {
        match self {
            Self::Lif(lif) => lif,
            Self::Simple(simple) => simple.constants(),
        }
    }

    fn v_init(&self) -> F {
        match self {
            Self::Lif(lif) => lif.v_reset.unwrap_or(F::NIL),
            Self::Simple(_) => F::NIL,
        }
    }

    fn charge(&self, v: F, x: F, t: usize) -> F {
        match self {
            Self::Lif(lif) => lif.charge(v, x),
            Self::Simple(simple) if t == 0 => simple.first_charge(x),
            Self::Simple(simple) => simple.charge(v, x),
        }
    }

    fn fires(&self, h: F) -> bool {
        h >= self.constants().v_threshold
    }

    fn reset(&self, h: F, fired: bool) -> F {
        self.constants().reset(h, fired)
    }
}
