//! Answers the requests of the host link.

use core::fmt::Write;

use heapless::String;
use lif_nostd::link::{
    CHUNK_BYTES, FRAME_BYTES, Frame, Request, Response, TEXT_BYTES, VERSION, decode, encode,
};
use lif_nostd::model::Digest;
use lif_nostd::model::format::{Number, stated_len};
use lif_nostd::{Error, Network};

use crate::{Board, stack};

/// The memory of the firmware: `ARENA` and `INPUT` are in units of 8 and 4 bytes.
pub struct Memory<const ARENA: usize, const INPUT: usize> {
    arena: [u64; ARENA],
    input: [u32; INPUT],
    frame: Frame,
}

impl<const ARENA: usize, const INPUT: usize> Memory<ARENA, INPUT> {
    /// All zero.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            arena: [0; ARENA],
            input: [0; INPUT],
            frame: Frame::new(),
        }
    }
}

impl<const ARENA: usize, const INPUT: usize> Default for Memory<ARENA, INPUT> {
    fn default() -> Self {
        Self::new()
    }
}

/// A model that was refused, with room to say why.
type Refusal = String<TEXT_BYTES>;

/// Serves the host link for ever.
pub fn serve<B: Board, const ARENA: usize, const INPUT: usize>(
    board: &mut B,
    memory: &'static mut Memory<ARENA, INPUT>,
) -> ! {
    let slot = board.model_slot();
    let model = slot.get(..stated_len(slot).unwrap_or(0)).unwrap_or(slot);
    let arena_bytes = size_of_val(&memory.arena) as u32;
    let mut device = Device {
        board,
        model,
        arena_bytes,
        network: Network::new(model, &mut memory.arena).map_err(refusal),
        input: &mut memory.input,
    };
    loop {
        let byte = device.board.read();
        if let Some(frame) = memory.frame.push(byte) {
            // A frame that was damaged on its way gets no answer: the host asks again.
            if let Ok(request) = decode(frame) {
                device.answer(request);
            }
        }
    }
}

fn refusal(error: Error) -> Refusal {
    let mut text = Refusal::new();
    // A text that is too long for the link is cut.
    let _ = write!(Cut(&mut text), "{error}");
    text
}

/// Writes as much as fits.
struct Cut<'a>(&'a mut Refusal);

impl Write for Cut<'_> {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        for c in s.chars() {
            self.0.push(c).map_err(|_| core::fmt::Error)?;
        }
        Ok(())
    }
}

struct Device<'b, B: Board> {
    board: &'b mut B,
    model: &'static [u8],
    arena_bytes: u32,
    network: Result<Network<'static>, Refusal>,
    input: &'static mut [u32],
}

impl<B: Board> Device<'_, B> {
    fn answer(&mut self, request: Request<'_>) {
        let Self {
            board,
            model,
            arena_bytes,
            network,
            input,
        } = self;
        let network = match network {
            Ok(network) => network,
            Err(text) => return send(*board, &Response::BadModel(text)),
        };
        match request {
            Request::Identify => {
                let m = network.model();
                let identity = Response::Identity {
                    version: VERSION,
                    board: B::NAME,
                    model_crc: m.crc(),
                    model_bytes: model.len() as u32,
                    arena_bytes: *arena_bytes,
                    ram_bytes: m.ram_bytes() as u32,
                    n_in: m.n_in() as u16,
                    n_out: m.n_out() as u16,
                    n_layers: m.n_layers() as u16,
                };
                send(*board, &identity);
            }
            Request::Input { offset, bytes } => {
                let buffer: &mut [u8] = bytemuck::cast_slice_mut(input);
                let from = usize::from(offset);
                let to = from.saturating_add(bytes.len());
                match buffer.get_mut(from..to) {
                    Some(part) => {
                        part.copy_from_slice(bytes);
                        send(*board, &Response::Taken);
                    }
                    None => send(
                        *board,
                        &Response::Refused("the input does not fit the board's buffer"),
                    ),
                }
            }
            Request::Infer { steps } => infer(*board, network, input, steps),
            Request::Counts { from } => {
                let counts = network.counts();
                send_words(*board, counts.get(usize::from(from)..).unwrap_or(&[]));
            }
            Request::Step => {
                network.step();
                send(*board, &Response::Stepped);
            }
            Request::Spikes { layer, from } => match network.spikes(layer.into()) {
                Some(spikes) => {
                    send_words(
                        *board,
                        spikes.words().get(usize::from(from)..).unwrap_or(&[]),
                    );
                }
                None => send(*board, &Response::Refused("there is no such layer")),
            },
            Request::Membranes { layer, from } => {
                let Some(v) = network.membranes(layer.into()) else {
                    return send(*board, &Response::Refused("there is no such layer"));
                };
                send_bytes(*board, v.bytes().get(usize::from(from)..).unwrap_or(&[]));
            }
            Request::Stack => {
                let bytes = stack::used_bytes();
                send(*board, &Response::Stack { bytes });
            }
            _ => send(
                *board,
                &Response::Refused("this firmware does not know the request"),
            ),
        }
    }
}

/// Runs a sample; measures the reset, taking the input and each step, but not the digest.
fn infer<B: Board>(board: &mut B, network: &mut Network<'static>, input: &[u32], steps: u16) {
    let n = network.model().n_in();
    let mut taken = Err(Error::InputLength { need: n, got: 0 });
    let mut ticks = Some(0u64);
    let mut add = |more: Option<u32>| ticks = ticks.zip(more).map(|(t, m)| t + u64::from(m));
    add(board.measure(|| {
        network.reset();
        taken = match network.model().number() {
            Number::F32 => {
                let x: &[f32] = bytemuck::cast_slice(input);
                network.set_current_f32(x.get(..n).unwrap_or(x))
            }
            _ => {
                let x: &[i8] = bytemuck::cast_slice(input);
                network.set_current(x.get(..n).unwrap_or(x))
            }
        }
    }));
    if taken.is_err() {
        return send(
            board,
            &Response::Refused("the input does not fit the board's buffer"),
        );
    }
    let mut digest = Digest::new();
    for _ in 0..steps {
        add(board.measure(|| network.step()));
        digest.add_spikes(network);
    }
    digest.add_membranes(network);
    let response = Response::Inferred {
        digest: digest.finish(),
        ticks: ticks.unwrap_or(0),
        wrapped: ticks.is_none(),
    };
    send(board, &response);
}

fn send_words<B: Board>(board: &mut B, words: &[u32]) {
    send_bytes(board, bytemuck::cast_slice(words));
}

fn send_bytes<B: Board>(board: &mut B, bytes: &[u8]) {
    send(
        board,
        &Response::Data(bytes.get(..CHUNK_BYTES).unwrap_or(bytes)),
    );
}

fn send<B: Board>(board: &mut B, response: &Response<'_>) {
    let mut buffer = [0; FRAME_BYTES];
    // Every response is shorter than a frame, and a lost one would only make the host ask again.
    if let Ok(frame) = encode(response, &mut buffer) {
        board.write(frame);
    }
}
