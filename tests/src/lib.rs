//! Cross-checks of the whole project.
//!
//! | where | what is there |
//! |---|---|
//! | [`oracle`] | the dumb f64 and i64 implementations that everything is held against |
//! | [`nets`] | networks to check with |
//! | `tests/ladder.rs` | the parity ladder on this machine |
//! | `tests/models.rs` | any byte string at all gives a network or a typed error |
//! | `tests/format.rs` | the example in the description of the format |
//! | `tests/link.rs` | boards that answer wrongly |
//! | `tests/boards.rs` | the parity ladder on emulated boards |
//! | `src/bin/test-all` | the program that runs every check of the project |

pub mod nets;
pub mod oracle;
