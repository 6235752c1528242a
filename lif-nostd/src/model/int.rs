//! A time step of an integer layer (`docs/dynamics.md`, sections 3 and 4): currents from spikes or values, and the
//! neurons, by the kernels where they serve.

use super::arena::LIST_WORDS;
use super::view::{Parameter, Parts, View, kind, load, store, tag};
use crate::kernel::neurons::{self, HALF, TAKES_DOUBLED};
use crate::kernel::{currents_i16 as add_lanes, neurons_i32, step_words, sums as add_i8};
use crate::scalar::{Scalar, saturate_i16, scale};
use crate::spikes::Spikes;
use crate::synapse::{BLOCK, Weight, shift_to_i32};

impl View<'_> {
    /// The currents on the spikes `input` by sums of 16 bits: `sat(sum * 2^shift)`, twice that where [`View::doubled`].
    /// `scratch` is room for a list of spikes, a block, and the sums, where the currents come to lie.
    pub(super) fn currents_lanes(&self, input: Spikes<'_>, scratch: &mut [u32]) {
        let Some((list, sums)) = scratch.split_first_chunk_mut::<LIST_WORDS>() else {
            return;
        };
        let shift = self.shift().saturating_add(i8::from(self.doubled()));
        let (rows, _) = self.weights().as_chunks();
        let list = bytemuck::must_cast_slice_mut(list);
        let sums = sums.get_mut(..self.sum_words()).unwrap_or(&mut []);
        let (lanes, _) = sums.as_chunks_mut();
        let bias = bytemuck::must_cast_slice(self.bias());
        add_lanes(rows, self.n_in(), input, bias, shift, list, lanes);
    }

    /// The sums of 32 bits on the spikes `input` through weights of 8 bits.
    pub(super) fn sums_i8(&self, input: Spikes<'_>, scratch: &mut [u32]) {
        let Some((list, sums)) = scratch.split_first_chunk_mut::<LIST_WORDS>() else {
            return;
        };
        let Some((lanes, list)) = list.split_first_chunk_mut() else {
            return;
        };
        let (rows, _) = self.weights().as_chunks();
        let list = bytemuck::must_cast_slice_mut(list);
        let sums = sums.get_mut(..self.padded()).unwrap_or(&mut []);
        self.copy_bias(sums);
        let lanes = core::array::from_mut(lanes);
        add_i8(rows, self.n_in(), input, list, lanes, sums);
    }

    /// The same through weights of 16 bits.
    #[cfg(feature = "i16-weights")]
    pub(super) fn sums_i16(&self, input: Spikes<'_>, scratch: &mut [u32]) {
        let sums = scratch.get_mut(LIST_WORDS..).unwrap_or(&mut []);
        self.copy_bias(sums);
        let weights: &[i16] = bytemuck::must_cast_slice(self.weights());
        let mut blocks = sums.as_chunks_mut::<BLOCK>().0.iter_mut();
        self.each_block(weights.as_chunks().0, |_, rows, _| {
            let Some(sums) = blocks.next() else { return };
            for row in input.indices().filter_map(|i| rows.get(i)) {
                for (sum, w) in sums.iter_mut().zip(row) {
                    *sum = Weight::add_to(*w, *sum as i32) as u32;
                }
            }
        });
    }

    /// Sums to currents, in their place; currents of 16 bits come to lie in the first half.
    pub(super) fn narrow(&self, sums: &mut [u32]) {
        let shift = self.shift().saturating_add(i8::from(self.doubled()));
        for i in 0..self.padded() {
            // Current i goes where sum i / 2 was, which was read before, or to its own place.
            self.put_current(sums, i, load(sums, i, false), shift);
        }
    }

    /// The neurons that a kernel steps, on the currents `c`, twice what they stand for where `doubled`: how many they
    /// are.
    pub(super) fn fire_words(&self, c: &[u32], doubled: bool, parts: Parts<'_>) -> usize {
        let words = self.n_out() / 32;
        let n = words << 5;
        if words == 0 || !self.is_uniform() {
            return 0;
        }
        let spikes = parts.spikes.get_mut(..words).unwrap_or(&mut []);
        let stepped = if self.is_half() {
            let k = self.constants_i16();
            let v: &mut [i16] = bytemuck::must_cast_slice_mut(parts.v);
            let c: &[i16] = bytemuck::must_cast_slice(c);
            let v = v.get_mut(..n).unwrap_or(&mut []);
            step_words(&k, v, c.get(..n).unwrap_or(&[]), spikes, doubled)
        } else {
            let k = neurons_i32::Constants {
                leak: self.value(Parameter::Leak),
                v_threshold: self.value(Parameter::VThreshold) as i32,
                v_reset: self.v_reset(),
            };
            let v: &mut [i32] = bytemuck::must_cast_slice_mut(parts.v);
            let c: &[i32] = bytemuck::must_cast_slice(c);
            let v = v.get_mut(..n).unwrap_or(&mut []);
            neurons_i32::step_words(&k, v, c.get(..n).unwrap_or(&[]), spikes)
        };
        if stepped { n } else { 0 }
    }

    /// The constants of i16 neurons that share them.
    fn constants_i16(&self) -> neurons::Constants {
        neurons::Constants {
            leak: self.value(Parameter::Leak),
            v_threshold: self.value(Parameter::VThreshold) as i16,
            v_reset: self.v_reset().map(|v| v as i16),
        }
    }

    /// Whether currents from spikes are computed as twice what they are, which saves time on some cores: where the leak
    /// factor is 1/2 and twice each current fits 16 bits.
    pub(super) fn doubled(&self) -> bool {
        let shift = self.shift();
        TAKES_DOUBLED
            && (0..15).contains(&shift)
            && self.max_sum <= (i16::MAX as u32 / 2) >> shift as u32
            && self.is_half()
            && self.is_uniform()
            && self.value(Parameter::Leak) == HALF
    }

    fn copy_bias(&self, sums: &mut [u32]) {
        for (sum, bias) in sums.iter_mut().zip(self.bias()) {
            *sum = *bias;
        }
    }

    /// Puts the current that `sum` makes into place `i` of `currents`.
    #[inline(always)]
    fn put_current(&self, currents: &mut [u32], i: usize, sum: i32, shift: i8) {
        let current = self.saturate(shift_to_i32(sum, shift));
        store(currents, i, self.is_half(), current);
    }

    /// The nearest value that a membrane can have.
    fn saturate(&self, x: i32) -> i32 {
        if self.is_half() {
            i32::from(saturate_i16(x))
        } else {
            x
        }
    }

    /// The currents on the values `x`, or without input, into `held`.
    pub(super) fn hold_int(&self, x: &[i8], held: &mut [u32]) {
        if self.has_i8() || !cfg!(feature = "i16-weights") {
            let weights: &[u8] = bytemuck::must_cast_slice(self.weights());
            self.hold(weights, x, held);
        } else {
            let weights: &[i16] = bytemuck::must_cast_slice(self.weights());
            self.hold(weights, x, held);
        }
    }

    fn hold<W: Weight<Sum = i32, Input = i8>>(&self, weights: &[W], x: &[i8], held: &mut [u32]) {
        self.each_block(weights.as_chunks().0, |block, rows, bias| {
            for i in 0..BLOCK {
                let mut sum = bias.get(i).map_or(0, |b| *b as i32);
                for (row, x) in rows.iter().zip(x) {
                    if let Some(w) = row.get(i) {
                        sum = w.weigh_to(*x, sum);
                    }
                }
                self.put_current(held, block * BLOCK + i, sum, self.shift());
            }
        });
    }

    /// Calls `f` with the number, the rows and the biases of each block.
    fn each_block<W>(
        &self,
        mut rows: &[[W; BLOCK]],
        mut f: impl FnMut(usize, &[[W; BLOCK]], &[u32; BLOCK]),
    ) {
        let (bias, _) = self.bias().as_chunks();
        for (i, bias) in bias.iter().enumerate() {
            let Some((block, behind)) = rows.split_at_checked(self.n_in()) else {
                return;
            };
            f(i, block, bias);
            rows = behind;
        }
    }

    /// The i16 neurons that share their parameters from `done`, a multiple of 32, on: those of a word that is not whole.
    pub(super) fn fire_rest(&self, done: usize, c: &[u32], doubled: bool, parts: Parts<'_>) {
        let v: &mut [i16] = bytemuck::must_cast_slice_mut(parts.v);
        let c: &[i16] = bytemuck::must_cast_slice(c);
        let v = v.get_mut(done..self.n_out()).unwrap_or(&mut []);
        let c = c.get(done..).unwrap_or(&[]);
        let spikes = parts.spikes.get_mut(done / 32..).unwrap_or(&mut []);
        neurons::step_portable(&self.constants_i16(), v, c, spikes, doubled);
    }

    /// The neurons from `done`, a multiple of 32, on, one by one: those that no kernel steps.
    pub(super) fn fire_each(&self, done: usize, currents: &[u32], parts: Parts<'_>, first: bool) {
        let half = self.is_half();
        let leak = self.values(Parameter::Leak);
        let v_threshold = self.values(Parameter::VThreshold);
        let v_reset = self.values(Parameter::VReset);
        let is_hard = self.tag(Parameter::VReset) != tag::NONE;
        let spikes = self.kind() != kind::NON_SPIKING_LIF;
        for word in parts.spikes.iter_mut().skip(done / 32) {
            *word = 0;
        }
        let (decodes, _) = parts.decodes.as_chunks_mut::<2>();
        for i in done..self.n_out() {
            let c = load(currents, i, half);
            let h = scale(leak.at(i) as u32, load(parts.v, i, half)).saturating_add(c);
            let mut v = self.saturate(h);
            if spikes && v >= v_threshold.at(i) {
                if let Some(word) = parts.spikes.get_mut(i / 32) {
                    *word |= 1 << (i % 32);
                }
                v = if is_hard {
                    v_reset.at(i)
                } else {
                    self.saturate(v.saturating_sub(v_threshold.at(i)))
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
