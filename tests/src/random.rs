//! Draws from a stream, one after the other.

use lif_host::rng::Stream;

/// A stream with its place in it.
#[derive(Clone, Debug)]
pub struct Random {
    stream: Stream,
    next: u64,
}

impl Random {
    /// Stream `number` of `seed`, from its start.
    #[must_use]
    pub const fn new(seed: u64, number: u64) -> Self {
        let stream = Stream::new(seed, number);
        Self { stream, next: 0 }
    }

    /// 0 to `n - 1`; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.next += 1;
        self.stream.below(self.next, n.max(1) as u64) as usize
    }

    /// 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.next += 1;
        self.stream.bits(self.next) as u32
    }

    /// Whether something happens that happens once in `n` times.
    pub fn is_one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of `these`, none where there are none.
    pub fn of<T: Copy>(&mut self, these: &[T]) -> Option<T> {
        these.get(self.below(these.len())).copied()
    }

    /// From `low` to `high`, a multiple of 2^-10 where these are.
    pub fn dyadic(&mut self, low: f32, high: f32) -> f32 {
        let steps = ((high - low) * 1024.0) as usize + 1;
        low + self.below(steps) as f32 / 1024.0
    }
}
