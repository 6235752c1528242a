//! Neurons on an NVIDIA GPU: forward and backward through time, at the speed of its memory (`docs/cuda.md`).
//!
//! | item | what it is |
//! |---|---|
//! | [`Gpu`], [`Device`] | a GPU with its stream and kernels; a GPU or, without one, the CPU |
//! | [`Spiking`], [`Plan`] | LIF and SimpleLIF, forward and backward |
//! | [`NonSpiking`], [`NonSpikingPlan`] | NonSpikingLIF and its decodes, forward and backward |
//! | [`Fixed`], [`FixedPlan`] | LIF and SimpleLIF in fixed point, forward |
//! | [`evaluate`] | a surrogate, value by value |
//! | [`Shape`], [`Storage`], [`SpikeFormat`], [`Tuning`] | what tensors are, and how kernels are cut |
//!
//! The f32 forward is the CPU's in every bit, the fixed-point forward `lif-nostd`'s; the backward is computed in f64
//! and rounded once. Kernels are compiled at run time, when a plan is made, and kept on disk. A plan's calls only
//! launch: they allocate nothing, wait for nothing, and can be captured into a CUDA graph.
//!
//! ```no_run
//! use lif_host::cpu::{Model, NeuronParams};
//! use lif_host::cuda::{Backward, Forward, Gpu, Options, Shape, Spiking, SpikesMut};
//! use lif_host::surrogate::Surrogate;
//! use lif_nostd::neuron::LifConfig;
//!
//! let gpu = Gpu::open(0)?;
//! let params = NeuronParams {
//!     model: Model::Lif,
//!     config: LifConfig::new(2.0),
//!     detach_reset: false,
//!     surrogate: Surrogate::default(),
//!     spiking: true,
//! };
//! let (steps, neurons) = (16, 1000);
//! let plan = Spiking::new(&gpu, &params)?.plan::<f32>(Shape::new(steps, neurons), Options::default())?;
//! let x = gpu.stream().clone_htod(&vec![1.5; steps * neurons])?;
//! let mut spikes = gpu.stream().alloc_zeros(steps * neurons)?;
//! let mut kept = gpu.stream().alloc_zeros(plan.checkpoint_len().max(1))?;
//! let mut grad_x = gpu.stream().alloc_zeros(steps * neurons)?;
//! plan.forward(Forward {
//!     x_seq: x.as_view(),
//!     v_init: None,
//!     spike_seq: SpikesMut::Real(spikes.as_view_mut()),
//!     v_seq: None,
//!     v_last: None,
//!     checkpoints: Some(kept.slice_mut(..plan.checkpoint_len())),
//! })?;
//! let grad = gpu.stream().clone_htod(&vec![1.0; steps * neurons])?;
//! plan.backward(Backward {
//!     x_seq: x.as_view(),
//!     v_init: None,
//!     checkpoints: Some(kept.slice(..plan.checkpoint_len())),
//!     grad_spike_seq: grad.as_view(),
//!     grad_v_seq: None,
//!     grad_v_last: None,
//!     grad_x_seq: grad_x.as_view_mut(),
//!     grad_v_init: None,
//! })?;
//! let grad_x: Vec<f32> = gpu.stream().clone_dtoh(&grad_x)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![allow(
    unsafe_code,
    reason = "kernels are launched and libraries loaded here, and nowhere else in this crate"
)]

mod cache;
mod compile;
mod constants;
mod divide;
mod error;
mod fixed;
mod gpu;
mod launch;
mod non_spiking;
mod source;
mod spikes;
mod spiking;
mod storage;
mod surrogate;
mod tuning;

pub use cache::CACHE_VARIABLE;
pub use error::Error;
pub use fixed::{Fixed, FixedForward, FixedInput, FixedInputs, FixedPlan, FixedState};
pub use gpu::{Device, Gpu};
pub use non_spiking::{NonSpiking, NonSpikingPlan};
pub use spikes::{SpikeFormat, SpikesMut};
pub use spiking::{Backward, Forward, Options, Plan, Spiking};
pub use storage::Storage;
pub use surrogate::evaluate;
pub use tuning::{Shape, Tuning};

/// The crate through which slices and streams are made.
pub use cudarc;
