//! A layer of a model that was checked: its constants, decoded from the node records where they lie.

use crate::model::format::{NODE_BYTES, Node, Number, Param};
use crate::neuron::Lif;
use crate::scalar::{FixedLeak, FloatLeak};
use crate::synapse::{BLOCK, Linear};

/// Synapses and the neurons that they drive.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'m> {
    /// Inputs of the synapses.
    pub n_in: usize,
    /// Neurons.
    pub n_out: usize,
    /// Number format and constants.
    pub kind: LayerKind<'m>,
}

/// A layer's number format, with its constants.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum LayerKind<'m> {
    /// i8 weights, 32-bit sums, i16 membranes.
    I16 {
        /// Weights.
        linear: Linear<'m, u8>,
        /// Biases in units of the sum, in whole blocks of 16.
        bias: &'m [i32],
        /// The current is the sum times 2^shift.
        shift: i8,
        /// Neurons.
        lif: Lif<i16>,
    },
    /// f32 throughout.
    F32 {
        /// Weights.
        linear: Linear<'m, f32>,
        /// Biases, in whole blocks of 16.
        bias: &'m [f32],
        /// Neurons.
        lif: Lif<f32>,
    },
}

/// The records of a layer: its synapse node and its neuron node.
pub(super) type Records = [u8; 2 * NODE_BYTES];

impl<'m> Layer<'m> {
    /// The layer of `records` in the file `bytes`, both of which the reader checked: a step of a network comes
    /// here for each layer, and checks nothing again. None where the reader would have refused the file.
    pub(super) fn decode(bytes: &'m [u8], records: &Records) -> Option<Self> {
        let (synapse, neuron) = records.split_first_chunk()?;
        let Node::Linear {
            number,
            n_in,
            n_out,
            weights,
            bias,
            shift,
        } = Node::decode(synapse)?
        else {
            return None;
        };
        let neuron = Node::decode(neuron.first_chunk()?)?;
        let (n_in, n_out) = (n_in as usize, n_out as usize);
        let padded = padded(n_out);
        let count = padded.saturating_mul(n_in);
        let kind = match number {
            Number::I8 => LayerKind::I16 {
                linear: Linear::new(n_in, data(bytes, weights, count)?),
                bias: data(bytes, bias, padded)?,
                shift,
                lif: lif_i16(neuron)?,
            },
            _ => LayerKind::F32 {
                linear: Linear::new(n_in, data(bytes, weights, count)?),
                bias: data(bytes, bias, padded)?,
                lif: lif_f32(neuron)?,
            },
        };
        Some(Self { n_in, n_out, kind })
    }

    /// Outputs in whole blocks.
    pub(super) const fn padded(&self) -> usize {
        padded(self.n_out)
    }

    /// Words that one value of the state type a neuron takes.
    pub(super) const fn state_words(&self) -> usize {
        match self.kind {
            LayerKind::I16 { .. } => self.n_out.div_ceil(2),
            LayerKind::F32 { .. } => self.n_out,
        }
    }
}

/// `n` outputs in whole blocks.
pub(super) const fn padded(n: usize) -> usize {
    n.div_ceil(BLOCK).saturating_mul(BLOCK)
}

/// `count` values at offset `start` of the file.
fn data<T: bytemuck::AnyBitPattern>(bytes: &[u8], start: u32, count: usize) -> Option<&[T]> {
    let len = count.saturating_mul(size_of::<T>());
    let data = bytes.get(start as usize..)?.get(..len)?;
    bytemuck::try_cast_slice(data).ok()
}

fn lif_i16(neuron: Node) -> Option<Lif<i16>> {
    let Node::Lif {
        leak: Param::Scalar(a),
        v_threshold: Param::Scalar(v_threshold),
        v_reset,
        decay_input,
        ..
    } = neuron
    else {
        return None;
    };
    Some(Lif {
        leak: FixedLeak::to_zero(a),
        v_threshold: v_threshold as i16,
        v_reset: v_reset.bits().map(|bits| bits as i16),
        decay_input,
    })
}

fn lif_f32(neuron: Node) -> Option<Lif<f32>> {
    let Node::Lif {
        leak: Param::Scalar(tau),
        v_threshold: Param::Scalar(v_threshold),
        v_leak: Param::Scalar(v_leak),
        v_reset,
        decay_input,
        ..
    } = neuron
    else {
        return None;
    };
    Some(Lif {
        leak: FloatLeak {
            tau: f32::from_bits(tau),
            v_leak: f32::from_bits(v_leak),
        },
        v_threshold: f32::from_bits(v_threshold),
        v_reset: v_reset.bits().map(f32::from_bits),
        decay_input,
    })
}
