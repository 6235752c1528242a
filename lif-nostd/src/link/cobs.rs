//! Consistent overhead byte stuffing: bytes without zeros, so that a zero can end a frame.
//!
//! A block is a code `n` from 1 to 255 and `n - 1` bytes that are not zero. Between two blocks stands a zero in the
//! original, unless the code of the first is 255. It costs one byte, and one more for each 254 without a zero.

/// Most bytes of a block behind its code.
const MOST: usize = 254;

/// Gives the encoded `bytes` to `write`, piece by piece, without the zero that ends a frame.
pub fn encode(bytes: &[u8], write: &mut impl FnMut(&[u8])) {
    let mut rest = bytes;
    loop {
        let n = rest.iter().take(MOST).take_while(|b| **b != 0).count();
        let (block, tail) = rest.split_at_checked(n).unwrap_or((rest, &[]));
        write(&[(n + 1) as u8]);
        write(block);
        rest = match (tail, n) {
            ([], _) => return,
            (_, MOST) => tail,
            // The zero is implied; where it is the last byte, an empty block stands behind it.
            ([_, after @ ..], _) => after,
        };
    }
}

/// Bytes that `n` bytes become at the most, without the zero that ends a frame.
#[must_use]
pub const fn encoded_bytes(n: usize) -> usize {
    n.saturating_add(n / MOST).saturating_add(1)
}

/// What a byte did to a [`Decoder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Progress {
    /// The frame goes on.
    More,
    /// The frame is over, and this many bytes are in the buffer.
    Whole(usize),
    /// The frame is over, and was broken or longer than the buffer.
    Broken,
}

/// Decodes one frame after the other, byte by byte as they arrive.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decoder {
    /// Bytes in the buffer.
    len: usize,
    /// Bytes of the block that are to come.
    left: u8,
    /// Whether a zero stands before the next block.
    zero: bool,
    /// Whether the frame does not fit the buffer.
    too_long: bool,
    /// Whether the frame has begun.
    begun: bool,
}

impl Decoder {
    /// No bytes yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            len: 0,
            left: 0,
            zero: false,
            too_long: false,
            begun: false,
        }
    }

    /// Takes `byte` off the line; decoded bytes go to `buffer`, which must be the same until the frame is over.
    ///
    /// A zero ends the frame, whatever came before it; empty frames are passed over.
    pub fn push(&mut self, buffer: &mut [u8], byte: u8) -> Progress {
        if byte == 0 {
            let done = core::mem::take(self);
            return match done {
                Self { begun: false, .. } => Progress::More,
                Self {
                    left: 0,
                    too_long: false,
                    len,
                    ..
                } => Progress::Whole(len),
                _ => Progress::Broken,
            };
        }
        self.begun = true;
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.put(buffer, byte);
            }
            None => {
                if self.zero {
                    self.put(buffer, 0);
                }
                self.left = byte.wrapping_sub(1);
                self.zero = byte != u8::MAX;
            }
        }
        Progress::More
    }

    fn put(&mut self, buffer: &mut [u8], byte: u8) {
        match buffer.get_mut(self.len) {
            Some(place) => {
                *place = byte;
                self.len = self.len.wrapping_add(1);
            }
            None => self.too_long = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    extern crate std;
    use std::vec::Vec;

    fn encoded(bytes: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        encode(bytes, &mut |piece| all.extend_from_slice(piece));
        all
    }

    fn decoded(line: &[u8], buffer: &mut [u8]) -> Vec<Progress> {
        let mut decoder = Decoder::new();
        let all = line.iter().map(|b| decoder.push(buffer, *b));
        all.filter(|p| *p != Progress::More).collect()
    }

    #[test]
    fn the_published_examples() {
        let long: Vec<u8> = (1..=254).collect();
        let longer: Vec<u8> = (1..=255).collect();
        for (bytes, want) in [
            (&[][..], &[1][..]),
            (&[0], &[1, 1]),
            (&[0, 0], &[1, 1, 1]),
            (&[0, 0x11, 0], &[1, 2, 0x11, 1]),
            (&[0x11, 0x22, 0, 0x33], &[3, 0x11, 0x22, 2, 0x33]),
            (&long, &[&[255], &long[..]].concat()),
            (&longer, &[&[255], &long[..], &[2, 255]].concat()),
        ] {
            assert_eq!(encoded(bytes), want);
        }
    }

    #[test]
    fn every_length_and_every_place_of_a_zero_survives() {
        let mut buffer = [0; 600];
        for len in 0..600usize {
            for zero in [None, Some(0), Some(len / 2), Some(len.saturating_sub(1))] {
                let mut bytes: Vec<u8> = (0..len).map(|i| (i % 255) as u8 + 1).collect();
                if let Some(b) = zero.and_then(|i| bytes.get_mut(i)) {
                    *b = 0;
                }
                let mut line = encoded(&bytes);
                assert!(line.len() <= encoded_bytes(len) && !line.contains(&0));
                line.push(0);
                assert_eq!(decoded(&line, &mut buffer), [Progress::Whole(len)]);
                assert_eq!(buffer[..len], bytes);
            }
        }
    }

    #[test]
    fn a_broken_frame_is_over_at_its_zero() {
        let mut buffer = [0; 4];
        // Cut short, too long, empty, and whole.
        let line = [5, 1, 2, 0, 7, 1, 2, 3, 4, 5, 6, 0, 0, 0, 2, 9, 0];
        let got = decoded(&line, &mut buffer);
        let want = [Progress::Broken, Progress::Broken, Progress::Whole(1)];
        assert_eq!(got, want);
        assert_eq!(buffer[0], 9);
    }
}
