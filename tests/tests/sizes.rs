//! The size of the core on chips: what a program with reader, checksum, network and readouts is larger by than an
//! empty one, against `budgets.toml`. Needs the chips' Rust targets: `cargo lif setup` installs them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object, ObjectSection};
use serde::Deserialize;

/// `budgets.toml`.
#[derive(Debug, Deserialize)]
struct Budgets {
    /// By target, then by profile, in bytes.
    text: BTreeMap<String, BTreeMap<String, u64>>,
}

/// Bytes of code and constants in the file at `path`.
fn text(path: &Path) -> u64 {
    let bytes = std::fs::read(path).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let sizes = [".text", ".rodata"].map(|name| file.section_by_name(name).unwrap().size());
    sizes.iter().sum()
}

/// Builds the programs of `boards/no-panic`; the folder that they are in.
fn build(target: &str, profile: &str) -> PathBuf {
    let boards = Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards");
    let target_dir = boards.join("target");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(&boards)
        .args(["build", "--package", "no-panic", "--target", target])
        .args(["--profile", profile, "--target-dir"])
        .arg(&target_dir)
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    target_dir.join(target).join(profile)
}

fn check(target: &str) {
    let budgets: Budgets = toml::from_str(include_str!("../budgets.toml")).unwrap();
    let budget = &budgets.text[target];
    let mut too_large = Vec::new();
    // Ends the line that the test runner began.
    println!();
    for profile in ["release", "size"] {
        let dir = build(target, profile);
        let bytes = text(&dir.join("network")) - text(&dir.join("empty"));
        let allowed = budget[profile];
        println!("text  {target:<29} {profile:<8} {bytes:>6} bytes, {allowed:>6} allowed");
        if bytes > allowed {
            too_large.push(format!("{profile}: {bytes} bytes, {allowed} allowed"));
        }
    }
    assert!(too_large.is_empty(), "{target}: {}", too_large.join("; "));
}

/// A test for each target.
macro_rules! sizes {
    ($($name:ident = $target:literal),*) => {$(
        #[test]
        fn $name() {
            check($target);
        }
    )*};
}

sizes!(
    thumbv6m_none_eabi = "thumbv6m-none-eabi",
    thumbv7em_none_eabihf = "thumbv7em-none-eabihf",
    riscv32imac_unknown_none_elf = "riscv32imac-unknown-none-elf"
);
