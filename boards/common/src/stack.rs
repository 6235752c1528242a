//! How much stack was used, from the pattern that the start-up code painted.

/// What `cortex-m-rt` paints the stack with (feature `paint-stack`).
const PAINT: u32 = 0xcccc_cccc;

/// Bytes of stack used at the most since the start.
#[allow(unsafe_code, reason = "the stack is known to the linker script alone")]
#[must_use]
pub fn used_bytes() -> u32 {
    unsafe extern "C" {
        static _stack_start: u32;
        static _stack_end: u32;
    }
    let top = &raw const _stack_start;
    let mut at = &raw const _stack_end;
    while at < top {
        // SAFETY: `at` is a word between the ends of the stack's memory, which is readable.
        if unsafe { at.read_volatile() } != PAINT {
            break;
        }
        at = at.wrapping_add(1);
    }
    (top.addr() - at.addr()) as u32
}
