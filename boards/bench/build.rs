//! Puts the machine's linker script where the linker finds it, so that the build works from any directory.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let script: &[u8] = if env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "riscv32") {
        include_bytes!("virt.x")
    } else {
        include_bytes!("mps2.x")
    };
    fs::write(out.join("memory.x"), script)?;
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    // A core with the DSP extension, which no `cfg` of the compiler tells.
    println!("cargo::rustc-check-cfg=cfg(dsp)");
    if env::var("TARGET").is_ok_and(|target| target.starts_with("thumbv7em")) {
        println!("cargo::rustc-cfg=dsp");
    }
    println!("cargo::rerun-if-changed=mps2.x");
    println!("cargo::rerun-if-changed=virt.x");
    Ok(())
}
