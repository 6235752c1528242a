//! Counts with the counter of retired instructions of a RISC-V.

use riscv::register::minstret;

/// The counter `minstret`.
pub struct Counter {
    empty: u32,
}

impl Counter {
    /// Measures what measuring costs.
    #[must_use]
    pub fn new() -> Self {
        let mut counter = Self { empty: 0 };
        // The first reading of an emulated counter may be far off.
        let cost = |counter: &mut Self| counter.measure(|| ()).unwrap_or(u32::MAX);
        let costs = [cost(&mut counter), cost(&mut counter), cost(&mut counter)];
        counter.empty = costs.into_iter().min().unwrap_or(0);
        counter
    }

    /// Instructions that `work` takes; none if they are more than 32 bits hold.
    #[inline(never)]
    pub fn measure(&mut self, work: impl FnOnce()) -> Option<u32> {
        let before = minstret::read64();
        work();
        let after = minstret::read64();
        let taken = u32::try_from(after.wrapping_sub(before)).ok()?;
        Some(taken.saturating_sub(self.empty))
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}
