//! Networks of every kind that can be deployed, drawn from a seed, each with an input.

use std::collections::BTreeSet;

use lif_host::export::{Error, export_f32, export_int_with};
use lif_host::infer::{AlignedBytes, Input};
use lif_host::quant::{Membranes, QuantOptions, Weights};
use lif_nostd::Model;
use lif_nostd::model::format::{
    CERTIFICATE_BYTES, NeuronKind, Neurons, Node, Number, Param, section,
};
use lif_nostd::neuron::Decode;

use crate::exercise::mended;
use crate::mutate::{put, sections};
use crate::nets::Draw;
use crate::random::Random;

/// Time steps that a network runs for.
pub const STEPS: u32 = 12;
/// The largest arena that a network may need, in bytes: what `boards/replay` has.
const ARENA_BYTES: usize = 8192;
/// The largest model, in bytes: it fits the flash of the smallest board.
const MODEL_BYTES: usize = 100_000;

/// A model file with an input.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The file.
    pub model: Vec<u8>,
    /// The input, laid out as that of a golden trace (`docs/format.md`, section 9.2).
    pub input: Vec<u8>,
    /// Time steps to run.
    pub steps: u32,
    /// What it is, for whoever must find it again.
    pub name: String,
}

/// The first `n` networks of `seed`. Number formats take turns; all else is drawn.
///
/// # Errors
///
/// Those of the export, but for networks that it refuses: others take their place.
pub fn samples(seed: u64, n: usize) -> Result<Vec<Sample>, Error> {
    let mut samples = Vec::with_capacity(n);
    let mut index = 0;
    while samples.len() < n {
        match sample(seed, index, samples.len()) {
            Ok(sample) if fits(&sample) => samples.push(sample),
            Ok(_) | Err(Error::Quant(_)) => (),
            Err(other) => return Err(other),
        }
        index += 1;
    }
    Ok(samples)
}

fn fits(sample: &Sample) -> bool {
    let arena = lif_nostd::ram_bytes(&AlignedBytes::new(&sample.model));
    sample.model.len() <= MODEL_BYTES && arena.is_ok_and(|bytes| bytes <= ARENA_BYTES)
}

fn sample(seed: u64, index: u64, turn: usize) -> Result<Sample, Error> {
    let mut random = Random::new(seed, index);
    let draw = draw(&mut random, seed.wrapping_add(index));
    let options = [
        (Weights::I8, Membranes::Auto),
        (Weights::I8, Membranes::Auto),
        (Weights::I8, Membranes::I32),
        (Weights::I16, Membranes::Auto),
        (Weights::I16, Membranes::I32),
    ];
    let net = draw.build().map_err(Error::from)?;
    let mut model = match options.get(turn % 6) {
        Some((weights, membranes)) => {
            let options = QuantOptions {
                weights: *weights,
                membranes: *membranes,
            };
            export_int_with(&net, options)?.bytes
        }
        None => export_f32(&net)?.bytes,
    };
    if random.is_one_in(3) {
        uncertify(&mut model);
    }
    Ok(Sample {
        input: input(&draw, &mut random, turn % 6 == 5),
        model: mended(&model),
        steps: STEPS,
        name: format!("seed {seed}, draw {index}"),
    })
}

fn draw(random: &mut Random, seed: u64) -> Draw {
    let spikes = random.is_one_in(2);
    let layers = 1 + random.below(4);
    let mut sizes: Vec<usize> = (0..=layers).map(|_| 1 + random.below(70)).collect();
    // More spikes than a list of them holds; sums that do not fit 16 bits.
    match random.below(16) {
        0..3 => sizes[0] = 200 + random.below(200),
        3 => sizes[random.below(layers)] = 150 + random.below(150),
        4 => sizes = vec![1200 + random.below(300), 1 + random.below(20)],
        _ => (),
    }
    let v_reset = match random.below(3) {
        0 => None,
        1 => Some(0.0),
        _ => Some(random.dyadic(-0.5, 0.25)),
    };
    Draw {
        tau: [2.0, 2.0, 1.25, 3.7, 8.0, 100.0, random.dyadic(1.0625, 20.0)][random.below(7)],
        v_threshold: random.dyadic(0.25, 2.0),
        v_reset,
        decay_input: random.is_one_in(2),
        gain: random.dyadic(0.0625, 2.0),
        spikes,
        simple: random.is_one_in(3),
        per_neuron: random.is_one_in(3),
        readout: random
            .is_one_in(3)
            .then(|| Decode::ALL[random.below(Decode::ALL.len())]),
        ..Draw::new(seed, &sizes)
    }
}

