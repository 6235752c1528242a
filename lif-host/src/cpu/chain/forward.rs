//! The forward of a chain, group by group.

use super::{Chain, Group, Layer, tile};
use crate::cpu::packed::{pack_values, transpose, words};
use crate::cpu::products::{AddRows, BLOCK, Weigh};
use crate::cpu::simd::{self, Simd, WithSimd};
use crate::cpu::threads;

impl Chain {
    /// Spikes of each output neuron, `[B, out]`, for the input `x`: currents `[B, in]`, or spikes `[T, B, in]`, where
    /// what is not 0 is a spike.
    pub fn forward(&mut self, x: &[f32]) -> &[u32] {
        let n_in = self.layers[0].n_in;
        let batch = match self.spikes {
            true => x.len() / n_in / self.steps,
            false => x.len() / n_in,
        };
        self.regroup(batch);
        let (layers, steps, spikes) = (&self.layers, self.steps, self.spikes);
        threads::for_each(self.groups.iter_mut(), Vec::new, |held, group| {
            if spikes {
                simd::run(PackInput {
                    group,
                    x,
                    batch,
                    steps,
                    n_in,
                });
            }
            for (l, layer) in layers.iter().enumerate() {
                let values = (l == 0 && !spikes).then(|| &x[group.first * n_in..]);
                group.forward(l, layer, steps, values, held);
            }
            group.count(steps);
        });
        self.counts.clear();
        for group in &self.groups {
            self.counts.extend_from_slice(&group.counts);
        }
        &self.counts
    }
}

impl Group {
    /// Runs layer `l`; on `values` `[samples, in]`, if there are such, else on its spikes.
    fn forward(
        &mut self,
        l: usize,
        layer: &Layer,
        steps: usize,
        values: Option<&[f32]>,
        held: &mut Vec<f32>,
    ) {
        let (below, above) = self.layers.split_at_mut(l + 1);
        let this = &mut below[l];
        let output = match above.first_mut() {
            Some(next) => &mut next.input,
            None => &mut self.output,
        };
        let words_out = words(layer.n_out);
        for (at, (block, h)) in layer.blocks.iter().zip(&mut this.h).enumerate() {
            let width = block.width;
            match values {
                Some(values) => {
                    held.resize(self.samples * width, 0.0);
                    simd::run(Weigh {
                        factors: values,
                        stride: layer.n_in,
                        block: &block.weights,
                        start: Some(&block.bias),
                        width,
                        sums: held,
                    });
                }
                None => simd::run(AddRows {
                    bits: &this.input,
                    words: words(layer.n_in),
                    block: &block.weights,
                    start: Some(&block.bias),
                    width,
                    sums: h,
                }),
            }
            simd::run(tile::Forward {
                lif: layer.lif,
                steps,
                width,
                n: layer.n_out - block.start,
                held: values.map(|_| &held[..]),
                h,
                bits: &mut output[at * (BLOCK / 64)..],
                words: words_out,
            });
        }
    }

    /// Counts the spikes of the last layer.
    fn count(&mut self, steps: usize) {
        self.counts.fill(0);
        let n_out = self.counts.len() / self.samples.max(1);
        let words = words(n_out);
        let samples = self.output.chunks_exact(steps * words);
        for (bits, counts) in samples.zip(self.counts.chunks_exact_mut(n_out)) {
            for row in bits.chunks_exact(words) {
                for (i, count) in counts.iter_mut().enumerate() {
                    *count += (row[i / 64] >> (i % 64) & 1) as u32;
                }
            }
        }
    }
}

/// Packs the input of a group, `x` `[T, B, in]`.
struct PackInput<'a> {
    group: &'a mut Group,
    x: &'a [f32],
    batch: usize,
    steps: usize,
    n_in: usize,
}

impl WithSimd for PackInput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let first = self.group.first;
        let rows = self.group.layers[0]
            .input
            .chunks_exact_mut(words(self.n_in));
        for (r, row) in rows.enumerate() {
            let (sample, t) = (first + r / self.steps, r % self.steps);
            let at = (t * self.batch + sample) * self.n_in;
            pack_values(&self.x[at..][..self.n_in], row);
        }
    }
}

/// `from`, `[rows, words of n]` bits, as `[n, words of rows]`.
pub(super) struct TransposeBits<'a> {
    pub(super) from: &'a [u64],
    pub(super) n: usize,
    pub(super) to: &'a mut [u64],
}

impl WithSimd for TransposeBits<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let words_in = words(self.n);
        let rows = self.from.len() / words_in;
        let words_out = words(rows);
        for at in 0..words_in {
            for (w, from) in self.from.chunks(64 * words_in).enumerate() {
                let mut square = [0; 64];
                for (to, row) in square.iter_mut().zip(from.chunks_exact(words_in)) {
                    *to = row[at];
                }
                transpose(&mut square);
                let n = (self.n - at * 64).min(64);
                let to = self.to[at * 64 * words_out..].chunks_exact_mut(words_out);
                for (to, word) in to.zip(&square[..n]) {
                    to[w] = *word;
                }
            }
        }
    }
}
