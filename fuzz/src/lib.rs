//! What the fuzz targets do, which `tests/tests/mutations.rs` does as well, on stable Rust and with the corpus here.

#[path = "../../tests/src/exercise.rs"]
pub mod exercise;
