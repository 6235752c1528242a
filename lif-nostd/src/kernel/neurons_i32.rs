//! Populations of i32 LIF neurons (`docs/dynamics.md`, section 3).

use crate::neuron::Lif;
use crate::scalar::scale;

impl Lif<i32> {
    /// One time step of a population: the bits of [`Lif::step_all`], by the kernel of the target where the input is
    /// not divided by tau and the leak is towards 0, as in a deployed network. `v` and `c` hold a membrane and a
    /// current a neuron, `spikes` gets one bit a neuron.
    pub fn step_block(&self, v: &mut [i32], c: &[i32], spikes: &mut [u32]) {
        if self.decay_input || self.leak.pull != 0 || self.leak.a > 1 << 16 {
            return self.step_all(v, c.iter().copied(), spikes);
        }
        let k = Constants {
            leak: self.leak.a,
            v_threshold: self.v_threshold,
            v_reset: self.v_reset,
        };
        step(&k, v, c, spikes);
    }
}

/// Constants of i32 neurons.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constants {
    /// Leak factor `a`, at most 65536.
    pub(crate) leak: u32,
    /// Threshold.
    pub(crate) v_threshold: i32,
    /// Membrane after a spike; none for a soft reset.
    pub(crate) v_reset: Option<i32>,
}

/// One time step of i32 neurons with membranes `v` and currents `c`: `spikes` gets one bit a neuron.
pub(crate) fn step(k: &Constants, v: &mut [i32], c: &[i32], spikes: &mut [u32]) {
    #[cfg(lif_kernel = "dsp")]
    let done = super::arch::step_words_i32(k, v, c, spikes);
    #[cfg(not(lif_kernel = "dsp"))]
    let done = 0;
    let mut v = v.get_mut(32 * done..).unwrap_or(&mut []).chunks_mut(32);
    let mut c = c.get(32 * done..).unwrap_or(&[]).chunks(32);
    for word in spikes.get_mut(done..).unwrap_or(&mut []) {
        *word = match (v.next(), c.next()) {
            (Some(v), Some(c)) => step_word(k, v, c),
            _ => 0,
        };
    }
}

/// The same for whole words of 32 neurons, where that is worth its code: false where it is not, and nothing was done.
pub(crate) fn step_words(k: &Constants, v: &mut [i32], c: &[i32], spikes: &mut [u32]) -> bool {
    if cfg!(any(lif_kernel = "small", lif_kernel = "riscv")) {
        return false;
    }
    #[cfg(lif_kernel = "dsp")]
    return super::arch::step_words_i32(k, v, c, spikes) == spikes.len();
    #[cfg(not(lif_kernel = "dsp"))]
    {
        step(k, v, c, spikes);
        true
    }
}

/// One time step of up to 32 neurons with membranes `v` and currents `c`: their spikes, neuron 0 in the lowest bit.
fn step_word(k: &Constants, v: &mut [i32], c: &[i32]) -> u32 {
    let mut bits = 0;
    let mut bit = 1u32;
    for (v, c) in v.iter_mut().zip(c) {
        let mut h = scale(k.leak, *v).saturating_add(*c);
        if h >= k.v_threshold {
            bits |= bit;
            h = match k.v_reset {
                Some(v_reset) => v_reset,
                None => h.saturating_sub(k.v_threshold),
            };
        }
        *v = h;
        bit <<= 1;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::FixedLeak;

    #[test]
    fn words_step_like_neurons() {
        let mut state = 7u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as i32
        };
        const EXTREMES: [i32; 8] = [i32::MIN, i32::MIN + 1, -65536, -1, 0, 1, 65535, i32::MAX];
        for leak in [0, 1, 20_000, 32_767, 32_768, 47_841, 65_535, 65_536] {
            for v_reset in [Some(0), Some(-123_456), Some(i32::MIN), None] {
                for v_threshold in [i32::MIN, 0, random() / 2, i32::MAX] {
                    let k = Constants {
                        leak,
                        v_threshold,
                        v_reset,
                    };
                    let lif = Lif::<i32> {
                        leak: FixedLeak::to_zero(leak),
                        v_threshold,
                        v_reset,
                        decay_input: false,
                    };
                    let mut v: [i32; 70] = core::array::from_fn(|_| random());
                    let mut c: [i32; 70] = core::array::from_fn(|_| random());
                    for i in 0..64 {
                        v[i] = EXTREMES[i % 8];
                        c[i] = EXTREMES[i / 8];
                    }
                    let (mut got, mut want) = (v, v);
                    let mut spikes = [!0u32; 4];
                    step(&k, &mut got, &c, &mut spikes);
                    for i in 0..70 {
                        let fired = lif.step(&mut want[i], c[i]);
                        assert_eq!(spikes[i / 32] >> (i % 32) & 1 == 1, fired, "{k:?} {i}");
                    }
                    assert_eq!(got, want, "{k:?}");
                    assert_eq!((spikes[2] >> 6, spikes[3]), (0, 0));
                }
            }
        }
    }
}
