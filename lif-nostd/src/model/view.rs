//! The records of a layer where they lie in a file, word by word (`docs/format.md`, section 4).
//!
//! A step of a network comes here for each layer. Nothing is copied and nothing is checked again: of a file that the
//! reader did not accept, everything here gives something, whatever it may mean.

use super::format::{CERTIFICATE_BYTES, NODE_BYTES, Number};
use crate::spikes::words_for;
use crate::synapse::BLOCK;

/// A node record.
pub(super) type Words = [u32; NODE_BYTES / 4];
/// The records of a layer: its synapse node and its neuron node.
pub(super) type Pair = [u32; NODE_BYTES / 2];

/// Words of a record.
pub(super) mod word {
    /// Kind, number format, rank and shift, a byte each.
    pub(crate) const HEAD: usize = 0;
    /// Flags.
    pub(crate) const FLAGS: usize = 1;
    /// Number of values, outputs or neurons.
    pub(crate) const N: usize = 2;
    /// Of an input: full scale.
    pub(crate) const FULL_SCALE: usize = 5;
    /// Of an input: step.
    pub(crate) const STEP: usize = 6;
    /// Of an input: time steps.
    pub(crate) const STEPS: usize = 7;
    /// Of synapses: number of inputs.
    pub(crate) const N_IN: usize = 5;
    /// Of synapses: where the weights are.
    pub(crate) const WEIGHTS: usize = 6;
    /// Of synapses: where the biases are.
    pub(crate) const BIAS: usize = 7;
    /// Of neurons: the first parameter, two words each.
    pub(crate) const PARAMS: usize = 5;
    /// First word of the neuron node of a layer.
    pub(crate) const NEURONS: usize = super::NODE_BYTES / 4;
}

/// Kinds of nodes.
pub(super) mod kind {
    /// Input.
    pub(crate) const INPUT: u8 = 1;
    /// Fully connected synapses.
    pub(crate) const LINEAR: u8 = 2;
    /// LIF.
    pub(crate) const LIF: u8 = 3;
    /// SimpleLIF.
    pub(crate) const SIMPLE_LIF: u8 = 4;
    /// NonSpikingLIF.
    pub(crate) const NON_SPIKING_LIF: u8 = 5;
}

/// Tags of a parameter.
pub(super) mod tag {
    /// Not there.
    pub(crate) const NONE: u32 = 0;
    /// One value for all neurons.
    pub(crate) const SCALAR: u32 = 1;
    /// One a channel.
    pub(crate) const PER_CHANNEL: u32 = 2;
    /// One a neuron.
    pub(crate) const PER_NEURON: u32 = 3;
}

/// Parameters of integer neurons, in the order of the record.
#[derive(Clone, Copy)]
pub(super) enum Parameter {
    Leak,
    VThreshold,
    VReset,
}

/// The flag of `decay_input`.
pub(super) const FLAG_DECAY_INPUT: u32 = 1;
/// The decode of a NonSpikingLIF, as its place in [`crate::neuron::Decode::ALL`].
pub(super) const FLAGS_DECODE: u32 = 0x700;
/// Where its bits are.
pub(super) const DECODE_SHIFT: u32 = 8;

/// Kind of the node of a record that begins with `head`.
pub(super) const fn kind_of(head: u32) -> u8 {
    head as u8
}

/// Code of its number format.
pub(super) const fn number_of(head: u32) -> u8 {
    (head >> 8) as u8
}

/// The nodes of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Graph<'m> {
    /// The whole file.
    pub(super) file: &'m [u32],
    /// Node 0, the input.
    pub(super) input: &'m Words,
    /// The nodes behind it.
    pub(super) nodes: &'m [u32],
    /// Number of layers.
    pub(super) n_layers: usize,
    /// The overflow certificates.
    pub(super) certificates: &'m [[u32; CERTIFICATE_BYTES / 4]],
}

impl<'m> Graph<'m> {
    /// Number of nodes: the input and two a layer.
    pub(super) const fn n_nodes(&self) -> usize {
        2 * self.n_layers + 1
    }

    /// Number of inputs.
    pub(super) const fn n_in(&self) -> usize {
        self.input[word::N] as usize
    }

    /// Code of the number format of the input.
    pub(super) const fn number(&self) -> u8 {
        number_of(self.input[word::HEAD])
    }

