//! MPS2 with image AN505: a Cortex-M33F at 20 MHz, in its secure state.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use mps2::{Image, run};

struct An505;

impl Image for An505 {
    const NAME: &'static str = "mps2-an505";
    const UART: usize = 0x5020_0000;
    const CLOCK_HZ: u32 = 20_000_000;
}

#[entry]
fn main() -> ! {
    run::<An505>()
}
