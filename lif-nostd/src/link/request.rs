//! What the host asks. `docs/link.md` is normative.
//!
//! New kinds, and new fields of a kind, are added at the end and never taken away: an older reader passes over what
//! stands behind the fields that it knows.

use serde::{Deserialize, Serialize};

/// What the host asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Request<'a> {
    /// Opens the session in the header of the frame, and agrees on version and size: [`Response::Hello`](super::Response::Hello).
    ///
    /// An upload of another session ends, and the input is put to 0.
    Hello {
        /// Oldest version of the messages that the host speaks.
        oldest: u16,
        /// Newest version of the messages that the host speaks.
        newest: u16,
        /// Most bytes of payload that the host takes in one message.
        chunk_bytes: u16,
    },
    /// Who is there: [`Response::Identity`](super::Response::Identity).
    Identify,
    /// What is in slot `slot`: [`Response::Slot`](super::Response::Slot).
    Slot {
        /// From 0.
        slot: u8,
    },
    /// Header of the active model: [`Response::Model`](super::Response::Model).
    Model,
    /// Sizes of layer `layer` of the active model: [`Response::Layer`](super::Response::Layer).
    Layer {
        /// From 0.
        layer: u16,
    },
    /// Begins an upload into slot `slot`, which is erased: [`Response::Written`](super::Response::Written).
    Begin {
        /// A writable slot that is not active.
        slot: u8,
        /// Length of the model, in bytes: a multiple of 16.
        bytes: u32,
    },
    /// The next bytes of the upload: [`Response::Written`](super::Response::Written).
    Write {
        /// Where in the model: as many bytes as were written before.
        offset: u32,
        /// A multiple of 16.
        bytes: &'a [u8],
    },
    /// CRC-32 of the model in slot `slot`, read back: [`Response::Verified`](super::Response::Verified).
    Verify {
        /// From 0.
        slot: u8,
    },
    /// Runs the golden trace of the model in slot `slot`: [`Response::Done`](super::Response::Done). The state of the network is lost.
    SelfTest {
        /// From 0.
        slot: u8,
    },
    /// Makes the model in slot `slot` the active one, where it passes its self-test: [`Response::Done`](super::Response::Done). Where it
    /// does not, the active one stays. The state of the network is lost.
    Activate {
        /// From 0.
        slot: u8,
    },
    /// Writes `bytes` into the input buffer: [`Response::Done`](super::Response::Done). i8 or f32 values, one an input, or the bit-packed
    /// spikes of one step after the other in words of 32 bits.
    Input {
        /// Where, in bytes.
        offset: u16,
        /// At most a chunk.
        bytes: &'a [u8],
    },
    /// Runs `steps` steps on the input buffer: [`Response::Ran`](super::Response::Ran).
    Run {
        /// Time steps; 0 takes the input alone.
        steps: u16,
        /// Whether to begin anew, from the initial state and with an empty digest.
        reset: bool,
    },
    /// Puts the network back to its initial state: [`Response::Done`](super::Response::Done).
    Reset,
    /// Bytes of `source`, little-endian, from byte `from` on, at most `most`: [`Response::Data`](super::Response::Data).
    Read {
        /// Of what.
        source: Source,
        /// First byte.
        from: u32,
        /// Most bytes that are wanted.
        most: u16,
    },
    /// Writes `bytes` into the network's state, from byte 0 to the last in order: [`Response::Done`](super::Response::Done).
    SetState {
        /// Where, in bytes: a multiple of 4.
        offset: u32,
        /// A multiple of 4.
        bytes: &'a [u8],
    },
    /// What was done since the start: [`Response::Statistics`](super::Response::Statistics).
    Statistics,
}

/// What can be read of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Source {
    /// Spikes of each output neuron since the reset, u32.
    Counts,
    /// Step of the first spike of each output neuron since the reset, u16; 0xffff for none.
    FirstSpikes,
    /// Readout of each output, f32.
    Readouts,
    /// Spikes of a layer in the last step, bit-packed in u32.
    Spikes {
        /// From 0.
        layer: u16,
    },
    /// Membranes of a layer, i16, i32 or f32.
    Membranes {
        /// From 0.
        layer: u16,
    },
    /// All that a network remembers of the steps since its reset, for [`Request::SetState`] on a board with the same
    /// model and the same version of this crate.
    State,
}
