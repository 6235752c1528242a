//! Formats of spikes on the device.

use cudarc::driver::CudaViewMut;

use super::launch::{Address, Need};
use super::{Error, Gpu, Shape};

/// How spikes are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpikeFormat {
    /// As the other tensors, for a matrix product: `[T, N]`.
    #[default]
    Real,
    /// A byte each, 0 or 1: `[T, N]`.
    Bytes,
    /// A bit each, 32 neurons to a word, the first in the lowest bit; each step starts a new word, and unused bits are
    /// 0: `[T, ceil(N / 32)]`.
    Bits,
}

impl SpikeFormat {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Real => "numbers",
            Self::Bytes => "bytes",
            Self::Bits => "bits",
        }
    }

    /// The macro SPIKES.
    pub(super) const fn number(self) -> usize {
        match self {
            Self::Real => 0,
            Self::Bytes => 1,
            Self::Bits => 2,
        }
    }

    /// Values (numbers, bytes or words) of the spikes of a sequence.
    #[must_use]
    pub const fn len(self, shape: Shape) -> usize {
        match self {
            Self::Bits => shape.steps * shape.neurons.div_ceil(32),
            _ => shape.steps * shape.neurons,
        }
    }
}

/// Where spikes go.
#[derive(Debug)]
pub enum SpikesMut<'a, X> {
    /// [`SpikeFormat::Real`].
    Real(CudaViewMut<'a, X>),
    /// [`SpikeFormat::Bytes`].
    Bytes(CudaViewMut<'a, u8>),
    /// [`SpikeFormat::Bits`].
    Bits(CudaViewMut<'a, u32>),
}

impl<X> SpikesMut<'_, X> {
    pub(super) fn address(
        &mut self,
        gpu: &Gpu,
        shape: Shape,
        format: SpikeFormat,
        vector: usize,
    ) -> Result<Address, Error> {
        let need = |align| Need::new("spike_seq", format.len(shape), align);
        match (self, format) {
            (Self::Real(out), SpikeFormat::Real) => need(vector * size_of::<X>()).output(gpu, out),
            (Self::Bytes(out), SpikeFormat::Bytes) => need(vector).output(gpu, out),
            (Self::Bits(out), SpikeFormat::Bits) => need(4).output(gpu, out),
            _ => Err(Error::Unexpected {
                argument: "spike_seq",
                why: "the plan has another spike format",
            }),
        }
    }
}
