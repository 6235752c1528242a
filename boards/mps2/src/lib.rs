//! Arm's MPS2 board, whose core and addresses depend on the FPGA image that is loaded into it: UART0 is the host
//! link.
#![no_std]

mod uart;

use core::marker::PhantomData;

use common::{Board, Memory, model_slot, serve, systick::Counter};
use cortex_m::{Peripherals, asm, singleton};
use uart::Uart;

/// An FPGA image.
pub trait Image {
    /// The name that the host knows the board by.
    const NAME: &'static str;
    /// Address of UART0.
    const UART: usize;
    /// Frequency of the core and of the UART's clock, in Hz.
    const CLOCK_HZ: u32;
}

struct Mps2<I> {
    uart: Uart,
    counter: Counter,
    image: PhantomData<I>,
}

impl<I: Image> Board for Mps2<I> {
    const NAME: &'static str = I::NAME;

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

/// Runs the firmware; called once.
pub fn run<I: Image>() -> ! {
    let (Some(core), Some(memory)) = (
        Peripherals::take(),
        singleton!(: Memory<4096, 4096> = Memory::new()),
    ) else {
        halt()
    };
    let mut board = Mps2 {
        uart: Uart::new(I::UART, I::CLOCK_HZ),
        counter: Counter::new(core.SYST),
        image: PhantomData::<I>,
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
