//! `lif train`.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

pub use super::args::Train;
use crate::checkpoint;
use crate::cli::{Failure, files};
use crate::data::{Label, Samples, stratified};
use crate::net::Net;
use crate::say;
use crate::train::{Config, Epoch, accuracy, fit};

/// Of the training samples, one in this many is held out for validation.
const VALIDATION_EVERY: usize = 5;

/// The samples of a run, split.
#[derive(Clone, Debug)]
pub struct Data {
    /// Samples to train on.
    pub train: Samples,
    /// Samples that are held out.
    pub test: Samples,
}

/// What training gave.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network.
    pub net: Net,
    /// Share of the held-out samples whose class it finds, in f32.
    pub accuracy: f64,
    /// How long training took.
    pub time: Duration,
}

/// Runs the command.
///
/// # Errors
///
/// [`Failure::Input`], with the file and the key, line or column.
pub fn run(args: &Train) -> Result<(), Failure> {
    let config = read_config(&args.config)?;
    let data = read_data(&args.config, &config, args.validate)?;
    let trained = train(&config, &data, args.seed, Report::Epochs)?;
    let held_out = if args.validate { "validation" } else { "test" };
    say!(
        "{held_out} accuracy {:.2} % of {} samples, trained in {:.1} s",
        100.0 * trained.accuracy,
        data.test.len(),
        trained.time.as_secs_f64()
    );
    if args.validate {
        say!(
            "nothing was written: this network did not learn from the samples it was validated with"
        );
        return Ok(());
    }
    let file = args.out.join(format!("{}.safetensors", config.name));
    save(&file, &trained.net)?;
    say!("wrote {}", file.display());
    Ok(())
}

/// The configuration in `file`.
///
/// # Errors
///
/// [`Failure::Input`], with the file and the key or the line.
pub fn read_config(file: &Path) -> Result<Config, Failure> {
    let text = files::read_text(file)?;
    let config = Config::parse(&text).map_err(|e| Failure::in_file(file, e))?;
    // The step of the input is known only with the data; the neurons can be checked now.
    config.net(1.0).map_err(|e| Failure::in_file(file, e))?;
    Ok(config)
}

/// The samples that `config`, which was read from `file`, speaks of. With `validate`, a part of the training
/// samples is held out instead of the test samples.
///
/// # Errors
///
/// [`Failure::Input`], with the file, the line and the column.
pub fn read_data(file: &Path, config: &Config, validate: bool) -> Result<Data, Failure> {
    let data = &config.data;
    let path = file.with_file_name(&data.file);
    let samples = files::read_samples(&path, data.inputs, Label::Required(data.classes))?;
    let split = stratified(&samples.labels, data.test_every);
    let mut parts = Data {
        train: samples.select(&split.train),
        test: samples.select(&split.test),
    };
    if validate {
        let split = stratified(&parts.train.labels, VALIDATION_EVERY);
        parts.test = parts.train.select(&split.test);
        parts.train = parts.train.select(&split.train);
    }
    for (part, what) in [(&parts.train, "train on"), (&parts.test, "test with")] {
        if part.is_empty() {
            return Err(Failure::in_file(
                &path,
                format!("too few samples: none to {what}"),
            ));
        }
    }
    Ok(parts)
}

/// What training prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A line an epoch, and a progress bar on a terminal.
    Epochs,
    /// Nothing.
    Silent,
}

/// Trains the network of `config` from seed `seed`.
///
/// # Errors
///
/// [`Failure::Input`] where the network is not valid or training fails.
pub fn train(config: &Config, data: &Data, seed: u64, report: Report) -> Result<Trained, Failure> {
    let step = data.train.input_step();
    let mut net = config
        .net(step)
        .map_err(|e| Failure::Input(e.to_string()))?;
    net.init(seed);
    let bar = match report {
        // It hides itself where there is no terminal.
        Report::Epochs => ProgressBar::new(1).with_style(style()),
        Report::Silent => ProgressBar::hidden(),
    };
    let start = Instant::now();
    let on_batch = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let on_epoch = |e: Epoch| {
        if report == Report::Epochs {
            bar.suspend(|| print_epoch(e));
        }
    };
    let net = fit(net, &data.train, &config.train, seed, on_batch, on_epoch)?;
    bar.finish_and_clear();
    let time = start.elapsed();
    Ok(Trained {
        accuracy: accuracy(&net, &data.test)?,
        net,
        time,
    })
}

/// Every fifth epoch, the first and the last.
fn print_epoch(e: Epoch) {
    if e.epoch == 1 || e.epoch.is_multiple_of(5) || e.epoch == e.epochs {
        say!(
            "epoch {:>3}/{}  loss {:.4}  training accuracy {:.2} %",
            e.epoch,
            e.epochs,
            e.loss,
            100.0 * e.accuracy
        );
    }
}

fn style() -> ProgressStyle {
    // The template is a constant that parses.
    ProgressStyle::with_template("[{bar:40}] {percent:>3} %  {elapsed} elapsed, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Writes `net` to `file` as safetensors.
///
/// # Errors
///
/// [`Failure::Input`], with the file.
pub fn save(file: &Path, net: &Net) -> Result<(), Failure> {
    let bytes = checkpoint::to_bytes(net).map_err(|e| Failure::in_file(file, e))?;
    files::write(file, &bytes)
}
