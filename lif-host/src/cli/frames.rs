//! The input tensor of `lif run`: what a network is given in each step of each sample.

use std::path::Path;

use lif_nostd::Network;
use lif_nostd::encode::{Poisson, intensity, latency};
use lif_nostd::spikes::words_for;

use super::run::{Args, Encoding, Layout};
use crate::cli::Failure;
use crate::data::Tensors;
use crate::infer::{Host, Input};

/// Name of the tensor that is read.
pub(super) const INPUT: &str = "input";

/// The input tensor, in C order: `[steps, batch, n]`, or `[batch, n]` where every step is the same.
pub(super) struct Frames {
    values: Vec<f32>,
    pub(super) steps: usize,
    pub(super) batch: usize,
    n: usize,
    each_step: bool,
}

impl Frames {
    /// The values of `sample` in `step`.
    fn at(&self, step: usize, sample: usize) -> &[f32] {
        let row = if self.each_step {
            step * self.batch + sample
        } else {
            sample
        };
        self.values
            .get(row * self.n..(row + 1) * self.n)
            .unwrap_or(&[])
    }
}

/// Reads and checks the input tensor.
pub(super) fn frames(args: &Args, host: &Host, bytes: &[u8]) -> Result<Frames, Failure> {
    let fail = |problem: String| Failure::in_file(&args.input, problem);
    let tensors = Tensors::read(bytes).map_err(|e| fail(e.to_string()))?;
    let array = tensors.array(INPUT).map_err(|e| fail(e.to_string()))?;
    let (model, shape) = (host.model(), array.shape.clone());
    let n = model.n_in();
    let values = array
        .to_f32()
        .map_err(|e| fail(format!("tensor {INPUT:?}: {e}")))?;
    if let Some(at) = values.iter().position(|x| !x.is_finite()) {
        let (row, column) = (at / n.max(1), at % n.max(1));
        return Err(fail(format!(
            "tensor {INPUT:?}, row {row}, value {column} is {}; finite numbers are needed",
            values[at]
        )));
    }
    let rest = |from: usize| {
        shape
            .get(from..)
            .and_then(|dims| dims.iter().try_fold(1, |n: usize, d| n.checked_mul(*d)))
    };
    let held = shape.len() > 1 && rest(1) == Some(n);
    let stepped = shape.len() > 2 && rest(2) == Some(n);
    let each_step = match (args.layout, held, stepped) {
        (Layout::Auto, true, true) => {
            return Err(fail(format!(
                "tensor {INPUT:?} of shape {shape:?} can be [batch, ...] and [time, batch, ...]; say which with --layout"
            )));
        }
        (Layout::Auto | Layout::Batch, true, _) => false,
        (Layout::Auto | Layout::TimeBatch, _, true) => true,
        _ => {
            return Err(fail(format!(
                "tensor {INPUT:?} has shape {shape:?}; the network takes {n} values: [batch, ...] or [time, batch, ...] \
                 is needed, where ... are {n}"
            )));
        }
    };
    let said = args.steps.map(usize::from);
    let steps = match (each_step, said) {
        (true, Some(steps)) if steps != shape[0] => {
            return Err(fail(format!(
                "tensor {INPUT:?} has {} time steps, and --steps says {steps}",
                shape[0]
            )));
        }
        (true, _) => shape[0],
        (false, said) => said.unwrap_or(model.steps() as usize),
    };
    let batch = shape[usize::from(each_step)];
    if steps == 0 || batch == 0 || steps > usize::from(u16::MAX) {
        return Err(fail(format!(
            "tensor {INPUT:?} has {steps} time steps of {batch} samples; 1 to 65535 steps and at least a sample are needed"
        )));
    }
    if each_step && args.encoding.is_some() {
        return Err(fail(format!(
            "--encoding needs [batch, ...]; tensor {INPUT:?} has time steps"
        )));
    }
    let frames = Frames {
        values,
        steps,
        batch,
        n,
        each_step,
    };
    check_range(args, host, &frames)?;
    Ok(frames)
}

