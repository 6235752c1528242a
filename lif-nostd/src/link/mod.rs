//! The host link, version 3: how a host program and a board talk over a serial line that may lose, change or invent
//! bytes. `docs/link.md` is normative.
//!
//! | module | what is there |
//! |---|---|
//! | [`cobs`] | bytes without zeros, so that a zero ends a frame |
//! | [`frame`] | session, sequence number and CRC-32 around each message |
//! | [`request`], [`response`], [`refusal`] | what the host asks, what the board answers, and why it does not |
//! | [`server`] | the board's side: answers requests, runs the network, takes new models |
//!
//! The host asks, the board answers: one request is on its way at a time, so a board needs no queue, and a UART
//! without interrupts loses nothing. A request that is sent again gets the same answer again and is carried out once.
//!
//! Why not postcard-rpc: its server is built on async transports with an executor behind them and its host on tokio,
//! it has neither a checksum nor a repetition over a serial line, and its endpoint keys cost up to 8 bytes a frame.
//! Here a board needs one blocking `read` and `write`, and two buffers of a frame. The messages are postcard's all
//! the same. The framing is its own, because every path of it must be free of panics, which the link check proves.

pub mod cobs;
pub mod frame;
pub mod refusal;
pub mod request;
pub mod response;
pub mod server;

pub use frame::{FrameError, Header};
pub use refusal::Refusal;
pub use request::{Request, Source};
pub use response::{Content, Identity, ModelHeader, Response, SlotInfo, Statistics};
pub use server::{Board, Buffers, Memory, serve};

/// Newest version of the messages that this crate speaks.
pub const VERSION: u16 = 3;
/// Oldest version of the messages that this crate speaks.
pub const OLDEST_VERSION: u16 = 3;
/// Fewest bytes of payload that a board must be able to take and to give in one message.
pub const LEAST_CHUNK_BYTES: usize = 16;
/// What a frame's buffer must hold besides the payload: header, checksum, and the fields of the message.
pub const OVERHEAD_BYTES: usize = 24;
/// Smallest buffer of a frame: every message without payload fits it.
pub const LEAST_FRAME_BYTES: usize = 128;
