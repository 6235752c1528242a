//! Checked arguments, and the launch of a kernel.

use cudarc::driver::{
    CudaFunction, CudaView, CudaViewMut, DevicePtr, DevicePtrMut, DeviceRepr, DeviceSlice,
    LaunchConfig, PushKernelArg,
};

use super::{Error, Gpu};

/// The address of a tensor on the device; 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address(u64);

impl Address {
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// What a tensor must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    /// Name of the argument.
    pub(super) argument: &'static str,
    /// Values.
    pub(super) len: usize,
    /// Multiple of bytes at which it must start.
    pub(super) align: usize,
}

impl Need {
    pub(super) const fn new(argument: &'static str, len: usize, align: usize) -> Self {
        Self {
            argument,
            len,
            align,
        }
    }

    fn check<T>(&self, gpu: &Gpu, tensor: &impl DeviceSlice<T>) -> Result<(), Error> {
        let argument = self.argument;
        if tensor.len() != self.len {
            return Err(Error::Length {
                argument,
                need: self.len,
                got: tensor.len(),
            });
        }
        if tensor.stream().cu_stream() != gpu.stream().cu_stream() {
            return Err(Error::Stream { argument });
        }
        Ok(())
    }

    fn address(&self, address: u64) -> Result<Address, Error> {
        if !address.is_multiple_of(self.align as u64) {
            return Err(Error::Alignment {
                argument: self.argument,
                bytes: self.align,
            });
        }
        Ok(Address(address))
    }

    /// The address of a tensor that is read.
    pub(super) fn input<T>(&self, gpu: &Gpu, tensor: &CudaView<'_, T>) -> Result<Address, Error> {
        self.check(gpu, tensor)?;
        let (address, _) = tensor.device_ptr(gpu.stream());
        self.address(address)
    }

    /// The same of one that may be left out.
    pub(super) fn maybe_input<T>(
        &self,
        gpu: &Gpu,
        tensor: Option<&CudaView<'_, T>>,
    ) -> Result<Address, Error> {
        tensor.map_or(Ok(Address::NONE), |tensor| self.input(gpu, tensor))
    }

    /// The address of a tensor that is written.
    pub(super) fn output<T>(
        &self,
        gpu: &Gpu,
        tensor: &mut CudaViewMut<'_, T>,
    ) -> Result<Address, Error> {
        self.check(gpu, tensor)?;
        let (address, _) = tensor.device_ptr_mut(gpu.stream());
        self.address(address)
    }

    /// The same of one that may be left out.
    pub(super) fn maybe_output<T>(
        &self,
        gpu: &Gpu,
        tensor: Option<&mut CudaViewMut<'_, T>>,
    ) -> Result<Address, Error> {
        tensor.map_or(Ok(Address::NONE), |tensor| self.output(gpu, tensor))
    }
}

/// Constants of a floating-point neuron, as `Neuron` in `neuron.cuh`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct NeuronConstants {
    pub(super) tau: f32,
    pub(super) reciprocal: f32,
    pub(super) reciprocal_low: f32,
    pub(super) smallest: f32,
    pub(super) v_threshold: f32,
    pub(super) v_reset: f32,
    pub(super) v_leak: f32,
    pub(super) first_pull: f32,
    pub(super) inverse_tau: f64,
}

/// Parameters of a surrogate, as `Surrogate` in `surrogate.cuh`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SurrogateConstants {
    pub(super) a: f64,
    pub(super) b: f64,
    pub(super) c: f64,
    pub(super) d: f64,
    pub(super) e: f64,
    pub(super) terms: i32,
}

/// Constants of a fixed-point neuron, as `FixedNeuron` in `fixed.cu`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct FixedConstants {
    pub(super) a: u32,
    pub(super) pull: i32,
    pub(super) v_threshold: i32,
    pub(super) v_reset: i32,
    pub(super) shift: i32,
}

// SAFETY: plain numbers in the order and with the alignment of the kernel's structure.
unsafe impl DeviceRepr for NeuronConstants {}
// SAFETY: as above.
unsafe impl DeviceRepr for SurrogateConstants {}
// SAFETY: as above.
unsafe impl DeviceRepr for FixedConstants {}

/// An argument of a kernel.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arg {
    Tensor(Address),
    Neuron(NeuronConstants),
    Surrogate(SurrogateConstants),
    Fixed(FixedConstants),
    Float(f32),
    Int(i32),
    /// A count of 64 bits.
    Count(i64),
}

impl From<Address> for Arg {
    fn from(address: Address) -> Self {
        Self::Tensor(address)
    }
}

/// The counts N and T as a kernel takes them; [`super::Shape::values`] checked that they fit.
pub(super) const fn counts(neurons: usize, steps: usize) -> [Arg; 2] {
    [Arg::Count(neurons as i64), Arg::Int(steps as i32)]
}

/// Blocks of `threads` threads for `neurons` neurons, `vector` to a thread.
pub(super) fn grid(neurons: usize, vector: usize, threads: usize) -> Result<LaunchConfig, Error> {
    blocks(neurons.div_ceil(vector * threads), (threads as u32, 1, 1))
}

/// `count` blocks of `block` threads.
pub(super) fn blocks(count: usize, block: (u32, u32, u32)) -> Result<LaunchConfig, Error> {
    let Ok(count) = i32::try_from(count) else {
        // 2^31 - 1 blocks of 32 threads and more hold every tensor of a card.
        return Err(Error::Shape {
            steps: 1,
            neurons: usize::MAX,
        });
    };
    Ok(LaunchConfig {
        grid_dim: (count.unsigned_abs(), 1, 1),
        block_dim: block,
        shared_mem_bytes: 0,
    })
}

/// Launches `function` on the stream of `gpu`; does not wait for it.
///
/// # Safety
///
/// `args` are those of the kernel, in its order. Each address is 0 where the kernel allows it, else that of as many
/// values as the kernel reads or writes with this configuration, on `gpu`'s stream; those that it writes are borrowed
/// exclusively until the launch.
pub(super) unsafe fn launch(
    gpu: &Gpu,
    function: &CudaFunction,
    config: LaunchConfig,
    args: &[Arg],
) -> Result<(), Error> {
    if config.grid_dim.0 == 0 {
        return Ok(());
    }
    let mut builder = gpu.stream().launch_builder(function);
    for arg in args {
        match arg {
            Arg::Tensor(Address(x)) => builder.arg(x),
            Arg::Neuron(x) => builder.arg(x),
            Arg::Surrogate(x) => builder.arg(x),
            Arg::Fixed(x) => builder.arg(x),
            Arg::Float(x) => builder.arg(x),
            Arg::Int(x) => builder.arg(x),
            Arg::Count(x) => builder.arg(x),
        };
    }
    // SAFETY: the caller vouches for the arguments.
    unsafe { builder.launch(config) }?;
    Ok(())
}
