//! What the programs of this package share: the way in, memory that the compiler knows nothing of, and a panic
//! handler that calls a function that does not exist. A panic that can be reached is then an error of the linker.
//!
//! | program | what is in it |
//! |---|---|
//! | `everything` | all that a device calls of the core, in integers and in f32: nothing in it can panic |
//! | `network` | reader, checksum, network and readouts as a deployed integer network needs them |
//! | `empty` | nothing: what `network` is larger by is the size of the core |
//!
//! They are linked, never run.
#![no_std]
#![allow(unsafe_code, reason = "memory at fixed addresses")]

use core::hint::black_box;
use core::panic::PanicInfo;
use core::ptr::{read_volatile, with_exposed_provenance, with_exposed_provenance_mut};

unsafe extern "C" {
    fn a_panic_can_be_reached() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: there is no such function: the program does not link.
    unsafe { a_panic_can_be_reached() }
}

/// A number that the compiler does not know.
#[must_use]
pub fn number() -> usize {
    static SOURCE: usize = 0;
    // SAFETY: a reference is valid.
    unsafe { read_volatile(&raw const SOURCE) }
}

/// Values that the compiler does not know, nor how many.
#[must_use]
pub fn values<T>() -> &'static [T] {
    // SAFETY: the program is never run.
    unsafe { core::slice::from_raw_parts(with_exposed_provenance(number()), number()) }
}

/// The same, to write.
#[must_use]
pub fn values_mut<T>() -> &'static mut [T] {
    // SAFETY: the program is never run.
    unsafe { core::slice::from_raw_parts_mut(with_exposed_provenance_mut(number()), number()) }
}

/// Takes a result, so that the compiler cannot leave out what gives it.
pub fn take<T>(result: T) {
    black_box(result);
}
