//! Why a command failed, and the exit code that scripts can rely on.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use crate::{device, export};

/// A failed command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A check failed: a spike differs. Exit code 1.
    Check(String),
    /// The command line or an input is wrong. Exit code 2, as for a wrong option.
    Input(String),
    /// A tool is missing, or one that runs beside this program failed. Exit code 3.
    Environment(String),
    /// The user stopped the command. Exit code 130, as of any program that Ctrl-C ends.
    Stopped(String),
}

impl Failure {
    /// Whether the user stopped the command.
    #[must_use]
    pub const fn is_stop(&self) -> bool {
        matches!(self, Self::Stopped(_))
    }

    /// The exit code.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Check(_) => 1,
            Self::Input(_) => 2,
            Self::Environment(_) => 3,
            Self::Stopped(_) => 130,
        })
    }

    /// A wrong input in `file`.
    pub fn in_file(file: &Path, problem: impl fmt::Display) -> Self {
        Self::Input(format!("{}: {problem}", file.display()))
    }

    /// A model file that its reader refused, with what to do.
    #[must_use]
    pub fn model(file: &Path, error: lif_nostd::Error) -> Self {
        use lif_nostd::Error as E;
        let advice = match error {
            E::NotLif => "; `lif export` makes one from a trained network",
            E::Crc { .. } | E::Length { .. } | E::Truncated { .. } => {
                "; copy it again, or make it anew with `lif export`"
            }
            E::Version { .. } | E::UnknownSection { .. } | E::Unsupported { .. } => {
                "; use the version of this program that made the file, or a newer one"
            }
            _ => "; make it anew with `lif export`",
        };
        Self::Input(format!("{}: {error}{advice}", file.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(text)
            | Self::Input(text)
            | Self::Environment(text)
            | Self::Stopped(text) => f.write_str(text),
        }
    }
}

impl From<device::Error> for Failure {
    fn from(e: device::Error) -> Self {
        if e.is_environment() {
            Self::Environment(e.to_string())
        } else {
            Self::Input(e.to_string())
        }
    }
}

impl From<export::Error> for Failure {
    fn from(e: export::Error) -> Self {
        Self::Input(e.to_string())
    }
}

impl From<crate::train::Error> for Failure {
    fn from(e: crate::train::Error) -> Self {
        Self::Input(e.to_string())
    }
}
