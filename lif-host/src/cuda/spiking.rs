//! LIF and SimpleLIF on the GPU (`docs/dynamics.md`, sections 1, 2 and 6).

use std::marker::PhantomData;

use cudarc::driver::{CudaFunction, CudaView, CudaViewMut};

use super::constants::{LayerConstants, emission, surrogate_macros};
use super::launch::{Arg, Need, blocks, counts, grid, launch};
use super::source::{Kernel, Program};
use super::{Error, Gpu, Shape, SpikeFormat, SpikesMut, Storage, Tuning};
use crate::cpu::NeuronParams;

/// What a plan computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Format of the spikes.
    pub spikes: SpikeFormat,
    /// Whether the forward writes the membranes after each step.
    pub v_seq: bool,
    /// Whether the backward has a gradient on them.
    pub grad_v_seq: bool,
    /// How the kernels are cut; [`Tuning::auto`] if none.
    pub tuning: Option<Tuning>,
}

/// Tensors of a forward. `X` is the storage type; state is f32 whatever it is.
#[derive(Debug)]
pub struct Forward<'a, X> {
    /// Inputs, `[T, N]`.
    pub x_seq: CudaView<'a, X>,
    /// Membranes before the first step, `[N]`; none for the model's own.
    pub v_init: Option<CudaView<'a, f32>>,
    /// Spikes, of the plan's format.
    pub spike_seq: SpikesMut<'a, X>,
    /// Membranes after each step, `[T, N]`, if the plan has them.
    pub v_seq: Option<CudaViewMut<'a, X>>,
    /// Membranes after the last step, `[N]`.
    pub v_last: Option<CudaViewMut<'a, f32>>,
    /// What the backward starts from, [`Plan::checkpoint_len`] values; none where there will be no backward.
    pub checkpoints: Option<CudaViewMut<'a, f32>>,
}

/// Tensors of a backward.
#[derive(Debug)]
pub struct Backward<'a, X> {
    /// Inputs of the forward, `[T, N]`.
    pub x_seq: CudaView<'a, X>,
    /// Membranes before the first step, as in the forward.
    pub v_init: Option<CudaView<'a, f32>>,
    /// What the forward kept; may be none where [`Plan::checkpoint_len`] is 0.
    pub checkpoints: Option<CudaView<'a, f32>>,
    /// Gradient on the spikes, `[T, N]`.
    pub grad_spike_seq: CudaView<'a, X>,
    /// Gradient on the membranes after each step, `[T, N]`, if the plan has it.
    pub grad_v_seq: Option<CudaView<'a, X>>,
    /// Gradient on the membranes after the last step, `[N]`; 0 if none.
    pub grad_v_last: Option<CudaView<'a, f32>>,
    /// Gradient on the inputs, `[T, N]`.
    pub grad_x_seq: CudaViewMut<'a, X>,
    /// Gradient on the initial membranes, `[N]`.
    pub grad_v_init: Option<CudaViewMut<'a, f32>>,
}

/// A layer of LIF or SimpleLIF neurons.
#[derive(Clone, Debug)]
pub struct Spiking {
    gpu: Gpu,
    params: NeuronParams,
    constants: LayerConstants,
}

impl Spiking {
    /// Checks `params` and rounds the constants to f32.
    ///
    /// # Errors
    ///
    /// [`Error::Params`], [`Error::Config`].
    pub fn new(gpu: &Gpu, params: &NeuronParams) -> Result<Self, Error> {
        Ok(Self {
            gpu: gpu.clone(),
            params: *params,
            constants: LayerConstants::new(params)?,
        })
    }

