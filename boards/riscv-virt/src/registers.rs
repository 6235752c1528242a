//! Registers of the machine: a serial port of type 16550, polled, and the device that ends the emulation.

/// The serial port, with registers of one byte.
const UART: usize = 0x1000_0000;
const DATA: usize = 0;
const FIFO_CONTROL: usize = 2;
const LINE_CONTROL: usize = 3;
const LINE_STATUS: usize = 5;

const FIFO_ENABLE: u8 = 1;
const EIGHT_BITS: u8 = 3;
const DATA_READY: u8 = 1;
const SENDER_EMPTY: u8 = 1 << 5;

/// The device that ends the emulation.
const FINISHER: usize = 0x0010_0000;
/// Ends it with exit code 1.
const FAIL: u32 = 0x0001_3333;

/// The serial port, on.
pub struct Uart(());

impl Uart {
    /// Switches it on; the emulated line has no baud rate.
    pub fn new() -> Self {
        write(LINE_CONTROL, EIGHT_BITS);
        write(FIFO_CONTROL, FIFO_ENABLE);
        Self(())
    }

    /// Waits for a byte.
    pub fn read(&mut self) -> u8 {
        while read(LINE_STATUS) & DATA_READY == 0 {}
        read(DATA)
    }

    /// Sends `bytes`.
    pub fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            while read(LINE_STATUS) & SENDER_EMPTY == 0 {}
            write(DATA, *byte);
        }
    }
}

#[allow(unsafe_code, reason = "registers")]
fn read(register: usize) -> u8 {
    // SAFETY: `UART + register` is a register of the serial port, readable at any time.
    unsafe { ((UART + register) as *const u8).read_volatile() }
}

#[allow(unsafe_code, reason = "registers")]
fn write(register: usize, value: u8) {
    // SAFETY: `UART + register` is a register of the serial port; it touches no memory.
    unsafe { ((UART + register) as *mut u8).write_volatile(value) }
}

/// Ends the emulation, which the host reports.
#[allow(unsafe_code, reason = "registers")]
pub fn fail() {
    // SAFETY: the register ends the emulation; it touches no memory.
    unsafe { (FINISHER as *mut u32).write_volatile(FAIL) }
}
