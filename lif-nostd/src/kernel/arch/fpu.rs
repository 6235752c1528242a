//! Cortex-M4 and M7 with a floating-point unit of single precision: f32 neurons.

use crate::neuron::Lif;

/// Constants of neurons.
///
/// The reset is `s * v_reset + (1 - s) * h`, or `h - s * v_threshold`, with s of 0 or 1: without a spike `h + rest`,
/// with one `h * keep + add`. The products by 0 stay, for the signs of zeros, infinities and NaN.
#[repr(C)]
pub(super) struct Neurons {
    tau: f32,
    v_leak: f32,
    v_threshold: f32,
    rest: f32,
    keep: f32,
    add: f32,
}

/// What the kernel needs to know.
pub(super) fn neurons(lif: &Lif<f32>) -> Neurons {
    let (rest, keep, add) = match lif.v_reset {
        Some(v_reset) => (0.0 * v_reset, 0.0, v_reset),
        None => (-(0.0 * lif.v_threshold), 1.0, -lif.v_threshold),
    };
    Neurons {
        tau: lif.leak.tau,
        v_leak: lif.leak.v_leak,
        v_threshold: lif.v_threshold,
        rest,
        keep,
        add,
    }
}

/// The charge of the membrane in `$v` with the input in `$x`.
macro_rules! charge {
    (decayed, $v:literal, $x:literal) => {
        concat!(
            "vsub.f32 s24, ",
            $v,
            ", s17\n",
            "vsub.f32 s24, ",
            $x,
            ", s24\n",
            "vdiv.f32 s24, s24, s16\n",
            "vadd.f32 ",
            $v,
            ", ",
            $v,
            ", s24\n",
        )
    };
    (whole, $v:literal, $x:literal) => {
        concat!(
            "vsub.f32 s24, ",
            $v,
            ", s17\n",
            "vdiv.f32 s24, s24, s16\n",
            "vsub.f32 ",
            $v,
            ", ",
            $v,
            ", s24\n",
            "vadd.f32 ",
            $v,
            ", ",
            $v,
            ", ",
            $x,
            "\n",
        )
    };
}

/// A neuron; if it fires, it goes on at `$fire`, from where it comes back to `$back`. NaN does not fire.
macro_rules! one {
    ($input:ident, $v:literal, $x:literal, $fire:literal, $back:literal) => {
        concat!(
            charge!($input, $v, $x),
            "vcmp.f32 ",
            $v,
            ", s18\n",
            "vmrs APSR_nzcv, fpscr\n",
            "bge ",
            $fire,
            "f\n",
            "vadd.f32 ",
            $v,
            ", ",
            $v,
            ", s19\n",
            $back,
            ":\n",
        )
    };
}

/// The spike of a neuron, at bit `$bit`, and its reset.
macro_rules! fire {
    ($v:literal, $fire:literal, $back:literal, $bit:literal) => {
        concat!(
            $fire,
            ":\n",
            "orr r3, r3, #",
            $bit,
            "\n",
            "vmul.f32 ",
            $v,
            ", ",
            $v,
            ", s20\n",
            "vadd.f32 ",
            $v,
            ", ",
            $v,
            ", s21\n",
            "b ",
            $back,
            "b\n",
        )
    };
}

/// A step of words of neurons, eight a turn.
///
/// r0 membranes, r1 inputs, r2 where the spikes go, r3 spikes of the turn, r12 end, s0 to s7 membranes, s8 to s15
/// inputs, s16 to s21 the constants, s24 a temporary.
macro_rules! lif {
    ($name:ident, $input:ident) => {
        /// # Safety
        ///
        /// `v` up to `end`, and `x`, hold whole words of neurons, at least one, `spikes` a word for 32.
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(
            v: *mut f32,
            x: *const f32,
            spikes: *mut u32,
            constants: *const Neurons,
            end: *const f32,
        ) {
            core::arch::naked_asm!(
                ".fpu fpv4-sp-d16",
                "ldr r12, [sp]",
                "vpush {{d8-d12}}",
                "vldm r3, {{s16-s21}}",
                "2:",
                "vldm r0, {{s0-s7}}",
                "vldm r1!, {{s8-s15}}",
                "mov r3, #0",
                one!($input, "s0", "s8", "20", "40"),
                one!($input, "s1", "s9", "21", "41"),
                one!($input, "s2", "s10", "22", "42"),
                one!($input, "s3", "s11", "23", "43"),
                one!($input, "s4", "s12", "24", "44"),
                one!($input, "s5", "s13", "25", "45"),
                one!($input, "s6", "s14", "26", "46"),
                one!($input, "s7", "s15", "27", "47"),
                "vstm r0!, {{s0-s7}}",
                "strb r3, [r2], #1",
                "cmp r0, r12",
                "bne 2b",
                "vpop {{d8-d12}}",
                "bx lr",
                fire!("s0", "20", "40", "1"),
                fire!("s1", "21", "41", "2"),
                fire!("s2", "22", "42", "4"),
                fire!("s3", "23", "43", "8"),
                fire!("s4", "24", "44", "16"),
                fire!("s5", "25", "45", "32"),
                fire!("s6", "26", "46", "64"),
                fire!("s7", "27", "47", "128"),
            )
        }
    };
}

lif!(lif_whole, whole);
lif!(lif_decayed, decayed);
