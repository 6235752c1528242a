//! Training: reproducible to the bit, and as accurate as promised.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use lif_host::cli::train::{Report, read_config, read_data, train};
use lif_host::train::{
    Config, Data, EarlyStopping, Event, FiringRate, Loss, On, OptimizerConfig, QuantisedWeights,
    Run, Schedule, Stored,
};

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

/// The digits with everything that has a state: dropout, AdamW, a schedule with warm-up, early stopping.
fn stateful(quantised: Option<QuantisedWeights>) -> Config {
    let (mut config, _) = digits();
    config.layers[1].dropout = 0.1;
    config.train.epochs = 3;
    config.train.batch = 200;
    config.train.schedule = Schedule::Cosine;
    config.train.warm_up_epochs = 0.5;
    config.train.optimizer = OptimizerConfig::Adamw {
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        weight_decay: 0.01,
    };
    config.train.loss = Loss::CrossEntropy {
        on: On::Rate,
        label_smoothing: 0.05,
    };
    config.train.firing_rate = Some(FiringRate {
        weight: 0.1,
        low: 0.01,
        high: 0.2,
    });
    config.train.clip_norm = Some(1.0);
    config.train.early_stopping = Some(EarlyStopping {
        patience: 2,
        validation_every: 5,
    });
    config.train.quantised = quantised;
    config
}

/// The parameters, as bits, and the epochs of `run`, done to its end.
fn end_of(mut run: Run<'_>) -> (Vec<u32>, String) {
    while run.step().unwrap() != Event::Done {}
    let history = format!("{:?} {}", run.history(), run.best_epoch());
    let trainer = run.finish();
    let bits = trainer.params().iter().map(|w| w.to_bits());
    (bits.collect(), history)
}

#[test]
fn a_run_that_is_resumed_gives_the_bits_of_one_that_never_stopped() {
    for quantised in [None, Some(QuantisedWeights::I8)] {
        let config = stateful(quantised);
        let (_, samples) = digits();
        let data = Data {
            train: &samples.train,
            validation: Some(&samples.test),
        };
        let mut net = config.net(1.0).unwrap();
        net.init(4);
        let trainer = config.trainer(4);
        let begin = || Run::new(net.clone(), data, config.train, trainer.clone()).unwrap();
        let want = end_of(begin());
        // In the first epoch, at the end of one before and after it is counted, and in the last.
        for stop in [1, 8, 9, 13, 26] {
            let mut run = begin();
            for _ in 0..stop {
                run.step().unwrap();
            }
            let bytes = run.checkpoint("the text").unwrap();
            assert_eq!(bytes, run.checkpoint("the text").unwrap());
            assert_eq!(Stored::read(&bytes).unwrap().config, "the text");
            // It is a model too.
            let model = lif_host::checkpoint::from_bytes(&bytes).unwrap();
            assert_eq!(&model, run.trainer().net());
            let resumed =
                Run::resume(&bytes, net.clone(), data, config.train, trainer.clone()).unwrap();
            assert_eq!(end_of(resumed), want, "stopped after {stop}");
        }
        let bytes = begin().checkpoint("").unwrap();
        let mut other = trainer.clone();
        other.seed = 5;
        let refused = Run::resume(&bytes, net.clone(), data, config.train, other);
        assert!(refused.unwrap_err().to_string().contains("its seed is 4"));
        let swapped = Data {
            train: &samples.test,
            validation: Some(&samples.train),
        };
        let refused = Run::resume(&bytes, net.clone(), swapped, config.train, trainer.clone());
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .contains("samples were changed")
        );
    }
}

#[test]
fn early_stopping_keeps_the_best_epoch() {
    let mut config = stateful(None);
    config.train.epochs = 60;
    config.train.schedule = Schedule::Constant;
    config.train.learning_rate = 0.05;
    let (_, samples) = digits();
    let data = Data {
        train: &samples.test,
        validation: Some(&samples.train),
    };
    let mut net = config.net(1.0).unwrap();
    net.init(4);
    let mut run = Run::new(net, data, config.train, config.trainer(4)).unwrap();
    while run.step().unwrap() != Event::Done {}
    let losses: Vec<f64> = run
        .history()
        .iter()
        .map(|e| e.validation.unwrap().loss)
        .collect();
    assert!(losses.len() < 60, "it never stopped");
    let best = run.best_epoch() as usize;
    assert_eq!(best + 2, losses.len());
    assert!(losses.iter().all(|l| *l >= losses[best - 1]));
    let mut trainer = run.finish();
    let score = lif_host::train::score(&mut trainer, &samples.train).unwrap();
    assert_eq!(score.loss, losses[best - 1]);
}

#[test]
fn quantised_training_reaches_the_promised_accuracy() {
    let (mut config, data) = digits();
    config.train.quantised = Some(QuantisedWeights::I8);
    let accuracies: Vec<f64> = (0..5)
        .map(|seed| {
            train(&config, &data, seed, Report::Silent)
                .unwrap()
                .accuracy
        })
        .collect();
    let mean = accuracies.iter().sum::<f64>() / 5.0;
    assert!(mean >= 0.973, "{accuracies:?}");
}
