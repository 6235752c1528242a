//! The host's side of the link: asks, asks again where no answer comes, and cuts what is long into chunks.

mod models;
mod network;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lif_nostd::link::cobs::{Decoder, Progress};
use lif_nostd::link::frame::{CRC_BYTES, HEADER_BYTES, open, parse, seal, send};
use lif_nostd::link::{
    Header, LEAST_CHUNK_BYTES, OLDEST_VERSION, OVERHEAD_BYTES, Refusal, Request, Response,
    Statistics, VERSION,
};

pub use models::{BoardModel, SlotState};
pub use network::Inference;

use super::Error;

/// Most bytes of payload in a message that this side takes.
const MOST_CHUNK_BYTES: usize = 4096;
/// How often a chunk is sent before it is cut in two.
const CHUNK_TRIES: u32 = 2;
/// After how many chunks without an error their size is doubled again.
const CALM: u32 = 32;
/// After how many requests to open a session another number is tried for it.
const SESSION_TRIES: u32 = 4;

/// A serial line.
pub trait Port {
    /// Sends all of `bytes`.
    ///
    /// # Errors
    ///
    /// [`Error::Died`] where nobody is there any more.
    fn send(&mut self, bytes: &[u8]) -> Result<(), Error>;

    /// Waits for a byte, at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`]; [`Error::Died`] where nobody is there any more.
    fn receive(&mut self, timeout: Duration) -> Result<u8, Error>;

    /// How long a byte takes on the line.
    fn byte_time(&self) -> Duration {
        Duration::ZERO
    }
}

impl<P: Port + ?Sized> Port for Box<P> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        (**self).send(bytes)
    }

    fn receive(&mut self, timeout: Duration) -> Result<u8, Error> {
        (**self).receive(timeout)
    }

    fn byte_time(&self) -> Duration {
        (**self).byte_time()
    }
}

/// How long to wait for an answer before the request is sent again: `first`, then twice as long each time up to
/// `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// After the first time.
    pub first: Duration,
    /// At the most.
    pub most: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            most: Duration::from_secs(4),
        }
    }
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name of the board.
    pub board: String,
    /// Version of its firmware.
    pub firmware: String,
    /// Flash of the part, in bytes.
    pub flash_bytes: u32,
    /// RAM of the part, in bytes.
    pub ram_bytes: u32,
    /// RAM that can hold a network's state, in bytes.
    pub arena_bytes: u32,
    /// RAM that can hold input, in bytes.
    pub input_bytes: u32,
    /// Frequency of its counter, in Hz.
    pub counter_hz: u32,
    /// Number of slots for models.
    pub slots: u8,
    /// The slot whose model is active.
    pub active: Option<u8>,
}

/// Bytes that went over the line, framing and all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the host to the board.
    pub sent: u64,
    /// From the board to the host.
    pub received: u64,
    /// Requests that were sent again.
    pub repeated: u64,
}

/// A board on a serial line.
#[derive(Debug)]
pub struct Client<P> {
    port: P,
    timeout: Duration,
    patience: Patience,
    header: Header,
    /// The frame that arrives, and how far it is.
    answer: Vec<u8>,
    decoder: Decoder,
    /// The frame that was sent.
    request: Vec<u8>,
    /// Most bytes of payload, as agreed with the board.
    agreed: usize,
    /// Most bytes of payload now: fewer, where the line is bad.
    chunk: usize,
    /// Chunks since the last error.
    calm: u32,
    input_bytes: usize,
    traffic: Traffic,
}

impl<P: Port> Client<P> {
    /// Speaks to the board on `port`, waiting at most `timeout` for each answer, repetitions included.
    #[must_use]
    pub fn new(port: P, timeout: Duration) -> Self {
        // Any number will do that the host before did not use.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seed = now.map_or(0, |t| t.as_nanos()) as u32 ^ std::process::id() << 12;
        Self {
            port,
            timeout,
            patience: Patience::default(),
            header: Header {
                session: (seed.wrapping_mul(0x9e37_79b9) >> 16) as u16,
                sequence: 0,
            },
            answer: vec![0; MOST_CHUNK_BYTES + OVERHEAD_BYTES],
            decoder: Decoder::new(),
            request: vec![0; MOST_CHUNK_BYTES + OVERHEAD_BYTES],
            agreed: LEAST_CHUNK_BYTES,
            chunk: LEAST_CHUNK_BYTES,
            calm: 0,
            input_bytes: 0,
            traffic: Traffic::default(),
        }
    }

