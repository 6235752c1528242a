//! QEMU's RISC-V machine `virt` with an rv32imac core, its serial port as the host link.
#![no_std]
#![no_main]

mod registers;

use common::{Board, Memory, instret::Counter, serve, slots, stack};
use registers::{Uart, fail};
use riscv::{asm, singleton};
use riscv_rt::entry;

struct Virt {
    uart: Uart,
    counter: Counter,
}

impl Board for Virt {
    const NAME: &'static str = "riscv-virt";
    const FLASH_BYTES: u32 = 4 << 20;
    const RAM_BYTES: u32 = 256 << 10;
    // The emulator lets an instruction take 1 ns.
    const COUNTER_HZ: u32 = 1_000_000_000;

    fn read(&mut self) -> Option<u8> {
        Some(self.uart.read())
    }

    fn write(&mut self, bytes: &[u8]) {
        self.uart.write(bytes);
    }

    fn measure(&mut self, work: impl FnOnce()) -> Option<u32> {
        self.counter.measure(work)
    }

    fn stack_bytes(&self) -> u32 {
        stack::used_bytes()
    }
}

#[entry]
#[allow(unsafe_code, reason = "the slots are memory of their own")]
fn main() -> ! {
    stack::paint();
    let Some(memory) = singleton!(: Memory<4096, 4096, 4120> = Memory::new()) else {
        halt()
    };
    let mut board = Virt {
        uart: Uart::new(),
        counter: Counter::new(),
    };
    // SAFETY: the memory above was taken, which succeeds once.
    let mut slots = unsafe { slots::ram() };
    serve(&mut board, &mut slots, memory.buffers());
    halt()
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
