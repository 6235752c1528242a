//! One forward and one backward pass of a chain over a batch, with the buffers that both need.

use crate::cpu::{Chain, Dense, Neurons, Upstream, linear_backward, linear_forward, transpose};
use crate::net::{Error, Net, NeuronParams};

/// A layer's constants and buffers.
#[derive(Clone, Debug)]
struct LayerPass {
    n_in: usize,
    n_out: usize,
    weight: std::ops::Range<usize>,
    bias: std::ops::Range<usize>,
    neurons: Neurons<f32>,
    w_t: Vec<f32>,
    /// Currents: `[B, out]` in the first layer, whose input is the same in every step, else `[T, B, out]`.
    current: Vec<f32>,
    /// Membranes after the charge `[T, B, out]`.
    h: Vec<f32>,
    /// Spikes `[T, B, out]`.
    s: Vec<f32>,
    /// Gradients on the spikes `[T, B, out]`.
    grad_s: Vec<f32>,
    /// Gradients on the currents, of their shape.
    grad_current: Vec<f32>,
    grad_w_t: Vec<f32>,
}

/// Buffers for passes over batches. The input is a current, the same in every step.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Does the work where it serves the network; the rest is for those that it does not.
    chain: Option<Chain>,
    steps: usize,
    batch: usize,
    layers: Vec<LayerPass>,
    counts: Vec<u32>,
}

impl Pass {
    /// Buffers for the chain `net`.
    ///
    /// # Errors
    ///
    /// Those of [`Net::layers`], and [`Error::Node`] where the input is of spikes, or neurons are other than LIF with
    /// parameters that all of a layer share.
    pub fn new(net: &Net) -> Result<Self, Error> {
        if net.input()?.1.is_none() {
            let node = net.nodes[0].name.clone();
            let problem = "networks with an input of spikes are not trained yet".into();
            return Err(Error::Node { node, problem });
        }
        let mut layers = Vec::new();
        for layer in net.layers()? {
            let refuse = |problem: &str| Error::Node {
                node: layer.neuron.into(),
                problem: problem.into(),
            };
            let NeuronParams::Lif(params) = layer.neurons else {
                return Err(refuse("neurons other than LIF are not trained yet"));
            };
            let lif = params.uniform().ok_or_else(|| {
                refuse("parameters per channel or per neuron are not trained yet")
            })?;
            layers.push(LayerPass {
                n_in: layer.n_in,
                n_out: layer.n_out,
                weight: layer.weight.clone(),
                bias: layer.bias.clone(),
                neurons: Neurons::from_lif(lif, params.surrogate, params.detach_reset),
                w_t: Vec::new(),
                current: Vec::new(),
                h: Vec::new(),
                s: Vec::new(),
                grad_s: Vec::new(),
                grad_current: Vec::new(),
                grad_w_t: vec![0.0; layer.n_in * layer.n_out],
            });
        }
        Ok(Self {
            chain: Chain::new(net),
            steps: net.steps as usize,
            batch: 0,
            layers,
            counts: Vec::new(),
        })
    }

    /// Spikes of each output neuron `[B, out]` for the currents `x` `[B, in]`.
    pub fn forward(&mut self, weights: &[f32], x: &[f32]) -> &[u32] {
        if let Some(chain) = &mut self.chain {
            chain.load(weights);
            return chain.forward(x);
        }
        let steps = self.steps;
        let batch = x.len() / self.layers[0].n_in;
        self.batch = batch;
        let mut before: Option<&[f32]> = None;
        for layer in &mut self.layers {
            let n = batch * layer.n_out;
            layer.w_t = transpose(&weights[layer.weight.clone()], layer.n_out, layer.n_in);
            let bias = &weights[layer.bias.clone()];
            layer.h.resize(steps * n, 0.0);
            layer.s.resize(steps * n, 0.0);
            let mut v = vec![layer.neurons.v_init(); n];
            let (neurons, h, s) = (&layer.neurons, &mut layer.h, &mut layer.s);
            match before {
                None => {
                    layer.current.resize(n, 0.0);
                    linear_forward(&layer.w_t, bias, x, Dense::Values, &mut layer.current);
                    let current = &layer.current;
                    neurons.forward_into(|_| current, true, &mut v, h, s, |_| ());
                }
                Some(below) => {
                    layer.current.resize(steps * n, 0.0);
                    linear_forward(&layer.w_t, bias, below, Dense::Spikes, &mut layer.current);
                    let current = &layer.current;
                    neurons.forward_into(|t| &current[t * n..], true, &mut v, h, s, |_| ());
                }
            }
            before = Some(&layer.s);
        }
        let output = before.unwrap_or(&[]);
        let n = output.len() / steps.max(1);
        self.counts.clear();
        self.counts.resize(n, 0);
        for s in output.chunks_exact(n.max(1)) {
            for (count, s) in self.counts.iter_mut().zip(s) {
                *count += u32::from(*s != 0.0);
            }
        }
        &self.counts
    }

