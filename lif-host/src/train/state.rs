//! Checkpoints of training runs: all that it takes to go on as if nothing had happened.
//!
//! A checkpoint is a model file (see [`crate::checkpoint`]) with more tensors, so that whatever reads a model reads it
//! too. Numbers that must survive to the bit are written as their bits.

use serde::{Deserialize, Serialize};

use super::run::{Data, Epoch, Error, Position, Run, Score};
use super::{TrainConfig, TrainerConfig};
use crate::checkpoint::{self, Extra};
use crate::data::Samples;
use crate::net::Net;

/// Names of the tensors; the first is a text.
const STATE: &str = "training.state";
const PARAMS: &str = "training.parameters";
const FIRST: &str = "training.first-moment";
const SECOND: &str = "training.second-moment";
const BEST: &str = "training.best-parameters";

/// The state beside the tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    version: u32,
    /// What the run was configured with, as its caller says it.
    config: String,
    seed: u64,
    /// Digests of the training samples, and of those to validate with.
    data: [u64; 2],
    epochs: u32,
    batches: Option<usize>,
    steps: u64,
    loss: u64,
    correct: usize,
    powers: [u64; 2],
    best: Option<(u32, u64)>,
    history: Vec<Past>,
}

/// An epoch that is over; real numbers as their bits.
#[derive(Serialize, Deserialize)]
struct Past {
    loss: u64,
    accuracy: u64,
    learning_rate: u64,
    validation: Option<[u64; 2]>,
}

impl Past {
    fn of(epoch: &Epoch) -> Self {
        Self {
            loss: epoch.loss.to_bits(),
            accuracy: epoch.accuracy.to_bits(),
            learning_rate: epoch.learning_rate.to_bits(),
            validation: epoch
                .validation
                .map(|s| [s.loss.to_bits(), s.accuracy.to_bits()]),
        }
    }

    fn epoch(&self, epoch: u32, epochs: u32) -> Epoch {
        Epoch {
            epoch,
            epochs,
            loss: f64::from_bits(self.loss),
            accuracy: f64::from_bits(self.accuracy),
            learning_rate: f64::from_bits(self.learning_rate),
            validation: self.validation.map(|[loss, accuracy]| Score {
                loss: f64::from_bits(loss),
                accuracy: f64::from_bits(accuracy),
            }),
        }
    }
}

/// A number that stands for samples: FNV-1a over 32-bit words.
pub(super) fn digest(samples: &Samples) -> u64 {
    let values = samples.values.iter().map(|x| x.to_bits());
    let words = std::iter::once(samples.n_in as u32)
        .chain(values)
        .chain(samples.labels.iter().copied());
    words.fold(0xcbf2_9ce4_8422_2325, |hash, word| {
        (hash ^ u64::from(word)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// What a checkpoint says of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What [`Run::checkpoint`] was given as the text of the configuration.
    pub config: String,
    /// The seed.
    pub seed: u64,
    /// Epochs done.
    pub epochs: u32,
}

impl Stored {
    /// Of the checkpoint `bytes`.
    ///
    /// # Errors
    ///
    /// [`checkpoint::Error`] where they are no checkpoint of a run.
    pub fn read(bytes: &[u8]) -> Result<Self, checkpoint::Error> {
        let State {
            config,
            seed,
            epochs,
            ..
        } = State::read(bytes)?;
        Ok(Self {
            config,
            seed,
            epochs,
        })
    }
}

impl State {
    fn read(bytes: &[u8]) -> Result<Self, checkpoint::Error> {
        let text = checkpoint::text(bytes, STATE)?;
        serde_json::from_str(&text).map_err(|e| checkpoint::Error::Description(e.to_string()))
    }
}

impl<'a> Run<'a> {
    /// The run as the bytes of a checkpoint; `config`, the text of its configuration, is kept for
    /// [`Stored`].
    ///
    /// # Errors
    ///
    /// [`checkpoint::Error::Net`] where the network is not valid.
    pub fn checkpoint(&self, config: &str) -> Result<Vec<u8>, checkpoint::Error> {
        let at = &self.at;
        let optimizer = &self.trainer.optimizer;
        let state = State {
            version: 1,
            config: config.into(),
            seed: self.seed,
            data: self.digests,
            epochs: at.epochs,
            batches: at.batches,
            steps: self.trainer.steps,
            loss: at.loss.to_bits(),
            correct: at.correct,
            powers: [optimizer.powers.0.to_bits(), optimizer.powers.1.to_bits()],
            best: at.best.as_ref().map(|b| (b.0, b.1.to_bits())),
            history: at.history.iter().map(Past::of).collect(),
        };
        let text = serde_json::to_string(&state);
        let text = text.map_err(|e| checkpoint::Error::Description(e.to_string()))?;
        let mut tensors = vec![
            (PARAMS, &self.trainer.params[..]),
            (FIRST, &optimizer.first),
            (SECOND, &optimizer.second),
        ];
        if let Some((_, _, params)) = &at.best {
            tensors.push((BEST, params));
        }
        let text = Some((STATE, text));
        checkpoint::to_bytes_with(self.trainer.net(), &Extra { tensors, text })
    }

    /// Goes on with the run of a checkpoint: from here on it gives the same bits as if it had never stopped.
    ///
    /// `net` is the network that the run began with; it and the configurations must be those of the run.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] where `bytes` are no checkpoint, or one of another run.
    pub fn resume(
        bytes: &[u8],
        net: Net,
        data: Data<'a>,
        train: TrainConfig,
        trainer: TrainerConfig,
    ) -> Result<Self, Error> {
        let other = |problem: &str| {
            Err(Error::Checkpoint(checkpoint::Error::Description(format!(
                "it is of another run: {problem}"
            ))))
        };
        let state = State::read(bytes)?;
        if state.version != 1 {
            return other(&format!("its version is {}, not 1", state.version));
        }
        if state.seed != trainer.seed {
            return other(&format!("its seed is {}", state.seed));
        }
        let mut run = Self::new(net, data, train, trainer)?;
        if state.data != run.digests {
            return other("the samples were changed since");
        }
        let read = |name, like: usize| checkpoint::tensor(bytes, name, like);
        let n = run.trainer.params.len();
        let optimizer = &mut run.trainer.optimizer;
        optimizer.first = read(FIRST, optimizer.first.len())?;
        optimizer.second = read(SECOND, optimizer.second.len())?;
        optimizer.powers = (
            f64::from_bits(state.powers[0]),
            f64::from_bits(state.powers[1]),
        );
        run.trainer.steps = state.steps;
        run.trainer.set_params(read(PARAMS, n)?);
        let best = match state.best {
            Some((epoch, loss)) => Some((epoch, f64::from_bits(loss), read(BEST, n)?)),
            None => None,
        };
        let history = (1..).zip(&state.history);
        if state.epochs > train.epochs || state.batches > Some(run.steps_per_epoch()) {
            return other("it is past the end");
        }
        run.seek(Position {
            epochs: state.epochs,
            batches: state.batches,
            loss: f64::from_bits(state.loss),
            correct: state.correct,
            best,
            history: history.map(|(i, e)| e.epoch(i, train.epochs)).collect(),
        });
        Ok(run)
    }
}
