//! Why a board does not do what it is asked. `docs/link.md` is normative; kinds and fields are added at the end alone.

use serde::{Deserialize, Serialize};

use super::frame::FrameError;
use crate::error::Error;
use crate::model::SelfTest;
use crate::update::SlotError;

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Refusal {
    /// The board does not know the request.
    Unknown,
    /// The session is not open: the board was started anew, or another host opened one.
    Session,
    /// Another request with the same number was answered before.
    Sequence,
    /// There is no version of the messages that both speak.
    Version {
        /// Oldest version that the board speaks.
        oldest: u16,
        /// Newest version that the board speaks.
        newest: u16,
    },
    /// No model is active.
    NoModel,
    /// The reader or the network refuses the model.
    Model(Error),
    /// The model did not pass its self-test.
    SelfTest(SelfTest),
    /// The network refuses the input.
    Input(Error),
    /// The bytes are not where there is room, or the input of so many steps is more than the buffer holds.
    Room {
        /// Bytes that are needed.
        need: u32,
        /// Bytes that there are.
        got: u32,
    },
    /// There is no such layer.
    Layer,
    /// There is no such slot.
    NoSlot,
    /// The slot is active, and cannot be written.
    Active,
    /// The slot cannot be written.
    Slot(SlotError),
    /// No upload was begun.
    NoUpload,
    /// The bytes are not the next ones.
    Order {
        /// Where the next ones belong.
        next: u32,
    },
    /// An offset or a length is not a multiple of this many bytes.
    Unaligned {
        /// The multiple.
        of: u8,
    },
    /// The state was written in part: it must be written whole, or the network reset.
    PartOfState,
    /// The answer does not fit a frame.
    TooLong,
}

impl From<FrameError> for Refusal {
    fn from(e: FrameError) -> Self {
        match e {
            FrameError::TooLong => Self::TooLong,
            _ => Self::Unknown,
        }
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "its firmware does not know the request",
            Self::Session => {
                "the session is not open: the board was started anew, or another program speaks with it"
            }
            Self::Sequence => "another request with the same number was answered before",
            Self::Version { oldest, newest } => {
                return write!(
                    f,
                    "its firmware speaks versions {oldest} to {newest} of the link"
                );
            }
            Self::NoModel => "it holds no model: upload one",
            Self::Model(e) | Self::Input(e) => return e.fmt(f),
            Self::SelfTest(e) => return e.fmt(f),
            Self::Room { need, got } => {
                return write!(f, "{need} bytes are needed, there is room for {got}");
            }
            Self::Layer => "there is no such layer",
            Self::NoSlot => "there is no such slot",
            Self::Active => "the slot is active: upload into another one",
            Self::Slot(e) => return e.fmt(f),
            Self::NoUpload => "no upload was begun",
            Self::Order { next } => return write!(f, "the next bytes belong at {next}"),
            Self::Unaligned { of } => {
                return write!(f, "offset and length must be multiples of {of}");
            }
            Self::PartOfState => {
                "the state was written in part: write it whole, or reset the network"
            }
            Self::TooLong => "the answer does not fit a frame",
        })
    }
}

impl core::error::Error for Refusal {}
