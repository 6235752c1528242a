//! `lif run`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};
use lif_nostd::decode::arg_max;

use super::frames::INPUT;
use super::run_tensors;
use crate::cli::files::Inputs;
use crate::cli::{Failure, files};
use crate::data::{Format, Tensors};
use crate::infer::{Answer, Host, reads_out};
use crate::{checkpoint, export, say};

/// How values become spikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Encoding {
    /// In each step a spike with the value as probability
    Poisson,
    /// One spike, the earlier the larger the value
    Latency,
}

/// What the dimensions of the input tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Layout {
    /// Whichever fits the network
    Auto,
    /// [batch, ...], the same in every time step
    Batch,
    /// [time, batch, ...]
    TimeBatch,
}

/// Options of `lif run`.
#[derive(Debug, ClapArgs)]
#[command(after_help = TENSORS)]
pub(super) struct Args {
    /// A model file (.lif), or a trained or imported network (.safetensors), which runs in f32
    #[arg(value_name = "MODEL")]
    pub(super) model: PathBuf,
    /// Samples: comma-separated, one a line, where a class may stand behind the values; NPY, NPZ, IDX; or safetensors
    #[arg(long, value_name = "FILE")]
    pub(super) input: PathBuf,
    /// Write the spike counts, or readouts, there, one sample a line, instead of printing them; tensors need it
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Time steps a sample [default: as the model says]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) steps: Option<u16>,
    /// Tensors: write membranes too
    #[arg(long)]
    pub(super) membranes: bool,
    /// Tensors: write what every layer does, not the last alone
    #[arg(long)]
    pub(super) layers: bool,
    /// Tensors: what the dimensions of the input are
    #[arg(long, value_enum, default_value_t = Layout::Auto)]
    pub(super) layout: Layout,
    /// Tensors [batch, ...] of values from 0 to 1: makes spikes of them
    #[arg(long, value_enum)]
    pub(super) encoding: Option<Encoding>,
    /// Seed of --encoding poisson
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u32,
}

const TENSORS: &str = "\
Tensors, IN.safetensors to OUT.safetensors:
  input      [B, ...] or [T, B, ...], read: values, or spikes of 0 and 1, of T time steps and B samples
  output     [B, N], written: spike counts of the N outputs, or readouts where they do not spike
  spikes     [T, B, N], written: the last layer's spikes
  membranes  [T, B, N], written with --membranes: F32, or I32 in the units of an integer network
  layer1.spikes, layer1.membranes, ... written with --layers: those of the layers before the last";

/// The network in `file`: a model file, or a checkpoint, which becomes one in f32.
fn read_network(file: &Path) -> Result<Host, Failure> {
    let bytes = files::read(file)?;
    if Format::of(&bytes) != Format::SafeTensors {
        return Host::new(&bytes).map_err(|e| Failure::model(file, e));
    }
    let net = checkpoint::from_bytes(&bytes).map_err(|e| {
        let advice = "`lif train` and `lif import` make such a file";
        Failure::in_file(file, format!("{e}; {advice}"))
    })?;
    let exported = export::export_f32(&net).map_err(|e| Failure::in_file(file, e))?;
    Host::new(&exported.bytes).map_err(|e| Failure::model(file, e))
}

/// The bytes of `file`, if they are a safetensors file with a tensor called "input".
fn tensors(file: &Path) -> Result<Option<Vec<u8>>, Failure> {
    // A pipe is read once, by whoever reads samples.
    if !file.is_file() {
        return Ok(None);
    }
    let bytes = files::read(file)?;
    let named = Format::of(&bytes) == Format::SafeTensors
        && Tensors::read(&bytes).is_ok_and(|t| t.names().contains(&INPUT));
    Ok(named.then_some(bytes))
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut host = read_network(&args.model)?;
    if let Some(bytes) = tensors(&args.input)? {
        return run_tensors::run(args, &mut host, &bytes);
    }
    if args.membranes || args.layers || args.encoding.is_some() || args.layout != Layout::Auto {
        return Err(Failure::in_file(
            &args.input,
            "--membranes, --layers, --layout and --encoding need a safetensors file with a tensor \"input\"",
        ));
    }
    let Inputs { inputs, labels } = files::read_inputs(&args.input, &host)?;
    let steps = args.steps.map_or(host.model().steps(), u32::from);
    let fail = |e| Failure::model(&args.model, e);
    // What is shown of each output, and the class that it makes.
    let (what, answers): (_, Vec<(Vec<String>, usize)>) = if reads_out(&host.model()) {
        let readouts = host.readouts(&inputs, steps).map_err(fail)?;
        let shown = |x: &Vec<f32>| (x.iter().map(f32::to_string).collect(), arg_max(x));
        ("readouts", readouts.iter().map(shown).collect())
    } else {
        let answers = host.run(&inputs, steps).map_err(fail)?;
        let shown = |a: &Answer| (a.counts.iter().map(u32::to_string).collect(), a.class());
        ("spikes", answers.iter().map(shown).collect())
    };
    let mut text = String::new();
    for (i, (values, class)) in answers.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = match args.output {
            Some(_) => writeln!(text, "{}", values.join(",")),
            None => writeln!(
                text,
                "sample {i}: class {class}, {what} {}",
                values.join(" ")
            ),
        };
    }
    match &args.output {
        Some(file) => files::write(file, text.as_bytes())?,
        None => say!("{}", text.trim_end()),
    }
    if !labels.is_empty() {
        let found = answers
            .iter()
            .zip(&labels)
            .filter(|((_, class), label)| *class == **label as usize)
            .count();
        say!(
            "accuracy {:.2} % of {} samples",
            100.0 * found as f64 / inputs.len() as f64,
            inputs.len()
        );
    }
    Ok(())
}
