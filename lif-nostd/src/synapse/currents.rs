//! Currents of integer neurons from spikes, through the kernels (`docs/dynamics.md`, section 4.1).

use super::{BLOCK, Linear, Weight, shift_to_i16};
use crate::kernel::{self, CHUNK, Row};
use crate::spikes::Spikes;

/// How the sums of a layer are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// In 16 bits modulo 2^16: exact where the overflow certificate fits 16 bits.
    Lanes,
    /// In 32 bits.
    Wide,
}

impl Sums {
    /// 32-bit words that the sums of `padded` outputs, whole blocks, take.
    #[must_use]
    pub const fn words(self, padded: usize) -> usize {
        match self {
            Self::Lanes => padded / 2,
            Self::Wide => padded,
        }
    }
}

impl Linear<'_, u8> {
    /// The currents of i16 neurons: `sat16((sum + bias) * 2^shift)`, one an output, for whole blocks.
    ///
    /// `bias` is in units of the sum, one an output, in whole blocks of 16; `sums` has [`Sums::words`] words for as
    /// many outputs. The currents come to lie in its first half words, in the order of the outputs. The kernels of the
    /// target do it where weights, `bias` and `sums` are so and the weights start at a multiple of 4, as in a model
    /// file; any others give the same currents, slowly.
    pub fn currents_i16(
        &self,
        spikes: Spikes<'_>,
        bias: &[i32],
        shift: i8,
        kind: Sums,
        sums: &mut [u32],
    ) {
        let fits = sums.len() == kind.words(bias.len());
        match (self.rows(bias), kind) {
            (Some(rows), Sums::Lanes) if fits => {
                let (lanes, _) = sums.as_chunks_mut();
                let list = &mut [0; CHUNK];
                kernel::currents_i16(rows, self.n_in(), spikes, bias, shift, list, lanes);
            }
            (Some(_), Sums::Wide) if fits => {
                self.sums(spikes, bias, sums);
                narrow(sums, shift);
            }
            _ => self.currents_of_any(spikes, bias, shift, sums),
        }
    }

    /// The weights as the kernels take them: whole blocks for all of `bias`, at a multiple of 4. A model file's are so.
    fn rows(&self, bias: &[i32]) -> Option<&[Row]> {
        let n = bias.len().checked_mul(self.n_in())?;
        let whole = bias.len().is_multiple_of(BLOCK) && (1..=1 << 16).contains(&self.n_in());
        let weights = self.weights().get(..n).filter(|_| whole)?;
        bytemuck::try_cast_slice(weights).ok()
    }

    /// The currents from slices of any length and place, by the definition; 0 where there is no bias.
    fn currents_of_any(&self, spikes: Spikes<'_>, bias: &[i32], shift: i8, sums: &mut [u32]) {
        sums.fill(0);
        let currents: &mut [i16] = bytemuck::must_cast_slice_mut(sums);
        let (currents, _) = currents.as_chunks_mut::<BLOCK>();
        let mut blocks = self.blocks();
        for (currents, bias) in currents.iter_mut().zip(bias.chunks(BLOCK)) {
            let rows = blocks.next().and_then(|rows| rows.get(..self.n_in()));
            let rows = rows.unwrap_or(&[]);
            for (o, (current, bias)) in currents.iter_mut().zip(bias).enumerate() {
                let weight = |i: usize| Some(*rows.get(i)?.get(o)?);
                let weights = spikes.indices().filter_map(weight);
                let sum = weights.fold(*bias, |sum, w| w.add_to(sum));
                *current = shift_to_i16(sum, shift);
            }
        }
    }

    /// The sums of the weights of the inputs that spiked, and the bias, as i32 in `sums`, for whole blocks.
    pub fn sums(&self, spikes: Spikes<'_>, bias: &[i32], sums: &mut [u32]) {
        for (sum, bias) in sums.iter_mut().zip(bias) {
            *sum = *bias as u32;
        }
        match self.rows(bias) {
            Some(rows) => {
                let (list, lanes) = (&mut [0; CHUNK], &mut [[0; 8]]);
                kernel::sums(rows, self.n_in(), spikes, list, lanes, sums);
            }
            None => self.add_spikes(spikes, bytemuck::must_cast_slice_mut(sums)),
        }
    }
}

