//! Poisson encoding: in every time step a spike with a probability.

use super::{intensity_u8, pack};

/// Spikes of one sample, at random, whose probability in a step is the intensity.
///
/// A draw is a function of (seed, sample, step, channel) alone: the CPU, a GPU and a chip draw the same, in any order.
/// There is no state.
///
/// ```text
/// (r0, r1, r2, r3) = pcg4d(seed, sample, step, channel / 4)
/// spike            = (r[channel mod 4] >> 8) < intensity
/// ```
///
/// pcg4d is the hash of M. Jarzynski and M. Olano, "Hash Functions for GPU Rendering", Journal of Computer Graphics
/// Techniques 9(3), 2020: twelve 32-bit multiplications, of which the low halves count, for four channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Poisson {
    /// Seed of all samples.
    pub seed: u32,
    /// Number of the sample.
    pub sample: u32,
}

impl Poisson {
    /// Sample number `sample` of `seed`.
    #[must_use]
    pub const fn new(seed: u32, sample: u32) -> Self {
        Self { seed, sample }
    }

    /// The 24 random bits of `channel` in time step `step`, from 0.
    #[must_use]
    pub const fn draw(&self, step: u32, channel: u32) -> u32 {
        let [a, b, c, d] = pcg4d([self.seed, self.sample, step, channel / 4]);
        let word = match channel % 4 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
        word >> 8
    }

    /// Writes the spikes of step `step`, from 0: channel i spikes with the probability `intensities[i]` / 2^24.
    pub fn encode(&self, step: u32, intensities: &[u32], spikes: &mut [u32]) {
        self.encode_each(step, intensities.iter().copied(), spikes);
    }

    /// Writes the spikes of step `step`, from 0: channel i spikes with the probability `values[i]` / 255, to within
    /// 2^-25.
    pub fn encode_u8(&self, step: u32, values: &[u8], spikes: &mut [u32]) {
        self.encode_each(step, values.iter().map(|x| intensity_u8(*x)), spikes);
    }

    fn encode_each(
        &self,
        step: u32,
        mut intensities: impl Iterator<Item = u32>,
        spikes: &mut [u32],
    ) {
        let mut block = 0u32;
        let draws = core::iter::repeat_with(|| {
            let draws = pcg4d([self.seed, self.sample, step, block]);
            block = block.wrapping_add(1);
            draws
        });
        let mut draws = draws.flatten();
        let bits = core::iter::from_fn(|| {
            // Silent channels behind the last one draw nothing.
            let intensity = intensities.next()?;
            Some(draws.next()?.wrapping_shr(8) < intensity)
        });
        pack(bits, spikes);
    }
}

/// The hash pcg4d, all arithmetic modulo 2^32.
const fn pcg4d(v: [u32; 4]) -> [u32; 4] {
    const fn start(x: u32) -> u32 {
        x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
    }
    const fn round([mut x, mut y, mut z, mut w]: [u32; 4]) -> [u32; 4] {
        x = x.wrapping_add(y.wrapping_mul(w));
        y = y.wrapping_add(z.wrapping_mul(x));
        z = z.wrapping_add(x.wrapping_mul(y));
        w = w.wrapping_add(y.wrapping_mul(z));
        [x, y, z, w]
    }
    let [x, y, z, w] = v;
    let [x, y, z, w] = round([start(x), start(y), start(z), start(w)]);
    round([x ^ (x >> 16), y ^ (y >> 16), z ^ (z >> 16), w ^ (w >> 16)])
}
