//! MPS2 with image AN500: a Cortex-M7F at 25 MHz.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use mps2::{Image, run};

struct An500;

impl Image for An500 {
    const NAME: &'static str = "mps2-an500";
    const UART: usize = 0x4000_4000;
    const CLOCK_HZ: u32 = 25_000_000;
}

#[entry]
fn main() -> ! {
    run::<An500>()
}