/// Spikes at a drawn rate, or values over their whole range.
fn input(draw: &Draw, random: &mut Random, is_f32: bool) -> Vec<u8> {
    if draw.spikes {
        let percent = [0, 5, 20, 50, 100][random.below(5)];
        let steps = (0..STEPS).map(|_| {
            let mut words = vec![0u32; draw.n_in().div_ceil(32)];
            for i in (0..draw.n_in()).filter(|_| random.below(100) < percent) {
                words[i / 32] |= 1 << (i % 32);
            }
            words
        });
        return Input::Spikes(steps.collect()).to_bytes();
    }
    let values = draw.input(0);
    if is_f32 {
        let values = values.iter().map(|x| f32::from(*x) / 64.0);
        return Input::F32(values.collect()).to_bytes();
    }
    Input::I8(values).to_bytes()
}

/// States sums that do not fit 16 bits, and the RAM for them: the same spikes and membranes, another way.
fn uncertify(model: &mut [u8]) {
    for found in sections(model) {
        if found.kind == section::RAM {
            put(model, found.body, &(1u32 << 20).to_le_bytes());
        }
        if found.kind == section::CERTIFICATES {
            for record in 0..found.len / CERTIFICATE_BYTES {
                let at = found.body + record * CERTIFICATE_BYTES + 4;
                put(model, at, &i32::MAX.to_le_bytes());
            }
        }
    }
}

/// Everything that [`kinds`] can give, but for the decode of neurons that do not spike.
pub const KINDS: &str = "i8 weights, i16 weights, f32 weights, i16 membranes, i32 membranes, f32 membranes, i8 input, \
    f32 input, spike input, lif, simple-lif, non-spiking-lif, hard reset, soft reset, one parameter, \
    parameters a neuron, tau 2, left shift, right shift, no shift, 16-bit sums, 32-bit sums, one layer, \
    several layers";

/// What occurs in `model`, of [`KINDS`].
///
/// # Errors
///
/// Those of [`Model::read`].
pub fn kinds(model: &[u8]) -> Result<BTreeSet<&'static str>, lif_nostd::Error> {
    let bytes = AlignedBytes::new(model);
    let model = Model::read(&bytes)?;
    let mut kinds = BTreeSet::new();
    kinds.insert(match model.number() {
        Number::I8 => "i8 input",
        Number::F32 => "f32 input",
        _ => "spike input",
    });
    kinds.insert(["several layers", "one layer"][usize::from(model.n_layers() == 1)]);
    let certificates: Vec<(usize, u32)> = model.certificates().collect();
    for i in 1..model.n_nodes() {
        match model.node(i).map(|record| record.node) {
            Some(Node::Linear { number, shift, .. }) => {
                kinds.insert(match number {
                    Number::I8 => "i8 weights",
                    Number::I16 => "i16 weights",
                    _ => "f32 weights",
                });
                let shifts = ["right shift", "no shift", "left shift"];
                if number != Number::F32 {
                    kinds.insert(shifts[(shift.signum() + 1) as usize]);
                }
                let certified = certificates.iter().find(|(node, _)| *node == i);
                if number == Number::I8 && (i > 1 || model.number() == Number::Bits) {
                    let fits = certified.is_some_and(|(_, sum)| *sum <= i16::MAX as u32);
                    kinds.insert(["32-bit sums", "16-bit sums"][usize::from(fits)]);
                }
            }
            Some(Node::Neurons(neurons)) => add_kinds(&neurons, &mut kinds),
            _ => (),
        }
    }
    Ok(kinds)
}

fn add_kinds(neurons: &Neurons, kinds: &mut BTreeSet<&'static str>) {
    kinds.insert(neurons.kind.name());
    kinds.insert(match neurons.number {
        Number::I16 => "i16 membranes",
        Number::I32 => "i32 membranes",
        _ => "f32 membranes",
    });
    kinds.insert(match neurons.leak {
        Param::PerNeuron(_) => "parameters a neuron",
        _ => "one parameter",
    });
    if neurons.leak == Param::Scalar(32768) && neurons.number != Number::F32 {
        kinds.insert("tau 2");
    }
    if neurons.kind == NeuronKind::NonSpikingLif {
        kinds.insert(neurons.decode.name());
    } else {
        let is_hard = neurons.v_reset != Param::None;
        kinds.insert(["soft reset", "hard reset"][usize::from(is_hard)]);
    }
}
