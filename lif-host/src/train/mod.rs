//! Training: losses, optimisers, passes, the loop, checkpoints and the configuration file.
//!
//! | from the bottom up | what it is |
//! |---|---|
//! | [`Pass`] | one forward and backward over a batch, in f32 or f64, float or in the device's integers |
//! | [`Loss`], [`FiringRate`] | losses and their gradients |
//! | [`Optimizer`], [`clip_norm`] | what a gradient changes |
//! | [`Trainer`] | a network in training: one step at a time |
//! | [`Run`] | a whole run: epochs, learning rate, early stopping, checkpoints |
//! | [`fit`] | the same in one call |
//! | [`Config`] | a run as its file says it |

mod config;
mod layer_config;
mod loss;
mod neurons;
mod number;
mod optimizer;
mod parameters;
mod pass;
mod quantised;
mod run;
mod state;
mod train_config;
mod trainer;

pub use config::{Config, ConfigError, DataConfig};
pub use layer_config::{LayerConfig, Learnable, NeuronConfig, NoReset, Reset, Values};
pub use loss::{FiringRate, Loss, LossValue, On, Outputs, Targets};
pub use number::Number;
pub use optimizer::{Optimizer, OptimizerConfig, clip_norm};
pub use parameters::Learn;
pub use pass::{Dropout, Input, Pass};
pub use run::{Data, Epoch, Error, Event, Run, Score, accuracy, classes, fit, score};
pub use state::Stored;
pub use train_config::{EarlyStopping, QuantisedWeights, Schedule, TrainConfig};
pub use trainer::{Step, Trainer, TrainerConfig};
