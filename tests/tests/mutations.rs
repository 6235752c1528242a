//! Any byte string at all gives a network that steps, or a typed error: every flipped bit and every truncation of
//! three models, a million changed files, and the corpus of the fuzz targets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::Path;
use std::thread;

use lif_host::export::{export_f32, export_int_with};
use lif_host::infer::AlignedBytes;
use lif_host::quant::{Membranes, QuantOptions, Weights};
use lif_nostd::Error;
use lif_nostd::model::Model;
use lif_nostd::model::format::{NODE_BYTES, Node, Number, section};
use lif_tests::exercise::{Placed, fuzz_reader, fuzz_reader_and_step, kind, mended, read_and_step};
use lif_tests::mutate::{body_of, models, mutated};
use lif_tests::nets::Draw;

/// Changed files.
const FILES: u64 = 1_000_000;
/// What they are drawn from.
const SEED: u64 = 20;

/// Files by what they gave: "accepted", or the kind of the error.
#[derive(Debug, Default)]
struct Outcomes(BTreeMap<&'static str, u64>);

impl Outcomes {
    fn add(&mut self, outcome: Result<(), Error>) {
        let name = outcome.as_ref().map_or_else(kind, |()| "accepted");
        *self.0.entry(name).or_default() += 1;
    }

    fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// Reads and runs `bytes`; where that panics, keeps them as a file and says which.
fn outcome(bytes: &[u8], off_by: usize, name: &str) -> Result<(), Error> {
    let run = || read_and_step(&Placed::new(bytes, off_by));
    catch_unwind(run).unwrap_or_else(|_| {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.lif"));
        std::fs::write(&file, bytes).unwrap();
        panic!("{name}: the file is kept as {}", file.display());
    })
}

#[test]
fn the_models_themselves_are_accepted() {
    for (i, file) in models().unwrap().iter().enumerate() {
        assert_eq!(outcome(file, 0, &format!("model-{i}")), Ok(()));
    }
}

#[test]
fn every_flipped_bit_gives_a_network_or_an_error() {
    let mut outcomes = Outcomes::default();
    for (i, file) in models().unwrap().iter().enumerate() {
        for bit in 0..8 * file.len() {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let name = format!("model-{i}-bit-{bit}");
            let raw = outcome(&flipped, 0, &name);
            // The minor version is under the checksum too.
            assert!(raw.is_err(), "{name} was accepted");
            outcomes.add(outcome(&mended(&flipped), 0, &format!("{name}-mended")));
        }
    }
    println!("flipped bits, mended: {:?}", outcomes.0);
    let accepted = outcomes.of("accepted");
    assert!(
        accepted > 5_000 && outcomes.total() - accepted > 5_000,
        "{outcomes:?}"
    );
}

#[test]
fn every_truncation_gives_a_network_or_an_error() {
    let mut outcomes = Outcomes::default();
    for (i, file) in models().unwrap().iter().enumerate() {
        for len in 0..file.len() {
            let name = format!("model-{i}-cut-{len}");
            let raw = outcome(&file[..len], 0, &name);
            let right = match &raw {
                Err(Error::NotLif) => len == 0,
                Err(Error::Truncated { got, .. } | Error::Length { got, .. }) => *got == len,
                _ => false,
            };
            assert!(right, "{name} gave {raw:?}");
            outcomes.add(outcome(&mended(&file[..len]), 0, &format!("{name}-mended")));
        }
    }
    println!("truncations, mended: {:?}", outcomes.0);
    // Sections that need not be there can be cut off; only an empty file is not known as one.
    let accepted = outcomes.of("accepted");
    assert!((3..100).contains(&accepted), "{outcomes:?}");
    let refused = ["NotLif", "Truncated", "SectionCount"].map(|name| outcomes.of(name));
    assert_eq!(
        (refused[0], outcomes.total()),
        (3, accepted + refused.iter().sum::<u64>())
    );
}

#[test]
fn a_million_changed_files_give_a_network_or_an_error() {
    let models = models().unwrap();
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let work = |first: u64| {
        let mut outcomes = Outcomes::default();
        for index in (first..FILES).step_by(threads as usize) {
            let file = mutated(&models, SEED, index);
            outcomes.add(outcome(
                &file.bytes,
                file.off_by,
                &format!("changed-{index}"),
            ));
        }
        outcomes
    };
    let mut all = Outcomes::default();
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|t| scope.spawn(move || work(t))).collect();
        for thread in running {
            for (name, count) in thread.join().unwrap().0 {
                *all.0.entry(name).or_default() += count;
            }
        }
    });
    println!("changed files: {:?}", all.0);
    assert_eq!(all.total(), FILES);
    // The test checks nothing if nearly all files end at one check.
    for (name, least) in [
        ("accepted", 100_000),
        ("Misaligned", 1_000),
        ("Truncated", 10_000),
        ("NotLif", 1_000),
        ("Version", 500),
        ("Length", 1_000),
        ("Crc", 5_000),
        ("UnknownSection", 1_000),
        ("SectionCount", 10_000),
        ("Invalid", 50_000),
        ("Unsupported", 20_000),
    ] {
        let count = all.of(name);
        assert!(
            count >= least,
            "{name}: {count}, {least} wanted: {:?}",
            all.0
        );
    }
}

