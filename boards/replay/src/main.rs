//! Runs each network of a bundle that lies where a board's model does, and prints over semihosting, a line each:
//!
//! ```text
//! network BYTES                                     size of the struct
//! array STACK                                       bytes of stack of a function with an array of 200
//! run INDEX DIGEST ANSWER STACK                     all of a network
//! refused INDEX ERROR
//! layer INDEX STEP LAYER SPIKES MEMBRANES           each layer in each step, where the bundle asks for it
//! ```
//!
//! DIGEST is over the spikes and membranes of all layers after each step, ANSWER over counts, first spikes and readouts
//! after the last; STACK is the bytes of stack that a step takes at the most. SPIKES and MEMBRANES are the bytes as they
//! lie in memory. Digests and bytes are in hexadecimal, indices count from 0.
#![no_std]
#![no_main]

mod bundle;
mod stack;

use core::hint::black_box;

use bundle::{Bundle, Entry};
use common::model_slot;
#[cfg(target_arch = "arm")]
use cortex_m::singleton;
#[cfg(target_arch = "arm")]
use cortex_m_rt::entry;
use lif_nostd::model::Digest;
use lif_nostd::model::format::Number;
use lif_nostd::spikes::words_for;
use lif_nostd::{Error, Network};
#[cfg(target_arch = "riscv32")]
use riscv::singleton;
#[cfg(target_arch = "riscv32")]
use riscv_rt::entry;
use semihosting::{print, println, process};

/// Room for a network, in units of 8 bytes: half the RAM of the smallest board.
const ARENA: usize = 1024;

#[entry]
fn main() -> ! {
    let (Some(bundle), Some(arena)) = (
        Bundle::read(model_slot()),
        singleton!(: [u64; ARENA] = [0; ARENA]),
    ) else {
        process::exit(1)
    };
    println!("network {}", size_of::<Network<'_>>());
    println!("array {}", stack::used_by(&mut array));
    for (i, entry) in bundle.entries().enumerate() {
        match replay(&entry, arena, i, bundle.every_layer) {
            Ok(run) => println!(
                "run {i} {:08x} {:08x} {}",
                run.digest, run.answer, run.stack
            ),
            Err(error) => println!("refused {i} {error}"),
        }
    }
    process::exit(0)
}

/// Takes a known part of the stack.
fn array() {
    black_box([0u8; 200]);
}

/// What a network did.
struct Run {
    digest: u32,
    answer: u32,
    stack: usize,
}

fn replay(entry: &Entry, arena: &mut [u64], i: usize, every_layer: bool) -> Result<Run, Error> {
    let mut network = Network::new(entry.model, arena)?;
    let (mut digest, mut stack) = (Digest::new(), 0);
    for step in 0..entry.steps {
        set_input(&mut network, entry.input, step)?;
        stack = stack.max(stack::used_by(&mut || network.step()));
        digest.add_spikes(&network);
        digest.add_membranes(&network);
        if every_layer {
            for (l, (spikes, v)) in network.layers().enumerate() {
                print!("layer {i} {step} {l} ");
                hexadecimal(bytemuck::cast_slice(spikes.words()));
                print!(" ");
                hexadecimal(v.bytes());
                println!();
            }
        }
    }
    Ok(Run {
        digest: digest.finish(),
        answer: answer(&network),
        stack,
    })
}

/// Sets the input of step `step`: values before the first, spikes in each, in even steps as words, in odd ones as
/// events.
fn set_input(network: &mut Network<'_>, input: &[u8], step: u32) -> Result<(), Error> {
    let n = network.model().n_in();
    match network.model().number() {
        Number::Bits => {
            let words: &[u32] = bytemuck::try_cast_slice(input).unwrap_or(&[]);
            let per_step = words_for(n);
            let start = per_step.saturating_mul(step as usize);
            let words = words.get(start..start + per_step).unwrap_or(&[]);
            if step.is_multiple_of(2) {
                return network.set_spikes(words);
            }
            let spikes = lif_nostd::Spikes::new(words, n);
            spikes
                .indices()
                .try_for_each(|i| network.events(&[i as u16]))
        }
        _ if step > 0 => Ok(()),
        Number::F32 => network.set_current_f32(bytemuck::try_cast_slice(input).unwrap_or(&[])),
        _ => network.set_current(bytemuck::try_cast_slice(input).unwrap_or(&[])),
    }
}

/// Counts, first spikes and the bits of the readouts in one number.
fn answer(network: &Network<'_>) -> u32 {
    let add = |sum: u32, word: u32| (sum ^ word).wrapping_mul(0x0100_0193);
    let mut sum = 0x811c_9dc5;
    let firsts = network.first_spikes();
    for (i, (count, first)) in network.counts().iter().zip(firsts).enumerate() {
        sum = add(sum, *count);
        sum = add(sum, first.map_or(u32::MAX, u32::from));
        sum = add(sum, network.readout(i).unwrap_or(0.0).to_bits());
    }
    sum
}

fn hexadecimal(bytes: &[u8]) {
    // One call of the host for eight bytes: each costs more than the step did.
    for part in bytes.chunks(8) {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(part) {
            *to = *from;
        }
        let width = 2 * part.len();
        let shown = u64::from_be_bytes(word) >> (64 - 4 * width);
        print!("{shown:0width$x}");
    }
}

/// What an exception ends in.
#[cfg(target_arch = "riscv32")]
#[allow(unsafe_code, reason = "the start-up code finds it by its name")]
#[unsafe(no_mangle)]
extern "C" fn abort() -> ! {
    process::exit(2)
}
