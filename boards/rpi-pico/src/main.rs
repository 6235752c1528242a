//! Raspberry Pi Pico: an RP2040 (Cortex-M0+) at 125 MHz, UART0 on GP0 (out) and GP1 (in) as the host link, the LED on
//! GP25.
#![no_std]
#![no_main]

use common::{Board, Memory, serve, slots, stack, systick::Counter};
use cortex_m::{asm, singleton};
use cortex_m_rt::entry;
use embedded_hal::digital::OutputPin;
use fugit::RateExtU32;
use rp2040_hal::{
    clocks::{Clock, init_clocks_and_plls},
    gpio::{FunctionSioOutput, FunctionUart, Pin, Pins, PullDown, bank0},
    pac::{CorePeripherals, Peripherals, UART0},
    sio::Sio,
    uart::{DataBits, Enabled, StopBits, UartConfig, UartPeripheral},
    watchdog::Watchdog,
};

#[allow(unsafe_code, reason = "the boot loader finds it by its section")]
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_GENERIC_03H;

/// Frequency of the crystal, in Hz.
const CRYSTAL_HZ: u32 = 12_000_000;

type Tx = Pin<bank0::Gpio0, FunctionUart, PullDown>;
type Rx = Pin<bank0::Gpio1, FunctionUart, PullDown>;

struct Pico {
    uart: UartPeripheral<Enabled, UART0, (Tx, Rx)>,
    led: Pin<bank0::Gpio25, FunctionSioOutput, PullDown>,
    counter: Counter,
}

impl Board for Pico {
    const NAME: &'static str = "rpi-pico";
    const FLASH_BYTES: u32 = 2 << 20;
    const RAM_BYTES: u32 = 264 << 10;
    const COUNTER_HZ: u32 = 125_000_000;

    fn read(&mut self) -> Option<u8> {
        let mut byte = [0];
        loop {
            // A byte that arrived broken is passed over: the frame around it will not pass its checksum.
            if self.uart.read_full_blocking(&mut byte).is_ok() {
                return Some(byte[0]);
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.uart.write_full_blocking(bytes);
    }

    fn measure(&mut self, work: impl FnOnce()) -> Option<u32> {
        self.counter.measure(work)
    }

    fn stack_bytes(&self) -> u32 {
        stack::used_bytes()
    }

    fn led(&mut self, on: bool) {
        // Setting a pin cannot fail on this part.
        let _ = self.led.set_state(on.into());
    }
}

/// The board, on; none where its clocks or its serial port do not start.
fn start() -> Option<Pico> {
    let (mut device, core) = (Peripherals::take()?, CorePeripherals::take()?);
    let mut watchdog = Watchdog::new(device.WATCHDOG);
    let clocks = init_clocks_and_plls(
        CRYSTAL_HZ,
        device.XOSC,
        device.CLOCKS,
        device.PLL_SYS,
        device.PLL_USB,
        &mut device.RESETS,
        &mut watchdog,
    );
    let clocks = clocks.ok()?;
    let sio = Sio::new(device.SIO);
    let pins = Pins::new(
        device.IO_BANK0,
        device.PADS_BANK0,
        sio.gpio_bank0,
        &mut device.RESETS,
    );
    let line = (pins.gpio0.into_function(), pins.gpio1.into_function());
    let uart = UartPeripheral::new(device.UART0, line, &mut device.RESETS);
    let config = UartConfig::new(115_200.Hz(), DataBits::Eight, None, StopBits::One);
    Some(Pico {
        uart: uart.enable(config, clocks.peripheral_clock.freq()).ok()?,
        led: pins.gpio25.into_push_pull_output(),
        counter: Counter::new(core.SYST),
    })
}

#[entry]
fn main() -> ! {
    if let (Some(mut board), Some(memory)) = (
        start(),
        singleton!(: Memory<4096, 4096, 2072> = Memory::new()),
    ) {
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
