//! A layer from the spikes of its inputs to sums and currents (`docs/dynamics.md`, section 4.1).

use super::lists::Lists;
use super::{Lanes, Row, add_rows, finish, widen};
use crate::spikes::Spikes;
use crate::synapse::BLOCK;

/// The currents `sat16((sum + bias) * 2^shift)` of blocks whose sums fit 16 bits with their bias: `lanes` gets one i16
/// an output, in order.
///
/// `rows` holds `n_in` rows, at least one, for each block of `lanes`; `bias` a value an output; `list` is room for
/// spikes.
// Inlined, and what it calls: its stack would come on top of that of its caller.
#[inline(always)]
pub(crate) fn currents_i16(
    rows: &[Row],
    n_in: usize,
    spikes: Spikes<'_>,
    bias: &[i32],
    shift: i8,
    list: &mut [u16],
    lanes: &mut [Lanes],
) {
    lanes.as_flattened_mut().fill(0);
    let mut lists = Lists::new(spikes, n_in);
    let mut offset = 0i32;
    while !lists.is_done() {
        let spikes = lists.next(list);
        add_rows(rows, n_in, spikes, lanes);
        // Weights are stored with 128 more.
        offset = offset.wrapping_add((spikes.indices().len() as i32).wrapping_mul(128));
    }
    let (bias, _) = bias.as_chunks::<BLOCK>();
    finish(lanes, bias, offset, shift);
}

/// Adds the weights of the inputs that spiked to `sums`, 32-bit integers in whole blocks.
///
/// `rows` holds `n_in` rows, at least one, for each block of `sums`; `list` is room for spikes, `lanes` for a block.
#[inline(always)]
pub(crate) fn sums(
    rows: &[Row],
    n_in: usize,
    spikes: Spikes<'_>,
    list: &mut [u16],
    lanes: &mut [Lanes; 1],
    sums: &mut [u32],
) {
    let mut lists = Lists::new(spikes, n_in);
    while !lists.is_done() {
        let spikes = lists.next(list);
        let offset = 128u32.wrapping_mul(spikes.indices().len() as u32);
        let mut rows = rows;
        for sums in sums.as_chunks_mut::<BLOCK>().0 {
            *lanes = [[0; 8]];
            add_rows(rows, n_in, spikes, lanes);
            widen(lanes.as_flattened(), sums, offset);
            rows = rows.get(n_in..).unwrap_or(&[]);
        }
    }
}
