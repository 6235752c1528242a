//! A layer of a model that was checked: its constants, decoded from the node records where they lie, and one time
//! step of it, in one function a number format.

use super::arena::{values, values_mut};
use super::format::{NODE_BYTES, Node, Number};
use super::population::{Population, State, data};
use super::record::NeuronKind;
use crate::kernel::neurons::{HALF, step as step_neurons};
use crate::model::network::Membranes;
use crate::spikes::{Spikes, words_for};
use crate::synapse::{BLOCK, Linear, Sums, shift_to_i16, shift_to_i32};

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

/// The records of a layer: its synapse node and its neuron node.
pub(super) type Records = [u8; 2 * NODE_BYTES];

/// What drives a layer in a time step.
#[derive(Clone, Copy)]
pub(super) enum Drive<'a> {
    /// Currents that were computed before, one a neuron.
    Held(&'a [u32]),
    /// Spikes.
    Spikes(Spikes<'a>),
}

/// A layer's part of the arena, by use.
pub(super) struct Parts<'a> {
    /// Spikes.
    pub(super) spikes: &'a mut [u32],
    /// Membranes.
    pub(super) v: &'a mut [u32],
    /// State of a decode: two words a neuron, or none.
    pub(super) decodes: &'a mut [u32],
}

impl<'m> Layer<'m> {
    /// The layer of `records` in the file `bytes`, both of which the reader checked: a step of a network comes
    /// here for each layer, and checks nothing again. None where the reader would have refused the file.
    #[inline(never)]
    pub(super) fn decode(bytes: &'m [u8], records: &Records, max_sum: u32) -> Option<Self> {
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
        let Node::Neurons(node) = Node::decode(neuron.first_chunk()?)? else {
            return None;
        };
        let (n_in, n_out) = (n_in as usize, n_out as usize);
        let padded = padded(n_out);
        let count = padded.saturating_mul(n_in);
        let kind = if number == Number::F32 {
            LayerKind::F32(F32Layer {
                linear: Linear::new(n_in, data(bytes, weights, count)?),
                bias: data(bytes, bias, padded)?,
                neurons: Population::decode(bytes, &node)?,
            })
        } else {
            LayerKind::Int(IntLayer {
                synapses: match number {
                    Number::I16 => {
                        IntSynapses::I16(Linear::new(n_in, data(bytes, weights, count)?))
                    }
                    _ => IntSynapses::I8(Linear::new(n_in, data(bytes, weights, count)?)),
                },
                bias: data(bytes, bias, padded)?,
                shift,
                max_sum,
                neurons: match node.number {
                    Number::I32 => IntNeurons::I32(Population::decode(bytes, &node)?),
                    _ => IntNeurons::I16(Population::decode(bytes, &node)?),
                },
            })
        };
        Some(Self { n_in, n_out, kind })
    }

    /// Outputs in whole blocks.
    pub(super) const fn padded(&self) -> usize {
        padded(self.n_out)
    }

    /// Words that the sums of a step take.
    pub(super) const fn sum_words(&self) -> usize {
        let kind = match &self.kind {
            LayerKind::Int(layer) => layer.sums(),
            LayerKind::F32(_) => None,
        };
        match kind {
            Some(kind) => kind.words(self.padded()),
            None => self.padded(),
        }
    }

    /// Words that one value of the state type a neuron takes.
    pub(super) const fn state_words(&self) -> usize {
        match self.kind {
            LayerKind::Int(IntLayer {
                neurons: IntNeurons::I16(_),
                ..
            }) => self.n_out.div_ceil(2),
            _ => self.n_out,
        }
    }

    /// Words that the state of a decode takes.
    pub(super) const fn decode_words(&self) -> usize {
        let keeps = match &self.kind {
            LayerKind::Int(int) => match &int.neurons {
                IntNeurons::I16(p) => p.keeps_decode(),
                IntNeurons::I32(p) => p.keeps_decode(),
            },
            LayerKind::F32(layer) => layer.neurons.keeps_decode(),
        };
        if keeps {
            self.n_out.saturating_mul(2)
        } else {
            0
        }
    }

    /// Words of the layer's part of the arena: spikes, membranes, state of the decode.
    pub(super) const fn words(&self) -> usize {
        words_for(self.n_out)
            .saturating_add(self.state_words())
            .saturating_add(self.decode_words())
    }

    /// One time step, the `step`-th since the reset. `sums` is room for one sum an output.
    #[inline(never)]
    pub(super) fn step(&self, drive: Drive<'_>, sums: &mut [u32], parts: Parts<'_>, step: u32) {
        match &self.kind {
            LayerKind::Int(layer) => match &layer.neurons {
                IntNeurons::I16(p) => layer.step_i16(p, drive, sums, parts, step),
                IntNeurons::I32(p) => layer.step(p, drive, sums, parts, step),
            },
            LayerKind::F32(layer) => layer.step(drive, sums, parts, step),
        }
    }

