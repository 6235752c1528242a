//! Quantisation-aware training: its forward is the device's arithmetic, bit for bit, over whole epochs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lif_host::data::Samples;
use lif_host::export::export_int_with;
use lif_host::infer::{Host, Input as DeviceInput};
use lif_host::net::{InputScale, LifParams, Net, Param};
use lif_host::quant::{QuantOptions, Weights};
use lif_host::rng::Stream;
use lif_host::surrogate::Surrogate;
use lif_host::train::{
    Input, Learn, Loss, On, OptimizerConfig, Outputs, Targets, Trainer, TrainerConfig,
};
use lif_nostd::model::Membranes;
use lif_nostd::neuron::Decode;

const N_IN: usize = 12;
const CLASSES: usize = 4;
const SAMPLES: usize = 60;

/// Samples whose class is which quarter of the inputs is large.
fn samples() -> Samples {
    let stream = Stream::new(5, 0);
    let mut samples = Samples {
        n_in: N_IN,
        values: Vec::new(),
        labels: Vec::new(),
    };
    for s in 0..SAMPLES {
        let class = s % CLASSES;
        for i in 0..N_IN {
            let noise = stream.unit((s * N_IN + i) as u64) * 40.0;
            let signal = if i / 3 == class { 60.0 } else { 0.0 };
            samples.values.push((noise + signal).round());
        }
        samples.labels.push(class as u32);
    }
    samples
}

fn lif(v_reset: Option<f32>, decay_input: bool) -> LifParams {
    LifParams {
        tau: Param::Scalar(2.5),
        v_threshold: Param::Scalar(1.0),
        v_reset: v_reset.map(Param::Scalar),
        decay_input,
        detach_reset: false,
        surrogate: Surrogate::default(),
    }
}

const SCALE: InputScale = InputScale {
    full_scale: 64.0,
    step: 1.0,
};

/// Networks of every kind that can be deployed.
fn nets() -> Vec<(&'static str, Net, Loss)> {
    let rate = Loss::default();
    let readout = Loss::CrossEntropy {
        on: On::Readout,
        label_smoothing: 0.1,
    };
    let start = || Net::sequential("net", 8, N_IN, SCALE);
    let each = LifParams {
        tau: Param::PerNeuron((0..10).map(|i| 1.5 + 0.25 * i as f32).collect()),
        v_threshold: Param::PerNeuron((0..10).map(|i| 0.75 + 0.05 * i as f32).collect()),
        ..lif(Some(-0.25), true)
    };
    let slow = LifParams {
        tau: Param::Scalar(300.0),
        ..lif(None, false)
    };
    let chain = |hidden: LifParams| start().linear(10).lif(hidden).linear(CLASSES);
    let simple = start()
        .dropout(0.1)
        .linear_without_bias(10)
        .simple_lif(lif(Some(0.1), true));
    let nets = [
        (
            "hard reset",
            chain(lif(Some(0.0), true)).lif(lif(Some(0.25), true)),
            rate,
        ),
        (
            "soft reset",
            chain(lif(None, false)).lif(lif(None, true)),
            rate,
        ),
        ("per neuron", chain(each).lif(lif(Some(0.0), true)), rate),
        (
            "32-bit membranes",
            chain(slow).lif(lif(Some(0.0), true)),
            rate,
        ),
        (
            "simple, dropout, readout",
            simple
                .dropout(0.2)
                .linear(CLASSES)
                .non_spiking_lif(Param::Scalar(3.0), Decode::MaxAbsMem),
            readout,
        ),
        (
            "mean readout",
            chain(lif(Some(0.0), true)).non_spiking_lif(Param::Scalar(2.0), Decode::MeanMem),
            readout,
        ),
    ];
    nets.map(|(name, chain, loss)| {
        let mut net = chain.build().unwrap();
        net.init(3);
        // Large enough that neurons spike from the start.
        net.weights.iter_mut().for_each(|w| *w *= 3.0);
        (name, net, loss)
    })
    .into()
}

