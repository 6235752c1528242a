//! A network in training: one step of the optimiser at a time.

use super::loss::{FiringRate, Loss, Outputs, Targets};
use super::number::{Number, all_finite};
use super::optimizer::{Optimizer, OptimizerConfig, clip_norm};
use super::parameters::{Learn, Learned, gather, places, scatter};
use super::pass::{Dropout, Input, Pass};
use super::run::Error;
use crate::infer::input_units;
use crate::net::{InputScale, Net};
use crate::quant::{QuantLayer, QuantOptions, quantise_with};
use crate::rng::{Purpose, Stream};

/// How a network is trained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainerConfig {
    /// The loss.
    pub loss: Loss,
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// A penalty on firing rates, if any.
    pub firing_rate: Option<FiringRate>,
    /// The largest norm of the gradient, if any.
    pub clip_norm: Option<f64>,
    /// What neurons learn.
    pub learn: Vec<Learn>,
    /// Whether the forward is that of the quantised network, and of which.
    pub quantised: Option<QuantOptions>,
    /// Seed of dropout.
    pub seed: u64,
}

/// What a step gave, before it changed the network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The mean loss over the batch, penalties included.
    pub loss: f64,
    /// Samples whose class was found; 0 without classes.
    pub correct: usize,
}

/// A network in training, in `F`.
#[derive(Clone, Debug)]
pub struct Trainer<F: Number = f32> {
    net: Net,
    config: TrainerConfig,
    places: Vec<Learned>,
    pub(super) params: Vec<F>,
    pub(super) optimizer: Optimizer<F>,
    /// Steps done.
    pub(super) steps: u64,
    pass: Pass<F>,
    grad: Vec<F>,
    layers: Vec<QuantLayer>,
    scale: Option<InputScale>,
    input: Vec<F>,
    units: Vec<i16>,
}

impl<F: Number> Trainer<F> {
    /// Starts to train `net` from its weights.
    ///
    /// # Errors
    ///
    /// [`Error::Net`] where it is not a network that can be trained; [`Error::Mismatch`] where the loss is not made for
    /// its outputs.
    pub fn new(net: Net, config: TrainerConfig) -> Result<Self, Error> {
        let places = places(&net, &config.learn)?;
        let pass = Pass::with(&net, &places)?;
        let params: Vec<F> = gather(&net, &places);
        let (_, scale) = net.input()?;
        let mut trainer = Self {
            optimizer: Optimizer::new(params.len(), config.optimizer),
            grad: vec![F::NIL; params.len()],
            config,
            places,
            params,
            steps: 0,
            pass,
            layers: Vec::new(),
            scale,
            input: Vec::new(),
            units: Vec::new(),
            net,
        };
        trainer.sync();
        Ok(trainer)
    }

    /// One step of the optimiser at learning rate `lr` on the raw values `x`.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] where targets and outputs do not fit; [`Error::NonFinite`] where the loss or a gradient is
    /// not finite, and nothing is changed then; [`Error::Quant`] where the network can no longer be quantised.
    pub fn step(
        &mut self,
        x: Input<'_, f32>,
        targets: Targets<'_>,
        lr: f64,
    ) -> Result<Step, Error> {
        let step = self.gradient(x, targets, true)?;
        if let Some(max) = self.config.clip_norm {
            clip_norm(&mut self.grad, max);
        }
        self.optimizer.step(&mut self.params, &self.grad, lr);
        self.steps += 1;
        self.sync();
        Ok(step)
    }

    /// The loss on the raw values `x` and its gradients, which [`Trainer::grad`] shows; `dropout` says whether inputs
    /// are left out as in training.
    ///
    /// # Errors
    ///
    /// Those of [`Trainer::step`].
    pub fn gradient(
        &mut self,
        x: Input<'_, f32>,
        targets: Targets<'_>,
        dropout: bool,
    ) -> Result<Step, Error> {
        let loss = self.config.loss;
        let batch = self.batch(x);
        let outputs = self.forward(x, dropout)?;
        let value = loss.of(outputs, batch, targets);
        let Some(value) = value else {
            return Err(Error::Mismatch(mismatch(
                &loss,
                batch,
                self.forward(x, dropout)?,
                targets,
            )));
        };
        let input = match x {
            Input::Held(_) => Input::Held(&self.input[..]),
            Input::Steps(_) => Input::Steps(&self.input[..]),
        };
        let mut penalty = 0.0;
        let rule = self.config.firing_rate;
        self.pass.backward(
            &self.params,
            input,
            &value.grad,
            &mut self.grad,
            |_, s, n| {
                let (p, grad) = rule?.of(s, n);
                penalty += p;
                Some(grad)
            },
        );
        let loss = value.value + penalty;
        if !(loss.is_finite() && all_finite(&self.grad)) {
            return Err(self.non_finite(loss));
        }
        Ok(Step {
            loss,
            correct: value.correct,
        })
    }

