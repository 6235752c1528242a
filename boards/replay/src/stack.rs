//! How much stack a piece of work takes.

use core::hint::black_box;

/// Words of stack that are looked at.
const DEPTH: usize = 512;
const PAINT: u32 = 0xcccc_cccc;

/// Bytes of stack that `work` takes at the most, its caller's frame not counted.
#[inline(never)]
pub fn used_by(work: &mut dyn FnMut()) -> usize {
    // Were it known here, its frame would be part of this one.
    let work = black_box(work);
    let top = stack_pointer();
    paint(top);
    work();
    let mut depth = DEPTH;
    while depth > 0 && word(top, depth) == PAINT {
        depth -= 1;
    }
    depth * 4
}

/// Fills what lies below `top`.
#[allow(unsafe_code, reason = "the stack is no variable")]
#[inline(always)]
fn paint(top: *mut u32) {
    for depth in 1..=DEPTH {
        // SAFETY: the stack goes on for longer than this below its pointer, where nothing is kept: no interrupt is on,
        // and nothing is called here.
        unsafe { top.wrapping_sub(depth).write_volatile(PAINT) };
    }
}

/// The word that lies `depth` words below `top`.
#[allow(unsafe_code, reason = "the stack is no variable")]
#[inline(always)]
fn word(top: *mut u32, depth: usize) -> u32 {
    // SAFETY: it is memory of the stack.
    unsafe { top.wrapping_sub(depth).read_volatile() }
}

/// The stack pointer of the caller.
#[allow(unsafe_code, reason = "a register")]
#[inline(always)]
fn stack_pointer() -> *mut u32 {
    let sp: *mut u32;
    // SAFETY: it reads a register.
    unsafe {
        #[cfg(target_arch = "arm")]
        core::arch::asm!("mov {}, sp", out(reg) sp, options(nomem, nostack, preserves_flags));
        #[cfg(target_arch = "riscv32")]
        core::arch::asm!("mv {}, sp", out(reg) sp, options(nomem, nostack, preserves_flags));
    }
    sp
}
