//! What can be wrong with a model file or a call.

use core::fmt;

use crate::scalar::Number;

/// Why a model was refused or a call could not be carried out.
///
/// Offsets are bytes from the start of the model file. The host link carries it: kinds are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "link", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Error {
    /// The slice does not start at an address that is a multiple of `need` bytes.
    Misaligned {
        /// Required alignment of the first byte, in bytes.
        need: usize,
        /// How far past such an address the slice starts, in bytes.
        off_by: usize,
    },
    /// The slice ends before the structure at `offset` does.
    Truncated {
        /// Where the structure starts.
        offset: usize,
        /// Bytes that it needs from there.
        need: usize,
        /// Bytes that are there.
        got: usize,
    },
    /// The first eight bytes are not those of a `.lif` file.
    NotLif,
    /// The file's major version is not the one that this reader knows.
    Version {
        /// Major version in the file.
        found: u16,
        /// Major version that this reader knows.
        supported: u16,
    },
    /// The length in the header is not the length of the slice.
    Length {
        /// Length in the header, in bytes.
        stated: u32,
        /// Length of the slice, in bytes.
        got: usize,
    },
    /// The checksum in the header is not that of the contents.
    Crc {
        /// CRC-32 in the header.
        stated: u32,
        /// CRC-32 of the contents.
        computed: u32,
    },
    /// A section that must be understood has a kind that this reader does not know.
    UnknownSection {
        /// Kind of the section.
        kind: u16,
        /// Where its header starts.
        offset: usize,
    },
    /// A section that this reader needs is not there, or one that it knows is there twice.
    SectionCount {
        /// Kind of the section.
        kind: u16,
        /// How many there are.
        found: u32,
    },
    /// A value in the file is outside its range.
    Invalid {
        /// Where the value is.
        offset: usize,
        /// What it stands for.
        what: What,
    },
    /// The file is valid, but this build of this version does not run it.
    Unsupported {
        /// Where the value is.
        offset: usize,
        /// What is not supported.
        what: What,
    },
    /// The arena is too small for the network's state.
    Arena {
        /// Bytes that the network needs.
        need: usize,
        /// Bytes in the arena.
        got: usize,
    },
    /// The input has another number of values than the network's input node.
    InputLength {
        /// Values that the network takes.
        need: usize,
        /// Values that were given.
        got: usize,
    },
    /// An input spike has an index that the network's input node does not have.
    InputIndex {
        /// Index that was given.
        index: usize,
        /// Inputs of the network.
        n: usize,
    },
    /// The input has another number format than the network's input node.
    InputType {
        /// Number format that the network takes.
        need: Number,
    },
}

/// What a value in a model file stands for, in errors.
///
/// A number, not a text: a program that does not show errors does not hold their texts. The host link carries it:
/// kinds are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "link", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum What {
    /// Length of a section.
    SectionLength,
    /// Second or third dimension of a shape `[N]`.
    Shape,
    /// Number of values, outputs or neurons of a node.
    Size,
    /// Number of inputs of synapses.
    Inputs,
    /// Shift of a sum.
    Shift,
    /// Where an array is.
    Array,
    /// Leak factor, or tau.
    Leak,
    /// Threshold.
    VThreshold,
    /// Reset potential.
    VReset,
    /// Leak potential.
    VLeak,
    /// First pull of a SimpleLIF.
    FirstPull,
    /// Tag of a parameter.
    Tag,
    /// Full scale of the input.
    FullScale,
    /// Step of the input.
    InputStep,
    /// Number of time steps.
    Steps,
    /// Reserved bytes.
    Reserved,
    /// Input of the golden trace.
    GoldenInput,
    /// RAM need.
    Ram,
    /// Scale of the readout.
    ReadoutScale,
    /// Rank of a shape.
    Rank,
    /// Kind of a node.
    Kind,
    /// Number format.
    Format,
    /// Flag of a node.
    Flag,
    /// A parameter per channel.
    PerChannel,
    /// An integer neuron whose input factor or leak potential is not folded.
    NotFolded,
    /// A network that is not a chain of an input and pairs of synapses and neurons.
    Topology,
    /// An edge with a delay.
    Delay,
}

