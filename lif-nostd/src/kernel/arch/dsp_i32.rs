//! Armv7E-M: i32 neurons.

use super::super::neurons_i32::Constants;

/// Constants of neurons.
#[repr(C)]
pub(super) struct Neurons {
    /// What a spike adds to what it leaves.
    add: i32,
    /// `(a - 65536) * 2^16`, for which `v + (v * leak >> 32)` is `(a * v) >> 16`.
    leak: i32,
    v_threshold: i32,
}

/// What the kernel needs to know of neurons of constants `k`, and `keep`, what a spike leaves of the membrane, as a
/// mask; none for those that it does not serve.
pub(super) fn neurons(k: &Constants) -> Option<(Neurons, i32)> {
    // The factor has 32 bits with its sign, and so has what a spike adds.
    let serves = (1 << 15..=1 << 16).contains(&k.leak) && k.v_threshold != i32::MIN;
    let (keep, add) = match k.v_reset {
        Some(v_reset) => (0, v_reset),
        None => (-1, k.v_threshold.wrapping_neg()),
    };
    let neurons = Neurons {
        add,
        leak: (k.leak.wrapping_sub(1 << 16) << 16) as i32,
        v_threshold: k.v_threshold,
    };
    serves.then_some((neurons, keep))
}

/// Charges a neuron; if it fires, it goes on at `$fire`, from where it comes back to `$back`.
macro_rules! charge {
    ($v:literal, $c:literal, $fire:literal, $back:literal) => {
        concat!(
            "smmla ", $v, ", ", $v, ", r12, ", $v, "\n", "qadd ", $v, ", ", $v, ", ", $c, "\n",
            "cmp ", $v, ", lr\n", "bge ", $fire, "f\n", $back, ":\n",
        )
    };
}

/// The spike of a neuron, at bit `$bit`, and its reset.
macro_rules! fire {
    ($v:literal, $c:literal, $fire:literal, $back:literal, $bit:literal) => {
        concat!(
            $fire,
            ":\n",
            "ldr ",
            $c,
            ", [sp, #8]\n",
            "orr r3, r3, #",
            $bit,
            "\n",
            "and ",
            $v,
            ", ",
            $v,
            ", r10\n",
            "qadd ",
            $v,
            ", ",
            $v,
            ", ",
            $c,
            "\n",
            "b ",
            $back,
            "b\n",
        )
    };
}

/// A step of words of neurons, four a turn.
///
/// r0 membranes, r1 currents, r2 where the spikes go, r3 spikes, r4 to r7 four membranes, r8 and r9 two currents, r10
/// `keep`, r11 end of the word's membranes, r12 leak, lr threshold. [sp] is the end, [sp, #8] what a spike adds.
///
/// # Safety
///
/// `v` holds `words` times 32 neurons, at least 32, and `c` as many, `spikes` a word for 32.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn lif(
    v: *mut i32,
    c: *const i32,
    spikes: *mut u32,
    constants: *const Neurons,
    end: *const i32,
    keep: i32,
) {
    core::arch::naked_asm!(
        "push {{r4-r11, lr}}",
        "ldrd r4, r10, [sp, #36]",
        "ldm r3, {{r6, r12, lr}}",
        "push {{r4-r6}}",
        "2:",
        "add r11, r0, #128",
        "3:",
        "ldm r0, {{r4-r7}}",
        "ldm r1!, {{r8, r9}}",
        "lsr r3, r3, #4",
        charge!("r4", "r8", "20", "4"),
        charge!("r5", "r9", "21", "5"),
        "ldm r1!, {{r8, r9}}",
        charge!("r6", "r8", "22", "6"),
        charge!("r7", "r9", "23", "7"),
        "stm r0!, {{r4-r7}}",
        "cmp r0, r11",
        "bne 3b",
        "str r3, [r2], #4",
        "ldr r3, [sp]",
        "cmp r0, r3",
        "bne 2b",
        "add sp, sp, #12",
        "pop {{r4-r11, pc}}",
        fire!("r4", "r8", "20", "4", "0x10000000"),
        fire!("r5", "r9", "21", "5", "0x20000000"),
        fire!("r6", "r8", "22", "6", "0x40000000"),
        fire!("r7", "r9", "23", "7", "0x80000000"),
    )
}
