//! Networks to check with, drawn from a seed.

use lif_host::infer::Input;
use lif_host::net::{Error, InputScale, LifParams, Net, NeuronParams, Param};
use lif_host::quant::{QuantLayer, Values};
use lif_host::rng::Stream;
use lif_host::surrogate::Surrogate;
use lif_nostd::model::format::{NeuronKind, Number};
use lif_nostd::neuron::Decode;
use lif_nostd::spikes::words_for;

use crate::oracle::{F32Layer, F32Net, IntLayer, IntNet, Model};

/// Steps of a sample.
pub const STEPS: u32 = 16;

/// The network of the example in `docs/format.md`, section 13: 2 inputs, 3 neurons, weights and biases that are
/// multiples of 1/4.
///
/// # Errors
///
/// Those of [`Net::check`]: none.
pub fn example() -> Result<Net, Error> {
    let input = InputScale {
        full_scale: 2.0,
        step: 0.25,
    };
    let lif = LifParams {
        tau: Param::Scalar(2.0),
        v_threshold: Param::Scalar(1.0),
        v_reset: Some(Param::Scalar(0.25)),
        decay_input: true,
        detach_reset: false,
        surrogate: Surrogate::default(),
    };
    let chain = Net::sequential("example", 4, 2, input);
    let mut net = chain.linear(3).lif(lif).build()?;
    let values = [1.0, -0.5, 0.25, 0.75, -1.0, 0.0, 0.5, 0.0, -0.25];
    net.weights.copy_from_slice(&values);
    Ok(net)
}

/// What a drawn network looks like.
#[derive(Clone, Debug)]
pub struct Draw {
    /// Seed of weights and biases.
    pub seed: u64,
    /// Sizes: the inputs, then the neurons of each layer.
    pub sizes: Vec<usize>,
    /// Time constant, in steps.
    pub tau: f32,
    /// Threshold.
    pub v_threshold: f32,
    /// Membrane after a spike; none for a soft reset.
    pub v_reset: Option<f32>,
    /// Whether the input is divided by tau.
    pub decay_input: bool,
    /// Magnitude of the largest weight.
    pub gain: f32,
    /// Whether the input is of spikes.
    pub spikes: bool,
    /// Whether layers are of SimpleLIF neurons, where there is a reset potential.
    pub simple: bool,
    /// Whether each neuron has parameters of its own.
    pub per_neuron: bool,
    /// Whether the last layer does not spike, and what is read out of it then.
    pub readout: Option<Decode>,
}

impl Draw {
    /// A network of these sizes with tau 2, threshold 1 and hard reset to 0.
    #[must_use]
    pub fn new(seed: u64, sizes: &[usize]) -> Self {
        Self {
            seed,
            sizes: sizes.into(),
            tau: 2.0,
            v_threshold: 1.0,
            v_reset: Some(0.0),
            decay_input: true,
            gain: 1.0,
            spikes: false,
            simple: false,
            per_neuron: false,
            readout: None,
        }
    }

    /// Number of inputs.
    #[must_use]
    pub fn n_in(&self) -> usize {
        self.sizes.first().copied().unwrap_or(0)
    }

    /// The network, 16 steps a sample. Weights and biases are multiples of 2^-10, so that every f32 sum of them
    /// is exact in any order.
    ///
    /// # Errors
    ///
    /// Those of [`Net::check`].
    pub fn build(&self) -> Result<Net, Error> {
        let input = InputScale {
            full_scale: 128.0,
            step: 1.0,
        };
        let mut chain = if self.spikes {
            Net::sequential_spikes("drawn", STEPS, self.n_in())
        } else {
            Net::sequential("drawn", STEPS, self.n_in(), input)
        };
        let last = self.sizes.len().saturating_sub(1);
        for (l, &n) in self.sizes.iter().enumerate().skip(1) {
            chain = chain.linear(n);
            let tau = self.param(self.tau, n, 10 * l as u64, |x, u| {
                1.0 + (x - 1.0) * (0.5 + u)
            });
            chain = match self.readout {
                Some(decode) if l == last => chain.non_spiking_lif(tau, decode),
                _ => {
                    let params = self.lif(tau, n, l as u64);
                    if self.simple && self.v_reset.is_some() {
                        chain.simple_lif(params)
                    } else {
                        chain.lif(params)
                    }
                }
            };
        }
        let mut net = chain.build()?;
        let stream = Stream::new(self.seed, 1);
        for (i, w) in net.weights.iter_mut().enumerate() {
            let unit = 2.0 * stream.unit(i as u64) - 1.0;
            *w = (unit * self.gain * 1024.0).round() / 1024.0;
        }
        Ok(net)
    }

