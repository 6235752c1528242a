//! The board's side of the link: one loop for every board, and for the tests on the host.
//!
//! | file | what is there |
//! |---|---|
//! | `mod.rs` | what a board brings, and which model is active |
//! | `line.rs` | frames in and out, sessions, repeated and late requests |
//! | `answer.rs` | what is done for each request |
//! | `run.rs` | running the network, and what is counted on the way |
//! | `state.rs` | what is read of the network and written into it |
//! | `upload.rs` | new models into slots |

mod answer;
mod line;
mod run;
mod state;
mod upload;

use super::frame::Header;
use super::{LEAST_FRAME_BYTES, OVERHEAD_BYTES, Refusal, Response};
use crate::model::Network;
use crate::spikes::Spikes;
use crate::update::{self, Slot};
use answer::{Context, Next, attend};
use line::Line;
use upload::Slots;

/// What the server needs of a board.
pub trait Board {
    /// The name that the host knows the board by.
    const NAME: &'static str;
    /// Version of the firmware.
    const FIRMWARE: &'static str = env!("CARGO_PKG_VERSION");
    /// Flash of the part, in bytes.
    const FLASH_BYTES: u32;
    /// RAM of the part, in bytes.
    const RAM_BYTES: u32;
    /// Frequency of the counter behind [`Board::measure`], in Hz.
    const COUNTER_HZ: u32;

    /// Waits for a byte of the serial line; none where the line is closed for ever, which ends the server.
    fn read(&mut self) -> Option<u8>;

    /// Sends `bytes` over the serial line.
    fn write(&mut self, bytes: &[u8]);

    /// Runs `work` and gives the ticks of the board's counter that it took; none if the counter wrapped.
    fn measure(&mut self, work: impl FnOnce()) -> Option<u32>;

    /// Stack that was used at the most since the start, in bytes; 0 if the board does not know.
    fn stack_bytes(&self) -> u32 {
        0
    }

    /// Shows whether the network is running.
    fn led(&mut self, on: bool) {
        let _ = on;
    }

    /// Shows the spikes of the last layer, after each step.
    fn spikes(&mut self, spikes: Spikes<'_>) {
        let _ = spikes;
    }
}

/// The memory of the server, by use.
#[derive(Debug)]
pub struct Buffers<'a> {
    /// The network's state.
    pub arena: &'a mut [u64],
    /// The network's input.
    pub input: &'a mut [u32],
    /// The frame that arrives.
    pub request: &'a mut [u8],
    /// The answer, kept until the next request: it is sent again where its request is.
    pub response: &'a mut [u8],
}

/// Memory for [`Buffers`], to be put into a static: `ARENA` in units of 8 bytes, `INPUT` in units of 4, and two frames
/// of `FRAME` bytes, of which all but [`OVERHEAD_BYTES`] are for payload.
#[derive(Debug)]
pub struct Memory<const ARENA: usize, const INPUT: usize, const FRAME: usize> {
    arena: [u64; ARENA],
    input: [u32; INPUT],
    request: [u8; FRAME],
    response: [u8; FRAME],
}

impl<const ARENA: usize, const INPUT: usize, const FRAME: usize> Memory<ARENA, INPUT, FRAME> {
    /// All zero.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(FRAME >= LEAST_FRAME_BYTES, "a frame must hold any message") };
        Self {
            arena: [0; ARENA],
            input: [0; INPUT],
            request: [0; FRAME],
            response: [0; FRAME],
        }
    }

    /// Its parts.
    pub const fn buffers(&mut self) -> Buffers<'_> {
        Buffers {
            arena: &mut self.arena,
            input: &mut self.input,
            request: &mut self.request,
            response: &mut self.response,
        }
    }
}

impl<const ARENA: usize, const INPUT: usize, const FRAME: usize> Default
    for Memory<ARENA, INPUT, FRAME>
{
    fn default() -> Self {
        Self::new()
    }
}

/// Serves the link until the line is closed, with the models in `slots`.
///
/// It begins with the valid model of the highest generation, see [`crate::update`]; without one it answers, and takes
/// uploads.
pub fn serve<B: Board, S: Slot>(board: &mut B, slots: &mut [S], buffers: Buffers<'_>) {
    let Buffers {
        arena,
        input,
        request,
        response,
    } = buffers;
    let frame = request.len().min(response.len());
    let mut line = Line::new(request, response);
    let mut context = Context::new(
        input,
        size_of_val(arena),
        frame.saturating_sub(OVERHEAD_BYTES),
    );
    let mut active = first(slots, arena, &mut context);
    loop {
        let (bytes, mut slots_now) = Slots::split(slots, active);
        let mut network = bytes.and_then(|model| match Network::new(model, arena) {
            Ok(network) => Some(network),
            Err(e) => {
                context.refused = Some(e);
                None
            }
        });
        context.begin(active);
        let next = attend(
            board,
            &mut line,
            &mut context,
            network.as_mut(),
            &mut slots_now,
        );
        let Next::Try {
            slot,
            activate,
            header,
        } = next
        else {
            return;
        };
        let result = try_model(slots, arena, slot, activate && active != Some(slot));
        if result.is_ok() && activate {
            active = Some(slot);
        }
        let response = result.map_or_else(Response::Refused, |()| Response::Done);
        context.count(&response);
        line.answer(board, header, &response);
    }
}

/// The slot to begin with.
fn first<S: Slot>(slots: &mut [S], arena: &mut [u64], context: &mut Context<'_>) -> Option<usize> {
    let mut best = None;
    for (i, slot) in slots.iter().enumerate() {
        if update::is_empty(slot) {
            continue;
        }
        match Network::new(update::model(slot), arena) {
            Ok(network) => {
                let generation = update::generation(slot, network.model().crc());
                if best.is_none_or(|(highest, _)| generation > highest) {
                    best = Some((generation, i));
                }
            }
            Err(e) => context.refused = context.refused.or(Some(e)),
        }
    }
    best.map(|(_, i)| i)
}

/// Runs the self-test of the model in slot `slot`; marks it as the newest where that passes and `mark` is set.
fn try_model<S: Slot>(
    slots: &mut [S],
    arena: &mut [u64],
    slot: usize,
    mark: bool,
) -> Result<(), Refusal> {
    let candidate = slots.get(slot).ok_or(Refusal::NoSlot)?;
    if update::is_empty(candidate) {
        return Err(Refusal::NoModel);
    }
    let mut network = Network::new(update::model(candidate), arena).map_err(Refusal::Model)?;
    network.self_test().map_err(Refusal::SelfTest)?;
    let crc = network.model().crc();
    if !mark {
        return Ok(());
    }
    let generations = slots.iter().map(|s| match update::inspect(s) {
        Ok(Some((_, generation))) => generation,
        _ => 0,
    });
    let newest = generations.fold(0, u32::max).saturating_add(1);
    let candidate = slots.get_mut(slot).ok_or(Refusal::NoSlot)?;
    update::mark(candidate, newest, crc).map_err(Refusal::Slot)
}
