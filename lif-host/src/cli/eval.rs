//! `lif eval`.

use super::args::{Eval, PartArg, SamplesArg, WeightsArg};
use super::train_files::firing_rates;
use crate::checkpoint;
use crate::cli::{Failure, files, train};
use crate::data::{Label, Samples};
use crate::infer::{Input as DeviceInput, reads_out};
use crate::net::Net;
use crate::quant::{Membranes, QuantOptions, Weights};
use crate::say;
use crate::train::{Input, Loss, On, Trainer, TrainerConfig, classes};

/// Runs the command.
///
/// # Errors
///
/// [`Failure::Input`], with the file.
pub(super) fn run(args: &Eval) -> Result<(), Failure> {
    let (labels, found) = if args.model.extension().is_some_and(|e| e == "lif") {
        if args.quantised.is_some() {
            let problem = "it is exported already: --quantised is for trained networks";
            return Err(Failure::in_file(&args.model, problem));
        }
        exported(args)?
    } else {
        trained(args)?
    };
    let right = found.iter().zip(&labels).filter(|(a, b)| a == b).count();
    let share = right as f64 / labels.len().max(1) as f64;
    say!(
        "accuracy {:.2} % of {} samples",
        100.0 * share,
        labels.len()
    );
    let n = labels.iter().chain(&found).max().map_or(0, |top| top + 1);
    for class in 0..n {
        let of = labels.iter().filter(|l| **l == class).count();
        let hit = labels
            .iter()
            .zip(&found)
            .filter(|(l, f)| **l == class && l == f);
        let hit = hit.count();
        if of > 0 {
            let recall = 100.0 * hit as f64 / of as f64;
            say!("class {class}: recall {recall:.2} % of {of}");
        }
    }
    Ok(())
}

/// Classes and what an exported network finds.
fn exported(args: &Eval) -> Result<(Vec<u32>, Vec<u32>), Failure> {
    let mut host = files::read_model(&args.model)?;
    let model = host.model();
    let (n_in, n_out, steps) = (model.n_in(), model.n_out(), model.steps());
    let reads_out = reads_out(&model);
    let samples = samples(&args.samples, args.part, n_in, n_out)?;
    let inputs: Vec<DeviceInput> = (0..samples.len())
        .map(|i| DeviceInput::from_raw(&host.model(), samples.sample(i)))
        .collect();
    let failed = |e| Failure::model(&args.model, e);
    let found = if reads_out {
        let rows = host.readouts(&inputs, steps).map_err(failed)?;
        let class = |row: &Vec<f32>| {
            let better = |best: usize, i: usize| if row[i] > row[best] { i } else { best };
            (0..row.len()).fold(0, better) as u32
        };
        rows.iter().map(class).collect()
    } else {
        let answers = host.run(&inputs, steps).map_err(failed)?;
        answers.iter().map(|a| a.class() as u32).collect()
    };
    Ok((samples.labels, found))
}

/// Classes and what a trained network finds; its firing rates are printed.
fn trained(args: &Eval) -> Result<(Vec<u32>, Vec<u32>), Failure> {
    let net = read_net(&args.model)?;
    let (n_in, _) = net.input().map_err(|e| Failure::in_file(&args.model, e))?;
    let samples = samples(&args.samples, args.part, n_in, net.n_out())?;
    let config = TrainerConfig {
        loss: Loss::CrossEntropy {
            on: On::Rate,
            label_smoothing: 0.0,
        },
        quantised: args.quantised.map(options),
        ..TrainerConfig::default()
    };
    let mut trainer = Trainer::<f32>::new(net, config)?;
    let mut found = Vec::new();
    let all: Vec<usize> = (0..samples.len()).collect();
    for indices in all.chunks(64) {
        let batch = samples.select(indices);
        let outputs = trainer.forward(Input::Held(&batch.values), false)?;
        found.extend(classes(outputs, indices.len()));
    }
    for line in firing_rates(&mut trainer, &samples)? {
        let (n, silent) = (
            line.values.len(),
            line.values.iter().filter(|r| **r == 0.0).count(),
        );
        let mean = line.values.iter().sum::<f64>() / n.max(1) as f64;
        say!(
            "{}: {mean:.4} spikes a neuron and step, {silent} of {n} neurons silent",
            line.name
        );
    }
    Ok((samples.labels, found))
}

/// The trained network in `file`.
pub(super) fn read_net(file: &std::path::Path) -> Result<Net, Failure> {
    let bytes = files::read(file)?;
    checkpoint::from_bytes(&bytes)
        .map_err(|e| Failure::in_file(file, format!("{e}; `lif train` makes such a file")))
}

/// Weights of this format, and the membranes that they need.
pub(super) const fn options(weights: WeightsArg) -> QuantOptions {
    QuantOptions {
        weights: match weights {
            WeightsArg::I8 => Weights::I8,
            WeightsArg::I16 => Weights::I16,
        },
        membranes: Membranes::Auto,
    }
}

/// The samples that `args` speaks of, with classes, for a network of `n_in` inputs and `n_out` outputs.
pub(super) fn samples(
    args: &SamplesArg,
    part: PartArg,
    n_in: usize,
    n_out: usize,
) -> Result<Samples, Failure> {
    let classes = u32::try_from(n_out).unwrap_or(u32::MAX);
    let (file, samples) = match (&args.config, &args.input) {
        (Some(file), _) => {
            let config = train::read_config(file)?;
            let data = train::read_data(file, &config, false)?;
            let samples = match part {
                PartArg::Test => data.test,
                PartArg::Train => data.train,
            };
            (file, samples)
        }
        (None, Some(file)) => {
            let label = Label::Required(classes);
            (file, files::read_samples(file, n_in, label)?)
        }
        (None, None) => return Err(Failure::Input("--config or --input is needed".into())),
    };
    if samples.n_in != n_in {
        let n = samples.n_in;
        let problem = format!("samples of {n} values for a network of {n_in} inputs");
        return Err(Failure::in_file(file, problem));
    }
    Ok(samples)
}