    /// The loss on the raw values `x` without dropout and without penalties; nothing is learned.
    ///
    /// # Errors
    ///
    /// Those of [`Trainer::forward`], and [`Error::Mismatch`].
    pub fn loss(&mut self, x: Input<'_, f32>, targets: Targets<'_>) -> Result<Step, Error> {
        let loss = self.config.loss;
        let batch = self.batch(x);
        let outputs = self.forward(x, false)?;
        let value = loss.of(outputs, batch, targets);
        let value =
            value.ok_or_else(|| Error::Mismatch(mismatch(&loss, batch, outputs, targets)))?;
        Ok(Step {
            loss: value.value,
            correct: value.correct,
        })
    }

    /// The outputs for the raw values `x`, with the network as it is: float, or quantised in quantisation-aware
    /// training. `dropout` says whether inputs are left out as in training.
    ///
    /// # Errors
    ///
    /// [`Error::Quant`] where the network cannot be quantised, [`Error::Net`] where a parameter left its range.
    pub fn forward(&mut self, x: Input<'_, f32>, dropout: bool) -> Result<Outputs<'_, F>, Error> {
        let quantised = self.config.quantised;
        let dropout = dropout.then(|| Dropout {
            stream: Stream::of(self.config.seed, Purpose::Dropout, self.steps as u32),
            scaled: quantised.is_none(),
        });
        let scale = self.scale;
        let Some(options) = quantised else {
            self.input.clear();
            let full_scale = F::of(scale.map_or(1.0, |s| f64::from(s.full_scale)));
            let current = |x: &f32| F::of(f64::from(*x)) / full_scale;
            self.input.extend(x.values().iter().map(current));
            let input = like(x, &self.input);
            return Ok(self.pass.forward(&self.params, input, dropout)?);
        };
        self.layers = quantise_with(&self.net, options)?;
        let step = scale.map_or(1.0, |s| s.step);
        let unit = scale.map_or(1.0, |s| f64::from(s.step) / f64::from(s.full_scale));
        self.units.clear();
        let values = x.values().iter();
        self.units
            .extend(values.map(|x| i16::from(input_units(*x, step))));
        self.input.clear();
        let current = |x: &i16| F::of(f64::from(*x) * unit);
        self.input.extend(self.units.iter().map(current));
        let units = like(x, &self.units);
        Ok(self
            .pass
            .forward_quantised(&self.params, &self.layers, units, dropout))
    }

    /// Gradients of the last step or of [`Trainer::gradient`], one a parameter: those of [`Net::weights`], then those of
    /// what neurons learn, in the order of [`TrainerConfig::learn`], tau before the threshold; that of tau is on `w`.
    #[must_use]
    pub fn grad(&self) -> &[F] {
        &self.grad
    }

    /// All parameters, in the order of [`Trainer::grad`].
    #[must_use]
    pub fn params(&self) -> &[F] {
        &self.params
    }

    /// The network as it is now, in f32.
    #[must_use]
    pub const fn net(&self) -> &Net {
        &self.net
    }

    /// The last pass.
    #[must_use]
    pub const fn pass(&self) -> &Pass<F> {
        &self.pass
    }

    /// The layers of the last quantised forward.
    #[must_use]
    pub fn quantised(&self) -> &[QuantLayer] {
        &self.layers
    }

    /// Steps done.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Replaces all parameters.
    pub(super) fn set_params(&mut self, params: Vec<F>) {
        self.params = params;
        self.sync();
    }

    fn sync(&mut self) {
        scatter(&self.params, &self.places, &mut self.net);
    }

    fn batch(&self, x: Input<'_, f32>) -> usize {
        let n_in = self.net.nodes.first().map_or(1, |n| n.shape.len()).max(1);
        let rows = x.values().len() / n_in;
        match x {
            Input::Held(_) => rows,
            Input::Steps(_) => rows / self.net.steps.max(1) as usize,
        }
    }

    fn non_finite(&self, loss: f64) -> Error {
        let layer = self.pass.not_finite().map(String::from);
        Error::NonFinite {
            step: self.steps + 1,
            layer: layer.unwrap_or_else(|| "the output".into()),
            loss,
        }
    }
}

/// `values` as they are in `x`: held or of each step.
const fn like<'a, T>(x: Input<'_, f32>, values: &'a [T]) -> Input<'a, T> {
    match x {
        Input::Held(_) => Input::Held(values),
        Input::Steps(_) => Input::Steps(values),
    }
}

fn mismatch<F>(loss: &Loss, batch: usize, outputs: Outputs<'_, F>, targets: Targets<'_>) -> String {
    let outputs = match outputs {
        Outputs::Counts { counts, .. } => format!("{} spike counts", counts.len()),
        Outputs::Readouts(values) => format!("{} readouts", values.len()),
    };
    let targets = match targets {
        Targets::Classes(labels) => format!("{} classes", labels.len()),
        Targets::Values(values) => format!("{} values", values.len()),
    };
    format!(
        "a loss on {:?} of {outputs} of {batch} samples against {targets}: counts and rates are of spiking outputs, \
         readouts of those that do not spike, cross-entropy needs one class of the outputs a sample, and readouts \
         without a decode need a value a step",
        loss.on().name()
    )
}
