//! Armv7-M and the mainline of Armv8-M, without the DSP extension.

use super::super::Row;
use super::super::neurons::Constants;
use super::{Pass, StepI16, thumb2};

/// Adds rows to sums (see `portable`).
///
/// # Safety
///
/// `pass` holds whole lanes, at least those of a block, and `rows` for each block what its list names.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn rows(rows: *const Row, pass: *const Pass) {
    core::arch::naked_asm!(thumb2::rows!(concat!(
        "add r5, r5, r2, lsr #8\n",
        "and r2, r2, #0x00ff00ff\n",
        "add r4, r4, r2\n",
        "add r7, r7, r3, lsr #8\n",
        "and r3, r3, #0x00ff00ff\n",
        "add r6, r6, r3\n",
        "add r9, r9, r12, lsr #8\n",
        "and r12, r12, #0x00ff00ff\n",
        "add r8, r8, r12\n",
        "add r11, r11, lr, lsr #8\n",
        "and lr, lr, #0x00ff00ff\n",
        "add r10, r10, lr\n",
    )))
}

/// Constants of neurons.
#[repr(C)]
pub(super) struct Neurons {
    v_threshold: i32,
    /// What a spike leaves of the membrane, as a mask: all, or nothing for a hard reset.
    keep: i32,
    /// What a spike takes from that.
    take: i32,
    /// End of the membranes.
    end: *const i16,
    leak: u32,
}

/// The kernel for neurons of constants `k`, and what it needs to know; none for doubled currents.
pub(super) fn neurons(k: &Constants, doubled: bool, end: *const i16) -> Option<(StepI16, Neurons)> {
    let v_threshold = k.v_threshold.into();
    let (keep, take) = match k.v_reset {
        Some(v_reset) => (0, -i32::from(v_reset)),
        None => (-1, v_threshold),
    };
    let neurons = Neurons {
        v_threshold,
        keep,
        take,
        end,
        leak: k.leak,
    };
    (!doubled).then_some((lif, neurons))
}

/// Charges a neuron; if it fires, it goes on at `$fire`, from where it comes back to `$back`.
macro_rules! charge {
    ($fire:literal, $back:literal) => {
        concat!(
            "ldrsh r4, [r0]\n",
            "ldrsh r5, [r1], #2\n",
            "mul r4, r10, r4\n",
            "add r4, r5, r4, asr #16\n",
            "ssat r4, #16, r4\n",
            "cmp r4, r6\n",
            "bge ",
            $fire,
            "f\n",
            $back,
            ":\n",
            "strh r4, [r0], #2\n",
        )
    };
}

/// The spike of a neuron, at bit `$bit`, and its reset.
macro_rules! fire {
    ($fire:literal, $back:literal, $bit:literal) => {
        concat!(
            $fire,
            ":\n",
            "orr r3, r3, #",
            $bit,
            "\n",
            "and r4, r4, r7\n",
            "sub r4, r4, r8\n",
            "ssat r4, #16, r4\n",
            "b ",
            $back,
            "b\n",
        )
    };
}

/// A step of words of neurons, two a turn.
///
/// r0 membranes, r1 currents, r2 where the spikes go, r3 spikes, r4 membrane, r5 current, r6 threshold, r7 `keep`, r8
/// `take`, r9 end, r10 leak, r12 end of the word's membranes.
///
/// # Safety
///
/// `v` up to `constants.end`, and `c`, hold whole words of neurons, `spikes` a word for 32.
#[unsafe(naked)]
unsafe extern "C" fn lif(v: *mut i16, c: *const i16, spikes: *mut u32, constants: *const Neurons) {
    core::arch::naked_asm!(
        "push {{r4-r10, lr}}",
        "ldm r3, {{r6-r10}}",
        "2:",
        "add r12, r0, #64",
        "3:",
        "lsr r3, r3, #2",
        charge!("6", "4"),
        charge!("7", "5"),
        "cmp r0, r12",
        "bne 3b",
        "str r3, [r2], #4",
        "cmp r0, r9",
        "bne 2b",
        "pop {{r4-r10, pc}}",
        fire!("6", "4", "0x40000000"),
        fire!("7", "5", "0x80000000"),
    )
}
