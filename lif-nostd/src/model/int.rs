//! A time step of an integer layer (`docs/dynamics.md`, sections 3 and 4): currents from spikes or values, and the
//! neurons, by the kernels where they serve.

use super::format::Number;
use super::layer::Parts;
use super::view::{Parameter, View, kind, load, store, tag};
use crate::kernel::neurons::{HALF, step as step_neurons};
use crate::scalar::{Scalar, saturate_i16, scale};
use crate::spikes::Spikes;
use crate::synapse::{BLOCK, Rows, Weight, shift_to_i32};

impl View<'_> {
    /// One time step on the spikes `input`, or on the currents that are held in `currents`, which is else room for
    /// the sums. `first` says that it is the first step since the reset.
    #[inline(never)]
    pub(super) fn step_int(
        &self,
        input: Option<Spikes<'_>>,
        currents: &mut [u32],
        parts: Parts<'_>,
        first: bool,
    ) {
        let constants = self.constants().filter(|_| self.is_half());
        let mut doubled = false;
        if let Some(input) = input {
            doubled = self.fits_doubled() && constants.is_some_and(|k| k.leak == HALF);
            self.currents(
                input,
                self.shift().saturating_add(i8::from(doubled)),
                currents,
            );
        }
        match constants {
            Some(k) => {
                let v = halves_mut(parts.v, self.n_out());
                let c = bytemuck::cast_slice(currents);
                step_neurons(
                    &k,
                    v,
                    c.get(..v.len()).unwrap_or(&[]),
                    parts.spikes,
                    doubled,
                );
            }
            None => self.step_each(currents, parts, first),
        }
    }

    /// Whether twice each current fits 16 bits.
    const fn fits_doubled(&self) -> bool {
        let shift = self.shift();
        0 <= shift && shift < 15 && self.max_sum <= (i16::MAX as u32 / 2) >> shift as u32
    }

    /// The currents on the spikes `input`, in the number format of the membranes: `sat(sum * 2^shift)`.
    fn currents(&self, input: Spikes<'_>, shift: i8, sums: &mut [u32]) {
        let bias: &[i32] = bytemuck::cast_slice(self.bias());
        let (bias_blocks, _) = bias.as_chunks();
        if self.weight_format() == Number::I8 as u8 {
            let rows = Rows::new(self.weights(), self.n_in());
            if self.has_lanes() {
                return rows.lanes(input, bias_blocks, shift, sums.as_chunks_mut().0);
            }
            rows.sums(input, bias_blocks, sums.as_chunks_mut().0);
        } else {
            self.copy_bias(sums);
            let weights: &[i16] = bytemuck::cast_slice(self.weights());
            let (rows, _) = weights.as_chunks::<BLOCK>();
            self.each_block(rows, sums, |rows, sums| {
                for i in input.indices() {
                    for (sum, w) in sums.iter_mut().zip(rows.get(i).into_iter().flatten()) {
                        *sum = Weight::add_to(*w, *sum as i32) as u32;
                    }
                }
            });
        }
        self.narrow(sums, shift);
    }

    /// The currents on the values `x`, or without input, into `held`; `sums` is room for them.
    pub(super) fn hold_int(&self, x: &[i8], sums: &mut [u32], held: &mut [u32]) {
        self.copy_bias(sums);
        if self.weight_format() == Number::I8 as u8 {
            let weights: &[u8] = bytemuck::cast_slice(self.weights());
            self.add_values(weights, x, sums);
        } else {
            let weights: &[i16] = bytemuck::cast_slice(self.weights());
            self.add_values(weights, x, sums);
        }
        self.narrow(sums, self.shift());
        let half = self.is_half();
        for i in 0..self.n_out() {
            store(held, i, half, load(sums, i, half));
        }
    }

    fn add_values<W: Weight<Sum = i32, Input = i8>>(
        &self,
        weights: &[W],
        x: &[i8],
        sums: &mut [u32],
    ) {
        self.each_block(weights.as_chunks().0, sums, |rows, sums| {
            for (row, x) in rows.iter().zip(x) {
                for (sum, w) in sums.iter_mut().zip(row) {
                    *sum = w.weigh_to(*x, *sum as i32) as u32;
                }
            }
        });
    }

    /// Calls `add` with the rows and the sums of each block.
    fn each_block<W>(
        &self,
        mut rows: &[[W; BLOCK]],
        sums: &mut [u32],
        mut add: impl FnMut(&[[W; BLOCK]], &mut [u32; BLOCK]),
    ) {
        let (sums, _) = sums.as_chunks_mut();
        for sums in sums.iter_mut().take(self.padded() / BLOCK) {
            let Some((block, behind)) = rows.split_at_checked(self.n_in()) else {
                return;
            };
            add(block, sums);
            rows = behind;
        }
    }

    fn copy_bias(&self, sums: &mut [u32]) {
        for (sum, bias) in sums.iter_mut().zip(self.bias()) {
            *sum = *bias;
        }
    }

    /// Sums of 32 bits to currents, in their place; those of 16 bits come to lie in its first half.
    fn narrow(&self, sums: &mut [u32], shift: i8) {
        let half = self.is_half();
        for i in 0..self.padded().min(sums.len()) {
            // Current i goes where sum i / 2 was, which was read before, or to its own place.
            let mut current = shift_to_i32(load(sums, i, false), shift);
            if half {
                current = i32::from(saturate_i16(current));
            }
            store(sums, i, half, current);
        }
    }

    /// The neurons one by one: those that have parameters of their own or do not spike, and those of 32 bits.
    #[inline(never)]
    fn step_each(&self, currents: &[u32], parts: Parts<'_>, first: bool) {
        let half = self.is_half();
        let saturate = |x: i32| if half { i32::from(saturate_i16(x)) } else { x };
        let leak = self.values(Parameter::Leak);
        let v_threshold = self.values(Parameter::VThreshold);
        let v_reset = self.values(Parameter::VReset);
        let is_hard = self.tag(Parameter::VReset) != tag::NONE;
        let spikes = self.kind() != kind::NON_SPIKING_LIF;
        parts.spikes.fill(0);
        let (decodes, _) = parts.decodes.as_chunks_mut::<2>();
        for i in 0..self.n_out() {
            let c = load(currents, i, half);
            let h = scale(leak.at(i) as u32, load(parts.v, i, half)).saturating_add(c);
            let mut v = saturate(h);
            if spikes && v >= v_threshold.at(i) {
                if let Some(word) = parts.spikes.get_mut(i / 32) {
                    *word |= 1 << (i % 32);
                }
                v = if is_hard {
                    v_reset.at(i)
                } else {
                    saturate(v.saturating_sub(v_threshold.at(i)))
                };
            }
            store(parts.v, i, half, v);
            if let Some(state) = decodes.get_mut(i) {
                *state = see(self.decode() == MEAN, *state, v, first);
            }
        }
    }

    /// What the decode reads of a neuron with membrane `v` after `steps` steps; `state` is that of its decode.
    pub(super) fn read_int(&self, v: i32, state: [u32; 2], steps: u32) -> i32 {
        let [max, min] = state.map(|x| x as i32);
        match self.decode() {
            _ if steps == 0 => 0,
            1 => max,
            2 => i32::max_abs(max, min),
            MEAN => i32::mean(sum_of(state), steps),
            _ => v,
        }
    }

    /// Puts the membranes into their initial state: LIF neurons start at their reset potential.
    pub(super) fn reset_int(&self, v: &mut [u32]) {
        let v_reset = self.values(Parameter::VReset);
        let from_reset = self.kind() == kind::LIF && self.tag(Parameter::VReset) != tag::NONE;
        for i in 0..self.n_out() {
            let v_init = if from_reset { v_reset.at(i) } else { 0 };
            store(v, i, self.is_half(), v_init);
        }
    }
}

/// The place of mean-mem in [`crate::neuron::Decode::ALL`].
const MEAN: u32 = 3;

/// The state of a decode after it saw `v`: the largest and the smallest membrane, or their sum.
fn see(is_mean: bool, state: [u32; 2], v: i32, first: bool) -> [u32; 2] {
    if first {
        return if is_mean {
            words_of(i64::from(v))
        } else {
            [v as u32; 2]
        };
    }
    let [max, min] = state.map(|x| x as i32);
    if is_mean {
        words_of(sum_of(state).wrapping_add(i64::from(v)))
    } else {
        [max.max(v) as u32, min.min(v) as u32]
    }
}

const fn words_of(sum: i64) -> [u32; 2] {
    [sum as u32, (sum >> 32) as u32]
}

/// The sum in the state of a decode.
const fn sum_of([low, high]: [u32; 2]) -> i64 {
    (high as i32 as i64) << 32 | low as i64
}

/// The first `n` values of 16 bits in `words`.
fn halves_mut(words: &mut [u32], n: usize) -> &mut [i16] {
    let all: &mut [i16] = bytemuck::cast_slice_mut(words);
    let n = n.min(all.len());
    all.get_mut(..n).unwrap_or(&mut [])
}
