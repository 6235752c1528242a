//! `lif train`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

pub use super::args::Train;
use super::train_files::Out;
use crate::checkpoint;
use crate::cli::{Failure, files};
use crate::data::{Label, Samples, stratified};
use crate::net::Net;
use crate::say;
use crate::train::{Config, Epoch, Event, Run, Stored, Trainer, score};

/// A checkpoint is written after an epoch that ends at least this long after the one before.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// Of the training samples, one in this many is held out for validation.
const VALIDATION_EVERY: usize = 5;

/// The samples of a run, split.
#[derive(Clone, Debug)]
pub struct Data {
    /// Samples to train on.
    pub train: Samples,
    /// Samples that early stopping validates with, if the configuration asks for it.
    pub validation: Option<Samples>,
    /// Samples that are held out.
    pub test: Samples,
}

impl Data {
    fn view(&self) -> crate::train::Data<'_> {
        crate::train::Data {
            train: &self.train,
            validation: self.validation.as_ref(),
        }
    }
}

/// What training gave.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network.
    pub net: Net,
    /// Share of the held-out samples whose class it finds: in f32, or in integers in quantisation-aware training.
    pub accuracy: f64,
    /// How long training took.
    pub time: Duration,
}

/// Runs the command.
///
/// # Errors
///
/// [`Failure::Input`], with the file and the key, line or column; [`Failure::Stopped`] after Ctrl-C.
pub fn run(args: &Train) -> Result<(), Failure> {
    let config = read_config(&args.config)?;
    let data = read_data(&args.config, &config, args.validate)?;
    if args.validate {
        let trained = train(&config, &data, args.seed.unwrap_or(0), Report::Epochs)?;
        say_accuracy("validation", &data, &trained);
        say!(
            "nothing was written: this network did not learn from the samples it was validated with"
        );
        return Ok(());
    }
    let text = files::read_text(&args.config)?;
    let out = Out::new(&args.out, &config.name);
    let mut run = if args.resume {
        resume(args, &out, &config, &data)?
    } else {
        begin(&config, &data, args.seed.unwrap_or(0))?
    };
    let stop = stop_on_ctrl_c();
    let start = Instant::now();
    let save = |run: &Run<'_>| out.checkpoint(run, &text);
    drive(&mut run, Report::Epochs, &stop, &save).map_err(|failure| match failure {
        Failure::Stopped(text) => Failure::Stopped(format!(
            "{text}\nsaved {}; go on with: lif train {} --resume --out {}",
            out.checkpoint_file().display(),
            args.config.display(),
            args.out.display()
        )),
        failure => failure,
    })?;
    let history = run.history().to_vec();
    let best = run.best_epoch();
    let mut trainer = run.finish();
    let trained = finish(&mut trainer, &data, start)?;
    say_accuracy("test", &data, &trained);
    if data.validation.is_some() {
        say!("of epoch {best}, which had the lowest loss on the validation samples");
    }
    out.results(&mut trainer, &history, &data.test)?;
    say!("wrote {}", out.model_file().display());
    Ok(())
}

fn say_accuracy(held_out: &str, data: &Data, trained: &Trained) {
    say!(
        "{held_out} accuracy {:.2} % of {} samples, trained in {:.1} s",
        100.0 * trained.accuracy,
        data.test.len(),
        trained.time.as_secs_f64()
    );
}

/// Whether Ctrl-C was pressed; a second one ends the program at once.
fn stop_on_ctrl_c() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    // Without a handler Ctrl-C ends the program, and the checkpoint of the last epoch is there.
    let _ = ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    stop
}

/// A run of `config` from its first step.
fn begin<'a>(config: &Config, data: &'a Data, seed: u64) -> Result<Run<'a>, Failure> {
    let step = data.train.input_step();
    let mut net = config
        .net(step)
        .map_err(|e| Failure::Input(e.to_string()))?;
    net.init(seed);
    Ok(Run::new(
        net,
        data.view(),
        config.train,
        config.trainer(seed),
    )?)
}

