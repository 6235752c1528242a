//! The instructions of the core's kernels, counted under QEMU, against `budgets.toml`. Needs QEMU and the targets:
//! `cargo lif setup` installs both.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// `budgets.toml`.
#[derive(Debug, Deserialize)]
struct Budgets {
    /// By target, then by what is measured: instructions.
    instructions: BTreeMap<String, BTreeMap<String, u64>>,
}

/// What `boards/bench` prints on `machine`: a name, instructions, and what they were for.
fn measure(target: &str, machine: &str) -> Vec<(String, u64, u64)> {
    let boards = Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards");
    let target_dir = boards.join("target");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(&boards)
        .args([
            "build",
            "--release",
            "--package",
            "bench",
            "--target",
            target,
        ])
        .arg("--target-dir")
        .arg(&target_dir)
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    let output = Command::new("qemu-system-arm")
        .args(["-M", machine, "-display", "none", "-monitor", "none"])
        .args(["-serial", "none", "-icount", "shift=8,sleep=off"])
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(target_dir.join(target).join("release/bench"))
        .output()
        .expect("qemu-system-arm: `cargo lif setup` installs it");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let row = |line: &str| {
        let mut words: Vec<&str> = line.split(' ').collect();
        let of = words.pop().unwrap().parse().unwrap();
        let count = words.pop().unwrap().parse().unwrap();
        (words.join(" "), count, of)
    };
    text.lines().map(row).collect()
}

fn check(target: &str, machine: &str) {
    let budgets: Budgets = toml::from_str(include_str!("../budgets.toml")).unwrap();
    let mut allowed = budgets.instructions[target].clone();
    let mut too_many = Vec::new();
    // Ends the line that the test runner began.
    println!();
    for (name, count, of) in measure(target, machine) {
        let most = allowed.remove(&name);
        let most = most.unwrap_or_else(|| panic!("{name:?} has no budget on {target}"));
        println!(
            "instructions  {target:<22} {name:<28} {count:>7}, {most:>7} allowed, {:.3} each",
            count as f64 / of as f64
        );
        assert!(count > 0, "{name}: the counter wrapped");
        if count > most {
            too_many.push(format!("{name}: {count}, {most} allowed"));
        }
    }
    assert!(too_many.is_empty(), "{target}: {}", too_many.join("; "));
    assert!(allowed.is_empty(), "not measured on {target}: {allowed:?}");
}

/// A test for each core: a target and QEMU's machine.
macro_rules! cores {
    ($($name:ident = $target:literal on $machine:literal),*) => {$(
        #[test]
        fn $name() {
            check($target, $machine);
        }
    )*};
}

cores!(
    cortex_m4 = "thumbv7em-none-eabihf" on "mps2-an386",
    cortex_m3 = "thumbv7m-none-eabi" on "mps2-an385",
    cortex_m0 = "thumbv6m-none-eabi" on "mps2-an385"
);
