//! Forward and backward through time on the CPU.
//!
//! | item | what it is |
//! |---|---|
//! | [`Neurons`] | LIF and SimpleLIF over a sequence, forward and backward |
//! | [`Checkpointed`] | LIF that spikes 0 or 1, with little memory traffic, on several threads |
//! | [`Chain`] | layers of fully connected LIF neurons, forward and backward over a batch, on several threads |
//! | [`NonSpiking`] | NonSpikingLIF and its decodes, forward and backward |
//! | [`linear_forward`], [`linear_backward`] | fully connected synapses |
//!
//! Every sum has a fixed order and no fused multiply-add, so the same seed gives the same bits, and the
//! f32 forward is that of the device.

mod chain;
mod checkpointed;
mod kernels;
mod linear;
mod lines;
mod neurons;
mod non_spiking;
mod packed;
mod products;
mod simd;
mod threads;

pub use chain::Chain;
pub use checkpointed::{Checkpointed, Checkpoints};
pub use linear::{Dense, linear_backward, linear_forward, transpose};
pub use neurons::{Model, NeuronParams, Neurons, ParamsError, Sequence, Upstream};
pub use non_spiking::{NonSpiking, NonSpikingSequence};

use lif_nostd::real::Real;
use lif_nostd::scalar::{FloatLeak, Scalar};

/// The number types of the CPU backend: f32 and f64.
pub trait Float: Scalar<Leak = FloatLeak<Self>> + Real {}

impl Float for f32 {}
impl Float for f64 {}
