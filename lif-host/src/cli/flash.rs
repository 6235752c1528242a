//! `lif flash`.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

use clap::Args as ClapArgs;
use clap::builder::PossibleValuesParser;

use crate::cli::{Failure, files};
use crate::device::{FLASHED, Flashed};
use crate::say;

/// Options of `lif flash`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Board to write
    #[arg(value_name = "BOARD", value_parser = PossibleValuesParser::new(FLASHED.iter().map(|b| b.name)))]
    board: String,
    /// Write this model into the first slot too
    #[arg(long, value_name = "FILE.lif")]
    model: Option<PathBuf>,
    /// Only print the commands
    #[arg(long)]
    print: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let board = Flashed::find(&args.board)?;
    let model = match &args.model {
        Some(file) => {
            let bytes = files::read_model(file)?.model().bytes().len() as u64;
            Some((file.as_path(), bytes))
        }
        None => None,
    };
    let firmware = board.build()?;
    let program = board.program();
    let commands = board.commands(&firmware, model)?;
    let text = |words: &[String]| format!("{program} {}", words.join(" "));
    for (i, words) in commands.iter().enumerate() {
        say!("{}", text(words));
        if args.print {
            continue;
        }
        match Command::new(program).args(words).status() {
            Ok(status) if status.success() => {}
            Ok(status) => {
                let problem = format!("`{}` failed: {status}", text(words));
                return Err(Failure::Environment(problem));
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let left: Vec<String> = commands[i..].iter().map(|c| text(c)).collect();
                return Err(Failure::Environment(format!(
                    "{program} was not found: install it (https://probe.rs) and run this again, or where it is \
                     installed\n  {}",
                    left.join("\n  ")
                )));
            }
            Err(e) => return Err(Failure::Environment(format!("{program}: {e}"))),
        }
    }
    Ok(())
}
