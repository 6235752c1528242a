//! What can go wrong on the way to a GPU.

use cudarc::driver::DriverError;
use lif_nostd::neuron::ConfigError;

use crate::cpu::ParamsError;

/// Why nothing was computed on a GPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no CUDA driver.
    #[error("no CUDA driver: libcuda (nvcuda.dll) cannot be loaded; install NVIDIA's driver")]
    NoDriver,
    /// There is no run-time compiler.
    #[error(
        "no NVRTC: libnvrtc, CUDA's run-time compiler, cannot be loaded; install it and add its folder to \
         LD_LIBRARY_PATH"
    )]
    NoNvrtc,
    /// The driver sees fewer devices.
    #[error("no GPU {ordinal}: the driver sees {found}")]
    NoDevice {
        /// Number of the device that was asked for, from 0.
        ordinal: usize,
        /// Devices that there are.
        found: usize,
    },
    /// The device is older than the kernels.
    #[error(
        "the GPU has compute capability {major}.{minor}; 7.0 is the oldest that the kernels run on"
    )]
    TooOld {
        /// Compute capability, before the point.
        major: i32,
        /// Compute capability, after the point.
        minor: i32,
    },
    /// Parameters that make no layer.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// Constants that make no neuron.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A shape that no kernel runs on.
    #[error(
        "shape [{steps}, {neurons}]: 1 to 2147483647 steps of less than 2^62 values are needed"
    )]
    Shape {
        /// Time steps.
        steps: usize,
        /// Neurons.
        neurons: usize,
    },
    /// A tensor of another length.
    #[error("{argument} has {got} values; {need} are needed")]
    Length {
        /// Name of the argument.
        argument: &'static str,
        /// Values that it must have.
        need: usize,
        /// Values that it has.
        got: usize,
    },
    /// A tensor that the plan needs.
    #[error("{argument} is missing: {why}")]
    Missing {
        /// Name of the argument.
        argument: &'static str,
        /// Why it is needed.
        why: &'static str,
    },
    /// A tensor that the plan does not use, or of another format.
    #[error("{argument} cannot be used: {why}")]
    Unexpected {
        /// Name of the argument.
        argument: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// A tensor that starts between two multiples of the width of a load.
    #[error(
        "{argument} does not start at a multiple of {bytes} bytes; plan with narrower loads (Tuning)"
    )]
    Alignment {
        /// Name of the argument.
        argument: &'static str,
        /// Multiple that is needed.
        bytes: usize,
    },
    /// A tensor of another stream: nothing would order its use.
    #[error("{argument} belongs to another stream than this GPU handle's")]
    Stream {
        /// Name of the argument.
        argument: &'static str,
    },
    /// Launch parameters that the kernels do not have.
    #[error("tuning: {name} = {value}: must be {must_be}")]
    Tuning {
        /// Name of the parameter.
        name: &'static str,
        /// Its value.
        value: usize,
        /// What it must be.
        must_be: &'static str,
    },
    /// Spikes that are not 0 or 1 in a format that holds nothing else.
    #[error("spikes as {format}: {surrogate} emits other values than 0 and 1")]
    NotBinary {
        /// Format of the spikes.
        format: &'static str,
        /// Name of the surrogate.
        surrogate: &'static str,
    },
    /// The compiler refused a kernel.
    #[error("NVRTC: {0}")]
    Compile(String),
    /// The driver.
    #[error("CUDA driver: {0}")]
    Driver(#[from] DriverError),
}

impl Error {
    /// Whether the machine, not the caller, is the cause: a missing driver, compiler or device.
    #[must_use]
    pub const fn is_environment(&self) -> bool {
        matches!(
            self,
            Self::NoDriver
                | Self::NoNvrtc
                | Self::NoDevice { .. }
                | Self::TooOld { .. }
                | Self::Compile(_)
                | Self::Driver(_)
        )
    }
}
