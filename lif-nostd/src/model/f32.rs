//! A time step of an f32 layer (`docs/dynamics.md`, sections 2 and 4.5), with feature `f32`.

use super::arena::{values, values_mut};
use super::layer::{F32Layer, Parts};
use super::view::View;
use crate::spikes::Spikes;

impl View<'_> {
    /// One time step, the `step`-th since the reset, on the spikes `input`, or on the currents that are held in
    /// `currents`, which is else room for the sums.
    #[inline(never)]
    pub(super) fn step_f32(
        &self,
        input: Option<Spikes<'_>>,
        currents: &mut [u32],
        parts: Parts<'_>,
        step: u32,
    ) {
        let Some(layer) = F32Layer::decode(self) else {
            return;
        };
        if let Some(input) = input {
            let sums = values_mut::<f32>(currents, layer.bias.len());
            copy(sums, layer.bias);
            layer.linear.add_spikes(input, sums);
        }
        let v = values_mut(parts.v, self.n_out());
        let c = values(currents, v.len()).iter().copied();
        let decodes = parts.decodes.as_chunks_mut().0;
        layer.neurons.step(v, c, parts.spikes, decodes, step);
    }

    /// The currents on the values `x`, or without input, into `held`; `sums` is room for them.
    pub(super) fn hold_f32(&self, x: &[f32], sums: &mut [u32], held: &mut [u32]) {
        if let Some(layer) = F32Layer::decode(self) {
            let sums = values_mut::<f32>(sums, layer.bias.len());
            copy(sums, layer.bias);
            layer.linear.add_values(x, sums);
            copy(values_mut(held, self.n_out()), sums);
        }
    }

    /// Puts the membranes into their initial state.
    pub(super) fn reset_f32(&self, v: &mut [u32]) {
        if let Some(layer) = F32Layer::decode(self) {
            for (i, v) in values_mut(v, self.n_out()).iter_mut().enumerate() {
                *v = layer.neurons.v_init(i);
            }
        }
    }

    /// What the decode reads of neuron `i` after `steps` steps.
    pub(super) fn read_f32(&self, v: f32, state: [u32; 2], steps: u32) -> Option<f32> {
        Some(F32Layer::decode(self)?.neurons.read(v, state, steps))
    }
}

/// Copies as many values as both hold.
fn copy(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
