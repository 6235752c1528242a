//! Cross-checks of the whole project.
//!
//! | where | what is there |
//! |---|---|
//! | [`oracle`] | the dumb f64 and i64 implementations that everything is held against |
//! | [`nets`] | networks to check with |
//! | `tests/ladder.rs` | the parity ladder on this machine |
//! | `tests/models.rs` | any byte string at all gives a network or a typed error |
//! | `tests/boards.rs` | the parity ladder on emulated boards |
//! | `tests/sizes.rs` | the core's size on chips, against `budgets.toml` |
//! | `src/bin/test-all` | the program that runs every check of the project |

pub mod nets;
pub mod oracle;
