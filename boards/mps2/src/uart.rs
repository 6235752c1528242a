//! The CMSDK APB UART (Arm DDI 0479, section 4.3), polled.

const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CTRL: usize = 0x08;
const BAUD_DIVIDER: usize = 0x10;

const STATE_TX_FULL: u32 = 1;
const STATE_RX_FULL: u32 = 2;
const CTRL_TX_ENABLE: u32 = 1;
const CTRL_RX_ENABLE: u32 = 2;
const BAUD: u32 = 115_200;

/// The UART, on.
pub struct Uart {
    base: usize,
}

impl Uart {
    /// Switches the UART at address `base`, whose clock is `clock_hz`, on at 115,200 baud.
    pub fn new(base: usize, clock_hz: u32) -> Self {
        let uart = Self { base };
        uart.set(BAUD_DIVIDER, clock_hz / BAUD);
        uart.set(CTRL, CTRL_TX_ENABLE | CTRL_RX_ENABLE);
        uart
    }

    /// Waits for a byte.
    pub fn read(&mut self) -> u8 {
        while self.get(STATE) & STATE_RX_FULL == 0 {}
        self.get(DATA) as u8
    }

    /// Sends `bytes`.
    pub fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            while self.get(STATE) & STATE_TX_FULL != 0 {}
            self.set(DATA, u32::from(*byte));
        }
    }

    #[allow(unsafe_code, reason = "registers")]
    fn get(&self, register: usize) -> u32 {
        // SAFETY: `base + register` is a register of the UART, readable at any time.
        unsafe { ((self.base + register) as *const u32).read_volatile() }
    }

    #[allow(unsafe_code, reason = "registers")]
    fn set(&self, register: usize, value: u32) {
        // SAFETY: `base + register` is a register of the UART; it touches no memory.
        unsafe { ((self.base + register) as *mut u32).write_volatile(value) }
    }
}
