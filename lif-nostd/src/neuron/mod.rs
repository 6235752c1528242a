//! Neuron models: configuration apart from state, so that one configuration serves a whole layer.

mod lif;

pub use lif::Lif;
