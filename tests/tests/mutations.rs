//! Any byte string at all gives a network that steps, or a typed error: every flipped bit and every truncation of
//! three models, a million changed files, and the corpus of the fuzz targets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::Path;
use std::thread;

use lif_nostd::Error;
use lif_tests::exercise::{Placed, fuzz_reader, fuzz_reader_and_step, kind, mended, read_and_step};
use lif_tests::mutate::{models, mutated};

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
