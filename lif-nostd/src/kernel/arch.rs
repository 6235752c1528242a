//! The architecture's own kernels. This is the one module of the crate with `unsafe` in it.
#![allow(unsafe_code, reason = "assembly")]

use super::neurons::{Constants, HALF};
use super::{Lanes, Row, SpikeList};
#[cfg(lif_kernel = "dsp")]
use crate::synapse::BLOCK;

/// Adds the rows of `block` at the spikes of `list` to `lanes`.
#[cfg(lif_kernel = "dsp")]
pub(crate) fn add_rows(block: &[Row], list: SpikeList<'_>, lanes: &mut Lanes) {
    if list.bound() <= block.len() {
        let indices = list.indices();
        // SAFETY: the list holds its length of indices, each below the number of rows at `block`.
        unsafe {
            rows_dsp(block.as_ptr(), indices.as_ptr(), indices.len(), lanes);
        }
    }
}

/// Currents of a block, in the order of the outputs, where `list` is the only one of the step:
/// `sat16((sum + bias - offset) * 2^shift)`.
#[cfg(lif_kernel = "dsp")]
pub(crate) fn one_list(
    block: &[Row],
    list: SpikeList<'_>,
    bias: &[i32; BLOCK],
    offset: i32,
    shift: i8,
    out: &mut Lanes,
) {
    *out = [0; 8];
    add_rows(block, list, out);
    finish(out, bias, offset, shift);
}

/// Raw sums of the rows of `block` at the spikes of `list`: of each word, that of bytes 0 and 2, and that of the
/// word shifted by 8.
#[cfg(any(lif_kernel = "v7m", lif_kernel = "small"))]
pub(crate) fn raw_rows(block: &[Row], list: SpikeList<'_>, raw: &mut Lanes) {
    if list.bound() > block.len() || cfg!(lif_kernel = "v7m") {
        *raw = [0; 8];
    }
    if list.bound() <= block.len() {
        let indices = list.indices();
        // SAFETY: the list holds its length of indices, each below the number of rows at `block`.
        unsafe {
            rows_raw(block.as_ptr(), indices.as_ptr(), indices.len(), raw);
        }
    }
}

/// `a + b` in each half, modulo 2^16.
#[cfg(lif_kernel = "dsp")]
#[inline]
fn add_lanes(a: u32, b: u32) -> u32 {
    let sum: u32;
    // SAFETY: it touches no memory.
    unsafe {
        core::arch::asm!("sadd16 {0}, {1}, {2}", lateout(reg) sum, in(reg) a, in(reg) b, options(pure, nomem, nostack));
    }
    sum
}

/// `sat16(x * 2^shift)` in each half: a left shift is exact, a right shift rounds down.
#[cfg(lif_kernel = "dsp")]
#[inline]
fn shift_lanes(mut x: u32, shift: i8) -> u32 {
    for _ in 0..shift.unsigned_abs() {
        // Twice the value, saturating, or half of it, rounded down, once a power of two.
        // SAFETY: they touch no memory.
        unsafe {
            if shift > 0 {
                core::arch::asm!("qadd16 {0}, {0}, {0}", inlateout(reg) x, options(pure, nomem, nostack));
            } else {
                core::arch::asm!("shadd16 {0}, {0}, {1}", inlateout(reg) x, in(reg) 0, options(pure, nomem, nostack));
            }
        }
    }
    x
}

/// Turns the lanes of a block into currents `sat16((lane + bias - offset) * 2^shift)`, in the order of the outputs.
#[cfg(lif_kernel = "dsp")]
pub(crate) fn finish(lanes: &mut Lanes, bias: &[i32; BLOCK], offset: i32, shift: i8) {
    let (pairs, _) = lanes.as_chunks_mut::<2>();
    let (bias, _) = bias.as_chunks::<4>();
    for ([first, second], [b0, b1, b2, b3]) in pairs.iter_mut().zip(bias) {
        let (even, odd) = (*first, *second);
        let low = (even & 0xffff) | odd << 16;
        let high = even >> 16 | (odd & 0xffff_0000);
        let constant = |a: i32, b: i32| {
            let (a, b) = (a.wrapping_sub(offset) as u32, b.wrapping_sub(offset) as u32);
            (a & 0xffff) | b << 16
        };
        *first = shift_lanes(add_lanes(low, constant(*b0, *b1)), shift);
        *second = shift_lanes(add_lanes(high, constant(*b2, *b3)), shift);
    }
}

