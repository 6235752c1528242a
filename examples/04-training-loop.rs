//! A training loop of one's own on the layers below: forward, loss, backward, optimiser. The network reads out
//! membranes and learns the time constants of its hidden neurons; the task is to tell which half of a sequence of
//! currents is larger, which takes a memory.

use std::process::ExitCode;

use lif_host::cli::{Failure, exit};
use lif_host::net::{InputScale, LifParams, Net, Param};
use lif_host::rng::{Purpose, Stream};
use lif_host::say;
use lif_host::train::{
    Dropout, Input, Learn, Loss, On, Optimizer, OptimizerConfig, Pass, Targets, classes, clip_norm,
};
use lif_nostd::neuron::Decode;

const STEPS: usize = 12;
const BATCH: usize = 64;
const INPUTS: usize = 4;

fn main() -> ExitCode {
    exit(run().map_err(|e| Failure::Input(e.to_string())))
}

/// Currents `[T, B, in]` of batch `number`, and which half of each sample was larger.
fn batch(number: u64) -> (Vec<f32>, Vec<u32>) {
    let stream = Stream::new(1, number);
    let classes: Vec<u32> = (0..BATCH)
        .map(|b| stream.below(b as u64, 2) as u32)
        .collect();
    let current = |place: usize| {
        let (t, b) = (place / (BATCH * INPUTS), place / INPUTS % BATCH);
        let large = (t >= STEPS / 2) == (classes[b] == 1);
        stream.unit((BATCH + place) as u64) + if large { 0.5 } else { 0.0 }
    };
    ((0..STEPS * BATCH * INPUTS).map(current).collect(), classes)
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let scale = InputScale {
        full_scale: 1.0,
        step: 1.0 / 64.0,
    };
    let hidden = LifParams {
        tau: Param::PerNeuron(vec![2.0; 24]),
        ..LifParams::default()
    };
    let mut net = Net::sequential("halves", STEPS as u32, INPUTS, scale)
        .linear(24)
        .lif(hidden)
        .dropout(0.1)
        .linear_without_bias(2)
        .non_spiking_lif(Param::Scalar(4.0), Decode::LastMem)
        .build()?;
    net.init(0);
    let learn = [Learn {
        node: "lif1".into(),
        tau: true,
        v_threshold: false,
    }];
    let mut pass = Pass::<f32>::learning(&net, &learn)?;
    // What the neurons learn stands behind the weights: the w of 1 / tau = sigmoid(w), one a neuron, 0 for tau = 2.
    let mut params = net.weights.clone();
    params.extend([0.0; 24]);
    let mut grad = vec![0.0; params.len()];
    let mut optimizer = Optimizer::new(params.len(), OptimizerConfig::default());
    let loss = Loss::CrossEntropy {
        on: On::Readout,
        label_smoothing: 0.0,
    };

    for step in 0..300 {
        let (x, labels) = batch(step);
        let dropout = Dropout {
            stream: Stream::of(0, Purpose::Dropout, step as u32),
            scaled: true,
        };
        let outputs = pass.forward(&params, Input::Steps(&x), Some(dropout))?;
        let right = classes(outputs, BATCH)
            .iter()
            .zip(&labels)
            .filter(|(a, b)| a == b)
            .count();
        let value = loss
            .of(outputs, BATCH, Targets::Classes(&labels))
            .ok_or("readouts and classes fit")?;
        pass.backward(
            &params,
            Input::Steps(&x),
            &value.grad,
            &mut grad,
            |_, _, _| None,
        );
        clip_norm(&mut grad, 1.0);
        optimizer.step(&mut params, &grad, 0.02);
        if step % 50 == 49 {
            say!(
                "step {:3}  loss {:.4}  right {right} of {BATCH}",
                step + 1,
                value.value
            );
        }
    }
    let taus = params[net.weights.len()..].iter().map(|w| 1.0 + (-w).exp());
    let (low, high) = taus.fold((f32::MAX, 0.0f32), |(l, h), tau| (l.min(tau), h.max(tau)));
    say!("time constants, all 2 at the start: {low:.2} to {high:.2} steps");
    Ok(())
}
