//! Frames in and out, sessions, and requests that come again or too late.

use core::cmp::Ordering;

use super::Board;
use super::answer::Context;
use crate::link::cobs::{Decoder, Progress};
use crate::link::frame::{CRC_BYTES, HEADER_BYTES, Header, open, parse, seal, send};
use crate::link::{FrameError, Refusal, Request, Response};

/// Kind of [`Request::Hello`], the one request that needs no session.
const HELLO: u8 = 0;
/// Bytes that hold a refusal without a model's error.
const SHORT_BYTES: usize = 32;

/// The two ends of the serial line.
pub(super) struct Line<'a> {
    request: &'a mut [u8],
    response: &'a mut [u8],
    decoder: Decoder,
    /// The session that is open, and the request that was answered last.
    last: Option<Last>,
    /// Bytes of the last answer.
    sealed: usize,
}

/// A request.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Last {
    header: Header,
    /// Its checksum: another request with the same number has another one.
    crc: [u8; CRC_BYTES],
}

/// What a new request is.
pub(super) struct Arrived {
    pub(super) header: Header,
    /// Whether it opens a session.
    pub(super) opens: bool,
    /// Where its message ends.
    end: usize,
}

impl<'a> Line<'a> {
    pub(super) const fn new(request: &'a mut [u8], response: &'a mut [u8]) -> Self {
        Self {
            request,
            response,
            decoder: Decoder::new(),
            last: None,
            sealed: 0,
        }
    }

    /// Waits for a request that was not answered yet; none where the line is closed.
    pub(super) fn wait<B: Board>(
        &mut self,
        board: &mut B,
        context: &mut Context<'_>,
    ) -> Option<Arrived> {
        loop {
            let byte = board.read()?;
            let statistics = &mut context.statistics;
            let len = match self.decoder.push(self.request, byte) {
                Progress::More => continue,
                Progress::Whole(len) => len,
                Progress::Broken => {
                    // No answer: whether it was for this board is not known. The host asks again.
                    statistics.broken = statistics.broken.wrapping_add(1);
                    continue;
                }
            };
            let sealed = self.request.get(..len).unwrap_or(&[]);
            let (Ok((header, message)), Some(crc)) = (open(sealed), sealed.last_chunk().copied())
            else {
                statistics.broken = statistics.broken.wrapping_add(1);
                continue;
            };
            let is_hello = message.first() == Some(&HELLO);
            let this = Last { header, crc };
            let arrived = Arrived {
                header,
                opens: is_hello,
                end: len.saturating_sub(CRC_BYTES),
            };
            match self.last.filter(|l| l.header.session == header.session) {
                None if is_hello => {
                    self.last = Some(this);
                    return Some(arrived);
                }
                None => refuse(board, header, Refusal::Session),
                Some(last) => match order(header.sequence, last.header.sequence) {
                    Ordering::Greater => {
                        self.last = Some(this);
                        return Some(arrived);
                    }
                    Ordering::Less => statistics.late = statistics.late.wrapping_add(1),
                    Ordering::Equal if this == last => {
                        statistics.repeated = statistics.repeated.wrapping_add(1);
                        let sealed = self.response.get(..self.sealed).unwrap_or(&[]);
                        send(sealed, &mut |piece| board.write(piece));
                    }
                    Ordering::Equal => refuse(board, header, Refusal::Sequence),
                },
            }
        }
    }

    /// The message of `arrived`, and where its answer goes.
    pub(super) fn message(
        &mut self,
        arrived: &Arrived,
    ) -> (Result<Request<'_>, FrameError>, Answer<'_>) {
        let message = self.request.get(HEADER_BYTES..arrived.end);
        let answer = Answer {
            header: arrived.header,
            response: self.response,
            sealed: &mut self.sealed,
        };
        (parse(message.unwrap_or(&[])), answer)
    }

    /// Answers the request with `header`.
    pub(super) fn answer<B: Board>(
        &mut self,
        board: &mut B,
        header: Header,
        response: &Response<'_>,
    ) {
        let answer = Answer {
            header,
            response: self.response,
            sealed: &mut self.sealed,
        };
        answer.send(board, response);
    }
}

/// Where an answer goes.
pub(super) struct Answer<'a> {
    header: Header,
    response: &'a mut [u8],
    sealed: &'a mut usize,
}

impl Answer<'_> {
    /// Sends `response`, and keeps it for a request that comes again.
    pub(super) fn send<B: Board>(self, board: &mut B, response: &Response<'_>) {
        let Self {
            header,
            response: buffer,
            ..
        } = self;
        let sealed = seal(header, response, buffer)
            .or_else(|e| seal(header, &Response::Refused(e.into()), buffer));
        // A refusal fits any buffer that holds a frame.
        *self.sealed = sealed.unwrap_or(0);
        let sealed = buffer.get(..*self.sealed).unwrap_or(&[]);
        send(sealed, &mut |piece| board.write(piece));
    }
}

/// Answers without touching the answer that is kept.
fn refuse<B: Board>(board: &mut B, header: Header, refusal: Refusal) {
    let mut buffer = [0; SHORT_BYTES];
    if let Ok(len) = seal(header, &Response::Refused(refusal), &mut buffer) {
        let sealed = buffer.get(..len).unwrap_or(&[]);
        send(sealed, &mut |piece| board.write(piece));
    }
}

/// Which of two sequence numbers, modulo 2^16, comes later.
fn order(a: u16, b: u16) -> Ordering {
    (a.wrapping_sub(b) as i16).cmp(&0)
}
