//! The memory that `memory.x` lays out for models: slot A between `_model_slot_start` and `_model_slot_end`, and on
//! boards that can write their slots slot B up to `_model_slot_b_end`.
#![allow(unsafe_code, reason = "the slots are known to the linker script alone")]

use lif_nostd::update::{RamSlot, ReadOnlySlot};

unsafe extern "C" {
    static mut _model_slot_start: u8;
    static mut _model_slot_end: u8;
}

/// Slot A, in memory that nothing writes.
#[must_use]
pub fn model_slot() -> &'static [u8] {
    let start = &raw const _model_slot_start;
    let len = (&raw const _model_slot_end).addr() - start.addr();
    // SAFETY: the linker script reserves these bytes for the model: they are readable and nothing writes them.
    unsafe { core::slice::from_raw_parts(start, len) }
}

/// The same, as the slots of a board.
#[must_use]
pub fn read_only() -> [ReadOnlySlot<'static>; 1] {
    [ReadOnlySlot(model_slot())]
}

/// Slots A and B, in memory that is written like any other.
///
/// # Safety
///
/// It is called once: nothing else may hold these slots.
#[must_use]
pub unsafe fn ram() -> [RamSlot<'static>; 2] {
    unsafe extern "C" {
        static mut _model_slot_b_end: u8;
    }
    let start = &raw mut _model_slot_start;
    let middle = &raw mut _model_slot_end;
    let a = middle.addr() - start.addr();
    let b = (&raw const _model_slot_b_end).addr() - middle.addr();
    // SAFETY: the linker script reserves these bytes for the models, one slot behind the other, and the caller says
    // that they are nobody else's.
    unsafe {
        [
            RamSlot(core::slice::from_raw_parts_mut(start, a)),
            RamSlot(core::slice::from_raw_parts_mut(middle, b)),
        ]
    }
}
