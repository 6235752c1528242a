//! From f32 weights to integers (`docs/dynamics.md`, section 4).
//!
//! A leaky integrate-and-fire neuron is scale-free, so the scale of its weights, the factor of `decay_input`
//! and the pull towards the leak potential all fold into threshold, reset and bias, and nothing is multiplied
//! back on the device.

mod fold;
mod layer;

pub use fold::{quantise, quantise_with};
pub use layer::{Certificate, Membranes, QuantLayer, QuantOptions, Values, Weights};

/// Why a network cannot be quantised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The network is not one that this handles.
    #[error(transparent)]
    Net(#[from] crate::net::Error),
    /// A value does not fit its integer type.
    #[error("node {node:?}: {problem}")]
    Range {
        /// Name of the node.
        node: String,
        /// What does not fit.
        problem: String,
    },
}
