//! The boards that QEMU emulates, and how.

use super::Error;

/// A board whose firmware is in `boards/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    /// Name, also of the firmware's program.
    pub name: &'static str,
    /// The firmware's package in `boards/`.
    pub package: &'static str,
    /// Its processor core.
    pub core: &'static str,
    /// Compilation target of the firmware.
    pub target: &'static str,
    /// Program that emulates it.
    pub qemu: &'static str,
    /// QEMU's name for the machine.
    pub machine: &'static str,
    /// What else QEMU needs to be told.
    pub options: &'static [&'static str],
    /// An emulated instruction takes 2^`icount_shift` ns.
    pub icount_shift: u32,
    /// Frequency of the emulated counter, in Hz.
    pub counter_hz: u64,
}

/// The emulator of the boards with an Arm core.
pub const QEMU_ARM: &str = "qemu-system-arm";
/// The emulator of the boards with a RISC-V core.
pub const QEMU_RISCV: &str = "qemu-system-riscv32";

/// Arm's MPS2 board, whose FPGA image decides its core.
const fn mps2(
    name: &'static str,
    core: &'static str,
    target: &'static str,
    counter_hz: u64,
) -> Board {
    Board {
        name,
        package: "mps2",
        core,
        target,
        qemu: QEMU_ARM,
        machine: name,
        options: &[],
        // 6.4 ticks of 40 ns an instruction, 5.12 of 50 ns: a step of 2.6 million instructions fits the
        // 24-bit counter.
        icount_shift: 8,
        counter_hz,
    }
}

/// All boards.
pub const BOARDS: &[Board] = &[
    mps2(
        "mps2-an386",
        "Cortex-M4F",
        "thumbv7em-none-eabihf",
        25_000_000,
    ),
    Board {
        name: "netduinoplus2",
        package: "netduinoplus2",
        core: "Cortex-M4F (STM32F405)",
        target: "thumbv7em-none-eabihf",
        qemu: QEMU_ARM,
        machine: "netduinoplus2",
        options: &[],
        // 10.75 ticks of 5.95 ns an instruction: a step of 1.5 million instructions fits.
        icount_shift: 6,
        counter_hz: 168_000_000,
    },
    Board {
        name: "microbit",
        package: "microbit",
        core: "Cortex-M0 (nRF51822)",
        target: "thumbv6m-none-eabi",
        qemu: QEMU_ARM,
        machine: "microbit",
        options: &[],
        // 4.096 ticks of 62.5 ns an instruction, in 32 bits.
        icount_shift: 8,
        counter_hz: 16_000_000,
    },
    Board {
        name: "stm32vldiscovery",
        package: "stm32vldiscovery",
        core: "Cortex-M3 (STM32F100)",
        target: "thumbv7m-none-eabi",
        qemu: QEMU_ARM,
        machine: "stm32vldiscovery",
        options: &[],
        // 6.144 ticks of 41.7 ns an instruction: a step of 2.7 million instructions fits.
        icount_shift: 8,
        counter_hz: 24_000_000,
    },
    mps2("mps2-an385", "Cortex-M3", "thumbv7m-none-eabi", 25_000_000),
    mps2(
        "mps2-an500",
        "Cortex-M7F",
        "thumbv7em-none-eabihf",
        25_000_000,
    ),
    mps2(
        "mps2-an505",
        "Cortex-M33F",
        "thumbv8m.main-none-eabihf",
        20_000_000,
    ),
    Board {
        name: "mps3-an547",
        package: "mps3-an547",
        core: "Cortex-M55F",
        target: "thumbv8m.main-none-eabihf",
        qemu: QEMU_ARM,
        machine: "mps3-an547",
        options: &[],
        // 4.096 ticks of 31.25 ns an instruction: a step of 4 million instructions fits.
        icount_shift: 7,
        counter_hz: 32_000_000,
    },
    Board {
        name: "riscv-virt",
        package: "riscv-virt",
        core: "rv32imac",
        target: "riscv32imac-unknown-none-elf",
        qemu: QEMU_RISCV,
        machine: "virt",
        options: &["-bios", "none"],
        // The counter counts instructions, and each takes 1 ns.
        icount_shift: 0,
        counter_hz: 1_000_000_000,
    },
];

impl Board {
    /// The board called `name`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBoard`], which lists those that there are.
    pub fn find(name: &str) -> Result<&'static Self, Error> {
        BOARDS
            .iter()
            .find(|b| b.name == name)
            .ok_or_else(|| Error::UnknownBoard {
                name: name.into(),
                known: BOARDS.iter().map(|b| b.name).collect::<Vec<_>>().join(", "),
            })
    }

    /// Executed instructions in `ticks` of the emulated counter.
    #[must_use]
    pub fn instructions(&self, ticks: u64) -> u64 {
        let per_instruction = u128::from(self.counter_hz) << self.icount_shift;
        let nanos = u128::from(ticks) * 1_000_000_000;
        ((nanos + per_instruction / 2) / per_instruction) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_instructions() {
        let of = |name, ticks| Board::find(name).map(|b| b.instructions(ticks)).unwrap();
        // 1,000 instructions of 256 ns are 6,400 ticks of 40 ns.
        assert_eq!(of("mps2-an386", 6400), 1000);
        assert_eq!(of("mps2-an386", 6399), 1000);
        assert_eq!(of("netduinoplus2", 10_752), 1000);
        assert_eq!(of("microbit", 4096), 1000);
        assert_eq!(of("mps2-an505", 5120), 1000);
        assert_eq!(of("riscv-virt", 1000), 1000);
    }

    #[test]
    fn an_unknown_board_lists_the_known_ones() {
        let text = Board::find("arduino").unwrap_err().to_string();
        let known: Vec<&str> = BOARDS.iter().map(|b| b.name).collect();
        let want = format!(
            "there is no board \"arduino\": the boards are {}",
            known.join(", ")
        );
        assert_eq!(text, want);
    }
}
