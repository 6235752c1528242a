//! Chooses the kernel for the target: the stable compiler shows no `cfg` for the DSP extension.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!(
        "cargo::rustc-check-cfg=cfg(lif_kernel, values(\"dsp\", \"v7m\", \"small\", \"riscv\", \"wide\"))"
    );
    let target = env::var("TARGET").unwrap_or_default();
    let kernel = match target.split('-').next().unwrap_or("") {
        // Every Armv7E-M core has the DSP extension.
        "thumbv7em" => "dsp",
        // In Armv8-M it is an option that the target does not name.
        "thumbv7m" | "thumbv8m.main" => "v7m",
        "thumbv6m" | "thumbv8m.base" => "small",
        // With multiplication, and the registers that the E base leaves out.
        cpu if cpu.starts_with("riscv32im") => "riscv",
        _ => "wide",
    };
    println!("cargo::rustc-cfg=lif_kernel=\"{kernel}\"");
    // The targets of Armv7E-M with this ABI have a floating-point unit.
    println!("cargo::rustc-check-cfg=cfg(lif_fpu)");
    let abi = env::var("CARGO_CFG_TARGET_ABI").unwrap_or_default();
    if kernel == "dsp" && abi == "eabihf" {
        println!("cargo::rustc-cfg=lif_fpu");
    }
}