/// The run whose checkpoint is in `out`.
fn resume<'a>(
    args: &Train,
    out: &Out,
    config: &Config,
    data: &'a Data,
) -> Result<Run<'a>, Failure> {
    let file = out.checkpoint_file();
    let bytes = files::read(&file)?;
    let stored = Stored::read(&bytes).map_err(|e| Failure::in_file(&file, e))?;
    let same = Config::parse(&stored.config).is_ok_and(|c| c == *config);
    if !same {
        let problem = format!(
            "it is of another run: {} was changed since; train without --resume, or put it back as it was",
            args.config.display()
        );
        return Err(Failure::in_file(&file, problem));
    }
    if let Some(seed) = args.seed.filter(|seed| *seed != stored.seed) {
        let problem = format!("it is of seed {}, not {seed}", stored.seed);
        return Err(Failure::in_file(&file, problem));
    }
    let net = config
        .net(data.train.input_step())
        .map_err(|e| Failure::Input(e.to_string()))?;
    let trainer = config.trainer(stored.seed);
    say!("going on after epoch {}", stored.epochs);
    Run::resume(&bytes, net, data.view(), config.train, trainer)
        .map_err(|e| Failure::in_file(&file, e))
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
        validation: None,
        test: samples.select(&split.test),
    };
    if validate {
        let split = stratified(&parts.train.labels, VALIDATION_EVERY);
        parts.test = parts.train.select(&split.test);
        parts.train = parts.train.select(&split.train);
    }
    if let Some(rule) = &config.train.early_stopping {
        let split = stratified(&parts.train.labels, rule.validation_every);
        parts.validation = Some(parts.train.select(&split.test));
        parts.train = parts.train.select(&split.train);
    }
    let validation = parts.validation.as_ref().unwrap_or(&parts.test);
    for (part, what) in [
        (&parts.train, "train on"),
        (validation, "validate with"),
        (&parts.test, "test with"),
    ] {
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
    let mut run = begin(config, data, seed)?;
    let start = Instant::now();
    drive(&mut run, report, &AtomicBool::new(false), &|_| Ok(()))?;
    finish(&mut run.finish(), data, start)
}

fn finish(trainer: &mut Trainer, data: &Data, start: Instant) -> Result<Trained, Failure> {
    let time = start.elapsed();
    Ok(Trained {
        accuracy: score(trainer, &data.test)?.accuracy,
        net: trainer.net().clone(),
        time,
    })
}

/// Runs `run` to its end, or to the end of a step at which `stop` is set; `save` is called then,
/// after the last epoch, and after an epoch now and then.
fn drive(
    run: &mut Run<'_>,
    report: Report,
    stop: &AtomicBool,
    save: &dyn Fn(&Run<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let bar = match report {
        // It hides itself where there is no terminal.
        Report::Epochs => ProgressBar::new(1).with_style(style()),
        Report::Silent => ProgressBar::hidden(),
    };
    let mut samples_done = 0;
    let start = Instant::now();
    let mut saved = start;
    loop {
        match run.step()? {
            Event::Done => break,
            Event::Step {
                done,
                all,
                samples,
                loss,
                accuracy,
            } => {
                samples_done += samples;
                if report == Report::Epochs {
                    let speed = samples_done as f64 / start.elapsed().as_secs_f64().max(1e-9);
                    bar.set_length(all as u64);
                    bar.set_position(done as u64);
                    let accuracy = 100.0 * accuracy;
                    bar.set_message(format!(
                        "loss {loss:.4}  accuracy {accuracy:.2} %  {speed:.0} samples/s"
                    ));
                }
            }
            Event::Epoch(e) => {
                if report == Report::Epochs {
                    bar.suspend(|| print_epoch(e));
                }
                if saved.elapsed() >= SAVE_EVERY || run.is_done() {
                    save(run)?;
                    saved = Instant::now();
                }
            }
        }
        if stop.load(Ordering::Relaxed) {
            save(run)?;
            bar.finish_and_clear();
            let steps = run.trainer().steps();
            return Err(Failure::Stopped(format!("stopped after step {steps}")));
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Every fifth epoch, the first and the last.
fn print_epoch(e: Epoch) {
    if e.epoch == 1 || e.epoch.is_multiple_of(5) || e.epoch == e.epochs {
        let validation = match e.validation {
            Some(s) => {
                let accuracy = 100.0 * s.accuracy;
                format!("  validation loss {:.4}  accuracy {accuracy:.2} %", s.loss)
            }
            None => String::new(),
        };
        say!(
            "epoch {:>3}/{}  loss {:.4}  training accuracy {:.2} %{validation}",
            e.epoch,
            e.epochs,
            e.loss,
            100.0 * e.accuracy
        );
    }
}

fn style() -> ProgressStyle {
    // The template is a constant that parses.
    ProgressStyle::with_template("[{bar:30}] {percent:>3} %  {msg}  {eta} left")
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
