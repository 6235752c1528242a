//! nRF52840-DK: an nRF52840 (Cortex-M4F) at 64 MHz, UARTE0 on P0.06 (out) and P0.08 (in), which its debugger carries
//! to the host, as the host link; LED1 on P0.13.
#![no_std]
#![no_main]

use common::{Board, Memory, serve, slots, stack, systick::Counter};
use cortex_m::{asm, singleton};
use cortex_m_rt::entry;
use embedded_hal::digital::OutputPin;
use nrf52840_hal::{
    gpio::{Level, Output, PushPull, p0},
    pac::{CorePeripherals, Peripherals, UARTE0},
    uarte::{Baudrate, Parity, Pins, Uarte},
};

/// Most bytes that the DMA of the serial port takes at a time, out of RAM.
const PIECE_BYTES: usize = 64;

struct Dk {
    uarte: Uarte<UARTE0>,
    led: p0::P0_13<Output<PushPull>>,
    counter: Counter,
}

impl Board for Dk {
    const NAME: &'static str = "nrf52840-dk";
    const FLASH_BYTES: u32 = 1 << 20;
    const RAM_BYTES: u32 = 256 << 10;
    const COUNTER_HZ: u32 = 64_000_000;

    fn read(&mut self) -> Option<u8> {
        let mut byte = [0];
        loop {
            // A byte that arrived broken is passed over: the frame around it will not pass its checksum.
            if self.uarte.read(&mut byte).is_ok() {
                return Some(byte[0]);
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut buffer = [0; PIECE_BYTES];
        for piece in bytes.chunks(PIECE_BYTES) {
            // The DMA reads RAM alone, and a constant may lie in flash.
            let (now, _) = buffer.split_at_mut(piece.len());
            now.copy_from_slice(piece);
            // Sending cannot fail on this part.
            let _ = self.uarte.write(now);
        }
    }

    fn measure(&mut self, work: impl FnOnce()) -> Option<u32> {
        self.counter.measure(work)
    }

    fn stack_bytes(&self) -> u32 {
        stack::used_bytes()
    }

    fn led(&mut self, on: bool) {
        // The LED is on where the pin is low, and setting a pin cannot fail on this part.
        let _ = self.led.set_state((!on).into());
    }
}

#[entry]
fn main() -> ! {
    if let (Some(device), Some(core), Some(memory)) = (
        Peripherals::take(),
        CorePeripherals::take(),
        singleton!(: Memory<4096, 4096, 2072> = Memory::new()),
    ) {
        let port = p0::Parts::new(device.P0);
        let pins = Pins {
            txd: port.p0_06.into_push_pull_output(Level::High).degrade(),
            rxd: port.p0_08.into_floating_input().degrade(),
            cts: None,
            rts: None,
        };
        let mut board = Dk {
            uarte: Uarte::new(device.UARTE0, pins, Parity::EXCLUDED, Baudrate::BAUD115200),
            led: port.p0_13.into_push_pull_output(Level::High),
            counter: Counter::new(core.SYST),
        };
        serve(&mut board, &mut slots::read_only(), memory.buffers());
    }
    loop {
        asm::wfi();
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    asm::udf()
}
