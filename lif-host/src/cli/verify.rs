//! `lif verify`.

use std::path::Path;
use std::time::Duration;

use indicatif::ProgressBar;

pub use super::args::Verify;
use crate::cli::files::Inputs;
use crate::cli::{Failure, files};
use crate::device::{Board, Client, Firmware, Port, Qemu, QemuOptions};
use crate::infer::{Host, Input};
use crate::rng::{Purpose, Stream};
use crate::say;
use crate::verify::{Report, cross_check};
use lif_nostd::Model;
use lif_nostd::model::format::Number;
use lif_nostd::spikes::words_for;

/// Samples that are drawn where none are given.
const RANDOM_SAMPLES: u32 = 32;

/// Runs the command.
///
/// # Errors
///
/// [`Failure::Check`] where a spike or a membrane differs.
pub fn run(args: &Verify) -> Result<(), Failure> {
    let mut host = files::read_model(&args.model)?;
    let Inputs { inputs, labels } = inputs(args.input.as_deref(), args.samples, &host)?;
    let board = Board::find(&args.board)?;
    let firmware = match &args.firmware {
        Some(file) => Firmware::read(file)?,
        None => Firmware::build(board)?,
    };
    let options = QemuOptions {
        program: args.qemu.clone(),
    };
    let timeout = Duration::from_secs(args.timeout);
    let report = emulate(
        &mut host,
        &args.model,
        &inputs,
        board,
        &firmware,
        &options,
        timeout,
    )?;
    print_report(board, &report, &labels);
    fail_on_difference(&report)
}

/// The first `samples` samples of `file`, or all; without a file that many random ones.
fn inputs(file: Option<&Path>, samples: Option<u32>, host: &Host) -> Result<Inputs, Failure> {
    let Some(file) = file else {
        return Ok(Inputs {
            inputs: random_inputs(host, samples.unwrap_or(RANDOM_SAMPLES)),
            labels: Vec::new(),
        });
    };
    let mut all = files::read_inputs(file, host)?;
    if let Some(n) = samples {
        let there = all.inputs.len();
        if n as usize > there {
            let problem = format!("there are {there} samples in it, fewer than --samples {n}");
            return Err(Failure::in_file(file, problem));
        }
        all.inputs.truncate(n as usize);
        all.labels.truncate(n as usize);
    }
    Ok(all)
}

/// Spikes of every step, each input with a chance of one in four.
fn random_spikes(stream: &Stream, model: &Model<'_>) -> Vec<Vec<u32>> {
    let words = words_for(model.n_in());
    let last = u32::MAX >> (words * 32 - model.n_in());
    let word = |step: usize, i: usize| {
        let at = 2 * (step * words + i) as u64;
        let both = (stream.bits(at) & stream.bits(at + 1)) as u32;
        if i + 1 == words { both & last } else { both }
    };
    (0..model.steps() as usize)
        .map(|step| (0..words).map(|i| word(step, i)).collect())
        .collect()
}

/// `samples` samples from a fixed seed: i8 values over their whole range, currents from 0 to 1, or spikes.
fn random_inputs(host: &Host, samples: u32) -> Vec<Input> {
    let model = host.model();
    let n = model.n_in() as u64;
    (0..samples)
        .map(|s| {
            let stream = Stream::of(0, Purpose::Inputs, s);
            match model.number() {
                Number::F32 => Input::F32((0..n).map(|i| stream.unit(i)).collect()),
                Number::Bits => Input::Spikes(random_spikes(&stream, &model)),
                _ => Input::I8((0..n).map(|i| stream.bits(i) as i8).collect()),
            }
        })
        .collect()
}

/// Starts `board` with `model` in its slot and compares it with `host` on `inputs`.
///
/// # Errors
///
/// Those of the board.
pub fn emulate(
    host: &mut Host,
    model: &Path,
    inputs: &[Input],
    board: &Board,
    firmware: &Firmware,
    options: &QemuOptions,
    timeout: Duration,
) -> Result<Report, Failure> {
    let qemu = Qemu::start(board, firmware, Some(model), options)?;
    let mut client = Client::new(qemu, timeout);
    let identity = client.identify()?;
    if identity.board != board.name {
        return Err(Failure::Environment(format!(
            "the board says that it is {}, not {}",
            identity.board, board.name
        )));
    }
    compare(host, &mut client, inputs)
}

/// Compares the board behind `client`, whose active model must be that of `host`, with `host` on `inputs`.
///
/// # Errors
///
/// Those of the board.
pub fn compare<P: Port>(
    host: &mut Host,
    client: &mut Client<P>,
    inputs: &[Input],
) -> Result<Report, Failure> {
    let (ours, theirs) = (host.model().crc(), client.model()?.crc);
    if ours != theirs {
        return Err(Failure::Environment(format!(
            "the board holds the model {theirs:08x}, not {ours:08x}"
        )));
    }
    // A model that was read here has at most 65,535 steps.
    let steps = u16::try_from(host.model().steps()).unwrap_or(u16::MAX);
    let bar = ProgressBar::new(inputs.len() as u64);
    let report = cross_check(host, client, inputs, steps, |done| {
        bar.set_position(done as u64)
    })?;
    bar.finish_and_clear();
    Ok(report)
}