/// One spike: its row's address from the list, its four words, what is done with them.
#[cfg(not(lif_kernel = "small"))]
macro_rules! rows {
    ($name:ident, $doc:literal, [$($sum:literal,)*]) => {
        #[doc = $doc]
        ///
        /// # Safety
        ///
        /// `list` points to `len` indices of rows at `block`, `sums` to 8 words.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            block: *const Row,
            list: *const u16,
            len: usize,
            sums: *mut [u32; 8],
        ) {
            core::arch::naked_asm!(
                "push {{r4-r11, lr}}",
                "add r2, r1, r2, lsl #1",
                // [sp] is the end of the list, [sp, #4] the sums.
                "push {{r2, r3}}",
                "ldm r3, {{r4-r11}}",
                "b 3f",
                // One spike at a time until the rest is a multiple of four.
                "2:",
                "ldrh r2, [r1], #2",
                "add r2, r0, r2, lsl #4",
                "ldm r2, {{r2, r3, r12, lr}}",
                $($sum,)*
                "3:",
                "ldr r2, [sp]",
                "subs r2, r2, r1",
                "tst r2, #6",
                "bne 2b",
                "cmp r2, #0",
                "beq.w 5f",
                "4:",
                "ldrh r2, [r1], #2",
                "add r2, r0, r2, lsl #4",
                "ldm r2, {{r2, r3, r12, lr}}",
                $($sum,)*
                "ldrh r2, [r1], #2",
                "add r2, r0, r2, lsl #4",
                "ldm r2, {{r2, r3, r12, lr}}",
                $($sum,)*
                "ldrh r2, [r1], #2",
                "add r2, r0, r2, lsl #4",
                "ldm r2, {{r2, r3, r12, lr}}",
                $($sum,)*
                "ldrh r2, [r1], #2",
                "add r2, r0, r2, lsl #4",
                "ldm r2, {{r2, r3, r12, lr}}",
                $($sum,)*
                "ldr r2, [sp]",
                "cmp r1, r2",
                "bne 4b",
                "5:",
                "ldr r3, [sp, #4]",
                "stm r3, {{r4-r11}}",
                "add sp, #8",
                "pop {{r4-r11, pc}}",
            )
        }
    };
}

/// Adds rows to raw sums, on cores that compute in eight registers: the sums of
/// the last three words are in the others, to which such a core can add.
///
/// # Safety
///
/// `list` points to `len` indices of rows at `block`, `raw` to 8 words, which are overwritten.
#[cfg(lif_kernel = "small")]
#[unsafe(naked)]
unsafe extern "C" fn rows_raw(block: *const Row, list: *const u16, len: usize, raw: *mut [u32; 8]) {
    core::arch::naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r4-r7}}",
        "lsls r2, r2, #1",
        "adds r2, r2, r1",
        // [sp] is the end of the list, [sp, #4] the sums.
        "push {{r2, r3}}",
        "mov r5, r0",
        "mov r3, r1",
        "movs r4, #255",
        "lsls r0, r4, #16",
        "orrs r4, r0",
        "movs r6, #0",
        "movs r7, #0",
        "mov r8, r6",
        "mov r9, r6",
        "mov r10, r6",
        "mov r11, r6",
        "mov r12, r6",
        "mov lr, r6",
        "b 3f",
        "2:",
        "ldrh r2, [r3]",
        "adds r3, #2",
        "lsls r2, r2, #4",
        "adds r2, r2, r5",
        "ldr r0, [r2]",
        "lsrs r1, r0, #8",
        "adds r7, r7, r1",
        "ands r0, r4",
        "adds r6, r6, r0",
        "ldr r0, [r2, #4]",
        "lsrs r1, r0, #8",
        "add r9, r1",
        "ands r0, r4",
        "add r8, r0",
        "ldr r0, [r2, #8]",
        "lsrs r1, r0, #8",
        "add r11, r1",
        "ands r0, r4",
        "add r10, r0",
        "ldr r0, [r2, #12]",
        "lsrs r1, r0, #8",
        "add lr, r1",
        "ands r0, r4",
        "add r12, r0",
        "3:",
        "ldr r0, [sp]",
        "cmp r3, r0",
        "bne 2b",
        "ldr r3, [sp, #4]",
        "mov r0, r8",
        "mov r1, r9",
        "mov r2, r10",
        "stm r3!, {{r6, r7}}",
        "stm r3!, {{r0, r1, r2}}",
        "mov r0, r11",
        "mov r1, r12",
        "mov r2, lr",
        "stm r3!, {{r0, r1, r2}}",
        "add sp, #8",
        "pop {{r4-r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4-r7, pc}}",
    )
}

