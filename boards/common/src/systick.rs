//! Counts with the 24-bit SysTick timer of a Cortex-M.

use cortex_m::peripheral::{SYST, syst::SystClkSource};

/// SysTick, counting core clocks.
pub struct Counter {
    syst: SYST,
    empty: u32,
}

const MAX: u32 = 0x00ff_ffff;

impl Counter {
    /// Starts the timer and measures what measuring costs.
    #[must_use]
    pub fn new(mut syst: SYST) -> Self {
        syst.set_clock_source(SystClkSource::Core);
        syst.set_reload(MAX);
        syst.clear_current();
        syst.enable_counter();
        let mut counter = Self { syst, empty: 0 };
        counter.empty = counter.measure(|| ()).unwrap_or(0);
        counter
    }

    /// Ticks that `work` takes; none if the timer wrapped.
    #[inline(never)]
    pub fn measure(&mut self, work: impl FnOnce()) -> Option<u32> {
        self.syst.clear_current();
        let before = SYST::get_current();
        work();
        let after = SYST::get_current();
        // Reading the flag clears it, and so does clearing the count: it speaks of this measurement.
        if self.syst.has_wrapped() {
            return None;
        }
        Some((before.wrapping_sub(after) & MAX).saturating_sub(self.empty))
    }
}
