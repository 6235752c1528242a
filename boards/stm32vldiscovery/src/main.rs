//! STM32VLDISCOVERY: an STM32F100RB (Cortex-M3), USART1 on pins A9 (out) and A10 (in) as the host link.
//!
//! The core stays on its reset clock of 8 MHz.
#![no_std]
#![no_main]

mod usart;

use common::{Board, Memory, serve, slots, stack, systick::Counter};
use cortex_m::{Peripherals, asm, singleton};
use cortex_m_rt::entry;
use usart::Usart;

const CLOCK_HZ: u32 = 8_000_000;

struct Discovery {
    usart: Usart,
    counter: Counter,
}

impl Board for Discovery {
    const NAME: &'static str = "stm32vldiscovery";
    const FLASH_BYTES: u32 = 128 << 10;
    const RAM_BYTES: u32 = 8 << 10;
    const COUNTER_HZ: u32 = CLOCK_HZ;

    fn read(&mut self) -> Option<u8> {
        Some(self.usart.read())
    }

    fn write(&mut self, bytes: &[u8]) {
        self.usart.write(bytes);
    }

    fn measure(&mut self, work: impl FnOnce()) -> Option<u32> {
        self.counter.measure(work)
    }

    fn stack_bytes(&self) -> u32 {
        stack::used_bytes()
    }

    fn led(&mut self, on: bool) {
        self.usart.led(on);
    }
}

#[entry]
fn main() -> ! {
    let (Some(core), Some(memory)) = (
        Peripherals::take(),
        singleton!(: Memory<384, 128, 216> = Memory::new()),
    ) else {
        halt()
    };
    let mut board = Discovery {
        usart: Usart::new(CLOCK_HZ),
        counter: Counter::new(core.SYST),
    };
    serve(&mut board, &mut slots::read_only(), memory.buffers());
    halt()
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
