//! The program `lif`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lif_host::cli::main()
}
