//! From values to currents and spikes, in fixed memory and with the same bits on every machine.
//!
//! | encoder | what a value becomes |
//! |---|---|
//! | [`direct_i8`], [`direct_f32`] | the same current in every time step |
//! | [`Poisson`] | in every step a spike, at random, as probable as the value is large |
//! | [`latency`] | one spike, the earlier the larger the value |
//! | [`Delta`] | a spike for every step up or down that a signal takes |
//!
//! Spikes are bit-packed, as [`crate::spikes`] says. An encoder writes every word that it is given: channels that are
//! not there are silent, and those that do not fit into the words are left out.
//!
//! `docs/encoders.md` is normative.

mod delta;
pub mod latency;
mod poisson;

pub use delta::{Delta, DeltaError, DeltaState};
pub use poisson::Poisson;

use crate::real::Real;

/// The intensity of a value of full scale: 2^24.
///
/// An intensity is a share of the full scale in units of 2^-24, from 0 to this number.
pub const FULL: u32 = 1 << 24;

/// The intensity of `share`, a share of the full scale: the nearest one, ties to even; 0 below 0 and for NaN, [`FULL`]
/// above 1.
#[must_use]
pub fn intensity(share: f32) -> u32 {
    // A product with a power of two is exact, and the cast saturates.
    let units = Real::rint(share * FULL as f32) as u32;
    units.min(FULL)
}

/// The intensity of `x` where 255 is the full scale: the nearest one.
#[must_use]
pub const fn intensity_u8(x: u8) -> u32 {
    let x = x as u32;
    // 2^24 / 255 is 65793 and 1/255, which half the values round up.
    x.wrapping_mul(65793).wrapping_add(x >> 7)
}

/// Writes raw values as currents in units of `step` raw units: `rne(raw / step)` in f64, cut to -128 .. 127, and 0 for
/// NaN (`docs/dynamics.md`, section 4.6). The shorter of the two slices counts.
pub fn direct_i8(raw: &[f32], step: f32, currents: &mut [i8]) {
    for (current, raw) in currents.iter_mut().zip(raw) {
        // The cast saturates, and makes NaN 0.
        *current = Real::rint(f64::from(*raw) / f64::from(step)) as i8;
    }
}

/// Writes raw values as currents: `raw / full_scale`, the raw value that stands for a current of 1
/// (`docs/dynamics.md`, section 4.6). The shorter of the two slices counts.
pub fn direct_f32(raw: &[f32], full_scale: f32, currents: &mut [f32]) {
    for (current, raw) in currents.iter_mut().zip(raw) {
        *current = raw / full_scale;
    }
}

/// Packs `bits` into `spikes`, 32 a word; silence behind them.
fn pack(bits: impl Iterator<Item = bool>, spikes: &mut [u32]) {
    let mut bits = bits.fuse();
    for word in spikes {
        *word = 0;
        for i in 0..32 {
            *word |= u32::from(bits.next().unwrap_or(false)).wrapping_shl(i);
        }
    }
}
