//! Bit-packed spike vectors: 32 neurons a word, neuron 0 in the lowest bit of word 0.

/// A borrowed vector of spikes, one bit a neuron.
///
/// Bits past the last neuron do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Spikes<'a> {
    words: &'a [u32],
    len: usize,
}

/// Words that hold the spikes of `n` neurons.
#[inline]
#[must_use]
pub const fn words_for(n: usize) -> usize {
    n.div_ceil(32)
}

impl<'a> Spikes<'a> {
    /// The spikes of `len` neurons in `words`. Missing words read as silence.
    #[must_use]
    pub const fn new(words: &'a [u32], len: usize) -> Self {
        Self { words, len }
    }

    /// The packed words, little end first.
    #[must_use]
    pub const fn words(&self) -> &'a [u32] {
        self.words
    }

    /// Number of neurons.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no neurons at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether neuron `i` spiked; false past the end.
    #[must_use]
    pub fn get(&self, i: usize) -> bool {
        let word = self.words.get(i / 32);
        i < self.len && word.is_some_and(|w| w >> (i % 32) & 1 == 1)
    }

    /// Number of neurons that spiked.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.indices().fold(0, |n, _| n.wrapping_add(1))
    }

    /// The indices of the neurons that spiked, ascending.
    pub fn indices(&self) -> impl Iterator<Item = usize> + 'a {
        let mut words = self.words.iter().enumerate();
        let mut base = 0;
        let mut rest = 0u32;
        let len = self.len;
        core::iter::from_fn(move || {
            while rest == 0 {
                let (i, w) = words.next()?;
                base = i * 32;
                rest = *w;
            }
            let i = base + rest.trailing_zeros() as usize;
            rest &= rest - 1;
            (i < len).then_some(i)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_ascending_and_complete() {
        let words = [0x8000_0001, 0, 0x10];
        let s = Spikes::new(&words, 96);
        let mut it = s.indices();
        assert_eq!(
            [it.next(), it.next(), it.next(), it.next()],
            [Some(0), Some(31), Some(68), None]
        );
        assert_eq!(s.count(), 3);
        assert!(s.get(31) && s.get(68) && !s.get(1) && !s.get(1000));
        assert!(!Spikes::new(&words, 68).get(68));
    }
}
