//! The command line of `lif device`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, Subcommand};

use crate::device::{BAUD, BOARDS};

/// Options of `lif device`.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List serial ports, and the boards that can be emulated
    List,
    /// Show a board: parts, slots, active model, what it did
    Info(Info),
    /// Write a model into a slot that is not active, read it back, test it and make it the active one
    Upload(Upload),
    /// Let a board run the golden trace of a model
    Selftest(Selftest),
    /// Run samples on a board
    Run(Run),
    /// Draw the spikes of a layer while a board runs
    Monitor(Monitor),
}

/// Where the board is.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Line {
    /// Serial port of a board, such as /dev/ttyACM0
    #[arg(
        long,
        value_name = "PORT",
        required_unless_present = "qemu",
        conflicts_with = "qemu"
    )]
    pub(super) port: Option<String>,
    /// Speed of the serial port, in baud
    #[arg(long, value_name = "BAUD", default_value_t = BAUD)]
    pub(super) baud: u32,
    /// Emulate this board instead
    #[arg(long, value_name = "BOARD", value_parser = PossibleValuesParser::new(BOARDS.iter().map(|b| b.name)))]
    pub(super) qemu: Option<String>,
    /// Firmware to emulate, instead of building the board's own
    #[arg(long, value_name = "FILE.elf", requires = "qemu")]
    pub(super) firmware: Option<PathBuf>,
    /// Emulator to run, instead of the one on the path
    #[arg(long, value_name = "PROGRAM", requires = "qemu")]
    pub(super) emulator: Option<OsString>,
    /// Longest wait for an answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) timeout: u64,
}

/// Options of `lif device info`.
#[derive(Debug, ClapArgs)]
pub(super) struct Info {
    #[command(flatten)]
    pub(super) line: Line,
}

/// Options of `lif device upload`.
#[derive(Debug, ClapArgs)]
pub(super) struct Upload {
    /// A model file
    #[arg(value_name = "FILE.lif")]
    pub(super) model: PathBuf,
    /// Slot to write [default: the first that can be written and is not active]
    #[arg(long, value_name = "SLOT")]
    pub(super) slot: Option<u8>,
    /// Leave the active model as it is
    #[arg(long)]
    pub(super) no_activate: bool,
    #[command(flatten)]
    pub(super) line: Line,
}

/// Options of `lif device selftest`.
#[derive(Debug, ClapArgs)]
pub(super) struct Selftest {
    /// An emulated board begins with this model
    #[arg(value_name = "FILE.lif", requires = "qemu")]
    pub(super) model: Option<PathBuf>,
    /// Slot whose model is tested [default: the active one]
    #[arg(long, value_name = "SLOT")]
    pub(super) slot: Option<u8>,
    #[command(flatten)]
    pub(super) line: Line,
}

/// Options of `lif device run`.
#[derive(Debug, ClapArgs)]
pub(super) struct Run {
    /// The model that the board holds; it is uploaded where the board holds another one
    #[arg(value_name = "FILE.lif")]
    pub(super) model: PathBuf,
    /// Samples, comma-separated, one a line; a class may stand behind the values
    #[arg(long, value_name = "FILE.csv")]
    pub(super) input: PathBuf,
    /// Run the first N samples alone
    #[arg(long, value_name = "N")]
    pub(super) samples: Option<usize>,
    #[command(flatten)]
    pub(super) line: Line,
}

/// Options of `lif device monitor`.
#[derive(Debug, ClapArgs)]
pub(super) struct Monitor {
    /// The model that the board holds; it is uploaded where the board holds another one [default: whatever it holds]
    #[arg(value_name = "FILE.lif")]
    pub(super) model: Option<PathBuf>,
    /// Samples to show, one after the other [default: random ones]
    #[arg(long, value_name = "FILE.csv", requires = "model")]
    pub(super) input: Option<PathBuf>,
    /// Layer to draw, from 0 [default: the last one]
    #[arg(long, value_name = "LAYER")]
    pub(super) layer: Option<u16>,
    /// Time steps to run [default: until q is pressed; in plain text those of one sample]
    #[arg(long, value_name = "STEPS")]
    pub(super) steps: Option<u64>,
    /// Print a line a step, as where standard output is no terminal
    #[arg(long)]
    pub(super) plain: bool,
    #[command(flatten)]
    pub(super) line: Line,
}
