//! The neurons of a block over the steps of some samples (`docs/dynamics.md`, sections 1, 2 and 6.2).

use lif_nostd::neuron::Lif;

use crate::cpu::kernels::{Back, with_back, with_lif};
use crate::cpu::packed::{pack, words};
use crate::cpu::products::BLOCK;
use crate::cpu::simd::{Simd, WithSimd};
use crate::surrogate::Surrogate;

/// Charge, fire and reset.
pub(super) struct Forward<'a> {
    pub(super) lif: Lif<f32>,
    pub(super) steps: usize,
    pub(super) width: usize,
    /// Neurons that there are.
    pub(super) n: usize,
    /// Currents `[samples, width]`, the same in every step; those in `h` if there are none.
    pub(super) held: Option<&'a [f32]>,
    /// Currents, and afterwards membranes after the charge, `[samples, steps, width]`.
    pub(super) h: &'a mut [f32],
    /// Gets the words of the block, of each of `[samples, steps]`, `words` apart.
    pub(super) bits: &'a mut [u64],
    pub(super) words: usize,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { lif, width, .. } = self;
        // Neurons that fill up the vectors may fire.
        let mask = u128::MAX >> (BLOCK - self.n.min(BLOCK));
        let mask = [mask as u64, (mask >> 64) as u64];
        let words = words(self.n.min(BLOCK));
        let mut bits = self.bits.chunks_mut(self.words);
        with_lif!(lif, {
            for (b, h) in self.h.chunks_exact_mut(self.steps * width).enumerate() {
                let mut v = [lif.v_reset.unwrap_or(0.0); BLOCK];
                let mut flags = [0; BLOCK];
                let held = self.held.map(|held| &held[b * width..][..width]);
                for (h, bits) in h.chunks_exact_mut(width).zip(&mut bits) {
                    if let Some(held) = held {
                        h.copy_from_slice(held);
                    }
                    for ((v, h), flag) in v.iter_mut().zip(h).zip(&mut flags) {
                        *h = lif.charge(*v, *h);
                        let spike = *h >= lif.v_threshold;
                        *flag = u8::from(spike);
                        *v = lif.reset(*h, spike);
                    }
                    let flags = flags.as_chunks().0.iter().zip(mask);
                    for (bits, (flags, mask)) in bits.iter_mut().take(words).zip(flags) {
                        *bits = pack(flags) & mask;
                    }
                }
            }
        });
    }
}

/// What the gradients on the spikes are.
pub(super) enum GradSpikes<'a> {
    /// The same in every step, `[samples, width]`.
    Held(&'a [f32]),
    /// `[samples, steps, width]`.
    Each(&'a [f32]),
}

/// Back through time.
pub(super) struct Backward<'a> {
    pub(super) back: Back,
    pub(super) surrogate: Surrogate,
    pub(super) steps: usize,
    pub(super) width: usize,
    /// Membranes after the charge, `[samples, steps, width]`.
    pub(super) h: &'a [f32],
    pub(super) grad_s: GradSpikes<'a>,
    /// Gets the gradients on the currents, `[samples, steps, width]`; their sums over the steps, last step first,
    /// if `held`, `[samples, width]`.
    pub(super) grad_y: &'a mut [f32],
    pub(super) held: bool,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { back, width, .. } = self;
        let each = if self.held { width } else { self.steps * width };
        with_back!(back, self.surrogate, slope, {
            let samples = self.h.chunks_exact(self.steps * width);
            for (b, (h, grad_y)) in samples.zip(self.grad_y.chunks_exact_mut(each)).enumerate() {
                let mut grad_v = [0.0; BLOCK];
                let grad_v = &mut grad_v[..width];
                let mut step = [0.0; BLOCK];
                let mut sum = [0.0; BLOCK];
                for (t, h) in h.chunks_exact(width).enumerate().rev() {
                    let grad_s = match self.grad_s {
                        GradSpikes::Held(grad_s) => &grad_s[b * width..][..width],
                        GradSpikes::Each(grad_s) => {
                            &grad_s[(b * self.steps + t) * width..][..width]
                        }
                    };
                    if self.held {
                        back.row(slope, h, grad_s, grad_v, &mut step);
                        for (sum, step) in sum.iter_mut().zip(&step) {
                            *sum += step;
                        }
                    } else {
                        back.row(slope, h, grad_s, grad_v, &mut grad_y[t * width..][..width]);
                    }
                }
                if self.held {
                    grad_y.copy_from_slice(&sum[..width]);
                }
            }
        });
    }
}
