//! Node records of a `.lif` file (`docs/format.md`, section 4).

use super::format::{NODE_BYTES, NODE_NAME_BYTES, Number, u32_at};
use crate::error::Error;
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

const PARAM_NONE: u32 = 0;
const PARAM_SCALAR: u32 = 1;
const PARAM_PER_CHANNEL: u32 = 2;
const PARAM_PER_NEURON: u32 = 3;

/// A model of a neuron.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[repr(u8)]
pub enum NeuronKind {
    /// Leaky integrate-and-fire, from its reset potential.
    Lif = 3,
    /// SpikingJelly's SimpleLIF, from 0.
    SimpleLif = 4,
    /// A membrane that is read out and never spikes, from 0.
    NonSpikingLif = 5,
}

impl NeuronKind {
    const fn from_code(code: u8) -> Option<Self> {
        match code {
            3 => Some(Self::Lif),
            4 => Some(Self::SimpleLif),
            5 => Some(Self::NonSpikingLif),
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

    /// Flags that a node of this kind may have.
    const fn flags(self) -> u32 {
        match self {
            Self::Lif | Self::SimpleLif => FLAG_DECAY_INPUT,
            Self::NonSpikingLif => FLAGS_DECODE,
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

const KIND_INPUT: u8 = 1;
const KIND_LINEAR: u8 = 2;
const FLAG_DECAY_INPUT: u32 = 1;
/// The decode of a `NonSpikingLif` node, as its place in [`Decode::ALL`].
const FLAGS_DECODE: u32 = 0x700;
const DECODE_SHIFT: u32 = 8;

// Where the fields of a record are.
const KIND: usize = 0;
const NUMBER: usize = 1;
const RANK: usize = 2;
const SHIFT: usize = 3;
const FLAGS: usize = 4;
const N: usize = 8;
const FULL_SCALE: usize = 20;
const STEP: usize = 24;
const STEPS: usize = 28;
const N_IN: usize = 20;
const WEIGHTS: usize = 24;
const BIAS: usize = 28;
pub(super) const LEAK: usize = 20;
pub(super) const V_THRESHOLD: usize = 28;
pub(super) const V_RESET: usize = 36;
pub(super) const V_LEAK: usize = 44;
pub(super) const FIRST_PULL: usize = 52;

impl Node {
    /// The node in a record that [`NodeRecord::from_bytes`] accepts; none if the number format or the kind is
    /// none that there is. Nothing else is checked, so that a running network can come here in each step.
    #[inline]
    pub(crate) fn decode(record: &[u8; NODE_BYTES]) -> Option<Self> {
        let r = Record { record, offset: 0 };
        let number = Number::from_code(r.u8(NUMBER))?;
        let n = r.u32(N);
        Some(match r.u8(KIND) {
            KIND_INPUT => Self::Input {
                number,
                n,
                full_scale: r.f32(FULL_SCALE),
                step: r.f32(STEP),
                steps: r.u32(STEPS),
            },
            KIND_LINEAR => Self::Linear {
                number,
                n_in: r.u32(N_IN),
                n_out: n,
                weights: r.u32(WEIGHTS),
                bias: r.u32(BIAS),
                shift: r.u8(SHIFT) as i8,
            },
            code => Self::Neurons(Neurons {
                kind: NeuronKind::from_code(code)?,
                number,
                n,
                decay_input: r.u32(FLAGS) & FLAG_DECAY_INPUT != 0,
                decode: r.decode(),
                leak: r.param(LEAK),
                v_threshold: r.param(V_THRESHOLD),
                v_reset: r.param(V_RESET),
                v_leak: r.param(V_LEAK),
                first_pull: r.param(FIRST_PULL),
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
                w.head(KIND_INPUT, number, 0, 0, n);
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
                w.head(KIND_LINEAR, number, shift, 0, n_out);
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
        let r = Record { record, offset };
        if r.u8(RANK) != 1 {
            return Err(r.unsupported(RANK, "a node whose shape is not [N]"));
        }
        if r.u32(N + 4) != 0 || r.u32(N + 8) != 0 {
            return Err(r.invalid(N + 4, "second or third dimension of a shape [N]"));
        }
        let n = r.u32(N);
        if n == 0 || n > 65535 {
            return Err(r.invalid(N, "size of a node (1 to 65535)"));
        }
        if Number::from_code(r.u8(NUMBER)).is_none() {
            return Err(r.unsupported(NUMBER, "this number format"));
        }
        let neuron = NeuronKind::from_code(r.u8(KIND));
        if neuron.is_some() {
            for at in [LEAK, V_THRESHOLD, V_RESET, V_LEAK, FIRST_PULL] {
                r.check_param(at)?;
            }
        }
        let Some(node) = Node::decode(record) else {
            return Err(r.unsupported(KIND, "this kind of node"));
        };
        let decode = (r.u32(FLAGS) & FLAGS_DECODE) >> DECODE_SHIFT;
        let known = neuron.map_or(0, NeuronKind::flags);
        if r.u32(FLAGS) & !known != 0 || decode as usize >= Decode::ALL.len() {
            return Err(r.unsupported(FLAGS, "a flag of this node"));
        }
        let name = r.name();
        if core::str::from_utf8(&name).is_err() {
            return Err(r.invalid(NODE_BYTES - NODE_NAME_BYTES, "name of a node (UTF-8)"));
        }
        Ok(Self { node, name })
    }

    /// The name without its padding.
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
            Param::None => (PARAM_NONE, 0),
            Param::Scalar(bits) => (PARAM_SCALAR, bits),
            Param::PerNeuron(offset) => (PARAM_PER_NEURON, offset),
        };
        self.u32(tag);
        self.u32(value);
    }
}

/// A node record that is being read. Offsets are within the record.
struct Record<'a> {
    record: &'a [u8; NODE_BYTES],
    offset: usize,
}

impl Record<'_> {
    #[inline]
    fn u8(&self, at: usize) -> u8 {
        self.record.get(at).copied().unwrap_or(0)
    }

    #[inline]
    fn u32(&self, at: usize) -> u32 {
        u32_at(self.record, at).unwrap_or(0)
    }

    #[inline]
    fn f32(&self, at: usize) -> f32 {
        f32::from_bits(self.u32(at))
    }

    fn name(&self) -> [u8; NODE_NAME_BYTES] {
        self.record
            .last_chunk::<NODE_NAME_BYTES>()
            .copied()
            .unwrap_or_default()
    }

    #[inline]
    fn decode(&self) -> Decode {
        let code = (self.u32(FLAGS) & FLAGS_DECODE) >> DECODE_SHIFT;
        Decode::ALL.get(code as usize).copied().unwrap_or_default()
    }

    /// The parameter whose tag is at `at`; one whose tag is not that of a value counts as none.
    #[inline]
    fn param(&self, at: usize) -> Param {
        match self.u32(at) {
            PARAM_SCALAR => Param::Scalar(self.u32(at + 4)),
            PARAM_PER_NEURON => Param::PerNeuron(self.u32(at + 4)),
            _ => Param::None,
        }
    }

    fn check_param(&self, at: usize) -> Result<(), Error> {
        match self.u32(at) {
            PARAM_NONE | PARAM_SCALAR | PARAM_PER_NEURON => Ok(()),
            PARAM_PER_CHANNEL => Err(self.unsupported(at, "a parameter per channel")),
            _ => Err(self.invalid(at, "tag of a parameter")),
        }
    }

    fn invalid(&self, at: usize, what: &'static str) -> Error {
        Error::Invalid {
            offset: self.offset + at,
            what,
        }
    }

    fn unsupported(&self, at: usize, what: &'static str) -> Error {
        Error::Unsupported {
            offset: self.offset + at,
            what,
        }
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
            bytes[FLAGS..FLAGS + 4].copy_from_slice(&flags.to_le_bytes());
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
