//! Node records of a `.lif` file (`docs/format.md`, section 4).

use super::check::check_record;
use super::format::{NODE_BYTES, NODE_NAME_BYTES, Number};
use super::view::{
    DECODE_SHIFT, FLAG_DECAY_INPUT, FLAGS_DECODE, Words, kind, kind_of, number_of, tag, word,
};
use crate::error::{Error, What};
use crate::neuron::Decode;

/// A parameter of a neuron node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Param {
    /// Not there: a soft reset, or something that is folded into other parameters.
    None,
    /// One value for the whole node: the bits of an f32, or an integer.
    Scalar(u32),
    /// One value a neuron: where they start, in bytes from the start of the file.
    PerNeuron(u32),
}

/// A model of a neuron.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[repr(u8)]
pub enum NeuronKind {
    /// Leaky integrate-and-fire, from its reset potential.
    Lif = kind::LIF,
    /// SpikingJelly's SimpleLIF, from 0.
    SimpleLif = kind::SIMPLE_LIF,
    /// A membrane that is read out and never spikes, from 0.
    NonSpikingLif = kind::NON_SPIKING_LIF,
}

impl NeuronKind {
    const fn from_code(code: u8) -> Option<Self> {
        match code {
            kind::LIF => Some(Self::Lif),
            kind::SIMPLE_LIF => Some(Self::SimpleLif),
            kind::NON_SPIKING_LIF => Some(Self::NonSpikingLif),
            _ => None,
        }
    }

    /// Its name in lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lif => "lif",
            Self::SimpleLif => "simple-lif",
            Self::NonSpikingLif => "non-spiking-lif",
        }
    }
}

/// A neuron node: what it is, with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Neurons {
    /// Model.
    pub kind: NeuronKind,
    /// Number format of the membranes.
    pub number: Number,
    /// Number of neurons.
    pub n: u32,
    /// Whether the input is divided by tau; false where that factor is folded, and for `NonSpikingLif`.
    pub decay_input: bool,
    /// What is read out of a `NonSpikingLif` membrane.
    pub decode: Decode,
    /// tau as f32, or the leak factor `a` for an integer membrane.
    pub leak: Param,
    /// Threshold; none for `NonSpikingLif`.
    pub v_threshold: Param,
    /// Membrane after a spike; none for a soft reset and for `NonSpikingLif`.
    pub v_reset: Param,
    /// Membrane that the leak pulls towards; none where the pull is folded into the bias.
    pub v_leak: Param,
    /// `v_reset / tau` of an f32 `SimpleLif` without `decay_input`, rounded once: its first step.
    pub first_pull: Param,
}

/// What a node is, with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Node {
    /// Where values or spikes enter.
    Input {
        /// Number format of the values.
        number: Number,
        /// Number of values.
        n: u32,
        /// The raw value that stands for a current of 1; not used for spikes.
        full_scale: f32,
        /// Raw units a unit of an integer input; not used for f32 and spikes.
        step: f32,
        /// Time steps that a sample is shown for.
        steps: u32,
    },
    /// Fully connected synapses.
    Linear {
        /// Number format of the weights.
        number: Number,
        /// Inputs.
        n_in: u32,
        /// Outputs.
        n_out: u32,
        /// Where the weights start, in bytes from the start of the file.
        weights: u32,
        /// Where the biases start (i32 or f32, one an output, whole blocks), in bytes from the start of the file.
        bias: u32,
        /// The current is the sum times 2^shift; not used for f32.
        shift: i8,
    },
    /// Neurons.
    Neurons(Neurons),
}

/// A node with its name.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NodeRecord {
    /// Kind and parameters.
    pub node: Node,
    /// UTF-8, padded with zeros.
    pub name: [u8; NODE_NAME_BYTES],
}

