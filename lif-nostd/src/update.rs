//! Slots for models: a new model is written beside the one that runs, and takes its place when it has passed its
//! checks.
//!
//! ```text
//! slot = model, free bytes, mark            the mark is the last 16 bytes
//! mark = "LIFA", generation u32, CRC-32 of the model's header u32, the complement of the generation u32
//! ```
//!
//! The mark is written last, when a model is activated, with a generation one above all others. When a board starts,
//! the valid model of the highest generation is the active one; a model that was put into its slot together with the
//! firmware has no mark, and stands for generation 0. So a board that loses its power at any moment has either the
//! old model or the new one.

use core::fmt;

use crate::error::Error;
use crate::model::format::{ALIGN, MAGIC, stated_len};

/// Length of the mark at the end of a slot, in bytes.
pub const MARK_BYTES: usize = 16;

const MARK: [u8; 4] = *b"LIFA";

/// Why a slot could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "link", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum SlotError {
    /// The board cannot write it.
    ReadOnly,
    /// The bytes do not fit it.
    OutOfBounds,
    /// The memory could not be erased or written.
    Memory,
}

impl fmt::Display for SlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => {
                "the slot is read-only: the model is flashed together with the firmware"
            }
            Self::OutOfBounds => "the bytes do not fit the slot",
            Self::Memory => "the memory of the slot could not be erased or written",
        })
    }
}

impl core::error::Error for SlotError {}

/// Memory that holds one model.
pub trait Slot {
    /// All of it, from an address that is a multiple of 16.
    fn bytes(&self) -> &[u8];

    /// Whether it can be written.
    fn is_writable(&self) -> bool {
        false
    }

    /// Erases the first `bytes` bytes at least, and the mark: they are 0xff then.
    ///
    /// # Errors
    ///
    /// [`SlotError`].
    fn erase(&mut self, bytes: usize) -> Result<(), SlotError> {
        let _ = bytes;
        Err(SlotError::ReadOnly)
    }

    /// Writes `bytes` at `offset`, once after it was erased; both are multiples of 16.
    ///
    /// # Errors
    ///
    /// [`SlotError`].
    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), SlotError> {
        let _ = (offset, bytes);
        Err(SlotError::ReadOnly)
    }
}

/// A slot that the firmware cannot write.
#[derive(Clone, Copy, Debug)]
pub struct ReadOnlySlot<'a>(pub &'a [u8]);

impl Slot for ReadOnlySlot<'_> {
    fn bytes(&self) -> &[u8] {
        self.0
    }
}

/// A slot in memory that is written like any other.
#[derive(Debug)]
pub struct RamSlot<'a>(pub &'a mut [u8]);

impl Slot for RamSlot<'_> {
    fn bytes(&self) -> &[u8] {
        self.0
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn erase(&mut self, bytes: usize) -> Result<(), SlotError> {
        let part = self.0.get_mut(..bytes).ok_or(SlotError::OutOfBounds)?;
        part.fill(u8::MAX);
        let mark = self.0.last_chunk_mut::<MARK_BYTES>();
        *mark.ok_or(SlotError::OutOfBounds)? = [u8::MAX; MARK_BYTES];
        Ok(())
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), SlotError> {
        let end = offset.saturating_add(bytes.len());
        let part = self.0.get_mut(offset..end).ok_or(SlotError::OutOfBounds)?;
        for (to, from) in part.iter_mut().zip(bytes) {
            *to = *from;
        }
        Ok(())
    }
}

/// Bytes of a model that fit `slot`.
#[must_use]
pub fn room<S: Slot + ?Sized>(slot: &S) -> usize {
    let all = slot.bytes().len();
    match slot.is_writable() {
        true => all.saturating_sub(MARK_BYTES) / ALIGN * ALIGN,
        false => all,
    }
}

/// The model in `slot`, as long as its header says; all bytes where there is no header, for the reader to refuse.
#[must_use]
pub fn model<S: Slot + ?Sized>(slot: &S) -> &[u8] {
    let all = slot.bytes();
    all.get(..stated_len(all).unwrap_or(0))
        .filter(|model| !model.is_empty())
        .unwrap_or(all)
}

