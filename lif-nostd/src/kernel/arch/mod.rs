//! The architectures' own kernels, in assembly. This is the one module of the crate with `unsafe` in it.
#![allow(unsafe_code, reason = "assembly")]

#[cfg(lif_kernel = "dsp")]
mod dsp;
#[cfg(lif_kernel = "dsp")]
mod dsp_i32;
#[cfg(lif_fpu)]
mod fpu;
#[cfg(lif_kernel = "riscv")]
mod riscv;
#[cfg(lif_kernel = "small")]
mod small;
#[cfg(any(lif_kernel = "dsp", lif_kernel = "v7m"))]
mod thumb2;
#[cfg(lif_kernel = "v7m")]
mod v7m;

#[cfg(lif_kernel = "dsp")]
use dsp as kernel;
#[cfg(lif_kernel = "riscv")]
use riscv as kernel;
#[cfg(lif_kernel = "small")]
use small as kernel;
#[cfg(lif_kernel = "v7m")]
use v7m as kernel;

#[cfg(lif_kernel = "dsp")]
use super::BLOCK;
#[cfg(any(lif_kernel = "dsp", lif_kernel = "small"))]
use super::Bias;
use super::lists::SpikeList;
use super::neurons::Constants;
use super::{Lanes, Row};

/// What a kernel of rows needs to know besides the weights: a list of spikes and the lanes of blocks.
#[repr(C)]
struct Pass {
    list: *const u16,
    list_end: *const u16,
    lanes: *mut Lanes,
    lanes_end: *mut Lanes,
    /// Bytes from the weights of a block to those of the next.
    stride: usize,
}

/// Adds the rows of each block at the spikes of `list` to its lanes: `n_in` rows, at least one, a block.
#[inline(always)]
pub(super) fn add_rows(rows: &[Row], n_in: usize, list: SpikeList<'_>, lanes: &mut [Lanes]) {
    // Both below 2^16: the product fits 32 bits.
    let known = n_in <= 1 << 16 && lanes.len() < 1 << 16;
    let fits = known && n_in.wrapping_mul(lanes.len()) <= rows.len();
    if list.bound() <= n_in && fits && !lanes.is_empty() {
        let list = list.indices().as_ptr_range();
        let lanes = lanes.as_mut_ptr_range();
        let pass = Pass {
            list: list.start,
            list_end: list.end,
            lanes: lanes.start,
            lanes_end: lanes.end,
            stride: n_in * size_of::<Row>(),
        };
        // SAFETY: there are `n_in` rows a block, and each index is below that.
        unsafe { kernel::rows(rows.as_ptr(), &pass) }
    }
}

/// Turns the sums of blocks into currents `sat16((sum + bias - offset) * 2^shift)`, in the order of the outputs.
#[cfg(lif_kernel = "dsp")]
pub(super) fn finish(lanes: &mut [Lanes], bias: &[Bias], offset: i32, shift: i8) {
    let n = lanes.len().min(bias.len());
    if n > 0 {
        let lanes = lanes.as_mut_ptr();
        // SAFETY: both hold `n` blocks, at least one.
        unsafe { dsp::finish(lanes, bias.as_ptr(), lanes.add(n), offset, shift.into()) }
    }
}

/// Turns the sums of blocks into currents `sum + bias - offset`, in the order of the outputs (see `portable`).
#[cfg(lif_kernel = "small")]
pub(super) fn finish(lanes: &mut [Lanes], bias: &[Bias], offset: u32) {
    let n = lanes.len().min(bias.len());
    if n > 0 {
        let lanes = lanes.as_mut_ptr();
        // SAFETY: both hold `n` blocks, at least one.
        unsafe { small::finish(lanes, bias.as_ptr(), lanes.add(n), offset) }
    }
}

/// Adds the sums of a block, of at most 257 rows, to `sums`, less `offset` each.
#[cfg(lif_kernel = "dsp")]
pub(super) fn widen(lanes: &[u32], sums: &mut [u32; BLOCK], offset: u32) {
    let (pairs, _) = lanes.as_chunks::<2>();
    let (sums, _) = sums.as_chunks_mut::<4>();
    for ([even, odd], [s0, s1, s2, s3]) in pairs.iter().zip(sums) {
        *s0 = s0.wrapping_add(even & 0xffff).wrapping_sub(offset);
        *s1 = s1.wrapping_add(odd & 0xffff).wrapping_sub(offset);
        *s2 = s2.wrapping_add(even >> 16).wrapping_sub(offset);
        *s3 = s3.wrapping_add(odd >> 16).wrapping_sub(offset);
    }
}

/// One time step of neurons in whole words: `v` and `c` hold 32 a word of `spikes`. False where no kernel serves them,
/// and nothing was done.
///
/// Of the currents, `doubled` says that they are twice what they stand for.
#[inline]
pub(crate) fn step_words(
    k: &Constants,
    v: &mut [i16],
    c: &[i16],
    spikes: &mut [u32],
    doubled: bool,
) -> bool {
    let n = spikes.len().wrapping_mul(32);
    // Of a pair, the kernels load both.
    let aligned = (v.as_ptr().addr() | c.as_ptr().addr()).is_multiple_of(4);
    if n == 0 || v.len() != n || c.len() != n || !aligned {
        return false;
    }
    let range = v.as_mut_ptr_range();
    let Some((run, constants)) = kernel::neurons(k, doubled, range.end) else {
        return false;
    };
    // SAFETY: `v` and `c` hold 64 bytes a word, from multiples of 4 on, `spikes` a word each, and `constants` the end.
    unsafe { run(range.start, c.as_ptr(), spikes.as_mut_ptr(), &constants) }
    true
}

/// A kernel of i16 neurons: membranes, currents, where the spikes go, constants.
type StepI16 = unsafe extern "C" fn(*mut i16, *const i16, *mut u32, *const kernel::Neurons);

/// One time step of i32 neurons in whole words: `v` and `c` hold 32 a word of `spikes`; how many words were stepped.
#[cfg(lif_kernel = "dsp")]
pub(super) fn step_words_i32(
    k: &super::neurons_i32::Constants,
    v: &mut [i32],
    c: &[i32],
    spikes: &mut [u32],
) -> usize {
    let words = (v.len() / 32).min(c.len() / 32).min(spikes.len());
    let (Some((constants, keep)), 1..) = (dsp_i32::neurons(k), words) else {
        return 0;
    };
    let v = v.as_mut_ptr();
    // SAFETY: `v` and `c` hold 32 neurons a word, up to the end, `spikes` a word each.
    unsafe {
        let end = v.add(32 * words);
        dsp_i32::lif(v, c.as_ptr(), spikes.as_mut_ptr(), &constants, end, keep);
    }
    words
}

/// One time step of f32 neurons in whole words: `v` and `x` hold 32 a word of `spikes`; how many words were stepped.
#[cfg(lif_fpu)]
pub(super) fn step_words_f32(
    lif: &crate::neuron::Lif<f32>,
    v: &mut [f32],
    x: &[f32],
    spikes: &mut [u32],
) -> usize {
    let words = (v.len() / 32).min(x.len() / 32).min(spikes.len());
    if words > 0 {
        let run = if lif.decay_input {
            fpu::lif_decayed
        } else {
            fpu::lif_whole
        };
        let v = v.as_mut_ptr();
        let constants = fpu::neurons(lif);
        // SAFETY: `v` and `x` hold 32 neurons a word, up to the end, `spikes` a word each.
        unsafe {
            let end = v.add(32 * words);
            run(v, x.as_ptr(), spikes.as_mut_ptr(), &constants, end);
        }
    }
    words
}
