//! Counts the instructions of the core's kernels with SysTick, and prints them over semihosting.
#![no_std]
#![no_main]

use core::hint::black_box;

use common::systick::Counter;
use cortex_m::Peripherals;
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use lif_nostd::Spikes;
use lif_nostd::neuron::{Lif, LifConfig};
use lif_nostd::synapse::{Linear, Sums};

#[repr(align(16))]
struct Weights([u8; 784 * 256]);
static mut WEIGHTS: Weights = Weights([0; 784 * 256]);

struct Random(u32);
impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 16
    }
}

/// Instructions of `ticks`: 40 ns a tick, 256 ns an instruction.
fn count(ticks: Option<u32>) -> u32 {
    (ticks.unwrap_or(0) * 40 + 128) / 256
}

#[allow(unsafe_code, static_mut_refs, reason = "one thread")]
#[entry]
fn main() -> ! {
    let Some(core) = Peripherals::take() else {
        loop {}
    };
    let mut counter = Counter::new(core.SYST);
    let mut random = Random(1);
    // SAFETY: nothing else uses it.
    let weights = unsafe { &mut WEIGHTS.0 };
    for w in weights.iter_mut() {
        *w = (random.next() % 255 + 1) as u8;
    }
    let bias = [3i32; 256];
    let mut sums = [0u32; 256];
    for (n_in, n_out) in [(784, 256), (64, 128)] {
        let linear = Linear::new(n_in, &weights[..n_in * n_out]);
        for percent in [1, 10, 30, 100] {
            let mut words = [0u32; 25];
            let mut n = 0;
            for i in 0..n_in {
                if random.next() % 100 < percent {
                    words[i / 32] |= 1 << (i % 32);
                    n += 1;
                }
            }
            for kind in [Sums::Lanes, Sums::Wide] {
                let ticks = counter.measure(|| {
                    let spikes = Spikes::new(&words, n_in);
                    black_box(&linear).currents_i16(spikes, &bias, 0, kind, &mut sums);
                });
                let c = count(ticks);
                hprintln!(
                    "{}->{} {}% {:?}: {} for {} synops = {}/1000",
                    n_in,
                    n_out,
                    percent,
                    kind,
                    c,
                    n * n_out,
                    c as u64 * 1000 / (n * n_out).max(1) as u64
                );
            }
        }
    }
    let mut v = [0i16; 256];
    let c: [i16; 256] = core::array::from_fn(|i| (i * 5) as i16);
    let mut spikes = [0u32; 8];
    for tau in [2.0, 3.7] {
        let lif: Lif<i16> = LifConfig::new(tau)
            .v_threshold(900.0)
            .lif()
            .unwrap_or(Lif::new(2.0, 1, None, false));
        for doubled in [false, true] {
            if doubled && tau != 2.0 {
                continue;
            }
            let ticks = counter.measure(|| {
                lif_nostd::kernel::bench_step(black_box(&lif), &mut v, &c, &mut spikes, doubled)
            });
            hprintln!(
                "LIF i16 tau {} doubled {}: {}/256 neurons = {}/100",
                tau as u32,
                doubled,
                count(ticks),
                count(ticks) * 100 / 256
            );
        }
    }
    debug::exit(debug::EXIT_SUCCESS);
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    debug::exit(debug::EXIT_FAILURE);
    loop {}
}
