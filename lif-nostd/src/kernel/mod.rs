//! The inner loops: rows of i8 weights added for each spike, and blocks of integer neurons stepped.
//!
//! One portable text serves every core. Cortex-M cores have inner loops of their own for the same functions, chosen
//! by `build.rs`; all give the same bits.
//!
//! | kernel | where | how |
//! |---|---|---|
//! | wide, portable | hosts, RISC-V | two 16-bit lanes in a word |
//! | small | Cortex-M0, M0+, M23 | the same, 16 outputs in registers of which eight compute |
//! | v7m | Cortex-M3, M33 | the same; neurons with `ssat` |
//! | dsp | Cortex-M4, M7 | `uxtab16`; neurons in pairs with `qadd16`, `ssub16`, `sel` |
//!
//! A row is the weights of one input to 16 outputs, offset-binary (w + 128), as four little-endian words.

#[cfg(not(lif_kernel = "wide"))]
mod arch;
pub(crate) mod neurons;
#[cfg(not(lif_kernel = "dsp"))]
mod portable;

#[cfg(not(lif_kernel = "wide"))]
pub(crate) use arch::step_words;
#[cfg(lif_kernel = "dsp")]
pub(crate) use arch::{add_rows, finish, one_list};
#[cfg(lif_kernel = "wide")]
pub(crate) use neurons::step_words;
#[cfg(not(lif_kernel = "dsp"))]
pub(crate) use portable::{add_rows, finish, one_list};

use crate::spikes::Spikes;

/// The weights of one input to 16 outputs.
pub(crate) type Row = [u32; 4];

/// Sums of 16 outputs, two 16-bit lanes a word, modulo 2^16.
///
/// Word 2 j holds outputs 4 j (low half) and 4 j + 2, word 2 j + 1 outputs 4 j + 1 and 4 j + 3.
pub(crate) type Lanes = [u32; 8];

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
    pub(crate) const fn bound(&self) -> usize {
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
    #[inline]
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