/// Holds every spike and membrane of the trainer's last forward over `batch` against the exported file.
fn compare(trainer: &Trainer, before: &Net, batch: &Samples, options: QuantOptions, what: &str) {
    let exported = export_int_with(before, options).unwrap();
    let mut host = Host::new(&exported.bytes).unwrap();
    let raw: Vec<DeviceInput> = (0..batch.len())
        .map(|b| DeviceInput::from_raw(&host.model(), batch.sample(b)))
        .collect();
    let mut network = host.network();
    let layers = exported.layers.len();
    for (b, input) in raw.iter().enumerate() {
        network.reset();
        input.set(&mut network).unwrap();
        for t in 0..before.steps as usize {
            network.step();
            for l in 0..layers {
                let (s, v) = trainer.pass().integers(l).unwrap();
                let spikes = network.spikes(l).unwrap();
                let n = spikes.len();
                let at = (t * batch.len() + b) * n;
                let got: Vec<i32> = match network.membranes(l).unwrap() {
                    Membranes::I16(v) => v.iter().map(|v| i32::from(*v)).collect(),
                    Membranes::I32(v) => v.to_vec(),
                    _ => panic!("integer membranes"),
                };
                assert_eq!(
                    &v[at..at + n],
                    got,
                    "{what}: membranes of layer {l}, step {t}"
                );
                for i in 0..n {
                    assert_eq!(
                        s[at + i] != 0,
                        spikes.get(i),
                        "{what}: spikes of layer {l}, step {t}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_forward_is_the_devices_over_whole_epochs() {
    let samples = samples();
    for weights in [Weights::I8, Weights::I16] {
        let options = QuantOptions {
            weights,
            ..QuantOptions::default()
        };
        for (name, net, loss) in nets() {
            let neuron = net.layers().unwrap()[0].neuron.to_string();
            let config = TrainerConfig {
                loss,
                quantised: Some(options),
                learn: vec![Learn {
                    node: neuron,
                    tau: name != "32-bit membranes",
                    v_threshold: true,
                }],
                ..TrainerConfig::default()
            };
            let dropout = net.layers().unwrap().iter().any(|l| l.dropout > 0.0);
            let mut trainer = Trainer::<f32>::new(net, config).unwrap();
            let mut spikes = 0usize;
            for epoch in 0..3 {
                let order: Vec<usize> = (0..samples.len())
                    .map(|i| (i * 7 + epoch) % SAMPLES)
                    .collect();
                for indices in order.chunks(20) {
                    let batch = samples.select(indices);
                    let before = trainer.net().clone();
                    let input = Input::Held(&batch.values);
                    if dropout {
                        // What dropout leaves out, no device leaves out.
                        trainer.forward(input, false).unwrap();
                        compare(&trainer, &before, &batch, options, name);
                    }
                    trainer
                        .step(input, Targets::Classes(&batch.labels), 0.01)
                        .unwrap();
                    if !dropout {
                        compare(&trainer, &before, &batch, options, name);
                    }
                    let fired = trainer.pass().integers(0).unwrap().0;
                    spikes += fired.iter().filter(|s| **s != 0).count();
                }
            }
            assert!(
                spikes > 500,
                "{name}: {spikes} spikes are too few to compare"
            );
        }
    }
}

#[test]
fn readouts_are_the_devices() {
    let samples = samples();
    for (name, net, loss) in nets() {
        if loss.on() != On::Readout {
            continue;
        }
        let options = QuantOptions::default();
        let exported = export_int_with(&net, options).unwrap();
        let mut host = Host::new(&exported.bytes).unwrap();
        let inputs: Vec<DeviceInput> = (0..samples.len())
            .map(|b| DeviceInput::from_raw(&host.model(), samples.sample(b)))
            .collect();
        let want: Vec<f32> = host.readouts(&inputs, net.steps).unwrap().concat();
        let config = TrainerConfig {
            loss,
            quantised: Some(options),
            ..TrainerConfig::default()
        };
        let mut trainer = Trainer::<f32>::new(net, config).unwrap();
        let Outputs::Readouts(got) = trainer
            .forward(Input::Held(&samples.values), false)
            .unwrap()
        else {
            panic!("{name}: not a readout")
        };
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn quantised_training_learns() {
    let samples = samples();
    for (name, net, loss) in nets() {
        let config = TrainerConfig {
            loss,
            optimizer: OptimizerConfig::default(),
            quantised: Some(QuantOptions::default()),
            ..TrainerConfig::default()
        };
        let mut trainer = Trainer::<f32>::new(net, config).unwrap();
        let targets = Targets::Classes(&samples.labels);
        let input = Input::Held(&samples.values);
        let first = trainer.loss(input, targets).unwrap();
        for _ in 0..60 {
            trainer.step(input, targets, 0.02).unwrap();
        }
        let last = trainer.loss(input, targets).unwrap();
        assert!(last.loss < 0.8 * first.loss, "{name}: {first:?} {last:?}");
        assert!(last.correct > 50, "{name}: {} of {SAMPLES}", last.correct);
    }
}

/// What dropout leaves is a function of seed, step and place alone.
#[test]
fn dropout_repeats() {
    let (_, net, loss) = nets().remove(4);
    let samples = samples();
    let config = TrainerConfig {
        loss,
        quantised: Some(QuantOptions::default()),
        seed: 9,
        ..TrainerConfig::default()
    };
    let mut a = Trainer::<f32>::new(net.clone(), config.clone()).unwrap();
    let mut b = Trainer::<f32>::new(net, config).unwrap();
    let targets = Targets::Classes(&samples.labels);
    for _ in 0..3 {
        a.step(Input::Held(&samples.values), targets, 0.01).unwrap();
        b.step(Input::Held(&samples.values), targets, 0.01).unwrap();
    }
    assert_eq!(a.params(), b.params());
}
