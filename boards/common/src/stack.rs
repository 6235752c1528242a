//! How much stack was used, from the pattern that the start-up code painted.

/// What the stack is painted with, by `cortex-m-rt` (feature `paint-stack`) or by `paint`.
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

/// Paints the stack below the caller, where the start-up code does not.
#[cfg(target_arch = "riscv32")]
#[allow(unsafe_code, reason = "the stack is known to the linker script alone")]
#[inline(never)]
pub fn paint() {
    unsafe extern "C" {
        static mut _stack_end: u32;
    }
    let sp: *mut u32;
    // SAFETY: it reads a register.
    unsafe { core::arch::asm!("mv {}, sp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    let mut at = &raw mut _stack_end;
    while at < sp {
        // SAFETY: `at` is a word between the end of the stack and its pointer: nothing is kept there.
        unsafe { at.write_volatile(PAINT) };
        at = at.wrapping_add(1);
    }
}
