//! MPS2 with a Cortex-M: SysTick counts, semihosting prints and ends the run.

use common::systick::Counter;
use cortex_m::{Peripherals, asm};
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};

/// The counter.
pub struct Machine(Counter);

impl Machine {
    /// Prints a line.
    pub fn line(&mut self, text: core::fmt::Arguments<'_>) {
        hprintln!("{}", text);
    }

    /// Prints a line: the name, the instructions of `work`, and what they are `of`.
    pub fn row(&mut self, name: core::fmt::Arguments<'_>, of: usize, work: impl FnOnce()) {
        // Ticks of 40 ns at 256 ns an instruction; 0 where the counter wrapped.
        let ticks = self.0.measure(work).unwrap_or(0);
        let count = (u64::from(ticks) * 40 + 128) / 256;
        self.line(format_args!("{name} {count} {of}"));
    }
}

#[entry]
fn main() -> ! {
    let Some(core) = Peripherals::take() else {
        end(false)
    };
    let mut machine = Machine(Counter::new(core.SYST));
    let done = crate::run(&mut machine);
    end(done.is_some())
}

/// Ends the run.
pub fn end(is_good: bool) -> ! {
    debug::exit(if is_good {
        debug::EXIT_SUCCESS
    } else {
        debug::EXIT_FAILURE
    });
    loop {
        asm::wfi();
    }
}
