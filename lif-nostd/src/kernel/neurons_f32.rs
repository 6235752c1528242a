//! Populations of f32 LIF neurons (`docs/dynamics.md`, section 2).

use crate::neuron::Lif;

impl Lif<f32> {
    /// One time step of a population: the bits of [`Lif::step_all`], by the kernel of the target if there is one. `v`
    /// and `x` hold a membrane and an input a neuron, `spikes` gets one bit a neuron.
    pub fn step_block(&self, v: &mut [f32], x: &[f32], spikes: &mut [u32]) {
        step(self, v, x, spikes);
    }
}

/// One time step of f32 neurons with membranes `v` and inputs `x`: `spikes` gets one bit a neuron.
pub(crate) fn step(lif: &Lif<f32>, v: &mut [f32], x: &[f32], spikes: &mut [u32]) {
    #[cfg(lif_fpu)]
    let done = super::arch::step_words_f32(lif, v, x, spikes);
    #[cfg(not(lif_fpu))]
    let done = 0;
    let v = v.get_mut(32 * done..).unwrap_or(&mut []);
    let x = x.get(32 * done..).unwrap_or(&[]);
    let spikes = spikes.get_mut(done..).unwrap_or(&mut []);
    lif.step_all(v, x.iter().copied(), spikes);
}
