//! Layers, from spikes to currents.

use core::hint::black_box;

use lif_nostd::Spikes;
use lif_nostd::synapse::{BLOCK, Linear, Sums};

use crate::Random;
use crate::machine::Machine;

/// Inputs and outputs of the larger layer.
const N_IN: usize = 784;
const N_OUT: usize = 256;

#[repr(align(16))]
struct Weights([u8; N_IN * N_OUT]);

/// All layers.
pub fn all(machine: &mut Machine) -> Option<()> {
    let weights = weights()?;
    let mut random = Random(1);
    weights.fill_with(|| (random.next() % 255 + 1) as u8);
    for (n_in, n_out) in [(N_IN, N_OUT), (64, 128)] {
        for percent in [0, 1, 10, 30, 100] {
            layer(machine, weights, (n_in, n_out), percent, 0);
        }
        for shift in [-2, 2] {
            layer(machine, weights, (n_in, n_out), 10, shift);
        }
    }
    Some(())
}

/// Memory for the weights.
fn weights() -> Option<&'static mut [u8]> {
    #[cfg(target_arch = "arm")]
    use cortex_m::singleton;
    #[cfg(target_arch = "riscv32")]
    use riscv::singleton;
    let weights = singleton!(: Weights = Weights([0; N_IN * N_OUT]))?;
    Some(&mut weights.0)
}

/// A layer of so many inputs and outputs, where `percent` of a hundred inputs spike, evenly spread.
fn layer(
    machine: &mut Machine,
    weights: &[u8],
    (n_in, n_out): (usize, usize),
    percent: usize,
    shift: i8,
) {
    let linear = Linear::new(n_in, weights.get(..n_in * n_out).unwrap_or(&[]));
    let mut words = [0u32; N_IN.div_ceil(32)];
    let n = (n_in * percent).div_ceil(100);
    for i in (0..n).map(|k| k * n_in / n) {
        if let Some(word) = words.get_mut(i / 32) {
            *word |= 1 << (i % 32);
        }
    }
    let bias = [3i32; N_OUT];
    let bias = bias.get(..n_out).unwrap_or(&[]);
    let mut sums = [0u32; N_OUT];
    for (name, kind) in [("16-bit", Sums::Lanes), ("32-bit", Sums::Wide)] {
        let sums = sums
            .get_mut(..kind.words(n_out.next_multiple_of(BLOCK)))
            .unwrap_or(&mut []);
        let mut work = || {
            let spikes = Spikes::new(&words, n_in);
            black_box(&linear).currents_i16(spikes, bias, black_box(shift), kind, sums);
        };
        // Without spikes the instructions are those of the layer.
        let of = if n == 0 { 1 } else { n * n_out };
        if shift == 0 {
            machine.row(
                format_args!("synapses {n_in}-{n_out} {percent}% {name}"),
                of,
                work,
            );
        } else if kind == Sums::Lanes {
            let name = format_args!("synapses {n_in}-{n_out} {percent}% {name} shift {shift}");
            machine.row(name, of, &mut work);
        }
    }
}
