//! The configuration file of a training run.

use lif_nostd::neuron::Decode;
use serde::Deserialize;

use super::layer_config::{LayerConfig, Learnable, NeuronConfig};
use super::train_config::TrainConfig;
use super::{Learn, On, TrainerConfig};
use crate::net::{InputScale, LifParams, Net, Param, Sequential};

/// A training run, as its TOML file says it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the network.
    pub name: String,
    /// Time steps a sample.
    pub steps: u32,
    /// Where the samples come from.
    pub data: DataConfig,
    /// Layers, from the input on.
    #[serde(rename = "layer")]
    pub layers: Vec<LayerConfig>,
    /// How to train.
    pub train: TrainConfig,
}

/// Where the samples come from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Comma-separated file, relative to the configuration file: the values of a sample, then its class.
    pub file: String,
    /// Values a sample.
    pub inputs: usize,
    /// Classes, numbered from 0.
    pub classes: u32,
    /// The raw value that stands for a current of 1.
    pub full_scale: f32,
    /// One sample in this many, by class, is held out for the test.
    pub test_every: usize,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not TOML, or not the keys and types that there are.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A value out of range.
    #[error("{key} = {value}: {allowed}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it is set to.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// Training would take too much memory.
    #[error(
        "steps = {steps}, train.batch = {batch}, and layer.outputs for {neurons} neurons and {weights} weights: \
         training would take about {gib:.1} GiB of memory, {MEMORY_GIB_MAX} GiB are allowed; make one of these smaller"
    )]
    Memory {
        /// Time steps a sample.
        steps: u32,
        /// Samples a step of the optimiser.
        batch: usize,
        /// Neurons of all layers.
        neurons: u64,
        /// Weights and biases of all layers.
        weights: u64,
        /// What training would take, in GiB.
        gib: f64,
    },
}

/// What training may take, in GiB.
const MEMORY_GIB_MAX: f64 = 8.0;
/// f32 values that training keeps for each neuron, step and sample: current, membrane, spike, and two gradients.
const VALUES_A_STEP: f64 = 5.0;
/// f32 values that it keeps for each weight: the weight, its gradient, two means of Adam, and copies in another order.
const VALUES_A_WEIGHT: f64 = 8.0;

impl Config {
    /// Reads and checks the TOML text `text`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with the key or the line.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)?;
        let bad = |key, value: String, allowed| {
            Err(ConfigError::Value {
                key,
                value,
                allowed,
            })
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !config.name.starts_with(|c: char| c.is_ascii_alphanumeric())
            || !config.name.chars().all(plain)
        {
            let allowed =
                "it names files: letters, digits, -, _ and . are allowed, a letter or digit first";
            return bad("name", format!("{:?}", config.name), allowed);
        }
        if config.steps == 0 || config.steps > 65535 {
            return bad("steps", config.steps.to_string(), "1 to 65535 are allowed");
        }
        let (data, train) = (&config.data, &config.train);
        if data.inputs == 0 || data.inputs > 65535 {
            return bad(
                "data.inputs",
                data.inputs.to_string(),
                "1 to 65535 are allowed",
            );
        }
        if !(data.full_scale > 0.0 && data.full_scale.is_finite()) {
            let value = data.full_scale.to_string();
            return bad("data.full_scale", value, "it must be above 0");
        }
        if data.test_every < 2 {
            let value = data.test_every.to_string();
            return bad("data.test_every", value, "it must be at least 2");
        }
        if let Some((key, value, allowed)) = train.problem() {
            return bad(key, value, allowed);
        }
        let Some(last) = config.layers.last() else {
            return bad("layer", "[]".into(), "at least one [[layer]] is needed");
        };
        if last.outputs != data.classes as usize {
            let value = last.outputs.to_string();
            return bad("layer.outputs", value, "the last must be data.classes");
        }
        if let Some(l) = config
            .layers
            .iter()
            .find(|l| l.outputs == 0 || l.outputs > 65535)
        {
            return bad(
                "layer.outputs",
                l.outputs.to_string(),
                "1 to 65535 are allowed",
            );
        }
        config.check_layers()?;
        config.check_memory()?;
        Ok(config)
    }

    /// Dropout, and whether the loss is made for the last neurons.
    fn check_layers(&self) -> Result<(), ConfigError> {
        let bad = |key, value: String, allowed| {
            Err(ConfigError::Value {
                key,
                value,
                allowed,
            })
        };
        let mut reads_out = false;
        for (i, layer) in self.layers.iter().enumerate() {
            if !(0.0..1.0).contains(&layer.dropout) {
                let allowed = "0 up to but not including 1 is allowed";
                return bad("layer.dropout", layer.dropout.to_string(), allowed);
            }
            let NeuronConfig::NonSpikingLif { decode, .. } = layer.neuron else {
                continue;
            };
            if i + 1 < self.layers.len() {
                let allowed = "only the last layer may be of it";
                return bad("layer.neuron.kind", "\"non-spiking-lif\"".into(), allowed);
            }
            if decode == Decode::None {
                let allowed = "max-mem, max-abs-mem, mean-mem and last-mem give a class";
                return bad("layer.neuron.decode", "\"none\"".into(), allowed);
            }
            reads_out = true;
        }
        let on = self.train.loss.on();
        if (on == On::Readout) != reads_out {
            let allowed = match reads_out {
                true => "the last neurons do not spike: \"readout\" is allowed",
                false => "the last neurons spike: \"rate\" and \"count\" are allowed",
            };
            return bad("train.loss.on", format!("{:?}", on.name()), allowed);
        }
        Ok(())
    }

