//! Layout of the `.lif` file, version 1 (`docs/format.md` is normative). Writer and reader share it.
//!
//! Everything is little-endian. A file is a header of 32 bytes, then sections, each a header of 16 bytes and
//! a body that is padded with zeros to a multiple of 16.

use crate::error::Error;

/// First eight bytes of a file; the line ends in it show a transfer in text mode.
pub const MAGIC: [u8; 8] = *b"\x89LIF\r\n\x1a\n";
/// Major version: a reader refuses any other.
pub const MAJOR: u16 = 1;
/// Minor version: a reader accepts any.
pub const MINOR: u16 = 0;
/// Length of the file header, in bytes.
pub const HEADER_BYTES: usize = 32;
/// Where the CRC-32 is; its four bytes are the only ones that it does not cover.
pub const CRC_OFFSET: usize = 16;
/// Length of a section header, in bytes.
pub const SECTION_HEADER_BYTES: usize = 16;
/// Alignment of sections, weights and the file's first byte in memory, in bytes.
pub const ALIGN: usize = 16;
/// Length of a node record, in bytes.
pub const NODE_BYTES: usize = 80;
/// Length of an edge record, in bytes.
pub const EDGE_BYTES: usize = 8;
/// Length of a certificate record, in bytes.
pub const CERTIFICATE_BYTES: usize = 16;
/// Longest name of a node, in bytes of UTF-8.
pub const NODE_NAME_BYTES: usize = 16;
/// Section flag: a reader that does not know the kind must refuse the file.
pub const REQUIRED: u16 = 1;

/// Kinds of sections.
pub mod section {
    /// Name of the model, UTF-8.
    pub const NAME: u16 = 1;
    /// RAM that the writer's runtime needs, in bytes (u32).
    pub const RAM: u16 = 2;
    /// Node records.
    pub const NODES: u16 = 3;
    /// Edge records.
    pub const EDGES: u16 = 4;
    /// Weights and biases.
    pub const WEIGHTS: u16 = 5;
    /// Overflow certificates.
    pub const CERTIFICATES: u16 = 6;
    /// Reserved: scales of readout layers.
    pub const READOUT: u16 = 7;
    /// Reserved: a short input and the digest that it must produce.
    pub const GOLDEN_TRACE: u16 = 8;
    /// Reserved: signature over the bytes before it.
    pub const SIGNATURE: u16 = 9;
    /// Reserved: rollback counter.
    pub const ROLLBACK: u16 = 10;
    /// Reserved: the target that the file was made for.
    pub const TARGET: u16 = 11;
}

/// CRC-32 (ISO-HDLC, as in zlib) in the variant without a table.
pub(crate) static CRC: crc::Crc<u32, crc::NoTable> =
    crc::Crc::<u32, crc::NoTable>::new(&crc::CRC_32_ISO_HDLC);

/// CRC-32 of a file: of all bytes but the four of the checksum itself.
#[must_use]
pub fn file_crc(bytes: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(bytes.get(..CRC_OFFSET).unwrap_or(bytes));
    digest.update(bytes.get(CRC_OFFSET + 4..).unwrap_or(&[]));
    digest.finalize()
}

/// The length that the header at the start of `bytes` states; none where there is no header.
///
/// It finds the end of a file in a larger slot of flash, and promises nothing else.
#[must_use]
pub fn stated_len(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(&MAGIC) {
        u32_at(bytes, 12).map(|len| len as usize)
    } else {
        None
    }
}

/// `n` rounded up to the alignment of the file.
#[must_use]
pub const fn align_up(n: usize) -> usize {
    n.saturating_add(ALIGN - 1) / ALIGN * ALIGN
}

/// The number format of a node's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[repr(u8)]
pub enum Number {
    /// Signed 8 bits: inputs, and weights, which are stored offset-binary.
    I8 = 1,
    /// Signed 16 bits: membranes.
    I16 = 2,
    /// Signed 32 bits: membranes.
    I32 = 3,
    /// IEEE 754 binary32.
    F32 = 4,
}

impl Number {
    /// The number format of code `code`.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::I8),
            2 => Some(Self::I16),
            3 => Some(Self::I32),
            4 => Some(Self::F32),
            _ => None,
        }
    }

    /// Its usual name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::F32 => "f32",
        }
    }
}

/// A parameter of a neuron node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Param {
    /// Not there: a soft reset, or a leak potential that is folded into the bias.
    None,
    /// One value for the whole node: the bits of an f32, or an integer.
    Scalar(u32),
}

impl Param {
    /// The bits of the one value, if it is there.
    pub(crate) const fn bits(self) -> Option<u32> {
        match self {
            Self::None => None,
            Self::Scalar(bits) => Some(bits),
        }
    }
}

const PARAM_NONE: u32 = 0;
const PARAM_SCALAR: u32 = 1;
const PARAM_PER_CHANNEL: u32 = 2;
const PARAM_PER_NEURON: u32 = 3;

