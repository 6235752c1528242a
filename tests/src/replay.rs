//! Networks on this machine, step by step, and what `boards/replay` is told and prints of the same.

use std::str::FromStr;

use lif_host::infer::Host;
use lif_nostd::model::format::Number;
use lif_nostd::model::{Digest, Membranes};
use lif_nostd::spikes::{Spikes, words_for};
use lif_nostd::{Error, Network};

use crate::random_models::Sample;

/// What a network did, as `boards/replay` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Digest of the spikes and membranes of all layers after each step.
    pub digest: u32,
    /// Counts, first spikes and readouts after the last step.
    pub answer: u32,
}

/// A layer after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerState {
    /// Number of the step, from 0.
    pub step: usize,
    /// Number of the layer, from 0.
    pub layer: usize,
    /// Its spikes, packed, as they lie in memory.
    pub spikes: Vec<u8>,
    /// Its membranes, as they lie in memory.
    pub membranes: Vec<u8>,
}

/// Runs `sample` on this machine; `observe` is called after each step.
///
/// # Errors
///
/// Those of the reader, and of an input that the network does not take.
pub fn run(sample: &Sample, mut observe: impl FnMut(usize, &Network<'_>)) -> Result<Run, Error> {
    let mut host = Host::new(&sample.model)?;
    let mut network = host.network();
    let mut digest = Digest::new();
    for step in 0..sample.steps as usize {
        set_input(&mut network, &sample.input, step)?;
        network.step();
        digest.add_spikes(&network);
        digest.add_membranes(&network);
        observe(step, &network);
    }
    let mut answer = 0x811c_9dc5u32;
    let mut add = |word: u32| answer = (answer ^ word).wrapping_mul(0x0100_0193);
    for (i, first) in network.first_spikes().enumerate() {
        add(network.counts()[i]);
        add(first.map_or(u32::MAX, u32::from));
        add(network.readout(i).unwrap_or(0.0).to_bits());
    }
    let digest = digest.finish();
    Ok(Run { digest, answer })
}

fn set_input(network: &mut Network<'_>, input: &[u8], step: usize) -> Result<(), Error> {
    let n = network.model().n_in();
    let words = |bytes: &[u8]| -> Vec<u32> {
        let (words, _) = bytes.as_chunks();
        words.iter().map(|w| u32::from_le_bytes(*w)).collect()
    };
    match network.model().number() {
        Number::Bits => {
            let size = 4 * words_for(n);
            network.set_spikes(&words(&input[step * size..(step + 1) * size]))
        }
        _ if step > 0 => Ok(()),
        Number::F32 => {
            let values = words(input).into_iter().map(f32::from_bits);
            network.set_current_f32(&values.collect::<Vec<_>>())
        }
        _ => network.set_current(&input.iter().map(|x| *x as i8).collect::<Vec<_>>()),
    }
}

/// The layers of `network` after step `step`, each with the bytes that a membrane takes.
#[must_use]
pub fn layer_states(step: usize, network: &Network<'_>) -> Vec<(LayerState, usize)> {
    let state = |(layer, (spikes, v)): (usize, (Spikes<'_>, Membranes<'_>))| {
        let words = spikes.words().iter();
        let state = LayerState {
            step,
            layer,
            spikes: words.flat_map(|w| w.to_le_bytes()).collect(),
            membranes: v.bytes().to_vec(),
        };
        (state, v.bytes().len() / spikes.len().max(1))
    };
    network.layers().enumerate().map(state).collect()
}

/// What a core printed of a bundle.
#[derive(Debug, Default)]
pub struct Printed {
    /// Size of a `Network`, in bytes.
    pub network_bytes: usize,
    /// Bytes of stack that a function with an array of 200 bytes takes.
    pub array_stack: usize,
    /// What each network did, with the bytes of stack of a step.
    pub runs: Vec<(Run, usize)>,
    /// Every layer in every step, where that was asked for.
    pub layers: Vec<LayerState>,
}

impl FromStr for Printed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut printed = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let known = match words[..] {
                ["network", bytes] => bytes.parse().ok().map(|n| printed.network_bytes = n),
                ["array", stack] => stack.parse().ok().map(|n| printed.array_stack = n),
                ["run", i, digest, answer, stack] if i == printed.runs.len().to_string() => {
                    run_of(digest, answer, stack).map(|run| printed.runs.push(run))
                }
                ["layer", _, step, layer, spikes, membranes] => {
                    let state = layer_of(step, layer, spikes, membranes);
                    state.map(|state| printed.layers.push(state))
                }
                _ => None,
            };
            known.ok_or_else(|| line.to_string())?;
        }
        Ok(printed)
    }
}

fn run_of(digest: &str, answer: &str, stack: &str) -> Option<(Run, usize)> {
    let run = Run {
        digest: u32::from_str_radix(digest, 16).ok()?,
        answer: u32::from_str_radix(answer, 16).ok()?,
    };
    Some((run, stack.parse().ok()?))
}

fn layer_of(step: &str, layer: &str, spikes: &str, membranes: &str) -> Option<LayerState> {
    let bytes = |text: &str| -> Option<Vec<u8>> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
        rest.is_empty().then(|| pairs.iter().map(byte).collect())?
    };
    Some(LayerState {
        step: step.parse().ok()?,
        layer: layer.parse().ok()?,
        spikes: bytes(spikes)?,
        membranes: bytes(membranes)?,
    })
}

/// The first neuron of a layer whose spike or membrane of `width` bytes is not as it should be, if any, in words.
#[must_use]
pub fn difference(want: &LayerState, width: usize, got: &LayerState) -> Option<String> {
    let spike = |state: &LayerState, i: usize| {
        let byte = state.spikes.get(i / 8).map_or(0, |byte| *byte);
        u32::from(byte >> (i % 8) & 1)
    };
    let membrane = |state: &LayerState, i: usize| {
        let bytes = state.membranes.iter().skip(i * width).take(width).rev();
        bytes.fold(0, |word, byte| word << 8 | u32::from(*byte))
    };
    let n = want.membranes.len().max(got.membranes.len()) / width.max(1);
    let differs = |what: &str, value: &dyn Fn(&LayerState, usize) -> u32| {
        let neuron = (0..n).find(|i| value(want, *i) != value(got, *i))?;
        let (here, there) = (value(want, neuron), value(got, neuron));
        Some(format!(
            "layer {}, step {}, neuron {neuron}: {what} {here:#x} here, {there:#x} there",
            want.layer, want.step
        ))
    };
    differs("spike", &spike).or_else(|| differs("membrane", &membrane))
}

/// `samples` as `boards/replay` takes them.
#[must_use]
pub fn bundle(samples: &[Sample], every_layer: bool) -> Vec<u8> {
    let header = [samples.len() as u32, u32::from(every_layer), 0, 0];
    let mut bytes: Vec<u8> = header.iter().flat_map(|w| w.to_le_bytes()).collect();
    samples
        .iter()
        .for_each(|sample| bytes.extend(entry(sample)));
    bytes
}

/// An entry of a bundle.
#[must_use]
pub fn entry(sample: &Sample) -> Vec<u8> {
    let lengths = [
        sample.model.len() as u32,
        sample.input.len() as u32,
        sample.steps,
        0,
    ];
    let mut bytes: Vec<u8> = lengths.iter().flat_map(|w| w.to_le_bytes()).collect();
    for part in [&sample.model, &sample.input] {
        bytes.extend(part);
        bytes.resize(bytes.len().next_multiple_of(16), 0);
    }
    bytes
}