    /// How the network is trained, from seed `seed`.
    #[must_use]
    pub fn trainer(&self, seed: u64) -> TrainerConfig {
        let mut counts = std::collections::HashMap::new();
        let learn = self.layers.iter().filter_map(|layer| {
            let prefix = match layer.neuron {
                NeuronConfig::Lif { .. } => "lif",
                NeuronConfig::SimpleLif { .. } => "simple_lif",
                NeuronConfig::NonSpikingLif { .. } => "non_spiking_lif",
            };
            let count = counts.entry(prefix).or_insert(0);
            *count += 1;
            let learn = layer.neuron.learn();
            (!learn.is_empty()).then(|| Learn {
                node: format!("{prefix}{count}"),
                tau: learn.contains(&Learnable::Tau),
                v_threshold: learn.contains(&Learnable::VThreshold),
            })
        });
        TrainerConfig {
            learn: learn.collect(),
            ..self.train.trainer(seed)
        }
    }

    /// A run that cannot be done is refused here, rather than ended by the system for want of memory.
    fn check_memory(&self) -> Result<(), ConfigError> {
        let (mut neurons, mut weights) = (0, 0);
        let mut n_in = self.data.inputs as u64;
        for layer in &self.layers {
            let n = layer.outputs as u64;
            neurons += n;
            weights += n * (n_in + 1);
            n_in = n;
        }
        let (steps, batch) = (self.steps, self.train.batch);
        let states = f64::from(steps) * batch as f64 * neurons as f64;
        let values = VALUES_A_STEP * states + VALUES_A_WEIGHT * weights as f64;
        let gib = 4.0 * values / f64::from(1 << 30);
        if gib > MEMORY_GIB_MAX {
            return Err(ConfigError::Memory {
                steps,
                batch,
                neurons,
                weights,
                gib,
            });
        }
        Ok(())
    }

    /// The network, its weights zero. `step` is the raw units a unit of the quantised input.
    ///
    /// # Errors
    ///
    /// [`crate::net::Error`] where a neuron's constants are out of range.
    pub fn net(&self, step: f32) -> Result<Net, crate::net::Error> {
        let input = InputScale {
            full_scale: self.data.full_scale,
            step,
        };
        let mut net = Net::sequential(&self.name, self.steps, self.data.inputs, input);
        for layer in &self.layers {
            net = add_layer(net, layer);
        }
        net.build()
    }
}

/// Appends the nodes of `layer`.
fn add_layer(mut net: Sequential, layer: &LayerConfig) -> Sequential {
    if layer.dropout > 0.0 {
        net = net.dropout(layer.dropout);
    }
    net = match layer.bias {
        true => net.linear(layer.outputs),
        false => net.linear_without_bias(layer.outputs),
    };
    let n = layer.neuron.per_neuron().then_some(layer.outputs);
    match &layer.neuron {
        NeuronConfig::Lif {
            tau,
            v_threshold,
            v_reset,
            decay_input,
            detach_reset,
            surrogate,
            ..
        } => net.lif(LifParams {
            tau: tau.param(n),
            v_threshold: v_threshold.param(n),
            v_reset: v_reset.param(),
            decay_input: *decay_input,
            detach_reset: *detach_reset,
            surrogate: *surrogate,
        }),
        NeuronConfig::SimpleLif {
            tau,
            v_threshold,
            v_reset,
            decay_input,
            detach_reset,
            surrogate,
            ..
        } => net.simple_lif(LifParams {
            tau: tau.param(n),
            v_threshold: v_threshold.param(n),
            v_reset: Some(Param::Scalar(*v_reset)),
            decay_input: *decay_input,
            detach_reset: *detach_reset,
            surrogate: *surrogate,
        }),
        NeuronConfig::NonSpikingLif { tau, decode, .. } => {
            net.non_spiking_lif(tau.param(n), *decode)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = include_str!("../../../examples/digits.toml");

    /// What is said to the digits with each of `changes`, a text and what it becomes, applied once.
    fn said_to(changes: &[[&str; 2]]) -> Option<String> {
        let mut text = DIGITS.to_string();
        for [from, to] in changes {
            assert!(text.contains(from), "{from:?}");
            text = text.replacen(from, to, 1);
        }
        Config::parse(&text).err().map(|e| e.to_string())
    }

    #[test]
    fn a_run_that_takes_too_much_memory_is_refused() {
        assert_eq!(said_to(&[]), None);
        let wide = ["outputs = 128", "outputs = 65535"];
        let long = ["steps = 16", "steps = 65535"];
        assert_eq!(said_to(&[wide]), None);
        let said = said_to(&[wide, long]).expect("it is far too large");
        let parts = "steps = 65535, train.batch = 32, and layer.outputs for 65545 neurons and 4915135 weights";
        assert!(said.starts_with(parts), "{said}");
        assert!(
            said.contains("2560.5 GiB of memory, 8 GiB are allowed"),
            "{said}"
        );
        // The states of 65,545 neurons for 16 steps are 4 MiB a value and a sample.
        let small = ["batch = 32", "batch = 400"];
        let large = ["batch = 32", "batch = 420"];
        assert_eq!(said_to(&[wide, small]), None);
        assert!(said_to(&[wide, large]).is_some());
    }
}
