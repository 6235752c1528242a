//! LIF neurons over a sequence with little memory traffic: the forward keeps spikes alone, and the backward charges
//! the membranes again from the currents (`docs/dynamics.md`, sections 2 and 6.2).
//!
//! An element of a sequence moves 20 bytes forward and backward: the current twice, the spike, its gradient, and the
//! gradient on the current.

use lif_nostd::neuron::Lif;

use super::kernels::{Back, charge_row, spike_row, with_back, with_lif};
use super::simd::{self, Simd, WithSimd};
use super::threads;
use crate::surrogate::Surrogate;

/// Steps between two checkpoints.
const CHUNK: usize = 16;

/// Fewest and most neurons that a thread takes at a time. Rows of several pages are read faster than shorter ones, as
/// long as a thread's caches hold a chunk.
const WIDTHS: (usize, usize) = (1024, 16384);

/// Neurons that a thread takes at a time, of `n`; what is computed does not depend on it.
fn width(n: usize) -> usize {
    let pieces = 4 * rayon::current_num_threads();
    let width = (n / pieces).next_multiple_of(WIDTHS.0);
    width.clamp(WIDTHS.0, WIDTHS.1)
}

/// A layer of LIF neurons that spike 0 or 1, and whose backward charges the membranes again.
///
/// The spikes and gradients are those of [`super::Neurons`], bit for bit.
#[derive(Clone, Copy, Debug)]
pub struct Checkpointed {
    lif: Lif<f32>,
    surrogate: Surrogate,
    detach_reset: bool,
}

/// What the backward needs of a forward: the membranes before every 16th step but the first.
#[derive(Clone, Debug, Default)]
pub struct Checkpoints {
    v: Vec<f32>,
}

/// Parts of a sequence `[T, n]` with `width` neurons each, a slice a step.
fn columns<T: Send>(
    seq: &mut [T],
    n: usize,
    width: usize,
) -> impl Iterator<Item = Vec<&mut [T]>> + Send {
    let rows = seq.chunks_exact_mut(n.max(1));
    let mut rows: Vec<_> = rows.map(|row| row.chunks_mut(width)).collect();
    (0..n.div_ceil(width)).map(move |_| rows.iter_mut().filter_map(Iterator::next).collect())
}

impl Checkpointed {
    pub(super) const fn new(lif: Lif<f32>, surrogate: Surrogate, detach_reset: bool) -> Self {
        Self {
            lif,
            surrogate,
            detach_reset,
        }
    }

    /// Spikes of `n` neurons over `x_seq`, `[T, n]`, from the model's initial membrane, into `spikes`, `[T, n]`.
    ///
    /// # Panics
    ///
    /// If `x_seq` is not whole steps, or `spikes` not as long.
    pub fn forward(&self, n: usize, x_seq: &[f32], spikes: &mut [f32], saved: &mut Checkpoints) {
        let steps = check(n, x_seq, spikes);
        saved
            .v
            .resize(n * steps.div_ceil(CHUNK).saturating_sub(1), 0.0);
        let width = width(n);
        let saved = columns(&mut saved.v, n, width);
        let items = columns(spikes, n, width).zip(saved).enumerate();
        threads::for_each(
            items,
            || vec![0.0; width],
            |v, (at, (spikes, saved))| {
                simd::run(Forward {
                    lif: self.lif,
                    n,
                    x_seq: &x_seq[at * width..],
                    spikes,
                    saved,
                    v,
                });
            },
        );
    }

    /// Gradients on the currents `x_seq` of a [`Self::forward`] that left `saved`, from those on the spikes, into
    /// `grad_x`; all `[T, n]`.
    ///
    /// # Panics
    ///
    /// If the lengths do not match.
    pub fn backward(
        &self,
        n: usize,
        x_seq: &[f32],
        saved: &Checkpoints,
        grad_spikes: &[f32],
        grad_x: &mut [f32],
    ) {
        check(n, x_seq, grad_spikes);
        check(n, x_seq, grad_x);
        let back = Back::new(self.lif, self.detach_reset);
        let width = width(n);
        threads::for_each(
            columns(grad_x, n, width).enumerate(),
            || Scratch::new(width),
            |scratch, (at, grad_x)| {
                simd::run(Backward {
                    lif: self.lif,
                    back,
                    surrogate: self.surrogate,
                    n,
                    x_seq: &x_seq[at * width..],
                    saved: saved.v.get(at * width..).unwrap_or(&[]),
                    grad_spikes: &grad_spikes[at * width..],
                    grad_x,
                    scratch,
                });
            },
        );
    }
}

/// The number of steps of `x_seq`.
fn check(n: usize, x_seq: &[f32], other: &[f32]) -> usize {
    let whole = x_seq.len().checked_rem(n).unwrap_or(x_seq.len());
    assert_eq!(whole, 0, "x_seq is not whole steps of {n} neurons");
    assert_eq!(x_seq.len(), other.len(), "sequences of one length");
    x_seq.len().checked_div(n).unwrap_or(0)
}

