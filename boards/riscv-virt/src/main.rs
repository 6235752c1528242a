//! QEMU's RISC-V machine `virt` with an rv32imac core, its serial port as the host link.
#![no_std]
#![no_main]

mod registers;

use common::{Board, Memory, instret::Counter, model_slot, serve, stack};
use registers::{Uart, fail};
use riscv::{asm, singleton};
use riscv_rt::entry;

struct Virt {
    uart: Uart,
    counter: Counter,
}

impl Board for Virt {
    const NAME: &'static str = "riscv-virt";

    fn read(&mut self) -> u8 {
        self.uart.read()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.uart.write(bytes);
    }

    fn model_slot(&self) -> &'static [u8] {
        model_slot()
    }

    fn measure(&mut self, work: impl FnOnce()) -> Option<u32> {
        self.counter.measure(work)
    }
}

#[entry]
fn main() -> ! {
    stack::paint();
    let Some(memory) = singleton!(: Memory<4096, 4096> = Memory::new()) else {
        halt()
    };
    let mut board = Virt {
        uart: Uart::new(),
        counter: Counter::new(),
    };
    serve(&mut board, memory)
}

fn halt() -> ! {
    loop {
        asm::wfi();
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    fail();
    halt()
}

/// What an exception ends in.
#[allow(unsafe_code, reason = "the start-up code finds it by its name")]
#[unsafe(no_mangle)]
extern "C" fn abort() -> ! {
    fail();
    halt()
}
