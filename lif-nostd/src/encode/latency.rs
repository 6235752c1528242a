//! Latency encoding: one spike a channel, the earlier the larger the value.
//!
//! The time steps of the spikes are computed once a sample, with [`linear`] or [`logarithmic`]; [`spikes`] writes the
//! spikes of each step.

use super::{FULL, pack};
use crate::real::Real;

/// The time step of a channel that never spikes.
pub const NEVER: u16 = u16::MAX;

/// The time step, from 0, in which a value of `intensity` (0 to [`FULL`], and cut to it) spikes in a sample of `steps`
/// steps:
///
/// ```text
/// t = floor(((2^24 - intensity) * (steps - 1) + 2^23) / 2^24)
/// ```
///
/// Full scale spikes in step 0, the smallest intensity in the last; intensity 0, or no steps, [`NEVER`].
#[must_use]
pub const fn linear(intensity: u32, steps: u16) -> u16 {
    if intensity == 0 || steps == 0 {
        return NEVER;
    }
    let below = FULL.saturating_sub(intensity) as u64;
    let last = steps.saturating_sub(1) as u64;
    // Below 2^24 * 2^16: neither the product nor the sum wraps.
    (below.wrapping_mul(last).wrapping_add(1 << 23) >> 24) as u16
}

/// The time step in which a membrane of time constant `tau`, in steps, that a constant current `x` charges from 0,
/// reaches `threshold`:
///
/// ```text
/// t = rne(tau * ln(x / (x - threshold)))        x > threshold
/// ```
///
/// [`NEVER`] at `x <= threshold`, for NaN, and where t is not from 0 to 65534. Each operation is rounded in `R`.
#[must_use]
pub fn logarithmic<R: Real>(x: R, threshold: R, tau: R) -> u16 {
    // Anything but greater, NaN with it.
    if x.partial_cmp(&threshold) != Some(core::cmp::Ordering::Greater) {
        return NEVER;
    }
    let t = (tau * (x / (x - threshold)).ln()).rint().to_f64();
    if t >= 0.0 && t < f64::from(NEVER) {
        t as u16
    } else {
        NEVER
    }
}

/// Writes the spikes of time step `step`: channel i spikes where `times[i]` is `step`, and never at [`NEVER`].
pub fn spikes(times: &[u16], step: u16, spikes: &mut [u32]) {
    pack(times.iter().map(|t| *t == step && *t != NEVER), spikes);
}
