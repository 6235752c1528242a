//! The part of a configuration file that says how to train.

use serde::{Deserialize, Deserializer};

use super::{FiringRate, Loss, OptimizerConfig, TrainerConfig};
use crate::quant::{Membranes, QuantOptions, Weights};

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training samples.
    pub epochs: u32,
    /// Samples a step of the optimiser.
    pub batch: usize,
    /// Learning rate.
    pub learning_rate: f32,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: Schedule,
    /// Epochs in which the learning rate rises from 0 before the schedule begins.
    #[serde(default)]
    pub warm_up_epochs: f64,
    /// The optimiser.
    #[serde(default)]
    pub optimizer: OptimizerConfig,
    /// The loss.
    #[serde(default)]
    pub loss: Loss,
    /// A penalty on firing rates.
    #[serde(default)]
    pub firing_rate: Option<FiringRate>,
    /// The largest Euclidean norm of the gradient; longer ones are scaled down to it.
    #[serde(default)]
    pub clip_norm: Option<f64>,
    /// When to end before the last epoch.
    #[serde(default)]
    pub early_stopping: Option<EarlyStopping>,
    /// Number format of the weights in quantisation-aware training.
    #[serde(default)]
    pub quantised: Option<QuantisedWeights>,
}

/// One epoch of Adam at 1e-3 on batches of 32, cross-entropy on the mean firing rates, in f32.
impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 1,
            batch: 32,
            learning_rate: 1e-3,
            schedule: Schedule::default(),
            warm_up_epochs: 0.0,
            optimizer: OptimizerConfig::default(),
            loss: Loss::default(),
            firing_rate: None,
            clip_norm: None,
            early_stopping: None,
            quantised: None,
        }
    }
}

/// Number format of the weights in quantisation-aware training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuantisedWeights {
    /// 8 bits.
    I8,
    /// 16 bits.
    I16,
}

/// Training ends where the loss on held-out samples has not fallen for a while; the network of the best epoch is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs without a new best loss after which training ends.
    pub patience: u32,
    /// Of the training samples, one in this many, by class, is held out for this.
    #[serde(default = "five")]
    pub validation_every: usize,
}

const fn five() -> usize {
    5
}

/// How the learning rate changes over the steps of the optimiser.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// Not at all.
    #[default]
    Constant,
    /// Down to 0 along half a cosine.
    Cosine,
    /// Times `factor` every `epochs` epochs.
    Step {
        /// Epochs between two changes.
        epochs: u32,
        /// What the learning rate is multiplied by.
        factor: f64,
    },
}

impl<'de> Deserialize<'de> for Schedule {
    /// `"constant"`, `"cosine"`, or `{ kind = "step", epochs = 10, factor = 0.5 }`.
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
        enum Tagged {
            Constant {},
            Cosine {},
            Step { epochs: u32, factor: f64 },
        }
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Schedule;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"constant\", \"cosine\", or { kind = \"step\", epochs, factor }")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Schedule, E> {
                match name {
                    "constant" => Ok(Schedule::Constant),
                    "cosine" => Ok(Schedule::Cosine),
                    other => Err(E::unknown_variant(other, &["constant", "cosine"])),
                }
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Schedule, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                Ok(match Tagged::deserialize(map)? {
                    Tagged::Constant {} => Schedule::Constant,
                    Tagged::Cosine {} => Schedule::Cosine,
                    Tagged::Step { epochs, factor } => Schedule::Step { epochs, factor },
                })
            }
        }
        d.deserialize_any(Visitor)
    }
}

impl Schedule {
    /// What the learning rate is multiplied by in step `done` (from 0) of `all`, with `per_epoch` steps an epoch, of
    /// which the first `warm_up` rise in equal steps.
    #[must_use]
    pub fn factor(self, done: usize, all: usize, per_epoch: usize, warm_up: usize) -> f32 {
        if done < warm_up {
            return ((done + 1) as f64 / (warm_up + 1) as f64) as f32;
        }
        match self {
            Self::Constant => 1.0,
            Self::Cosine => {
                let part = (done - warm_up) as f64 / all.saturating_sub(warm_up).max(1) as f64;
                (0.5 + 0.5 * libm::cos(core::f64::consts::PI * part)) as f32
            }
            Self::Step { epochs, factor } => {
                let changes = done / per_epoch.max(1) / epochs.max(1) as usize;
                libm::pow(factor, changes as f64) as f32
            }
        }
    }
}

