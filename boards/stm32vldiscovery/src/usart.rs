//! USART1 on pins A9 (out) and A10 (in), polled, and the LED on pin C9 (RM0041, chapters 6, 7 and 23).
//!
//! Plain registers: the drivers of stm32f1xx-hal wait for clocks to be ready, which the emulated part never says.

const RCC_APB2ENR: usize = 0x4002_1018;
const GPIOA_CRH: usize = 0x4001_0804;
const GPIOC_CRH: usize = 0x4001_1004;
const GPIOC_BSRR: usize = 0x4001_1010;
const USART1_SR: usize = 0x4001_3800;
const USART1_DR: usize = 0x4001_3804;
const USART1_BRR: usize = 0x4001_3808;
const USART1_CR1: usize = 0x4001_380c;

/// Clocks of ports A and C and of USART1.
const CLOCKS: u32 = 1 << 2 | 1 << 4 | 1 << 14;
/// Four bits a pin from pin 8 on: an input that floats, an output of the peripheral, a plain output at 2 MHz.
const FLOATING: u32 = 0x4;
const PERIPHERAL: u32 = 0xb;
const OUTPUT: u32 = 0x2;

const READY_TO_READ: u32 = 1 << 5;
const READY_TO_WRITE: u32 = 1 << 7;
/// On, sending, receiving.
const ON: u32 = 1 << 13 | 1 << 3 | 1 << 2;
const LED: u32 = 1 << 9;

/// USART1 and the LED, on.
pub struct Usart(());

impl Usart {
    /// Switches both on, the USART at 115,200 baud of a clock of `clock_hz`.
    pub fn new(clock_hz: u32) -> Self {
        set(RCC_APB2ENR, get(RCC_APB2ENR) | CLOCKS);
        let others = get(GPIOA_CRH) & !0xff0;
        set(GPIOA_CRH, others | PERIPHERAL << 4 | FLOATING << 8);
        set(GPIOC_CRH, get(GPIOC_CRH) & !0xf0 | OUTPUT << 4);
        set(USART1_BRR, clock_hz / 115_200);
        set(USART1_CR1, ON);
        Self(())
    }

    /// Waits for a byte.
    pub fn read(&mut self) -> u8 {
        while get(USART1_SR) & READY_TO_READ == 0 {}
        get(USART1_DR) as u8
    }

    /// Sends `bytes`.
    pub fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            while get(USART1_SR) & READY_TO_WRITE == 0 {}
            set(USART1_DR, u32::from(*byte));
        }
    }

    /// Switches the LED.
    pub fn led(&mut self, on: bool) {
        set(GPIOC_BSRR, if on { LED } else { LED << 16 });
    }
}

#[allow(unsafe_code, reason = "registers")]
fn get(register: usize) -> u32 {
    // SAFETY: it is one of the registers above, readable at any time.
    unsafe { (register as *const u32).read_volatile() }
}

#[allow(unsafe_code, reason = "registers")]
fn set(register: usize, value: u32) {
    // SAFETY: it is one of the registers above; it touches no memory.
    unsafe { (register as *mut u32).write_volatile(value) }
}
