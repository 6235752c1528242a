//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::device::BOARDS;

/// Trains spiking networks, turns them into files that a microcontroller runs, and checks that it computes
/// the same.
#[derive(Debug, Parser)]
#[command(name = "lif", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 success; 1 a check failed (a spike differs); 2 a wrong option or input; 3 a tool is missing or failed.

From nothing to a checked network:
  lif setup
  lif train examples/digits.toml
  lif export out/digits.safetensors
  lif verify out/digits.lif --board mps2-an386";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say what is installed and what is missing, and install it
    Setup(Setup),
    /// Train a network as a configuration file says
    Train(Train),
    /// Accuracy, recall by class and firing rates of a network
    Eval(Eval),
    /// Quantise a network calibrated on samples, report how far it agrees, and write it as a .lif file
    Quantize(Quantize),
    /// Quantise a trained network and write it as a .lif file
    Export(Export),
    /// Show what is in a .lif file: layers, sizes, RAM need, checksum
    Inspect(Inspect),
    /// Import a network that was trained elsewhere: PyTorch weights and a TOML file
    Import(super::import::Args),
    /// Run a network on this machine, with the code that the device runs
    Run(super::run::Args),
    /// Run a .lif file on an emulated board and compare every spike with this machine
    Verify(Verify),
    /// Talk to a board on a serial port or under QEMU: list, info, upload, selftest, run, monitor
    Device(super::device::Args),
    /// Build the firmware of a board and write it into the board
    Flash(super::flash::Args),
    /// Run one layer of neurons on tensors in a file, to compare with any framework
    Neuron(super::neuron::Args),
    /// Evaluate a surrogate function on a tensor in a file
    Surrogate(super::surrogate::Args),
}

/// Options of `lif setup`.
#[derive(Debug, ClapArgs)]
pub struct Setup {
    /// Only say what is there and what is missing; exit code 3 if something is
    #[arg(long)]
    pub check: bool,
}

/// Options of `lif train`.
#[derive(Debug, ClapArgs)]
pub struct Train {
    /// What to train on what, and how (TOML); examples/digits.toml is one
    #[arg(value_name = "CONFIG.toml")]
    pub config: PathBuf,
    /// Seed of the initial weights, the order of the samples and dropout: the same seed gives the same bits
    /// [default: 0, or that of the checkpoint]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = DeviceArg::Auto)]
    pub device: DeviceArg,
    /// Go on from the checkpoint in the folder, NAME.checkpoint.safetensors: training writes it every few seconds
    /// and on Ctrl-C
    #[arg(long, conflicts_with = "validate")]
    pub resume: bool,
    /// Folder for the trained network, NAME.safetensors, its checkpoint, metrics.csv and pictures
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Hold one training sample in five out and report on those, instead of on the test samples; writes nothing
    #[arg(long)]
    pub validate: bool,
}

/// Where to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DeviceArg {
    /// The best that there is
    #[default]
    Auto,
    /// This machine's processor
    Cpu,
}

/// Which samples of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PartArg {
    /// Those that are held out for the test
    Test,
    /// Those to train on
    Train,
}

/// Options of `lif eval`.
#[derive(Debug, ClapArgs)]
pub(super) struct Eval {
    /// A trained network (.safetensors), or an exported one (.lif)
    #[arg(value_name = "MODEL")]
    pub(super) model: PathBuf,
    #[command(flatten)]
    pub(super) samples: SamplesArg,
    /// Which samples of the configuration
    #[arg(long, value_enum, default_value_t = PartArg::Test)]
    pub(super) part: PartArg,
    /// Quantise a trained network first, with weights of this number format
    #[arg(long, value_enum)]
    pub(super) quantised: Option<WeightsArg>,
}

/// Where samples come from.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
pub(super) struct SamplesArg {
    /// Those that a training configuration speaks of
    #[arg(long, value_name = "CONFIG.toml")]
    pub(super) config: Option<PathBuf>,
    /// Those in a file, comma-separated, one a line; the class behind the values
    #[arg(long, value_name = "FILE.csv")]
    pub(super) input: Option<PathBuf>,
}

/// Options of `lif quantize`.
#[derive(Debug, ClapArgs)]
pub(super) struct Quantize {
    /// A trained network
    #[arg(value_name = "MODEL.safetensors")]
    pub(super) model: PathBuf,
    #[command(flatten)]
    pub(super) samples: SamplesArg,
    /// Calibrate on the first N samples; of a configuration, of those to train on
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) calibrate: u32,
    /// Number format of the weights
    #[arg(long, value_enum, default_value_t = WeightsArg::I8)]
    pub(super) weights: WeightsArg,
    /// Where to write the quantised network [default: MODEL.lif]
    #[arg(long, value_name = "FILE.lif")]
    pub(super) output: Option<PathBuf>,
}

/// Number format of an exported network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NumberArg {
    /// Integers: i8 or i16 weights, i16 membranes or, in a layer that needs them, i32
    #[value(alias = "i16")]
    Int,
    /// f32 throughout
    F32,
}

/// Number format of the weights of an integer network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WeightsArg {
    /// 8 bits
    I8,
    /// 16 bits
    I16,
}

/// Options of `lif export`.
#[derive(Debug, ClapArgs)]
pub struct Export {
    /// A trained network
    #[arg(value_name = "MODEL.safetensors")]
    pub model: PathBuf,
    /// Where to write the file [default: MODEL.lif]
    #[arg(long, value_name = "FILE.lif")]
    pub output: Option<PathBuf>,
    /// Number format
    #[arg(long, value_enum, default_value_t = NumberArg::Int)]
    pub number: NumberArg,
    /// Number format of integer weights
    #[arg(long, value_enum, default_value_t = WeightsArg::I8)]
    pub weights: WeightsArg,
    /// Write a Rust module too, with the file as an aligned static and its sizes as constants
    #[arg(long, value_name = "OUT.rs")]
    pub rust: Option<PathBuf>,
}

/// Options of `lif inspect`.
#[derive(Debug, ClapArgs)]
pub(super) struct Inspect {
    /// A model file
    #[arg(value_name = "FILE.lif")]
    pub(super) model: PathBuf,
}

/// Options of `lif verify`.
#[derive(Debug, ClapArgs)]
pub struct Verify {
    /// A model file
    #[arg(value_name = "FILE.lif")]
    pub model: PathBuf,
    /// Board to emulate
    #[arg(long, value_parser = PossibleValuesParser::new(BOARDS.iter().map(|b| b.name)))]
    pub board: String,
    /// Samples, comma-separated, one a line; a class may stand behind the values [default: random ones]
    #[arg(long, value_name = "FILE.csv")]
    pub input: Option<PathBuf>,
    /// Compare N samples: the first N of FILE.csv [default: all], or N random ones [default: 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub samples: Option<u32>,
    /// Firmware to run, instead of building the board's own
    #[arg(long, value_name = "FILE.elf")]
    pub firmware: Option<PathBuf>,
    /// Emulator to run, instead of the one on the path
    #[arg(long, value_name = "PROGRAM")]
    pub qemu: Option<OsString>,
    /// Longest wait for the board, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
}
