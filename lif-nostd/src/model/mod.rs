//! The `.lif` model file: layout, checked reader, and the network that runs it in place.

mod digest;
pub mod format;
mod layer;
mod network;
mod reader;

pub use digest::Digest;
pub use layer::{Layer, LayerKind};
pub use network::{Membranes, Network, ram_bytes};
pub use reader::Model;
