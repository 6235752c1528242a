//! `lif device`: boards on a serial port or under QEMU.

mod args;
mod info;
mod models;
mod monitor;
mod raster;

use std::path::Path;
use std::time::Duration;

pub(super) use args::Args;
use args::{Command, Line};

use crate::cli::Failure;
use crate::device::{Board, Client, Firmware, Identity, Port, Qemu, QemuOptions, Serial};

/// A board, wherever it is.
pub(super) type AnyClient = Client<Box<dyn Port>>;

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match &args.command {
        Command::List => info::list(),
        Command::Info(a) => info::info(&a.line),
        Command::Upload(a) => models::upload(a),
        Command::Selftest(a) => models::self_test(a),
        Command::Run(a) => models::run(a),
        Command::Monitor(a) => monitor::run(a),
    }
}

/// Opens the line, with `model` in the first slot of a board that is emulated, and asks who is there.
pub(super) fn connect(line: &Line, model: Option<&Path>) -> Result<(AnyClient, Identity), Failure> {
    let timeout = Duration::from_secs(line.timeout);
    let port: Box<dyn Port> = match (&line.port, &line.qemu) {
        (Some(port), _) => Box::new(Serial::open(port, line.baud)?),
        (None, name) => {
            let board = Board::find(name.as_deref().unwrap_or_default())?;
            let firmware = match &line.firmware {
                Some(file) => Firmware::read(file)?,
                None => Firmware::build(board)?,
            };
            let options = QemuOptions {
                program: line.emulator.clone(),
            };
            Box::new(Qemu::start(board, &firmware, model, &options)?)
        }
    };
    let mut client = Client::new(port, timeout);
    let identity = client.identify()?;
    Ok((client, identity))
}
