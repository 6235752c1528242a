//! What `lif train` writes.

use std::path::{Path, PathBuf};

use crate::cli::{Failure, files, train};
use crate::data::Samples;
use crate::plot::{Line, curves_svg, histogram_svg};
use crate::train::{Epoch, Input, Run, Trainer};

/// The folder of a run and the name of its network.
pub(super) struct Out {
    dir: PathBuf,
    name: String,
}

impl Out {
    pub(super) fn new(dir: &Path, name: &str) -> Self {
        Self {
            dir: dir.into(),
            name: name.into(),
        }
    }

    /// The trained network.
    pub(super) fn model_file(&self) -> PathBuf {
        self.dir.join(format!("{}.safetensors", self.name))
    }

    /// All that it takes to go on.
    pub(super) fn checkpoint_file(&self) -> PathBuf {
        self.dir
            .join(format!("{}.checkpoint.safetensors", self.name))
    }

    /// Writes the checkpoint and the metrics of `run`, of which `text` is the configuration.
    pub(super) fn checkpoint(&self, run: &Run<'_>, text: &str) -> Result<(), Failure> {
        let file = self.checkpoint_file();
        let bytes = run
            .checkpoint(text)
            .map_err(|e| Failure::in_file(&file, e))?;
        files::write(&file, &bytes)?;
        self.metrics(run.history())
    }

    /// Writes a line an epoch.
    fn metrics(&self, history: &[Epoch]) -> Result<(), Failure> {
        let mut text =
            String::from("epoch,loss,accuracy,validation_loss,validation_accuracy,learning_rate\n");
        for e in history {
            let [loss, accuracy] = match e.validation {
                Some(s) => [s.loss.to_string(), s.accuracy.to_string()],
                None => Default::default(),
            };
            let row = [
                e.epoch.to_string(),
                e.loss.to_string(),
                e.accuracy.to_string(),
                loss,
                accuracy,
                e.learning_rate.to_string(),
            ];
            text += &row.join(",");
            text.push('\n');
        }
        files::write(&self.dir.join("metrics.csv"), text.as_bytes())
    }

    /// Writes the network of `trainer`, the metrics and the pictures; firing rates are those on `samples`.
    pub(super) fn results(
        &self,
        trainer: &mut Trainer,
        history: &[Epoch],
        samples: &Samples,
    ) -> Result<(), Failure> {
        train::save(&self.model_file(), trainer.net())?;
        self.metrics(history)?;
        let line = |name: &str, values: Vec<f64>| Line {
            name: name.into(),
            values,
        };
        let curve = |of: fn(&Epoch) -> f64, held_out: fn(&Epoch) -> Option<f64>| {
            let mut lines = vec![line("training", history.iter().map(of).collect())];
            let values: Vec<f64> = history.iter().filter_map(held_out).collect();
            if !values.is_empty() {
                lines.push(line("validation", values));
            }
            lines
        };
        let loss = curve(|e| e.loss, |e| e.validation.map(|s| s.loss));
        let accuracy = curve(|e| e.accuracy, |e| e.validation.map(|s| s.accuracy));
        let rates = firing_rates(trainer, samples)?;
        let weights = weights(trainer)?;
        let pictures = [
            ("loss.svg", curves_svg(&self.title("loss"), "loss", &loss)),
            (
                "accuracy.svg",
                curves_svg(&self.title("accuracy"), "share", &accuracy),
            ),
            (
                "weights.svg",
                histogram_svg(&self.title("weights"), "weight", &weights),
            ),
            (
                "spike-rates.svg",
                histogram_svg(&self.title("firing rates"), "spikes a step", &rates),
            ),
        ];
        for (name, svg) in pictures {
            let file = self.dir.join(name);
            match svg {
                Ok(svg) => files::write(&file, svg.as_bytes())?,
                // A network whose neurons never spike, or of one epoch, has less to show.
                Err(crate::plot::Error::Empty) => (),
                Err(e) => return Err(Failure::in_file(&file, e)),
            }
        }
        Ok(())
    }

    fn title(&self, what: &str) -> String {
        format!("{}: {what}", self.name)
    }
}

/// The firing rate of each neuron on `samples`, in spikes a step, for each layer that spikes.
pub(super) fn firing_rates(trainer: &mut Trainer, samples: &Samples) -> Result<Vec<Line>, Failure> {
    let names: Vec<(String, usize)> = {
        let layers = trainer.net().layers();
        let layers = layers.map_err(|e| Failure::Input(e.to_string()))?;
        layers.iter().map(|l| (l.neuron.into(), l.n_out)).collect()
    };
    let steps = f64::from(trainer.net().steps);
    let mut sums: Vec<Vec<f64>> = names.iter().map(|(_, n)| vec![0.0; *n]).collect();
    let all: Vec<usize> = (0..samples.len()).collect();
    for indices in all.chunks(64) {
        let batch = samples.select(indices);
        trainer.forward(Input::Held(&batch.values), false)?;
        for (l, sums) in sums.iter_mut().enumerate() {
            let spikes = trainer.pass().spikes(l).unwrap_or(&[]);
            for row in spikes.chunks_exact(sums.len().max(1)) {
                for (sum, s) in sums.iter_mut().zip(row) {
                    *sum += f64::from(*s);
                }
            }
        }
    }
    let rate = |sum: f64| sum / (steps * samples.len().max(1) as f64);
    let spiking = names.into_iter().zip(sums).enumerate().filter(|(l, _)| {
        let spikes = trainer.pass().spikes(*l);
        spikes.is_some_and(|s| !s.is_empty())
    });
    let line = |(_, ((name, _), sums)): (usize, ((String, usize), Vec<f64>))| Line {
        name,
        values: sums.into_iter().map(rate).collect(),
    };
    Ok(spiking.map(line).collect())
}

/// The weights of each layer.
fn weights(trainer: &Trainer) -> Result<Vec<Line>, Failure> {
    let net = trainer.net();
    let layers = net.layers().map_err(|e| Failure::Input(e.to_string()))?;
    let line = |l: &crate::net::Layer<'_>| Line {
        name: l.synapse.into(),
        values: net.weights[l.weight.clone()]
            .iter()
            .map(|w| f64::from(*w))
            .collect(),
    };
    Ok(layers.iter().map(line).collect())
}
