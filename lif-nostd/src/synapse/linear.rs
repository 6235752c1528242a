//! Fully connected synapses, weights input-major in blocks of 16 outputs (`docs/format.md`, section 6).

use crate::spikes::Spikes;

/// Outputs in a block of weights.
pub const BLOCK: usize = 16;

/// A weight as it lies in the file, and the sum that it goes into.
pub trait Weight: Copy {
    /// The type of the sums.
    type Sum: Copy;
    /// A real-valued input.
    type Input: Copy;

    /// `sum + weight`.
    fn add_to(self, sum: Self::Sum) -> Self::Sum;
    /// `sum + weight * x`.
    fn weigh_to(self, x: Self::Input, sum: Self::Sum) -> Self::Sum;
}

/// An i8 weight w, stored offset-binary as w + 128. Sums are 32-bit integers.
impl Weight for u8 {
    type Sum = i32;
    type Input = i8;

    #[inline]
    fn add_to(self, sum: i32) -> i32 {
        sum.wrapping_add(i32::from(self)).wrapping_sub(128)
    }

    #[inline]
    fn weigh_to(self, x: i8, sum: i32) -> i32 {
        let w = i32::from(self).wrapping_sub(128);
        sum.wrapping_add(w.wrapping_mul(i32::from(x)))
    }
}

impl Weight for f32 {
    type Sum = f32;
    type Input = f32;

    #[inline]
    fn add_to(self, sum: f32) -> f32 {
        sum + self
    }

    #[inline]
    fn weigh_to(self, x: f32, sum: f32) -> f32 {
        sum + self * x
    }
}

/// Fully connected synapses from `n_in` inputs to the outputs of whole blocks.
///
/// The weight of input `i` to output `o` is `weights[((o / 16) * n_in + i) * 16 + o % 16]`; outputs that pad
/// the last block have weight zero.
#[derive(Clone, Copy, Debug)]
pub struct Linear<'m, W> {
    n_in: usize,
    weights: &'m [W],
}

impl<'m, W: Weight> Linear<'m, W> {
    /// Synapses from `n_in` inputs. A trailing part of a block in `weights` is never used.
    #[must_use]
    pub const fn new(n_in: usize, weights: &'m [W]) -> Self {
        Self { n_in, weights }
    }

    /// Inputs.
    pub(super) const fn n_in(&self) -> usize {
        self.n_in
    }

    /// The weights, as they lie in the file.
    pub(super) const fn weights(&self) -> &'m [W] {
        self.weights
    }

    /// The weights of each block of 16 outputs: one row of 16 an input.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &'m [[W; BLOCK]]> {
        let (rows, _) = self.weights.as_chunks::<BLOCK>();
        // A network without inputs has no rows; chunks of 0 would be an error.
        rows.chunks_exact(self.n_in.max(1))
    }

    /// The synapses to each block of 16 outputs.
    #[cfg(feature = "f32")]
    pub(crate) fn each(&self) -> impl Iterator<Item = Self> {
        let n_in = self.n_in;
        self.blocks()
            .map(move |rows| Self::new(n_in, rows.as_flattened()))
    }

    /// Adds the weights of the inputs that spiked to `sums`, in ascending order of the inputs.
    ///
    /// `sums` holds one sum an output, in whole blocks of 16.
    pub fn add_spikes(&self, spikes: Spikes<'_>, sums: &mut [W::Sum]) {
        let (sums, _) = sums.as_chunks_mut::<BLOCK>();
        for (rows, out) in self.blocks().zip(sums) {
            let mut local = *out;
            for i in spikes.indices() {
                if let Some(row) = rows.get(i) {
                    for (sum, w) in local.iter_mut().zip(row) {
                        *sum = w.add_to(*sum);
                    }
                }
            }
            *out = local;
        }
    }

    /// Adds the weighted real-valued inputs `x` to `sums`, in ascending order of the inputs.
    ///
    /// `sums` holds one sum an output, in whole blocks of 16.
    pub fn add_values(&self, x: &[W::Input], sums: &mut [W::Sum]) {
        let (sums, _) = sums.as_chunks_mut::<BLOCK>();
        for (rows, out) in self.blocks().zip(sums) {
            let mut local = *out;
            for (row, x) in rows.iter().zip(x) {
                for (sum, w) in local.iter_mut().zip(row) {
                    *sum = w.weigh_to(*x, *sum);
                }
            }
            *out = local;
        }
    }
}

/// `sat16(sum * 2^k)`: a left shift is exact, a right shift rounds down.
#[inline]
#[must_use]
pub fn shift_to_i16(sum: i32, k: i8) -> i16 {
    use crate::scalar::saturate_i16;
    if k < 0 {
        let right = u32::from(k.unsigned_abs()).min(31);
        saturate_i16(sum >> right)
    } else {
        // Clamped first, so that nothing is shifted out of 32 bits.
        let left = u32::from(k.unsigned_abs()).min(15);
        let low = i32::from(i16::MIN) >> left;
        let high = i32::from(i16::MAX) >> left;
        if sum > high {
            i16::MAX
        } else if sum < low {
            i16::MIN
        } else {
            (sum << left) as i16
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_saturates_exactly() {
        for k in -31..=15i8 {
            for sum in [
                i32::MIN,
                -65537,
                -32769,
                -32768,
                -5,
                -1,
                0,
                1,
                3,
                4095,
                4096,
                32767,
                32768,
                i32::MAX,
            ] {
                let wide = if k < 0 {
                    i64::from(sum) >> -i32::from(k)
                } else {
                    i64::from(sum) << k
                };
                let want = wide.clamp(-32768, 32767) as i16;
                assert_eq!(shift_to_i16(sum, k), want, "{sum} {k}");
            }
        }
    }

    #[test]
    fn spikes_add_their_rows() {
        // Two inputs, 16 outputs: w[i][o] = 10 * i + o - 5.
        let weights: [u8; 32] =
            core::array::from_fn(|j| (128 + 10 * (j / 16) as i32 + (j % 16) as i32 - 5) as u8);
        let linear = Linear::new(2, &weights);
        let mut sums = [1i32; 16];
        linear.add_spikes(Spikes::new(&[0b10], 2), &mut sums);
        assert_eq!(sums[0], 1 + 10 - 5);
        assert_eq!(sums[15], 1 + 10 + 15 - 5);
        let mut sums = [0i32; 16];
        linear.add_values(&[-128, 127], &mut sums);
        assert_eq!(sums[3], -128 * (3 - 5) + 127 * (10 + 3 - 5));
    }
}
