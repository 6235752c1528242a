//! The portable row kernel: two 16-bit lanes in a 32-bit word.

#[cfg(any(lif_kernel = "v7m", lif_kernel = "small"))]
use super::arch::raw_rows;
use super::{Lanes, Row, SpikeList};
use crate::synapse::{BLOCK, shift_to_i16};

#[cfg(lif_kernel = "wide")]
const EVEN: u32 = 0x00ff_00ff;

/// Raw sums of the rows of `block` at the spikes of `list`, which are at most 257: of each word, that of bytes 0
/// and 2, and that of the word shifted by 8.
///
/// The shifted word goes without a mask: byte 2 stands between bytes 1 and 3, and its sum, which is known, is taken
/// out in the end.
#[cfg(lif_kernel = "wide")]
pub(crate) fn raw_rows(block: &[Row], list: SpikeList<'_>, raw: &mut Lanes) {
    let mut sums = [0u32; 8];
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
    *raw = sums;
}

/// Adds the rows of `block` at the spikes of `list` to `lanes`.
pub(crate) fn add_rows(block: &[Row], list: SpikeList<'_>, lanes: &mut Lanes) {
    let mut raw = [0; 8];
    raw_rows(block, list, &mut raw);
    let (raw, _) = raw.as_chunks::<2>();
    let (lanes, _) = lanes.as_chunks_mut::<2>();
    for ([even, odd], [to_even, to_odd]) in raw.iter().zip(lanes) {
        *to_even = add_lanes(*to_even, *even);
        *to_odd = add_lanes(*to_odd, clean(*even, *odd));
    }
}

/// The sums of bytes 1 and 3 from raw ones.
#[inline(always)]
fn clean(even: u32, odd: u32) -> u32 {
    odd.wrapping_sub(even >> 16 << 8)
}

/// Currents of a block, in the order of the outputs, where `list` is the only one of the step:
/// `sat16((sum + bias - offset) * 2^shift)`.
pub(crate) fn one_list(
    block: &[Row],
    list: SpikeList<'_>,
    bias: &[i32; BLOCK],
    offset: i32,
    shift: i8,
    out: &mut Lanes,
) {
    raw_rows(block, list, out);
    let (pairs, _) = out.as_chunks_mut::<2>();
    for [even, odd] in pairs {
        *odd = clean(*even, *odd);
    }
    finish(out, bias, offset, shift);
}

/// Turns the lanes of a block into currents `sat16((lane + bias - offset) * 2^shift)`, in the order of the outputs.
pub(crate) fn finish(lanes: &mut Lanes, bias: &[i32; BLOCK], offset: i32, shift: i8) {
    if shift == 0 {
        finish_by(lanes, bias, offset, |sum| sum as i16);
    } else {
        finish_by(lanes, bias, offset, |sum| {
            shift_to_i16(i32::from(sum as i16), shift)
        });
    }
}

#[inline(always)]
fn finish_by(lanes: &mut Lanes, bias: &[i32; BLOCK], offset: i32, current: impl Fn(i32) -> i16) {
    let halves: &mut [[u16; 4]; 4] = bytemuck::must_cast_mut(lanes);
    let (bias, _) = bias.as_chunks::<4>();
    for (four, bias) in halves.iter_mut().zip(bias) {
        // As they lie: outputs 0, 2, 1, 3.
        let [a, c, b, d] = four.map(i32::from);
        let [p, q, r, s] = bias.map(|b| b.wrapping_sub(offset));
        *four = [
            current(a.wrapping_add(p)) as u16,
            current(b.wrapping_add(q)) as u16,
            current(c.wrapping_add(r)) as u16,
            current(d.wrapping_add(s)) as u16,
        ];
    }
}

/// `a + b` in each half, modulo 2^16.
#[inline]
pub(crate) fn add_lanes(a: u32, b: u32) -> u32 {
    const LOW: u32 = 0x7fff_7fff;
    (a & LOW).wrapping_add(b & LOW) ^ ((a ^ b) & !LOW)
}
