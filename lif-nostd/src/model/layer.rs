//! A layer of a model that was checked: what it is, with its constants where they lie in the file.

use super::format::Number;
use super::population::{Population, data};
use super::record::Neurons;
use super::record::Node;
use super::view::{Pair, View, word};
use crate::synapse::Linear;

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
    /// Integers.
    Int(IntLayer<'m>),
    /// f32 throughout.
    F32(F32Layer<'m>),
}

/// A layer in integers.
#[derive(Clone, Copy, Debug)]
pub struct IntLayer<'m> {
    /// Weights.
    pub synapses: IntSynapses<'m>,
    /// Biases in units of the sum, in whole blocks of 16.
    pub bias: &'m [i32],
    /// The current is the sum times 2^shift.
    pub shift: i8,
    /// The largest |sum + bias| that the file certifies; the largest number where it certifies none.
    pub max_sum: u32,
    /// Neurons.
    pub neurons: IntNeurons<'m>,
}

/// The weights of an integer layer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum IntSynapses<'m> {
    /// i8, stored offset-binary.
    I8(Linear<'m, u8>),
    /// i16.
    I16(Linear<'m, i16>),
}

/// The neurons of an integer layer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum IntNeurons<'m> {
    /// i16 membranes.
    I16(Population<'m, i16>),
    /// i32 membranes.
    I32(Population<'m, i32>),
}

/// A layer in f32.
#[derive(Clone, Copy, Debug)]
pub struct F32Layer<'m> {
    /// Weights.
    pub linear: Linear<'m, f32>,
    /// Biases, in whole blocks of 16.
    pub bias: &'m [f32],
    /// Neurons.
    pub neurons: Population<'m, f32>,
}

impl<'m> Layer<'m> {
    /// The layer of `view`; none where the reader would have refused the file.
    pub(super) fn decode(view: &View<'m>) -> Option<Self> {
        let (n_in, n_out) = (view.n_in(), view.n_out());
        if view.membrane_format() == Number::F32 as u8 {
            return Some(Self {
                n_in,
                n_out,
                kind: LayerKind::F32(F32Layer::decode(view)?),
            });
        }
        let bytes = bytemuck::must_cast_slice(view.file);
        let node = neurons(view.r)?;
        let (weights, count) = (view.r[word::WEIGHTS], view.padded().saturating_mul(n_in));
        let int = IntLayer {
            synapses: if view.weight_format() == Number::I16 as u8 {
                IntSynapses::I16(Linear::new(n_in, data(bytes, weights, count)?))
            } else {
                IntSynapses::I8(Linear::new(n_in, data(bytes, weights, count)?))
            },
            bias: bytemuck::must_cast_slice(view.bias()),
            shift: view.shift(),
            max_sum: view.max_sum,
            neurons: if view.is_half() {
                IntNeurons::I16(Population::decode(bytes, &node)?)
            } else {
                IntNeurons::I32(Population::decode(bytes, &node)?)
            },
        };
        Some(Self {
            n_in,
            n_out,
            kind: LayerKind::Int(int),
        })
    }
}

impl<'m> F32Layer<'m> {
    pub(super) fn decode(view: &View<'m>) -> Option<Self> {
        let bytes = bytemuck::must_cast_slice(view.file);
        let count = view.padded().saturating_mul(view.n_in());
        let weights = data(bytes, view.r[word::WEIGHTS], count)?;
        Some(Self {
            linear: Linear::new(view.n_in(), weights),
            bias: bytemuck::must_cast_slice(view.bias()),
            neurons: Population::decode(bytes, &neurons(view.r)?)?,
        })
    }
}

/// The neuron node of a layer.
fn neurons(pair: &Pair) -> Option<Neurons> {
    let (_, record) = pair.split_first_chunk::<{ word::NEURONS }>()?;
    match Node::decode(record.first_chunk()?)? {
        Node::Neurons(node) => Some(node),
        _ => None,
    }
}

impl IntLayer<'_> {
    /// Whether no sum leaves 16 bits: lanes modulo 2^16 are exact then.
    #[must_use]
    pub const fn fits_16(&self) -> bool {
        self.max_sum <= i16::MAX as u32
    }
}
