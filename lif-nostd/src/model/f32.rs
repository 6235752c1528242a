//! A time step of an f32 layer (`docs/dynamics.md`, sections 2 and 4.5), with feature `f32`.

use super::arena::{LIST_WORDS, values, values_mut};
use super::layer::F32Layer;
use super::view::{Parts, View};
use crate::spikes::Spikes;
use crate::synapse::BLOCK;

impl View<'_> {
    /// The sums on the spikes `input`, which are the currents, behind the list in `scratch`.
    pub(super) fn sums_f32(&self, input: Spikes<'_>, scratch: &mut [u32]) {
        if let Some(layer) = F32Layer::decode(self) {
            let sums = scratch.get_mut(LIST_WORDS..).unwrap_or(&mut []);
            let sums = values_mut::<f32>(sums, layer.bias.len());
            copy(sums, layer.bias);
            layer.linear.add_spikes(input, sums);
        }
    }

    /// The neurons on the currents `c` in the `step`-th step since the reset.
    pub(super) fn fire_f32(&self, c: &[u32], parts: Parts<'_>, step: u32) {
        if let Some(layer) = F32Layer::decode(self) {
            let v = values_mut(parts.v, self.n_out());
            let c = values(c, v.len());
            let decodes = parts.decodes.as_chunks_mut().0;
            layer.neurons.step(v, c, parts.spikes, decodes, step);
        }
    }

    /// The currents on the values `x`, or without input, into `held`.
    pub(super) fn hold_f32(&self, x: &[f32], held: &mut [u32]) {
        let Some(layer) = F32Layer::decode(self) else {
            return;
        };
        let held = values_mut::<f32>(held, self.n_out());
        let (bias, _) = layer.bias.as_chunks();
        for ((held, bias), linear) in held.chunks_mut(BLOCK).zip(bias).zip(layer.linear.each()) {
            let mut sums: [f32; BLOCK] = *bias;
            linear.add_values(x, &mut sums);
            copy(held, &sums);
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