/// What a node is, with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Node {
    /// Where values enter.
    Input {
        /// Number format of the values.
        number: Number,
        /// Number of values.
        n: u32,
        /// The raw value that stands for a current of 1.
        full_scale: f32,
        /// Raw units a unit of an integer input; not used for f32.
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
    /// Leaky integrate-and-fire neurons.
    Lif {
        /// Number format of the membranes.
        number: Number,
        /// Number of neurons.
        n: u32,
        /// Whether the input is divided by tau; false where that factor is folded into the threshold.
        decay_input: bool,
        /// tau as f32, or the leak factor `a` for an integer membrane.
        leak: Param,
        /// Threshold.
        v_threshold: Param,
        /// Membrane after a spike; none for a soft reset.
        v_reset: Param,
        /// Membrane that the leak pulls towards; none where the pull is folded into the bias.
        v_leak: Param,
    },
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
const KIND_LIF: u8 = 3;
const FLAG_DECAY_INPUT: u32 = 1;

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
const LEAK: usize = 20;
const V_THRESHOLD: usize = 28;
const V_RESET: usize = 36;
const V_LEAK: usize = 44;

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
            KIND_LIF => Self::Lif {
                number,
                n,
                decay_input: r.u32(FLAGS) & FLAG_DECAY_INPUT != 0,
                leak: r.param(LEAK),
                v_threshold: r.param(V_THRESHOLD),
                v_reset: r.param(V_RESET),
                v_leak: r.param(V_LEAK),
            },
            _ => return None,
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
            Node::Lif {
                number,
                n,
                decay_input,
                leak,
                v_threshold,
                v_reset,
                v_leak,
            } => {
                let flags = if decay_input { FLAG_DECAY_INPUT } else { 0 };
                w.head(KIND_LIF, number, 0, flags, n);
                for p in [leak, v_threshold, v_reset, v_leak] {
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
        let known_flags = if r.u8(KIND) == KIND_LIF {
            for at in [LEAK, V_THRESHOLD, V_RESET, V_LEAK] {
                r.check_param(at)?;
            }
            FLAG_DECAY_INPUT
        } else {
            0
        };
        let Some(node) = Node::decode(record) else {
            return Err(r.unsupported(KIND, "this kind of node"));
        };
        if r.u32(FLAGS) & !known_flags != 0 {
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

    /// The parameter whose tag is at `at`; one whose tag is not that of a value counts as none.
    #[inline]
    fn param(&self, at: usize) -> Param {
        match self.u32(at) {
            PARAM_SCALAR => Param::Scalar(self.u32(at + 4)),
            _ => Param::None,
        }
    }

    fn check_param(&self, at: usize) -> Result<(), Error> {
        match self.u32(at) {
            PARAM_NONE | PARAM_SCALAR => Ok(()),
            PARAM_PER_CHANNEL => Err(self.unsupported(at, "a parameter per channel")),
            PARAM_PER_NEURON => Err(self.unsupported(at, "a parameter per neuron")),
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

/// The u16 at `at`, if it is there.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let tail = bytes.get(at..)?;
    tail.first_chunk().map(|b| u16::from_le_bytes(*b))
}

/// The u32 at `at`, if it is there.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let tail = bytes.get(at..)?;
    tail.first_chunk().map(|b| u32::from_le_bytes(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_records_survive_the_round_trip() {
        let nodes = [
            Node::Input {
                number: Number::I8,
                n: 64,
                full_scale: 16.0,
                step: 1.0,
                steps: 16,
            },
            Node::Linear {
                number: Number::I8,
                n_in: 64,
                n_out: 128,
                weights: 160,
                bias: 8352,
                shift: -3,
            },
            Node::Lif {
                number: Number::I16,
                n: 128,
                decay_input: false,
                leak: Param::Scalar(32768),
                v_threshold: Param::Scalar(4000),
                v_reset: Param::None,
                v_leak: Param::None,
            },
            Node::Lif {
                number: Number::F32,
                n: 1,
                decay_input: true,
                leak: Param::Scalar(2.0f32.to_bits()),
                v_threshold: Param::Scalar(1.0f32.to_bits()),
                v_reset: Param::Scalar(0),
                v_leak: Param::Scalar(0),
            },
        ];
        for node in nodes {
            let record = NodeRecord::new(node, "hidden");
            let bytes = record.to_bytes();
            let back = NodeRecord::from_bytes(&bytes, 0);
            assert_eq!(back, Ok(record));
            assert_eq!(back.map(|r| r.name().len()), Ok(6));
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let node = Node::Input {
            number: Number::F32,
            n: 1,
            full_scale: 1.0,
            step: 0.0,
            steps: 1,
        };
        let record = NodeRecord::new(node, "fifteen bytes..é");
        assert_eq!(record.name(), "fifteen bytes..");
    }

    #[test]
    fn the_checksum_leaves_out_itself_alone() {
        let mut bytes = [7u8; 64];
        let crc = file_crc(&bytes);
        bytes[CRC_OFFSET] = 0;
        assert_eq!(file_crc(&bytes), crc);
        for i in (0..64).filter(|i| !(CRC_OFFSET..CRC_OFFSET + 4).contains(i)) {
            bytes[i] ^= 1;
            assert_ne!(file_crc(&bytes), crc);
            bytes[i] ^= 1;
        }
    }
}