#[cfg(lif_kernel = "dsp")]
rows!(
    rows_dsp,
    "Adds rows to lanes, each byte to its own lane modulo 2^16.",
    [
        "uxtab16 r4, r4, r2",
        "uxtab16 r5, r5, r2, ror #8",
        "uxtab16 r6, r6, r3",
        "uxtab16 r7, r7, r3, ror #8",
        "uxtab16 r8, r8, r12",
        "uxtab16 r9, r9, r12, ror #8",
        "uxtab16 r10, r10, lr",
        "uxtab16 r11, r11, lr, ror #8",
    ]
);

#[cfg(lif_kernel = "v7m")]
rows!(
    rows_raw,
    "Adds rows to raw sums.",
    [
        "add r5, r5, r2, lsr #8",
        "and r2, r2, #0x00ff00ff",
        "add r4, r4, r2",
        "add r7, r7, r3, lsr #8",
        "and r3, r3, #0x00ff00ff",
        "add r6, r6, r3",
        "add r9, r9, r12, lsr #8",
        "and r12, r12, #0x00ff00ff",
        "add r8, r8, r12",
        "add r11, r11, lr, lsr #8",
        "and lr, lr, #0x00ff00ff",
        "add r10, r10, lr",
    ]
);

/// One time step of neurons in whole words: `v` and `c` hold 32 a word of `spikes`; how many words were stepped.
///
/// Of the currents, `doubled` says that they are twice what they stand for.
pub(crate) fn step_words(
    k: &Constants,
    v: &mut [i16],
    c: &[i16],
    spikes: &mut [u32],
    doubled: bool,
) -> usize {
    let words = (v.len() / 32).min(c.len() / 32).min(spikes.len());
    if words == 0 || v.as_ptr().addr() % 4 != 0 || c.as_ptr().addr() % 4 != 0 {
        return 0;
    }
    let constants = Neurons {
        bytes: words * 64,
        leak: k.leak,
        v_threshold: spread(k.v_threshold),
        v_reset: spread(k.v_reset.unwrap_or(0)),
        one: if cfg!(lif_kernel = "dsp") {
            0x0002_0001
        } else {
            1 << 31
        },
    };
    let run = match (doubled, k.leak, k.v_reset) {
        (true, _, Some(_)) => lif_doubled_hard,
        (true, _, None) => lif_doubled_soft,
        (_, HALF, Some(_)) => lif_half_hard,
        (_, HALF, None) => lif_half_soft,
        (_, _, Some(_)) => lif_any_hard,
        (_, _, None) => lif_any_soft,
    };
    // SAFETY: `v` and `c` hold 64 bytes a word from multiples of 4 on, `spikes` a word each.
    unsafe {
        run(v.as_mut_ptr(), c.as_ptr(), spikes.as_mut_ptr(), &constants);
    }
    words
}

/// A constant as the kernel takes it: in both halves for pairs of neurons, else as a word.
fn spread(x: i16) -> u32 {
    if cfg!(lif_kernel = "dsp") {
        u32::from(x as u16) | u32::from(x as u16) << 16
    } else {
        i32::from(x) as u32
    }
}

/// Constants of neurons.
#[repr(C)]
struct Neurons {
    /// Length of the membranes.
    bytes: usize,
    leak: u32,
    v_threshold: u32,
    v_reset: u32,
    /// The spikes of a pair, or the spike of a neuron, before they are shifted to their place.
    one: u32,
}

