//! Cross-checks of the whole project.
//!
//! | where | what is there |
//! |---|---|
//! | [`oracle`] | the dumb f64, i64 and i128 implementations that everything is held against |
//! | [`golden`] | the neuron cases that SpikingJelly computed |
//! | [`line`](mod@line) | a board on this machine, behind a serial line that can be bad |
//! | [`nets`] | networks to check with |
//! | [`population`] | one population run in every way that there is |
//! | [`busy`] | networks of which a given share spikes |
//! | [`emulated`] | emulated cores that run networks |
//! | [`exercise`] | what is done with any byte string at all |
//! | [`mutate`] | model files that were changed |
//! | [`random`] | draws from a stream |
//! | [`random_models`] | networks of every kind that can be deployed |
//! | [`replay`] | networks in every step, here and as an emulated core prints it |
//! | `tests/ladder.rs` | the parity ladder on this machine |
//! | `tests/golden.rs` | neurons against SpikingJelly, bit for bit, and their gradients |
//! | `tests/golden_device.rs` | the device's populations against SpikingJelly |
//! | `tests/surrogates.rs` | surrogates against SpikingJelly |
//! | `tests/neurons.rs` | neurons in f32 and f64 against the oracle, drawn at random |
//! | `tests/neurons_fixed.rs` | neurons of every fixed-point type against the oracle, bit for bit |
//! | `tests/non_spiking.rs` | neurons that do not spike in f32 and f64, drawn at random |
//! | `tests/parameters.rs` | parameters that make no neurons |
//! | `tests/data.rs` | data sets in every format |
//! | `tests/encoders.rs` | encoders against one-line oracles, and the tables of their documentation |
//! | `tests/gradients.rs` | gradients against finite differences |
//! | `tests/models.rs` | any byte string at all gives a network or a typed error |
//! | `tests/mutations.rs` | the same for a million changed files, and for the corpus of the fuzz targets |
//! | `tests/format.rs` | the example in the description of the format |
//! | `tests/hal.rs` | sensors, encoders and networks together |
//! | `tests/footprint.rs` | what firmware takes of each board, against `budgets.toml` |
//! | `tests/link.rs` | the host link: uploads, inputs, readouts, states, overhead |
//! | `tests/link_wrong.rs` | boards that answer wrongly |
//! | `tests/link_faults.rs` | noise, broken frames, hosts and boards that die |
//! | `tests/boards.rs` | the parity ladder on emulated boards |
//! | `tests/everywhere.rs` | the same bits on every core, and the stack and RAM that they take |
//! | `tests/cuda` | neurons on a GPU against the CPU backend and the oracle |
//! | `tests/instructions.rs` | instructions of kernels and of whole steps, against `budgets.toml` |
//! | `tests/sizes.rs` | the core's size on chips, against `budgets.toml` |
//! | `src/bin/fuzz-corpus.rs` | the program that writes the corpus of the fuzz targets |
//! | `src/bin/test-all` | the program that runs every check of the project |

pub mod busy;
pub mod emulated;
pub mod exercise;
pub mod golden;
pub mod line;
pub mod mutate;
pub mod nets;
pub mod oracle;
pub mod population;
pub mod random;
pub mod random_models;
pub mod replay;
