//! Neurons on a GPU, against the CPU backend, `lif-nostd` and the oracle.
//!
//! A test binary of its own kind: without a GPU it says so, and counts its tests as ignored; with `LIF_REQUIRE_GPU`
//! set it fails then. Arguments are parts of the names of the tests to run.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backward;
mod data;
mod fixed;
mod forward;
mod non_spiking;
mod storage;
mod surrogates;
mod system;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use lif_host::cuda::Gpu;

/// A test: it returns a line to report, and fails by panicking.
type Test = fn(&Gpu) -> String;

const TESTS: &[(&str, Test)] = &[
    ("forward_is_the_cpu_in_every_bit", forward::every_option),
    ("long_sequences", forward::long_sequences),
    ("large_layers", forward::large_layers),
    ("no_neurons_are_no_error", system::no_neurons),
    ("spike_formats_agree", storage::spike_formats),
    ("half_precision_follows_its_model", storage::half_precision),
    ("offsets_past_32_bits", storage::large_offsets),
    ("gradients_of_all_surrogates", backward::all_surrogates),
    ("gradients_of_every_option", backward::every_option),
    ("gradients_of_smooth_neurons", backward::smooth_neurons),
    ("emissions_other_than_spikes", forward::emissions),
    ("non_spiking_forward", non_spiking::forward),
    ("non_spiking_backward", non_spiking::backward),
    ("fixed_point_is_lif_nostd_in_every_bit", fixed::every_option),
    ("surrogates_value_by_value", surrogates::values),
    ("wrong_input_is_named", system::errors),
    ("a_graph_replays_the_same_bits", system::graph),
    ("a_damaged_cache_is_rebuilt", system::cache),
    ("streams_do_not_mix", system::streams),
];

fn main() -> ExitCode {
    if std::env::args().any(|arg| arg == "--list") {
        TESTS.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str()));
    let tests: Vec<_> = TESTS.iter().filter(|(name, _)| chosen(name)).collect();
    let gpu = match Gpu::open(0) {
        Ok(gpu) => gpu,
        Err(error) => {
            let required = std::env::var_os("LIF_REQUIRE_GPU").is_some();
            println!("no GPU: not run ({error})");
            let (word, failed, ignored) = match required {
                true => ("FAILED", tests.len(), 0),
                false => ("ok", 0, tests.len()),
            };
            summary(word, 0, failed, ignored);
            return ExitCode::from(u8::from(required));
        }
    };
    println!("running {} tests on {}", tests.len(), gpu.name());
    let mut failed = 0;
    for (name, test) in &tests {
        let start = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| test(&gpu))) {
            Ok(said) => println!("test {name} ... ok: {said} ({:.1?})", start.elapsed()),
            Err(_) => {
                failed += 1;
                println!("test {name} ... FAILED ({:.1?})", start.elapsed());
            }
        }
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    summary(word, tests.len() - failed, failed, 0);
    ExitCode::from(u8::from(failed > 0))
}

fn summary(word: &str, passed: usize, failed: usize, ignored: usize) {
    println!(
        "test result: {word}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; 0 filtered out"
    );
}
