//! The host link: requests of the host, responses of the device, and the frames that carry them.
//!
//! A frame is a postcard message and its CRC-32 (little-endian), COBS-encoded, ended by a zero byte. The host
//! speaks first; every request gets one response. New requests and responses are added at the end.

use serde::{Deserialize, Serialize};

use crate::model::format::CRC;

/// Version of the messages.
pub const VERSION: u16 = 2;
/// Most bytes of payload (input values, words) in one message.
pub const CHUNK_BYTES: usize = 128;
/// Most bytes of text in one message.
pub const TEXT_BYTES: usize = 176;
/// Bytes that hold any frame, its ending zero included.
pub const FRAME_BYTES: usize = CHUNK_BYTES + 64;

/// What the host asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Request<'a> {
    /// Who is there, and what model does it hold?
    Identify,
    /// Write these bytes into the input buffer at `offset`: i8 or little-endian f32, one an input.
    Input {
        /// Where, in bytes.
        offset: u16,
        /// At most [`CHUNK_BYTES`].
        bytes: &'a [u8],
    },
    /// Reset, take the input buffer as current and run `steps` steps.
    Infer {
        /// Time steps; 0 only resets and takes the input, for stepping by hand.
        steps: u16,
    },
    /// Spikes of each output neuron since the reset, from neuron `from` on.
    Counts {
        /// First neuron.
        from: u16,
    },
    /// Run one step.
    Step,
    /// The packed spike words of layer `layer` in the last step, from word `from` on.
    Spikes {
        /// Layer, from 0.
        layer: u16,
        /// First word.
        from: u16,
    },
    /// The membranes of layer `layer` as little-endian bytes, from byte `from` on.
    Membranes {
        /// Layer, from 0.
        layer: u16,
        /// First byte.
        from: u16,
    },
    /// Bytes of stack used so far.
    Stack,
}

/// What the device answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Response<'a> {
    /// To [`Request::Identify`].
    Identity {
        /// Version of the messages that the device speaks.
        version: u16,
        /// Name of the board.
        board: &'a str,
        /// CRC-32 in the header of the model.
        model_crc: u32,
        /// Length of the model, in bytes.
        model_bytes: u32,
        /// Bytes of RAM that hold the network's state.
        arena_bytes: u32,
        /// Bytes of arena that the model needs.
        ram_bytes: u32,
        /// Input values that the network takes.
        n_in: u16,
        /// Output neurons.
        n_out: u16,
        /// Layers.
        n_layers: u16,
    },
    /// To [`Request::Input`].
    Taken,
    /// To [`Request::Infer`].
    Inferred {
        /// Digest of all spikes and of the membranes at the end.
        digest: u32,
        /// Ticks of the board's counter spent in the reset, in taking the input and in all steps.
        ticks: u64,
        /// Whether the counter wrapped, so that `ticks` says nothing.
        wrapped: bool,
    },
    /// To [`Request::Counts`], [`Request::Spikes`] and [`Request::Membranes`]: little-endian values, none past the end.
    Data(&'a [u8]),
    /// To [`Request::Step`].
    Stepped,
    /// To [`Request::Stack`].
    Stack {
        /// Bytes of stack used at the most, 0 if the board does not know.
        bytes: u32,
    },
    /// The model in the slot was refused; the text says why.
    BadModel(&'a str),
    /// The request could not be carried out; the text says why.
    Refused(&'a str),
}

/// Why a frame could not be made or understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// The message does not fit the buffer.
    TooLong,
    /// Not a COBS frame.
    Cobs,
    /// The checksum is missing or wrong.
    Crc,
    /// Not a message of this version.
    Message,
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the message does not fit a frame",
            Self::Cobs => "broken framing",
            Self::Crc => "wrong checksum",
            Self::Message => "unknown message",
        })
    }
}

impl core::error::Error for FrameError {}

/// Encodes `message` as a frame into `buffer`; the ending zero is included.
///
/// # Errors
///
/// [`FrameError::TooLong`] where the message or the frame does not fit in [`FRAME_BYTES`] or in `buffer`.
pub fn encode<'b, T: Serialize>(message: &T, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
    let mut body = [0; FRAME_BYTES];
    let len = postcard::to_slice(message, &mut body)
        .map_err(|_| FrameError::TooLong)?
        .len();
    let (text, rest) = body.split_at_mut_checked(len).ok_or(FrameError::TooLong)?;
    let crc = rest.first_chunk_mut().ok_or(FrameError::TooLong)?;
    *crc = CRC.checksum(text).to_le_bytes();
    let body = body.get(..len + 4).ok_or(FrameError::TooLong)?;
    // One byte of overhead in 254, one more for the first, and the ending zero.
    if buffer.len() < cobs::max_encoding_length(body.len()) + 1 {
        return Err(FrameError::TooLong);
    }
    let len = cobs::encode(body, buffer);
    *buffer.get_mut(len).ok_or(FrameError::TooLong)? = 0;
    buffer.get(..=len).ok_or(FrameError::TooLong)
}

