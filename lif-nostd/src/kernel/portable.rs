//! The portable row kernel: sums of two outputs in a 32-bit word.
//!
//! A word w of a row holds the weights of four outputs in its bytes. The kernels of all cores without the DSP
//! extension add up, modulo 2^32 and without a mask on the second,
//!
//! ```text
//! even = sum of (w & 0x00ff00ff) = S0 + 2^16 S2
//! odd  = sum of (w >> 8)         = S1 + 2^8 S2 + 2^16 S3
//! ```
//!
//! where Sj is the sum of byte j. What goes over from a low half to the high one is taken out when the sums are
//! read: [`finish`] knows the low sum because, with its bias, it fits 16 bits (`docs/dynamics.md`, section 4.4),
//! [`widen`] because there are few rows. So nothing is cleaned between the lists of a step.

use super::{Bias, Lanes};
#[cfg(lif_kernel = "wide")]
use super::{Row, lists::SpikeList};
use crate::synapse::{BLOCK, shift_to_i16};

/// Adds the rows of each block at the spikes of `list` to its lanes: `n_in` rows, at least one, a block.
#[cfg(lif_kernel = "wide")]
pub(super) fn add_rows(rows: &[Row], n_in: usize, list: SpikeList<'_>, lanes: &mut [Lanes]) {
    const EVEN: u32 = 0x00ff_00ff;
    for (block, lanes) in rows.chunks_exact(n_in.max(1)).zip(lanes) {
        let mut sums = *lanes;
        for i in list.indices() {
            let Some(row) = block.get(usize::from(*i)) else {
                continue;
            };
            let (pairs, _) = sums.as_chunks_mut::<2>();
            for ([even, odd], w) in pairs.iter_mut().zip(row) {
                *even = even.wrapping_add(w & EVEN);
                *odd = odd.wrapping_add(w >> 8);
            }
        }
        *lanes = sums;
    }
}

/// Turns the sums of blocks into currents `sat16((sum + bias - offset) * 2^shift)`, in the order of the outputs.
///
/// Exact where each `sum + bias - offset` fits 16 bits. With s that of an output and b its bias:
///
/// ```text
/// even + b0 + 2^16 b2 - 2^16 offset - offset         = s0 + 2^16 s2
/// odd  + b1 + 2^16 b3 - 2^16 offset - offset - over  = s1 + 2^16 s3,  over = 2^8 S2 = 2^8 (s2 - b2 + offset)
/// ```
///
/// The low part is at least -2^15, so with 2^15 more it takes nothing from the high one.
pub(super) fn finish(lanes: &mut [Lanes], bias: &[Bias], offset: i32, shift: i8) {
    #[cfg(lif_kernel = "small")]
    super::arch::finish(lanes, bias, offset as u32);
    #[cfg(not(lif_kernel = "small"))]
    finish_unshifted(lanes, bias, offset as u32);
    if shift != 0 {
        for current in bytemuck::must_cast_slice_mut::<u32, i16>(lanes.as_flattened_mut()) {
            *current = shift_to_i16((*current).into(), shift);
        }
    }
}

#[cfg(not(lif_kernel = "small"))]
fn finish_unshifted(lanes: &mut [Lanes], bias: &[Bias], offset: u32) {
    const HALF: u32 = 0x8000;
    let both = offset.wrapping_mul(0x1_0001);
    let with_over = both.wrapping_add(offset << 8);
    let (pairs, _) = lanes.as_flattened_mut().as_chunks_mut::<2>();
    let (bias, _) = bias.as_flattened().as_chunks::<4>();
    for ([even, odd], bias) in pairs.iter_mut().zip(bias) {
        let [b0, b1, b2, b3] = bias.map(|b| b as u32);
        let first = even.wrapping_add(b0).wrapping_add(b2 << 16);
        let first = first.wrapping_sub(both);
        let s2 = (first.wrapping_add(HALF) as i32 >> 16) as u32;
        let second = odd.wrapping_add(b1).wrapping_add(b3 << 16);
        let second = second.wrapping_sub(s2.wrapping_sub(b2) << 8);
        let second = second.wrapping_sub(with_over);
        *even = first & 0xffff | second << 16;
        *odd = s2 & 0xffff | second.wrapping_add(HALF) & 0xffff_0000;
    }
}

/// Adds the sums of a block, of at most 257 rows, to `sums`, less `offset` each.
pub(super) fn widen(lanes: &[u32], sums: &mut [u32; BLOCK], offset: u32) {
    let (pairs, _) = lanes.as_chunks::<2>();
    let (sums, _) = sums.as_chunks_mut::<4>();
    for ([even, odd], [s0, s1, s2, s3]) in pairs.iter().zip(sums) {
        // 257 bytes add up to 65535 at most.
        let odd = odd.wrapping_sub(even >> 16 << 8);
        *s0 = s0.wrapping_add(even & 0xffff).wrapping_sub(offset);
        *s1 = s1.wrapping_add(odd & 0xffff).wrapping_sub(offset);
        *s2 = s2.wrapping_add(even >> 16).wrapping_sub(offset);
        *s3 = s3.wrapping_add(odd >> 16).wrapping_sub(offset);
    }
}
