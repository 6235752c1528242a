//! Leaky integrate-and-fire networks on microcontrollers: event-driven, without a heap.
//!
//! The crate reads a `.lif` model file in place from flash and steps the network in it, in f32 or in
//! fixed point. The host runs an exported file with this very code, so what was exported is what runs, spike by
//! spike and membrane by membrane. Training is in f32, and an integer network is quantised after it; training that
//! sees the quantisation is to come.
//!
//! A call gives a value or a typed error. Reader, network, readouts and neurons cannot reach a panic: a program that
//! calls them links though its panic handler calls a function that does not exist. Sums of weights and membranes wrap
//! or saturate by name. `unsafe` is in one module alone, that of the kernels in assembly.
//!
//! From the bottom up:
//!
//! | module | what is there |
//! |---|---|
//! | [`real`] | floating-point numbers with elementary functions |
//! | [`scalar`] | the number types and the few operations that dynamics need |
//! | [`spikes`] | bit-packed spike vectors |
//! | [`neuron`] | charge, fire, reset of a leaky integrate-and-fire neuron |
//! | [`surrogate`] | surrogate gradients and their primitives |
//! | [`synapse`] | weights times spikes: integer and f32 sums in a fixed order |
//! | [`model`] | the `.lif` file: layout, checked reader, and the [`Network`] that runs it |
//! | [`encode`] | from values to currents and spikes |
//! | [`decode`] | from spikes to an answer |
//! | [`hal`] | sensors in, spikes out: glue to embedded-hal (feature `hal`) |
//! | [`link`] | the host link: messages, frames, and the board's side of it (feature `link`) |
//! | [`update`] | slots for models, of which one is active |
//! | [`error`] | every error a model file or a call can give |
//!
//! The equations, the order of operations, rounding and saturation are normative in `docs/dynamics.md`,
//! the file in `docs/format.md`.
//!
//! ```
//! use lif_nostd::neuron::Lif;
//!
//! // tau = 2 steps, threshold 1, hard reset to 0, input divided by tau.
//! let lif = Lif::<f32>::new(2.0, 1.0, Some(0.0), true);
//! let mut v = 0.0;
//! let spikes: u32 = (0..16).map(|_| u32::from(lif.step(&mut v, 1.5))).sum();
//! assert_eq!(spikes, 8);
//! ```
#![no_std]
#![deny(unsafe_code)]
#![deny(missing_docs)]

#[cfg(target_endian = "big")]
compile_error!(
    "lif-nostd reads little-endian model files in place and needs a little-endian target"
);

pub mod decode;
pub mod encode;
pub mod error;
#[cfg(feature = "hal")]
pub mod hal;
mod kernel;
#[cfg(feature = "link")]
pub mod link;
pub mod model;
pub mod neuron;
pub mod real;
pub mod scalar;
pub mod spikes;
pub mod surrogate;
pub mod synapse;
pub mod update;

pub use error::Error;
pub use model::{Model, Network, Progress, ram_bytes};
pub use spikes::Spikes;
