//! How the kernels are cut: neurons to a thread, steps to a chunk.

use super::{Error, Gpu};

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
    pub fn len(&self) -> Result<usize, Error> {
        let Self { steps, neurons } = *self;
        let fits = steps > 0 && i32::try_from(steps).is_ok();
        let len = steps.checked_mul(neurons).filter(|len| *len < 1 << 62);
        len.filter(|_| fits).ok_or(Error::Shape { steps, neurons })
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
    /// Whether the backward works on all chunks of a neuron at once, for few neurons: needs 32 chunks at most, and a
    /// `backward_vector` of 1.
    pub side_by_side: bool,
}

impl Tuning {
    /// What was fastest for a shape, for values of `bytes` bytes: docs/cuda.md has the measurements.
    #[must_use]
    pub fn auto(gpu: &Gpu, shape: Shape, bytes: usize) -> Self {
        let Shape { steps, neurons } = shape;
        let divides = |most: usize| {
            (0..4)
                .map(|p| 1 << p)
                .rfind(|v| *v <= most && neurons % v == 0)
        };
        let vector = |most: usize| divides(most).unwrap_or(1);
        let a_multiprocessor = neurons / gpu.multiprocessors().max(1);
        let few = a_multiprocessor < 256;
        let chunk = match steps {
            0..=4 => 4,
            5..=8 => 8,
            _ => 16,
        };
        if few && steps > 4 {
            // A warp to a chunk: as many chunks as a block holds.
            let chunk = if steps <= 128 { 4 } else { chunk };
            return Self {
                forward_vector: 1,
                ahead: chunk,
                backward_vector: 1,
                chunk,
                threads: 32,
                side_by_side: steps.div_ceil(chunk) <= 32 && chunk == 4,
            };
        }
        let wide = 4 / bytes.clamp(1, 4);
        Self {
            forward_vector: vector(if a_multiprocessor >= 4096 {
                4 * wide
            } else {
                wide
            }),
            ahead: chunk.min(16),
            backward_vector: vector(if chunk == 4 { 2 * wide } else { wide }),
            chunk,
            threads: 128,
            side_by_side: false,
        }
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
            if !known || shape.neurons % vector != 0 {
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
        if self.threads == 0 || self.threads % 32 != 0 || self.threads > 512 {
            return bad("threads", self.threads, "a multiple of 32 up to 512");
        }
        if self.side_by_side {
            if self.backward_vector != 1 {
                return bad(
                    "backward_vector",
                    self.backward_vector,
                    "1 where side_by_side",
                );
            }
            if shape.steps.div_ceil(self.chunk) > 32 {
                return bad("chunk", self.chunk, "at least T / 32 where side_by_side");
            }
        }
        Ok(())
    }
}
