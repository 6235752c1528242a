//! What is done for each request.

use super::line::Line;
use super::upload::{Slots, Upload};
use super::{Board, Header, run, state};
use crate::error::Error;
use crate::link::{
    Identity, LEAST_CHUNK_BYTES, ModelHeader, OLDEST_VERSION, Refusal, Request, Response,
    Statistics, VERSION,
};
use crate::model::{Digest, Network};
use crate::update::Slot;

/// Longest name of a model that is sent, in bytes.
const NAME_BYTES: usize = 32;
/// Bytes of values that are computed for an answer at a time.
pub(super) const SCRATCH_BYTES: usize = 32;

/// What lasts from one request to the next, besides network, slots and line.
pub(super) struct Context<'a> {
    pub(super) input: &'a mut [u32],
    arena_bytes: usize,
    /// Most bytes of payload that the board takes and gives.
    most_chunk: usize,
    /// The same, as the session agreed.
    pub(super) chunk: usize,
    active: Option<usize>,
    /// Why there is no network, where a slot is not empty.
    pub(super) refused: Option<Error>,
    pub(super) upload: Option<Upload>,
    pub(super) statistics: Statistics,
    /// Of the run since its reset.
    pub(super) digest: Digest,
    /// Whether the network has not seen the input buffer yet.
    pub(super) is_input_new: bool,
    /// Bytes of a state that were written, where it is not whole yet.
    pub(super) state_written: Option<u32>,
}

/// Why [`attend`] came back.
pub(super) enum Next {
    /// The line is closed.
    Closed,
    /// The model in a slot is to be tested, and taken into use where `activate` is set.
    Try {
        slot: usize,
        activate: bool,
        header: Header,
    },
}

impl<'a> Context<'a> {
    pub(super) fn new(input: &'a mut [u32], arena_bytes: usize, most_chunk: usize) -> Self {
        Self {
            input,
            arena_bytes,
            most_chunk,
            chunk: most_chunk.min(LEAST_CHUNK_BYTES),
            active: None,
            refused: None,
            upload: None,
            statistics: Statistics::default(),
            digest: Digest::new(),
            is_input_new: true,
            state_written: None,
        }
    }

    /// There is another network now.
    pub(super) fn begin(&mut self, active: Option<usize>) {
        self.active = active;
        self.is_input_new = true;
        self.state_written = None;
    }

    pub(super) fn count(&mut self, response: &Response<'_>) {
        let count = match response {
            Response::Refused(_) => &mut self.statistics.refused,
            _ => &mut self.statistics.requests,
        };
        *count = count.wrapping_add(1);
    }

    fn hello(
        &mut self,
        oldest: u16,
        newest: u16,
        chunk: u16,
    ) -> Result<Response<'static>, Refusal> {
        let version = newest.min(VERSION);
        if version < oldest.max(OLDEST_VERSION) {
            return Err(Refusal::Version {
                oldest: OLDEST_VERSION,
                newest: VERSION,
            });
        }
        self.chunk = self.most_chunk.min(chunk.into()).max(LEAST_CHUNK_BYTES);
        self.upload = None;
        self.input.fill(0);
        self.is_input_new = true;
        let chunk_bytes = self.chunk as u16;
        Ok(Response::Hello {
            version,
            chunk_bytes,
        })
    }

    fn identity<B: Board>(&self, slots: usize) -> Response<'static> {
        Response::Identity(Identity {
            board: B::NAME,
            firmware: B::FIRMWARE,
            flash_bytes: B::FLASH_BYTES,
            ram_bytes: B::RAM_BYTES,
            arena_bytes: self.arena_bytes as u32,
            input_bytes: size_of_val(self.input) as u32,
            counter_hz: B::COUNTER_HZ,
            slots: slots as u8,
            active: self.active.map(|i| i as u8),
        })
    }

    fn write_input(&mut self, offset: u16, bytes: &[u8]) -> Result<Response<'static>, Refusal> {
        let buffer: &mut [u8] = bytemuck::must_cast_slice_mut(self.input);
        let got = buffer.len() as u32;
        let from = usize::from(offset);
        let to = from.saturating_add(bytes.len());
        let part = buffer.get_mut(from..to).ok_or(Refusal::Room {
            need: to as u32,
            got,
        })?;
        for (to, from) in part.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.is_input_new = true;
        Ok(Response::Done)
    }
}

