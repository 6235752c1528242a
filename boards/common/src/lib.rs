//! What the firmware of every board is made of. A board brings a [`Board`] and its slots; [`serve`] does the rest.
//!
//! | module | what is there |
//! |---|---|
//! | [`serve`] | answers the requests of the host link, see [`lif_nostd::link`] |
//! | [`stack`] | how much stack was used |
//! | [`slots`] | the memory that the linker script lays out for models |
//! | `systick` | counts with the SysTick timer of a Cortex-M |
//! | `instret` | counts instructions on a RISC-V |
#![no_std]

#[cfg(target_arch = "riscv32")]
pub mod instret;
pub mod slots;
pub mod stack;
#[cfg(target_arch = "arm")]
pub mod systick;

pub use lif_nostd::link::{Board, Memory, serve};
pub use lif_nostd::update::{RamSlot, ReadOnlySlot};
pub use slots::model_slot;
