//! Writes `.lif` files (`docs/format.md`).

mod writer;

use lif_nostd::model::format::{Node, NodeRecord, Number, Param, section};

use crate::net::{Layer, Net};
use crate::quant::{self, QuantLayer, quantise};
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

/// Quantises `net` to i8 weights and i16 membranes and writes it.
///
/// # Errors
///
/// [`Error`].
pub fn export_i16(net: &Net) -> Result<Exported, Error> {
    let layers = quantise(net)?;
    let mut file = FileWriter::new(net)?;
    file.input(Number::I8, net)?;
    for (layer, q) in net.layers()?.iter().zip(&layers) {
        let weights: Vec<u8> = blocks(&q.weights, layer.n_in, 0)
            .into_iter()
            .map(|w| (i16::from(w) + 128) as u8)
            .collect();
        let mut bias = q.bias.clone();
        bias.resize(layer.n_out.next_multiple_of(16), 0);
        let weights = file.weights(&weights)?;
        let bias = file.weights(bytemuck::cast_slice(&bias))?;
        let scalar = |x: i16| Param::Scalar(i32::from(x) as u32);
        file.linear(layer, Number::I8, weights, bias, q.shift);
        file.node(
            Node::Lif {
                number: Number::I16,
                n: layer.n_out as u32,
                decay_input: false,
                leak: Param::Scalar(q.leak),
                v_threshold: scalar(q.v_threshold),
                v_reset: q.v_reset.map_or(Param::None, scalar),
                v_leak: Param::None,
            },
            layer.neuron,
        );
        file.certificate(layer.node, q.certificate);
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
    file.input(Number::F32, net)?;
    for layer in &net.layers()? {
        let lif = layer.lif.uniform().ok_or_else(|| quant::Error::Range {
            node: layer.neuron.into(),
            problem: "parameters per channel or per neuron are not exported yet".into(),
        })?;
        let weights = blocks(&net.weights[layer.weight.clone()], layer.n_in, 0.0);
        let mut bias = net.weights[layer.bias.clone()].to_vec();
        bias.resize(layer.n_out.next_multiple_of(16), 0.0);
        let weights = file.weights(bytemuck::cast_slice(&weights))?;
        let bias = file.weights(bytemuck::cast_slice(&bias))?;
        let scalar = |x: f32| Param::Scalar(x.to_bits());
        file.linear(layer, Number::F32, weights, bias, 0);
        file.node(
            Node::Lif {
                number: Number::F32,
                n: layer.n_out as u32,
                decay_input: lif.decay_input,
                leak: scalar(lif.leak.tau),
                v_threshold: scalar(lif.v_threshold),
                v_reset: lif.v_reset.map_or(Param::None, scalar),
                v_leak: scalar(lif.leak.v_leak),
            },
            layer.neuron,
        );
    }
    let bytes = file.finish()?;
    Ok(Exported {
        bytes,
        layers: Vec::new(),
    })
}

impl FileWriter {
    fn input(&mut self, number: Number, net: &Net) -> Result<(), Error> {
        let (n, scale) = net.input()?;
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

    fn node(&mut self, node: Node, name: &str) {
        self.section(section::NODES)
            .extend(NodeRecord::new(node, name).to_bytes());
    }
}
