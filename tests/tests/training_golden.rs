//! Whole networks in training against SpikingJelly 2.0.0 and torch: spikes, losses, gradients and 100 steps of SGD.
//! The data are made by tests/golden/make_training.py.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lif_host::net::{InputScale, LifParams, Net, Param};
use lif_host::surrogate::Surrogate;
use lif_host::train::{
    Input, Learn, Loss, Number, Optimizer, OptimizerConfig, Targets, Trainer, TrainerConfig,
};
use lif_nostd::neuron::Decode;
use safetensors::SafeTensors;
use serde::Deserialize;

const TENSORS: &[u8] = include_bytes!("../golden/training.safetensors");
const CASES: &str = include_str!("../golden/training.json");

#[derive(Deserialize)]
struct File {
    sizes: Sizes,
    lr: f64,
    momentum: f64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Sizes {
    steps: u32,
    batch: usize,
    inputs: usize,
    hidden: usize,
    outputs: usize,
    sgd_steps: usize,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    layers: Vec<LayerSpec>,
    loss: serde_json::Value,
    loss_f32: f64,
    loss_f64: f64,
}

#[derive(Deserialize)]
struct LayerSpec {
    kind: String,
    tau: f32,
    v_threshold: Option<f32>,
    v_reset: Option<f32>,
    decay_input: Option<bool>,
    detach_reset: Option<bool>,
    decode: Option<String>,
    bias: bool,
}

fn file() -> File {
    serde_json::from_str(CASES).unwrap()
}

fn bytes(name: &str) -> Vec<u8> {
    let file = SafeTensors::deserialize(TENSORS).unwrap();
    file.tensor(name).unwrap().data().to_vec()
}

fn numbers(name: &str) -> Vec<f64> {
    let bytes = bytes(name);
    let chunks = bytes.chunks_exact(8);
    chunks
        .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
        .collect()
}

impl Case {
    fn tensor(&self, name: &str) -> Vec<f64> {
        numbers(&format!("{}.{name}", self.name))
    }

    fn net(&self, sizes: &Sizes) -> Net {
        let scale = InputScale {
            full_scale: 1.0,
            step: 1.0,
        };
        let mut chain = Net::sequential(&self.name, sizes.steps, sizes.inputs, scale);
        for (l, spec) in self.layers.iter().enumerate() {
            let last = l + 1 == self.layers.len();
            let n = if last { sizes.outputs } else { sizes.hidden };
            chain = if spec.bias {
                chain.linear(n)
            } else {
                chain.linear_without_bias(n)
            };
            let tau = Param::Scalar(spec.tau);
            if let Some(name) = &spec.decode {
                let decode = Decode::ALL.into_iter().find(|d| d.name() == name).unwrap();
                chain = chain.non_spiking_lif(tau, decode);
                continue;
            }
            let params = LifParams {
                tau,
                v_threshold: Param::Scalar(spec.v_threshold.unwrap()),
                v_reset: spec.v_reset.map(Param::Scalar),
                decay_input: spec.decay_input.unwrap(),
                detach_reset: spec.detach_reset.unwrap(),
                surrogate: Surrogate::default(),
            };
            chain = match spec.kind.as_str() {
                "simple-lif" => chain.simple_lif(params),
                _ => chain.lif(params),
            };
        }
        let mut net = chain.build().unwrap();
        for (w, x) in net.weights.iter_mut().zip(self.tensor("weights")) {
            *w = x as f32;
        }
        net
    }

