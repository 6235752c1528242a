//! BBC micro:bit v1: an nRF51822 (Cortex-M0) at 16 MHz, UART0 on pins P0.24 (out) and P0.25 (in), which its USB
//! chip carries to the host, as the host link.
#![no_std]
#![no_main]

mod timer;

use common::{Board, Memory, serve, slots, stack};
use cortex_m::{asm, singleton};
use cortex_m_rt::entry;
use embedded_io::{Read, Write};
use nrf51_hal::{
    gpio::{Level, p0},
    pac::{Peripherals, UART0},
    uart::{Baudrate, Parity, Pins, Uart},
};
use timer::Counter;

struct Microbit {
    uart: Uart<UART0>,
    counter: Counter,
}

impl Board for Microbit {
    const NAME: &'static str = "microbit";
    const FLASH_BYTES: u32 = 256 << 10;
    const RAM_BYTES: u32 = 16 << 10;
    const COUNTER_HZ: u32 = 16_000_000;

    fn read(&mut self) -> Option<u8> {
        let mut byte = [0];
        // Receiving cannot fail on this part.
        let _ = self.uart.read_exact(&mut byte);
        Some(byte[0])
    }

    fn write(&mut self, bytes: &[u8]) {
        // Sending cannot fail on this part.
        let _ = self.uart.write_all(bytes);
    }

    fn measure(&mut self, work: impl FnOnce()) -> Option<u32> {
        Some(self.counter.measure(work))
    }

    fn stack_bytes(&self) -> u32 {
        stack::used_bytes()
    }
}

#[entry]
fn main() -> ! {
    let (Some(device), Some(memory)) = (
        Peripherals::take(),
        singleton!(: Memory<1024, 512, 280> = Memory::new()),
    ) else {
        halt()
    };
    let pins = p0::Parts::new(device.GPIO);
    let pins = Pins {
        txd: pins.p0_24.into_push_pull_output(Level::High).degrade(),
        rxd: pins.p0_25.into_floating_input().degrade(),
        cts: None,
        rts: None,
    };
    let mut board = Microbit {
        uart: start(device.UART0, pins),
        counter: Counter::new(device.TIMER0),
    };
    serve(&mut board, &mut slots::read_only(), memory.buffers());
    halt()
}

/// The serial port, on.
#[allow(unsafe_code, reason = "registers")]
fn start(uart: UART0, pins: Pins) -> Uart<UART0> {
    let uart = Uart::new(uart, pins, Parity::EXCLUDED, Baudrate::BAUD115200);
    // The driver waits for the byte before to be sent, and sends a zero before it is on, which QEMU drops. Another
    // one is an empty frame to the host.
    // SAFETY: the register takes any byte, and nothing else sends one now.
    unsafe { (*UART0::ptr()).txd.write(|w| w.bits(0)) };
    uart
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
