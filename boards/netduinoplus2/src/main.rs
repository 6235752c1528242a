//! Netduino Plus 2: an STM32F405 (Cortex-M4F), USART1 on pins A9 (out) and A10 (in) as the host link.
//!
//! The core stays on its reset clock of 16 MHz.
#![no_std]
#![no_main]

use common::{Board, Memory, serve, slots, stack, systick::Counter};
use cortex_m::{asm, singleton};
use cortex_m_rt::entry;
use nb::block;
use stm32f4xx_hal::{
    pac::{CorePeripherals, Peripherals, USART1},
    prelude::*,
    serial::{Config, Serial},
};

struct Netduino {
    serial: Serial<USART1>,
    counter: Counter,
}

impl Board for Netduino {
    const NAME: &'static str = "netduinoplus2";
    const FLASH_BYTES: u32 = 1 << 20;
    const RAM_BYTES: u32 = 192 << 10;
    // The reset clock; QEMU counts 168 MHz.
    const COUNTER_HZ: u32 = 16_000_000;

    fn read(&mut self) -> Option<u8> {
        loop {
            // A byte that arrived broken is passed over: the frame around it will not pass its checksum.
            if let Ok(byte) = block!(self.serial.read()) {
                return Some(byte);
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            // Sending cannot fail on this part.
            let _ = block!(self.serial.write(*byte));
        }
    }

    fn measure(&mut self, work: impl FnOnce()) -> Option<u32> {
        self.counter.measure(work)
    }

    fn stack_bytes(&self) -> u32 {
        stack::used_bytes()
    }
}

#[entry]
fn main() -> ! {
    let (Some(device), Some(core), Some(memory)) = (
        Peripherals::take(),
        CorePeripherals::take(),
        singleton!(: Memory<4096, 2048, 1048> = Memory::new()),
    ) else {
        halt()
    };
    let mut rcc = device.RCC.constrain();
    let pins = device.GPIOA.split(&mut rcc);
    let config = Config::default().baudrate(115_200.bps());
    let Ok(serial) = Serial::new(device.USART1, (pins.pa9, pins.pa10), config, &mut rcc) else {
        halt()
    };
    let mut board = Netduino {
        serial,
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
