//! Networks that were trained elsewhere: weights from a safetensors file, topology and neurons from a TOML file.
//!
//! `docs/import.md` is the guide; it says which neurons of which frameworks are the same here in every bit.

mod net_file;
mod neuron;

pub use net_file::{
    InputFile, LayerFile, NetFile, NeuronFile, ResetFile, ResetMechanism, ValueFile,
};

use crate::data::array::{Array, ArrayError};
use crate::data::{ReadError, Tensors};
use crate::net::{self, InputScale, Net, NodeKind};

/// A commented start of a network's file for SpikingJelly.
pub const SPIKINGJELLY_TEMPLATE: &str = include_str!("spikingjelly.toml");

/// The same for snnTorch.
pub const SNNTORCH_TEMPLATE: &str = include_str!("snntorch.toml");

/// Inputs, and neurons of a layer, at the most.
const SIZE_MAX: usize = 65535;

/// Why a network was not imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The network's file is not TOML, or has other keys and types than there are.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A value of the network's file that is out of range.
    #[error("{key} = {value}: {allowed}")]
    Value {
        /// The key.
        key: String,
        /// What it is set to.
        value: String,
        /// What it may be.
        allowed: String,
    },
    /// The weights are not a safetensors file.
    #[error(transparent)]
    Weights(ReadError),
    /// A tensor that is not what the network's file says.
    #[error("{key} = {name:?}: {problem}; the file holds {there}")]
    Tensor {
        /// The key that asks for it.
        key: String,
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
        /// Names, types and shapes of all tensors of the file.
        there: String,
    },
    /// Neurons that this program does not compute.
    #[error("{key}: {problem}")]
    Neuron {
        /// The layer.
        key: String,
        /// Why not, and what to do.
        problem: String,
    },
    /// Numbers that make no network.
    #[error(transparent)]
    Net(#[from] net::Error),
}

/// An imported network.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The network.
    pub net: Net,
    /// Names of the tensors that the network's file does not speak of, sorted.
    pub unused: Vec<String>,
    /// What is not computed as where it was trained, one sentence each.
    pub notes: Vec<String>,
}

/// Imports the network that the TOML text `net_file` describes, with the weights in the safetensors file `weights`.
///
/// Weights are `[out, in]`, biases `[out]`, as PyTorch's Linear has them, in f32, f64, f16 or bf16; f64 is rounded to
/// the nearest f32. A layer without a bias gets zeros.
///
/// # Errors
///
/// [`Error`], with the key of the network's file, and what the file of weights holds.
pub fn import(weights: &[u8], net_file: &str) -> Result<Imported, Error> {
    let file = NetFile::parse(net_file)?;
    let mut tensors = Reader::new(weights)?;
    let (mut layers, mut notes) = (Vec::new(), Vec::new());
    let mut n_in = None;
    for (i, layer) in file.layers.iter().enumerate() {
        let key = format!("layer {}", i + 1);
        let last = i + 1 == file.layers.len();
        let synapses = synapses(&mut tensors, &key, layer, n_in)?;
        n_in = Some(synapses.n_out);
        let place = neuron::Place {
            key: &key,
            n: synapses.n_out,
            last,
        };
        let (neurons, scale) = neuron::neurons(&mut tensors, place, &layer.neuron, &mut notes)?;
        layers.push((synapses.scaled(&scale), neurons));
    }
    Ok(Imported {
        net: assemble(&file, layers)?,
        unused: tensors.unused(),
        notes,
    })
}