/// A network of one layer with every constant of its neurons and synapses at one end of what the format takes.
fn at_the_ends(draw: &Draw, options: Option<QuantOptions>, high: bool) -> Vec<u8> {
    let mut net = draw.build().unwrap();
    // An export refuses sums that do not fit 32 bits.
    net.weights.fill(0.0);
    let mut file = match options {
        Some(options) => export_int_with(&net, options).unwrap().bytes,
        None => export_f32(&net).unwrap().bytes,
    };
    let bytes = AlignedBytes::new(&file);
    let model = Model::read(&bytes).unwrap();
    let Some(Node::Linear { weights, bias, .. }) = model.node(1).map(|r| r.node) else {
        panic!("node 1 is of synapses");
    };
    let Some(Node::Neurons(neurons)) = model.node(2).map(|r| r.node) else {
        panic!("node 2 is of neurons");
    };
    let (end, bias_bytes) = (bias as usize, 4 * draw.sizes[1].next_multiple_of(16));
    // The largest or the smallest weights and biases that there are.
    let fill = |part: &mut [u8], width: usize, value: u32| {
        for (i, byte) in part.iter_mut().enumerate() {
            *byte = value.to_le_bytes()[i % width];
        }
    };
    let largest = [i32::MIN as u32, i32::MAX as u32][usize::from(high)];
    let (width, weight, bias) = match options.map(|o| o.weights) {
        Some(Weights::I8) => (1, if high { 255 } else { 0 }, largest),
        Some(_) => (2, if high { 0x7fff } else { 0x8000 }, largest),
        None => (4, if high { f32::MAX } else { -f32::MAX }.to_bits(), 0),
    };
    fill(&mut file[weights as usize..end], width, weight);
    fill(&mut file[end..end + bias_bytes], 4, bias);
    let nodes = body_of(&file, section::NODES).unwrap() + NODE_BYTES;
    if options.is_some() {
        let is_i16 = neurons.number == Number::I16;
        let shift = match (high, is_i16) {
            (true, true) => 15i8,
            (true, false) => 31,
            (false, _) => -31,
        };
        file[nodes + 3] = shift as u8;
        let state = if is_i16 {
            i32::from(i16::MIN)
        } else {
            i32::MIN
        };
        // The leak factor, the threshold, and the reset where there is one.
        for (at, value) in [(24, 65536), (32, state), (40, -1 - state)] {
            let at = nodes + NODE_BYTES + at;
            file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
    }
    mended(&file)
}

#[test]
fn the_largest_sizes_and_constants_step() {
    let int = |weights, membranes| Some(QuantOptions { weights, membranes });
    let mut outcomes = Outcomes::default();
    for options in [
        int(Weights::I8, Membranes::Auto),
        int(Weights::I8, Membranes::I32),
        int(Weights::I16, Membranes::Auto),
        int(Weights::I16, Membranes::I32),
        None,
    ] {
        for (sizes, spikes) in [
            ([65535, 1], true),
            ([65535, 1], false),
            ([1, 65535], true),
            ([1, 65535], false),
        ] {
            let draw = Draw {
                spikes,
                ..Draw::new(1, &sizes)
            };
            for high in [false, true] {
                let file = at_the_ends(&draw, options, high);
                let name = format!("largest-{options:?}-{sizes:?}-{spikes}-{high}");
                outcomes.add(outcome(&file, 0, &name));
            }
        }
    }
    println!("largest: {:?}", outcomes.0);
    assert_eq!(outcomes.of("accepted"), 40, "{outcomes:?}");
}

#[test]
fn the_corpus_of_the_fuzz_targets_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (target, body, least) in [
        ("reader", fuzz_reader as fn(&[u8]), 20),
        ("reader_and_step", fuzz_reader_and_step, 10),
    ] {
        let files = std::fs::read_dir(corpus.join(target)).unwrap();
        let mut count = 0;
        for file in files {
            body(&std::fs::read(file.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count >= least, "{target}: {count} files");
    }
}
