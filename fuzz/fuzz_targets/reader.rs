//! The model reader on any bytes: as they are, and with a header that is right.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| lif_fuzz::exercise::fuzz_reader(data));
