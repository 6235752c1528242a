//! The portable row kernel: two 16-bit lanes in a 32-bit word.

use super::{Lanes, Row, SpikeList};
use crate::synapse::shift_to_i16;

/// Words of a row that are summed at a time: what a core's registers hold.
const TILE: usize = if cfg!(lif_kernel = "small") { 2 } else { 4 };

const EVEN: u32 = 0x00ff_00ff;

/// Adds the rows of `block` at the spikes of `list` to `lanes`.
///
/// Of each word, bytes 0 and 2 are added as they stand. Bytes 1 and 3 are added without a mask, by a shift alone:
/// then byte 2 stands between them, and its sum, which is known, is taken out in the end.
#[cfg_attr(
    any(lif_kernel = "dsp", lif_kernel = "v7m"),
    allow(dead_code, reason = "the architecture's own takes its place")
)]
pub(crate) fn add_rows(block: &[Row], list: SpikeList<'_>, lanes: &mut Lanes) {
    let (tiles, _) = lanes.as_chunks_mut::<{ 2 * TILE }>();
    for (tile, lanes) in tiles.iter_mut().enumerate() {
        let mut raw = [0u32; 2 * TILE];
        for i in list.indices() {
            let Some(row) = block.get(usize::from(*i)) else {
                continue;
            };
            let Some(words) = row.as_chunks::<TILE>().0.get(tile) else {
                continue;
            };
            let (pairs, _) = raw.as_chunks_mut::<2>();
            for ([even, odd], w) in pairs.iter_mut().zip(words) {
                *even = even.wrapping_add(w & EVEN);
                *odd = odd.wrapping_add(w >> 8);
            }
        }
        merge(&raw, lanes);
    }
}

/// Adds raw sums of at most 257 rows to lanes: pairs of the sums of bytes 0 and 2, and of the words shifted by 8.
pub(crate) fn merge(raw: &[u32], lanes: &mut [u32]) {
    let (raw, _) = raw.as_chunks::<2>();
    let (lanes, _) = lanes.as_chunks_mut::<2>();
    for ([even, odd], [to_even, to_odd]) in raw.iter().zip(lanes) {
        let odd = odd.wrapping_sub(even >> 16 << 8);
        *to_even = add_lanes(*to_even, *even);
        *to_odd = add_lanes(*to_odd, odd);
    }
}

/// `sat16(x * 2^shift)` in each half: a left shift is exact, a right shift rounds down.
#[inline]
pub(crate) fn shift_lanes(x: u32, shift: i8) -> u32 {
    if shift == 0 {
        return x;
    }
    let half = |x: u32| shift_to_i16(i32::from(x as i16), shift) as u16;
    u32::from(half(x)) | u32::from(half(x >> 16)) << 16
}

/// `a + b` in each half, modulo 2^16.
#[inline]
pub(crate) fn add_lanes(a: u32, b: u32) -> u32 {
    const LOW: u32 = 0x7fff_7fff;
    (a & LOW).wrapping_add(b & LOW) ^ ((a ^ b) & !LOW)
}
