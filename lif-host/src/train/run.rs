//! The training loop.

use crate::data::Samples;
use crate::net::{self, Net};
use crate::rng::{Purpose, Stream};
use crate::train::state::digest;
use crate::train::{Input, Outputs, Pass, Targets, TrainConfig, Trainer, TrainerConfig};

/// Why training stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The network cannot be trained.
    #[error(transparent)]
    Net(#[from] net::Error),
    /// The network cannot be quantised.
    #[error(transparent)]
    Quant(#[from] crate::quant::Error),
    /// The samples do not fit the network.
    #[error("{0}")]
    Data(String),
    /// Loss, outputs and targets do not fit.
    #[error("{0}")]
    Mismatch(String),
    /// The loss, a membrane, a gradient or a weight is not finite: training diverged.
    #[error(
        "step {step}, layer {layer:?}: not finite (loss {loss}); a smaller learning_rate, or clip_norm, may help"
    )]
    NonFinite {
        /// Step of the optimiser, from 1.
        step: u64,
        /// Name of the neurons in whose layer it was seen first.
        layer: String,
        /// The loss.
        loss: f64,
    },
    /// A checkpoint that cannot be resumed.
    #[error(transparent)]
    Checkpoint(#[from] crate::checkpoint::Error),
}

/// What an epoch gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Number, from 1.
    pub epoch: u32,
    /// Number of epochs in all.
    pub epochs: u32,
    /// Mean loss over the training samples, each before its batch's step.
    pub loss: f64,
    /// Share of training samples whose class was found, each before its batch's step.
    pub accuracy: f64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Loss and accuracy on the samples that were held out, after the epoch.
    pub validation: Option<Score>,
}

/// Loss and accuracy of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Mean loss.
    pub loss: f64,
    /// Share of the samples whose class was found.
    pub accuracy: f64,
}

/// What [`Run::step`] did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A step of the optimiser.
    Step {
        /// Steps done in all.
        done: usize,
        /// Steps of the whole run.
        all: usize,
        /// Samples of this step.
        samples: usize,
        /// Mean loss of the epoch so far.
        loss: f64,
        /// Accuracy of the epoch so far.
        accuracy: f64,
    },
    /// The end of an epoch.
    Epoch(Epoch),
    /// The end of training: there is no more to do.
    Done,
}

/// Samples to train on, and those to validate with, if any.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// Samples to train on, with their classes.
    pub train: &'a Samples,
    /// Samples to validate with after each epoch.
    pub validation: Option<&'a Samples>,
}

/// A training run, step by step; the same seed gives the same bits.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    pub(super) data: Data<'a>,
    pub(super) config: TrainConfig,
    pub(super) seed: u64,
    pub(super) trainer: Trainer<f32>,
    pub(super) at: Position,
    /// What stands for the samples in a checkpoint.
    pub(super) digests: [u64; 2],
    order: Vec<usize>,
}

/// Where a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Position {
    /// Epochs done.
    pub(super) epochs: u32,
    /// Batches done of the epoch that is under way; none where it has not begun.
    pub(super) batches: Option<usize>,
    /// Sum of the losses of the epoch, each times its share of the samples.
    pub(super) loss: f64,
    /// Samples of the epoch whose class was found.
    pub(super) correct: usize,
    /// The epoch of the best validation loss, that loss and the parameters.
    pub(super) best: Option<(u32, f64, Vec<f32>)>,
    /// Epochs that are over.
    pub(super) history: Vec<Epoch>,
}

impl<'a> Run<'a> {
    /// Starts to train `net` on `data` from its weights.
    ///
    /// # Errors
    ///
    /// [`Error`] where network, samples and loss do not fit.
    pub fn new(
        net: Net,
        data: Data<'a>,
        config: TrainConfig,
        trainer: TrainerConfig,
    ) -> Result<Self, Error> {
        check_data(&net, data.train)?;
        if let Some(samples) = data.validation {
            check_data(&net, samples)?;
        }
        Ok(Self {
            order: (0..data.train.len()).collect(),
            seed: trainer.seed,
            trainer: Trainer::new(net, trainer)?,
            at: Position::default(),
            digests: [digest(data.train), data.validation.map_or(0, digest)],
            data,
            config,
        })
    }

    /// Puts the order of the samples where it is at position `at`: each epoch shuffles what the one before left.
    pub(super) fn seek(&mut self, at: Position) {
        self.order = (0..self.data.train.len()).collect();
        let begun = at.epochs + u32::from(at.batches.is_some());
        for epoch in 1..=begun {
            Stream::of(self.seed, Purpose::Shuffle, epoch).shuffle(&mut self.order);
        }
        self.at = at;
    }

