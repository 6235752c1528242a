//! Synapses: weights times spikes.

mod currents;
mod linear;
mod shift;
mod weight_i16;

pub use currents::Sums;
pub use linear::{BLOCK, Linear, Weight, shift_to_i16};
pub use shift::shift_to_i32;
