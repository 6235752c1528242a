//! MPS2 with image AN386: a Cortex-M4F at 25 MHz, UART0 as the host link.
#![no_std]
#![no_main]

mod uart;

use common::{Board, Memory, model_slot, serve, systick::Counter};
use cortex_m::{Peripherals, asm, singleton};
use cortex_m_rt::entry;
use uart::Uart;

struct An386 {
    uart: Uart,
    counter: Counter,
}

impl Board for An386 {
    const NAME: &'static str = "mps2-an386";

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
    let (Some(core), Some(memory)) = (
        Peripherals::take(),
        singleton!(: Memory<4096, 4096> = Memory::new()),
    ) else {
        halt()
    };
    let mut board = An386 {
        uart: Uart::new(),
        counter: Counter::new(core.SYST),
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
    // An undefined instruction in a fault handler locks the core up, which an emulator reports.
    asm::udf()
}