    /// Steps of the optimiser an epoch.
    #[must_use]
    pub fn steps_per_epoch(&self) -> usize {
        self.order.len().div_ceil(self.config.batch)
    }

    /// The next step of the optimiser, or what ends an epoch.
    ///
    /// # Errors
    ///
    /// [`Error`]; nothing is changed then but the step that failed is not counted.
    pub fn step(&mut self) -> Result<Event, Error> {
        if self.is_done() {
            return Ok(Event::Done);
        }
        let batches = self.steps_per_epoch();
        let all = batches * self.config.epochs as usize;
        let b = match self.at.batches {
            Some(b) if b == batches => return self.end_epoch().map(Event::Epoch),
            Some(b) => b,
            None => {
                let epoch = self.at.epochs + 1;
                Stream::of(self.seed, Purpose::Shuffle, epoch).shuffle(&mut self.order);
                0
            }
        };
        let start = b * self.config.batch;
        let end = (start + self.config.batch).min(self.order.len());
        let batch = self.data.train.select(&self.order[start..end]);
        let done = self.at.epochs as usize * batches + b;
        let lr = self.learning_rate(done);
        let targets = Targets::Classes(&batch.labels);
        let step = self.trainer.step(Input::Held(&batch.values), targets, lr)?;
        let samples = end - start;
        self.at.loss += step.loss * samples as f64 / self.order.len() as f64;
        self.at.correct += step.correct;
        self.at.batches = Some(b + 1);
        Ok(Event::Step {
            done: done + 1,
            all,
            samples,
            loss: self.at.loss * self.order.len() as f64 / end as f64,
            accuracy: self.at.correct as f64 / end as f64,
        })
    }

    /// The learning rate of step `done`, from 0.
    fn learning_rate(&self, done: usize) -> f64 {
        let config = &self.config;
        let per_epoch = self.steps_per_epoch();
        let all = per_epoch * config.epochs as usize;
        let warm_up = (config.warm_up_epochs * per_epoch as f64).round_ties_even() as usize;
        let factor = config.schedule.factor(done, all, per_epoch, warm_up);
        f64::from(config.learning_rate * factor)
    }

    fn end_epoch(&mut self) -> Result<Epoch, Error> {
        let params = self.trainer.params();
        if !super::number::all_finite(params) {
            return Err(Error::NonFinite {
                step: self.trainer.steps(),
                layer: "weights".into(),
                loss: self.at.loss,
            });
        }
        let validation = match self.data.validation {
            Some(samples) => Some(self.score(samples)?),
            None => None,
        };
        let last = (self.at.epochs as usize + 1) * self.steps_per_epoch() - 1;
        self.at.epochs += 1;
        let epoch = Epoch {
            epoch: self.at.epochs,
            epochs: self.config.epochs,
            loss: self.at.loss,
            accuracy: self.at.correct as f64 / self.order.len() as f64,
            learning_rate: self.learning_rate(last),
            validation,
        };
        (self.at.batches, self.at.loss, self.at.correct) = (None, 0.0, 0);
        self.at.history.push(epoch);
        if let (Some(score), Some(_)) = (validation, self.config.early_stopping) {
            let better = self.at.best.as_ref().is_none_or(|b| score.loss < b.1);
            if better {
                let params = self.trainer.params().to_vec();
                self.at.best = Some((self.at.epochs, score.loss, params));
            }
        }
        Ok(epoch)
    }

    /// Whether there is no more to do: all epochs are over, or the loss on held-out samples has not fallen for long
    /// enough.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let patience = self.config.early_stopping.map(|s| s.patience);
        let since_best = self.at.best.as_ref().map(|b| self.at.epochs - b.0);
        let stopped = matches!((since_best, patience), (Some(n), Some(p)) if n >= p);
        self.at.epochs >= self.config.epochs || (stopped && self.at.batches.is_none())
    }

    /// Loss and accuracy of the network as it is now, quantised where training is.
    ///
    /// # Errors
    ///
    /// Those of [`Trainer::forward`].
    pub fn score(&mut self, samples: &Samples) -> Result<Score, Error> {
        score(&mut self.trainer, samples)
    }

    /// Epochs that are over.
    #[must_use]
    pub fn history(&self) -> &[Epoch] {
        &self.at.history
    }

    /// The epoch of the network that [`Run::finish`] gives, from 1.
    #[must_use]
    pub fn best_epoch(&self) -> u32 {
        self.at.best.as_ref().map_or(self.at.epochs, |best| best.0)
    }

    /// The trainer.
    #[must_use]
    pub const fn trainer(&self) -> &Trainer<f32> {
        &self.trainer
    }

    /// The trainer of the network that was trained: with early stopping, that of the best epoch.
    #[must_use]
    pub fn finish(mut self) -> Trainer<f32> {
        if let Some((_, _, params)) = self.at.best {
            self.trainer.set_params(params);
        }
        self.trainer
    }
}

