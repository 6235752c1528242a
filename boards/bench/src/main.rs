//! Counts the instructions of the core's kernels with SysTick and prints a line each over semihosting: what was
//! measured, the instructions, and how many synaptic operations or neurons they were for.
#![no_std]
#![no_main]

use core::hint::black_box;

use common::systick::Counter;
use cortex_m::{Peripherals, asm, singleton};
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use lif_nostd::Spikes;
use lif_nostd::neuron::{Lif, LifConfig};
use lif_nostd::synapse::{BLOCK, Linear, Sums};

/// Inputs and outputs of the larger layer.
const N_IN: usize = 784;
const N_OUT: usize = 256;
/// Neurons.
const N: usize = 256;

#[repr(align(16))]
struct Weights([u8; N_IN * N_OUT]);

/// A linear congruential generator.
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 16
    }
}

/// Instructions of `ticks` of 40 ns at 256 ns an instruction; 0 where the counter wrapped.
fn instructions(ticks: Option<u32>) -> u64 {
    (u64::from(ticks.unwrap_or(0)) * 40 + 128) / 256
}

#[entry]
fn main() -> ! {
    let (Some(core), Some(weights)) = (
        Peripherals::take(),
        singleton!(: Weights = Weights([0; N_IN * N_OUT])),
    ) else {
        end(debug::EXIT_FAILURE)
    };
    let mut counter = Counter::new(core.SYST);
    let mut random = Random(1);
    weights.0.fill_with(|| (random.next() % 255 + 1) as u8);
    for (n_in, n_out) in [(N_IN, N_OUT), (64, 128)] {
        for percent in [1, 10, 30, 100] {
            synapses(&mut counter, &weights.0, n_in, n_out, percent);
        }
    }
    neurons(&mut counter);
    end(debug::EXIT_SUCCESS)
}

/// A layer of `n_in` inputs of which `percent` of a hundred spike, evenly spread, from spikes to currents.
fn synapses(counter: &mut Counter, weights: &[u8], n_in: usize, n_out: usize, percent: usize) {
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
        let ticks = counter.measure(|| {
            let spikes = Spikes::new(&words, n_in);
            black_box(&linear).currents_i16(spikes, bias, 0, kind, sums);
        });
        let count = instructions(ticks);
        hprintln!(
            "synapses {}-{} {}% {} {} {}",
            n_in,
            n_out,
            percent,
            name,
            count,
            n * n_out
        );
    }
}

/// A step of a population.
fn neurons(counter: &mut Counter) {
    let mut v = [0i16; N];
    let mut spikes = [0u32; N / 32];
    let c: [i16; N] = core::array::from_fn(|i| 2 * i as i16);
    for (name, config) in [
        ("tau=2 hard", LifConfig::new(2.0)),
        ("tau=2 soft", LifConfig::new(2.0).soft_reset()),
        ("any-tau hard", LifConfig::new(3.7)),
        ("any-tau soft", LifConfig::new(3.7).soft_reset()),
    ] {
        let Ok(lif) = config.v_threshold(300.0).decay_input(false).lif::<i16>() else {
            end(debug::EXIT_FAILURE)
        };
        let lif: &Lif<i16> = black_box(&lif);
        let ticks = counter.measure(|| lif.step_block(&mut v, &c, &mut spikes));
        hprintln!("lif-i16 {} {} {}", name, instructions(ticks), N);
        if config.tau == 2.0 {
            let ticks = counter.measure(|| lif.step_block_doubled(&mut v, &c, &mut spikes));
            hprintln!("lif-i16 {} doubled {} {}", name, instructions(ticks), N);
        }
    }
}

fn end(status: debug::ExitStatus) -> ! {
    debug::exit(status);
    loop {
        asm::wfi();
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    end(debug::EXIT_FAILURE)
}
