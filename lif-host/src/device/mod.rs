//! Boards and their host link: build a board's firmware, start it under QEMU or open its serial port, talk to it.

mod board;
mod client;
mod firmware;
mod flash;
mod qemu;
mod serial;

pub use board::{BOARDS, Board, QEMU_ARM, QEMU_RISCV};
pub use client::{BoardModel, Client, Identity, Inference, Patience, Port, SlotState, Traffic};
pub use firmware::Firmware;
pub use flash::{FLASHED, Flashed, Tool};
pub use qemu::{Qemu, QemuOptions};
pub use serial::{BAUD, Serial, serial_ports};

use std::path::PathBuf;

use lif_nostd::link::Refusal;

/// Why a board could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such board.
    #[error("there is no board {name:?}: the boards are {known}")]
    UnknownBoard {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A program is missing.
    #[error("{program} was not found: `lif setup` installs it, or says how to")]
    Missing {
        /// Name of the program.
        program: String,
    },
    /// The firmware's sources are not there.
    #[error(
        "there is no folder boards/ here or above: run in a checkout of the project, or name the board's firmware with --firmware FILE.elf"
    )]
    NoSources,
    /// The firmware did not build.
    #[error("the firmware of {board} did not build:\n{log}")]
    Build {
        /// Name of the board.
        board: String,
        /// What cargo said.
        log: String,
    },
    /// The firmware file is not one.
    #[error("{}: {problem}", path.display())]
    Firmware {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file or a process could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The model does not fit the board.
    #[error("{0}")]
    TooLarge(String),
    /// The emulator ended while an answer was awaited.
    #[error("the board stopped: {what} ended{}", log_text(log))]
    Died {
        /// What ended, and how.
        what: String,
        /// The last that it said.
        log: String,
    },
    /// No answer came in time.
    #[error("the board did not answer within {seconds} s")]
    Timeout {
        /// How long was waited.
        seconds: u64,
    },
    /// The board speaks another version of the link.
    #[error(
        "the firmware speaks version {found} of the host link, this program {supported}: build both from one checkout"
    )]
    LinkVersion {
        /// Version of the firmware.
        found: u16,
        /// Version of this program.
        supported: u16,
    },
    /// The board refused the model.
    #[error("the board refused the model: {0}")]
    BadModel(Refusal),
    /// The board refused a request.
    #[error("the board refused: {0}")]
    Refused(Refusal),
    /// The board lost what was said before.
    #[error("the board was started anew, or another program speaks with it: begin again")]
    Restarted,
    /// No slot of the board can take a model over the link.
    #[error(
        "no slot of {board} can be written over the link: flash the model with the firmware, `lif flash {board} --model FILE.lif`"
    )]
    NoWritableSlot {
        /// Name of the board.
        board: String,
    },
    /// The board reads back something else than was written.
    #[error("the board reads back something else than was written: its memory may be worn out")]
    Differs,
    /// The board answered something else than was asked.
    #[error("the board answered out of turn to {0}")]
    Unexpected(&'static str),
}

impl Error {
    /// Whether something of the environment is missing or broke, rather than the input.
    #[must_use]
    pub const fn is_environment(&self) -> bool {
        !matches!(
            self,
            Self::UnknownBoard { .. }
                | Self::TooLarge(_)
                | Self::BadModel(_)
                | Self::NoWritableSlot { .. }
                | Self::Firmware { .. }
        )
    }
}

fn log_text(log: &str) -> String {
    if log.trim().is_empty() {
        String::new()
    } else {
        format!("; it said:\n{}", log.trim_end())
    }
}
