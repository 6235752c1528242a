//! One forward and one backward pass of a chain over a batch, with the buffers that both need.

use std::ops::Range;

use super::loss::Outputs;
use super::neurons::{LayerNeurons, Seen};
use super::number::{Number, all_finite, transpose_into};
use super::parameters::{Learned, places};
use super::quantised::{IntLayer, IntReadout};
use crate::cpu::Dense;
use crate::net::{Error, Net};
use crate::quant::QuantLayer;
use crate::rng::Stream;
use crate::train::Learn;

/// The input of a batch, in units of the network's currents.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a, T> {
    /// The same in every step: `[B, in]`.
    Held(&'a [T]),
    /// Of each step: `[T, B, in]`.
    Steps(&'a [T]),
}

impl<'a, T> Input<'a, T> {
    /// The values.
    #[must_use]
    pub const fn values(&self) -> &'a [T] {
        match self {
            Self::Held(x) | Self::Steps(x) => x,
        }
    }

    const fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }
}

/// Random numbers of a step for dropout, and whether what stays is scaled by 1 / (1 - p).
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// Draws; the index is the layer times 2^40, plus the position in `[B, in]`.
    pub stream: Stream,
    /// Whether inputs that stay are scaled; integer networks leave them as they are.
    pub scaled: bool,
}

/// A layer's constants and buffers.
#[derive(Clone, Debug)]
struct LayerPass<F: Number> {
    n_in: usize,
    n_out: usize,
    weight: Range<usize>,
    bias: Range<usize>,
    dropout: f32,
    neurons: LayerNeurons<F>,
    w_t: Vec<F>,
    /// Inputs that dropout has thinned out; empty without dropout.
    thinned: Vec<F>,
    /// What dropout multiplies each input of a sample by, `[B, in]`; empty without dropout.
    mask: Vec<F>,
    /// Currents: `[B, out]` in the first layer where the input is held, else `[T, B, out]`.
    current: Vec<F>,
    /// Membranes after the charge `[T, B, out]`.
    h: Vec<F>,
    /// Spikes `[T, B, out]`; empty where the neurons do not spike.
    s: Vec<F>,
    picked: Vec<u32>,
    integers: IntLayer,
    /// Gradients on the spikes `[T, B, out]`, or on the readouts, of their shape.
    grad_output: Vec<F>,
    /// Gradients on the currents, of their shape.
    grad_current: Vec<F>,
    grad_w_t: Vec<F>,
    grad_bias: Vec<F>,
}

/// Buffers for passes over batches.
#[derive(Clone, Debug)]
pub struct Pass<F: Number = f32> {
    steps: usize,
    batch: usize,
    held: bool,
    layers: Vec<LayerPass<F>>,
    counts: Vec<u32>,
    readout: Vec<F>,
}

impl<F: Number> Pass<F> {
    /// Buffers for the chain `net`, whose neurons learn nothing.
    ///
    /// # Errors
    ///
    /// Those of [`Net::layers`].
    pub fn new(net: &Net) -> Result<Self, Error> {
        Self::with(net, &[])
    }

    /// Buffers for the chain `net`, whose neurons learn what `learn` says.
    ///
    /// # Errors
    ///
    /// Those of [`Net::layers`]; [`Error::Node`] where a node cannot learn.
    pub fn learning(net: &Net, learn: &[Learn]) -> Result<Self, Error> {
        Self::with(net, &places(net, learn)?)
    }

    pub(super) fn with(net: &Net, places: &[Learned]) -> Result<Self, Error> {
        let mut layers = Vec::new();
        let chain = net.layers()?;
        for (l, layer) in chain.iter().enumerate() {
            let neurons = LayerNeurons::new(net, layer, places)?;
            if neurons.decode.is_some() && l + 1 < chain.len() {
                return Err(Error::Node {
                    node: layer.neuron.into(),
                    problem: "neurons that do not spike can only come last".into(),
                });
            }
            layers.push(LayerPass {
                n_in: layer.n_in,
                n_out: layer.n_out,
                weight: layer.weight.clone(),
                bias: layer.bias.clone(),
                dropout: layer.dropout,
                neurons,
                w_t: Vec::new(),
                thinned: Vec::new(),
                mask: Vec::new(),
                current: Vec::new(),
                h: Vec::new(),
                s: Vec::new(),
                picked: Vec::new(),
                integers: IntLayer::default(),
                grad_output: Vec::new(),
                grad_current: Vec::new(),
                grad_w_t: vec![F::NIL; layer.n_in * layer.n_out],
                grad_bias: vec![F::NIL; layer.n_out],
            });
        }
        Ok(Self {
            steps: net.steps as usize,
            batch: 0,
            held: true,
            layers,
            counts: Vec::new(),
            readout: Vec::new(),
        })
    }

