//! Forward and backward through time on the CPU.
//!
//! Every sum has a fixed order and no fused multiply-add, so the same seed gives the same bits, and the
//! f32 forward is that of the device.

mod lif;
mod linear;

pub use lif::{LifGrad, lif_backward, lif_forward};
pub use linear::{Dense, linear_backward, linear_forward, transpose};
