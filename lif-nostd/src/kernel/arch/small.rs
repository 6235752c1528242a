//! Armv6-M and the baseline of Armv8-M: most instructions compute in the first eight registers.

use super::super::neurons::{Constants, HALF};
use super::super::{Bias, Lanes, Row};
use super::{Pass, StepI16};

/// Saves r4 to r11.
macro_rules! save {
    () => {
        "push {{r4-r7, lr}}\nmov r4, r8\nmov r5, r9\nmov r6, r10\nmov r7, r11\npush {{r4-r7}}\n"
    };
}

/// Restores them and returns.
macro_rules! leave {
    () => {
        "pop {{r4-r7}}\nmov r8, r4\nmov r9, r5\nmov r10, r6\nmov r11, r7\npop {{r4-r7, pc}}\n"
    };
}

/// Adds rows to sums (see `portable`). The last three words are summed up in the registers that a core like this can
/// only add to.
///
/// r2 a row, r3 the list, r4 the mask, r5 the block, r6 to lr the sums. The stack holds the [`Pass`]: [sp] the list,
/// [sp, #4] its end, [sp, #8] the lanes, [sp, #12] their end, [sp, #16] the stride.
///
/// # Safety
///
/// `pass` holds whole lanes, at least those of a block, and `rows` for each block what its list names.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn rows(rows: *const Row, pass: *const Pass) {
    core::arch::naked_asm!(
        save!(),
        "ldm r1!, {{r3-r7}}",
        "push {{r3-r7}}",
        "mov r5, r0",
        "2:",
        "ldr r3, [sp, #8]",
        "ldm r3!, {{r0, r1, r2, r6, r7}}",
        "mov r8, r2",
        "mov r9, r6",
        "mov r10, r7",
        "ldm r3!, {{r2, r6, r7}}",
        "mov r11, r2",
        "mov r12, r6",
        "mov lr, r7",
        "mov r6, r0",
        "mov r7, r1",
        "ldr r3, [sp]",
        "movs r4, #255",
        "lsls r0, r4, #16",
        "orrs r4, r0",
        "b 4f",
        "3:",
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
        "4:",
        "ldr r0, [sp, #4]",
        "cmp r3, r0",
        "bne 3b",
        "ldr r3, [sp, #8]",
        "mov r0, r8",
        "mov r1, r9",
        "mov r2, r10",
        "stm r3!, {{r6, r7}}",
        "stm r3!, {{r0, r1, r2}}",
        "mov r0, r11",
        "mov r1, r12",
        "mov r2, lr",
        "stm r3!, {{r0, r1, r2}}",
        "str r3, [sp, #8]",
        "ldr r0, [sp, #16]",
        "adds r5, r5, r0",
        "ldr r0, [sp, #12]",
        "cmp r3, r0",
        "bne 2b",
        "add sp, #20",
        leave!(),
    )
}

/// Turns the sums of blocks into currents, without a shift (see `portable`).
///
/// Four outputs a turn. r0 lanes, r1 bias, r2 and r3 a word of even and one of odd outputs, r4 to r7 biases, r8 end of
/// the lanes, r9 and r10 what is added to r2 and r3, r11 2^15.
///
/// # Safety
///
/// From `lanes` to `end` there are whole blocks, at least one, and as many at `bias`.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn finish(
    lanes: *mut Lanes,
    bias: *const Bias,
    end: *mut Lanes,
    offset: u32,
) {
    core::arch::naked_asm!(
        save!(),
        "mov r8, r2",
        "lsls r4, r3, #16",
        "adds r4, r4, r3",
        "rsbs r4, r4, #0",
        "mov r9, r4",
        "lsls r3, r3, #8",
        "subs r4, r4, r3",
        "mov r10, r4",
        "movs r4, #1",
        "lsls r4, r4, #15",
        "mov r11, r4",
        "2:",
        "ldm r1!, {{r4-r7}}",
        "ldr r2, [r0]",
        "ldr r3, [r0, #4]",
        "adds r2, r2, r4",
        "lsls r4, r6, #16",
        "adds r2, r2, r4",
        "add r2, r9",
        "mov r4, r2",
        "add r4, r11",
        "asrs r4, r4, #16",
        "adds r3, r3, r5",
        "lsls r7, r7, #16",
        "adds r3, r3, r7",
        "subs r6, r4, r6",
        "lsls r6, r6, #8",
        "subs r3, r3, r6",
        "add r3, r10",
        "uxth r2, r2",
        "lsls r5, r3, #16",
        "orrs r2, r5",
        "add r3, r11",
        "lsrs r3, r3, #16",
        "lsls r3, r3, #16",
        "uxth r4, r4",
        "orrs r3, r4",
        "stm r0!, {{r2, r3}}",
        "cmp r0, r8",
        "bne 2b",
        leave!(),
    )
}

