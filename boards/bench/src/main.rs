//! Counts instructions and prints a line each: what was measured, the instructions, and how many synaptic operations or
//! neurons they were for. Where networks lie in the model slot, it is a step of each; else it is the core's kernels,
//! which are checked first. The rows are the same on each machine.
#![no_std]
#![no_main]

mod checks;
#[cfg_attr(target_arch = "arm", path = "machine/mps2.rs")]
#[cfg_attr(target_arch = "riscv32", path = "machine/virt.rs")]
mod machine;
mod networks;
mod neurons;
mod synapses;

use machine::Machine;

/// A linear congruential generator.
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 16
    }
}

/// Everything that is measured; none if something is amiss.
fn run(machine: &mut Machine) -> Option<()> {
    if networks::all(machine)? > 0 {
        return Some(());
    }
    if let Err(what) = checks::all() {
        machine.line(format_args!("not as defined: {what}"));
        return None;
    }
    synapses::all(machine)?;
    neurons::all(machine)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    machine::end(false)
}
