//! Cross-checks of the whole project.
//!
//! | where | what is there |
//! |---|---|
//! | [`oracle`] | the dumb f64, i64 and i128 implementations that everything is held against |
//! | [`golden`] | the neuron cases that SpikingJelly computed |
//! | [`nets`] | networks to check with |
//! | [`population`] | one population run in every way that there is |
//! | `tests/ladder.rs` | the parity ladder on this machine |
//! | `tests/golden.rs` | neurons against SpikingJelly, bit for bit, and their gradients |
//! | `tests/golden_device.rs` | the device's populations against SpikingJelly |
//! | `tests/surrogates.rs` | surrogates against SpikingJelly |
//! | `tests/neurons.rs` | neurons in f32 and f64 against the oracle, drawn at random |
//! | `tests/neurons_fixed.rs` | neurons of every fixed-point type against the oracle, bit for bit |
//! | `tests/non_spiking.rs` | neurons that do not spike in f32 and f64, drawn at random |
//! | `tests/parameters.rs` | parameters that make no neurons |
//! | `tests/gradients.rs` | gradients against finite differences |
//! | `tests/models.rs` | any byte string at all gives a network or a typed error |
//! | `tests/format.rs` | the example in the description of the format |
//! | `tests/link.rs` | boards that answer wrongly |
//! | `tests/boards.rs` | the parity ladder on emulated boards |
//! | `tests/cuda` | neurons on a GPU against the CPU backend and the oracle |
//! | `tests/sizes.rs` | the core's size on chips, against `budgets.toml` |
//! | `src/bin/test-all` | the program that runs every check of the project |

pub mod golden;
pub mod nets;
pub mod oracle;
pub mod population;