    /// Whether the input is spikes.
    pub(super) const fn takes_spikes(&self) -> bool {
        self.number() == Number::Bits as u8
    }

    /// The word at byte `offset` of the file; 0 past the end.
    pub(super) fn u32_at(&self, offset: usize) -> u32 {
        self.file.get(offset / 4).copied().unwrap_or(0)
    }

    /// Layer `l`, none past the end.
    #[inline(never)]
    pub(super) fn layer(&self, l: usize) -> Option<View<'m>> {
        let max_sum = match self.certificates.get(l) {
            Some([node, max_sum, ..]) if *node as usize == 2 * l + 1 => *max_sum,
            _ => u32::MAX,
        };
        let nodes = self.nodes.get(l * size_of::<Pair>() / 4..)?;
        Some(View {
            file: self.file,
            r: nodes.first_chunk()?,
            max_sum,
        })
    }

    /// All layers, from the input on.
    pub(super) fn layers(&self) -> impl Iterator<Item = View<'m>> + use<'m> {
        let graph = *self;
        (0..self.n_layers).map_while(move |l| graph.layer(l))
    }
}

/// A layer in a file.
#[derive(Clone, Copy)]
pub(super) struct View<'m> {
    /// The whole file.
    pub(super) file: &'m [u32],
    /// Its records.
    pub(super) r: &'m Pair,
    /// The largest |sum + bias| that the file certifies; the largest number where it certifies none.
    pub(super) max_sum: u32,
}

impl<'m> View<'m> {
    pub(super) const fn n_in(&self) -> usize {
        self.r[word::N_IN] as usize
    }

    pub(super) const fn n_out(&self) -> usize {
        self.r[word::N] as usize
    }

    /// Outputs in whole blocks.
    pub(super) const fn padded(&self) -> usize {
        padded(self.n_out())
    }

    /// The current is the sum times 2 to this power.
    pub(super) const fn shift(&self) -> i8 {
        (self.r[word::HEAD] >> 24) as i8
    }

    /// Code of the number format of the weights.
    pub(super) const fn weight_format(&self) -> u8 {
        number_of(self.r[word::HEAD])
    }

    /// Whether the weights have 8 bits.
    pub(super) const fn has_i8(&self) -> bool {
        self.weight_format() == Number::I8 as u8
    }

    /// Whether the weights have 16 bits.
    #[cfg(feature = "i16-weights")]
    pub(super) const fn has_i16(&self) -> bool {
        self.weight_format() == Number::I16 as u8
    }

    /// Code of the number format of the membranes.
    pub(super) const fn membrane_format(&self) -> u8 {
        number_of(self.r[word::NEURONS])
    }

    /// Whether membranes and currents have 16 bits.
    pub(super) const fn is_half(&self) -> bool {
        self.membrane_format() == Number::I16 as u8
    }

    /// Whether the layer is one of f32.
    pub(super) const fn is_f32(&self) -> bool {
        is_f32(self.membrane_format())
    }

    /// Kind of the neurons.
    pub(super) const fn kind(&self) -> u8 {
        kind_of(self.r[word::NEURONS])
    }

    /// The decode, as its place in [`crate::neuron::Decode::ALL`].
    pub(super) const fn decode(&self) -> u32 {
        (self.r[word::NEURONS + word::FLAGS] & FLAGS_DECODE) >> DECODE_SHIFT
    }

    /// Whether no sum leaves 16 bits: lanes modulo 2^16 are exact then.
    pub(super) const fn fits_16(&self) -> bool {
        self.max_sum <= i16::MAX as u32
    }

    /// Whether sums are kept in lanes of 16 bits where spikes drive them.
    pub(super) const fn has_lanes(&self) -> bool {
        self.is_half() && self.has_i8() && self.fits_16()
    }

    /// Words that the sums of a step take.
    pub(super) const fn sum_words(&self) -> usize {
        if self.has_lanes() {
            self.padded() / 2
        } else {
            self.padded()
        }
    }

    /// Words that one value of the state type a neuron takes.
    pub(super) const fn state_words(&self) -> usize {
        if self.is_half() {
            self.n_out().div_ceil(2)
        } else {
            self.n_out()
        }
    }

    /// Words that the state of a decode takes: two a neuron where it keeps more than the membrane.
    pub(super) const fn decode_words(&self) -> usize {
        match self.decode() {
            1..=3 => self.n_out() << 1,
            _ => 0,
        }
    }

