//! New models into slots.

use crate::link::frame::checksum;
use crate::link::{Content, Refusal, Response, SlotInfo};
use crate::model::Model;
use crate::model::format::{ALIGN, stated_len};
use crate::update::{self, Slot, SlotError};

/// A model on its way into a slot.
#[derive(Clone, Copy)]
pub(super) struct Upload {
    slot: u8,
    bytes: u32,
    /// Bytes that were written.
    next: u32,
}

/// The slots, while the model in one of them runs.
pub(super) struct Slots<'s, S> {
    before: &'s mut [S],
    active: Option<&'s S>,
    after: &'s mut [S],
}

impl<'s, S: Slot> Slots<'s, S> {
    /// The model in slot `active`, and all slots.
    pub(super) fn split(all: &'s mut [S], active: Option<usize>) -> (Option<&'s [u8]>, Self) {
        let i = active.unwrap_or(usize::MAX).min(all.len());
        let (before, rest) = all.split_at_mut_checked(i).unwrap_or_default();
        let (active, after) = match rest.split_first_mut() {
            Some((active, after)) => (Some(&*active), after),
            None => (None, Default::default()),
        };
        let slots = Self {
            before,
            active,
            after,
        };
        (active.map(update::model), slots)
    }

    pub(super) fn count(&self) -> usize {
        let others = self.before.len().saturating_add(self.after.len());
        others.saturating_add(self.active.iter().len())
    }

    fn get(&self, i: u8) -> Result<&S, Refusal> {
        let i = usize::from(i);
        let slot = match i.checked_sub(self.before.len()) {
            None => self.before.get(i),
            Some(0) if self.active.is_some() => self.active,
            Some(i) => self.after.get(i.saturating_sub(self.active.iter().len())),
        };
        slot.ok_or(Refusal::NoSlot)
    }

    fn get_mut(&mut self, i: u8) -> Result<&mut S, Refusal> {
        let i = usize::from(i);
        let slot = match i.checked_sub(self.before.len()) {
            None => self.before.get_mut(i),
            Some(0) if self.active.is_some() => return Err(Refusal::Active),
            Some(i) => self
                .after
                .get_mut(i.saturating_sub(self.active.iter().len())),
        };
        slot.ok_or(Refusal::NoSlot)
    }

    pub(super) fn info(&self, upload: Option<Upload>, i: u8) -> Result<SlotInfo, Refusal> {
        let slot = self.get(i)?;
        let content = match upload {
            Some(upload) if upload.slot == i => Content::Receiving { next: upload.next },
            _ if update::is_empty(slot) => Content::Empty,
            _ => match Model::read(update::model(slot)) {
                Ok(model) => Content::Model {
                    bytes: model.bytes().len() as u32,
                    crc: model.crc(),
                    generation: update::generation(slot, model.crc()),
                },
                Err(e) => Content::Refused(e),
            },
        };
        Ok(SlotInfo {
            bytes: update::room(slot) as u32,
            writable: slot.is_writable(),
            content,
        })
    }

    pub(super) fn begin(
        &mut self,
        upload: &mut Option<Upload>,
        i: u8,
        bytes: u32,
    ) -> Result<Response<'static>, Refusal> {
        let slot = self.get_mut(i)?;
        if !slot.is_writable() {
            return Err(Refusal::Slot(SlotError::ReadOnly));
        }
        aligned(bytes as usize)?;
        let (need, got) = (bytes, update::room(slot) as u32);
        if need > got {
            return Err(Refusal::Room { need, got });
        }
        *upload = None;
        slot.erase(bytes as usize).map_err(Refusal::Slot)?;
        *upload = Some(Upload {
            slot: i,
            bytes,
            next: 0,
        });
        Ok(Response::Written { next: 0 })
    }

    pub(super) fn write(
        &mut self,
        upload: &mut Option<Upload>,
        offset: u32,
        bytes: &[u8],
    ) -> Result<Response<'static>, Refusal> {
        let now = upload.as_mut().ok_or(Refusal::NoUpload)?;
        if offset != now.next {
            return Err(Refusal::Order { next: now.next });
        }
        aligned(bytes.len())?;
        let next = offset.saturating_add(bytes.len() as u32);
        if next > now.bytes {
            return Err(Refusal::Room {
                need: next,
                got: now.bytes,
            });
        }
        let slot = self.get_mut(now.slot)?;
        slot.write(offset as usize, bytes).map_err(Refusal::Slot)?;
        now.next = next;
        if next == now.bytes {
            *upload = None;
        }
        Ok(Response::Written { next })
    }

    pub(super) fn verify(&self, i: u8) -> Result<Response<'static>, Refusal> {
        let slot = self.get(i)?;
        if stated_len(slot.bytes()).is_none() {
            return Err(Refusal::NoModel);
        }
        let model = update::model(slot);
        Ok(Response::Verified {
            bytes: model.len() as u32,
            crc: checksum(model),
        })
    }
}

fn aligned(n: usize) -> Result<(), Refusal> {
    match n % ALIGN {
        0 => Ok(()),
        _ => Err(Refusal::Unaligned { of: ALIGN as u8 }),
    }
}
