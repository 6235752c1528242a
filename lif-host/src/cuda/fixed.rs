//! LIF and SimpleLIF in fixed point on the GPU (`docs/dynamics.md`, sections 3 and 4.1): every bit is that of
//! `lif-nostd`.

use std::marker::PhantomData;

use cudarc::driver::{CudaFunction, CudaView, CudaViewMut, DeviceRepr, ValidAsZeroBits};
use lif_nostd::neuron::Lif;
use lif_nostd::scalar::{FixedLeak, Scalar};

use super::launch::{Arg, FixedConstants, Need, counts, grid, launch};
use super::source::{Kernel, Program};
use super::storage::sealed::Sealed;
use super::{Error, Gpu, Shape, SpikeFormat, SpikesMut};

/// Threads to a block.
const THREADS: usize = 128;

/// Inputs under way, in steps.
const AHEAD: usize = 8;

/// An integer type of membranes: i16 or i32.
pub trait FixedState:
    Scalar<Leak = FixedLeak> + DeviceRepr + ValidAsZeroBits + Into<i32> + Sealed + 'static
{
}

impl FixedState for i16 {}
impl FixedState for i32 {}

/// What drives the neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixedInput {
    /// Inputs of the membranes' type.
    Currents,
    /// Sums of 32 bits, such as those of i8 weights over spikes, that become currents as `sat(sum * 2^shift)`, or
    /// `sat(sum >> -shift)` for a negative shift.
    Sums {
        /// From -31 to 31.
        shift: i32,
    },
}

/// A layer of fixed-point neurons.
#[derive(Clone, Debug)]
pub struct Fixed<S: FixedState> {
    gpu: Gpu,
    lif: Lif<S>,
    input: FixedInput,
}

impl<S: FixedState> Fixed<S> {
    /// Neurons with the constants of `lif`: SimpleLIF's charge in fixed point is LIF's.
    ///
    /// # Errors
    ///
    /// [`Error::Tuning`] for a shift out of its range.
    pub fn new(gpu: &Gpu, lif: Lif<S>, input: FixedInput) -> Result<Self, Error> {
        if let FixedInput::Sums { shift } = input
            && !(-31..=31).contains(&shift)
        {
            return Err(Error::Tuning {
                name: "shift",
                value: shift.unsigned_abs() as usize,
                must_be: "from -31 to 31",
            });
        }
        Ok(Self {
            gpu: gpu.clone(),
            lif,
            input,
        })
    }

    /// Compiles the kernel for sequences of one shape. Spikes are kept as bytes or bits; `v_seq` says whether the
    /// membranes after each step are written.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`], [`Error::Unexpected`] for spikes as numbers, [`Error::Compile`], [`Error::Driver`].
    pub fn plan(
        &self,
        shape: Shape,
        spikes: SpikeFormat,
        v_seq: bool,
    ) -> Result<FixedPlan<S>, Error> {
        shape.values()?;
        if spikes == SpikeFormat::Real {
            return Err(Error::Unexpected {
                argument: "spike_seq",
                why: "in fixed point spikes are bytes or bits",
            });
        }
        let sums = matches!(self.input, FixedInput::Sums { .. });
        let kernel = Kernel::new(
            Program::Fixed,
            &[
                ("STORE", 0),
                ("VEC", 1),
                ("THREADS", THREADS),
                ("AHEAD", AHEAD),
                ("WIDE", usize::from(size_of::<S>() == 4)),
                ("SUMS", usize::from(sums)),
                ("DECAY_INPUT", usize::from(self.lif.decay_input)),
                ("SOFT_RESET", usize::from(self.lif.v_reset.is_none())),
                ("SPIKES", spikes.number()),
                ("V_SEQ", usize::from(v_seq)),
            ],
        );
        Ok(FixedPlan {
            function: self.gpu.kernel(&kernel)?,
            layer: self.clone(),
            shape,
            spikes,
            v_seq,
            state: PhantomData,
        })
    }
}