impl Node {
    /// The node in a record that [`NodeRecord::from_bytes`] accepts; none if the number format or the kind is
    /// none that there is. Nothing else is checked.
    pub(super) fn decode(r: &Words) -> Option<Self> {
        let head = r[word::HEAD];
        let number = Number::from_code(number_of(head))?;
        let n = r[word::N];
        let param = |j: usize| {
            let tail = r.get(word::PARAMS + 2 * j..).and_then(|r| r.first_chunk());
            match tail.copied() {
                Some([tag::SCALAR, bits]) => Param::Scalar(bits),
                Some([tag::PER_NEURON, start]) => Param::PerNeuron(start),
                // A tag that is not that of a value counts as none.
                _ => Param::None,
            }
        };
        let decode = (r[word::FLAGS] & FLAGS_DECODE) >> DECODE_SHIFT;
        Some(match kind_of(head) {
            kind::INPUT => Self::Input {
                number,
                n,
                full_scale: f32::from_bits(r[word::FULL_SCALE]),
                step: f32::from_bits(r[word::STEP]),
                steps: r[word::STEPS],
            },
            kind::LINEAR => Self::Linear {
                number,
                n_in: r[word::N_IN],
                n_out: n,
                weights: r[word::WEIGHTS],
                bias: r[word::BIAS],
                shift: (head >> 24) as i8,
            },
            code => Self::Neurons(Neurons {
                kind: NeuronKind::from_code(code)?,
                number,
                n,
                decay_input: r[word::FLAGS] & FLAG_DECAY_INPUT != 0,
                decode: Decode::ALL
                    .get(decode as usize)
                    .copied()
                    .unwrap_or_default(),
                leak: param(0),
                v_threshold: param(1),
                v_reset: param(2),
                v_leak: param(3),
                first_pull: param(4),
            }),
        })
    }
}

impl NodeRecord {
    /// A record of `node` under `name`, cut to the 16 bytes that the file keeps.
    #[must_use]
    pub fn new(node: Node, name: &str) -> Self {
        let mut bytes = [0; NODE_NAME_BYTES];
        let mut end = 0;
        for (i, c) in name.char_indices() {
            if i + c.len_utf8() <= NODE_NAME_BYTES {
                end = i + c.len_utf8();
            }
        }
        for (to, from) in bytes.iter_mut().zip(name.bytes().take(end)) {
            *to = from;
        }
        Self { node, name: bytes }
    }

    /// The record as it lies in the file.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; NODE_BYTES] {
        let mut w = Writer {
            bytes: [0; NODE_BYTES],
            at: 0,
        };
        match self.node {
            Node::Input {
                number,
                n,
                full_scale,
                step,
                steps,
            } => {
                w.head(kind::INPUT, number, 0, 0, n);
                w.u32(full_scale.to_bits());
                w.u32(step.to_bits());
                w.u32(steps);
            }
            Node::Linear {
                number,
                n_in,
                n_out,
                weights,
                bias,
                shift,
            } => {
                w.head(kind::LINEAR, number, shift, 0, n_out);
                w.u32(n_in);
                w.u32(weights);
                w.u32(bias);
            }
            Node::Neurons(n) => {
                let decode = Decode::ALL.iter().position(|d| *d == n.decode).unwrap_or(0);
                let flags = u32::from(n.decay_input) | (decode as u32) << DECODE_SHIFT;
                w.head(n.kind as u8, n.number, 0, flags, n.n);
                for p in [n.leak, n.v_threshold, n.v_reset, n.v_leak, n.first_pull] {
                    w.param(p);
                }
            }
        }
        w.at = NODE_BYTES - NODE_NAME_BYTES;
        w.put(&self.name);
        w.bytes
    }

    /// Reads and checks the record in `bytes`, which lies `offset` bytes into the file.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`], [`Error::Invalid`] or [`Error::Unsupported`], with the offset.
    pub fn from_bytes(bytes: &[u8], offset: usize) -> Result<Self, Error> {
        let Some((record, _)) = bytes.split_first_chunk::<NODE_BYTES>() else {
            return Err(Error::Truncated {
                offset,
                need: NODE_BYTES,
                got: bytes.len(),
            });
        };
        let (bytes, _) = record.as_chunks();
        let mut words = Words::default();
        for (word, bytes) in words.iter_mut().zip(bytes) {
            *word = u32::from_le_bytes(*bytes);
        }
        check_record(&words, offset)?;
        let name = record.last_chunk::<NODE_NAME_BYTES>();
        Ok(Self {
            node: Node::decode(&words).ok_or(What::Kind.at(offset))?,
            name: name.copied().unwrap_or_default(),
        })
    }

    /// The name without its padding; empty where it is not UTF-8.
    #[must_use]
    pub fn name(&self) -> &str {
        core::str::from_utf8(&self.name)
            .unwrap_or("")
            .trim_end_matches('\0')
    }
}

