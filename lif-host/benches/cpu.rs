//! The CPU backend against the clock: `cargo bench -p lif-host --bench cpu -- [--seconds S] [--csv FILE] [ROW ...]`.
//!
//! Prints one line of CSV a row: row, `lif-host`, minimum and median in milliseconds, number of runs.
//! `spikingjelly_cpu.py` beside this file does the same work with SpikingJelly, `record_cpu.py` runs both in turns.
//! The threads are rayon's: `RAYON_NUM_THREADS=2`.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use lif_host::cpu::{Chain, Checkpoints, Model, NeuronParams, Neurons};
use lif_host::net::{LifParams, Net, Param};
use lif_host::rng::{Purpose, Stream};
use lif_host::surrogate::Surrogate;
use lif_host::train::{Loss, Optimizer, OptimizerConfig, Outputs, Targets};
use lif_nostd::neuron::LifConfig;

/// Share of the inputs that spike in a step.
const RATE: f32 = 0.2;

/// Numbers in [0, 1).
fn draw(n: usize, which: u32) -> Vec<f32> {
    let stream = Stream::of(0, Purpose::Inputs, which);
    (0..n).map(|i| stream.unit(i as u64)).collect()
}

fn spikes(n: usize) -> Vec<f32> {
    let spike = |x: f32| f32::from(u8::from(x < RATE));
    draw(n, 0).into_iter().map(spike).collect()
}

/// Fully connected layers of LIF neurons, of SpikingJelly's defaults with its ATan, driven by spikes.
fn network(sizes: &[usize], steps: u32) -> Net {
    let lif = || LifParams {
        tau: Param::Scalar(2.0),
        v_threshold: Param::Scalar(1.0),
        v_reset: Some(Param::Scalar(0.0)),
        decay_input: true,
        detach_reset: false,
        surrogate: Surrogate::default(),
    };
    let mut chain = Net::sequential_spikes("bench", steps, sizes[0]);
    for n_out in &sizes[1..] {
        chain = chain.linear(*n_out).lif(lif());
    }
    let mut net = chain.build().unwrap();
    net.init(0);
    net
}

/// A training step: forward, cross-entropy on the mean rate, backward, Adam.
fn training(sizes: &[usize], steps: u32, batch: usize) -> Box<dyn FnMut()> {
    let mut net = network(sizes, steps);
    let mut chain = Chain::new(&net).unwrap();
    let x = spikes(steps as usize * batch * sizes[0]);
    let labels: Vec<u32> = (0..batch as u32).map(|i| i % net.n_out() as u32).collect();
    let mut adam = Optimizer::<f32>::new(net.weights.len(), OptimizerConfig::default());
    let mut grad = vec![0.0; net.weights.len()];
    Box::new(move || {
        chain.load(&net.weights);
        let counts = chain.forward(&x);
        let outputs = Outputs::Counts { counts, steps };
        let loss = Loss::default().of::<f32>(outputs, batch, Targets::Classes(&labels));
        chain.backward(&x, &loss.unwrap().grad, &mut grad);
        adam.step(&mut net.weights, &grad, 1e-3);
    })
}

/// Forward and backward of neurons alone.
fn neurons(steps: usize, n: usize) -> Box<dyn FnMut()> {
    let neurons = Neurons::<f32>::new(&NeuronParams {
        model: Model::Lif,
        config: LifConfig::new(2.0),
        detach_reset: false,
        surrogate: Surrogate::default(),
        spiking: true,
    });
    let neurons = neurons.unwrap().checkpointed().unwrap();
    let x: Vec<f32> = draw(steps * n, 0).iter().map(|x| 2.0 * x).collect();
    let up: Vec<f32> = draw(steps * n, 1).iter().map(|x| 2.0 * x - 1.0).collect();
    let mut saved = Checkpoints::default();
    let (mut s, mut grad) = (vec![0.0; steps * n], vec![0.0; steps * n]);
    Box::new(move || {
        neurons.forward(n, &x, &mut s, &mut saved);
        neurons.backward(n, &x, &saved, &up, &mut grad);
        black_box((&s, &grad));
    })
}

/// A copy of as many bytes as a step of `neurons` must move, forward and backward, on two threads.
fn copy(steps: usize, n: usize) -> Box<dyn FnMut()> {
    // 20 bytes an element, half of them read.
    let from = draw(steps * n * 5 / 2, 0);
    let mut to = from.clone();
    Box::new(move || {
        let (from_a, from_b) = from.split_at(from.len() / 2);
        let (to_a, to_b) = to.split_at_mut(from.len() / 2);
        std::thread::scope(|scope| {
            scope.spawn(|| to_a.copy_from_slice(from_a));
            to_b.copy_from_slice(from_b);
        });
        black_box(&to);
    })
}

fn inference(sizes: &[usize], steps: u32, batch: usize) -> Box<dyn FnMut()> {
    let net = network(sizes, steps);
    let mut chain = Chain::new(&net).unwrap();
    let x = spikes(steps as usize * batch * sizes[0]);
    Box::new(move || {
        black_box(chain.forward(&x));
    })
}

/// A name, and what makes the work that it names.
type Row = (&'static str, fn() -> Box<dyn FnMut()>);

const ROWS: [Row; 5] = [
    ("train 64-128-10 T=16 B=64", || {
        training(&[64, 128, 10], 16, 64)
    }),
    ("train 784-256-10 T=16 B=256", || {
        training(&[784, 256, 10], 16, 256)
    }),
    ("neurons 16 x 2^20", || neurons(16, 1 << 20)),
    ("inference 784-256-10 T=16 B=1", || {
        inference(&[784, 256, 10], 16, 1)
    }),
    ("copy of the bytes of neurons 16 x 2^20", || {
        copy(16, 1 << 20)
    }),
];

/// Milliseconds of each run, after a warm-up.
fn measure(step: &mut dyn FnMut(), seconds: f64) -> Vec<f64> {
    for _ in 0..3 {
        step();
    }
    let mut times = Vec::new();
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    while Instant::now() < end || times.len() < 5 {
        let start = Instant::now();
        step();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times
}

fn main() {
    let (mut seconds, mut csv, mut rows) = (2.0, None, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => seconds = args.next().unwrap().parse().unwrap(),
            "--csv" => csv = args.next(),
            // Cargo's own.
            "--bench" => {}
            _ => rows.push(arg),
        }
    }
    for (name, make) in ROWS {
        if !rows.is_empty() && !rows.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let times = measure(&mut make(), seconds);
        let (min, median) = (times[0], times[times.len() / 2]);
        let line = format!("{name},lif-host,{min:.4},{median:.4},{}", times.len());
        match &csv {
            None => println!("{line}"),
            Some(file) => {
                let file = std::fs::OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(file);
                writeln!(file.unwrap(), "{line}").unwrap();
            }
        }
    }
}
