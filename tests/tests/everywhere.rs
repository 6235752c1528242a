//! The same bits on every core: networks drawn at random, on this machine and under QEMU; and the stack and RAM that
//! they take there, against `budgets.toml`. Needs QEMU and the boards' Rust targets: `cargo lif setup` installs both.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use lif_host::export::export_int;
use lif_host::infer::AlignedBytes;
use lif_nostd::model::Model;
use lif_nostd::model::format::Node;
use lif_nostd::neuron::Decode;
use lif_tests::emulated::Core;
use lif_tests::exercise::mended;
use lif_tests::nets::Draw;
use lif_tests::random_models::{KINDS, STEPS, Sample, kinds, samples};
use lif_tests::replay::Printed;
use serde::Deserialize;

/// Networks on each core.
const NETWORKS: usize = 300;
/// What they are drawn from.
const SEED: u64 = 7;
/// Networks that each kind must occur in, so that none is there by name alone.
const OF_A_KIND: usize = 5;

/// `budgets.toml`.
#[derive(Debug, Deserialize)]
struct Budgets {
    /// By target: bytes.
    stack: BTreeMap<String, Stack>,
    /// By network: bytes.
    ram: BTreeMap<String, usize>,
}

/// Bytes of stack of a step.
#[derive(Debug, Deserialize)]
struct Stack {
    integer: usize,
    f32: usize,
}

/// The networks, drawn once.
fn networks() -> &'static [Sample] {
    static NETWORKS_DRAWN: OnceLock<Vec<Sample>> = OnceLock::new();
    NETWORKS_DRAWN.get_or_init(|| samples(SEED, NETWORKS).unwrap())
}

/// A core, and what it printed of all networks, which were compared.
struct Bench {
    core: Core,
    all: Printed,
}

fn bench(board: &str, built: &'static OnceLock<Bench>) -> &'static Bench {
    built.get_or_init(|| {
        let (core, all) = compare(board, "size");
        Bench { core, all }
    })
}

/// Runs all networks on the core of `board`, with firmware of `profile`.
fn compare(board: &str, profile: &str) -> (Core, Printed) {
    let core = Core::new(board, profile).unwrap();
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(profile);
    std::fs::create_dir_all(&dir).unwrap();
    let all = core.compare(networks(), networks(), &dir);
    let all = all.unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!(all.runs.len(), NETWORKS);
    // Ends the line that the test runner began.
    println!("\nnetworks  {board:<12} {profile:<8} {NETWORKS}, the same in every step");
    (core, all)
}

fn is_f32(sample: &Sample) -> bool {
    kinds(&sample.model).unwrap().contains("f32 weights")
}

impl Bench {
    /// A difference is found and named: this machine runs the same networks, one with the sign of a weight changed.
    fn a_difference(&self) {
        let (right, wrong) = planted();
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.core.name());
        std::fs::create_dir_all(&dir).unwrap();
        let problem = self.core.compare(&right, &wrong, &dir).unwrap_err();
        let want = format!(
            "{}: network 1 (planted): layer 0, step 0, neuron 7: ",
            self.core.name()
        );
        assert!(problem.starts_with(&want), "{problem}");
    }

    fn stack(&self) {
        let budgets: Budgets = toml::from_str(include_str!("../budgets.toml")).unwrap();
        let allowed = &budgets.stack[self.core.target()];
        let mut too_much = Vec::new();
        println!();
        let array = self.all.array_stack;
        assert!(
            (200..260).contains(&array),
            "an array of 200 bytes takes {array}"
        );
        for (name, of_f32, most) in [
            ("integer", false, allowed.integer),
            ("f32", true, allowed.f32),
        ] {
            let mut worst = (0, "");
            for (sample, (_, stack)) in networks().iter().zip(&self.all.runs) {
                if is_f32(sample) == of_f32 {
                    worst = worst.max((*stack, &sample.name));
                }
            }
            let (bytes, which) = worst;
            println!(
                "stack  {:<12} {name:<8} {bytes:>4} bytes, {most:>4} allowed ({which})",
                self.core.name()
            );
            assert!(bytes > 0, "no step was measured");
            if bytes > most {
                too_much.push(format!("{name}: {bytes} bytes, {most} allowed"));
            }
        }
        assert!(
            too_much.is_empty(),
            "{}: {}",
            self.core.name(),
            too_much.join("; ")
        );
    }

    /// The arena of 784-128-10 of i8 weights and i16 membranes and the `Network` itself, on values and on spikes.
    fn ram(&self) {
        let budgets: Budgets = toml::from_str(include_str!("../budgets.toml")).unwrap();
        let mut too_much = Vec::new();
        println!();
        for (name, spikes) in [("784-128-10 i8", false), ("784-128-10 spikes", true)] {
            let draw = Draw {
                spikes,
                ..Draw::new(1, &[784, 128, 10])
            };
            let file = export_int(&draw.build().unwrap()).unwrap().bytes;
            let arena = lif_nostd::ram_bytes(&AlignedBytes::new(&file)).unwrap();
            let network = self.all.network_bytes;
            let (bytes, most) = (arena + network, budgets.ram[name]);
            println!(
                "ram  {:<12} {name:<17} {bytes:>4} bytes, {most:>4} allowed: arena {arena}, network {network}",
                self.core.name(),
            );
            assert!(network > 0, "its size was not printed");
            if bytes > most {
                too_much.push(format!("{name}: {bytes} bytes, {most} allowed"));
            }
        }
        assert!(
            too_much.is_empty(),
            "{}: {}",
            self.core.name(),
            too_much.join("; ")
        );
    }
}

