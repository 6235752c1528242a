//! Post-training quantisation with calibration, for networks that were not trained in integers.
//!
//! Quantisation itself is one formula of the weights (`docs/dynamics.md`, section 4.2). Calibration chooses what goes
//! into it from samples: the step of the input, and for each layer the largest weight, beyond which weights are cut.

use crate::data::Samples;
use crate::infer::input_units;
use crate::net::{Net, NodeKind};
use crate::quant::{QuantOptions, quantise_with};
use crate::train::{Error, Input, Outputs, Pass, classes};

/// Shares of the largest weight that are tried.
const CLIPS: [f32; 6] = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5];

/// How far an integer network agrees with its float one.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Share of the samples whose class the float network finds; none without classes.
    pub float_accuracy: Option<f64>,
    /// The same of the integer network.
    pub integer_accuracy: Option<f64>,
    /// Share of the samples for which both find the same class.
    pub same_class: f64,
    /// Layer by layer, the share of neurons, steps and samples whose spikes are equal; none where neurons do not spike.
    pub equal_spikes: Vec<Option<f64>>,
}

/// A calibrated network and what was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibrated {
    /// The network, its weights cut; quantising it with the same options gives the integer network.
    pub net: Net,
    /// For each layer, the share of its largest weight at which weights are cut.
    pub clips: Vec<f32>,
}

/// Chooses the step of the input and where the weights of each layer are cut, from the first layer on, so that most
/// spikes on `samples` equal those of the float network; of equally good ones the largest. Membranes that are read out
/// are compared by their squared distance.
///
/// # Errors
///
/// [`Error`] where the network cannot be run or quantised, or the samples do not fit it.
pub fn calibrate(net: &Net, samples: &Samples, options: QuantOptions) -> Result<Calibrated, Error> {
    check(net, samples)?;
    let mut net = net.clone();
    let step = samples.input_step();
    if let Some(NodeKind::Input(scale)) = net.nodes.first_mut().map(|n| &mut n.kind) {
        scale.step = step;
    }
    let mut float = Pass::<f32>::new(&net)?;
    run_float(&mut float, &net, samples)?;
    let spans: Vec<_> = net.layers()?.iter().map(|l| l.weight.clone()).collect();
    let mut clips = Vec::new();
    let mut integer = Pass::<f32>::new(&net)?;
    for (l, span) in spans.into_iter().enumerate() {
        let largest = net.weights[span.clone()]
            .iter()
            .fold(0.0f32, |m, w| m.max(w.abs()));
        let mut best: Option<(f64, f32, Net)> = None;
        for clip in CLIPS {
            let mut cut = net.clone();
            let limit = clip * largest;
            for w in &mut cut.weights[span.clone()] {
                *w = w.clamp(-limit, limit);
            }
            run_integer(&mut integer, &cut, samples, options)?;
            let off = distance(&float, &integer, l);
            if best.as_ref().is_none_or(|b| off < b.0) {
                best = Some((off, clip, cut));
            }
        }
        if let Some((_, clip, cut)) = best {
            clips.push(clip);
            net = cut;
        }
    }
    Ok(Calibrated { net, clips })
}

/// Runs the float network `float` and the quantised `net` on `samples` and compares them.
///
/// # Errors
///
/// Those of [`calibrate`].
pub fn agreement(
    float: &Net,
    net: &Net,
    samples: &Samples,
    options: QuantOptions,
) -> Result<Agreement, Error> {
    check(float, samples)?;
    check(net, samples)?;
    let mut passes = [Pass::<f32>::new(float)?, Pass::<f32>::new(net)?];
    let [a, b] = &mut passes;
    let found = [
        run_float(a, float, samples)?,
        run_integer(b, net, samples, options)?,
    ];
    let share = |with: &[u32], to: &[u32]| {
        let same = with.iter().zip(to).filter(|(a, b)| a == b).count();
        same as f64 / with.len().max(1) as f64
    };
    let labels = (samples.labels.len() == samples.len()).then_some(&samples.labels);
    let accuracy = |i: usize| labels.map(|labels| share(&found[i], labels));
    let equal = (0..a.n_layers()).map(|l| {
        let spiking = a.spikes(l).is_some_and(|s| !s.is_empty());
        spiking.then(|| 1.0 - distance(a, b, l))
    });
    Ok(Agreement {
        float_accuracy: accuracy(0),
        integer_accuracy: accuracy(1),
        same_class: share(&found[0], &found[1]),
        equal_spikes: equal.collect(),
    })
}

fn check(net: &Net, samples: &Samples) -> Result<(), Error> {
    let (n_in, _) = net.input()?;
    if samples.is_empty() || samples.n_in != n_in {
        return Err(Error::Data(format!(
            "{} samples of {} values for a network of {n_in} inputs",
            samples.len(),
            samples.n_in
        )));
    }
    Ok(())
}

fn run_float(pass: &mut Pass<f32>, net: &Net, samples: &Samples) -> Result<Vec<u32>, Error> {
    let full_scale = net.input()?.1.map_or(1.0, |scale| scale.full_scale);
    let x: Vec<f32> = samples.values.iter().map(|x| x / full_scale).collect();
    let mut repeated = Vec::new();
    let outputs = pass.forward(&net.weights, held(&x, net, &mut repeated), None)?;
    Ok(found(outputs, net.n_out(), samples.len()))
}

fn run_integer(
    pass: &mut Pass<f32>,
    net: &Net,
    samples: &Samples,
    options: QuantOptions,
) -> Result<Vec<u32>, Error> {
    let layers = quantise_with(net, options)?;
    let step = net.input()?.1.map_or(1.0, |scale| scale.step);
    let units = samples
        .values
        .iter()
        .map(|x| i16::from(input_units(*x, step)));
    let x: Vec<i16> = units.collect();
    let mut repeated = Vec::new();
    let outputs = pass.forward_quantised(&net.weights, &layers, held(&x, net, &mut repeated), None);
    Ok(found(outputs, net.n_out(), samples.len()))
}

/// Values are held over the steps; where the input is of spikes, the same ones come in every step.
fn held<'a, T: Copy>(x: &'a [T], net: &Net, repeated: &'a mut Vec<T>) -> Input<'a, T> {
    if matches!(
        net.nodes.first().map(|n| &n.kind),
        Some(NodeKind::SpikeInput)
    ) {
        *repeated = x.repeat(net.steps as usize);
        return Input::Steps(repeated);
    }
    Input::Held(x)
}

/// The classes found; of readouts of each step the last ones count.
fn found(outputs: Outputs<'_, f32>, n_out: usize, batch: usize) -> Vec<u32> {
    match outputs {
        Outputs::Readouts(values) => {
            let last = values.len().saturating_sub(batch * n_out);
            classes(Outputs::Readouts(&values[last..]), batch)
        }
        counts => classes(counts, batch),
    }
}

/// Share of the spikes of layer `l` that differ, or the mean squared distance of its membranes.
fn distance(float: &Pass<f32>, integer: &Pass<f32>, l: usize) -> f64 {
    let (Some(a), Some(b)) = (float.spikes(l), integer.spikes(l)) else {
        return 0.0;
    };
    if !a.is_empty() {
        let differ = a.iter().zip(b).filter(|(a, b)| a != b).count();
        return differ as f64 / a.len() as f64;
    }
    let (a, b) = (float.membranes(l), integer.membranes(l));
    let squares = a
        .iter()
        .zip(b)
        .map(|(a, b)| f64::from(a - b) * f64::from(a - b));
    squares.sum::<f64>() / a.len().max(1) as f64
}
