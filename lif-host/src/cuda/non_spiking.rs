//! NonSpikingLIF on the GPU (`docs/dynamics.md`, sections 1.1, 2 and 6.2).

use std::marker::PhantomData;

use cudarc::driver::{CudaFunction, CudaView, CudaViewMut};
use lif_nostd::neuron::{Decode, LifConfig};

use super::constants::of_tau;
use super::launch::{Address, Arg, Need, NeuronConstants, counts, grid, launch};
use super::source::{Kernel, Program};
use super::{Error, Gpu, Shape, Storage};

/// Threads to a block.
const THREADS: usize = 128;

/// A layer of NonSpikingLIF neurons, and what is read out of it.
#[derive(Clone, Debug)]
pub struct NonSpiking {
    gpu: Gpu,
    decode: Decode,
    divide: usize,
    neuron: NeuronConstants,
}

impl NonSpiking {
    /// Neurons of time constant `tau`, in steps, read out by `decode`.
    ///
    /// # Errors
    ///
    /// [`Error::Config`].
    pub fn new(gpu: &Gpu, tau: f64, decode: Decode) -> Result<Self, Error> {
        let neuron = LifConfig::new(tau).non_spiking_lif::<f32>()?;
        let (divide, neuron) = of_tau(neuron.leak.tau);
        Ok(Self {
            gpu: gpu.clone(),
            decode,
            divide,
            neuron,
        })
    }

    /// The macro DECODE.
    fn number(&self) -> usize {
        let all = Decode::ALL.iter();
        all.take_while(|decode| **decode != self.decode).count()
    }

    /// Compiles the kernels for sequences of one shape and storage type. After that, nothing is allocated or compiled.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`], [`Error::Compile`], [`Error::Driver`].
    pub fn plan<X: Storage>(&self, shape: Shape) -> Result<NonSpikingPlan<X>, Error> {
        shape.values()?;
        let many = shape.neurons / self.gpu.multiprocessors().max(1) >= 4096;
        let most = if many {
            16 / size_of::<X>()
        } else {
            4 / size_of::<X>()
        };
        let vector = (0..4)
            .map(|p| 1 << p)
            .rfind(|v| *v <= most && shape.neurons.is_multiple_of(*v))
            .unwrap_or(1);
        let macros = [
            ("STORE", X::STORE),
            ("VEC", vector),
            ("THREADS", THREADS),
            ("MODEL", 0),
            ("DECAY_INPUT", 1),
            ("SOFT_RESET", 0),
            ("DIVIDE", self.divide),
            ("RESET_TO_ZERO", 1),
            ("DECODE", self.number()),
            ("AHEAD", if many { 4 } else { 16 }),
        ];
        let kernel = |program| self.gpu.kernel(&Kernel::new(program, &macros));
        Ok(NonSpikingPlan {
            forward: kernel(Program::NonSpikingForward)?,
            backward: kernel(Program::NonSpikingBackward)?,
            layer: self.clone(),
            shape,
            vector,
            storage: PhantomData,
        })
    }
}

/// The kernels of a NonSpikingLIF layer for sequences of one shape and storage type.
#[derive(Clone, Debug)]
pub struct NonSpikingPlan<X> {
    layer: NonSpiking,
    shape: Shape,
    vector: usize,
    forward: CudaFunction,
    backward: CudaFunction,
    storage: PhantomData<X>,
}

impl<X: Storage> NonSpikingPlan<X> {
    /// Values of the output: `[T, N]` without a decode, else `[N]`.
    #[must_use]
    pub fn output_len(&self) -> usize {
        match self.layer.decode {
            Decode::None => self.shape.steps * self.shape.neurons,
            _ => self.shape.neurons,
        }
    }

    /// Whether the backward needs the step that each output came from: for max-mem and max-abs-mem.
    #[must_use]
    pub const fn has_chosen(&self) -> bool {
        matches!(self.layer.decode, Decode::MaxMem | Decode::MaxAbsMem)
    }

    fn chosen(&self) -> Need {
        let len = if self.has_chosen() {
            self.shape.neurons
        } else {
            0
        };
        Need::new("chosen", len, 4)
    }

    fn seq(&self, argument: &'static str, len: usize) -> Need {
        Need::new(argument, len, self.vector * size_of::<X>())
    }

    /// Runs the forward over `x_seq`, `[T, N]`, from membranes of 0, on the stream of the layer's GPU, without waiting
    /// for it. `chosen`, `[N]`, gets the step that each output came from (-1 for none), for the backward; leave it out
    /// where there is none, or where [`Self::has_chosen`] says no.
    ///
    /// # Errors
    ///
    /// Those that name an argument: [`Error::Length`], [`Error::Alignment`], [`Error::Stream`]; [`Error::Driver`].
    pub fn forward(
        &self,
        x_seq: &CudaView<'_, X>,
        output: &mut CudaViewMut<'_, X>,
        chosen: Option<&mut CudaViewMut<'_, i32>>,
    ) -> Result<(), Error> {
        let gpu = &self.layer.gpu;
        let Shape { steps, neurons } = self.shape;
        let args = [
            self.seq("x_seq", steps * neurons).input(gpu, x_seq)?.into(),
            self.seq("output", self.output_len())
                .output(gpu, output)?
                .into(),
            self.chosen().maybe_output(gpu, chosen)?.into(),
            Address::NONE.into(),
            Arg::Neuron(self.layer.neuron),
        ];
        let args = [&args[..], &counts(neurons, steps)].concat();
        let config = grid(neurons, self.vector, THREADS)?;
        // SAFETY: the arguments are those of `non_spiking_forward`; lengths, alignment and stream were checked, the
        // kernel tests for those left out, and the views borrow what is written exclusively.
        unsafe { launch(gpu, &self.forward, config, &args) }
    }

    /// Runs the backward from `grad_output`, of the output's shape, to `grad_x_seq`, `[T, N]`, without waiting for it.
    ///
    /// # Errors
    ///
    /// As [`Self::forward`], and [`Error::Missing`] where `chosen` is needed.
    pub fn backward(
        &self,
        grad_output: &CudaView<'_, X>,
        chosen: Option<&CudaView<'_, i32>>,
        grad_x_seq: &mut CudaViewMut<'_, X>,
    ) -> Result<(), Error> {
        let gpu = &self.layer.gpu;
        let Shape { steps, neurons } = self.shape;
        let chosen = self.chosen().maybe_input(gpu, chosen)?;
        if self.has_chosen() && chosen.is_none() {
            return Err(Error::Missing {
                argument: "chosen",
                why: "the gradient goes to the step that the output came from; the forward writes it",
            });
        }
        let args = [
            self.seq("grad_output", self.output_len())
                .input(gpu, grad_output)?
                .into(),
            chosen.into(),
            self.seq("grad_x_seq", steps * neurons)
                .output(gpu, grad_x_seq)?
                .into(),
            Arg::Neuron(self.layer.neuron),
        ];
        let args = [&args[..], &counts(neurons, steps)].concat();
        let config = grid(neurons, self.vector, THREADS)?;
        // SAFETY: the arguments are those of `non_spiking_backward`; lengths, alignment and stream were checked,
        // `chosen` is there where it is read, and the views borrow what is written exclusively.
        unsafe { launch(gpu, &self.backward, config, &args) }
    }
}