/// Trains `net` on `data` and hands it back; `on_event` is called after each step and each epoch. Its neurons learn
/// nothing: that takes a [`Run`] with a [`TrainerConfig`] of its own.
///
/// # Errors
///
/// [`Error`].
pub fn fit(
    net: Net,
    data: Data<'_>,
    config: &TrainConfig,
    seed: u64,
    mut on_event: impl FnMut(&Event),
) -> Result<Net, Error> {
    let mut run = Run::new(net, data, *config, config.trainer(seed))?;
    loop {
        match run.step()? {
            Event::Done => return Ok(run.finish().net().clone()),
            event => on_event(&event),
        }
    }
}

/// Samples that are run at once where nothing is learned.
const BATCH: usize = 64;

/// Loss and accuracy of the network of `trainer` as it is now, quantised where training is.
///
/// # Errors
///
/// Those of [`Trainer::forward`], and [`Error::Mismatch`].
pub fn score(trainer: &mut Trainer<f32>, samples: &Samples) -> Result<Score, Error> {
    let (mut loss, mut correct) = (0.0, 0);
    let all: Vec<usize> = (0..samples.len()).collect();
    for indices in all.chunks(BATCH) {
        let batch = samples.select(indices);
        let targets = Targets::Classes(&batch.labels);
        let step = trainer.loss(Input::Held(&batch.values), targets)?;
        loss += step.loss * indices.len() as f64 / samples.len() as f64;
        correct += step.correct;
    }
    Ok(Score {
        loss,
        accuracy: correct as f64 / samples.len() as f64,
    })
}

/// Share of `samples` whose class the f32 network finds.
///
/// # Errors
///
/// [`Error`] where network and samples do not fit.
pub fn accuracy(net: &Net, samples: &Samples) -> Result<f64, Error> {
    check_data(net, samples)?;
    let full_scale = net.input()?.1.map_or(1.0, |scale| scale.full_scale);
    let mut pass = Pass::<f32>::new(net)?;
    let mut correct = 0;
    for (x, labels) in samples
        .values
        .chunks(BATCH * samples.n_in)
        .zip(samples.labels.chunks(BATCH))
    {
        let x: Vec<f32> = x.iter().map(|x| x / full_scale).collect();
        let outputs = pass.forward(&net.weights, Input::Held(&x), None)?;
        let classes = classes(outputs, labels.len());
        correct += classes.iter().zip(labels).filter(|(c, l)| c == l).count();
    }
    Ok(correct as f64 / samples.len() as f64)
}

/// The class of each sample: the output with the largest count or readout, of equal ones the lowest.
#[must_use]
pub fn classes<F: super::Number>(outputs: Outputs<'_, F>, batch: usize) -> Vec<u32> {
    fn of<T: PartialOrd>(values: &[T], batch: usize) -> Vec<u32> {
        let n = (values.len() / batch.max(1)).max(1);
        let class = |row| super::loss::arg_max(row) as u32;
        values.chunks_exact(n).map(class).collect()
    }
    match outputs {
        Outputs::Counts { counts, .. } => of(counts, batch),
        Outputs::Readouts(values) => of(values, batch),
    }
}

pub(super) fn check_data(net: &Net, samples: &Samples) -> Result<(), Error> {
    let (n_in, _) = net.input()?;
    if samples.is_empty() {
        return Err(Error::Data("there are no samples".into()));
    }
    if samples.n_in != n_in {
        return Err(Error::Data(format!(
            "samples of {} values for a network of {n_in} inputs",
            samples.n_in
        )));
    }
    if samples.labels.len() != samples.len() {
        return Err(Error::Data("the samples have no classes".into()));
    }
    if let Some(label) = samples.labels.iter().find(|l| **l as usize >= net.n_out()) {
        return Err(Error::Data(format!(
            "class {label} for a network of {} outputs",
            net.n_out()
        )));
    }
    Ok(())
}