/// Constants of neurons.
#[repr(C)]
pub(super) struct Neurons {
    v_threshold: i32,
    /// Membrane after a spike, [`SOFT`] for a soft reset.
    v_reset: i32,
    /// End of the membranes.
    end: *const i16,
    /// The leak factor; 0 for that of 1/2.
    leak: u32,
}

/// Above every membrane.
const SOFT: i32 = 1 << 16;

/// The kernel for neurons of constants `k`, and what it needs to know; none for doubled currents.
pub(super) fn neurons(k: &Constants, doubled: bool, end: *const i16) -> Option<(StepI16, Neurons)> {
    let neurons = Neurons {
        v_threshold: k.v_threshold.into(),
        leak: if k.leak == HALF { 0 } else { k.leak },
        v_reset: k.v_reset.map_or(SOFT, i32::from),
        end,
    };
    // Where the threshold is the lowest value, a membrane that falls below it fires. A leak factor of 0 has no kernel.
    let serves = !doubled && k.v_threshold != i16::MIN && k.leak != 0;
    serves.then_some((lif, neurons))
}

/// The reset of a neuron that fired, in r4.
macro_rules! reset {
    (hard) => {
        "mov r4, r8\nb 4b\n"
    };
    (soft) => {
        concat!(
            "cmp r4, lr\n",
            "ble 6f\n",
            "mov r4, lr\n",
            "6:\n",
            "subs r4, r4, r3\n",
            "cmp r4, lr\n",
            "ble 4b\n",
            "mov r4, lr\n",
            "b 4b\n",
        )
    };
}

/// Words of neurons whose leak is `$leak`; then it goes on at 90. A membrane above the range fires, so only what falls
/// below it is mended on the way.
macro_rules! words {
    ($leak:literal, $reset:ident) => {
        concat!(
            "2:\n",
            "movs r2, #64\n",
            "adds r0, r0, r2\n",
            "adds r1, r1, r2\n",
            "rsbs r2, r2, #0\n",
            "3:\n",
            "ldrsh r4, [r0, r2]\n",
            "ldrsh r5, [r1, r2]\n",
            $leak,
            "adds r4, r4, r5\n",
            "lsrs r7, r7, #1\n",
            "cmp r4, r3\n",
            "bge 5f\n",
            "cmp r4, r12\n",
            "blt 7f\n",
            "4:\n",
            "strh r4, [r0, r2]\n",
            "adds r2, r2, #2\n",
            "bne 3b\n",
            "mov r5, r10\n",
            "stm r5!, {{r7}}\n",
            "mov r10, r5\n",
            "cmp r0, r11\n",
            "bne 2b\n",
            "b 90f\n",
            "5:\n",
            "add r7, r9\n",
            reset!($reset),
            "7:\n",
            "mov r4, r12\n",
            "b 4b\n",
        )
    };
}

/// A step of words of neurons.
///
/// r0 and r1 ends of the word's membranes and currents, r2 the way to them, r3 threshold, r4 membrane, r5 current, r6
/// leak, r7 spikes, r8 reset potential, r9 a spike, r10 where the spikes go, r11 end of the membranes, r12 and lr the
/// range.
///
/// # Safety
///
/// `v` up to `constants.end`, and `c`, hold whole words of neurons, `spikes` a word for 32.
#[unsafe(naked)]
unsafe extern "C" fn lif(v: *mut i16, c: *const i16, spikes: *mut u32, constants: *const Neurons) {
    core::arch::naked_asm!(
        save!(),
        "mov r10, r2",
        "ldm r3, {{r3, r4, r5, r6}}",
        "mov r8, r4",
        "mov r11, r5",
        "movs r4, #1",
        "lsls r4, r4, #31",
        "mov r9, r4",
        "asrs r4, r4, #16",
        "mov r12, r4",
        "mvns r4, r4",
        "mov lr, r4",
        "cmp r8, lr",
        "bgt 30f",
        "cmp r6, #0",
        "bne 20f",
        words!("asrs r4, r4, #1\n", hard),
        "20:",
        words!("muls r4, r6, r4\nasrs r4, r4, #16\n", hard),
        "30:",
        "cmp r6, #0",
        "bne 40f",
        words!("asrs r4, r4, #1\n", soft),
        "40:",
        words!("muls r4, r6, r4\nasrs r4, r4, #16\n", soft),
        "90:",
        leave!(),
    )
}
