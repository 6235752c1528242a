//! Models on a board: what it holds, and how it gets another one.

use lif_nostd::link::frame::checksum;
use lif_nostd::link::{Content, LEAST_CHUNK_BYTES, Refusal, Request, Response};
use lif_nostd::model::format::{ALIGN, Number};

use super::{Chunk, Client, Port};
use crate::device::Error;

/// The active model of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardModel {
    /// Its name, cut where it is longer than 32 bytes.
    pub name: String,
    /// CRC-32 in its header.
    pub crc: u32,
    /// Its length, in bytes.
    pub bytes: u32,
    /// RAM that its network needs, in bytes.
    pub ram_bytes: u32,
    /// Number format of its input.
    pub number: Number,
    /// Inputs.
    pub n_in: u16,
    /// Outputs.
    pub n_out: u16,
    /// Layers.
    pub n_layers: u16,
    /// Time steps that a sample is shown for.
    pub steps: u32,
}

/// A slot of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotState {
    /// Room for a model, in bytes.
    pub bytes: u32,
    /// Whether the board can write it.
    pub writable: bool,
    /// What is in it.
    pub content: Content,
}

impl<P: Port> Client<P> {
    /// The active model.
    ///
    /// # Errors
    ///
    /// [`Error::BadModel`] where what lies in the slot is none; [`Error::Refused`] where nothing lies there.
    pub fn model(&mut self) -> Result<BoardModel, Error> {
        self.ask(&Request::Model, "model", |r| match r {
            Response::Model(m) => Some(BoardModel {
                name: m.name.into(),
                crc: m.crc,
                bytes: m.bytes,
                ram_bytes: m.ram_bytes,
                number: m.number,
                n_in: m.n_in,
                n_out: m.n_out,
                n_layers: m.n_layers,
                steps: m.steps,
            }),
            _ => None,
        })
    }

    /// What is in slot `slot`, from 0.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn slot(&mut self, slot: u8) -> Result<SlotState, Error> {
        self.ask(&Request::Slot { slot }, "slot", |r| match r {
            Response::Slot(info) => Some(SlotState {
                bytes: info.bytes,
                writable: info.writable,
                content: info.content,
            }),
            _ => None,
        })
    }

    /// The first slot that can be written and is not active.
    ///
    /// # Errors
    ///
    /// [`Error::NoWritableSlot`].
    pub fn idle_slot(&mut self) -> Result<u8, Error> {
        let identity = self.identify()?;
        for i in (0..identity.slots).filter(|i| identity.active != Some(*i)) {
            if self.slot(i)?.writable {
                return Ok(i);
            }
        }
        Err(Error::NoWritableSlot {
            board: identity.board,
        })
    }

    /// Writes `model` into slot `slot` and reads back its checksum; `on_progress` is called with the bytes that are
    /// written.
    ///
    /// # Errors
    ///
    /// [`Error`]; [`Error::Differs`] where the board reads something else than was written.
    pub fn upload(
        &mut self,
        slot: u8,
        model: &[u8],
        mut on_progress: impl FnMut(usize),
    ) -> Result<(), Error> {
        let bytes = u32::try_from(model.len())
            .map_err(|_| Error::TooLarge("the model is longer than 4 GiB".into()))?;
        let next = |r: &Response<'_>| match r {
            Response::Written { next } => Some(*next as usize),
            _ => None,
        };
        let mut at = self.ask(&Request::Begin { slot, bytes }, "begin", next)?;
        while at < model.len() {
            let chunk = self.chunk / ALIGN * ALIGN;
            let end = model.len().min(at + chunk.max(LEAST_CHUNK_BYTES));
            let request = Request::Write {
                offset: at as u32,
                bytes: &model[at..end],
            };
            at = match self.ask_chunk(&request, "write", next) {
                Ok(next) => next,
                Err(Chunk::Again) => continue,
                // The chunk before arrived, and its answer was lost.
                Err(Chunk::Failed(Error::Refused(Refusal::Order { next }))) => next as usize,
                // The last chunk arrived, and the upload was over.
                Err(Chunk::Failed(Error::Refused(Refusal::NoUpload))) => model.len(),
                Err(Chunk::Failed(e)) => return Err(e),
            };
            on_progress(at);
        }
        let found = self.ask(&Request::Verify { slot }, "verify", |r| match r {
            Response::Verified { bytes, crc } => Some((*bytes, *crc)),
            _ => None,
        })?;
        if found != (bytes, checksum(model)) {
            return Err(Error::Differs);
        }
        Ok(())
    }

    /// Runs the self-test of the model in slot `slot`. The state of the network is lost.
    ///
    /// # Errors
    ///
    /// [`Error::BadModel`] where it does not pass.
    pub fn self_test(&mut self, slot: u8) -> Result<(), Error> {
        self.do_it(&Request::SelfTest { slot }, "self-test")
    }

    /// Makes the model in slot `slot` the active one, where it passes its self-test. The state of the network is lost.
    ///
    /// # Errors
    ///
    /// [`Error::BadModel`] where it does not pass: the active one stays.
    pub fn activate(&mut self, slot: u8) -> Result<(), Error> {
        self.do_it(&Request::Activate { slot }, "activate")
    }

    /// A request that is answered by [`Response::Done`].
    pub(super) fn do_it(&mut self, request: &Request<'_>, name: &'static str) -> Result<(), Error> {
        self.ask(request, name, done)
    }
}

pub(super) fn done(response: &Response<'_>) -> Option<()> {
    (*response == Response::Done).then_some(())
}
