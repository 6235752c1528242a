//! What the kernels of Armv7-M and Armv7E-M share.

/// One spike of a list: its row's address, its four words in r2, r3, r12 and lr, and what is done with them.
macro_rules! spike {
    ($sum:expr) => {
        concat!(
            "ldrh r2, [r1], #2\n",
            "add r2, r0, r2, lsl #4\n",
            "ldm r2, {{r2, r3, r12, lr}}\n",
            $sum
        )
    };
}
pub(super) use spike;

/// Rows of a list, two a turn, into the sums in r4 to r11, block by block.
///
/// r0 the block, r1 the list. The stack holds the `Pass`: [sp] the list, [sp, #4] its end, [sp, #8] the lanes,
/// [sp, #12] their end, [sp, #16] the stride.
macro_rules! rows {
    ($sum:expr) => {
        concat!(
            "push {{r4-r11, lr}}\n",
            "ldm r1, {{r4-r8}}\n",
            "push {{r4-r8}}\n",
            "2:\n",
            "ldr r3, [sp, #8]\n",
            "ldm r3, {{r4-r11}}\n",
            "ldrd r1, r2, [sp]\n",
            "sub r2, r2, r1\n",
            // The carry is that the number of spikes is odd.
            "lsrs r2, r2, #2\n",
            "bcs 4f\n",
            "beq 5f\n",
            "3:\n",
            $crate::kernel::arch::thumb2::spike!($sum),
            "4:\n",
            $crate::kernel::arch::thumb2::spike!($sum),
            "ldr r2, [sp, #4]\n",
            "cmp r1, r2\n",
            "bne 3b\n",
            "5:\n",
            "ldr r3, [sp, #8]\n",
            "stm r3!, {{r4-r11}}\n",
            "str r3, [sp, #8]\n",
            "ldrd r1, r2, [sp, #12]\n",
            "add r0, r0, r2\n",
            "cmp r3, r1\n",
            "bne 2b\n",
            "add sp, sp, #20\n",
            "pop {{r4-r11, pc}}\n",
        )
    };
}
pub(super) use rows;