/// Answers requests, until the line is closed or a request needs the memory of `network`.
pub(super) fn attend<B: Board, S: Slot>(
    board: &mut B,
    line: &mut Line<'_>,
    context: &mut Context<'_>,
    mut network: Option<&mut Network<'_>>,
    slots: &mut Slots<'_, S>,
) -> Next {
    let mut scratch = [0; SCRATCH_BYTES];
    loop {
        let Some(arrived) = line.wait(board, context) else {
            return Next::Closed;
        };
        let header = arrived.header;
        let (request, answer) = line.message(&arrived);
        let response = match request {
            Err(e) => Err(e.into()),
            Ok(Request::SelfTest { slot } | Request::Activate { slot }) => {
                return Next::Try {
                    slot: slot.into(),
                    activate: matches!(request, Ok(Request::Activate { .. })),
                    header,
                };
            }
            Ok(request) if arrived.opens => match request {
                Request::Hello {
                    oldest,
                    newest,
                    chunk_bytes,
                } => context.hello(oldest, newest, chunk_bytes),
                _ => Err(Refusal::Unknown),
            },
            Ok(request) => match with_slots(board, context, slots, request) {
                Some(response) => response,
                None => match network.as_deref_mut() {
                    Some(network) => with_network(board, context, network, &mut scratch, request),
                    None => Err(context.refused.map_or(Refusal::NoModel, Refusal::Model)),
                },
            },
        };
        let response = response.unwrap_or_else(Response::Refused);
        context.count(&response);
        answer.send(board, &response);
    }
}

/// What needs no network; none where the request does.
fn with_slots<B: Board, S: Slot>(
    board: &B,
    context: &mut Context<'_>,
    slots: &mut Slots<'_, S>,
    request: Request<'_>,
) -> Option<Result<Response<'static>, Refusal>> {
    Some(match request {
        Request::Identify => Ok(context.identity::<B>(slots.count())),
        Request::Slot { slot } => slots.info(context.upload, slot).map(Response::Slot),
        Request::Begin { slot, bytes } => slots.begin(&mut context.upload, slot, bytes),
        Request::Write { offset, bytes } => slots.write(&mut context.upload, offset, bytes),
        Request::Verify { slot } => slots.verify(slot),
        Request::Input { offset, bytes } => context.write_input(offset, bytes),
        Request::Statistics => Ok(Response::Statistics(Statistics {
            stack_bytes: board.stack_bytes(),
            ..context.statistics
        })),
        _ => return None,
    })
}

fn with_network<'r, B: Board>(
    board: &mut B,
    context: &mut Context<'_>,
    network: &'r mut Network<'_>,
    scratch: &'r mut [u8; SCRATCH_BYTES],
    request: Request<'_>,
) -> Result<Response<'r>, Refusal> {
    match request {
        Request::Model => Ok(Response::Model(model_header(network))),
        Request::Layer { layer } => state::layer(network, layer),
        Request::Run { steps, reset } => run::run(board, context, network, steps, reset),
        Request::Reset => {
            network.reset();
            context.digest = Digest::new();
            context.state_written = None;
            Ok(Response::Done)
        }
        Request::Read { source, from, most } => {
            state::read(context, network, scratch, source, from, most)
        }
        Request::SetState { offset, bytes } => state::write(context, network, offset, bytes),
        _ => Err(Refusal::Unknown),
    }
}

fn model_header<'r>(network: &'r Network<'_>) -> ModelHeader<'r> {
    let model = network.model();
    let name = model.name();
    let mut end = name.len().min(NAME_BYTES);
    while !name.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    ModelHeader {
        name: name.get(..end).unwrap_or(""),
        crc: model.crc(),
        bytes: model.bytes().len() as u32,
        ram_bytes: model.ram_bytes() as u32,
        number: model.number(),
        n_in: model.n_in() as u16,
        n_out: model.n_out() as u16,
        n_layers: model.n_layers() as u16,
        steps: model.steps(),
    }
}
