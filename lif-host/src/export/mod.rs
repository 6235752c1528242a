//! Writes `.lif` files (`docs/format.md`).

mod rust;
mod writer;

use lif_nostd::model::format::{NeuronKind, Neurons, Node, NodeRecord, Number, Param, section};
use lif_nostd::neuron::Decode;
use lif_nostd::scalar::Scalar;

use crate::net::{self, Layer, Net, NeuronParams};
use crate::quant::{self, QuantLayer, QuantOptions, Values, quantise_with};
pub use rust::rust_module;
use writer::{FileWriter, blocks};

/// Why a network cannot be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be quantised, or is not one that this handles.
    #[error(transparent)]
    Quant(#[from] quant::Error),
    /// It is too large for the format.
    #[error("{0}")]
    Size(String),
    /// The finished file does not pass the reader's checks.
    #[error("the file would be refused by its reader: {0}")]
    Refused(#[from] lif_nostd::Error),
}

impl From<crate::net::Error> for Error {
    fn from(e: crate::net::Error) -> Self {
        Self::Quant(e.into())
    }
}

/// What an export gives: the file, and how each layer was quantised (empty for f32).
#[derive(Clone, Debug)]
pub struct Exported {
    /// The `.lif` file.
    pub bytes: Vec<u8>,
    /// Layers in integers.
    pub layers: Vec<QuantLayer>,
}

/// Quantises `net` to i8 weights, and membranes of i16 or, where a layer needs it, i32; and writes it.
///
/// # Errors
///
/// [`Error`].
pub fn export_int(net: &Net) -> Result<Exported, Error> {
    export_int_with(net, QuantOptions::default())
}

/// The same, with `options`.
///
/// # Errors
///
/// [`Error`].
pub fn export_int_with(net: &Net, options: QuantOptions) -> Result<Exported, Error> {
    let layers = quantise_with(net, options)?;
    let mut file = FileWriter::new(net)?;
    let number = if net.input()?.1.is_some() {
        Number::I8
    } else {
        Number::Bits
    };
    file.input(number, net)?;
    for (l, (layer, q)) in net.layers()?.iter().zip(&layers).enumerate() {
        let weights = blocks(&q.weights, layer.n_in, 0);
        let weights = match q.weight_number {
            Number::I16 => file.weights(bytemuck::cast_slice(&weights))?,
            _ => {
                let binary: Vec<u8> = weights.iter().map(|w| (w + 128) as u8).collect();
                file.weights(&binary)?
            }
        };
        let mut bias = q.bias.clone();
        bias.resize(layer.n_out.next_multiple_of(16), 0);
        let bias = file.weights(bytemuck::cast_slice(&bias))?;
        let node = Neurons {
            kind: q.kind,
            number: q.number,
            n: layer.n_out as u32,
            decay_input: false,
            decode: q.decode,
            leak: file.param(&q.leak, |a| a, 0)?,
            v_threshold: file.units(q.v_threshold.as_ref(), q.number)?,
            v_reset: file.units(q.v_reset.as_ref(), q.number)?,
            v_leak: Param::None,
            first_pull: Param::None,
        };
        file.linear(layer, q.weight_number, weights, bias, q.shift);
        file.node(Node::Neurons(node), layer.neuron);
        // The file holds nothing but the input and the layers.
        file.certificate(2 * l + 1, q.certificate);
    }
    if let Some(lsb) = layers.last().and_then(|q| q.lsb) {
        let scale = lsb as f32;
        if scale.is_finite() && scale > 0.0 {
            file.section(section::READOUT).extend(scale.to_le_bytes());
        }
    }
    let bytes = file.finish()?;
    Ok(Exported { bytes, layers })
}

/// Writes `net` in f32.
///
/// # Errors
///
/// [`Error`].
pub fn export_f32(net: &Net) -> Result<Exported, Error> {
    let mut file = FileWriter::new(net)?;
    let number = if net.input()?.1.is_some() {
        Number::F32
    } else {
        Number::Bits
    };
    file.input(number, net)?;
    for layer in &net.layers()? {
        let weights = blocks(&net.weights[layer.weight.clone()], layer.n_in, 0.0);
        let mut bias = net.biases(layer);
        bias.resize(layer.n_out.next_multiple_of(16), 0.0);
        let weights = file.weights(bytemuck::cast_slice(&weights))?;
        let bias = file.weights(bytemuck::cast_slice(&bias))?;
        let node = file.neurons_f32(net, layer)?;
        file.linear(layer, Number::F32, weights, bias, 0);
        file.node(Node::Neurons(node), layer.neuron);
    }
    let bytes = file.finish()?;
    Ok(Exported {
        bytes,
        layers: Vec::new(),
    })
}

/// The constants of a node as the device's code takes them, in f32.
fn values(param: &net::Param, layer: &Layer<'_>, net: &Net) -> Values<f32> {
    match param.scalar() {
        Some(x) => Values::One(x),
        None => {
            let shape = &net.nodes[layer.node + 1].shape;
            Values::Each((0..layer.n_out).map(|i| param.at(i, shape)).collect())
        }
    }
}

impl FileWriter {
    fn input(&mut self, number: Number, net: &Net) -> Result<(), Error> {
        let (n, scale) = net.input()?;
        let scale = scale.unwrap_or(net::InputScale {
            full_scale: 0.0,
            step: 0.0,
        });
        let node = Node::Input {
            number,
            n: n as u32,
            full_scale: scale.full_scale,
            step: scale.step,
            steps: net.steps,
        };
        self.node(node, &net.nodes[0].name);
        Ok(())
    }

    fn linear(&mut self, layer: &Layer<'_>, number: Number, weights: u32, bias: u32, shift: i8) {
        let node = Node::Linear {
            number,
            n_in: layer.n_in as u32,
            n_out: layer.n_out as u32,
            weights,
            bias,
            shift,
        };
        self.node(node, layer.synapse);
    }

    /// The f32 neurons of `layer`.
    fn neurons_f32(&mut self, net: &Net, layer: &Layer<'_>) -> Result<Neurons, Error> {
        let (kind, decode) = match layer.neurons {
            NeuronParams::Lif(_) => (NeuronKind::Lif, Decode::None),
            NeuronParams::SimpleLif(_) => (NeuronKind::SimpleLif, Decode::None),
            NeuronParams::NonSpikingLif(p) => (NeuronKind::NonSpikingLif, p.decode),
        };
        let tau = values(layer.neurons.tau(), layer, net);
        let mut node = Neurons {
            kind,
            number: Number::F32,
            n: layer.n_out as u32,
            decay_input: false,
            decode,
            leak: self.param(&tau, f32::to_bits, 0.0)?,
            v_threshold: Param::None,
            v_reset: Param::None,
            v_leak: Param::None,
            first_pull: Param::None,
        };
        let Some(params) = layer.neurons.spiking() else {
            return Ok(node);
        };
        node.decay_input = params.decay_input;
        let v_threshold = values(&params.v_threshold, layer, net);
        node.v_threshold = self.param(&v_threshold, f32::to_bits, 0.0)?;
        node.v_leak = Param::Scalar(0);
        if let Some(v_reset) = &params.v_reset {
            let v_reset = values(v_reset, layer, net);
            node.v_reset = self.param(&v_reset, f32::to_bits, 0.0)?;
            node.v_leak = node.v_reset;
            if kind == NeuronKind::SimpleLif && !params.decay_input {
                let pull = |i| f32::pull_from_zero(f64::from(tau.at(i)), f64::from(v_reset.at(i)));
                let pulls = Values::new((0..layer.n_out).map(pull).collect());
                node.first_pull = self.param(&pulls, f32::to_bits, 0.0)?;
            }
        }
        Ok(node)
    }

    /// A parameter in units of an integer membrane.
    fn units(&mut self, values: Option<&Values<i32>>, number: Number) -> Result<Param, Error> {
        match (values, number) {
            (None, _) => Ok(Param::None),
            (Some(Values::Each(xs)), Number::I16) => {
                // They fit: quantisation stays within 16384.
                let xs = Values::Each(xs.iter().map(|x| *x as i16).collect());
                self.param(&xs, |x| i32::from(x) as u32, 0)
            }
            (Some(xs), _) => self.param(xs, |x| x as u32, 0),
        }
    }

    fn node(&mut self, node: Node, name: &str) {
        self.section(section::NODES)
            .extend(NodeRecord::new(node, name).to_bytes());
    }
}
