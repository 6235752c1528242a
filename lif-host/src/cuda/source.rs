//! The kernels' sources, and the macros that specialise them.

/// A source under `kernels/`, from its parts in their order: NVRTC is given no headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// Forward of spiking neurons.
    SpikingForward,
    /// Backward of spiking neurons.
    SpikingBackward,
    /// The same with the chunks of a neuron side by side.
    SpikingBackwardChunks,
    /// Forward of NonSpikingLIF.
    NonSpikingForward,
    /// Backward of NonSpikingLIF.
    NonSpikingBackward,
    /// Forward in fixed point.
    Fixed,
    /// Gradient and primitive of a surrogate.
    Surrogate,
}

macro_rules! parts {
    ($($file:literal),*) => {
        &[$(include_str!(concat!("../../kernels/", $file))),*]
    };
}

impl Program {
    /// Name of the kernel.
    const fn name(self) -> &'static str {
        match self {
            Self::SpikingForward => "spiking_forward",
            Self::SpikingBackward => "spiking_backward",
            Self::SpikingBackwardChunks => "spiking_backward_chunks",
            Self::NonSpikingForward => "non_spiking_forward",
            Self::NonSpikingBackward => "non_spiking_backward",
            Self::Fixed => "fixed_forward",
            Self::Surrogate => "surrogate",
        }
    }

    const fn parts(self) -> &'static [&'static str] {
        match self {
            Self::SpikingForward => parts!(
                "storage.cuh",
                "neuron.cuh",
                "surrogate.cuh",
                "primitive.cuh",
                "spikes.cuh",
                "spiking_forward.cu"
            ),
            Self::SpikingBackward => parts!(
                "storage.cuh",
                "neuron.cuh",
                "surrogate.cuh",
                "primitive.cuh",
                "step_back.cuh",
                "spiking_backward.cu"
            ),
            Self::SpikingBackwardChunks => parts!(
                "storage.cuh",
                "neuron.cuh",
                "surrogate.cuh",
                "primitive.cuh",
                "step_back.cuh",
                "spiking_backward_chunks.cu"
            ),
            Self::NonSpikingForward | Self::NonSpikingBackward => {
                parts!("storage.cuh", "neuron.cuh", "non_spiking.cu")
            }
            Self::Fixed => parts!("storage.cuh", "spikes.cuh", "fixed.cu"),
            Self::Surrogate => parts!(
                "storage.cuh",
                "neuron.cuh",
                "surrogate.cuh",
                "primitive.cuh",
                "surrogate.cu"
            ),
        }
    }
}

/// A program with the values of its macros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kernel {
    program: Program,
    macros: Vec<(&'static str, usize)>,
}

impl Kernel {
    pub(super) fn new(program: Program, macros: &[(&'static str, usize)]) -> Self {
        Self {
            program,
            macros: macros.to_vec(),
        }
    }

    /// More macros.
    pub(super) fn with(mut self, macros: &[(&'static str, usize)]) -> Self {
        self.macros.extend_from_slice(macros);
        self
    }

    /// Name of the kernel in the compiled module.
    pub(super) const fn name(&self) -> &'static str {
        self.program.name()
    }

    /// The whole source.
    pub(super) fn source(&self) -> String {
        self.program.parts().join("\n")
    }

    /// The compiler's options for a compute capability.
    ///
    /// No contraction into fused multiply-adds and no flush of subnormal numbers: the f32 forward is the CPU's.
    pub(super) fn options(&self, (major, minor): (i32, i32)) -> Vec<String> {
        let mut options = vec![
            format!("--gpu-architecture=sm_{major}{minor}"),
            "--std=c++17".into(),
            "--fmad=false".into(),
            "--ftz=false".into(),
            "--prec-div=true".into(),
        ];
        options.extend(
            self.macros
                .iter()
                .map(|(name, value)| format!("-D{name}={value}")),
        );
        options
    }
}
