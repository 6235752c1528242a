//! Populations of neurons, of which a share fires.

use core::hint::black_box;

use lif_nostd::neuron::LifConfig;

use crate::machine::Machine;

/// Neurons.
const N: usize = 256;

/// All populations.
pub fn all(machine: &mut Machine) -> Option<()> {
    for (name, tau) in [("tau=2", 2.0), ("any-tau", 3.7)] {
        for (reset, config) in [
            ("hard", LifConfig::new(tau)),
            ("soft", LifConfig::new(tau).soft_reset()),
        ] {
            let config = config.decay_input(false);
            i16s(machine, (name, reset), config, 10)?;
        }
        i16s(machine, (name, "hard"), LifConfig::new(tau).decay_input(false), 100)?;
    }
    Some(())
}

/// Whether neuron `i` is one of `percent` of a hundred, evenly spread.
const fn is_one_of(i: usize, percent: usize) -> bool {
    i * percent / 100 != (i + 1) * percent / 100
}

/// A step of i16 neurons from 0, of which `percent` of a hundred fire.
fn i16s(
    machine: &mut Machine,
    (name, reset): (&str, &str),
    config: LifConfig,
    percent: usize,
) -> Option<()> {
    let lif = config.v_threshold(300.0).lif::<i16>().ok()?;
    let lif = black_box(&lif);
    let mut c = [0i16; N];
    for (i, c) in c.iter_mut().enumerate() {
        *c = if is_one_of(i, percent) { 400 } else { i as i16 };
    }
    let mut v = [0i16; N];
    let mut spikes = [0u32; N / 32];
    let name = format_args!("lif-i16 {name} {reset} {percent}%");
    machine.row(name, N, || lif.step_block(&mut v, &c, &mut spikes));
    // Elsewhere nothing takes doubled currents.
    if cfg!(dsp) && config.tau == 2.0 {
        let mut v = [0i16; N];
        let x = c.map(|c| 2 * c);
        machine.row(format_args!("{name} doubled"), N, || {
            lif.step_block_doubled(&mut v, &x, &mut spikes);
        });
    }
    Some(())
}