    /// The currents of the layer on the integer values `x`, or without input, into `held`.
    pub(super) fn hold_int(&self, x: Option<&[i8]>, sums: &mut [u32], held: &mut [u32]) {
        if let LayerKind::Int(layer) = &self.kind {
            let sums = values_mut::<i32>(sums, layer.bias.len());
            fill(sums, layer.bias);
            match (x, &layer.synapses) {
                (Some(x), IntSynapses::I8(linear)) => linear.add_values(x, sums),
                (Some(x), IntSynapses::I16(linear)) => linear.add_values(x, sums),
                (None, _) => (),
            }
            match &layer.neurons {
                IntNeurons::I16(_) => hold::<i16>(sums, layer.shift, held, self.n_out),
                IntNeurons::I32(_) => hold::<i32>(sums, layer.shift, held, self.n_out),
            }
        }
    }

    /// The same on f32 values.
    pub(super) fn hold_f32(&self, x: Option<&[f32]>, sums: &mut [u32], held: &mut [u32]) {
        if let LayerKind::F32(layer) = &self.kind {
            let sums = values_mut::<f32>(sums, layer.bias.len());
            fill(sums, layer.bias);
            if let Some(x) = x {
                layer.linear.add_values(x, sums);
            }
            fill(values_mut(held, self.n_out), sums);
        }
    }

    /// Puts the layer's part of the arena into its initial state.
    pub(super) fn reset(&self, parts: Parts<'_>) {
        parts.spikes.fill(0);
        parts.decodes.fill(0);
        match &self.kind {
            LayerKind::Int(layer) => match &layer.neurons {
                IntNeurons::I16(p) => reset(p, values_mut(parts.v, self.n_out)),
                IntNeurons::I32(p) => reset(p, values_mut(parts.v, self.n_out)),
            },
            LayerKind::F32(layer) => reset(&layer.neurons, values_mut(parts.v, self.n_out)),
        }
    }

    /// The membranes in `v`.
    pub(super) fn membranes<'a>(&self, v: &'a [u32]) -> Membranes<'a> {
        match &self.kind {
            LayerKind::Int(layer) => match &layer.neurons {
                IntNeurons::I16(_) => Membranes::I16(values(v, self.n_out)),
                IntNeurons::I32(_) => Membranes::I32(values(v, self.n_out)),
            },
            LayerKind::F32(_) => Membranes::F32(values(v, self.n_out)),
        }
    }

    /// What the decode reads of neuron `i` after `steps` steps, in units of the membrane; none past the end.
    pub(super) fn read(&self, v: &[u32], decodes: &[u32], i: usize, steps: u32) -> Option<f32> {
        let state = decodes.as_chunks().0.get(i).copied().unwrap_or_default();
        let v = self.membranes(v);
        match (&self.kind, v) {
            (LayerKind::F32(layer), Membranes::F32(v)) => {
                Some(layer.neurons.read(*v.get(i)?, state, steps))
            }
            (LayerKind::Int(layer), v) => match (&layer.neurons, v) {
                (IntNeurons::I16(p), Membranes::I16(v)) => {
                    Some(p.read(*v.get(i)?, state, steps).to_f32())
                }
                (IntNeurons::I32(p), Membranes::I32(v)) => {
                    Some(p.read(*v.get(i)?, state, steps).to_f32())
                }
                _ => None,
            },
            _ => None,
        }
    }
}