    fn config(&self, net: &Net, optimizer: OptimizerConfig) -> TrainerConfig {
        let layers = net.layers().unwrap();
        let learned = layers
            .iter()
            .zip(&self.layers)
            .filter(|(_, spec)| spec.kind == "plif");
        let learn = learned.map(|(layer, _)| Learn {
            node: layer.neuron.into(),
            tau: true,
            v_threshold: false,
        });
        let mut loss = self.loss.clone();
        if loss["kind"] == "mse" {
            loss.as_object_mut().unwrap().remove("label_smoothing");
        }
        TrainerConfig {
            loss: serde_json::from_value::<Loss>(loss).unwrap(),
            optimizer,
            learn: learn.collect(),
            ..TrainerConfig::default()
        }
    }
}

/// Checks loss, spikes and gradients in `F`, each gradient to within `tolerance` of its size and a tenth of that of
/// the largest one.
fn check<F: Number>(case: &Case, sizes: &Sizes, kind: &str, loss: f64, tolerance: f64) {
    let net = case.net(sizes);
    let config = case.config(&net, OptimizerConfig::default());
    let mut trainer = Trainer::<F>::new(net, config).unwrap();
    let x: Vec<f32> = case.tensor("x").iter().map(|x| *x as f32).collect();
    let labels: Vec<u32> = bytes(&format!("{}.labels", case.name))
        .iter()
        .map(|l| (*l).into())
        .collect();
    let step = trainer
        .gradient(Input::Held(&x), Targets::Classes(&labels), true)
        .unwrap();
    let off = (step.loss - loss).abs();
    assert!(
        off <= tolerance * loss.abs(),
        "{} {kind}: loss {} {loss}",
        case.name,
        step.loss
    );
    let packed = bytes(&format!("{}.spikes", case.name));
    let mut at = 0;
    for l in 0..case.layers.len() {
        for (i, s) in trainer.pass().spikes(l).unwrap().iter().enumerate() {
            let want = packed[at / 8] >> (at % 8) & 1 == 1;
            assert_eq!(
                s.wide() != 0.0,
                want,
                "{} {kind}: layer {l}, spike {i}",
                case.name
            );
            at += 1;
        }
    }
    assert_eq!(at.div_ceil(8), packed.len());
    let want = case.tensor(&format!("grad.{kind}"));
    assert_eq!(trainer.grad().len(), want.len());
    let largest = want.iter().fold(0.0f64, |m, g| m.max(g.abs()));
    assert!(largest > 0.0, "{}: no gradient", case.name);
    for (i, (got, want)) in trainer.grad().iter().zip(&want).enumerate() {
        let off = (got.wide() - want).abs();
        let allowed = tolerance * (want.abs() + 0.1 * largest);
        assert!(
            off <= allowed,
            "{} {kind}: gradient {i} is {got:?}, not {want}",
            case.name
        );
    }
}

#[test]
fn spikes_are_equal_and_gradients_near() {
    let file = file();
    assert_eq!(file.cases.len(), 11);
    for case in &file.cases {
        assert_eq!(
            file.sizes.batch,
            bytes(&format!("{}.labels", case.name)).len()
        );
        check::<f32>(case, &file.sizes, "f32", case.loss_f32, 1e-5);
        check::<f64>(case, &file.sizes, "f64", case.loss_f64, 1e-12);
    }
}

#[test]
fn a_hundred_steps_of_sgd_end_in_the_same_place() {
    let file = file();
    let optimizer = OptimizerConfig::Sgd {
        momentum: file.momentum,
        nesterov: true,
        weight_decay: 0.0,
    };
    for case in &file.cases {
        let net = case.net(&file.sizes);
        let config = case.config(&net, optimizer);
        let mut trainer = Trainer::<f64>::new(net, config).unwrap();
        let x: Vec<f32> = case.tensor("x").iter().map(|x| *x as f32).collect();
        let labels: Vec<u32> = bytes(&format!("{}.labels", case.name))
            .iter()
            .map(|l| (*l).into())
            .collect();
        let losses = case.tensor("losses");
        for (i, want) in losses.iter().enumerate() {
            let step = trainer
                .step(Input::Held(&x), Targets::Classes(&labels), file.lr)
                .unwrap();
            let off = (step.loss - want).abs();
            assert!(
                off <= 1e-9,
                "{}: loss of step {i} is {}, not {want}",
                case.name,
                step.loss
            );
        }
        assert_eq!(losses.len(), file.sizes.sgd_steps);
        for (i, (got, want)) in trainer
            .params()
            .iter()
            .zip(case.tensor("after"))
            .enumerate()
        {
            assert!(
                (got - want).abs() <= 1e-9,
                "{}: parameter {i} is {got}, not {want}",
                case.name
            );
        }
    }
}

#[test]
fn optimisers_are_torchs() {
    let grads = numbers("optimizer.grads");
    let adam = |weight_decay, decoupled| {
        let (beta1, beta2, eps) = (0.9, 0.999, 1e-8);
        if decoupled {
            OptimizerConfig::Adamw {
                beta1,
                beta2,
                eps,
                weight_decay,
            }
        } else {
            OptimizerConfig::Adam {
                beta1,
                beta2,
                eps,
                weight_decay,
            }
        }
    };
    let sgd = OptimizerConfig::Sgd {
        momentum: 0.9,
        nesterov: false,
        weight_decay: 0.1,
    };
    for (name, config) in [
        ("sgd", sgd),
        ("adam", adam(0.1, false)),
        ("adamw", adam(0.1, true)),
    ] {
        let mut params = numbers("optimizer.start");
        let mut optimizer = Optimizer::<f64>::new(params.len(), config);
        for g in grads.chunks(params.len()) {
            optimizer.step(&mut params, g, 0.01);
        }
        for (got, want) in params.iter().zip(numbers(&format!("optimizer.{name}"))) {
            assert!((got - want).abs() <= 1e-12, "{name}: {got} {want}");
        }
    }
}