/// Decodes the frame in `frame`, without its ending zero, in place.
///
/// # Errors
///
/// [`FrameError::Cobs`], [`FrameError::Crc`] and [`FrameError::Message`].
pub fn decode<'b, T: Deserialize<'b>>(frame: &'b mut [u8]) -> Result<T, FrameError> {
    let len = cobs::decode_in_place(frame).map_err(|_| FrameError::Cobs)?;
    let (message, crc) = frame
        .get(..len)
        .and_then(<[u8]>::split_last_chunk)
        .ok_or(FrameError::Crc)?;
    if CRC.checksum(message) != u32::from_le_bytes(*crc) {
        return Err(FrameError::Crc);
    }
    postcard::from_bytes(message).map_err(|_| FrameError::Message)
}

/// Gathers the bytes of one frame at a time.
#[derive(Debug)]
pub struct Frame {
    bytes: [u8; FRAME_BYTES],
    len: usize,
}

impl Default for Frame {
    fn default() -> Self {
        Self::new()
    }
}

impl Frame {
    /// No bytes yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: [0; FRAME_BYTES],
            len: 0,
        }
    }

    /// Takes one byte; the whole frame, without its ending zero, when that byte ends it.
    ///
    /// A frame that is too long is dropped up to its end.
    pub fn push(&mut self, byte: u8) -> Option<&mut [u8]> {
        if byte != 0 {
            if let Some(slot) = self.bytes.get_mut(self.len) {
                *slot = byte;
            }
            self.len = self.len.saturating_add(1);
            return None;
        }
        let len = core::mem::take(&mut self.len);
        if len == 0 {
            return None;
        }
        self.bytes.get_mut(..len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_the_round_trip_and_any_changed_byte_is_noticed() {
        let message = Request::Input {
            offset: 300,
            bytes: &[0, 1, 0, 255, 0],
        };
        let mut buffer = [0; FRAME_BYTES];
        let sent = encode(&message, &mut buffer).unwrap();
        assert_eq!(sent.iter().filter(|b| **b == 0).count(), 1);
        let mut frame = Frame::new();
        let (last, body) = sent.split_last().unwrap();
        for b in body {
            assert!(frame.push(*b).is_none());
        }
        let whole = frame.push(*last).unwrap();
        assert_eq!(decode::<Request<'_>>(whole), Ok(message));
        for i in 0..body.len() {
            for bit in 0..8 {
                let mut copy = [0; FRAME_BYTES];
                let copy = &mut copy[..body.len()];
                copy.copy_from_slice(body);
                copy[i] ^= 1 << bit;
                assert!(decode::<Request<'_>>(copy).is_err(), "byte {i} bit {bit}");
            }
        }
    }

    #[test]
    fn the_longest_message_fits_a_frame() {
        let bytes = [0xa5; CHUNK_BYTES];
        let mut buffer = [0; FRAME_BYTES];
        let offset = u16::MAX;
        assert!(
            encode(
                &Request::Input {
                    offset,
                    bytes: &bytes
                },
                &mut buffer
            )
            .is_ok()
        );
        assert!(encode(&Response::Data(&bytes), &mut buffer).is_ok());
        let text = core::str::from_utf8(&[b'x'; TEXT_BYTES]).unwrap();
        assert!(encode(&Response::BadModel(text), &mut buffer).is_ok());
        let text = core::str::from_utf8(&[b'x'; 200]).unwrap();
        assert_eq!(
            encode(&Response::Refused(text), &mut buffer),
            Err(FrameError::TooLong)
        );
    }

    #[test]
    fn an_overlong_frame_is_dropped_and_the_next_one_read() {
        let mut frame = Frame::new();
        for _ in 0..10 * FRAME_BYTES {
            assert!(frame.push(7).is_none());
        }
        assert!(frame.push(0).is_none());
        assert!(frame.push(0).is_none());
        let mut buffer = [0; FRAME_BYTES];
        let sent = encode(&Request::Step, &mut buffer).unwrap();
        let got = sent.iter().find_map(|b| {
            frame
                .push(*b)
                .map(|f| decode::<Request<'_>>(f) == Ok(Request::Step))
        });
        assert_eq!(got, Some(true));
    }
}
