//! Nothing but the way in.
#![no_std]
#![no_main]

use no_panic::{number, take};

#[allow(unsafe_code, reason = "the linker finds it by its name")]
#[unsafe(no_mangle)]
extern "C" fn _start() {
    take(number());
}
