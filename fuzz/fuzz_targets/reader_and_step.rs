//! The same, and what is read runs.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| lif_fuzz::exercise::fuzz_reader_and_step(data));