/// A node record that is being written from its start.
struct Writer {
    bytes: [u8; NODE_BYTES],
    at: usize,
}

impl Writer {
    fn put(&mut self, data: &[u8]) {
        let to = self.bytes.iter_mut().skip(self.at);
        for (to, from) in to.zip(data) {
            *to = *from;
        }
        self.at += data.len();
    }

    fn u32(&mut self, x: u32) {
        self.put(&x.to_le_bytes());
    }

    /// The part that all kinds share: the shape is `[n]`.
    fn head(&mut self, kind: u8, number: Number, shift: i8, flags: u32, n: u32) {
        self.put(&[kind, number as u8, 1, shift as u8]);
        self.u32(flags);
        for dim in [n, 0, 0] {
            self.u32(dim);
        }
    }

    fn param(&mut self, p: Param) {
        let (tag, value) = match p {
            Param::None => (tag::NONE, 0),
            Param::Scalar(bits) => (tag::SCALAR, bits),
            Param::PerNeuron(offset) => (tag::PER_NEURON, offset),
        };
        self.u32(tag);
        self.u32(value);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    fn neurons(kind: NeuronKind, number: Number) -> Neurons {
        Neurons {
            kind,
            number,
            n: 128,
            decay_input: false,
            decode: Decode::None,
            leak: Param::Scalar(32768),
            v_threshold: Param::Scalar(4000),
            v_reset: Param::None,
            v_leak: Param::None,
            first_pull: Param::None,
        }
    }

    #[test]
    fn node_records_survive_the_round_trip() {
        let mut nodes = std::vec![
            Node::Input {
                number: Number::Bits,
                n: 64,
                full_scale: 16.0,
                step: 1.0,
                steps: 16,
            },
            Node::Linear {
                number: Number::I16,
                n_in: 64,
                n_out: 128,
                weights: 160,
                bias: 8352,
                shift: -3,
            },
            Node::Neurons(neurons(NeuronKind::Lif, Number::I16)),
            Node::Neurons(Neurons {
                decay_input: true,
                v_reset: Param::PerNeuron(4096),
                v_leak: Param::Scalar(0),
                first_pull: Param::Scalar(1),
                ..neurons(NeuronKind::SimpleLif, Number::F32)
            }),
        ];
        nodes.extend(Decode::ALL.map(|decode| {
            Node::Neurons(Neurons {
                decode,
                ..neurons(NeuronKind::NonSpikingLif, Number::I32)
            })
        }));
        for node in nodes {
            let record = NodeRecord::new(node, "hidden");
            let back = NodeRecord::from_bytes(&record.to_bytes(), 0);
            assert_eq!(back, Ok(record));
            assert_eq!(back.map(|r| r.name().len()), Ok(6));
        }
    }

    #[test]
    fn flags_of_other_kinds_are_not_supported() {
        for (kind, flags) in [
            (NeuronKind::Lif, 0x100u32),
            (NeuronKind::NonSpikingLif, 1),
            (NeuronKind::NonSpikingLif, 0x500),
        ] {
            let node = Node::Neurons(neurons(kind, Number::I16));
            let mut bytes = NodeRecord::new(node, "").to_bytes();
            bytes[4..8].copy_from_slice(&flags.to_le_bytes());
            let err = NodeRecord::from_bytes(&bytes, 100).unwrap_err();
            assert!(
                matches!(err, Error::Unsupported { offset: 104, .. }),
                "{err:?}"
            );
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let node = Node::Neurons(neurons(NeuronKind::Lif, Number::I16));
        let record = NodeRecord::new(node, "fifteen bytes..é");
        assert_eq!(record.name(), "fifteen bytes..");
    }
}