    fn lif(&self, tau: Param, n: usize, l: u64) -> LifParams {
        let around = |x: f32, u: f32| x * (0.5 + u);
        LifParams {
            tau,
            v_threshold: self.param(self.v_threshold, n, 10 * l + 1, around),
            v_reset: self
                .v_reset
                .map(|v| self.param(v, n, 10 * l + 2, |x, u| x + 0.5 * (u - 0.5))),
            decay_input: self.decay_input,
            detach_reset: false,
            surrogate: Surrogate::default(),
        }
    }

    /// `x` for all of `n` neurons, or `vary` of it and a number in [0, 1) for each.
    fn param(&self, x: f32, n: usize, number: u64, vary: impl Fn(f32, f32) -> f32) -> Param {
        if !self.per_neuron {
            return Param::Scalar(x);
        }
        let stream = Stream::new(self.seed, 1000 + number);
        Param::PerNeuron((0..n).map(|i| vary(x, stream.unit(i as u64))).collect())
    }

    /// The i8 inputs of sample `sample`, over their whole range.
    #[must_use]
    pub fn input(&self, sample: u64) -> Vec<i8> {
        let stream = Stream::new(self.seed, 100 + sample);
        (0..self.n_in())
            .map(|i| stream.bits(i as u64) as i8)
            .collect()
    }

    /// The packed input spikes of each step of sample `sample`: about a third of all.
    #[must_use]
    pub fn input_spikes(&self, sample: u64) -> Vec<Vec<u32>> {
        let stream = Stream::new(self.seed, 100 + sample);
        let (n, words) = (self.n_in(), words_for(self.n_in()));
        let step = |t: usize| {
            let mut packed = vec![0u32; words];
            for i in (0..n).filter(|i| stream.below((t * n + i) as u64, 3) == 0) {
                packed[i / 32] |= 1 << (i % 32);
            }
            packed
        };
        (0..STEPS as usize).map(step).collect()
    }

    /// The input of sample `sample` for an integer network, and the values of each step.
    #[must_use]
    pub fn sample(&self, sample: u64) -> (Input, Vec<Vec<i64>>) {
        if self.spikes {
            let steps = self.input_spikes(sample);
            let bits = |words: &Vec<u32>| {
                (0..self.n_in())
                    .map(|i| i64::from(words[i / 32] >> (i % 32) & 1))
                    .collect()
            };
            let values = steps.iter().map(bits).collect();
            return (Input::Spikes(steps), values);
        }
        let x = self.input(sample);
        let values = x.iter().map(|x| i64::from(*x)).collect();
        (Input::I8(x), vec![values; STEPS as usize])
    }
}

fn model(kind: NeuronKind) -> Model {
    match kind {
        NeuronKind::SimpleLif => Model::SimpleLif,
        NeuronKind::NonSpikingLif => Model::NonSpikingLif,
        _ => Model::Lif,
    }
}

/// The oracle of a quantised network.
#[must_use]
pub fn int_oracle(layers: &[QuantLayer]) -> IntNet {
    fn each<T: Copy + PartialEq + Into<i64>>(values: &Values<T>, n: usize) -> Vec<i64> {
        (0..n).map(|i| values.at(i).into()).collect()
    }
    let layers = layers.iter().map(|q| {
        let n = q.bias.len();
        IntLayer {
            model: model(q.kind),
            bits: if q.number == Number::I32 { 32 } else { 16 },
            weights: q.weights.iter().map(|w| i64::from(*w)).collect(),
            bias: q.bias.iter().map(|b| i64::from(*b)).collect(),
            shift: q.shift,
            leak: each(&q.leak, n),
            v_threshold: q.v_threshold.as_ref().map_or(vec![], |v| each(v, n)),
            v_reset: q.v_reset.as_ref().map(|v| each(v, n)),
        }
    });
    IntNet {
        layers: layers.collect(),
    }
}

/// The oracle of the f32 network `net`.
///
/// # Errors
///
/// Those of [`Net::layers`].
pub fn f32_oracle(net: &Net) -> Result<F32Net, Error> {
    let layers = net.layers()?;
    let layers = layers.iter().map(|layer| {
        let shape = &net.nodes[layer.node + 1].shape;
        let each = |p: &Param| (0..layer.n_out).map(|i| p.at(i, shape)).collect();
        let spiking = layer.neurons.spiking();
        F32Layer {
            model: match layer.neurons {
                NeuronParams::SimpleLif(_) => Model::SimpleLif,
                NeuronParams::NonSpikingLif(_) => Model::NonSpikingLif,
                _ => Model::Lif,
            },
            weights: net.weights[layer.weight.clone()].to_vec(),
            bias: net.biases(layer),
            tau: each(layer.neurons.tau()),
            v_threshold: spiking.map_or(vec![], |p| each(&p.v_threshold)),
            v_reset: spiking.and_then(|p| p.v_reset.as_ref()).map(each),
            decay_input: spiking.is_some_and(|p| p.decay_input),
        }
    });
    Ok(F32Net {
        layers: layers.collect(),
    })
}
