//! How the kernels are cut: neurons to a thread, steps to a chunk.

use super::{Error, Gpu, SpikeFormat};
use crate::cpu::NeuronParams;
use crate::surrogate::Surrogate;

/// Time steps and neurons of a sequence `[T, N]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Time steps, T.
    pub steps: usize,
    /// Neurons, N: the product of all other dimensions.
    pub neurons: usize,
}

impl Shape {
    /// `[steps, neurons]`.
    #[must_use]
    pub const fn new(steps: usize, neurons: usize) -> Self {
        Self { steps, neurons }
    }

    /// Values of the sequence, `T * N`.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] for no step, for more than 2^31 - 1 of them, or 2^62 values and more.
    pub fn values(&self) -> Result<usize, Error> {
        let Self { steps, neurons } = *self;
        let fits = steps > 0 && i32::try_from(steps).is_ok();
        let len = steps.checked_mul(neurons).filter(|len| *len < 1 << 62);
        len.filter(|_| fits).ok_or(Error::Shape { steps, neurons })
    }
}

/// Whether the slope takes an exponential, a power, a series, or the emission more than a comparison.
const fn is_heavy(params: &NeuronParams) -> bool {
    match params.surrogate {
        Surrogate::Sigmoid { .. }
        | Surrogate::PiecewiseExp { .. }
        | Surrogate::Erf { .. }
        | Surrogate::S2nn { .. }
        | Surrogate::MultiLevelSpikeCount { .. } => true,
        Surrogate::QPseudoSpike { alpha } => alpha != 2.0,
        Surrogate::SquarewaveFourierSeries { n, .. } => n > 2,
        _ => !params.spiking,
    }
}

/// How the kernels of spiking neurons are cut. It changes the speed, and no bit of the forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Neurons to a thread in the forward: 1, 2, 4 or 8, with 16 bytes at most; divides N.
    pub forward_vector: usize,
    /// Inputs under way in the forward, in steps: 1 to 32, a power of two.
    pub ahead: usize,
    /// Neurons to a thread in the backward.
    pub backward_vector: usize,
    /// Steps between the membranes that the forward keeps, and that the backward rebuilds at once: 2 to 32, a power
    /// of two.
    pub chunk: usize,
    /// Threads to a block, a multiple of 32 up to 512.
    pub threads: usize,
    /// Whether the backward works on up to 16 chunks of a neuron at once, a warp to each, for few neurons: needs a
    /// `backward_vector` of 1.
    pub side_by_side: bool,
}

impl Tuning {
    /// What was fastest for a shape, for values of `bytes` bytes: docs/cuda.md has the measurements.
    #[must_use]
    pub fn auto(
        gpu: &Gpu,
        shape: Shape,
        bytes: usize,
        spikes: SpikeFormat,
        params: &NeuronParams,
    ) -> Self {
        let Shape { steps, neurons } = shape;
        let vector = |most: usize| {
            let mut divisors = (0..4).map(|p| 1 << p);
            divisors
                .rfind(|v| *v <= most && neurons.is_multiple_of(*v))
                .unwrap_or(1)
        };
        let a_multiprocessor = neurons / gpu.multiprocessors().max(1);
        if a_multiprocessor < 256 {
            let chunk = match steps {
                0..=64 => 4,
                65..=128 => 8,
                _ => 16,
            };
            return Self {
                forward_vector: 1,
                ahead: 16,
                backward_vector: 1,
                chunk,
                threads: 32,
                side_by_side: true,
            };
        }
        let half = bytes < 4;
        let heavy = is_heavy(params);
        let chunk = match steps {
            0..=4 => 4,
            5..=8 => 8,
            9..=16 if half || heavy => 8,
            _ => 16,
        };
        // Few neurons leave few bytes under way: more steps of each make up for it.
        let some = a_multiprocessor < 1024;
        let (forward_vector, ahead, backward_vector) = match (some, half) {
            (true, false) if spikes == SpikeFormat::Bits => (1, 16, 2),
            (true, false) => (4, 16, 2),
            (true, true) => (2, 32, 1),
            (false, false) => (4, 8, 2),
            (false, true) if chunk == 4 => (8, 4, 4),
            (false, true) => (4, 8, 2),
        };
        // Two neurons to a thread and 16 steps leave no registers for these.
        let backward_vector = if heavy && chunk == 16 {
            1
        } else {
            backward_vector
        };
        Self {
            forward_vector: vector(forward_vector),
            ahead,
            backward_vector: vector(backward_vector),
            chunk,
            threads: if some && half { 256 } else { 128 },
            side_by_side: false,
        }
    }

    /// Warps of a block of the backward side by side.
    pub(super) fn warps(&self, shape: Shape) -> usize {
        shape.steps.div_ceil(self.chunk).min(16)
    }

    /// Checks against a shape, and the width of a value.
    pub(super) fn check(&self, shape: Shape, bytes: usize) -> Result<(), Error> {
        let bad = |name, value, must_be| {
            Err(Error::Tuning {
                name,
                value,
                must_be,
            })
        };
        for (name, vector) in [
            ("forward_vector", self.forward_vector),
            ("backward_vector", self.backward_vector),
        ] {
            let known = vector.is_power_of_two() && vector <= 8 && vector * bytes <= 16;
            if !known || !shape.neurons.is_multiple_of(vector) {
                return bad(
                    name,
                    vector,
                    "1, 2, 4 or 8, of 16 bytes at most, and divide N",
                );
            }
        }
        if !self.chunk.is_power_of_two() || !(2..=32).contains(&self.chunk) {
            return bad("chunk", self.chunk, "2, 4, 8, 16 or 32");
        }
        if !self.ahead.is_power_of_two() || self.ahead > 32 {
            return bad("ahead", self.ahead, "1, 2, 4, 8, 16 or 32");
        }
        if self.threads == 0 || !self.threads.is_multiple_of(32) || self.threads > 512 {
            return bad("threads", self.threads, "a multiple of 32 up to 512");
        }
        if self.side_by_side && self.backward_vector != 1 {
            return bad(
                "backward_vector",
                self.backward_vector,
                "1 where side_by_side",
            );
        }
        Ok(())
    }
}
