//! Counter-based random numbers: a value is a function of (seed, stream, index) alone, so that draws do not
//! depend on their order and the state to resume from is a counter.

/// One stream of random numbers of a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: u64,
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection that mixes all 64 bits.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What draws from which stream of a seed: each purpose has 2^32 streams of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Initial weights; the number is that of the buffer.
    Init,
    /// Order of the samples; the number is the epoch.
    Shuffle,
    /// Random inputs of a cross-check; the number is the sample.
    Inputs,
    /// Input of a golden trace; the number is 0.
    Golden,
    /// What dropout leaves out; the number is the step of the optimiser, modulo 2^32.
    Dropout = 15,
}

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Stream {
    /// Stream `number` of `seed` for `purpose`.
    #[must_use]
    pub const fn of(seed: u64, purpose: Purpose, number: u32) -> Self {
        Self::new(seed, ((purpose as u64 + 1) << 32) | number as u64)
    }

    /// Stream number `stream` of `seed`.
    #[must_use]
    pub const fn new(seed: u64, stream: u64) -> Self {
        Self {
            key: mix(mix(seed.wrapping_add(GOLDEN_GAMMA)).wrapping_add(stream)),
        }
    }

    /// 64 random bits.
    #[must_use]
    pub const fn bits(&self, index: u64) -> u64 {
        mix(self
            .key
            .wrapping_add(index.wrapping_add(1).wrapping_mul(GOLDEN_GAMMA)))
    }

    /// Uniform in [0, 1), a multiple of 2^-24.
    #[must_use]
    pub fn unit(&self, index: u64) -> f32 {
        (self.bits(index) >> 40) as f32 / 16_777_216.0
    }

    /// Uniform in 0 .. `n`; 0 if `n` is 0. The bias is below n / 2^64.
    #[must_use]
    pub const fn below(&self, index: u64, n: u64) -> u64 {
        ((self.bits(index) as u128 * n as u128) >> 64) as u64
    }

    /// Shuffles `items` (Fisher-Yates), with draws 1 .. `items.len()`.
    pub fn shuffle<T>(&self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64, i as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let a: Vec<u64> = (0..8).map(|i| Stream::new(1, 0).bits(i)).collect();
        let b: Vec<u64> = (0..8).map(|i| Stream::new(1, 1).bits(i)).collect();
        assert_ne!(a, b);
        assert_eq!(
            a,
            (0..8)
                .map(|i| Stream::new(1, 0).bits(i))
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn unit_is_uniform() {
        let s = Stream::new(7, 3);
        let mean = (0..10_000).map(|i| f64::from(s.unit(i))).sum::<f64>() / 1e4;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!((0..10_000).all(|i| s.unit(i) < 1.0));
    }

    #[test]
    fn shuffle_is_a_permutation() {
        let mut items: Vec<usize> = (0..100).collect();
        Stream::new(0, 0).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