impl IntLayer<'_> {
    /// Whether no sum leaves 16 bits: lanes modulo 2^16 are exact then.
    #[must_use]
    pub const fn fits_16(&self) -> bool {
        self.max_sum <= i16::MAX as u32
    }

    /// Whether twice each current fits 16 bits.
    const fn fits_doubled(&self) -> bool {
        0 <= self.shift
            && self.shift < 15
            && self.max_sum <= (i16::MAX as u32 / 2) >> self.shift.unsigned_abs()
    }

    /// How the sums of i16 neurons are kept, none where the weights are not i8.
    const fn sums(&self) -> Option<Sums> {
        match (&self.synapses, &self.neurons, self.fits_16()) {
            (IntSynapses::I8(_), IntNeurons::I16(_), true) => Some(Sums::Lanes),
            (IntSynapses::I8(_), IntNeurons::I16(_), false) => Some(Sums::Wide),
            _ => None,
        }
    }

    /// One time step of i16 neurons, by the kernels where they serve.
    fn step_i16(
        &self,
        neurons: &Population<'_, i16>,
        drive: Drive<'_>,
        sums: &mut [u32],
        parts: Parts<'_>,
        step: u32,
    ) {
        let constants = match (neurons.kind, neurons.uniform()) {
            (NeuronKind::Lif, Some(lif)) => lif.constants(),
            _ => None,
        };
        let doubled = self.fits_doubled()
            && matches!(drive, Drive::Spikes(_))
            && constants.is_some_and(|k| k.leak == HALF);
        let c = match (drive, &self.synapses, self.sums()) {
            (Drive::Held(held), ..) => held,
            (Drive::Spikes(input), IntSynapses::I8(linear), Some(kind)) => {
                let words = kind.words(self.bias.len());
                let sums = sums.get_mut(..words).unwrap_or(&mut []);
                let shift = self.shift.saturating_add(i8::from(doubled));
                linear.currents_i16(input, self.bias, shift, kind, sums);
                sums
            }
            _ => return self.step(neurons, drive, sums, parts, step),
        };
        let v = values_mut::<i16>(parts.v, neurons.n);
        let c = values::<i16>(c, neurons.n);
        match constants {
            Some(constants) => step_neurons(&constants, v, c, parts.spikes, doubled),
            None => {
                let decodes = parts.decodes.as_chunks_mut().0;
                neurons.step(v, c.iter().copied(), parts.spikes, decodes, step);
            }
        }
    }

    /// One time step in integers.
    fn step<S: Current>(
        &self,
        neurons: &Population<'_, S>,
        drive: Drive<'_>,
        sums: &mut [u32],
        parts: Parts<'_>,
        step: u32,
    ) {
        let v = values_mut::<S>(parts.v, neurons.n);
        let decodes = parts.decodes.as_chunks_mut().0;
        match drive {
            Drive::Held(held) => {
                let c = values(held, v.len()).iter().copied();
                neurons.step(v, c, parts.spikes, decodes, step);
            }
            Drive::Spikes(input) => {
                let n = self.bias.len();
                match &self.synapses {
                    IntSynapses::I8(linear) => {
                        linear.sums(input, self.bias, sums.get_mut(..n).unwrap_or(&mut []));
                    }
                    IntSynapses::I16(linear) => {
                        let sums = values_mut::<i32>(sums, n);
                        fill(sums, self.bias);
                        linear.add_spikes(input, sums);
                    }
                }
                let sums = values::<i32>(sums, n);
                let c = sums.iter().map(|sum| S::current(*sum, self.shift));
                neurons.step(v, c, parts.spikes, decodes, step);
            }
        }
    }
}

impl F32Layer<'_> {
    /// One time step in f32.
    fn step(&self, drive: Drive<'_>, sums: &mut [u32], parts: Parts<'_>, step: u32) {
        let v = values_mut::<f32>(parts.v, self.neurons.n);
        let decodes = parts.decodes.as_chunks_mut().0;
        match drive {
            Drive::Held(held) => {
                let c = values(held, v.len()).iter().copied();
                self.neurons.step(v, c, parts.spikes, decodes, step);
            }
            Drive::Spikes(input) => {
                let sums = values_mut::<f32>(sums, self.bias.len());
                fill(sums, self.bias);
                self.linear.add_spikes(input, sums);
                let c = sums.iter().copied();
                self.neurons.step(v, c, parts.spikes, decodes, step);
            }
        }
    }
}

/// A type of membranes that an integer sum drives.
trait Current: State {
    /// `sat(sum * 2^shift)`.
    fn current(sum: i32, shift: i8) -> Self;
}

impl Current for i16 {
    #[inline]
    fn current(sum: i32, shift: i8) -> Self {
        shift_to_i16(sum, shift)
    }
}

impl Current for i32 {
    #[inline]
    fn current(sum: i32, shift: i8) -> Self {
        shift_to_i32(sum, shift)
    }
}

/// The currents of the first `n` of `sums` into `held`.
fn hold<S: Current>(sums: &[i32], shift: i8, held: &mut [u32], n: usize) {
    for (held, sum) in values_mut::<S>(held, n).iter_mut().zip(sums) {
        *held = S::current(*sum, shift);
    }
}

fn reset<S: State>(neurons: &Population<'_, S>, v: &mut [S]) {
    for (i, v) in v.iter_mut().enumerate() {
        *v = neurons.v_init(i);
    }
}

/// Copies as many values as both hold.
fn fill<T: Copy>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// `n` outputs in whole blocks.
pub(super) const fn padded(n: usize) -> usize {
    n.div_ceil(BLOCK).saturating_mul(BLOCK)
}
