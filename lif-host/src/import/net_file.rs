//! The file that says what the weights are of: topology and neurons, in TOML.

use lif_nostd::neuron::Decode;
use serde::{Deserialize, Deserializer};

use super::Error;
use crate::surrogate::Surrogate;

/// A network, as its TOML file says it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetFile {
    /// Name of the network.
    pub name: String,
    /// Time steps a sample.
    pub steps: u32,
    /// What enters the network.
    pub input: InputFile,
    /// Layers, from the input on.
    #[serde(rename = "layer")]
    pub layers: Vec<LayerFile>,
}

/// What enters the network.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum InputFile {
    /// Values, as currents.
    Values {
        /// The raw value that stands for a current of 1.
        #[serde(default = "one")]
        full_scale: f32,
        /// Raw units a unit of the i8 input of an integer network; `full_scale` / 127 if absent.
        step: Option<f32>,
    },
    /// Spikes, in each time step.
    Spikes {},
}

const fn one() -> f32 {
    1.0
}

/// Synapses and their neurons.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerFile {
    /// Name of the tensor of the weights, `[out, in]`.
    pub weight: String,
    /// Name of the tensor of the biases, `[out]`; zeros if absent.
    pub bias: Option<String>,
    /// The neurons.
    pub neuron: NeuronFile,
}

/// A number, or the name of a tensor of one number or one for each neuron.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a number, or the name of a tensor, is needed")]
pub enum ValueFile {
    /// A number, rounded to f32.
    Number(f64),
    /// Name of a tensor.
    Tensor(String),
}

/// What a spike leaves of a membrane.
#[derive(Clone, Debug, PartialEq)]
pub enum ResetFile {
    /// A hard reset to this.
    Hard(ValueFile),
    /// A soft reset.
    Soft,
}

impl<'de> Deserialize<'de> for ResetFile {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(match ValueFile::deserialize(d)? {
            ValueFile::Tensor(name) if name == "none" => Self::Soft,
            value => Self::Hard(value),
        })
    }
}

/// snnTorch's `reset_mechanism`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetMechanism {
    /// A soft reset.
    Subtract,
    /// A hard reset to 0.
    Zero,
    /// None: a membrane that is read out.
    None,
}

/// The neurons of a layer, as the framework that trained them names their parameters.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum NeuronFile {
    /// SpikingJelly's `LIFNode`.
    Lif(LifFile),
    /// SpikingJelly's `SimpleLIFNode`.
    SimpleLif(LifFile),
    /// SpikingJelly's `ParametricLIFNode`.
    ParametricLif {
        /// Name of the tensor `w`, `1 / tau = sigmoid(w)`.
        w: String,
        /// Threshold.
        v_threshold: ValueFile,
        /// Membrane after a spike, or "none".
        v_reset: ResetFile,
        /// Whether the input is divided by tau.
        decay_input: bool,
        /// Derivative of the spike, where training goes on here.
        #[serde(default)]
        surrogate: Surrogate,
    },
    /// SpikingJelly's `NonSpikingLIFNode`, as the last layer.
    NonSpikingLif {
        /// Time constant, in steps.
        tau: ValueFile,
        /// What is read out: none, max-mem, max-abs-mem, mean-mem or last-mem.
        decode: DecodeFile,
    },
    /// snnTorch's `Leaky`.
    SnntorchLeaky(LeakyFile),
}

/// Parameters of SpikingJelly's LIF neurons.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifFile {
    /// Time constant, in steps.
    pub tau: ValueFile,
    /// Threshold.
    pub v_threshold: ValueFile,
    /// Membrane after a spike, or "none".
    pub v_reset: ResetFile,
    /// Whether the input is divided by tau.
    pub decay_input: bool,
    /// Derivative of the spike, where training goes on here.
    #[serde(default)]
    pub surrogate: Surrogate,
}

/// Parameters of snnTorch's `Leaky`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeakyFile {
    /// Name of the neurons in the state dict: `beta` and `threshold` are taken from it, and the reset is checked.
    pub state: Option<String>,
    /// What a step leaves of the membrane.
    pub beta: Option<ValueFile>,
    /// Threshold.
    pub threshold: Option<ValueFile>,
    /// What a spike leaves of the membrane.
    pub reset_mechanism: ResetMechanism,
    /// Whether the reset comes one step late, as it does by default there.
    pub reset_delay: bool,
    /// Takes a reset that differs from that of the training.
    #[serde(default)]
    pub accept_reset_difference: bool,
    /// What is read out where there is no reset.
    pub decode: Option<DecodeFile>,
    /// Derivative of the spike, where training goes on here.
    #[serde(default)]
    pub surrogate: Surrogate,
}

/// A decode by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeFile(pub Decode);

impl<'de> Deserialize<'de> for DecodeFile {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let name = String::deserialize(d)?;
        let found = Decode::ALL.into_iter().find(|d| d.name() == name);
        found.map(Self).ok_or_else(|| {
            let names = Decode::ALL.map(Decode::name).join(", ");
            serde::de::Error::custom(format!("decode = {name:?}: {names} are allowed"))
        })
    }
}

impl NetFile {
    /// Reads and checks the TOML text `text`.
    ///
    /// # Errors
    ///
    /// [`Error::Toml`] and [`Error::Value`], with the key or the line.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let file: Self = toml::from_str(text)?;
        let bad = |key: &str, value: String, allowed: &str| {
            let (key, allowed) = (key.into(), allowed.into());
            Err(Error::Value {
                key,
                value,
                allowed,
            })
        };
        if file.name.is_empty() {
            return bad("name", "\"\"".into(), "at least a letter is needed");
        }
        if file.steps == 0 || file.steps > 65535 {
            return bad("steps", file.steps.to_string(), "1 to 65535 are allowed");
        }
        if file.layers.is_empty() {
            return bad("layer", "[]".into(), "at least one [[layer]] is needed");
        }
        if let InputFile::Values { full_scale, step } = file.input {
            let scales = [("input.full_scale", Some(full_scale)), ("input.step", step)];
            for (key, x) in scales.into_iter().filter_map(|(k, x)| Some((k, x?))) {
                if !(x > 0.0 && x.is_finite()) {
                    return bad(key, x.to_string(), "it must be above 0");
                }
            }
        }
        Ok(file)
    }
}
