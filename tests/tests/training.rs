//! Training: reproducible to the bit, and as accurate as promised.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use lif_host::cli::train::{Report, read_config, read_data, train};

fn digits() -> (lif_host::train::Config, lif_host::cli::train::Data) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits.toml");
    let config = read_config(&file).unwrap();
    let data = read_data(&file, &config, false).unwrap();
    (config, data)
}

#[test]
fn the_split_is_fixed_and_stratified() {
    let (_, data) = digits();
    assert_eq!((data.train.len(), data.test.len()), (1437, 360));
    for class in 0..10 {
        let of = |labels: &[u32]| labels.iter().filter(|l| **l == class).count();
        let (train, test) = (of(&data.train.labels), of(&data.test.labels));
        assert!(test.abs_diff((train + test) / 5) <= 1, "class {class}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let (mut config, data) = digits();
    config.train.epochs = 2;
    let weights = |seed| {
        let trained = train(&config, &data, seed, Report::Silent).unwrap();
        let bits = trained.net.weights.iter().map(|w| w.to_bits());
        bits.collect::<Vec<u32>>()
    };
    assert_eq!(weights(7), weights(7));
    assert_ne!(weights(7), weights(8));
}

#[test]
fn five_seeds_reach_the_promised_accuracy() {
    let (config, data) = digits();
    let accuracies: Vec<f64> = (0..5)
        .map(|seed| {
            train(&config, &data, seed, Report::Silent)
                .unwrap()
                .accuracy
        })
        .collect();
    let mean = accuracies.iter().sum::<f64>() / 5.0;
    assert!(mean >= 0.97, "{accuracies:?}");
    assert!(accuracies.iter().all(|a| *a >= 0.96), "{accuracies:?}");
}
