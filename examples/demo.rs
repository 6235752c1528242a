//! From data to a checked microcontroller in one command: trains the 8x8 digits on the CPU, quantises and
//! exports the network, runs every test sample on an emulated Cortex-M4 and compares every spike.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use lif_host::cli::train::{Data, Report, Trained};
use lif_host::cli::{Failure, exit, export, files, setup, train, verify};
use lif_host::device::{Board, Firmware, QemuOptions};
use lif_host::export::export_int;
use lif_host::infer::{Host, Input};
use lif_host::say;
use lif_host::setup::check;
use lif_host::train::Config;
use lif_host::verify::Report as Comparison;

/// Trains a spiking network on the 8x8 digits, exports it, runs it on an emulated microcontroller and compares
/// every spike.
#[derive(Debug, Parser)]
#[command(name = "demo")]
struct Args {
    /// Train and compare seeds 0 to 4 instead of seed 0, and print the mean and the worst accuracy
    #[arg(long)]
    all_seeds: bool,
    /// Board to emulate
    #[arg(long, default_value = "mps2-an386")]
    board: String,
}

/// Seeds of `--all-seeds`.
const SEEDS: std::ops::Range<u64> = 0..5;
/// Longest wait for the board.
const TIMEOUT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    exit(run(&Args::parse()))
}

/// What one seed gave.
struct Outcome {
    model: PathBuf,
    model_bytes: usize,
    model_ram: usize,
    steps: u32,
    float: f64,
    host: f64,
    device: f64,
    comparison: Comparison,
}

fn run(args: &Args) -> Result<(), Failure> {
    let board = Board::find(&args.board)?;
    let root = checkout()?;
    say!("1. Set-up");
    setup::ensure(&check(&[board.target], &[board.qemu]))?;
    say!("   the Rust target and QEMU are there\n");

    let file = root.join("examples/digits.toml");
    let config = train::read_config(&file)?;
    let data = train::read_data(&file, &config, false)?;
    let firmware = Firmware::build(board)?;
    if !args.all_seeds {
        let outcome = one_seed(&root, &config, &data, board, &firmware, 0)?;
        return print_table(&outcome, board, &firmware);
    }
    let mut outcomes = Vec::new();
    for seed in SEEDS {
        outcomes.push(one_seed(&root, &config, &data, board, &firmware, seed)?);
    }
    print_seeds(&outcomes)
}

/// The root of the checkout.
fn checkout() -> Result<PathBuf, Failure> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().unwrap_or(here);
    if root.join("examples/digits.toml").is_file() {
        return Ok(root.into());
    }
    Err(Failure::Input(format!(
        "{}: examples/digits.toml is not there: the checkout was moved since this program was built; \
         run `cargo demo` in it",
        root.display()
    )))
}

/// Trains, exports and compares one seed.
fn one_seed(
    root: &Path,
    config: &Config,
    data: &Data,
    board: &Board,
    firmware: &Firmware,
    seed: u64,
) -> Result<Outcome, Failure> {
    say!(
        "2. Training {} on {} samples, seed {seed}",
        config.name,
        data.train.len()
    );
    let Trained {
        net,
        accuracy: float,
        time,
    } = train::train(config, data, seed, Report::Epochs)?;
    say!("   trained in {:.1} s\n", time.as_secs_f64());

    say!("3. Quantisation and export");
    let exported = export_int(&net)?;
    export::print_layers(&net, &exported)?;
    let name = match seed {
        0 => config.name.clone(),
        seed => format!("{}-{seed}", config.name),
    };
    let model = root.join("out").join(format!("{name}.lif"));
    train::save(&model.with_extension("safetensors"), &net)?;
    files::write(&model, &exported.bytes)?;
    say!("");

    say!(
        "4. All {} test samples on {} ({}), emulated\n",
        data.test.len(),
        board.name,
        board.core
    );
    let mut host = files::read_model(&model)?;
    let read = host.model();
    let inputs: Vec<Input> = (0..data.test.len())
        .map(|i| Input::from_raw(&read, data.test.sample(i)))
        .collect();
    let (model_ram, steps) = (read.ram_bytes(), read.steps());
    let host_accuracy = accuracy_on_host(&mut host, &inputs, &data.test.labels)?;
    let options = QemuOptions::default();
    let comparison = verify::emulate(
        &mut host, &model, &inputs, board, firmware, &options, TIMEOUT,
    )?;
    Ok(Outcome {
        model_bytes: exported.bytes.len(),
        model_ram,
        steps,
        model,
        float,
        host: host_accuracy,
        device: verify::accuracy(&comparison, &data.test.labels),
        comparison,
    })
}

