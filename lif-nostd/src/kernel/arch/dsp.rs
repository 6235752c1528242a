//! Armv7E-M: the DSP extension.

use super::super::neurons::{Constants, HALF};
use super::super::{Bias, Lanes, Row};
use super::{Pass, StepI16, thumb2};

/// Adds rows to lanes, each byte to its own lane modulo 2^16.
///
/// # Safety
///
/// `pass` holds whole lanes, at least those of a block, and `rows` for each block what its list names.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn rows(rows: *const Row, pass: *const Pass) {
    core::arch::naked_asm!(thumb2::rows!(concat!(
        "uxtab16 r4, r4, r2\n",
        "uxtab16 r5, r5, r2, ror #8\n",
        "uxtab16 r6, r6, r3\n",
        "uxtab16 r7, r7, r3, ror #8\n",
        "uxtab16 r8, r8, r12\n",
        "uxtab16 r9, r9, r12, ror #8\n",
        "uxtab16 r10, r10, lr\n",
        "uxtab16 r11, r11, lr, ror #8\n",
    )))
}

/// Turns lanes into currents.
///
/// Four outputs a turn. r0 lanes, r1 bias, r2 end of the lanes, r3 the offset in both halves, r12 zero, lr shift.
///
/// # Safety
///
/// From `lanes` to `end` there are whole blocks, at least one, and as many at `bias`.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn finish(
    lanes: *mut Lanes,
    bias: *const Bias,
    end: *mut Lanes,
    offset: i32,
    shift: i32,
) {
    core::arch::naked_asm!(
        "push {{r4-r9, lr}}",
        "pkhbt r3, r3, r3, lsl #16",
        "ldr lr, [sp, #28]",
        "mov r12, #0",
        "2:",
        "ldm r1!, {{r4-r7}}",
        "ldm r0, {{r8, r9}}",
        "pkhbt r4, r4, r6, lsl #16",
        "pkhbt r5, r5, r7, lsl #16",
        "sadd16 r4, r4, r8",
        "sadd16 r5, r5, r9",
        "ssub16 r4, r4, r3",
        "ssub16 r5, r5, r3",
        "movs r6, lr",
        "beq 5f",
        "bmi 4f",
        // A power of two a turn: twice the value, saturating, or half of it, rounded down.
        "3:",
        "qadd16 r4, r4, r4",
        "qadd16 r5, r5, r5",
        "subs r6, r6, #1",
        "bne 3b",
        "b 5f",
        "4:",
        "shadd16 r4, r4, r12",
        "shadd16 r5, r5, r12",
        "adds r6, r6, #1",
        "bne 4b",
        "5:",
        "pkhbt r8, r4, r5, lsl #16",
        "pkhtb r9, r5, r4, asr #16",
        "stm r0!, {{r8, r9}}",
        "cmp r0, r2",
        "bne 2b",
        "pop {{r4-r9, pc}}",
    )
}

/// Constants of neurons, the 16-bit ones in both halves.
#[repr(C)]
pub(super) struct Neurons {
    v_threshold: u32,
    /// The leak factor; 0 where the kernel has its own.
    leak: u32,
    /// End of the membranes.
    end: *const i16,
    /// With a soft reset, the end once more.
    v_reset: u32,
}

/// The kernel for neurons of constants `k`, and what it needs to know.
pub(super) fn neurons(k: &Constants, doubled: bool, end: *const i16) -> Option<(StepI16, Neurons)> {
    const KERNELS: [[StepI16; 2]; 3] = [
        [lif_any_hard, lif_any_soft],
        [lif_half_hard, lif_half_soft],
        [lif_doubled_hard, lif_doubled_soft],
    ];
    let is_half = k.leak == HALF;
    let both = |x: i16| u32::from(x as u16) * 0x0001_0001;
    let neurons = Neurons {
        v_threshold: both(k.v_threshold),
        leak: if is_half { 0 } else { k.leak },
        end,
        v_reset: k.v_reset.map_or(end.addr() as u32, both),
    };
    let by_leak = KERNELS.get(usize::from(is_half) + usize::from(is_half && doubled))?;
    let run = by_leak.get(usize::from(k.v_reset.is_none()))?;
    Some((*run, neurons))
}

/// The charge of the pair of membranes in `$v` with the currents in `$c`.
macro_rules! charge {
    (doubled, $v:literal, $c:literal) => {
        concat!("shadd16 ", $v, ", ", $v, ", ", $c, "\n")
    };
    (half, $v:literal, $c:literal) => {
        concat!(
            "shadd16 ", $v, ", ", $v, ", r10\n", "qadd16 ", $v, ", ", $v, ", ", $c, "\n",
        )
    };
    (any, $v:literal, $c:literal) => {
        concat!(
            "smulwb r11, r10, ",
            $v,
            "\n",
            "smulwt ",
            $v,
            ", r10, ",
            $v,
            "\n",
            "pkhbt ",
            $v,
            ", r11, ",
            $v,
            ", lsl #16\n",
            "qadd16 ",
            $v,
            ", ",
            $v,
            ", ",
            $c,
            "\n",
        )
    };
}

