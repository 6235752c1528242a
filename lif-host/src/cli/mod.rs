//! The program `lif`, and what the demonstration shares with it. This is the one part that prints.

mod args;
mod device;
mod eval;
pub mod export;
mod failure;
pub mod files;
mod flash;
mod frames;
mod import;
mod inspect;
mod neuron;
mod on_device;
#[cfg(feature = "cuda")]
mod on_gpu;
#[cfg(not(feature = "cuda"))]
#[path = "no_gpu.rs"]
mod on_gpu;
mod quantize;
mod run;
mod run_tensors;
pub mod setup;
mod surrogate;
mod tensors;
pub mod train;
mod train_files;
pub mod verify;

pub use failure::Failure;

use args::Command;
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

/// Prints a line, as `println!` does, but goes on in silence where nobody reads any more.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::print_line(::core::format_args!($($text)*))
    };
}

/// Prints `text` and a line end. Where standard output was closed, as by `| head`, the rest of the command is
/// done all the same; any other failure to print ends the program with exit code 3.
pub fn print_line(text: std::fmt::Arguments<'_>) {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("error: standard output: {e}");
            std::process::exit(3);
        }
        _ => {}
    }
}

/// Runs the program on its command line.
#[must_use]
pub fn main() -> ExitCode {
    let done = match args::Args::parse().command {
        Command::Setup(a) => setup::run(&a),
        Command::Train(a) => train::run(&a),
        Command::Eval(a) => eval::run(&a),
        Command::Quantize(a) => quantize::run(&a),
        Command::Export(a) => export::run(&a),
        Command::Inspect(a) => inspect::run(&a),
        Command::Import(a) => import::run(&a),
        Command::Run(a) => run::run(&a),
        Command::Verify(a) => verify::run(&a),
        Command::Device(a) => device::run(&a),
        Command::Flash(a) => flash::run(&a),
        Command::Neuron(a) => neuron::run(&a),
        Command::Surrogate(a) => surrogate::run(&a),
    };
    exit(done)
}

/// The exit code of `done`, its message printed.
#[must_use]
pub fn exit(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let kind = if failure.is_stop() { "" } else { "error: " };
            eprintln!("{kind}{failure}");
            failure.code()
        }
    }
}
