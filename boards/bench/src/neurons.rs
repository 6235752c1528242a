//! Populations of neurons, of which a share fires.

use core::hint::black_box;

use lif_nostd::neuron::LifConfig;

use crate::machine::Machine;

/// Neurons.
const N: usize = 256;

/// All populations.
pub fn all(machine: &mut Machine) -> Option<()> {
    for (name, tau) in [("tau=2", 2.0), ("any-tau", 3.7)] {
        let hard = LifConfig::new(tau).decay_input(false).v_threshold(300.0);
        let soft = hard.soft_reset();
        i16s(machine, (name, "hard"), hard, 10)?;
        i16s(machine, (name, "soft"), soft, 10)?;
        i16s(machine, (name, "hard"), hard, 100)?;
    }
    let hard = LifConfig::new(3.7).decay_input(false).v_threshold(300.0);
    for percent in [10, 100] {
        i32s(machine, "hard", hard, percent)?;
        i32s(machine, "soft", hard.soft_reset(), percent)?;
    }
    // Elsewhere there is no kernel for them.
    if cfg!(dsp) {
        for percent in [10, 100] {
            f32s(machine, "hard", hard, percent)?;
            f32s(machine, "soft", hard.soft_reset(), percent)?;
        }
        f32s(machine, "hard decay-input", hard.decay_input(true), 10)?;
    }
    Some(())
}

/// Currents with which `percent` of a hundred neurons fire from 0, evenly spread, with or without division by tau.
fn currents(percent: usize) -> [i16; N] {
    core::array::from_fn(|i| {
        let fires = i * percent / 100 != (i + 1) * percent / 100;
        if fires { 2000 } else { i as i16 }
    })
}

/// A step of i16 neurons from 0.
fn i16s(
    machine: &mut Machine,
    (name, reset): (&str, &str),
    config: LifConfig,
    percent: usize,
) -> Option<()> {
    let lif = black_box(config.lif::<i16>().ok()?);
    let c = currents(percent);
    let mut v = [0; N];
    let mut spikes = [0; N / 32];
    let name = format_args!("lif-i16 {name} {reset} {percent}%");
    machine.row(name, N, || lif.step_block(&mut v, &c, &mut spikes));
    // Elsewhere nothing takes doubled currents.
    if cfg!(dsp) && config.tau == 2.0 {
        let mut v = [0; N];
        let x = c.map(|c| 2 * c);
        machine.row(format_args!("{name} doubled"), N, || {
            lif.step_block_doubled(&mut v, &x, &mut spikes);
        });
    }
    Some(())
}

/// A step of i32 neurons from 0.
fn i32s(machine: &mut Machine, reset: &str, config: LifConfig, percent: usize) -> Option<()> {
    let lif = black_box(config.lif::<i32>().ok()?);
    let c = currents(percent).map(i32::from);
    let mut v = [0; N];
    let mut spikes = [0; N / 32];
    let name = format_args!("lif-i32 any-tau {reset} {percent}%");
    machine.row(name, N, || lif.step_block(&mut v, &c, &mut spikes));
    Some(())
}

/// A step of f32 neurons from 0.
fn f32s(machine: &mut Machine, reset: &str, config: LifConfig, percent: usize) -> Option<()> {
    let lif = black_box(config.lif::<f32>().ok()?);
    let x = currents(percent).map(f32::from);
    let mut v = [0.0; N];
    let mut spikes = [0; N / 32];
    let name = format_args!("lif-f32 any-tau {reset} {percent}%");
    machine.row(name, N, || lif.step_block(&mut v, &x, &mut spikes));
    Some(())
}
