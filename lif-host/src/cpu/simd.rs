//! Instruction sets, chosen when the program runs.
//!
//! A kernel is a struct of what it works on with `#[inline(always)]` on its `with_simd` and on all that this calls:
//! [`run`] compiles it once for every instruction set that there is, and calls the best one. No operation is fused with
//! another, and no sum is cut by the width of a vector, so the bits are those of the baseline.

pub(super) use pulp::{Simd, WithSimd};

/// Runs `kernel` with the widest vectors of this machine.
#[inline]
pub(super) fn run<K: WithSimd>(kernel: K) -> K::Output {
    pulp::Arch::new().dispatch(kernel)
}