/// Sums of 32 bits to currents of 16, in the first half of `sums`.
fn narrow(sums: &mut [u32], shift: i8) {
    let mut pairs = 0;
    // Current i goes where sum i / 2 was, which was read before.
    while let Some([low, high]) = sums.get(2 * pairs..).and_then(|s| s.first_chunk()) {
        let pair = [*low, *high].map(|sum| shift_to_i16(sum as i32, shift));
        if let Some(slot) = sums.get_mut(pairs) {
            *slot = pack(pair[0], pair[1]);
        }
        pairs += 1;
    }
}

const fn pack(low: i16, high: i16) -> u32 {
    low as u16 as u32 | (high as u16 as u32) << 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_that_no_kernel_takes_give_the_same_currents() {
        #[repr(align(16))]
        struct Aligned([u8; 3 * 32 + 1]);
        let w = Aligned(core::array::from_fn(|i| (i * 37 % 251) as u8));
        let bias: [i32; 32] = core::array::from_fn(|i| i as i32 * 3 - 20);
        let spikes = Spikes::new(&[0b101], 3);
        let currents = |from: usize, n_in, bias: &[i32], words: usize| {
            // The same weights, wherever they start.
            let mut moved = Aligned([0; 97]);
            moved.0[from..from + 96].copy_from_slice(&w.0[..96]);
            let mut sums = [9u32; 32];
            let linear = Linear::new(n_in, &moved.0[from..from + 96]);
            linear.currents_i16(spikes, bias, 0, Sums::Lanes, &mut sums[..words]);
            sums
        };
        let want = currents(0, 3, &bias, 16);
        assert_eq!(currents(1, 3, &bias, 16)[..16], want[..16]);
        // No room for the second half, or no bias for it: the first half, and 0.
        assert_eq!(currents(0, 3, &bias, 8)[..8], want[..8]);
        assert_eq!(currents(0, 3, &bias[..16], 16)[..8], want[..8]);
        assert_eq!(currents(0, 3, &bias[..16], 16)[8..16], [0; 8]);
        // Without inputs the bias alone.
        let alone = currents(0, 0, &bias, 16);
        let alone: &[i16] = bytemuck::cast_slice(&alone[..16]);
        assert!(alone.iter().zip(bias).all(|(c, b)| i32::from(*c) == b));
    }

    /// Currents by the definition.
    fn naive(w: &[u8], n_in: usize, on: &[bool], bias: &[i32], shift: i8) -> [i16; 2 * BLOCK] {
        core::array::from_fn(|o| {
            let sum: i32 = (0..n_in)
                .filter(|i| on[*i])
                .map(|i| i32::from(w[((o / 16) * n_in + i) * 16 + o % 16]) - 128)
                .sum();
            shift_to_i16(sum + bias[o], shift)
        })
    }

    #[test]
    fn both_sums_are_those_of_the_definition() {
        #[repr(align(16))]
        struct Aligned([u8; 300 * 32]);
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        for n_in in [1, 2, 31, 64, 65, 200, 300] {
            for percent in [0, 3, 50, 100] {
                let mut w = Aligned([0; 300 * 32]);
                // Sums of up to 300 weights of at most 100 fit 16 bits.
                w.0.fill_with(|| (28 + random() % 201) as u8);
                let bias: [i32; 32] = core::array::from_fn(|_| random() as i32 % 2000 - 1000);
                let on: [bool; 300] = core::array::from_fn(|_| random() % 100 < percent);
                let mut words = [0u32; 10];
                for i in (0..n_in).filter(|i| on[*i]) {
                    words[i / 32] |= 1 << (i % 32);
                }
                let linear = Linear::new(n_in, &w.0[..n_in * 32]);
                for shift in [-3, 0, 2] {
                    let want = naive(&w.0, n_in, &on, &bias, shift);
                    for kind in [Sums::Lanes, Sums::Wide] {
                        let mut sums = [7u32; 32];
                        let spikes = Spikes::new(&words, n_in);
                        let sums = &mut sums[..kind.words(32)];
                        linear.currents_i16(spikes, &bias, shift, kind, sums);
                        let got: &[i16] = bytemuck::cast_slice(sums);
                        assert_eq!(got[..32], want, "{n_in} inputs, {percent} %, {kind:?}");
                    }
                }
            }
        }
    }
}
