//! Networks of which a given share of neurons spikes in every step.

use lif_host::export::{Error, export_int};
use lif_host::net::{LifParams, Net, Param};
use lif_host::rng::Stream;
use lif_host::surrogate::Surrogate;
use lif_nostd::model::format::align_up;
use lif_nostd::spikes::words_for;

use crate::nets::STEPS;

/// The layers of MLPerf Tiny's anomaly detection: 264,192 synapses and 1,672 neurons.
pub const ANOMALY_DETECTION: [usize; 11] = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640];

/// A network whose inputs and neurons spike in every step, `percent` of a hundred of each layer, evenly spread.
#[derive(Clone, Copy, Debug)]
pub struct Busy<'a> {
    /// What it is called before its share.
    pub name: &'a str,
    /// Sizes: the inputs, then the neurons of each layer.
    pub sizes: &'a [usize],
    /// Share that spikes, in percent.
    pub percent: usize,
    /// Whether each neuron has a threshold of its own, so that no kernel steps them.
    pub per_neuron: bool,
}

impl Busy<'_> {
    /// Which of `n` spike.
    fn spiking(&self, n: usize) -> impl Iterator<Item = usize> {
        let count = (n * self.percent).div_ceil(100);
        (0..count).map(move |k| k * n / count)
    }

    /// The packed input spikes of a step.
    #[must_use]
    pub fn input(&self) -> Vec<u32> {
        let n = self.sizes.first().copied().unwrap_or(0);
        let mut words = vec![0; words_for(n)];
        for i in self.spiking(n) {
            words[i / 32] |= 1 << (i % 32);
        }
        words
    }

    /// The network: tau 2, hard reset, weights of which most are far smaller than the largest, so that the sums take no
    /// shift, and biases that alone say which neuron spikes.
    ///
    /// # Errors
    ///
    /// Those of [`Net::check`]: none.
    pub fn net(&self) -> Result<Net, lif_host::net::Error> {
        let threshold = |n: usize| {
            let each = |i| 1.0 + 0.01 * (i % 2) as f32;
            match self.per_neuron {
                true => Param::PerNeuron((0..n).map(each).collect()),
                false => Param::Scalar(1.0),
            }
        };
        let lif = |n| LifParams {
            tau: Param::Scalar(2.0),
            v_threshold: threshold(n),
            v_reset: Some(Param::Scalar(0.0)),
            decay_input: false,
            detach_reset: false,
            surrogate: Surrogate::default(),
        };
        let n_in = self.sizes.first().copied().unwrap_or(0);
        let kind = if self.per_neuron { " per-neuron" } else { "" };
        let name = format!("{}{kind} {}%", self.name, self.percent);
        let mut chain = Net::sequential_spikes(&name, STEPS, n_in);
        for n in self.sizes.iter().skip(1) {
            chain = chain.linear(*n).lif(lif(*n));
        }
        let mut net = chain.build()?;
        let stream = Stream::new(1, 1);
        for (i, w) in net.weights.iter_mut().enumerate() {
            let unit = 2.0 * stream.unit(i as u64) - 1.0;
            *w = 0.042 * unit.powi(9);
        }
        let layers = net.layers()?;
        let biases: Vec<_> = layers.iter().map(|layer| layer.bias.clone()).collect();
        for bias in biases {
            net.weights[bias.clone()].fill(-1.2);
            for i in self.spiking(bias.len()) {
                net.weights[bias.start + i] = 1.2;
            }
        }
        Ok(net)
    }

    /// The exported network, and its input behind it, as `boards/bench` reads them.
    ///
    /// # Errors
    ///
    /// Those of [`export_int`].
    pub fn bundle(&self) -> Result<Vec<u8>, Error> {
        let net = self.net().map_err(lif_host::quant::Error::from)?;
        let mut bytes = export_int(&net)?.bytes;
        for word in self.input() {
            bytes.extend(word.to_le_bytes());
        }
        bytes.resize(align_up(bytes.len()), 0);
        Ok(bytes)
    }
}
