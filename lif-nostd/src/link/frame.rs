//! Frames: a message with its session, its sequence number and its CRC-32.
//!
//! ```text
//! frame = 0, COBS(session u16, sequence u16, message, CRC-32 of all before it), 0      all little-endian
//! ```
//!
//! The zero before a frame ends whatever noise stands before it, so that a broken frame or a line that was touched
//! costs one frame at the most.

use serde::{Deserialize, Serialize};

use super::cobs;
use crate::model::format::CRC;

/// Length of a header, in bytes.
pub const HEADER_BYTES: usize = 4;
/// Length of a checksum, in bytes.
pub const CRC_BYTES: usize = 4;

/// What stands before each message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    /// Number that the host chose when it opened the session; an answer has that of its request.
    pub session: u16,
    /// Number of the request, one more each time, modulo 2^16; an answer has that of its request.
    pub sequence: u16,
}

impl Header {
    /// As it stands in a frame.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let [s0, s1] = self.session.to_le_bytes();
        let [n0, n1] = self.sequence.to_le_bytes();
        [s0, s1, n0, n1]
    }
}

/// Why a frame could not be made or understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// The message does not fit the buffer.
    TooLong,
    /// The checksum is missing or wrong.
    Crc,
    /// Not a message of this version.
    Message,
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the message does not fit a frame",
            Self::Crc => "wrong checksum",
            Self::Message => "unknown message",
        })
    }
}

impl core::error::Error for FrameError {}

/// CRC-32 of `bytes`, that of zlib.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// Writes header, `message` and checksum into `buffer`; how many bytes they are.
///
/// # Errors
///
/// [`FrameError::TooLong`] where they do not fit.
pub fn seal<T: Serialize>(
    header: Header,
    message: &T,
    buffer: &mut [u8],
) -> Result<usize, FrameError> {
    let (head, rest) = buffer.split_first_chunk_mut().ok_or(FrameError::TooLong)?;
    *head = header.to_bytes();
    let message = postcard::to_slice(message, rest).map_err(|_| FrameError::TooLong)?;
    let len = HEADER_BYTES.saturating_add(message.len());
    let (body, rest) = buffer
        .split_at_mut_checked(len)
        .ok_or(FrameError::TooLong)?;
    let crc = rest.first_chunk_mut().ok_or(FrameError::TooLong)?;
    *crc = checksum(body).to_le_bytes();
    Ok(len.saturating_add(CRC_BYTES))
}

/// Gives the frame around `sealed` to `write`, piece by piece.
pub fn send(sealed: &[u8], write: &mut impl FnMut(&[u8])) {
    write(&[0]);
    cobs::encode(sealed, write);
    write(&[0]);
}

/// Header and message in `sealed`, whose checksum is right.
///
/// # Errors
///
/// [`FrameError::Crc`].
pub fn open(sealed: &[u8]) -> Result<(Header, &[u8]), FrameError> {
    let (body, crc) = sealed.split_last_chunk().ok_or(FrameError::Crc)?;
    if checksum(body) != u32::from_le_bytes(*crc) {
        return Err(FrameError::Crc);
    }
    let (&[s0, s1, n0, n1], message) = body.split_first_chunk().ok_or(FrameError::Crc)?;
    let header = Header {
        session: u16::from_le_bytes([s0, s1]),
        sequence: u16::from_le_bytes([n0, n1]),
    };
    Ok((header, message))
}

/// The message in `bytes`.
///
/// # Errors
///
/// [`FrameError::Message`].
pub fn parse<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, FrameError> {
    postcard::from_bytes(bytes).map_err(|_| FrameError::Message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Request;

    extern crate std;
    use std::vec::Vec;

    const HEADER: Header = Header {
        session: 7,
        sequence: 0x1234,
    };

    #[test]
    fn any_changed_bit_is_noticed() {
        let bytes = &[0, 1, 0, 255, 0];
        let message = Request::Input { offset: 300, bytes };
        let mut buffer = [0; 64];
        let len = seal(HEADER, &message, &mut buffer).unwrap();
        let (header, body) = open(&buffer[..len]).unwrap();
        assert_eq!(header, HEADER);
        assert_eq!(parse::<Request<'_>>(body), Ok(message));
        for i in 0..len {
            for bit in 0..8 {
                let mut copy = buffer;
                copy[i] ^= 1 << bit;
                assert_eq!(open(&copy[..len]), Err(FrameError::Crc), "{i} {bit}");
            }
        }
        for short in 0..len {
            assert_eq!(open(&buffer[..short]), Err(FrameError::Crc));
        }
    }

    #[test]
    fn a_frame_stands_between_zeros_and_has_none() {
        let mut buffer = [0; 64];
        let len = seal(HEADER, &Request::Identify, &mut buffer).unwrap();
        let mut line = Vec::new();
        send(&buffer[..len], &mut |piece| line.extend_from_slice(piece));
        assert_eq!(line.iter().filter(|b| **b == 0).count(), 2);
        assert_eq!((line.first(), line.last()), (Some(&0), Some(&0)));
    }

    #[test]
    fn a_message_that_does_not_fit_is_an_error() {
        let message = Request::Input {
            offset: 0,
            bytes: &[1; 100],
        };
        for len in 0..112 {
            let mut buffer = std::vec![0; len];
            let sealed = seal(HEADER, &message, &mut buffer);
            // Kind, offset and length take a byte each.
            assert_eq!(sealed.is_ok(), len >= 4 + 3 + 100 + 4, "{len}");
        }
    }
}