/// Weights `[out, in]` and biases `[out]` of a layer.
struct Synapses {
    n_in: usize,
    n_out: usize,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

impl Synapses {
    /// With the weights and the bias of each output times the factor of that output, or the one factor; none is 1.
    fn scaled(mut self, factors: &[f64]) -> Self {
        let factor = |o: usize| factors.get(o).or(factors.first()).copied();
        for (i, w) in self.weights.iter_mut().enumerate() {
            if let Some(f) = factor(i / self.n_in) {
                *w = (f64::from(*w) * f) as f32;
            }
        }
        for (o, b) in self.biases.iter_mut().enumerate() {
            if let Some(f) = factor(o) {
                *b = (f64::from(*b) * f) as f32;
            }
        }
        self
    }
}

fn synapses(
    tensors: &mut Reader<'_>,
    key: &str,
    layer: &LayerFile,
    before: Option<usize>,
) -> Result<Synapses, Error> {
    let key_of = |what: &str| format!("{key}, {what}");
    let weight = key_of("weight");
    let (shape, weights) = tensors.floats(&weight, &layer.weight)?;
    let [n_out, n_in] = shape[..] else {
        let problem = match shape.len() {
            3..=5 => "are of a convolution; only fully connected layers, [out, in], are imported",
            _ => "are no matrix; [out, in] is needed, as PyTorch's Linear has it",
        };
        let problem = format!("weights of shape {shape:?} {problem}");
        return Err(tensors.fail(&weight, &layer.weight, problem));
    };
    if n_in == 0 || n_out == 0 || n_in > SIZE_MAX || n_out > SIZE_MAX {
        let problem = format!("shape {shape:?}: 1 to {SIZE_MAX} inputs and outputs are allowed");
        return Err(tensors.fail(&weight, &layer.weight, problem));
    }
    if let Some(n) = before.filter(|n| *n != n_in) {
        let problem =
            format!("{n_in} inputs ([out, in] is {shape:?}) behind a layer of {n} neurons");
        return Err(tensors.fail(&weight, &layer.weight, problem));
    }
    let biases = match &layer.bias {
        None => vec![0.0; n_out],
        Some(name) => {
            let bias = key_of("bias");
            let (shape, biases) = tensors.floats(&bias, name)?;
            if shape != [n_out] {
                let problem = format!("shape {shape:?}; [{n_out}] is needed");
                return Err(tensors.fail(&bias, name, problem));
            }
            biases
        }
    };
    Ok(Synapses {
        n_in,
        n_out,
        weights,
        biases,
    })
}

/// The network of `layers`.
fn assemble(file: &NetFile, layers: Vec<(Synapses, NodeKind)>) -> Result<Net, Error> {
    let n_in = layers.first().map_or(0, |(s, _)| s.n_in);
    let mut chain = match file.input {
        InputFile::Values { full_scale, step } => {
            let step = step.unwrap_or(full_scale / 127.0);
            Net::sequential(
                &file.name,
                file.steps,
                n_in,
                InputScale { full_scale, step },
            )
        }
        InputFile::Spikes {} => Net::sequential_spikes(&file.name, file.steps, n_in),
    };
    let mut values = Vec::new();
    for (synapses, neurons) in layers {
        chain = chain.linear(synapses.n_out);
        chain = match neurons {
            NodeKind::SimpleLif(p) => chain.simple_lif(p),
            NodeKind::NonSpikingLif(p) => chain.non_spiking_lif(p.tau, p.decode),
            NodeKind::Lif(p) => chain.lif(p),
            // `neuron::neurons` makes none but these.
            _ => chain,
        };
        values.push((synapses.weights, synapses.biases));
    }
    let mut net = chain.build()?;
    let places: Vec<_> = net
        .layers()?
        .iter()
        .map(|l| (l.weight.clone(), l.bias.clone()))
        .collect();
    for ((weight, bias), (weights, biases)) in places.into_iter().zip(values) {
        net.weights[weight].copy_from_slice(&weights);
        net.weights[bias].copy_from_slice(&biases);
    }
    net.check()?;
    Ok(net)
}

/// The tensors of the file of weights, and which of them were read.
struct Reader<'a> {
    tensors: Tensors<'a>,
    read: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let tensors = Tensors::read(bytes).map_err(Error::Weights)?;
        Ok(Self {
            tensors,
            read: Vec::new(),
        })
    }

    fn fail(&self, key: &str, name: &str, problem: impl ToString) -> Error {
        Error::Tensor {
            key: key.into(),
            name: name.into(),
            problem: problem.to_string(),
            there: self.tensors.listing(),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.tensors.names().contains(&name)
    }

    fn array(&mut self, key: &str, name: &str) -> Result<Array<'a>, Error> {
        if !self.has(name) {
            return Err(self.fail(key, name, "there is no such tensor"));
        }
        self.read.push(name.into());
        self.tensors
            .array(name)
            .map_err(|e| self.fail(key, name, e))
    }

    /// Shape and values of a tensor of floating-point numbers.
    fn floats(&mut self, key: &str, name: &str) -> Result<(Vec<usize>, Vec<f32>), Error> {
        let array = self.array(key, name)?;
        if array.element.is_integer() {
            let problem = format!(
                "type {}; f32, f64, f16 and bf16 are allowed",
                array.element.name()
            );
            return Err(self.fail(key, name, problem));
        }
        let values = array.to_f32().map_err(|e| self.fail(key, name, e))?;
        if let Some(at) = values.iter().position(|x| !x.is_finite()) {
            let problem = format!("value {at} is {}; finite numbers are needed", values[at]);
            return Err(self.fail(key, name, problem));
        }
        Ok((array.shape, values))
    }

    /// The one number of a tensor of any type.
    fn number(&mut self, key: &str, name: &str) -> Result<f32, Error> {
        let values: Result<Vec<f32>, ArrayError> = self.array(key, name)?.to_f32();
        match values.map_err(|e| self.fail(key, name, e))?[..] {
            [x] => Ok(x),
            ref all => Err(self.fail(key, name, format!("{} values; one is needed", all.len()))),
        }
    }

    fn unused(&self) -> Vec<String> {
        let names = self.tensors.names().into_iter().map(String::from);
        names.filter(|name| !self.read.contains(name)).collect()
    }
}
