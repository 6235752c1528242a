//! The instructions of the core's kernels, counted under QEMU, against `budgets.toml`. Needs QEMU and the targets:
//! `cargo lif setup` installs both.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use lif_host::cost::{Activity, CORES};
use lif_host::export::export_int;
use lif_host::infer::Host;
use lif_tests::busy::{ANOMALY_DETECTION, Busy};
use serde::Deserialize;

/// `budgets.toml`.
#[derive(Debug, Deserialize)]
struct Budgets {
    /// By target, then by what is measured: instructions.
    instructions: BTreeMap<String, BTreeMap<String, u64>>,
    /// By target, then by what is measured: instructions for each synaptic operation or neuron that it is for.
    ceilings: BTreeMap<String, BTreeMap<String, f64>>,
}

/// The emulator of a machine, without devices that the count would depend on.
fn emulator(machine: &str) -> Command {
    let mut qemu;
    if machine == "virt" {
        // An instruction takes 1 ns, and `minstret` counts them.
        qemu = Command::new("qemu-system-riscv32");
        qemu.args([
            "-bios",
            "none",
            "-serial",
            "stdio",
            "-icount",
            "shift=0,sleep=off",
        ]);
    } else {
        // An instruction takes 256 ns, which SysTick sees.
        qemu = Command::new("qemu-system-arm");
        qemu.args(["-serial", "none", "-icount", "shift=8,sleep=off"]);
        qemu.args(["-semihosting-config", "enable=on,target=native"]);
    }
    qemu.args(["-M", machine, "-display", "none", "-monitor", "none"]);
    qemu
}

/// Networks whose whole steps are counted: a name, and the sizes.
const NETWORKS: [(&str, &[usize]); 2] = [
    ("anomaly-detection", &ANOMALY_DETECTION),
    ("784-128-10", &[784, 128, 10]),
];

/// The networks, one behind the other, at shares of neurons that spike.
fn networks() -> Vec<u8> {
    let mut bundle = Vec::new();
    for (name, sizes) in NETWORKS {
        for percent in [1, 10, 30, 100] {
            for per_neuron in [false, true] {
                if per_neuron && percent != 10 {
                    continue;
                }
                let busy = Busy {
                    name,
                    sizes,
                    percent,
                    per_neuron,
                };
                bundle.extend(busy.bundle().unwrap());
            }
        }
    }
    bundle
}

/// Builds `boards/bench` for `target`: the program.
fn build(target: &str) -> PathBuf {
    let boards = Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards");
    let target_dir = boards.join("target");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(&boards)
        .args(["build", "--profile", "size", "--package", "bench"])
        .args(["--target", target, "--target-dir"])
        .arg(&target_dir)
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    target_dir.join(target).join("size/bench")
}

/// What `boards/bench` prints on `machine`, without and with networks: a name, instructions, and what they were for.
fn measure(target: &str, machine: &str) -> Vec<(String, u64, u64)> {
    let program = build(target);
    let mut bundle = tempfile::NamedTempFile::new().unwrap();
    bundle.write_all(&networks()).unwrap();
    let address = match machine {
        "virt" => 0x8010_0000u32,
        _ => 0x0010_0000,
    };
    // A comma separates QEMU's suboptions, and two stand for one.
    let file = bundle.path().display().to_string().replace(',', ",,");
    let loader = format!("loader,file={file},addr={address:#x},force-raw=on");
    let mut rows = Vec::new();
    for device in [None, Some(loader)] {
        let mut emulator = emulator(machine);
        emulator.arg("-kernel").arg(&program);
        if let Some(device) = &device {
            emulator.args(["-device", device]);
        }
        let output = emulator
            .output()
            .expect("QEMU for Arm and RISC-V: `cargo lif setup` installs it");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        rows.extend(text.lines().map(|line| {
            let mut words: Vec<&str> = line.split(' ').collect();
            let of = words.pop().unwrap().parse().unwrap();
            let count = words.pop().unwrap().parse().unwrap();
            (words.join(" "), count, of)
        }));
    }
    rows
}

/// The estimate that `lif inspect` prints is that of the counts, to a tenth.
fn check_estimate(target: &str, rows: &[(String, u64, u64)]) {
    let core = CORES.iter().find(|core| core.target == target).unwrap();
    let mut compared = 0;
    for (name, sizes) in NETWORKS {
        for percent in [1, 10, 30, 100] {
            for per_neuron in [false, true] {
                let busy = Busy {
                    name,
                    sizes,
                    percent,
                    per_neuron,
                };
                let net = busy.net().unwrap();
                let Some((_, count, _)) = rows.iter().find(|r| r.0 == format!("step {}", net.name))
                else {
                    continue;
                };
                let file = export_int(&net).unwrap().bytes;
                let host = Host::new(&file).unwrap();
                let activity = match percent {
                    100 => Activity::All,
                    percent => Activity::Percent(percent),
                };
                let estimate = core.step(&host.model(), activity).unwrap();
                let ratio = estimate / *count as f64;
                println!(
                    "estimate      {target:<28} step {:<31} {ratio:.3} of the count",
                    net.name
                );
                assert!(
                    (0.9..1.1).contains(&ratio),
                    "{} on {target}: {estimate}, {count}",
                    net.name
                );
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 10);
}

fn check(target: &str, machine: &str) {
    let budgets: Budgets = toml::from_str(include_str!("../budgets.toml")).unwrap();
    let mut allowed = budgets.instructions[target].clone();
    let mut ceilings = budgets.ceilings[target].clone();
    let mut too_many = Vec::new();
    // Ends the line that the test runner began.
    println!();
    let rows = measure(target, machine);
    check_estimate(target, &rows);
    for (name, count, of) in rows {
        let most = allowed.remove(&name).unwrap_or(0);
        println!(
            "instructions  {target:<28} {name:<36} {count:>7}, {most:>7} allowed, {:.3} each",
            count as f64 / of as f64
        );
        if count == 0 {
            too_many.push(format!("{name}: the counter wrapped"));
        }
        if count > most {
            too_many.push(format!("{name}: {count}, {most} allowed"));
        }
        let each = count as f64 / of as f64;
        if let Some(most) = ceilings.remove(&name).filter(|most| each > *most) {
            too_many.push(format!("{name}: {each:.3} each, {most} allowed"));
        }
    }
    assert!(too_many.is_empty(), "{target}: {}", too_many.join("; "));
    assert!(allowed.is_empty(), "not measured on {target}: {allowed:?}");
    assert!(
        ceilings.is_empty(),
        "not measured on {target}: {ceilings:?}"
    );
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
    cortex_m0 = "thumbv6m-none-eabi" on "mps2-an385",
    rv32imac = "riscv32imac-unknown-none-elf" on "virt"
);