    /// Runs the float network of parameters `params` (weights and biases as in [`Net::weights`], then what neurons
    /// learn) on `x`, with dropout where `dropout` says so.
    ///
    /// # Errors
    ///
    /// [`Error::Node`] where a learned time constant left its range.
    pub fn forward(
        &mut self,
        params: &[F],
        x: Input<'_, F>,
        dropout: Option<Dropout>,
    ) -> Result<Outputs<'_, F>, Error> {
        let steps = self.begin(x.values().len(), x.is_held());
        let batch = self.batch;
        for l in 0..self.layers.len() {
            let (below, from) = self.layers.split_at_mut(l);
            let layer = &mut from[0];
            let (input, held) = match below.last() {
                None => (x.values(), self.held),
                Some(below) => (&below.s[..], false),
            };
            let kind = if l == 0 { Dense::Values } else { Dense::Spikes };
            layer.neurons.update(params);
            transpose_into(
                &params[layer.weight.clone()],
                layer.n_out,
                layer.n_in,
                &mut layer.w_t,
            );
            let mut bias = params[layer.bias.clone()].to_vec();
            bias.resize(layer.n_out, F::NIL);
            layer.thin(l, batch, input, dropout);
            let input = if layer.mask.is_empty() {
                input
            } else {
                &layer.thinned
            };
            let n = batch * layer.n_out;
            layer
                .current
                .resize(if held { n } else { steps * n }, F::NIL);
            F::forward(&layer.w_t, &bias, input, kind, &mut layer.current);
            let current = &layer.current;
            let at = |t: usize| &current[if held { 0 } else { t * n }..];
            layer.h.resize(steps * n, F::NIL);
            let (neurons, h) = (&layer.neurons, &mut layer.h);
            if neurons.decode.is_some() {
                neurons.read_out(batch, at, h, &mut self.readout, &mut layer.picked)?;
            } else {
                layer.s.resize(steps * n, F::NIL);
                neurons.spike(batch, at, h, &mut layer.s)?;
            }
        }
        Ok(self.finish())
    }

    /// Runs the integer network `layers` (`docs/dynamics.md`, section 4.1) on `x`, i8 values or spikes: the spikes and
    /// membranes of the exported file, bit for bit. A backward after it is that of the float network of `params` at
    /// those spikes and membranes: the gradient goes straight through the rounding.
    pub fn forward_quantised(
        &mut self,
        params: &[F],
        layers: &[QuantLayer],
        x: Input<'_, i16>,
        dropout: Option<Dropout>,
    ) -> Outputs<'_, F> {
        let steps = self.begin(x.values().len(), x.is_held());
        let batch = self.batch;
        let mut readout = IntReadout::default();
        for (l, q) in layers.iter().enumerate().take(self.layers.len()) {
            let (below, from) = self.layers.split_at_mut(l);
            let layer = &mut from[0];
            let input = below.last().map_or(x.values(), |below| &below.integers.s);
            layer.neurons.update(params);
            // The backward multiplies by the spikes that came through.
            let spikes = below.last().map_or(&[][..], |below| &below.s);
            layer.thin(l, batch, spikes, dropout);
            if layer.mask.is_empty() {
                layer.integers.forward(q, input, batch, steps);
            } else {
                let mask = layer.mask.iter().cycle();
                let keep = |(x, m): (&i16, &F)| if *m == F::NIL { 0 } else { *x };
                let thinned: Vec<i16> = input.iter().zip(mask).map(keep).collect();
                layer.integers.forward(q, &thinned, batch, steps);
            }
            let n = steps * batch * layer.n_out;
            layer.h.resize(n, F::NIL);
            layer.s.resize(n, F::NIL);
            layer.integers.widen(q, &mut layer.h, &mut layer.s);
            let neurons = &layer.neurons;
            if neurons.learns_tau() {
                let of = |o, c| neurons.float_current(o, c);
                layer.integers.currents(q, of, &mut layer.current);
            } else {
                let held = l == 0 && self.held;
                let n = batch * layer.n_out;
                layer
                    .current
                    .resize(if held { n } else { steps * n }, F::NIL);
            }
            if neurons.decode.is_some() {
                layer.integers.read_out(q, batch, &mut readout);
                layer.picked.clone_from(&readout.picked);
                self.readout.clear();
                let unit = q.lsb.unwrap_or(1.0) as f32;
                match q.decode {
                    lif_nostd::neuron::Decode::None => self.readout.extend_from_slice(&layer.h),
                    _ => self.readout.extend(
                        (readout.values.iter()).map(|v| F::of(f64::from(*v as f32 * unit))),
                    ),
                }
            }
        }
        self.finish()
    }

    /// The integer spikes and membranes after each step of layer `l` in the last quantised forward, both `[T, B, out]`.
    #[must_use]
    pub fn integers(&self, l: usize) -> Option<(&[i16], &[i32])> {
        let integers = &self.layers.get(l)?.integers;
        Some((&integers.s, &integers.v))
    }

    /// The spikes of layer `l` in the last forward, `[T, B, out]`, 0 or 1; empty where the neurons do not spike.
    #[must_use]
    pub fn spikes(&self, l: usize) -> Option<&[F]> {
        let layer = self.layers.get(l)?;
        Some(if layer.neurons.decode.is_some() {
            &[]
        } else {
            &layer.s
        })
    }

    /// The membranes of layer `l` after the charge in the last forward, `[T, B, out]`; none past the last layer.
    #[must_use]
    pub fn membranes(&self, l: usize) -> &[F] {
        self.layers.get(l).map_or(&[], |layer| &layer.h)
    }

    /// Number of layers.
    #[must_use]
    pub fn n_layers(&self) -> usize {
        self.layers.len()
    }

    fn begin(&mut self, values: usize, held: bool) -> usize {
        let rows = values / self.layers[0].n_in;
        self.batch = if held { rows } else { rows / self.steps };
        self.held = held;
        self.steps
    }

    fn finish(&mut self) -> Outputs<'_, F> {
        let Some(last) = self.layers.last() else {
            return Outputs::Readouts(&[]);
        };
        if last.neurons.decode.is_some() {
            return Outputs::Readouts(&self.readout);
        }
        let n = self.batch * last.n_out;
        self.counts.clear();
        self.counts.resize(n, 0);
        for s in last.s.chunks_exact(n.max(1)) {
            for (count, s) in self.counts.iter_mut().zip(s) {
                *count += u32::from(*s != F::NIL);
            }
        }
        Outputs::Counts {
            counts: &self.counts,
            steps: self.steps as u32,
        }
    }

    /// Gradients of all parameters into `grad`, after a forward over `x`, from `grad_output`: those on the output
    /// spikes, `[B, out]`, the same in every step, or on the readouts, of their shape. `on_spikes(l, s, n)` gives what
    /// else comes in on the spikes `s` `[T, B, n]` of layer `l`: `[n]`, the same in every step and sample.
    pub fn backward(
        &mut self,
        params: &[F],
        x: Input<'_, F>,
        grad_output: &[F],
        grad: &mut [F],
        mut on_spikes: impl FnMut(usize, &[F], usize) -> Option<Vec<f64>>,
    ) {
        grad.fill(F::NIL);
        let (steps, batch) = (self.steps, self.batch);
        if let Some(last) = self.layers.last_mut() {
            last.grad_output = match last.neurons.decode {
                Some(_) => grad_output.to_vec(),
                None => grad_output.repeat(steps),
            };
        }
        for l in (0..self.layers.len()).rev() {
            let (below, from) = self.layers.split_at_mut(l);
            let layer = &mut from[0];
            if layer.neurons.decode.is_none()
                && let Some(extra) = on_spikes(l, &layer.s, layer.n_out)
            {
                for row in layer.grad_output.chunks_exact_mut(layer.n_out) {
                    for (g, extra) in row.iter_mut().zip(&extra) {
                        *g = F::of(g.wide() + extra);
                    }
                }
            }
            layer.backward_neurons(batch, grad);
            layer.grad_w_t.fill(F::NIL);
            layer.grad_bias.fill(F::NIL);
            let (input, mut grad_x) = match below.last_mut() {
                None => (x.values(), None),
                Some(below) => {
                    below.grad_output.resize(below.s.len(), F::NIL);
                    (&below.s[..], Some(&mut below.grad_output[..]))
                }
            };
            let thinned: Vec<F>;
            let input = if layer.mask.is_empty() {
                input
            } else {
                let mask = layer.mask.iter().cycle();
                thinned = input.iter().zip(mask).map(|(x, m)| *x * *m).collect();
                &thinned
            };
            F::backward(
                &params[layer.weight.clone()],
                input,
                &layer.grad_current,
                &mut layer.grad_w_t,
                &mut layer.grad_bias,
                grad_x.as_deref_mut(),
            );
            if let (false, Some(grad_x)) = (layer.mask.is_empty(), grad_x) {
                for (g, m) in grad_x.iter_mut().zip(layer.mask.iter().cycle()) {
                    *g = *g * *m;
                }
            }
            let to = &mut grad[layer.bias.clone()];
            to.copy_from_slice(&layer.grad_bias[..to.len()]);
            let mut grad_w = Vec::new();
            transpose_into(&layer.grad_w_t, layer.n_in, layer.n_out, &mut grad_w);
            grad[layer.weight.clone()].copy_from_slice(&grad_w);
        }
    }

    /// The neurons of the first layer in whose last forward a membrane was not finite; where there is none, of the last
    /// one in whose backward a gradient was not.
    #[must_use]
    pub fn not_finite(&self) -> Option<&str> {
        let forward = self.layers.iter().position(|l| !all_finite(&l.h));
        let backward = || {
            let bad = |l: &LayerPass<F>| !all_finite(&l.grad_current) || !all_finite(&l.grad_w_t);
            self.layers.iter().rposition(bad)
        };
        let at = forward.or_else(backward)?;
        Some(self.layers[at].neurons.name())
    }
}