/// Spikes must be 0 or 1, and what becomes spikes from 0 to 1.
fn check_range(args: &Args, host: &Host, frames: &Frames) -> Result<(), Failure> {
    let takes_spikes = matches!(
        Input::from_raw(&host.model(), frames.at(0, 0)),
        Input::Spikes(_)
    );
    if !takes_spikes {
        return Ok(());
    }
    let (allowed, what): (fn(f32) -> bool, _) = match args.encoding {
        None => (
            |x| x == 0.0 || x == 1.0,
            "the network takes spikes, 0 or 1; --encoding poisson or latency makes some of values",
        ),
        Some(_) => (
            |x| (0.0..=1.0).contains(&x),
            "--encoding takes values from 0 to 1",
        ),
    };
    match frames.values.iter().position(|x| !allowed(*x)) {
        None => Ok(()),
        Some(at) => {
            let (row, column) = (at / frames.n, at % frames.n);
            Err(Failure::in_file(
                &args.input,
                format!(
                    "tensor {INPUT:?}, row {row}, value {column} is {}: {what}",
                    frames.values[at]
                ),
            ))
        }
    }
}

pub(super) fn warn_of_saturation(file: &Path, host: &Host, frames: &Frames) {
    let rows = frames.values.chunks(frames.n.max(1));
    let cut: usize = rows.map(|raw| Input::saturated(&host.model(), raw)).sum();
    if cut > 0 {
        eprintln!(
            "warning: {}: {cut} of {} values are outside the range of the network's input and were cut to it; \
             `lif inspect` shows its unit, of which -128 to 127 are in the range",
            file.display(),
            frames.values.len()
        );
    }
}

/// The input of one sample.
pub(super) struct Source<'a> {
    frames: &'a Frames,
    sample: usize,
    takes_spikes: bool,
    encoded: Encoded,
}

/// What an encoder makes of a sample.
enum Encoded {
    /// The values are the input.
    No,
    Poisson(Poisson, Vec<u32>),
    Latency(Vec<u16>),
}

impl<'a> Source<'a> {
    pub(super) fn new(args: &Args, frames: &'a Frames, sample: usize, takes_spikes: bool) -> Self {
        let intensities = || frames.at(0, sample).iter().map(|x| intensity(*x));
        let encoded = match args.encoding {
            None => Encoded::No,
            Some(Encoding::Poisson) => {
                let number = u32::try_from(sample).unwrap_or(u32::MAX);
                Encoded::Poisson(Poisson::new(args.seed, number), intensities().collect())
            }
            Some(Encoding::Latency) => {
                let steps = u16::try_from(frames.steps).unwrap_or(u16::MAX);
                Encoded::Latency(intensities().map(|i| latency::linear(i, steps)).collect())
            }
        };
        Self {
            frames,
            sample,
            takes_spikes,
            encoded,
        }
    }

    /// Sets the input of `step`.
    pub(super) fn set(
        &self,
        network: &mut Network<'_>,
        step: usize,
    ) -> Result<(), lif_nostd::Error> {
        let raw = self.frames.at(step, self.sample);
        if !self.takes_spikes {
            // A current stays until it is set again.
            return match step == 0 || self.frames.each_step {
                true => Input::from_raw(network.model(), raw).set(network),
                false => Ok(()),
            };
        }
        let mut words = vec![0; words_for(self.frames.n)];
        match &self.encoded {
            Encoded::No => {
                for (i, _) in raw.iter().enumerate().filter(|(_, x)| **x != 0.0) {
                    words[i / 32] |= 1 << (i % 32);
                }
            }
            Encoded::Poisson(poisson, intensities) => {
                poisson.encode(step as u32, intensities, &mut words);
            }
            Encoded::Latency(times) => latency::spikes(times, step as u16, &mut words),
        }
        network.set_spikes(&words)
    }
}
