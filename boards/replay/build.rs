//! Puts the linker script of the target's machine where the linker finds it, so that the build works from any
//! directory.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    // Each is that of the board whose machine runs the program.
    let memory = match env::var("TARGET")?.as_str() {
        "thumbv6m-none-eabi" => "../microbit/memory.x",
        "thumbv8m.main-none-eabihf" => "../mps2/an505.x",
        "riscv32imac-unknown-none-elf" => "../riscv-virt/memory.x",
        _ => "../mps2/memory.x",
    };
    fs::copy(memory, out.join("memory.x"))?;
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rerun-if-changed={memory}");
    Ok(())
}
