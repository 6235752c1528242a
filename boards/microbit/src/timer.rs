//! Counts with TIMER0: the nRF51's core has no SysTick.

use nrf51_hal::pac::TIMER0;

/// TIMER0, counting the 16 MHz of the core in 32 bits.
pub struct Counter {
    timer: TIMER0,
    empty: u32,
}

impl Counter {
    /// Starts the timer and measures what measuring costs.
    #[allow(unsafe_code, reason = "registers")]
    pub fn new(timer: TIMER0) -> Self {
        timer.bitmode.write(|w| w.bitmode()._32bit());
        // SAFETY: 0 is in the register's range, 0 to 9.
        timer.prescaler.write(|w| unsafe { w.bits(0) });
        // SAFETY: a task is started by writing 1.
        timer.tasks_start.write(|w| unsafe { w.bits(1) });
        let mut counter = Self { timer, empty: 0 };
        counter.empty = counter.measure(|| ());
        counter
    }

    /// Ticks that `work` takes, modulo 2^32, which is 268 s.
    #[inline(never)]
    pub fn measure(&mut self, work: impl FnOnce()) -> u32 {
        let before = self.now();
        work();
        let after = self.now();
        after.wrapping_sub(before).saturating_sub(self.empty)
    }

    #[allow(unsafe_code, reason = "registers")]
    fn now(&self) -> u32 {
        // SAFETY: a task is started by writing 1.
        self.timer.tasks_capture[0].write(|w| unsafe { w.bits(1) });
        self.timer.cc[0].read().bits()
    }
}