    /// Compiles the kernels for sequences of one shape and storage type. After that, nothing is allocated or
    /// compiled: a plan's calls can be captured into a graph.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`], [`Error::Tuning`], [`Error::NotBinary`], [`Error::Compile`], [`Error::Driver`].
    pub fn plan<X: Storage>(&self, shape: Shape, options: Options) -> Result<Plan<X>, Error> {
        shape.values()?;
        let bytes = size_of::<X>();
        let tuning = options
            .tuning
            .unwrap_or_else(|| Tuning::auto(&self.gpu, shape, bytes, options.spikes, &self.params));
        tuning.check(shape, bytes)?;
        let NeuronParams {
            surrogate, spiking, ..
        } = self.params;
        let emit = emission(&surrogate, spiking);
        if emit != 0 && options.spikes != SpikeFormat::Real {
            return Err(Error::NotBinary {
                format: options.spikes.name(),
                surrogate: surrogate.name(),
            });
        }
        let common = [("STORE", X::STORE), ("EMIT", emit), ("CHUNK", tuning.chunk)];
        let kernel = |program| Kernel::new(program, &self.constants.macros).with(&common);
        let of_surrogate = surrogate_macros(&surrogate, spiking);
        let mut forward = kernel(Program::SpikingForward).with(&[
            ("VEC", tuning.forward_vector),
            ("THREADS", tuning.threads),
            ("AHEAD", tuning.ahead),
            ("SPIKES", options.spikes.number()),
            ("V_SEQ", usize::from(options.v_seq)),
        ]);
        forward = forward.with(&[("FINITE_SLOPE", 0)]);
        // A forward of spikes does not depend on the surrogate: one kernel serves all.
        forward = forward.with(&if emit == 0 {
            [("SURROGATE", 1), ("SPIKING", 1), ("PLAIN", 0)]
        } else {
            of_surrogate
        });
        let (program, threads) = if tuning.side_by_side {
            (Program::SpikingBackwardChunks, 32 * tuning.warps(shape))
        } else {
            (Program::SpikingBackward, tuning.threads)
        };
        // Whether the way back through the reset multiplies the slope with the membrane.
        let multiplied = self.params.config.v_reset.is_some() && !self.params.detach_reset;
        let backward = kernel(program).with(&of_surrogate).with(&[
            ("VEC", tuning.backward_vector),
            ("THREADS", threads),
            ("DETACH_RESET", usize::from(self.params.detach_reset)),
            ("FINITE_SLOPE", usize::from(multiplied)),
            ("GRAD_V_SEQ", usize::from(options.grad_v_seq)),
        ]);
        Ok(Plan {
            forward: self.gpu.kernel(&forward)?,
            backward: self.gpu.kernel(&backward)?,
            layer: self.clone(),
            shape,
            options,
            tuning,
            storage: PhantomData,
        })
    }
}

/// The kernels of a layer for sequences of one shape, storage type and set of options.
#[derive(Clone, Debug)]
pub struct Plan<X> {
    layer: Spiking,
    shape: Shape,
    options: Options,
    tuning: Tuning,
    forward: CudaFunction,
    backward: CudaFunction,
    storage: PhantomData<X>,
}

impl<X: Storage> Plan<X> {
    /// How the kernels are cut.
    #[must_use]
    pub const fn tuning(&self) -> Tuning {
        self.tuning
    }

    /// Values that the forward keeps for the backward: the membranes before every chunk but the first.
    #[must_use]
    pub const fn checkpoint_len(&self) -> usize {
        (self.shape.steps.div_ceil(self.tuning.chunk) - 1) * self.shape.neurons
    }

    /// Runs the forward on the stream of the layer's GPU, without waiting for it.
    ///
    /// # Errors
    ///
    /// Those that name an argument: [`Error::Length`], [`Error::Missing`], [`Error::Unexpected`],
    /// [`Error::Alignment`], [`Error::Stream`]; [`Error::Driver`]. Nothing was written then.
    pub fn forward(&self, tensors: Forward<'_, X>) -> Result<(), Error> {
        let gpu = &self.layer.gpu;
        let Shape { steps, neurons } = self.shape;
        let vector = self.tuning.forward_vector;
        let wide = vector * size_of::<X>();
        let seq = |argument| Need::new(argument, steps * neurons, wide);
        let state = |argument| Need::new(argument, neurons, 4);
        let Forward {
            x_seq,
            v_init,
            mut spike_seq,
            mut v_seq,
            mut v_last,
            mut checkpoints,
        } = tensors;
        expect("v_seq", v_seq.is_some(), self.options.v_seq)?;
        let kept = Need::new("checkpoints", self.checkpoint_len(), 4);
        let constants = &self.layer.constants;
        let args = [
            seq("x_seq").input(gpu, &x_seq)?.into(),
            state("v_init").maybe_input(gpu, v_init.as_ref())?.into(),
            spike_seq
                .address(gpu, self.shape, self.options.spikes, vector)?
                .into(),
            seq("v_seq").maybe_output(gpu, v_seq.as_mut())?.into(),
            state("v_last").maybe_output(gpu, v_last.as_mut())?.into(),
            kept.maybe_output(gpu, checkpoints.as_mut())?.into(),
            Arg::Neuron(constants.neuron),
            Arg::Surrogate(constants.surrogate),
            Arg::Float(constants.v_start),
        ];
        let args = [&args[..], &counts(neurons, steps)].concat();
        let config = grid(neurons, vector, self.tuning.threads)?;
        // SAFETY: the arguments are those of `spiking_forward`. Lengths, alignment and stream were checked, tensors
        // that may be left out are those that the kernel tests for or that its macros leave out, and the views borrow
        // what is written exclusively.
        unsafe { launch(gpu, &self.forward, config, &args) }
    }

