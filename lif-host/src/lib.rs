//! The host companion of [`lif_nostd`]: trains leaky integrate-and-fire networks, quantises and exports them,
//! and checks that a board computes what was exported, spike by spike and membrane by membrane.
//!
//! From the bottom up:
//!
//! | module | what is there |
//! |---|---|
//! | [`rng`] | counter-based random numbers: the same for a seed on every machine |
//! | [`surrogate`] | derivatives that stand in for that of the step |
//! | [`net`] | the description of a network that all other parts share |
//! | [`cpu`] | forward and backward through time on the CPU |
//! | `cuda` | the same on an NVIDIA GPU (feature `cuda`) |
//! | [`data`] | samples from files, and their split |
//! | [`train`] | loss, optimiser, the training loop and its configuration file |
//! | [`quant`] | from f32 weights to integers: scales folded into thresholds, certificates |
//! | [`export`] | writes `.lif` files |
//! | [`infer`] | runs a `.lif` file on the host with the device's own code |
//! | [`cost`] | an estimate of the instructions that a step takes on a chip |
//! | [`calibrate`] | quantisation after training, calibrated on samples |
//! | [`checkpoint`] | trained networks as safetensors |
//! | [`import`] | networks that were trained elsewhere |
//! | `device` | boards under QEMU and their host link (feature `device`) |
//! | `verify` | the cross-check of a board against the host (feature `device`) |
//! | `setup` | what the machine must have, and how to install it (feature `device`) |
//! | `plot` | pictures of surrogates and of membranes over time (feature `plot`) |
//! | `cli` | the program `lif` (feature `cli`) |
//!
//! With no feature it builds for wasm32-unknown-unknown. Nothing but `cli` prints.
#![deny(missing_docs)]

pub mod calibrate;
pub mod checkpoint;
#[cfg(feature = "cli")]
pub mod cli;
pub mod cost;
pub mod cpu;
#[cfg(feature = "cuda")]
pub mod cuda;
pub mod data;
#[cfg(feature = "device")]
pub mod device;
pub mod export;
pub mod import;
pub mod infer;
pub mod net;
#[cfg(feature = "plot")]
pub mod plot;
pub mod quant;
pub mod rng;
#[cfg(feature = "device")]
pub mod setup;
pub mod surrogate;
pub mod train;
#[cfg(feature = "device")]
pub mod verify;
