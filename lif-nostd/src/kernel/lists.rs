//! Spikes as lists of indices, in parts of bounded length.

use crate::spikes::Spikes;

/// Most spikes in a list.
pub(crate) const CHUNK: usize = 64;

/// Indices of inputs that spiked, each below `bound`.
#[derive(Clone, Copy)]
pub(crate) struct SpikeList<'a> {
    indices: &'a [u16],
    #[cfg_attr(
        lif_kernel = "wide",
        allow(dead_code, reason = "its kernel checks each index")
    )]
    bound: usize,
}

impl<'a> SpikeList<'a> {
    /// The indices.
    pub(crate) const fn indices(&self) -> &'a [u16] {
        self.indices
    }

    /// All indices are below this.
    #[cfg(not(lif_kernel = "wide"))]
    pub(super) const fn bound(&self) -> usize {
        self.bound
    }
}

/// Cuts the spikes of a step into lists.
pub(crate) struct Lists<'a> {
    words: &'a [u32],
    /// The bits of the current word that are still to come.
    rest: u32,
    /// Index of the first neuron of the current word.
    base: usize,
    bound: usize,
}

impl<'a> Lists<'a> {
    /// The spikes of inputs below `bound`, at most 65536.
    pub(crate) fn new(spikes: Spikes<'a>, bound: usize) -> Self {
        let (rest, words) = match spikes.words().split_first() {
            Some((first, words)) => (*first, words),
            None => (0, &[][..]),
        };
        Self {
            words,
            rest,
            base: 0,
            bound: bound.min(spikes.len()).min(1 << 16),
        }
    }

    /// The next list in `buffer`, empty after the last.
    #[inline(never)]
    pub(crate) fn next<'b>(&mut self, buffer: &'b mut [u16]) -> SpikeList<'b> {
        let mut len = 0;
        // Copies, for registers.
        let (mut rest, mut words, mut base) = (self.rest, self.words.iter(), self.base);
        'full: loop {
            while rest != 0 {
                let i = base + rest.trailing_zeros() as usize;
                if i >= self.bound {
                    rest = 0;
                    words = [].iter();
                    break;
                }
                let Some(slot) = buffer.get_mut(len) else {
                    break 'full;
                };
                *slot = i as u16;
                len += 1;
                rest &= rest - 1;
            }
            let Some(word) = words.next() else {
                break;
            };
            rest = *word;
            base += 32;
        }
        (self.rest, self.words, self.base) = (rest, words.as_slice(), base);
        SpikeList {
            indices: buffer.get(..len).unwrap_or(&[]),
            bound: self.bound,
        }
    }

    /// Whether more spikes may follow.
    pub(crate) const fn is_done(&self) -> bool {
        self.rest == 0 && self.words.is_empty()
    }
}
