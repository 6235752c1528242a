//! Synapses: weights times spikes.

mod currents;
mod linear;

pub use currents::Sums;
pub use linear::{BLOCK, Linear, Weight, shift_to_i16};