/// Resets what fired of the pair in `$v`. `$c` is spent.
macro_rules! reset {
    (hard, $v:literal, $c:literal) => {
        concat!(
            "ssub16 ", $c, ", ", $v, ", r3\n", "sel ", $v, ", lr, ", $v, "\n",
        )
    };
    (soft, $v:literal, $c:literal, $temporary:literal) => {
        concat!(
            "qsub16 ", $c, ", ", $v, ", r3\n", "ssub16 ", $temporary, ", ", $v, ", r3\n", "sel ",
            $v, ", ", $c, ", ", $v, "\n",
        )
    };
    (soft_four, $v:literal, $c:literal) => {
        reset!(soft, $v, $c, "lr")
    };
    (soft, $v:literal, $c:literal) => {
        reset!(soft, $v, $c, "r11")
    };
}

/// A pair: charge, fire, reset. Its spikes go to the bit of `$bits` in each half of r12.
macro_rules! pair {
    ($charge:ident, $reset:ident, $v:literal, $c:literal, $bits:literal) => {
        concat!(
            charge!($charge, $v, $c),
            reset!($reset, $v, $c),
            "orr ",
            $c,
            ", r12, #",
            $bits,
            "\n",
            "sel r12, ",
            $c,
            ", r12\n",
        )
    };
}

/// Eight neurons from `ldm` to `stm`.
macro_rules! eight {
    (doubled, $reset:ident, $b0:literal, $b1:literal, $b2:literal, $b3:literal) => {
        concat!(
            "ldm r0, {{r4-r7}}\n",
            "ldm r1!, {{r8-r11}}\n",
            pair!(doubled, $reset, "r4", "r8", $b0),
            pair!(doubled, $reset, "r5", "r9", $b1),
            pair!(doubled, $reset, "r6", "r10", $b2),
            pair!(doubled, $reset, "r7", "r11", $b3),
            "stm r0!, {{r4-r7}}\n",
        )
    };
    ($charge:ident, $reset:ident, $b0:literal, $b1:literal, $b2:literal, $b3:literal) => {
        concat!(
            "ldm r0, {{r4-r7}}\n",
            "ldm r1!, {{r8, r9}}\n",
            pair!($charge, $reset, "r4", "r8", $b0),
            pair!($charge, $reset, "r5", "r9", $b1),
            "ldm r1!, {{r8, r9}}\n",
            pair!($charge, $reset, "r6", "r8", $b2),
            pair!($charge, $reset, "r7", "r9", $b3),
            "stm r0!, {{r4-r7}}\n",
        )
    };
}

/// The neurons of a turn, and how their spikes are stored.
macro_rules! turn {
    (8, $charge:ident, $reset:ident) => {
        concat!(
            eight!(
                $charge,
                $reset,
                "0x00010001",
                "0x00040004",
                "0x00100010",
                "0x00400040"
            ),
            "orr r12, r12, r12, lsr #15\n",
            "strb r12, [r2], #1\n",
        )
    };
    (16, $charge:ident, $reset:ident) => {
        concat!(
            eight!(
                $charge,
                $reset,
                "0x00010001",
                "0x00040004",
                "0x00100010",
                "0x00400040"
            ),
            eight!(
                $charge,
                $reset,
                "0x01000100",
                "0x04000400",
                "0x10001000",
                "0x40004000"
            ),
            "orr r12, r12, r12, lsr #15\n",
            "strh r12, [r2], #2\n",
        )
    };
}

/// A step of words of neurons, `$n` a turn, in pairs.
///
/// r0 membranes, r1 currents, r12 spikes of the turn, r3 threshold, r4 to r7 eight membranes, r8 to r11 eight currents,
/// or r8 and r9 four of them, r10 leak factor or zero and r11 a temporary; r2 where the spikes go, lr reset potential.
/// The end of the membranes is at [sp], in r11 or, with a soft reset, in lr, as they are free. The spikes of the pairs'
/// first neurons are in the low half of r12, those of the second in the high half, at every other bit.
macro_rules! lif {
    ($name:ident, $charge:ident, $reset:ident, $n:tt, $end:literal) => {
        /// # Safety
        ///
        /// `v` up to `constants.end`, and `c`, hold whole words of neurons from multiples of 4 on, `spikes` a word for
        /// 32.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            v: *mut i16,
            c: *const i16,
            spikes: *mut u32,
            constants: *const Neurons,
        ) {
            core::arch::naked_asm!(
                "push {{r3-r11, lr}}",
                "ldm r3, {{r3, r10, r11, lr}}",
                "str r11, [sp]",
                "2:",
                "mov r12, #0",
                turn!($n, $charge, $reset),
                $end,
                "bne 2b",
                "pop {{r3-r11, pc}}",
            )
        }
    };
}

lif!(
    lif_doubled_hard,
    doubled,
    hard,
    16,
    "ldr r4, [sp]\ncmp r0, r4"
);
lif!(
    lif_doubled_soft,
    doubled,
    soft_four,
    8,
    "ldr r4, [sp]\ncmp r0, r4"
);
lif!(lif_half_hard, half, hard, 16, "cmp r0, r11");
lif!(lif_half_soft, half, soft, 8, "cmp r0, lr");
lif!(lif_any_hard, any, hard, 8, "ldr r4, [sp]\ncmp r0, r4");
lif!(lif_any_soft, any, soft, 8, "cmp r0, lr");