/// Fires and resets the pair in `$v`; its spikes go to r2 at bit `$at`. `$c` is spent.
#[cfg(lif_kernel = "dsp")]
macro_rules! fire {
    (hard, $v:literal, $c:literal, $first:ident, $at:literal) => {
        concat!(
            "ssub16 ",
            $c,
            ", ",
            $v,
            ", r10\n",
            "sel ",
            $v,
            ", r11, ",
            $v,
            "\n",
            "sel ",
            $c,
            ", r12, r3\n",
            fire!($first, $c, $at)
        )
    };
    (soft, $v:literal, $c:literal, $first:ident, $at:literal) => {
        concat!(
            "qsub16 ",
            $c,
            ", ",
            $v,
            ", r10\n",
            "ssub16 r11, ",
            $v,
            ", r10\n",
            "sel ",
            $v,
            ", ",
            $c,
            ", ",
            $v,
            "\n",
            "sel ",
            $c,
            ", r12, r3\n",
            fire!($first, $c, $at)
        )
    };
    (first, $c:literal, $at:literal) => {
        concat!("mov r2, ", $c, "\n")
    };
    (next, $c:literal, $at:literal) => {
        concat!("orr r2, r2, ", $c, ", lsl #", $at, "\n")
    };
}

/// Charges the pair in `$v` with the currents in `$c`, then fires and resets.
#[cfg(lif_kernel = "dsp")]
macro_rules! pair {
    (doubled, $reset:ident, $v:literal, $c:literal, $first:ident, $at:literal) => {
        concat!(
            "shadd16 ",
            $v,
            ", ",
            $v,
            ", ",
            $c,
            "\n",
            fire!($reset, $v, $c, $first, $at)
        )
    };
    (half, $reset:ident, $v:literal, $c:literal, $first:ident, $at:literal) => {
        concat!(
            "shadd16 ",
            $v,
            ", ",
            $v,
            ", r3\n",
            "qadd16 ",
            $v,
            ", ",
            $v,
            ", ",
            $c,
            "\n",
            fire!($reset, $v, $c, $first, $at)
        )
    };
    // r8 is a temporary here: each pair loads its own currents to r9.
    (any, $reset:ident, $v:literal, $c:literal, $first:ident, $at:literal) => {
        concat!(
            "ldr r9, [r1], #4\n",
            "smulwb r8, lr, ",
            $v,
            "\n",
            "smulwt ",
            $v,
            ", lr, ",
            $v,
            "\n",
            "pkhbt ",
            $v,
            ", r8, ",
            $v,
            ", lsl #16\n",
            "qadd16 ",
            $v,
            ", ",
            $v,
            ", r9\n",
            fire!($reset, $v, "r9", $first, $at)
        )
    };
}

/// Loads the currents of two pairs.
#[cfg(lif_kernel = "dsp")]
macro_rules! currents {
    (any) => {
        ""
    };
    ($charge:ident) => {
        "ldm r1!, {{r8, r9}}\n"
    };
}

/// Eight neurons; the first of sixteen begin a new half of spikes.
#[cfg(lif_kernel = "dsp")]
macro_rules! eight {
    ($charge:ident, $reset:ident, $first:ident, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            "ldm r0, {{r4-r7}}\n",
            currents!($charge),
            pair!($charge, $reset, "r4", "r8", $first, $a),
            pair!($charge, $reset, "r5", "r9", next, $b),
            currents!($charge),
            pair!($charge, $reset, "r6", "r8", next, $c),
            pair!($charge, $reset, "r7", "r9", next, $d),
            "stm r0!, {{r4-r7}}\n"
        )
    };
}