fn print_report(board: &Board, report: &Report, labels: &[u32]) {
    say!(
        "board                 {} ({}), emulated",
        board.name,
        board.core
    );
    say!("samples compared      {}", report.samples);
    say!("spikes compared       {}", report.spikes_compared);
    say!("spikes that differ    {}", report.spikes_differ);
    say!(
        "instructions          {}",
        match instructions(board, report) {
            Some((median, max)) => format!("{median} a sample (median), {max} at the most"),
            None => NOT_COUNTED.into(),
        }
    );
    say!(
        "stack                 {} bytes at the most",
        report.stack_bytes
    );
    if !labels.is_empty() {
        say!(
            "accuracy              {:.2} %",
            100.0 * accuracy(report, labels)
        );
    }
}

/// What stands for a number of instructions where there is none.
pub const NOT_COUNTED: &str = "not counted: the board's counter wrapped";

/// Median and maximum of the executed instructions a sample; none where the board's counter wrapped.
#[must_use]
pub fn instructions(board: &Board, report: &Report) -> Option<(u64, u64)> {
    let mut ticks = report.ticks.clone();
    ticks.sort_unstable();
    let (median, max) = (ticks.get(ticks.len() / 2)?, ticks.last()?);
    (ticks.len() == report.samples).then(|| (board.instructions(*median), board.instructions(*max)))
}

/// Share of the samples whose class the board found.
#[must_use]
pub fn accuracy(report: &Report, labels: &[u32]) -> f64 {
    accuracy_of(&report.classes, labels)
}

/// Share of `classes` that are those of `labels`.
pub(super) fn accuracy_of(classes: &[usize], labels: &[u32]) -> f64 {
    let pairs = classes.iter().zip(labels);
    let found = pairs.filter(|(class, label)| **class == **label as usize);
    found.count() as f64 / classes.len().max(1) as f64
}

/// [`Failure::Check`] where `report` found a difference.
///
/// # Errors
///
/// That one.
pub fn fail_on_difference(report: &Report) -> Result<(), Failure> {
    match &report.first {
        None => Ok(()),
        Some(first) => Err(Failure::Check(format!(
            "board and host differ in {} of {} samples, in {} spikes; first: {first}",
            report.samples_differ, report.samples, report.spikes_differ
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::*;
    use crate::cli::export::NumberArg;
    use crate::export::{export_f32, export_int};
    use crate::net::{InputScale, LifParams, Net, Param};
    use crate::surrogate::Surrogate;
    use crate::verify::{Difference, What};

    fn host(number: NumberArg) -> Host {
        let scale = InputScale {
            full_scale: 1.0,
            step: 1.0,
        };
        let lif = LifParams {
            tau: Param::Scalar(2.0),
            v_threshold: Param::Scalar(1.0),
            v_reset: None,
            decay_input: true,
            detach_reset: false,
            surrogate: Surrogate::default(),
        };
        let net = Net::sequential("n", 4, 3, scale).linear(2).lif(lif);
        let net = net.build().expect("it is valid");
        let exported = match number {
            NumberArg::Int => export_int(&net),
            NumberArg::F32 => export_f32(&net),
        };
        Host::new(&exported.expect("it fits").bytes).expect("it was checked")
    }

    #[test]
    fn as_many_samples_are_drawn_as_are_asked_for() {
        for number in [NumberArg::Int, NumberArg::F32] {
            let host = host(number);
            let drawn = |n| inputs(None, n, &host).expect("no file is read").inputs;
            assert_eq!(drawn(None).len(), RANDOM_SAMPLES as usize);
            let many = drawn(Some(1000));
            assert_eq!(many.len(), 1000);
            assert_eq!(many[..32], drawn(None));
            let in_range = |x: &Input| match x {
                Input::F32(x) => x.iter().all(|x| (0.0..1.0).contains(x)),
                Input::I8(x) => x.len() == 3,
                Input::Spikes(_) => false,
            };
            assert!(many.iter().all(in_range));
        }
    }

    #[test]
    fn ticks_that_are_missing_give_no_instructions() {
        let board = &crate::device::BOARDS[0];
        let mut report = Report {
            samples: 2,
            ticks: vec![6400, 12800],
            ..Report::default()
        };
        assert_eq!(instructions(board, &report), Some((2000, 2000)));
        report.ticks.pop();
        assert_eq!(instructions(board, &report), None);
    }

    #[test]
    fn a_difference_ends_with_exit_code_1() {
        let equal = Report::default();
        assert_eq!(fail_on_difference(&equal), Ok(()));
        let first = Difference {
            sample: 3,
            layer: 0,
            step: 7,
            neuron: 2,
            what: What::Membrane,
        };
        let report = Report {
            samples: 5,
            samples_differ: 1,
            first: Some(first),
            ..equal
        };
        let failure = fail_on_difference(&report).expect_err("there is a difference");
        let Failure::Check(text) = &failure else {
            panic!("{failure:?}");
        };
        let place = "in 1 of 5 samples, in 0 spikes; first: sample 3, layer 0, step 7, neuron 2";
        assert!(text.contains(place), "{text}");
        let code = |code: ExitCode| format!("{code:?}");
        assert_eq!(code(failure.code()), code(ExitCode::from(1)));
    }
}
