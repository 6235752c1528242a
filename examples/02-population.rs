//! A population of 64 neurons, as a device keeps it: step by step against all steps at once, in f32 and in fixed
//! point, and a monitor that remembers the last steps of three of them.
//!
//! `LifNode<S, 64>` owns its membranes and needs no heap. `S` is the number type: the code is the same for all.

use std::process::ExitCode;

use fixed::types::I16F16;
use lif_host::cli::{Failure, exit};
use lif_host::say;
use lif_nostd::Spikes;
use lif_nostd::neuron::{LifConfig, LifNode, Monitor};
use lif_nostd::scalar::Scalar;

const NEURONS: usize = 64;
const STEPS: usize = 200;
/// Spikes are bits: 32 neurons a word.
const WORDS: usize = NEURONS / 32;
/// Neurons that are watched, and how many of the last steps the monitor keeps.
const WATCHED: [usize; 3] = [20, 40, 63];
const KEPT: usize = 8;

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    let float = population::<f32>("f32")?;
    let fixed = population::<I16F16>("I16F16")?;

    say!("\nFiring rates, in spikes a step; the current grows from neuron 0 to neuron 63:\n");
    say!("neuron  current     f32  I16F16");
    for i in (0..NEURONS).step_by(9) {
        let rate = |spikes: &[u32]| f64::from(spikes[i]) / STEPS as f64;
        let (a, b) = (rate(&float), rate(&fixed));
        let bar = "#".repeat((60.0 * a).round() as usize);
        say!("{i:6}  {:7.3}  {a:.4}  {b:.4}  {bar}", current(i, 0));
    }
    say!(
        "\nNext: docs/surrogates.md, how such neurons are trained, and `cargo demo`, which does it."
    );
    Ok(())
}

/// Input of neuron `i` in step `t`: it grows with i, and every other step is a little weaker.
fn current(i: usize, t: usize) -> f64 {
    0.5 + 0.03125 * i as f64 - 0.125 * (t % 2) as f64
}

/// Runs the population both ways, compares them bit for bit, shows what the monitor saw; the spikes of each neuron.
fn population<S: Scalar>(name: &str) -> Result<[u32; NEURONS], Failure> {
    let number = |x| S::from_f64(x).unwrap_or(S::ZERO);
    let x_seq: Vec<[S; NEURONS]> = (0..STEPS)
        .map(|t| std::array::from_fn(|i| number(current(i, t))))
        .collect();
    let config = LifConfig::new(5.0);
    let mut single = LifNode::<S, NEURONS>::new(&config).map_err(failure)?;
    let mut multi = single;

    // Multistep: the whole sequence in one call, `[T, N]`, with the membranes of each step.
    let mut spike_seq = [0; STEPS * WORDS];
    let mut v_seq = [S::ZERO; STEPS * NEURONS];
    multi
        .run(x_seq.as_flattened(), &mut spike_seq, Some(&mut v_seq))
        .map_err(failure)?;

    // Single step: one call a step, as a device does it while its inputs come in.
    let mut monitor = Monitor::<S, 3, KEPT>::new(WATCHED);
    let mut counts = [0; NEURONS];
    let mut differ = 0;
    for (t, x) in x_seq.iter().enumerate() {
        let mut words = [0; WORDS];
        single.step(x, &mut words).map_err(failure)?;
        let spikes = Spikes::new(&words, NEURONS);
        monitor.record(spikes, single.v());
        for (i, count) in counts.iter_mut().enumerate() {
            *count += u32::from(spikes.get(i));
            let (v, v_multi) = (single.v()[i], v_seq[t * NEURONS + i]);
            let same = v.to_f64().to_bits() == v_multi.to_f64().to_bits();
            let multi_spikes = Spikes::new(&spike_seq[t * WORDS..(t + 1) * WORDS], NEURONS);
            differ += u32::from(!same || spikes.get(i) != multi_spikes.get(i));
        }
    }
    let compared = STEPS * NEURONS;
    if differ > 0 {
        let what = "spikes or membranes differ between single step and multistep";
        return Err(Failure::Check(format!(
            "{name}: {differ} of {compared} {what}"
        )));
    }
    say!(
        "{name}: {compared} spikes and membranes, single step against multistep: equal bit for bit"
    );

    say!(
        "  the last {KEPT} steps of neurons {WATCHED:?}, membranes after the step, * where it fired"
    );
    for record in monitor.oldest_first() {
        let columns = (0..).zip(record.v).map(|(k, v)| {
            let fired = if record.spikes >> k & 1 == 1 {
                '*'
            } else {
                ' '
            };
            format!("  {:.6} {fired}", v.to_f64())
        });
        let line: String = columns.collect();
        say!("  step {:3}{}", record.step, line.trim_end());
    }
    Ok(counts)
}

fn failure(e: impl std::fmt::Display) -> Failure {
    Failure::Input(e.to_string())
}