/// A step of words of neurons, eight neurons from `ldm` to `stm`, in pairs.
///
/// r0 membranes, r1 currents, r2 spikes, r3 zero, r4 to r7 eight membranes, r8 and r9 four currents, r10 threshold,
/// r11 reset potential, r12 the spikes of a pair, lr leak. [sp] is the end of the membranes, [sp, #4] where the
/// spikes go, [sp, #8] the first half of a word of them.
#[cfg(lif_kernel = "dsp")]
macro_rules! lif {
    ($name:ident, $charge:ident, $reset:ident) => {
        /// # Safety
        ///
        /// `v` and `c` start at multiples of 4 and hold `constants.bytes` bytes, `spikes` a word for 64 of them.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            v: *mut i16,
            c: *const i16,
            spikes: *mut u32,
            constants: *const Neurons,
        ) {
            core::arch::naked_asm!(
                "push {{r4-r11, lr}}",
                "sub sp, #12",
                "str r2, [sp, #4]",
                "ldm r3, {{r4, r5, r10, r11, r12}}",
                "add r4, r0, r4",
                "str r4, [sp]",
                "mov lr, r5",
                "mov r3, #0",
                "2:",
                eight!($charge, $reset, first, "0", "2", "4", "6"),
                eight!($charge, $reset, next, "8", "10", "12", "14"),
                "orr r2, r2, r2, lsr #16",
                "str r2, [sp, #8]",
                eight!($charge, $reset, first, "0", "2", "4", "6"),
                eight!($charge, $reset, next, "8", "10", "12", "14"),
                "orr r2, r2, r2, lsr #16",
                "ldr r8, [sp, #8]",
                "pkhbt r2, r8, r2, lsl #16",
                "ldr r9, [sp, #4]",
                "str r2, [r9], #4",
                "str r9, [sp, #4]",
                "ldr r9, [sp]",
                "cmp r0, r9",
                "bne 2b",
                "add sp, #12",
                "pop {{r4-r11, pc}}",
            )
        }
    };
}

/// The charge of a neuron with membrane r4 and current r5 on Armv7-M, to r4.
#[cfg(lif_kernel = "v7m")]
macro_rules! charge {
    (doubled) => {
        "add r4, r4, r5\nasr r4, r4, #1\n"
    };
    (half) => {
        "add r4, r5, r4, asr #1\nssat r4, #16, r4\n"
    };
    (any) => {
        "mul r4, r9, r4\nadd r4, r5, r4, asr #16\nssat r4, #16, r4\n"
    };
}

/// One neuron on Armv7-M, whose spike goes to bit `$bit` of r3.
#[cfg(lif_kernel = "v7m")]
macro_rules! one {
    ($charge:ident, hard, $bit:literal) => {
        concat!(
            "ldrsh r5, [r1], #2\nldrsh r4, [r0]\n",
            charge!($charge),
            "cmp r4, r6\nitt ge\nmovge r4, r7\norrge r3, r3, #",
            $bit,
            "\nstrh r4, [r0], #2\n"
        )
    };
    ($charge:ident, soft, $bit:literal) => {
        concat!(
            "ldrsh r5, [r1], #2\nldrsh r4, [r0]\n",
            charge!($charge),
            "cmp r4, r6\nitt ge\nsubge r4, r4, r6\norrge r3, r3, #",
            $bit,
            "\nssat r4, #16, r4\nstrh r4, [r0], #2\n"
        )
    };
}

/// A step of words of neurons on Armv7-M, eight neurons a turn.
///
/// r0 membranes, r1 currents, r2 where the spikes go, r3 spikes, r6 threshold, r7 reset potential, r8 end of the
/// membranes, r9 leak, r10 turns of a word.
#[cfg(lif_kernel = "v7m")]
macro_rules! lif {
    ($name:ident, $charge:ident, $reset:ident) => {
        /// # Safety
        ///
        /// `v` and `c` hold `constants.bytes` bytes, `spikes` a word for 64 of them.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            v: *mut i16,
            c: *const i16,
            spikes: *mut u32,
            constants: *const Neurons,
        ) {
            core::arch::naked_asm!(
                "push {{r4-r10, lr}}",
                "ldm r3, {{r4, r5, r6, r7}}",
                "add r8, r0, r4",
                "mov r9, r5",
                "2:",
                "mov r10, #4",
                "3:",
                "lsr r3, r3, #8",
                one!($charge, $reset, "0x01000000"),
                one!($charge, $reset, "0x02000000"),
                one!($charge, $reset, "0x04000000"),
                one!($charge, $reset, "0x08000000"),
                one!($charge, $reset, "0x10000000"),
                one!($charge, $reset, "0x20000000"),
                one!($charge, $reset, "0x40000000"),
                one!($charge, $reset, "0x80000000"),
                "subs r10, r10, #1",
                "bne 3b",
                "str r3, [r2], #4",
                "cmp r0, r8",
                "bne 2b",
                "pop {{r4-r10, pc}}",
            )
        }
    };
}