impl What {
    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SectionLength => "length of a section",
            Self::Shape => "second or third dimension of a shape [N]",
            Self::Size => {
                "number of values (1 to 65535; neurons are as many as the outputs of their synapses)"
            }
            Self::Inputs => "number of inputs (that of the values or neurons of the node before)",
            Self::Shift => "shift (-31 to 15, 31 for i32 membranes)",
            Self::Array => "place of an array (a multiple of 16 in the section of weights)",
            Self::Leak => "leak factor (0 to 65536) or tau (above 0, or not 0)",
            Self::VThreshold => "threshold",
            Self::VReset => "reset potential",
            Self::VLeak => "leak potential",
            Self::FirstPull => "first pull",
            Self::Tag => "tag of a parameter",
            Self::FullScale => "full scale of the input",
            Self::InputStep => "step of the input",
            Self::Steps => "number of time steps (1 to 65535)",
            Self::Reserved => "reserved bytes",
            Self::GoldenInput => "input of the golden trace",
            Self::Ram => "RAM need (at least the network's)",
            Self::ReadoutScale => "scale of the readout",
            Self::Rank => "a node whose shape is not [N]",
            Self::Kind => "this kind of node here",
            Self::Format => "this number format here",
            Self::Flag => "a flag of this node",
            Self::PerChannel => "a parameter per channel",
            Self::NotFolded => {
                "an integer neuron whose input factor or leak potential is not folded"
            }
            Self::Topology => {
                "a network that is not a chain of an input and pairs of synapses and neurons"
            }
            Self::Delay => "an edge with a delay",
        }
    }

    /// Whether a file with such a value is valid: they are the last ones.
    const fn is_unsupported(self) -> bool {
        self as u8 >= Self::Rank as u8
    }

    /// The error of such a value at `offset`.
    pub(crate) const fn at(self, offset: usize) -> Error {
        if self.is_unsupported() {
            Error::Unsupported { offset, what: self }
        } else {
            Error::Invalid { offset, what: self }
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Misaligned { need, off_by } => write!(
                f,
                "the model starts {off_by} bytes past a multiple of {need}: place it at an aligned address"
            ),
            Self::Truncated { offset, need, got } => write!(
                f,
                "truncated: {need} bytes are needed at offset {offset}, {got} are there"
            ),
            Self::NotLif => f.write_str("not a .lif file: the magic number at offset 0 is missing"),
            Self::Version { found, supported } => write!(
                f,
                "format version {found} is not the version {supported} that this reader knows (offset 8)"
            ),
            Self::Length { stated, got } => write!(
                f,
                "the header says {stated} bytes (offset 12), but there are {got}: the file was cut or padded"
            ),
            Self::Crc { stated, computed } => write!(
                f,
                "corrupted: CRC-32 {computed:08x} of the contents is not {stated:08x} (offset 16)"
            ),
            Self::UnknownSection { kind, offset } => write!(
                f,
                "section of kind {kind} at offset {offset} must be understood, and this version does not know it"
            ),
            Self::SectionCount { kind, found } => write!(
                f,
                "section of kind {kind} is there {found} times, which must be once"
            ),
            Self::Invalid { offset, what } => write!(f, "invalid {what} at offset {offset}"),
            Self::Unsupported { offset, what } => {
                write!(
                    f,
                    "{what} (offset {offset}) is not supported by this version"
                )
            }
            Self::Arena { need, got } => {
                write!(
                    f,
                    "the network needs {need} bytes of RAM, the arena has {got}"
                )
            }
            Self::InputLength { need, got } => {
                write!(f, "the network takes {need} input values, {got} were given")
            }
            Self::InputIndex { index, n } => {
                write!(f, "there is no input {index}: the network has {n}")
            }
            Self::InputType { need } => {
                write!(f, "the network takes {} input values", need.name())
            }
        }
    }
}

impl core::error::Error for Error {}
