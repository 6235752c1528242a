//! RV32 with multiplication.

use super::super::Row;
use super::super::neurons::Constants;
use super::{Pass, StepI16};

/// Says what the target has, which an assembly function does not inherit.
#[cfg(target_feature = "c")]
macro_rules! features {
    () => {
        ".option arch, +m, +c"
    };
}
#[cfg(not(target_feature = "c"))]
macro_rules! features {
    () => {
        ".option arch, +m"
    };
}

/// Adds one word of a row, in `$w`, to its two sums. a4 is spent.
macro_rules! word {
    ($w:literal, $even:literal, $odd:literal) => {
        concat!(
            "and a4, ", $w, ", a5\n", "srli ", $w, ", ", $w, ", 8\n", "add ", $even, ", ", $even,
            ", a4\n", "add ", $odd, ", ", $odd, ", ", $w, "\n",
        )
    };
}

/// Adds row a0 of the block at t6 to the sums.
macro_rules! row {
    () => {
        concat!(
            "slli a0, a0, 4\n",
            "add a0, a0, t6\n",
            "lw s0, 0(a0)\n",
            "lw s1, 4(a0)\n",
            word!("s0", "t0", "t1"),
            "lw s0, 8(a0)\n",
            word!("s1", "t2", "t3"),
            "lw s1, 12(a0)\n",
            word!("s0", "t4", "t5"),
            word!("s1", "a6", "a7"),
        )
    };
}

/// Adds rows to sums, two a turn (see `portable`).
///
/// a0 a row, a1 the list from s2 to its end a2, a3 the lanes to their end s3, a5 the mask, t6 the block, s4 the stride,
/// s0 and s1 words; the sums are in t0 to t5, a6 and a7.
///
/// # Safety
///
/// `pass` holds whole lanes, at least those of a block, and `rows` for each block what its list names.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn rows(rows: *const Row, pass: *const Pass) {
    core::arch::naked_asm!(
        ".option push",
        features!(),
        "addi sp, sp, -32",
        "sw s0, 8(sp)",
        "sw s1, 12(sp)",
        "sw s2, 16(sp)",
        "sw s3, 20(sp)",
        "sw s4, 24(sp)",
        "mv t6, a0",
        "lw s2, 0(a1)",
        "lw a2, 4(a1)",
        "lw a3, 8(a1)",
        "lw s3, 12(a1)",
        "lw s4, 16(a1)",
        "lui a5, 0xff0",
        "addi a5, a5, 0xff",
        "2:",
        "mv a1, s2",
        "lw t0, 0(a3)",
        "lw t1, 4(a3)",
        "lw t2, 8(a3)",
        "lw t3, 12(a3)",
        "lw t4, 16(a3)",
        "lw t5, 20(a3)",
        "lw a6, 24(a3)",
        "lw a7, 28(a3)",
        "beq a1, a2, 5f",
        // An odd number of spikes begins with the second of a turn.
        "sub a4, a2, a1",
        "andi a4, a4, 2",
        "sub a1, a1, a4",
        "bnez a4, 4f",
        "3:",
        "lhu a0, 0(a1)",
        row!(),
        "4:",
        "lhu a0, 2(a1)",
        "addi a1, a1, 4",
        row!(),
        "bne a1, a2, 3b",
        "5:",
        "sw t0, 0(a3)",
        "sw t1, 4(a3)",
        "sw t2, 8(a3)",
        "sw t3, 12(a3)",
        "sw t4, 16(a3)",
        "sw t5, 20(a3)",
        "sw a6, 24(a3)",
        "sw a7, 28(a3)",
        "addi a3, a3, 32",
        "add t6, t6, s4",
        "bne a3, s3, 2b",
        "lw s0, 8(sp)",
        "lw s1, 12(sp)",
        "lw s2, 16(sp)",
        "lw s3, 20(sp)",
        "lw s4, 24(sp)",
        "addi sp, sp, 32",
        "ret",
        ".option pop",
    )
}

/// Constants of neurons.
#[repr(C)]
pub(super) struct Neurons {
    /// End of the membranes.
    end: *const i16,
    leak: u32,
    v_threshold: i32,
    /// What a spike leaves of the membrane, as a mask: all, or nothing for a hard reset.
    keep: i32,
    /// What a spike takes from that.
    take: i32,
}

/// The kernel for neurons of constants `k`, and what it needs to know; none for doubled currents.
pub(super) fn neurons(k: &Constants, doubled: bool, end: *const i16) -> Option<(StepI16, Neurons)> {
    let v_threshold = k.v_threshold.into();
    let (keep, take) = match k.v_reset {
        Some(v_reset) => (0, -i32::from(v_reset)),
        None => (-1, v_threshold),
    };
    let neurons = Neurons {
        end,
        leak: k.leak,
        v_threshold,
        keep,
        take,
    };
    // Where the threshold is the lowest value, a membrane that falls below it fires.
    let serves = !doubled && k.v_threshold != i16::MIN;
    serves.then_some((lif, neurons))
}

/// A step of words of neurons. A membrane above the range fires, so only what falls below it is mended on the way.
///
/// a0 membranes, a1 currents, a2 where the spikes go, a3 end of the word's membranes, a4 leak, a5 threshold, a6 `keep`,
/// a7 `take`, t0 and t1 the range, t2 spikes, t3 membrane, t4 current, t5 end, t6 a spike.
///
/// # Safety
///
/// `v` up to `constants.end`, and `c`, hold whole words of neurons, `spikes` a word for 32.
#[unsafe(naked)]
unsafe extern "C" fn lif(v: *mut i16, c: *const i16, spikes: *mut u32, constants: *const Neurons) {
    core::arch::naked_asm!(
        ".option push",
        features!(),
        "lw t5, 0(a3)",
        "lw a4, 4(a3)",
        "lw a5, 8(a3)",
        "lw a6, 12(a3)",
        "lw a7, 16(a3)",
        "lui t0, 0xffff8",
        "not t1, t0",
        "lui t6, 0x80000",
        "2:",
        "addi a3, a0, 64",
        "3:",
        "lh t3, 0(a0)",
        "lh t4, 0(a1)",
        "mul t3, t3, a4",
        "addi a1, a1, 2",
        "srli t2, t2, 1",
        "srai t3, t3, 16",
        "add t3, t3, t4",
        "bge t3, a5, 5f",
        "blt t3, t0, 7f",
        "4:",
        "sh t3, 0(a0)",
        "addi a0, a0, 2",
        "bne a0, a3, 3b",
        "sw t2, 0(a2)",
        "addi a2, a2, 4",
        "bne a0, t5, 2b",
        "ret",
        "5:",
        "or t2, t2, t6",
        "ble t3, t1, 6f",
        "mv t3, t1",
        "6:",
        "and t3, t3, a6",
        "sub t3, t3, a7",
        "ble t3, t1, 4b",
        "mv t3, t1",
        "j 4b",
        "7:",
        "mv t3, t0",
        "j 4b",
        ".option pop",
    )
}
