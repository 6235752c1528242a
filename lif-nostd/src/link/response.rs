//! What the board answers. `docs/link.md` is normative; kinds and fields are added at the end alone.

use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use crate::error::Error;
use crate::scalar::Number;

/// What the board answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Response<'a> {
    /// The session is open.
    Hello {
        /// Version of the messages from here on: the newest that both speak.
        version: u16,
        /// Most bytes of payload in one message that both take.
        chunk_bytes: u16,
    },
    /// Who is there.
    Identity(#[serde(borrow)] Identity<'a>),
    /// What is in a slot.
    Slot(SlotInfo),
    /// Header of the active model.
    Model(#[serde(borrow)] ModelHeader<'a>),
    /// Sizes of a layer.
    Layer {
        /// Inputs.
        n_in: u16,
        /// Neurons.
        n_out: u16,
        /// Bytes of a membrane.
        membrane_bytes: u8,
    },
    /// The upload goes on.
    Written {
        /// Where the next bytes belong.
        next: u32,
    },
    /// What was read back.
    Verified {
        /// Length of the model, in bytes.
        bytes: u32,
        /// CRC-32 of all its bytes.
        crc: u32,
    },
    /// It is done.
    Done,
    /// The steps were run.
    Ran {
        /// Steps since the last reset.
        steps: u32,
        /// Digest of all spikes since the last run with a reset, and of the membranes now.
        digest: u32,
        /// Ticks of the board's counter spent in the reset, in taking the input and in all steps.
        ticks: u64,
        /// Whether the counter wrapped, so that `ticks` says nothing.
        wrapped: bool,
    },
    /// Bytes that were asked for.
    Data {
        /// Bytes that there are in all.
        total: u32,
        /// At most a chunk.
        bytes: &'a [u8],
    },
    /// What was done since the start.
    Statistics(Statistics),
    /// It was not done.
    Refused(Refusal),
}

/// A board and what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Identity<'a> {
    /// Name of the board.
    pub board: &'a str,
    /// Version of its firmware.
    pub firmware: &'a str,
    /// Flash of the part, in bytes.
    pub flash_bytes: u32,
    /// RAM of the part, in bytes.
    pub ram_bytes: u32,
    /// RAM that can hold a network's state, in bytes.
    pub arena_bytes: u32,
    /// RAM that can hold input, in bytes.
    pub input_bytes: u32,
    /// Frequency of the counter that measures, in Hz.
    pub counter_hz: u32,
    /// Number of slots for models.
    pub slots: u8,
    /// The slot whose model is active.
    pub active: Option<u8>,
}

/// A slot for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SlotInfo {
    /// Room for a model, in bytes.
    pub bytes: u32,
    /// Whether the board can write it.
    pub writable: bool,
    /// What is in it.
    pub content: Content,
}

/// What is in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Content {
    /// Nothing.
    Empty,
    /// An upload that is not over.
    Receiving {
        /// Bytes that were written.
        next: u32,
    },
    /// A model that its reader accepts.
    Model {
        /// Its length, in bytes.
        bytes: u32,
        /// CRC-32 in its header.
        crc: u32,
        /// How many activations it is younger than one that was never activated here.
        generation: u32,
    },
    /// Something that is no model, and why.
    Refused(Error),
}

/// The active model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ModelHeader<'a> {
    /// Its name, cut where it is longer than 32 bytes.
    pub name: &'a str,
    /// CRC-32 in its header.
    pub crc: u32,
    /// Its length, in bytes.
    pub bytes: u32,
    /// RAM that its network needs, in bytes.
    pub ram_bytes: u32,
    /// Number format of its input.
    pub number: Number,
    /// Inputs.
    pub n_in: u16,
    /// Outputs.
    pub n_out: u16,
    /// Layers.
    pub n_layers: u16,
    /// Time steps that a sample is shown for.
    pub steps: u32,
}

/// What was done since the start of the board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Statistics {
    /// Time steps.
    pub steps: u64,
    /// Spikes of all layers.
    pub spikes: u64,
    /// Synaptic operations: each spike of an input or a neuron times the outputs that it goes to.
    pub synaptic_ops: u64,
    /// Ticks of the board's counter in all steps that it could measure.
    pub ticks: u64,
    /// Ticks of the longest step.
    pub most_ticks: u32,
    /// Steps in which the counter wrapped.
    pub wrapped: u32,
    /// Stack that was used at the most, in bytes; 0 if the board does not know.
    pub stack_bytes: u32,
    /// Requests that were carried out.
    pub requests: u32,
    /// Requests that were refused.
    pub refused: u32,
    /// Requests that came again and got their answer again.
    pub repeated: u32,
    /// Requests that came too late, and got no answer.
    pub late: u32,
    /// Frames that arrived broken.
    pub broken: u32,
}
