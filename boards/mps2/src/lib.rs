//! Arm's MPS2 board, whose core and addresses depend on the FPGA image that is loaded into it: UART0 is the host
//! link.
#![no_std]

mod uart;

use core::marker::PhantomData;

use common::{Board, Memory, serve, slots, stack, systick::Counter};
use cortex_m::{Peripherals, asm, singleton};
use uart::Uart;

/// An FPGA image.
pub trait Image {
    /// The name that the host knows the board by.
    const NAME: &'static str;
    /// Address of UART0.
    const UART: usize;
    /// Frequency of the core, in Hz.
    const CLOCK_HZ: u32;
    /// Frequency of the UART's clock, in Hz.
    const UART_HZ: u32 = Self::CLOCK_HZ;
    /// Memory for code and models, in bytes.
    const CODE_BYTES: u32 = 4 << 20;
    /// Memory for data, in bytes.
    const DATA_BYTES: u32 = 4 << 20;
}

struct Mps2<I> {
    uart: Uart,
    counter: Counter,
    image: PhantomData<I>,
}

impl<I: Image> Board for Mps2<I> {
    const NAME: &'static str = I::NAME;
    const FLASH_BYTES: u32 = I::CODE_BYTES;
    const RAM_BYTES: u32 = I::DATA_BYTES;
    const COUNTER_HZ: u32 = I::CLOCK_HZ;

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

/// Runs the firmware; called once.
#[allow(unsafe_code, reason = "the slots are memory of their own")]
pub fn run<I: Image>() -> ! {
    let (Some(core), Some(memory)) = (
        Peripherals::take(),
        singleton!(: Memory<4096, 4096, 4120> = Memory::new()),
    ) else {
        halt()
    };
    let mut board = Mps2 {
        uart: Uart::new(I::UART, I::UART_HZ),
        counter: Counter::new(core.SYST),
        image: PhantomData::<I>,
    };
    // SAFETY: the peripherals were taken, which succeeds once.
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
    // An undefined instruction in a fault handler locks the core up, which an emulator reports.
    asm::udf()
}