/// The forward of some neurons of a sequence `[T, n]`.
struct Forward<'a> {
    lif: Lif<f32>,
    n: usize,
    /// From the first of the neurons on.
    x_seq: &'a [f32],
    spikes: Vec<&'a mut [f32]>,
    saved: Vec<&'a mut [f32]>,
    /// Room for membranes.
    v: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            lif, n, x_seq, v, ..
        } = self;
        let (mut spikes, mut saved) = (self.spikes, self.saved);
        let width = spikes.first().map_or(0, |row| row.len());
        let v = &mut v[..width];
        v.fill(lif.v_reset.unwrap_or(0.0));
        with_lif!(lif, {
            for (t, spikes) in spikes.iter_mut().enumerate() {
                if t % CHUNK == 0 && t > 0 {
                    saved[t / CHUNK - 1].copy_from_slice(v);
                }
                spike_row(lif, &x_seq[t * n..][..width], v, spikes);
            }
        });
    }
}

/// Room for membranes, those of a chunk after the charge, and gradients on membranes.
struct Scratch {
    v: Vec<f32>,
    h: Vec<f32>,
    grad_v: Vec<f64>,
}

impl Scratch {
    fn new(width: usize) -> Self {
        Self {
            v: vec![0.0; width],
            h: vec![0.0; CHUNK * width],
            grad_v: vec![0.0; width],
        }
    }
}

/// The backward of some neurons of sequences `[T, n]`, which are given from the first of them on.
struct Backward<'a> {
    lif: Lif<f32>,
    back: Back,
    surrogate: Surrogate,
    n: usize,
    x_seq: &'a [f32],
    saved: &'a [f32],
    grad_spikes: &'a [f32],
    grad_x: Vec<&'a mut [f32]>,
    scratch: &'a mut Scratch,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            lif,
            back,
            n,
            scratch,
            ..
        } = self;
        let mut grad_x = self.grad_x;
        let width = grad_x.first().map_or(0, |row| row.len());
        let v = &mut scratch.v[..width];
        let grad_v = &mut scratch.grad_v[..width];
        grad_v.fill(0.0);
        for (chunk, grad_x) in grad_x.chunks_mut(CHUNK).enumerate().rev() {
            match chunk.checked_sub(1) {
                Some(before) => v.copy_from_slice(&self.saved[before * n..][..width]),
                None => v.fill(lif.v_reset.unwrap_or(0.0)),
            }
            let steps = grad_x.len();
            let row = |k: usize| (chunk * CHUNK + k) * n;
            with_lif!(lif, {
                let rows = scratch.h.chunks_exact_mut(width).take(steps);
                for (k, h) in rows.enumerate() {
                    charge_row(lif, &self.x_seq[row(k)..][..width], v, h);
                }
            });
            with_back!(back, self.surrogate, slope, {
                for (k, grad_x) in grad_x.iter_mut().enumerate().rev() {
                    let h = &scratch.h[k * width..][..width];
                    let grad_s = &self.grad_spikes[row(k)..][..width];
                    back.row(slope, h, grad_s, grad_v, grad_x);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use lif_nostd::neuron::LifConfig;

    use crate::cpu::{Checkpoints, Model, NeuronParams, Neurons, Upstream};
    use crate::surrogate::Surrogate;

    #[test]
    fn spikes_and_gradients_are_those_of_the_neurons() {
        let draw = |n: usize, k: u32| -> Vec<f32> {
            let number = |i: u32| (i.wrapping_mul(2_654_435_761) ^ k) >> 8;
            (0..n as u32)
                .map(|i| number(i) as f32 / (1 << 22) as f32 - 1.0)
                .collect()
        };
        let configs = [
            LifConfig::new(2.0),
            LifConfig::new(1.7).decay_input(false).v_reset(-0.25),
            LifConfig::new(100.0 / 3.0).decay_input(false).soft_reset(),
        ];
        let surrogates = [Surrogate::default(), Surrogate::Sigmoid { alpha: 4.0 }];
        for (n, steps) in [(1, 1), (1500, 5), (2049, 16), (37, 50)] {
            let (x, up) = (draw(n * steps, 1), draw(n * steps, 2));
            for (config, surrogate) in configs.iter().flat_map(|c| surrogates.map(|s| (*c, s))) {
                let params = NeuronParams {
                    model: Model::Lif,
                    config,
                    detach_reset: n == 37,
                    surrogate,
                    spiking: true,
                };
                let neurons = Neurons::<f32>::new(&params).unwrap();
                let want = neurons.forward(n, &x, None);
                let upstream = Upstream {
                    spikes: &up,
                    v: None,
                    v_last: None,
                };
                let (want_x, _) = neurons.backward(n, &want.h, &want.spikes, upstream);
                let fast = neurons.checkpointed().unwrap();
                let mut saved = Checkpoints::default();
                let (mut s, mut grad_x) = (vec![9.0; n * steps], vec![9.0; n * steps]);
                fast.forward(n, &x, &mut s, &mut saved);
                fast.backward(n, &x, &saved, &up, &mut grad_x);
                assert_eq!(s, want.spikes, "{config:?}");
                assert_eq!(grad_x, want_x, "{config:?} {surrogate:?}");
            }
        }
    }
}
