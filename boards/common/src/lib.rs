//! The firmware that every board runs. A board brings a [`Board`]; [`serve`] does the rest.
//!
//! | module | what is there |
//! |---|---|
//! | [`serve`] | answers the requests of the host link |
//! | [`stack`] | how much stack was used |
//! | `systick` | counts with the SysTick timer of a Cortex-M |
//! | `instret` | counts instructions on a RISC-V |
#![no_std]

#[cfg(target_arch = "riscv32")]
pub mod instret;
mod serve;
pub mod stack;
#[cfg(target_arch = "arm")]
pub mod systick;

pub use serve::{Memory, serve};

/// What the common firmware needs of a board.
pub trait Board {
    /// The name that the host knows the board by.
    const NAME: &'static str;

    /// Waits for a byte of the serial line.
    fn read(&mut self) -> u8;

    /// Sends `bytes` over the serial line.
    fn write(&mut self, bytes: &[u8]);

    /// The part of the flash that holds a model, at an address that is a multiple of 16.
    fn model_slot(&self) -> &'static [u8];

    /// Runs `work` and gives the ticks of the board's counter that it took; none if the counter wrapped.
    fn measure(&mut self, work: impl FnOnce()) -> Option<u32>;
}

/// The model slot that `memory.x` lays out between `_model_slot_start` and `_model_slot_end`.
#[allow(unsafe_code, reason = "the slot is known to the linker script alone")]
#[must_use]
pub fn model_slot() -> &'static [u8] {
    unsafe extern "C" {
        static _model_slot_start: u8;
        static _model_slot_end: u8;
    }
    let start = &raw const _model_slot_start;
    let len = (&raw const _model_slot_end).addr() - start.addr();
    // SAFETY: the linker script reserves these bytes for the model: they are readable and nothing writes them.
    unsafe { core::slice::from_raw_parts(start, len) }
}
