//! The CMSDK APB UART (Arm DDI 0479, section 4.3), polled.

/// UART0 of the board.
const BASE: usize = 0x4000_4000;
const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CTRL: usize = 0x08;
const BAUD_DIVIDER: usize = 0x10;

const STATE_TX_FULL: u32 = 1;
const STATE_RX_FULL: u32 = 2;
const CTRL_TX_ENABLE: u32 = 1;
const CTRL_RX_ENABLE: u32 = 2;
/// 25 MHz / 115,200 baud.
const DIVIDER: u32 = 217;

/// The UART, on.
pub struct Uart(());

impl Uart {
    /// Switches it on at 115,200 baud.
    pub fn new() -> Self {
        write(BAUD_DIVIDER, DIVIDER);
        write(CTRL, CTRL_TX_ENABLE | CTRL_RX_ENABLE);
        Self(())
    }

    /// Waits for a byte.
    pub fn read(&mut self) -> u8 {
        while read(STATE) & STATE_RX_FULL == 0 {}
        read(DATA) as u8
    }

    /// Sends `bytes`.
    pub fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            while read(STATE) & STATE_TX_FULL != 0 {}
            write(DATA, u32::from(*byte));
        }
    }
}

#[allow(unsafe_code, reason = "registers")]
fn read(register: usize) -> u32 {
    // SAFETY: `BASE + register` is a register of the UART, readable at any time.
    unsafe { ((BASE + register) as *const u32).read_volatile() }
}

#[allow(unsafe_code, reason = "registers")]
fn write(register: usize, value: u32) {
    // SAFETY: `BASE + register` is a register of the UART; it touches no memory.
    unsafe { ((BASE + register) as *mut u32).write_volatile(value) }
}
