//! Where things lie in a network's arena, in 32-bit words.
//!
//! ```text
//! list      spikes of a step on their way through a layer that spikes drive, 16 bits each, and the sums of 16 outputs
//! sums      of the widest such layer, in whole blocks of 16: 16 bits each where the certificate fits them, else 32
//! input     input spikes of the coming step, bit-packed; or, where the input is values, the current of each neuron of
//!           the first layer, kept until the input changes
//! a layer:  its spikes, bit-packed; its membranes; two words a neuron where a decode keeps state
//! counts    spikes of each output neuron since the reset
//! first     step of the first spike of each output neuron, from 1, 16 bits each; 0 for none
//! ```

use super::view::{Graph, Parts, View};
use crate::kernel::CHUNK;
use crate::spikes::words_for;

/// Words of a list of spikes, and of the lanes of a block: on the stack they would be most of it.
pub(super) const LIST_WORDS: usize = CHUNK / 2 + 8;

/// The sizes of what lies in a network's arena, in words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Layout {
    /// The list of spikes, and the sums of the widest layer that spikes drive.
    pub(super) scratch: usize,
    /// Input spikes, or currents of the first layer.
    pub(super) input: usize,
    /// Spikes, membranes and decodes of all layers.
    pub(super) layers: usize,
    /// Output neurons: one count each.
    pub(super) n_out: usize,
}

impl Layout {
    /// Takes in the next layer of `graph`.
    pub(super) fn add(&mut self, graph: &Graph<'_>, layer: &View<'_>) {
        let is_first = self.layers == 0;
        if is_first {
            self.input = if graph.takes_spikes() {
                words_for(layer.n_in())
            } else {
                layer.state_words()
            };
        }
        if !is_first || graph.takes_spikes() {
            self.scratch = self.scratch.max(LIST_WORDS + layer.sum_words());
        }
        self.layers += layer.words();
        self.n_out = layer.n_out();
    }

    /// Words before the layers.
    pub(super) const fn before_layers(&self) -> usize {
        self.scratch + self.input
    }

    /// Words before the counts.
    pub(super) const fn before_counts(&self) -> usize {
        self.before_layers() + self.layers
    }

    /// Words of the first spikes.
    pub(super) const fn first(&self) -> usize {
        self.n_out.div_ceil(2)
    }

    /// All of it, in bytes, a multiple of 8.
    pub(super) const fn bytes(&self) -> usize {
        let words = self.before_counts() + self.n_out + self.first() + 1;
        // Layers may share weights: their neurons, in words, fit 32 bits, but not always in bytes.
        if words > usize::MAX / 4 {
            return usize::MAX;
        }
        (words & !1) << 2
    }
}

/// The words of a network's arena, by use. Each call cuts the next piece off the front.
pub(super) struct Cut<'a>(pub(super) &'a mut [u32]);

impl<'a> Cut<'a> {
    #[inline(never)]
    pub(super) fn words(&mut self, n: usize) -> &'a mut [u32] {
        let all = core::mem::take(&mut self.0);
        let n = n.min(all.len());
        match all.split_at_mut_checked(n) {
            Some((piece, rest)) => {
                self.0 = rest;
                piece
            }
            None => &mut [],
        }
    }

    /// The part of `layer`.
    #[inline(always)]
    pub(super) fn layer(&mut self, layer: &View<'_>) -> Parts<'a> {
        Parts {
            spikes: self.words(words_for(layer.n_out())),
            v: self.words(layer.state_words()),
            decodes: self.words(layer.decode_words()),
        }
    }
}

/// The same for reading.
pub(super) struct CutRef<'a>(pub(super) &'a [u32]);

impl<'a> CutRef<'a> {
    #[inline(never)]
    pub(super) fn words(&mut self, n: usize) -> &'a [u32] {
        let n = n.min(self.0.len());
        match self.0.split_at_checked(n) {
            Some((piece, rest)) => {
                self.0 = rest;
                piece
            }
            None => &[],
        }
    }
}

/// The first `n` values of type `T` in `words`, fewer if the words hold fewer.
pub(super) fn values<T: bytemuck::AnyBitPattern>(words: &[u32], n: usize) -> &[T] {
    let all = bytemuck::try_cast_slice(words).unwrap_or(&[]);
    all.get(..n).unwrap_or(all)
}

/// The same for writing.
#[cfg(feature = "f32")]
pub(super) fn values_mut<T: bytemuck::Pod>(words: &mut [u32], n: usize) -> &mut [T] {
    let all = bytemuck::try_cast_slice_mut(words).unwrap_or(&mut []);
    let n = n.min(all.len());
    all.get_mut(..n).unwrap_or(&mut [])
}
