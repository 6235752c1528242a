//! Neuron models: configuration apart from state, so that one configuration serves a whole layer.
//!
//! | type | what it is |
//! |---|---|
//! | [`LifConfig`] | the parameters, as the user says them; makes the models below for any number type |
//! | [`Lif`], [`SimpleLif`] | constants of a spiking neuron; the membrane is kept by the caller |
//! | [`NonSpikingLif`], [`Decode`], [`Readout`] | a membrane without spikes, and what is read out of it |
//! | [`LifNode`], [`SimpleLifNode`], [`NonSpikingLifNode`] | a population with its state, for one device |
//! | [`Monitor`] | the last steps of some neurons, in a ring buffer (feature `heapless`) |

mod config;
mod lif;
#[cfg(feature = "heapless")]
mod monitor;
mod node;
mod non_spiking;
mod simple_lif;

pub use config::{ConfigError, LifConfig};
pub use lif::Lif;
#[cfg(feature = "heapless")]
pub use monitor::{Monitor, Record};
pub use node::{LengthError, LifNode, NonSpikingLifNode, SimpleLifNode, SpikingNode};
#[cfg(feature = "f32")]
pub(crate) use non_spiking::replaces;
pub use non_spiking::{Decode, NonSpikingLif, Readout};
pub use simple_lif::SimpleLif;

use crate::scalar::Scalar;

/// A model of a spiking neuron: charge, fire, reset.
pub trait Spiking {
    /// Number type of the membrane.
    type Scalar: Scalar;

    /// Membrane before the first step.
    fn v_init(&self) -> Self::Scalar;

    /// One time step of one neuron with membrane `v` and input `x`: whether it fired.
    fn step(&self, v: &mut Self::Scalar, x: Self::Scalar) -> bool;

    /// The same for the first step after the start or a reset, from [`Spiking::v_init`].
    fn first_step(&self, v: &mut Self::Scalar, x: Self::Scalar) -> bool {
        self.step(v, x)
    }

    /// One time step of a population: `v` and `x` hold one value a neuron, `spikes` gets one bit a neuron.
    ///
    /// Works on as many neurons as the shortest of the three holds; bits past them are cleared.
    fn step_all(
        &self,
        v: &mut [Self::Scalar],
        x: impl Iterator<Item = Self::Scalar>,
        spikes: &mut [u32],
    ) {
        pack(v, x, spikes, |v, x| self.step(v, x));
    }
}

/// Runs `step` on each neuron and packs the spikes.
pub(crate) fn pack<S, X>(
    v: &mut [S],
    x: impl Iterator<Item = X>,
    spikes: &mut [u32],
    mut step: impl FnMut(&mut S, X) -> bool,
) {
    let mut pairs = v.iter_mut().zip(x);
    for word in spikes {
        let mut bits = 0;
        for (bit, (v, x)) in (0..32).zip(&mut pairs) {
            bits |= u32::from(step(v, x)) << bit;
        }
        *word = bits;
    }
}