impl<F: Number> LayerPass<F> {
    /// Draws what dropout leaves of the inputs of layer `l`, and multiplies `input` by it.
    fn thin(&mut self, l: usize, batch: usize, input: &[F], dropout: Option<Dropout>) {
        self.mask.clear();
        self.thinned.clear();
        let Some(dropout) = dropout.filter(|_| self.dropout > 0.0) else {
            return;
        };
        let keep = match dropout.scaled {
            true => F::of(1.0 / (1.0 - f64::from(self.dropout))),
            false => F::UNIT,
        };
        let draw = |i: usize| {
            let u = dropout.stream.unit(((l as u64) << 40) + i as u64);
            if u < self.dropout { F::NIL } else { keep }
        };
        self.mask.extend((0..batch * self.n_in).map(draw));
        let products = input.iter().zip(self.mask.iter().cycle());
        self.thinned.extend(products.map(|(x, m)| *x * *m));
    }

    /// Gradients on the currents from those on the output, and on what the neurons learn.
    fn backward_neurons(&mut self, batch: usize, grad: &mut [F]) {
        let n = batch * self.n_out;
        let held = self.current.len() == n;
        self.grad_current.clear();
        self.grad_current.resize(self.current.len(), F::NIL);
        let out = &mut self.grad_current;
        let seen = Seen {
            current: &self.current,
            h: &self.h,
            s: &self.s,
            picked: &self.picked,
        };
        let (neurons, up) = (&self.neurons, &self.grad_output);
        if held {
            neurons.backward(batch, seen, up, grad, |_, i, g| {
                out[i] = out[i] + F::of(g);
            });
        } else {
            neurons.backward(batch, seen, up, grad, |t, i, g| out[t * n + i] = F::of(g));
        }
    }
}

#[cfg(test)]
mod tests {
    use lif_nostd::neuron::Decode;

    use super::*;
    use crate::net::{InputScale, LifParams, Param};
    use crate::surrogate::Surrogate;

    #[test]
    fn membranes_that_are_read_out_come_last() {
        let scale = InputScale {
            full_scale: 1.0,
            step: 1.0,
        };
        let params = LifParams {
            tau: Param::Scalar(2.0),
            v_threshold: Param::Scalar(1.0),
            v_reset: Some(Param::Scalar(0.0)),
            decay_input: true,
            detach_reset: false,
            surrogate: Surrogate::default(),
        };
        let net = Net::sequential("n", 4, 2, scale)
            .linear(2)
            .non_spiking_lif(Param::Scalar(2.0), Decode::None)
            .linear(2)
            .lif(params)
            .build()
            .unwrap();
        let text = Pass::<f32>::new(&net).unwrap_err().to_string();
        assert!(text.contains("non_spiking_lif1"), "{text}");
    }
}
