//! Spikes as lists of indices, in parts of bounded length.

use core::num::NonZeroU32;

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
    words: core::slice::Iter<'a, u32>,
    /// The bits of the current word that are still to come.
    rest: u32,
    /// Index of the first neuron of the current word; 32 below 0 before the first word.
    base: u32,
    /// The bits of the last word that count.
    last: u32,
    bound: usize,
}

impl<'a> Lists<'a> {
    /// The spikes of inputs below `bound`, at most 65536.
    pub(crate) fn new(spikes: Spikes<'a>, bound: usize) -> Self {
        let bound = bound.min(spikes.len()).min(1 << 16);
        let words = spikes.words();
        let used = words.get(..bound.div_ceil(32)).unwrap_or(words);
        Self {
            words: used.iter(),
            rest: 0,
            base: 0u32.wrapping_sub(32),
            last: u32::MAX >> (used.len() * 32).saturating_sub(bound).min(31),
            bound,
        }
    }

    /// The next list in `buffer`, empty after the last.
    #[inline(never)]
    pub(crate) fn next<'b>(&mut self, buffer: &'b mut [u16]) -> SpikeList<'b> {
        let mut slots = buffer.iter_mut();
        // Copies, for registers.
        let (mut words, mut rest, mut base) = (self.words.clone(), self.rest, self.base);
        'full: loop {
            while let Some(bits) = NonZeroU32::new(rest) {
                let Some(slot) = slots.next() else {
                    break 'full;
                };
                *slot = base.wrapping_add(bits.trailing_zeros()) as u16;
                rest &= rest.wrapping_sub(1);
            }
            let Some(word) = words.next() else {
                break;
            };
            base = base.wrapping_add(32);
            rest = *word;
            if words.as_slice().is_empty() {
                // The bits past the last input do not count.
                rest &= self.last;
            }
        }
        (self.words, self.rest, self.base) = (words, rest, base);
        let left = slots.len();
        let len = buffer.len().wrapping_sub(left);
        SpikeList {
            indices: buffer.get(..len).unwrap_or(&[]),
            bound: self.bound,
        }
    }

    /// Whether more spikes may follow.
    pub(crate) fn is_done(&self) -> bool {
        self.rest == 0 && self.words.as_slice().is_empty()
    }
}