/// Share of the samples whose class the integer network finds on this machine.
fn accuracy_on_host(host: &mut Host, inputs: &[Input], labels: &[u32]) -> Result<f64, Failure> {
    let steps = host.model().steps();
    let answers = host
        .run(inputs, steps)
        .map_err(|e| Failure::Input(e.to_string()))?;
    let found = answers
        .iter()
        .zip(labels)
        .filter(|(answer, label)| answer.class() == **label as usize)
        .count();
    Ok(found as f64 / labels.len().max(1) as f64)
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// The table that ends a run; a difference is the error.
fn print_table(outcome: &Outcome, board: &Board, firmware: &Firmware) -> Result<(), Failure> {
    let Outcome {
        model,
        model_bytes,
        model_ram,
        comparison,
        ..
    } = outcome;
    let row = |name: &str, value: String| say!("{name:<32} {value}");
    row("test accuracy, float", percent(outcome.float));
    row("test accuracy, i8/i16 on host", percent(outcome.host));
    row("test accuracy, i8/i16 on device", percent(outcome.device));
    row("samples compared", comparison.samples.to_string());
    row("spikes compared", comparison.spikes_compared.to_string());
    row("spikes that differ", comparison.spikes_differ.to_string());
    let instructions = match verify::instructions(board, comparison) {
        Some((median, max)) => {
            format!(
                "{median} (median), {max} (most), all {} steps",
                outcome.steps
            )
        }
        None => verify::NOT_COUNTED.into(),
    };
    row("instructions per inference", instructions);
    row(
        "flash",
        format!(
            "{model_bytes} bytes of model, {} of firmware",
            firmware.flash_bytes
        ),
    );
    row(
        "RAM",
        format!(
            "{model_ram} bytes of network state, {} of stack with the host link",
            comparison.stack_bytes
        ),
    );
    row(
        "static RAM",
        format!(
            "{} bytes of firmware, room for larger networks included",
            firmware.ram_bytes
        ),
    );
    let here = std::env::current_dir().unwrap_or_default();
    let model = model.strip_prefix(here).unwrap_or(model);
    row("model file", model.display().to_string());
    verify::fail_on_difference(comparison)
}

/// A line a seed, the mean and the worst.
fn print_seeds(outcomes: &[Outcome]) -> Result<(), Failure> {
    say!("seed   float     host      device    spikes that differ");
    for (seed, o) in SEEDS.zip(outcomes) {
        say!(
            "{seed:<6} {:<9} {:<9} {:<9} {} of {}",
            percent(o.float),
            percent(o.host),
            percent(o.device),
            o.comparison.spikes_differ,
            o.comparison.spikes_compared
        );
    }
    let column = |get: fn(&Outcome) -> f64| {
        let values = outcomes.iter().map(get);
        let worst = values.clone().fold(f64::INFINITY, f64::min);
        (values.sum::<f64>() / outcomes.len() as f64, worst)
    };
    let columns = [
        column(|o| o.float),
        column(|o| o.host),
        column(|o| o.device),
    ];
    for (name, get) in [("mean", 0), ("worst", 1)] {
        let texts = columns.map(|c| percent(if get == 0 { c.0 } else { c.1 }));
        say!("{name:<6} {:<9} {:<9} {:<9}", texts[0], texts[1], texts[2]);
    }
    outcomes
        .iter()
        .try_for_each(|o| verify::fail_on_difference(&o.comparison))
}
