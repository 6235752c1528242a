//! MPS3 with image AN547: a Cortex-M55 at 32 MHz, in its secure state. The compiler's target is that of a Cortex-M33:
//! the vector extension is not used.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use mps2::{Image, run};

struct An547;

impl Image for An547 {
    const NAME: &'static str = "mps3-an547";
    const UART: usize = 0x5930_3000;
    const CLOCK_HZ: u32 = 32_000_000;
    const UART_HZ: u32 = 25_000_000;
    const CODE_BYTES: u32 = 512 << 10;
    const DATA_BYTES: u32 = 512 << 10;
}

#[entry]
fn main() -> ! {
    run::<An547>()
}