    /// Gradients of all weights into `grad`, after a forward over `x`, from those on the output spikes
    /// `[B, out]`, which are the same in every step.
    pub fn backward(&mut self, weights: &[f32], x: &[f32], grad_output: &[f32], grad: &mut [f32]) {
        if let Some(chain) = &mut self.chain {
            return chain.backward(x, grad_output, grad);
        }
        grad.fill(0.0);
        let (steps, batch) = (self.steps, self.batch);
        if let Some(last) = self.layers.last_mut() {
            last.grad_s = grad_output.repeat(steps);
        }
        for l in (0..self.layers.len()).rev() {
            let (below, from) = self.layers.split_at_mut(l);
            let layer = &mut from[0];
            let n = batch * layer.n_out;
            layer.grad_current.clear();
            layer.grad_current.resize(layer.current.len(), 0.0);
            let out = &mut layer.grad_current;
            let up = Upstream {
                spikes: &layer.grad_s,
                v: None,
                v_last: None,
            };
            let (neurons, h, s) = (&layer.neurons, &layer.h, &layer.s);
            if below.is_empty() {
                neurons.backward_into(n, h, s, up, |_, i, g| out[i] += g as f32);
            } else {
                neurons.backward_into(n, h, s, up, |t, i, g| out[t * n + i] = g as f32);
            }
            layer.grad_w_t.fill(0.0);
            let (input, grad_x) = match below.last_mut() {
                None => (x, None),
                Some(below) => {
                    below.grad_s.resize(below.s.len(), 0.0);
                    (&below.s[..], Some(&mut below.grad_s[..]))
                }
            };
            linear_backward(
                &weights[layer.weight.clone()],
                input,
                &layer.grad_current,
                &mut layer.grad_w_t,
                &mut grad[layer.bias.clone()],
                grad_x,
            );
            let grad_w = transpose(&layer.grad_w_t, layer.n_in, layer.n_out);
            grad[layer.weight.clone()].copy_from_slice(&grad_w);
        }
    }
}

#[cfg(test)]
mod tests {
    use lif_nostd::neuron::Decode;

    use super::*;
    use crate::net::{InputScale, LifParams, Param};
    use crate::surrogate::Surrogate;

    /// The layers one after the other, as in the text, and the chain at once.
    #[test]
    fn the_chain_does_what_the_layers_do() {
        let scale = InputScale {
            full_scale: 1.0,
            step: 1.0,
        };
        for (sizes, steps, batch, v_reset, decay_input, detach_reset) in [
            ([5, 7, 3], 4, 3, Some(0.0), true, false),
            ([70, 130, 10], 16, 21, Some(-0.125), false, false),
            ([64, 48, 65], 150, 2, None, true, false),
            ([3, 200, 20], 7, 40, None, false, true),
        ] {
            let lif = |tau| LifParams {
                tau: Param::Scalar(tau),
                v_threshold: Param::Scalar(0.75),
                v_reset: v_reset.map(Param::Scalar),
                decay_input,
                detach_reset,
                surrogate: Surrogate::default(),
            };
            let mut net = Net::sequential("n", steps, sizes[0], scale)
                .linear(sizes[1])
                .lif(lif(2.0))
                .linear(sizes[2])
                .lif(lif(1.7))
                .build()
                .unwrap();
            let draw = |n: usize, k: u32| -> Vec<f32> {
                let number = |i: u32| (i.wrapping_mul(2_654_435_761) ^ k) >> 8;
                (0..n as u32)
                    .map(|i| number(i) as f32 / (1 << 23) as f32 - 1.0)
                    .collect()
            };
            net.weights = draw(net.weights.len(), 1);
            let x = draw(batch * sizes[0], 2);
            let up = draw(batch * sizes[2], 3);
            let mut chain = Pass::new(&net).unwrap();
            let mut layers = chain.clone();
            assert!(chain.chain.is_some());
            layers.chain = None;
            let counts = chain.forward(&net.weights, &x).to_vec();
            assert_eq!(counts, layers.forward(&net.weights, &x));
            assert!(counts.iter().any(|c| *c > 0));
            let (mut got, mut want) = (vec![9.0; net.weights.len()], vec![9.0; net.weights.len()]);
            chain.backward(&net.weights, &x, &up, &mut got);
            layers.backward(&net.weights, &x, &up, &mut want);
            let size = want.iter().fold(0.0f32, |max, g| max.max(g.abs()));
            for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                assert!(
                    (got - want).abs() <= 1e-5 * size,
                    "{sizes:?} {i}: {got} {want}"
                );
            }
            let one = rayon::ThreadPoolBuilder::new()
                .num_threads(1)
                .build()
                .unwrap();
            let many = rayon::ThreadPoolBuilder::new()
                .num_threads(5)
                .build()
                .unwrap();
            for pool in [one, many] {
                let mut again = vec![0.0; net.weights.len()];
                pool.install(|| {
                    chain.forward(&net.weights, &x);
                    chain.backward(&net.weights, &x, &up, &mut again);
                });
                assert_eq!(got, again, "any number of threads");
            }
        }
    }

    #[test]
    fn what_is_not_trained_yet_is_named() {
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
        let chain = || Net::sequential("n", 4, 2, scale).linear(2);
        let each = LifParams {
            tau: Param::PerNeuron(vec![2.0, 3.0]),
            ..params.clone()
        };
        for (chain, node, says) in [
            (
                chain().simple_lif(params.clone()),
                "simple_lif1",
                "other than LIF",
            ),
            (
                chain().non_spiking_lif(Param::Scalar(2.0), Decode::None),
                "non_spiking_lif1",
                "other than LIF",
            ),
            (chain().lif(each), "lif1", "per neuron"),
            (
                Net::sequential_spikes("n", 4, 2).linear(2).lif(params),
                "input",
                "of spikes",
            ),
        ] {
            let text = Pass::new(&chain.build().unwrap()).unwrap_err().to_string();
            assert!(text.contains(node) && text.contains(says), "{text}");
        }
    }
}