    /// Words of the layer's part of the arena: spikes, membranes, state of the decode.
    pub(super) const fn words(&self) -> usize {
        words_for(self.n_out()) + self.state_words() + self.decode_words()
    }

    /// The words from byte `offset` of the file on.
    #[inline(never)]
    pub(super) fn from(&self, offset: u32) -> &'m [u32] {
        self.file.get(offset as usize / 4..).unwrap_or(&[])
    }

    /// The weights, from their first word to the end of the file.
    pub(super) fn weights(&self) -> &'m [u32] {
        self.from(self.r[word::WEIGHTS])
    }

    /// The biases, as they lie in the file.
    pub(super) fn bias(&self) -> &'m [u32] {
        let words = self.from(self.r[word::BIAS]);
        words.get(..self.padded()).unwrap_or(&[])
    }

    /// Tag of parameter `p`.
    pub(super) const fn tag(&self, p: Parameter) -> u32 {
        self.r[word::NEURONS + word::PARAMS + 2 * p as usize]
    }

    /// Its value where the tag is that of a scalar, or where its array starts.
    pub(super) const fn value(&self, p: Parameter) -> u32 {
        self.r[word::NEURONS + word::PARAMS + 2 * p as usize + 1]
    }

    /// Parameter `p` of integer neurons, neuron by neuron.
    pub(super) fn values(&self, p: Parameter) -> Values<'m> {
        Values {
            each: match self.tag(p) {
                tag::PER_NEURON => self.from(self.value(p)),
                _ => &[],
            },
            one: self.value(p) as i32,
            half: self.is_half() && !matches!(p, Parameter::Leak),
        }
    }

    /// Whether all neurons are spiking ones that share their parameters: those that kernels step.
    pub(super) fn is_uniform(&self) -> bool {
        let shared = |p| self.tag(p) != tag::PER_NEURON;
        self.kind() != kind::NON_SPIKING_LIF
            && shared(Parameter::Leak)
            && shared(Parameter::VThreshold)
            && shared(Parameter::VReset)
    }

    /// The reset potential that integer neurons share; none for a soft reset.
    pub(super) fn v_reset(&self) -> Option<i32> {
        (self.tag(Parameter::VReset) != tag::NONE).then(|| self.value(Parameter::VReset) as i32)
    }
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

/// A parameter of integer neurons.
#[derive(Clone, Copy)]
pub(super) struct Values<'m> {
    each: &'m [u32],
    one: i32,
    half: bool,
}

impl Values<'_> {
    /// The value of neuron `i`.
    pub(super) fn at(&self, i: usize) -> i32 {
        if self.each.is_empty() {
            self.one
        } else {
            load(self.each, i, self.half)
        }
    }
}

/// Value `i` of packed values of 16 bits (`half`) or of 32; 0 past the end.
pub(super) fn load(words: &[u32], i: usize, half: bool) -> i32 {
    let word = |i: usize| words.get(i).map_or(0, |w| *w as i32);
    if !half {
        word(i)
    } else if i.is_multiple_of(2) {
        i32::from(word(i / 2) as i16)
    } else {
        word(i / 2) >> 16
    }
}

/// Puts `x` in the place of value `i`.
#[inline(never)]
pub(super) fn store(words: &mut [u32], i: usize, half: bool, x: i32) {
    let at = if half { i / 2 } else { i };
    if let Some(word) = words.get_mut(at) {
        *word = if !half {
            x as u32
        } else if i.is_multiple_of(2) {
            *word & 0xffff_0000 | x as u32 & 0xffff
        } else {
            *word & 0xffff | (x as u32) << 16
        };
    }
}

/// Whether the number format of code `number` is f32, and this build has it.
pub(super) const fn is_f32(number: u8) -> bool {
    cfg!(feature = "f32") && number == Number::F32 as u8
}

/// Whether integer weights have the number format of code `number`, and this build has it.
pub(super) const fn is_weight(number: u8) -> bool {
    number == Number::I8 as u8 || cfg!(feature = "i16-weights") && number == Number::I16 as u8
}

/// `n` outputs in whole blocks.
pub(super) const fn padded(n: usize) -> usize {
    n.next_multiple_of(BLOCK)
}
