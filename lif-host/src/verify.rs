//! The cross-check: a board computes what the host computes, spike by spike and membrane by membrane.

use lif_nostd::Network;
use lif_nostd::model::{Membranes, Model};

use crate::device::{Client, Error, Port};
use crate::infer::{Answer, Host, Input, run_sample};

/// Where board and host first differ in a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Sample, from 0.
    pub sample: usize,
    /// Layer, from 0.
    pub layer: usize,
    /// Time step, from 0.
    pub step: u32,
    /// Neuron, from 0.
    pub neuron: usize,
    /// What differs there.
    pub what: What,
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The spike; the host says whether it fired.
    Spike {
        /// Whether it fired on the host.
        host: bool,
    },
    /// The membrane, while all spikes were equal up to there.
    Membrane,
    /// The count of an output neuron, while all spikes and membranes were equal.
    Counts {
        /// Spikes that the host counted.
        host: u32,
        /// Spikes that the board counted.
        board: u32,
    },
    /// The digest of the whole run, while every step by step was equal.
    Digest,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            sample,
            layer,
            step,
            neuron,
            ..
        } = self;
        let place = format!("sample {sample}, layer {layer}, step {step}, neuron {neuron}");
        match self.what {
            What::Spike { host: true } => {
                write!(f, "{place}: spikes on the host, not on the board")
            }
            What::Spike { host: false } => {
                write!(f, "{place}: spikes on the board, not on the host")
            }
            What::Membrane => write!(f, "{place}: the membranes differ, and no spike before"),
            What::Counts { host, board } => write!(
                f,
                "sample {sample}, layer {layer}, neuron {neuron}: the board counts {board} spikes, the host {host}, \
                 though no spike and no membrane differs"
            ),
            What::Digest => write!(
                f,
                "sample {sample}: the digests differ, but not one spike or membrane when stepped: a run is not repeatable"
            ),
        }
    }
}

/// What a cross-check found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Samples that were compared.
    pub samples: usize,
    /// Neuron-steps whose spike was compared.
    pub spikes_compared: u64,
    /// Neuron-steps whose spike differs.
    pub spikes_differ: u64,
    /// Samples in which a spike or a membrane differs.
    pub samples_differ: usize,
    /// The first difference.
    pub first: Option<Difference>,
    /// Class that the board found for each sample.
    pub classes: Vec<usize>,
    /// Ticks of the board's counter for each sample; empty where it wrapped.
    pub ticks: Vec<u64>,
    /// Bytes of stack that the board used at the most.
    pub stack_bytes: u32,
}

impl Report {
    /// Whether every spike and every membrane was equal.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.samples_differ == 0
    }
}

/// Runs each sample on `host` and on the board behind `client`, for `steps` steps, and compares all spikes
/// and the membranes at the end. `on_sample` is called with the number of samples done.
///
/// # Errors
///
/// [`Error`] of the board; a difference is not an error, it is in the [`Report`].
///
/// # Panics
///
/// If a sample does not fit the host's model.
pub fn cross_check<P: Port>(
    host: &mut Host,
    client: &mut Client<P>,
    samples: &[Input],
    steps: u16,
    mut on_sample: impl FnMut(usize),
) -> Result<Report, Error> {
    let model = host.model();
    let neurons: usize = (0..model.n_layers())
        .filter_map(|l| model.layer(l))
        .map(|l| l.n_out)
        .sum();
    let mut network = host.network();
    let mut report = Report {
        samples: samples.len(),
        spikes_compared: samples.len() as u64 * u64::from(steps) * neurons as u64,
        ..Report::default()
    };
    for (i, input) in samples.iter().enumerate() {
        let want =
            run_sample(&mut network, input, u32::from(steps)).expect("samples fit the model");
        let got = client.infer(input, steps)?;
        same_length("counts", &want.counts, &got.answer.counts)?;
        report.classes.push(got.answer.class());
        report.ticks.extend(got.ticks);
        if got.answer != want {
            let (differ, first) = locate(&mut network, client, i, input, steps)?;
            let first = first.unwrap_or_else(|| in_answer(i, network.model(), &want, &got.answer));
            report.samples_differ += 1;
            report.spikes_differ += differ;
            report.first.get_or_insert(first);
        }
        on_sample(i + 1);
    }
    report.stack_bytes = client.statistics()?.stack_bytes;
    Ok(report)
}

/// [`Error::Unexpected`] where the board gave more or fewer values than the host has.
fn same_length<T>(name: &'static str, ours: &[T], theirs: &[T]) -> Result<(), Error> {
    if ours.len() == theirs.len() {
        Ok(())
    } else {
        Err(Error::Unexpected(name))
    }
}

/// Where the answers `want` of the host and `got` of the board differ, while the steps were equal.
fn in_answer(sample: usize, model: &Model<'_>, want: &Answer, got: &Answer) -> Difference {
    let mut counts = want.counts.iter().zip(&got.counts).enumerate();
    let (neuron, what) = match counts.find(|(_, (host, board))| host != board) {
        Some((neuron, (&host, &board))) => (neuron, What::Counts { host, board }),
        None => (0, What::Digest),
    };
    Difference {
        sample,
        layer: model.n_layers().saturating_sub(1),
        step: 0,
        neuron,
        what,
    }
}

/// Steps both through sample `sample`: the number of spikes that differ, and where they part first.
fn locate<P: Port>(
    network: &mut Network<'_>,
    client: &mut Client<P>,
    sample: usize,
    input: &Input,
    steps: u16,
) -> Result<(u64, Option<Difference>), Error> {
    network.reset();
    input.set(network).expect("samples fit the model");
    client.infer(input, 0)?;
    let mut differ = 0;
    let mut first = None;
    for step in 0..u32::from(steps) {
        input
            .set_step(network, step)
            .expect("samples fit the model");
        network.step();
        client.step(input, step)?;
        // A model has at most 32,767 layers.
        for (layer, (spikes, v)) in (0u16..).zip(network.layers()) {
            let at = |neuron, what| Difference {
                sample,
                layer: layer.into(),
                step,
                neuron,
                what,
            };
            let theirs = client.spikes(layer)?;
            same_length("spikes", spikes.words(), &theirs)?;
            for (word, (a, b)) in spikes.words().iter().zip(&theirs).enumerate() {
                let diff = a ^ b;
                differ += u64::from(diff.count_ones());
                if diff != 0 {
                    let neuron = word * 32 + diff.trailing_zeros() as usize;
                    let host = spikes.get(neuron);
                    first.get_or_insert(at(neuron, What::Spike { host }));
                }
            }
            if first.is_none() {
                let (ours, size) = (
                    v.bytes(),
                    if matches!(v, Membranes::I16(_)) { 2 } else { 4 },
                );
                let theirs = client.membranes(layer)?;
                same_length("membranes", ours, &theirs)?;
                if let Some(byte) = ours.iter().zip(&theirs).position(|(a, b)| a != b) {
                    first = Some(at(byte / size, What::Membrane));
                }
            }
        }
    }
    Ok((differ, first))
}
