//! Surrogates on the GPU, value by value (`docs/surrogates.md`).

use cudarc::driver::{CudaView, CudaViewMut};

use super::constants::{surrogate, surrogate_macros};
use super::launch::{Arg, Need, counts, grid, launch};
use super::source::{Kernel, Program};
use super::{Error, Gpu};
use crate::cpu::ParamsError;
use crate::surrogate::Surrogate;

/// Threads to a block.
const THREADS: usize = 256;

/// Writes the gradient of `function` at each of `x`, the membrane's distance to the threshold, to `grad`, and its
/// primitive to `primitive` if given; does not wait for it. All are of one length.
///
/// Gradients are computed in f64 and rounded once, with a relative error of 1e-10 before that.
///
/// # Errors
///
/// [`Error::Params`] for parameters out of range and for a primitive that there is not; [`Error::Length`],
/// [`Error::Stream`]; [`Error::Compile`], [`Error::Driver`].
pub fn evaluate(
    gpu: &Gpu,
    function: &Surrogate,
    x: &CudaView<'_, f32>,
    grad: &mut CudaViewMut<'_, f32>,
    primitive: Option<&mut CudaViewMut<'_, f32>>,
) -> Result<(), Error> {
    let name = function.name();
    if let Some(problem) = function.problem() {
        return Err(ParamsError::Surrogate { name, problem }.into());
    }
    if primitive.is_some() && !function.has_primitive() {
        return Err(ParamsError::NoPrimitive(name).into());
    }
    let kernel = Kernel::new(
        Program::Surrogate,
        &[
            ("STORE", 0),
            ("VEC", 1),
            ("THREADS", THREADS),
            ("MODEL", 0),
            ("DECAY_INPUT", 1),
            ("SOFT_RESET", 0),
            ("DIVIDE", 0),
            ("RESET_TO_ZERO", 1),
            ("FINITE_SLOPE", 0),
            ("EMIT", if primitive.is_some() { 2 } else { 0 }),
        ],
    )
    .with(&surrogate_macros(function, true));
    let kernel = gpu.kernel(&kernel)?;
    let len = x.len();
    let need = |argument| Need::new(argument, len, 4);
    let args = [
        need("x").input(gpu, x)?.into(),
        need("grad").output(gpu, grad)?.into(),
        need("primitive").maybe_output(gpu, primitive)?.into(),
        Arg::Surrogate(surrogate(function)),
        counts(len, 0)[0],
    ];
    // SAFETY: the arguments are those of `surrogate`; lengths and stream were checked, and the views borrow what is
    // written exclusively.
    unsafe { launch(gpu, &kernel, grid(len, 1, THREADS)?, &args) }
}
