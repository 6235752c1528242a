//! The inner loops: rows of i8 weights added for each spike, and populations of neurons stepped.
//!
//! Each core has inner loops of its own for the same functions, chosen by `build.rs`; all give the same bits.
//!
//! | kernel | where | how |
//! |---|---|---|
//! | wide | hosts, and cores without a kernel of their own | the portable text |
//! | riscv | RV32 with multiplication | two 16-bit lanes in a word |
//! | small | Cortex-M0, M0+, M23 | the same, 16 outputs in registers of which eight compute |
//! | v7m | Cortex-M3, M33 | the same |
//! | dsp | Cortex-M4, M7 | `uxtab16`; neurons in pairs with `qadd16`, `ssub16`, `sel` |
//!
//! A row is the weights of one input to 16 outputs, offset-binary (w + 128), as four little-endian words.

#[cfg(not(lif_kernel = "wide"))]
mod arch;
mod lists;
pub(crate) mod neurons;
pub(crate) mod neurons_f32;
pub(crate) mod neurons_i32;
#[cfg(not(lif_kernel = "dsp"))]
mod portable;
mod rows;

#[cfg(not(lif_kernel = "wide"))]
use arch::add_rows;
#[cfg(not(lif_kernel = "wide"))]
pub(crate) use arch::step_words;
#[cfg(lif_kernel = "dsp")]
use arch::{finish, widen};
pub(crate) use lists::CHUNK;
#[cfg(lif_kernel = "wide")]
pub(crate) use neurons::step_words;
#[cfg(lif_kernel = "wide")]
use portable::add_rows;
#[cfg(not(lif_kernel = "dsp"))]
use portable::{finish, widen};
pub(crate) use rows::{currents_i16, sums};

use crate::synapse::BLOCK;

/// The weights of one input to 16 outputs.
pub(crate) type Row = [u32; 4];

/// Sums of 16 outputs, two a word, as the kernel of the target keeps them: 0 before the first row.
///
/// Word 2 j holds outputs 4 j (low half) and 4 j + 2, word 2 j + 1 outputs 4 j + 1 and 4 j + 3.
pub(crate) type Lanes = [u32; 8];

/// The biases of a block.
type Bias = [i32; BLOCK];