/// Whether nothing was ever written to `slot`: where a model would begin, all bits are equal.
#[must_use]
pub fn is_empty<S: Slot + ?Sized>(slot: &S) -> bool {
    let head = slot.bytes().get(..MAGIC.len()).unwrap_or(&[]);
    head.iter().all(|b| *b == 0) || head.iter().all(|b| *b == u8::MAX)
}

/// The generation in the mark of `slot`; 0 where it has none for the model whose header has the CRC-32 `crc`.
#[must_use]
pub fn generation<S: Slot + ?Sized>(slot: &S, crc: u32) -> u32 {
    let Some(mark) = slot.bytes().last_chunk::<MARK_BYTES>() else {
        return 0;
    };
    let (words, _) = mark.as_chunks::<4>();
    let [MARK, generation, marked, complement] = *words else {
        return 0;
    };
    let generation = u32::from_le_bytes(generation);
    let is_whole = u32::from_le_bytes(complement) == !generation;
    match is_whole && u32::from_le_bytes(marked) == crc {
        true => generation,
        false => 0,
    }
}

/// Marks the model in `slot`, whose header has the CRC-32 `crc`, as activated with `generation`.
///
/// # Errors
///
/// [`SlotError`]; a slot that cannot be written needs no mark.
pub fn mark<S: Slot + ?Sized>(slot: &mut S, generation: u32, crc: u32) -> Result<(), SlotError> {
    if !slot.is_writable() {
        return Ok(());
    }
    let mut mark = [0; MARK_BYTES];
    let words = [
        MARK,
        generation.to_le_bytes(),
        crc.to_le_bytes(),
        (!generation).to_le_bytes(),
    ];
    for (to, from) in mark.as_chunks_mut().0.iter_mut().zip(words) {
        *to = from;
    }
    let offset = slot.bytes().len().checked_sub(MARK_BYTES);
    slot.write(offset.ok_or(SlotError::OutOfBounds)?, &mark)
}

/// What is in `slot`: CRC-32 in the header and generation of a model that its reader accepts, none where there is
/// nothing.
///
/// # Errors
///
/// Why the reader refuses it.
pub fn inspect<S: Slot + ?Sized>(slot: &S) -> Result<Option<(u32, u32)>, Error> {
    if is_empty(slot) {
        return Ok(None);
    }
    let crc = crate::Model::read(model(slot))?.crc();
    Ok(Some((crc, generation(slot, crc))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(align(16))]
    struct Memory([u8; 64]);

    #[test]
    fn a_mark_is_for_one_model_and_goes_with_it() {
        let mut memory = Memory([7; 64]);
        let mut slot = RamSlot(&mut memory.0);
        assert_eq!((room(&slot), generation(&slot, 5)), (48, 0));
        mark(&mut slot, 3, 5).unwrap();
        assert_eq!((generation(&slot, 5), generation(&slot, 6)), (3, 0));
        // A mark of which a part was written does not count.
        let mut torn = [0; 64];
        torn.copy_from_slice(slot.bytes());
        torn[60] = 0;
        assert_eq!(generation(&ReadOnlySlot(&torn), 5), 0);
        slot.erase(32).unwrap();
        assert_eq!(generation(&slot, 5), 0);
        assert!(is_empty(&slot));
        assert_eq!(inspect(&slot), Ok(None));
    }

    #[test]
    fn what_is_outside_is_refused() {
        let mut memory = Memory([0; 64]);
        let mut slot = RamSlot(&mut memory.0);
        assert_eq!(slot.write(64, &[1; 16]), Err(SlotError::OutOfBounds));
        assert_eq!(slot.write(usize::MAX, &[1]), Err(SlotError::OutOfBounds));
        assert_eq!(slot.erase(65), Err(SlotError::OutOfBounds));
        let mut fixed = ReadOnlySlot(&memory.0);
        assert_eq!(fixed.erase(16), Err(SlotError::ReadOnly));
        assert_eq!(fixed.write(0, &[]), Err(SlotError::ReadOnly));
        assert_eq!((mark(&mut fixed, 1, 1), room(&fixed)), (Ok(()), 64));
    }

    #[test]
    fn something_else_is_no_model() {
        let text = Memory([b'x'; 64]);
        let slot = ReadOnlySlot(&text.0);
        assert_eq!(model(&slot).len(), 64);
        assert_eq!(inspect(&slot), Err(Error::NotLif));
    }
}
