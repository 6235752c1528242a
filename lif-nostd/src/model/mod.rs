//! The `.lif` model file: layout, checked reader, and the network that runs it in place.

mod arena;
mod check;
mod digest;
#[cfg(feature = "f32")]
mod f32;
pub mod format;
mod golden;
mod int;
mod layer;
mod network;
mod population;
mod reader;
mod record;
mod sections;
mod view;

pub use digest::Digest;
pub use golden::{GoldenTrace, SelfTest};
pub use layer::{F32Layer, IntLayer, IntNeurons, IntSynapses, Layer, LayerKind};
pub use network::{Membranes, Network, Progress, ram_bytes};
pub use population::{ParamRef, Population, State, Value};
pub use reader::{Model, Signature};
