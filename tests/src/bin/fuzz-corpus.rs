//! Writes the corpus of the fuzz targets, `fuzz/corpus`: the models that are changed, changed ones that run, and two
//! files for each kind of error.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use lif_tests::exercise::{Placed, kind, read_and_step};
use lif_tests::mutate::{models, mutated};

/// Changed files of each kind of outcome: of those that run, and of each error.
const RUN: usize = 12;
const OF_AN_ERROR: usize = 2;
const SEED: u64 = 1;

fn main() -> Result<(), Box<dyn Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let [reader, step] = ["reader", "reader_and_step"].map(|target| corpus.join(target));
    for dir in [&reader, &step] {
        fs::create_dir_all(dir)?;
    }
    let models = models()?;
    for (name, file) in ["i16", "i32-per-neuron", "f32"].iter().zip(&models) {
        for dir in [&reader, &step] {
            fs::write(dir.join(format!("{name}.lif")), file)?;
        }
    }
    let mut counts = BTreeMap::<&str, usize>::new();
    for index in 0..4000 {
        let file = mutated(&models, SEED, index);
        let outcome = read_and_step(&Placed::new(&file.bytes, 0));
        let (dir, name, most) = match &outcome {
            Ok(()) => (&step, "runs", RUN),
            Err(error) => (&reader, kind(error), OF_AN_ERROR),
        };
        let count = counts.entry(name).or_default();
        if *count < most && !models.contains(&file.bytes) {
            *count += 1;
            fs::write(dir.join(format!("{name}-{count}.lif")), &file.bytes)?;
        }
    }
    println!("{}: {counts:?}", corpus.display());
    Ok(())
}
