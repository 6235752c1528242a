//! Training: loss, optimiser, the loop and its configuration file.

mod adam;
mod config;
mod fit;
mod loss;
mod pass;

pub use adam::{Adam, AdamParams};
pub use config::{
    Config, ConfigError, DataConfig, LayerConfig, NeuronConfig, Schedule, TrainConfig,
};
pub use fit::{Epoch, Error, Trainer, accuracy, fit};
pub use loss::{Loss, cross_entropy_on_rate};
pub use pass::Pass;