    /// The same with another patience.
    #[must_use]
    pub const fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> &P {
        &self.port
    }

    /// The port, to do something to it.
    pub const fn port_mut(&mut self) -> &mut P {
        &mut self.port
    }

    /// What went over the line so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Most bytes of payload in a message now: what was agreed, or less on a bad line.
    #[must_use]
    pub const fn chunk_bytes(&self) -> usize {
        self.chunk
    }

    /// Opens a session and asks who is there, again and again until it answers or the time is up. A board that was
    /// started anew is spoken to again after it.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn identify(&mut self) -> Result<Identity, Error> {
        self.open()?;
        let identity = self.ask(&Request::Identify, "identify", |r| match r {
            Response::Identity(i) => Some(Identity {
                board: i.board.into(),
                firmware: i.firmware.into(),
                flash_bytes: i.flash_bytes,
                ram_bytes: i.ram_bytes,
                arena_bytes: i.arena_bytes,
                input_bytes: i.input_bytes,
                counter_hz: i.counter_hz,
                slots: i.slots,
                active: i.active,
            }),
            _ => None,
        })?;
        self.input_bytes = identity.input_bytes as usize;
        Ok(identity)
    }

    /// What the board did since its start.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn statistics(&mut self) -> Result<Statistics, Error> {
        self.ask(&Request::Statistics, "statistics", |r| match r {
            Response::Statistics(statistics) => Some(*statistics),
            _ => None,
        })
    }

    /// Opens a session, and agrees on version and size of a chunk.
    fn open(&mut self) -> Result<(), Error> {
        let hello = Request::Hello {
            oldest: OLDEST_VERSION,
            newest: VERSION,
            chunk_bytes: MOST_CHUNK_BYTES as u16,
        };
        let patience = self.patience;
        // A board drops what arrives before its serial port is on: there is no use in waiting longer each time.
        self.patience.most = patience.first;
        let mut waited = Duration::ZERO;
        let agreed = loop {
            self.header.session = self.header.session.wrapping_add(1);
            let take = |r: &Response<'_>| match *r {
                Response::Hello {
                    version,
                    chunk_bytes,
                } => Some((version, usize::from(chunk_bytes))),
                _ => None,
            };
            match self.ask_within(&hello, "hello", Some(SESSION_TRIES), take) {
                Err(Error::Timeout { .. }) if waited < self.timeout => {
                    waited += patience.first * SESSION_TRIES;
                }
                agreed => break agreed,
            }
        };
        self.patience = patience;
        let (version, chunk) = match agreed {
            Err(Error::Refused(Refusal::Version { newest, .. })) => Err(Error::LinkVersion {
                found: newest,
                supported: VERSION,
            }),
            agreed => agreed,
        }?;
        if version != VERSION || !(LEAST_CHUNK_BYTES..=MOST_CHUNK_BYTES).contains(&chunk) {
            return Err(Error::Unexpected("hello"));
        }
        (self.agreed, self.chunk) = (chunk, chunk);
        Ok(())
    }

    /// One request, sent until it is answered or the time is up; `take` gets the answer.
    fn ask<T>(
        &mut self,
        request: &Request<'_>,
        name: &'static str,
        take: impl FnOnce(&Response<'_>) -> Option<T>,
    ) -> Result<T, Error> {
        self.ask_within(request, name, None, take)
    }

    /// The same, sent at most `tries` times.
    fn ask_within<T>(
        &mut self,
        request: &Request<'_>,
        name: &'static str,
        tries: Option<u32>,
        take: impl FnOnce(&Response<'_>) -> Option<T>,
    ) -> Result<T, Error> {
        self.header.sequence = self.header.sequence.wrapping_add(1);
        let len = seal(self.header, request, &mut self.request)
            .map_err(|e| Error::TooLarge(e.to_string()))?;
        let on_line = self.port.byte_time() * (len + self.agreed) as u32;
        let (mut wait, mut waited) = (self.patience.first, Duration::ZERO);
        for tried in 1.. {
            self.send_frame(len)?;
            match self.receive_frame(wait + on_line) {
                Ok(end) => return judge(&self.answer[HEADER_BYTES..end], name, take),
                Err(Error::Timeout { .. }) => {}
                Err(e) => return Err(e),
            }
            waited += wait;
            if waited >= self.timeout || tries.is_some_and(|most| tried >= most) {
                break;
            }
            self.traffic.repeated += 1;
            wait = (wait * 2).min(self.patience.most);
        }
        Err(Error::Timeout {
            seconds: self.timeout.as_secs(),
        })
    }

    /// Sends the first `len` bytes of the request as a frame.
    fn send_frame(&mut self, len: usize) -> Result<(), Error> {
        let mut line = Vec::with_capacity(len + 8);
        send(&self.request[..len], &mut |piece| {
            line.extend_from_slice(piece);
        });
        self.traffic.sent += line.len() as u64;
        self.port.send(&line)
    }

    /// Waits for the answer to the last request: where its message ends.
    fn receive_frame(&mut self, wait: Duration) -> Result<usize, Error> {
        let start = Instant::now();
        loop {
            let byte = self.port.receive(wait.saturating_sub(start.elapsed()))?;
            self.traffic.received += 1;
            // A broken frame is no answer; where no other follows, the time runs out.
            if let Progress::Whole(len) = self.decoder.push(&mut self.answer, byte)
                && let Ok((header, _)) = open(&self.answer[..len])
                && header == self.header
            {
                return Ok(len - CRC_BYTES);
            }
        }
    }

    /// The same as [`Self::ask`] for a request that carries a chunk. Where no answer comes, chunks are half as long
    /// from here on and the error is [`Error::Timeout`]: the caller cuts anew. That ends where they are as short as
    /// can be.
    fn ask_chunk<T>(
        &mut self,
        request: &Request<'_>,
        name: &'static str,
        take: impl FnOnce(&Response<'_>) -> Option<T>,
    ) -> Result<T, Chunk> {
        let least = self.chunk <= LEAST_CHUNK_BYTES;
        let tries = (!least).then_some(CHUNK_TRIES);
        match self.ask_within(request, name, tries, take) {
            Err(Error::Timeout { .. }) if !least => {
                self.chunk = (self.chunk / 2 / LEAST_CHUNK_BYTES).max(1) * LEAST_CHUNK_BYTES;
                self.calm = 0;
                Err(Chunk::Again)
            }
            Err(e) => Err(Chunk::Failed(e)),
            Ok(value) => {
                self.calm += 1;
                if self.calm >= CALM {
                    self.chunk = (self.chunk * 2).min(self.agreed);
                    self.calm = 0;
                }
                Ok(value)
            }
        }
    }
}

/// Why a chunk did not arrive.
enum Chunk {
    /// It was too long for the line.
    Again,
    Failed(Error),
}

/// What the answer `message` says.
fn judge<T>(
    message: &[u8],
    name: &'static str,
    take: impl FnOnce(&Response<'_>) -> Option<T>,
) -> Result<T, Error> {
    match parse::<Response<'_>>(message) {
        Ok(Response::Refused(Refusal::Session)) => Err(Error::Restarted),
        Ok(Response::Refused(refusal @ (Refusal::Model(_) | Refusal::SelfTest(_)))) => {
            Err(Error::BadModel(refusal))
        }
        Ok(Response::Refused(refusal)) => Err(Error::Refused(refusal)),
        Ok(response) => take(&response).ok_or(Error::Unexpected(name)),
        Err(_) => Err(Error::Unexpected(name)),
    }
}
