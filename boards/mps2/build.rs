//! Puts the linker script where the linker finds it, so that the build works from any directory.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    // Only AN505 has a Cortex-M33, and only it has its memory elsewhere.
    let memory = match env::var("TARGET")?.starts_with("thumbv8m") {
        true => "an505.x",
        false => "memory.x",
    };
    fs::copy(memory, out.join("memory.x"))?;
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rerun-if-changed={memory}");
    Ok(())
}
