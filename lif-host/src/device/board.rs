//! The boards that QEMU emulates, and how.

use super::Error;

/// A board whose firmware is in `boards/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    /// Name, also of the firmware's package.
    pub name: &'static str,
    /// Its processor core.
    pub core: &'static str,
    /// Compilation target of the firmware.
    pub target: &'static str,
    /// Program that emulates it.
    pub qemu: &'static str,
    /// QEMU's name for the machine.
    pub machine: &'static str,
    /// An emulated instruction takes 2^`icount_shift` ns.
    pub icount_shift: u32,
    /// Frequency of the emulated counter, in Hz.
    pub counter_hz: u64,
}

/// All boards.
pub const BOARDS: &[Board] = &[
    Board {
        name: "mps2-an386",
        core: "Cortex-M4F",
        target: "thumbv7em-none-eabihf",
        qemu: "qemu-system-arm",
        machine: "mps2-an386",
        // 6.4 ticks of 40 ns an instruction: a step of 2.6 million instructions fits the 24-bit counter.
        icount_shift: 8,
        counter_hz: 25_000_000,
    },
    Board {
        name: "netduinoplus2",
        core: "Cortex-M4F (STM32F405)",
        target: "thumbv7em-none-eabihf",
        qemu: "qemu-system-arm",
        machine: "netduinoplus2",
        // 10.75 ticks of 5.95 ns an instruction: a step of 1.5 million instructions fits.
        icount_shift: 6,
        counter_hz: 168_000_000,
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
        // 1,000 instructions of 256 ns are 6,400 ticks of 40 ns.
        assert_eq!(BOARDS[0].instructions(6400), 1000);
        assert_eq!(BOARDS[0].instructions(6399), 1000);
        assert_eq!(BOARDS[1].instructions(10_752), 1000);
    }

    #[test]
    fn an_unknown_board_lists_the_known_ones() {
        let text = Board::find("arduino").unwrap_err().to_string();
        assert_eq!(
            text,
            "there is no board \"arduino\": the boards are mps2-an386, netduinoplus2"
        );
    }
}
