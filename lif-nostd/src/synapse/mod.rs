//! Synapses: weights times spikes.

mod linear;

pub use linear::{BLOCK, Linear, Weight, shift_to_i16};