/// The charge of a neuron with membrane r4 and current r5 on Armv6-M, to r4; what overflows is mended at 5.
#[cfg(lif_kernel = "small")]
macro_rules! charge {
    (doubled) => {
        "adds r4, r4, r5\nasrs r4, r4, #1\n"
    };
    (half) => {
        "asrs r4, r4, #1\nadds r4, r4, r5\nsxth r5, r4\ncmp r5, r4\nbne 5f\n"
    };
    (any) => {
        "muls r4, r6, r4\nasrs r4, r4, #16\nadds r4, r4, r5\nsxth r5, r4\ncmp r5, r4\nbne 5f\n"
    };
}

/// The reset of a neuron that fired on Armv6-M, in r4.
#[cfg(lif_kernel = "small")]
macro_rules! reset {
    (hard) => {
        "mov r4, r8\n"
    };
    (soft) => {
        "subs r4, r4, r3\nsxth r5, r4\ncmp r5, r4\nbne 6f\n"
    };
}

/// A step of words of neurons on Armv6-M.
///
/// r0 and r1 ends of the word's membranes and currents, r2 the way to them, r3 threshold, r6 leak, r7 spikes, r8 reset
/// potential, r9 a spike, r10 where the spikes go, r11 end of the membranes.
#[cfg(lif_kernel = "small")]
macro_rules! lif {
    ($name:ident, $charge:ident, $reset:ident) => {
        /// # Safety
        ///
        /// `v` and `c` hold `constants.bytes` bytes, `spikes` a word for 64 of them.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            v: *mut i16,
            c: *const i16,
            spikes: *mut u32,
            constants: *const Neurons,
        ) {
            core::arch::naked_asm!(
                "push {{r4-r7, lr}}",
                "mov r4, r8",
                "mov r5, r9",
                "mov r6, r10",
                "mov r7, r11",
                "push {{r4-r7}}",
                "mov r10, r2",
                "ldm r3!, {{r4, r6}}",
                "adds r4, r4, r0",
                "mov r11, r4",
                "ldm r3!, {{r4, r5, r7}}",
                "mov r3, r4",
                "mov r8, r5",
                "mov r9, r7",
                "2:",
                "movs r2, #64",
                "adds r0, r0, r2",
                "adds r1, r1, r2",
                "rsbs r2, r2, #0",
                "movs r7, #0",
                "3:",
                "ldrsh r4, [r0, r2]",
                "ldrsh r5, [r1, r2]",
                charge!($charge),
                "4:",
                "lsrs r7, r7, #1",
                "cmp r4, r3",
                "blt 7f",
                "add r7, r9",
                reset!($reset),
                "7:",
                "strh r4, [r0, r2]",
                "adds r2, r2, #2",
                "bne 3b",
                "mov r5, r10",
                "stm r5!, {{r7}}",
                "mov r10, r5",
                "cmp r0, r11",
                "bne 2b",
                "pop {{r4-r7}}",
                "mov r8, r4",
                "mov r9, r5",
                "mov r10, r6",
                "mov r11, r7",
                "pop {{r4-r7, pc}}",
                // The end of the range on the side of r4: 0x7fff, or all its other bits.
                "5:",
                "asrs r5, r4, #31",
                "movs r4, #1",
                "lsls r4, r4, #15",
                "subs r4, r4, #1",
                "eors r4, r5",
                "b 4b",
                "6:",
                "asrs r5, r4, #31",
                "movs r4, #1",
                "lsls r4, r4, #15",
                "subs r4, r4, #1",
                "eors r4, r5",
                "b 7b",
            )
        }
    };
}

lif!(lif_doubled_hard, doubled, hard);
lif!(lif_doubled_soft, doubled, soft);
lif!(lif_half_hard, half, hard);
lif!(lif_half_soft, half, soft);
lif!(lif_any_hard, any, hard);
lif!(lif_any_soft, any, soft);
