//! Buffers that start at a cache line, so that no vector of a row lies in two.

use std::ops::{Deref, DerefMut};

/// Values in a cache line of 64 bytes.
const LINE: usize = 16;

/// As many values as it was made with, from a cache line on.
#[derive(Debug, Default)]
pub(super) struct Lines {
    buffer: Vec<f32>,
    start: usize,
    len: usize,
}

impl Lines {
    /// `len` zeros.
    pub(super) fn new(len: usize) -> Self {
        let buffer = vec![0.0; len + LINE - 1];
        // Where the offset cannot be told, any start serves.
        let start = buffer.as_ptr().align_offset(4 * LINE).min(LINE - 1);
        Self { buffer, start, len }
    }
}

impl Clone for Lines {
    fn clone(&self) -> Self {
        // A copy of the buffer may start elsewhere in a line.
        let mut lines = Self::new(self.len);
        lines.copy_from_slice(self);
        lines
    }
}

impl Deref for Lines {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.buffer[self.start..self.start + self.len]
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.buffer[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_and_their_copies_start_at_a_line() {
        let mut lines = Lines::new(33);
        lines[32] = 1.0;
        for lines in [&lines, &lines.clone()] {
            assert_eq!(lines.as_ptr().align_offset(64), 0);
            assert_eq!((lines.len(), lines[32]), (33, 1.0));
        }
    }
}