impl TrainConfig {
    /// The first value that is out of range: its key, the value and what is allowed.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, String, &'static str)> {
        const AT_LEAST_1: &str = "it must be at least 1";
        const NOT_NEGATIVE: &str = "it must be 0 or more, and finite";
        let above_0 = |x: f64| x > 0.0 && x.is_finite();
        let not_negative = |x: f64| x >= 0.0 && x.is_finite();
        let bad = |key, value: &dyn ToString, allowed| Some((key, value.to_string(), allowed));
        if self.epochs == 0 {
            return bad("train.epochs", &0, AT_LEAST_1);
        }
        if self.batch == 0 {
            return bad("train.batch", &0, AT_LEAST_1);
        }
        if !above_0(self.learning_rate.into()) {
            return bad(
                "train.learning_rate",
                &self.learning_rate,
                "it must be above 0",
            );
        }
        if !(0.0..=f64::from(self.epochs)).contains(&self.warm_up_epochs) {
            let allowed = "0 to train.epochs are allowed";
            return bad("train.warm_up_epochs", &self.warm_up_epochs, allowed);
        }
        if let Schedule::Step { epochs, factor } = self.schedule {
            if epochs == 0 {
                return bad("train.schedule.epochs", &0, AT_LEAST_1);
            }
            if !above_0(factor) {
                return bad("train.schedule.factor", &factor, "it must be above 0");
            }
        }
        if let Some((name, value, allowed)) = self.optimizer.problem() {
            let key = match name {
                "momentum" => "train.optimizer.momentum",
                "beta1" => "train.optimizer.beta1",
                "beta2" => "train.optimizer.beta2",
                "eps" => "train.optimizer.eps",
                _ => "train.optimizer.weight_decay",
            };
            return bad(key, &value, allowed);
        }
        if let Some(x) = self.clip_norm.filter(|x| !above_0(*x)) {
            return bad("train.clip_norm", &x, "it must be above 0");
        }
        if let Some(rule) = &self.firing_rate {
            if !not_negative(rule.weight) {
                return bad("train.firing_rate.weight", &rule.weight, NOT_NEGATIVE);
            }
            if !(0.0..=1.0).contains(&rule.low) {
                return bad("train.firing_rate.low", &rule.low, "0 to 1 are allowed");
            }
            if !(rule.low..=1.0).contains(&rule.high) {
                let allowed = "train.firing_rate.low to 1 are allowed";
                return bad("train.firing_rate.high", &rule.high, allowed);
            }
        }
        match self.loss {
            Loss::CrossEntropy {
                label_smoothing: x, ..
            } if !(0.0..1.0).contains(&x) => {
                let allowed = "0 up to but not including 1 is allowed";
                return bad("train.loss.label_smoothing", &x, allowed);
            }
            Loss::Mse {
                correct, incorrect, ..
            } if !(correct.is_finite() && incorrect.is_finite()) => {
                let value = format!("{correct}, {incorrect}");
                return bad(
                    "train.loss.correct, incorrect",
                    &value,
                    "they must be finite",
                );
            }
            _ => (),
        }
        let stop = self.early_stopping?;
        if stop.patience == 0 {
            return bad("train.early_stopping.patience", &0, AT_LEAST_1);
        }
        if stop.validation_every < 2 {
            let key = "train.early_stopping.validation_every";
            return bad(key, &stop.validation_every, "it must be at least 2");
        }
        None
    }

    /// What a trainer needs of it, from seed `seed`; the neurons learn nothing.
    #[must_use]
    pub fn trainer(&self, seed: u64) -> TrainerConfig {
        TrainerConfig {
            loss: self.loss,
            optimizer: self.optimizer,
            firing_rate: self.firing_rate,
            clip_norm: self.clip_norm,
            learn: Vec::new(),
            quantised: self.quant_options(),
            seed,
        }
    }

    /// How the network is quantised in quantisation-aware training.
    #[must_use]
    pub fn quant_options(&self) -> Option<QuantOptions> {
        let weights = match self.quantised? {
            QuantisedWeights::I8 => Weights::I8,
            QuantisedWeights::I16 => Weights::I16,
        };
        Some(QuantOptions {
            weights,
            membranes: Membranes::Auto,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_follow_their_definitions() {
        let at = |s: Schedule, done| s.factor(done, 100, 10, 4);
        assert_eq!(at(Schedule::Constant, 0), 0.2);
        assert_eq!(at(Schedule::Constant, 4), 1.0);
        assert_eq!(at(Schedule::Cosine, 4), 1.0);
        assert!((at(Schedule::Cosine, 52) - 0.5).abs() < 1e-6);
        let step = Schedule::Step {
            epochs: 2,
            factor: 0.5,
        };
        assert_eq!([19, 20, 59].map(|done| at(step, done)), [1.0, 0.5, 0.25]);
    }
}
