//! Layers in a configuration file.

use lif_nostd::neuron::Decode;
use serde::{Deserialize, Deserializer};

use crate::net::Param;
use crate::surrogate::Surrogate;

/// Synapses and their neurons.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerConfig {
    /// Number of neurons.
    pub outputs: usize,
    /// Whether the synapses have biases.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Probability with which training leaves out an input of the layer.
    #[serde(default)]
    pub dropout: f32,
    /// Constants of the neurons.
    pub neuron: NeuronConfig,
}

const fn yes() -> bool {
    true
}

/// Constants of a layer's neurons.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum NeuronConfig {
    /// Leaky integrate-and-fire.
    Lif {
        /// Time constant, in steps.
        tau: Values,
        /// Threshold.
        v_threshold: Values,
        /// Membrane after a spike, or "none" for a soft reset.
        v_reset: Reset,
        /// Whether the input is divided by tau.
        decay_input: bool,
        /// Whether the gradient leaves out the way through the reset.
        #[serde(default)]
        detach_reset: bool,
        /// Derivative of the spike.
        #[serde(default)]
        surrogate: Surrogate,
        /// What is learned.
        #[serde(default)]
        learn: Vec<Learnable>,
        /// Whether each neuron has a time constant and a threshold of its own.
        #[serde(default)]
        per_neuron: bool,
    },
    /// SpikingJelly's SimpleLIF.
    SimpleLif {
        /// Time constant, in steps.
        tau: Values,
        /// Threshold.
        v_threshold: Values,
        /// Membrane after a spike.
        v_reset: f32,
        /// Whether the input is divided by tau.
        decay_input: bool,
        /// Whether the gradient leaves out the way through the reset.
        #[serde(default)]
        detach_reset: bool,
        /// Derivative of the spike.
        #[serde(default)]
        surrogate: Surrogate,
        /// What is learned.
        #[serde(default)]
        learn: Vec<Learnable>,
        /// Whether each neuron has a time constant and a threshold of its own.
        #[serde(default)]
        per_neuron: bool,
    },
    /// Membranes that are read out.
    NonSpikingLif {
        /// Time constant, in steps.
        tau: Values,
        /// What is read out.
        #[serde(deserialize_with = "decode")]
        decode: Decode,
        /// What is learned.
        #[serde(default)]
        learn: Vec<Learnable>,
        /// Whether each neuron has a time constant of its own.
        #[serde(default)]
        per_neuron: bool,
    },
}

fn decode<'de, D: Deserializer<'de>>(d: D) -> Result<Decode, D::Error> {
    let name = String::deserialize(d)?;
    let found = Decode::ALL.into_iter().find(|d| d.name() == name);
    found.ok_or_else(|| {
        let names = Decode::ALL.map(Decode::name).join(", ");
        serde::de::Error::custom(format!("decode = {name:?}: {names} are allowed"))
    })
}

impl NeuronConfig {
    /// What is learned.
    #[must_use]
    pub fn learn(&self) -> &[Learnable] {
        match self {
            Self::Lif { learn, .. }
            | Self::SimpleLif { learn, .. }
            | Self::NonSpikingLif { learn, .. } => learn,
        }
    }

    /// Whether each neuron has parameters of its own.
    #[must_use]
    pub const fn per_neuron(&self) -> bool {
        match self {
            Self::Lif { per_neuron, .. }
            | Self::SimpleLif { per_neuron, .. }
            | Self::NonSpikingLif { per_neuron, .. } => *per_neuron,
        }
    }
}

/// A parameter of neurons that training can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learnable {
    /// The time constant.
    Tau,
    /// The threshold.
    VThreshold,
}

/// A parameter: one number for all neurons, or one a neuron.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a number is needed, or a list of one a neuron")]
pub enum Values {
    /// One for all.
    One(f32),
    /// One a neuron.
    Each(Vec<f32>),
}

impl Values {
    /// The parameter; `n` says of how many neurons each has its own.
    #[must_use]
    pub fn param(&self, n: Option<usize>) -> Param {
        match (self, n) {
            (Self::One(x), None) => Param::Scalar(*x),
            (Self::One(x), Some(n)) => Param::PerNeuron(vec![*x; n]),
            (Self::Each(xs), _) => Param::PerNeuron(xs.clone()),
        }
    }
}

/// A reset potential, or none.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(
    untagged,
    expecting = "v_reset is a number, or \"none\" for a soft reset"
)]
pub enum Reset {
    /// Hard reset to this membrane.
    Hard(f32),
    /// Soft reset.
    Soft(NoReset),
}

impl Reset {
    /// The parameter.
    #[must_use]
    pub const fn param(self) -> Option<Param> {
        match self {
            Self::Hard(v) => Some(Param::Scalar(v)),
            Self::Soft(NoReset::None) => None,
        }
    }
}

/// The word that stands for no reset potential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoReset {
    /// "none"
    None,
}