/// Three networks, and the same with one weight of the second changed: that from input 3 to neuron 7.
fn planted() -> (Vec<Sample>, Vec<Sample>) {
    let draw = |seed| Draw::new(seed, &[20, 40, 6]);
    let sample = |seed| Sample {
        model: export_int(&draw(seed).build().unwrap()).unwrap().bytes,
        input: vec![100; 20],
        steps: STEPS,
        name: "planted".into(),
    };
    let right = vec![sample(1), sample(2), sample(3)];
    let mut wrong = right.clone();
    let bytes = AlignedBytes::new(&right[1].model);
    let Some(Node::Linear { weights, .. }) = Model::read(&bytes).unwrap().node(1).map(|r| r.node)
    else {
        panic!("node 1 is of synapses");
    };
    let weight = &mut wrong[1].model[weights as usize + 3 * 16 + 7];
    assert!(weight.abs_diff(128) > 10, "{weight} stands for nearly 0");
    // Weights are stored with 128 added.
    *weight = 0u8.wrapping_sub(*weight);
    wrong[1].model = mended(&wrong[1].model);
    (right, wrong)
}

#[test]
fn every_kind_of_network_is_among_them() {
    let mut counts = BTreeMap::<&str, usize>::new();
    for sample in networks() {
        for kind in kinds(&sample.model).unwrap() {
            *counts.entry(kind).or_default() += 1;
        }
    }
    println!("{counts:?}");
    for kind in KINDS.split(", ") {
        let count = counts.get(kind).copied().unwrap_or(0);
        assert!(count >= OF_A_KIND, "{kind}: {count}");
    }
    for decode in Decode::ALL {
        assert!(counts.contains_key(decode.name()), "{}", decode.name());
    }
}

/// The same tests for each core.
macro_rules! cores {
    ($($module:ident = $board:literal),*) => {$(
        mod $module {
            use super::*;

            static BENCH: OnceLock<Bench> = OnceLock::new();

            #[test]
            fn networks_are_the_same_in_every_step() {
                bench($board, &BENCH);
            }

            #[test]
            fn networks_are_the_same_when_built_for_speed() {
                compare($board, "release");
            }

            #[test]
            fn a_difference_is_found_and_named() {
                bench($board, &BENCH).a_difference();
            }

            #[test]
            fn the_stack_of_a_step_is_small() {
                bench($board, &BENCH).stack();
            }

            #[test]
            fn a_network_takes_little_ram() {
                bench($board, &BENCH).ram();
            }
        }
    )*};
}

cores!(
    cortex_m0 = "microbit",
    cortex_m3 = "mps2-an385",
    cortex_m4 = "mps2-an386",
    cortex_m7 = "mps2-an500",
    cortex_m33 = "mps2-an505",
    rv32imac = "riscv-virt"
);