    /// Runs the backward on the stream of the layer's GPU, without waiting for it.
    ///
    /// # Errors
    ///
    /// As [`Plan::forward`].
    pub fn backward(&self, tensors: Backward<'_, X>) -> Result<(), Error> {
        let gpu = &self.layer.gpu;
        let Shape { steps, neurons } = self.shape;
        let vector = self.tuning.backward_vector;
        let seq = |argument| Need::new(argument, steps * neurons, vector * size_of::<X>());
        let state = |argument| Need::new(argument, neurons, 4);
        let Backward {
            x_seq,
            v_init,
            checkpoints,
            grad_spike_seq,
            grad_v_seq,
            grad_v_last,
            mut grad_x_seq,
            mut grad_v_init,
        } = tensors;
        expect("grad_v_seq", grad_v_seq.is_some(), self.options.grad_v_seq)?;
        let kept = Need::new("checkpoints", self.checkpoint_len(), 4);
        if kept.len > 0 && checkpoints.is_none() {
            return Err(Error::Missing {
                argument: "checkpoints",
                why: "the sequence has several chunks; the forward writes them",
            });
        }
        let constants = &self.layer.constants;
        let args = [
            seq("x_seq").input(gpu, &x_seq)?.into(),
            state("v_init").maybe_input(gpu, v_init.as_ref())?.into(),
            kept.maybe_input(gpu, checkpoints.as_ref())?.into(),
            seq("grad_spike_seq").input(gpu, &grad_spike_seq)?.into(),
            seq("grad_v_seq")
                .maybe_input(gpu, grad_v_seq.as_ref())?
                .into(),
            state("grad_v_last")
                .maybe_input(gpu, grad_v_last.as_ref())?
                .into(),
            seq("grad_x_seq").output(gpu, &mut grad_x_seq)?.into(),
            state("grad_v_init")
                .maybe_output(gpu, grad_v_init.as_mut())?
                .into(),
            Arg::Neuron(constants.neuron),
            Arg::Surrogate(constants.surrogate),
            Arg::Float(constants.v_start),
        ];
        let args = [&args[..], &counts(neurons, steps)].concat();
        let config = if self.tuning.side_by_side {
            let warps = self.tuning.warps(self.shape) as u32;
            blocks(neurons.div_ceil(32), (32, warps, 1))?
        } else {
            grid(neurons, vector, self.tuning.threads)?
        };
        // SAFETY: the arguments are those of both backward kernels. Lengths, alignment and stream were checked,
        // checkpoints are there where the kernels read them, and the views borrow what is written exclusively.
        unsafe { launch(gpu, &self.backward, config, &args) }
    }
}

/// A tensor that is there exactly if the plan has it.
pub(super) fn expect(argument: &'static str, is: bool, planned: bool) -> Result<(), Error> {
    match (is, planned) {
        (false, true) => Err(Error::Missing {
            argument,
            why: "the plan has it",
        }),
        (true, false) => Err(Error::Unexpected {
            argument,
            why: "the plan does not have it",
        }),
        _ => Ok(()),
    }
}
