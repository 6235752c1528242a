//! The training loop.

use crate::data::Samples;
use crate::net::{self, Net};
use crate::rng::{Purpose, Stream};
use crate::train::{Adam, AdamParams, Pass, TrainConfig, cross_entropy_on_rate};

/// Why training stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The network cannot be trained.
    #[error(transparent)]
    Net(#[from] net::Error),
    /// The samples do not fit the network.
    #[error("{0}")]
    Data(String),
    /// A weight is not a finite number: training diverged.
    #[error("epoch {epoch}: weight {index} is {value}; a smaller learning_rate may help")]
    NonFinite {
        /// Epoch, from 1.
        epoch: u32,
        /// Its place among all weights and biases, from 0.
        index: usize,
        /// The weight.
        value: f32,
    },
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
}

/// A network in training.
#[derive(Clone, Debug)]
pub struct Trainer {
    net: Net,
    adam: Adam,
    pass: Pass,
    grad: Vec<f32>,
    full_scale: f32,
}

impl Trainer {
    /// Starts to train `net` from its weights.
    ///
    /// # Errors
    ///
    /// [`Error::Net`] where it is not a network that can be trained.
    pub fn new(net: Net) -> Result<Self, Error> {
        let pass = Pass::new(&net)?;
        let (_, scale) = net.input()?;
        Ok(Self {
            adam: Adam::new(net.weights.len(), AdamParams::default()),
            grad: vec![0.0; net.weights.len()],
            full_scale: scale.map_or(1.0, |scale| scale.full_scale),
            pass,
            net,
        })
    }

    /// One step of the optimiser on the raw values `x` `[B, in]` with classes `labels` `[B]`.
    ///
    /// Gives the mean loss and the number of samples whose class was found, both before the step.
    pub fn step(&mut self, x: &[f32], labels: &[u32], lr: f32) -> (f64, usize) {
        let x: Vec<f32> = x.iter().map(|x| x / self.full_scale).collect();
        let counts = self.pass.forward(&self.net.weights, &x);
        let loss = cross_entropy_on_rate(counts, self.net.steps, labels);
        self.pass
            .backward(&self.net.weights, &x, &loss.grad, &mut self.grad);
        self.adam.step(&mut self.net.weights, &self.grad, lr);
        (loss.value, loss.correct)
    }

    /// The network as it is now.
    #[must_use]
    pub const fn net(&self) -> &Net {
        &self.net
    }
}

/// Trains `net` on `samples` and hands it back; `on_epoch` is called after each epoch, `on_batch` after each
/// batch with the number of batches done and in all.
///
/// # Errors
///
/// [`Error`].
pub fn fit(
    net: Net,
    samples: &Samples,
    config: &TrainConfig,
    seed: u64,
    mut on_batch: impl FnMut(usize, usize),
    mut on_epoch: impl FnMut(Epoch),
) -> Result<Net, Error> {
    check_data(&net, samples)?;
    let mut trainer = Trainer::new(net)?;
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let batches = samples.len().div_ceil(config.batch);
    let all = batches * config.epochs as usize;
    for epoch in 1..=config.epochs {
        Stream::of(seed, Purpose::Shuffle, epoch).shuffle(&mut order);
        let (mut loss, mut correct) = (0.0, 0);
        for (b, indices) in order.chunks(config.batch).enumerate() {
            let done = (epoch as usize - 1) * batches + b;
            let lr = config.learning_rate * config.schedule.factor(done, all);
            let batch = samples.select(indices);
            let (l, c) = trainer.step(&batch.values, &batch.labels, lr);
            loss += l * indices.len() as f64 / samples.len() as f64;
            correct += c;
            on_batch(done + 1, all);
        }
        // The loss of a network that diverged is finite all the same: it is that of spikes.
        check_weights(&trainer.net.weights, epoch)?;
        on_epoch(Epoch {
            epoch,
            epochs: config.epochs,
            loss,
            accuracy: correct as f64 / samples.len() as f64,
        });
    }
    Ok(trainer.net)
}

fn check_weights(weights: &[f32], epoch: u32) -> Result<(), Error> {
    match weights.iter().position(|w| !w.is_finite()) {
        None => Ok(()),
        Some(index) => Err(Error::NonFinite {
            epoch,
            index,
            value: weights[index],
        }),
    }
}

/// Share of `samples` whose class the f32 network finds.
///
/// # Errors
///
/// [`Error`] where network and samples do not fit.
pub fn accuracy(net: &Net, samples: &Samples) -> Result<f64, Error> {
    check_data(net, samples)?;
    let full_scale = net.input()?.1.map_or(1.0, |scale| scale.full_scale);
    let mut pass = Pass::new(net)?;
    let classes = net.n_out();
    let mut correct = 0;
    for (x, labels) in samples
        .values
        .chunks(64 * samples.n_in)
        .zip(samples.labels.chunks(64))
    {
        let x: Vec<f32> = x.iter().map(|x| x / full_scale).collect();
        let counts = pass.forward(&net.weights, &x);
        correct += counts
            .chunks_exact(classes)
            .zip(labels)
            .filter(|(counts, label)| lif_nostd::decode::arg_max(counts) == **label as usize)
            .count();
    }
    Ok(correct as f64 / samples.len() as f64)
}

fn check_data(net: &Net, samples: &Samples) -> Result<(), Error> {
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
