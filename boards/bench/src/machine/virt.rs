//! QEMU's RISC-V machine `virt`: `minstret` counts, the serial port prints, a device ends the run.

use core::fmt::{self, Write};

use common::instret::Counter;
use riscv::asm;
use riscv_rt::entry;

/// Data register of the serial port of type 16550. QEMU sends what is written at once.
const UART: usize = 0x1000_0000;
/// The device that ends the emulation, and what it takes for success and failure.
const FINISHER: usize = 0x0010_0000;
const PASS: u32 = 0x5555;
const FAIL: u32 = 0x0001_3333;

/// The counter.
pub struct Machine(Counter);

impl Machine {
    /// Prints a line.
    pub fn line(&mut self, text: fmt::Arguments<'_>) {
        // The port takes all.
        let _ = writeln!(Uart, "{text}");
    }

    /// Prints a line: the name, the instructions of `work`, and what they are `of`.
    pub fn row(&mut self, name: fmt::Arguments<'_>, of: usize, work: impl FnOnce()) {
        // 0 where the counter wrapped.
        let count = self.0.measure(work).unwrap_or(0);
        self.line(format_args!("{name} {count} {of}"));
    }
}

struct Uart;

impl Write for Uart {
    #[allow(unsafe_code, reason = "registers")]
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for byte in s.bytes() {
            // SAFETY: the register sends a byte; it touches no memory.
            unsafe { (UART as *mut u8).write_volatile(byte) }
        }
        Ok(())
    }
}

#[entry]
fn main() -> ! {
    let mut machine = Machine(Counter::new());
    let done = crate::run(&mut machine);
    end(done.is_some())
}

/// Ends the run.
#[allow(unsafe_code, reason = "registers")]
pub fn end(is_good: bool) -> ! {
    // SAFETY: the register ends the emulation; it touches no memory.
    unsafe { (FINISHER as *mut u32).write_volatile(if is_good { PASS } else { FAIL }) }
    loop {
        asm::wfi();
    }
}

/// What an exception ends in.
#[allow(unsafe_code, reason = "the start-up code finds it by its name")]
#[unsafe(no_mangle)]
extern "C" fn abort() -> ! {
    end(false)
}
