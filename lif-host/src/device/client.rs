//! The host's side of the host link.

use std::time::{Duration, Instant};

use lif_nostd::link::{
    CHUNK_BYTES, FRAME_BYTES, Frame, Request, Response, VERSION, decode, encode,
};

use super::Error;
use crate::infer::{Answer, Input};

/// How long to wait for an answer to the first request before it is sent again: a board drops what arrives
/// before its serial port is on.
const RESEND: Duration = Duration::from_millis(250);

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
}

/// Who answers, and what model it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name of the board.
    pub board: String,
    /// CRC-32 in the header of its model.
    pub model_crc: u32,
    /// Length of its model, in bytes.
    pub model_bytes: u32,
    /// Bytes of RAM that can hold a network's state.
    pub arena_bytes: u32,
    /// Bytes of RAM that this network's state needs.
    pub ram_bytes: u32,
}

/// What a board answers to a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inference {
    /// Counts and digest.
    pub answer: Answer,
    /// Ticks of the board's counter; none where it wrapped.
    pub ticks: Option<u64>,
}

/// A board on a serial line.
#[derive(Debug)]
pub struct Client<P> {
    port: P,
    timeout: Duration,
    frame: Frame,
}

impl<P: Port> Client<P> {
    /// Speaks to the board on `port`, waiting at most `timeout` for each response.
    #[must_use]
    pub const fn new(port: P, timeout: Duration) -> Self {
        Self {
            port,
            timeout,
            frame: Frame::new(),
        }
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> &P {
        &self.port
    }

    /// One request; `take` gets the response.
    fn ask<T>(
        &mut self,
        request: &Request<'_>,
        take: impl FnOnce(Response<'_>) -> Option<T>,
        name: &'static str,
    ) -> Result<T, Error> {
        self.ask_within(self.timeout, request, take, name)
    }

    /// The same, waiting at most `timeout` for the response.
    fn ask_within<T>(
        &mut self,
        timeout: Duration,
        request: &Request<'_>,
        take: impl FnOnce(Response<'_>) -> Option<T>,
        name: &'static str,
    ) -> Result<T, Error> {
        let mut buffer = [0; FRAME_BYTES];
        let frame = encode(request, &mut buffer).map_err(|e| Error::Refused(e.to_string()))?;
        self.port.send(frame)?;
        let start = Instant::now();
        loop {
            let left = timeout.saturating_sub(start.elapsed());
            let byte = self.port.receive(left).map_err(|e| match e {
                Error::Timeout { .. } => Error::Timeout {
                    seconds: timeout.as_secs(),
                },
                e => e,
            })?;
            let Some(frame) = self.frame.push(byte) else {
                continue;
            };
            // A broken frame is not an answer; where no other follows, the time runs out.
            let Ok(response) = decode(frame) else {
                continue;
            };
            return match response {
                // An answer to one of several requests to identify, of which an earlier one was answered.
                Response::Identity { .. } if *request != Request::Identify => continue,
                Response::BadModel(text) => Err(Error::BadModel(text.into())),
                Response::Refused(text) => Err(Error::Refused(text.into())),
                response => take(response).ok_or(Error::Unexpected(name)),
            };
        }
    }

    /// Asks who is there, again and again until it answers or the time is up.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn identify(&mut self) -> Result<Identity, Error> {
        let take = |r: Response<'_>| match r {
            Response::Identity {
                version,
                board,
                model_crc,
                model_bytes,
                arena_bytes,
                ram_bytes,
                ..
            } => Some((
                version,
                Identity {
                    board: board.into(),
                    model_crc,
                    model_bytes,
                    arena_bytes,
                    ram_bytes,
                },
            )),
            _ => None,
        };
        let start = Instant::now();
        let (found, identity) = loop {
            let wait = RESEND.min(self.timeout);
            match self.ask_within(wait, &Request::Identify, take, "identify") {
                Err(Error::Timeout { .. }) if start.elapsed() < self.timeout => {}
                Err(Error::Timeout { .. }) => {
                    return Err(Error::Timeout {
                        seconds: self.timeout.as_secs(),
                    });
                }
                answer => break answer?,
            }
        };
        if found != VERSION {
            return Err(Error::LinkVersion {
                found,
                supported: VERSION,
            });
        }
        Ok(identity)
    }

    /// Runs a sample for `steps` steps from the initial state; 0 only takes the input.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn infer(&mut self, input: &Input, steps: u16) -> Result<Inference, Error> {
        for (i, bytes) in input.to_bytes().chunks(CHUNK_BYTES).enumerate() {
            let offset = u16::try_from(i * CHUNK_BYTES).map_err(|_| {
                Error::TooLarge("the input is longer than the link can address".into())
            })?;
            let taken = |r: Response<'_>| (r == Response::Taken).then_some(());
            self.ask(&Request::Input { offset, bytes }, taken, "input")?;
        }
        let take = |r: Response<'_>| match r {
            Response::Inferred {
                digest,
                ticks,
                wrapped,
            } => Some((digest, (!wrapped).then_some(ticks))),
            _ => None,
        };
        let (digest, ticks) = self.ask(&Request::Infer { steps }, take, "infer")?;
        let counts = self.data(|from| Request::Counts { from: from / 4 })?;
        Ok(Inference {
            answer: Answer {
                counts: words(&counts),
                digest,
            },
            ticks,
        })
    }

    /// Runs one step.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn step(&mut self) -> Result<(), Error> {
        let take = |r: Response<'_>| (r == Response::Stepped).then_some(());
        self.ask(&Request::Step, take, "step")
    }

    /// The packed spikes of layer `layer` in the last step.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn spikes(&mut self, layer: u16) -> Result<Vec<u32>, Error> {
        let bytes = self.data(|from| Request::Spikes {
            layer,
            from: from / 4,
        })?;
        Ok(words(&bytes))
    }

    /// The membranes of layer `layer`, as their bytes.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn membranes(&mut self, layer: u16) -> Result<Vec<u8>, Error> {
        self.data(|from| Request::Membranes { layer, from })
    }

    /// Bytes of stack that the board used at the most.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn stack_bytes(&mut self) -> Result<u32, Error> {
        let take = |r: Response<'_>| match r {
            Response::Stack { bytes } => Some(bytes),
            _ => None,
        };
        self.ask(&Request::Stack, take, "stack")
    }

    /// Data in chunks, until an incomplete one; `request` makes the request from byte `from` on.
    fn data(&mut self, request: impl Fn(u16) -> Request<'static>) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        loop {
            let from = u16::try_from(all.len()).map_err(|_| {
                Error::TooLarge("the data are longer than the link can address".into())
            })?;
            let take = |r: Response<'_>| match r {
                Response::Data(bytes) => Some(bytes.to_vec()),
                _ => None,
            };
            let chunk = self.ask(&request(from), take, "data")?;
            all.extend(&chunk);
            if chunk.len() < CHUNK_BYTES {
                return Ok(all);
            }
        }
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    let (words, _) = bytes.as_chunks();
    words.iter().map(|w| u32::from_le_bytes(*w)).collect()
}