/// The inputs of a fixed-point forward, `[T, N]`.
#[derive(Debug)]
pub enum FixedInputs<'a, S> {
    /// [`FixedInput::Currents`].
    Currents(CudaView<'a, S>),
    /// [`FixedInput::Sums`].
    Sums(CudaView<'a, i32>),
}

/// Tensors of a fixed-point forward.
#[derive(Debug)]
pub struct FixedForward<'a, S> {
    /// Inputs, of the layer's kind.
    pub x_seq: FixedInputs<'a, S>,
    /// Membranes before the first step, `[N]`; none for `v_reset`, or 0 with a soft reset.
    pub v_init: Option<CudaView<'a, S>>,
    /// Spikes, of the plan's format.
    pub spike_seq: SpikesMut<'a, f32>,
    /// Membranes after each step, `[T, N]`, if the plan has them.
    pub v_seq: Option<CudaViewMut<'a, S>>,
    /// Membranes after the last step, `[N]`.
    pub v_last: Option<CudaViewMut<'a, S>>,
}

/// The kernel of a fixed-point layer for sequences of one shape.
#[derive(Clone, Debug)]
pub struct FixedPlan<S: FixedState> {
    layer: Fixed<S>,
    shape: Shape,
    spikes: SpikeFormat,
    v_seq: bool,
    function: CudaFunction,
    state: PhantomData<S>,
}

impl<S: FixedState> FixedPlan<S> {
    /// Runs the forward on the stream of the layer's GPU, without waiting for it.
    ///
    /// # Errors
    ///
    /// Those that name an argument: [`Error::Length`], [`Error::Missing`], [`Error::Unexpected`],
    /// [`Error::Alignment`], [`Error::Stream`]; [`Error::Driver`].
    pub fn forward(&self, tensors: FixedForward<'_, S>) -> Result<(), Error> {
        let Fixed { gpu, lif, input } = &self.layer;
        let Shape { steps, neurons } = self.shape;
        let size = size_of::<S>();
        let seq = |argument, size| Need::new(argument, steps * neurons, size);
        let state = |argument| Need::new(argument, neurons, size);
        let FixedForward {
            x_seq,
            v_init,
            mut spike_seq,
            mut v_seq,
            mut v_last,
        } = tensors;
        super::spiking::expect("v_seq", v_seq.is_some(), self.v_seq)?;
        let (x_seq, shift) = match (&x_seq, input) {
            (FixedInputs::Currents(x), FixedInput::Currents) => {
                (seq("x_seq", size).input(gpu, x)?, 0)
            }
            (FixedInputs::Sums(x), FixedInput::Sums { shift }) => {
                (seq("x_seq", 4).input(gpu, x)?, *shift)
            }
            _ => {
                return Err(Error::Unexpected {
                    argument: "x_seq",
                    why: "the layer takes inputs of the other kind",
                });
            }
        };
        let v_start: i32 = lif.v_reset.unwrap_or(S::ZERO).into();
        let constants = FixedConstants {
            a: lif.leak.a,
            pull: lif.leak.pull,
            v_threshold: lif.v_threshold.into(),
            v_reset: v_start,
            shift,
        };
        let args = [
            x_seq.into(),
            state("v_init").maybe_input(gpu, v_init.as_ref())?.into(),
            spike_seq.address(gpu, self.shape, self.spikes, 1)?.into(),
            seq("v_seq", size).maybe_output(gpu, v_seq.as_mut())?.into(),
            state("v_last").maybe_output(gpu, v_last.as_mut())?.into(),
            Arg::Fixed(constants),
            Arg::Int(v_start),
        ];
        let args = [&args[..], &counts(neurons, steps)].concat();
        let config = grid(neurons, 1, THREADS)?;
        // SAFETY: the arguments are those of `fixed_forward`; lengths, alignment and stream were checked, tensors that
        // may be left out are those that the kernel tests for or that its macros leave out, and the views borrow what
        // is written exclusively.
        unsafe { launch(gpu, &self.function, config, &args) }
    }
}
