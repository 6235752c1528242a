//! The boards that a program on this machine can write firmware into, and how.

use std::path::Path;

use super::{Error, Firmware};

/// What writes firmware into a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// probe-rs, with its name of the part.
    ProbeRs {
        /// Name of the part.
        chip: &'static str,
    },
}

/// A board that can be bought, whose firmware is in `boards/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flashed {
    /// Name, also of the firmware's program and package.
    pub name: &'static str,
    /// Compilation target of the firmware.
    pub target: &'static str,
    /// What writes it.
    pub tool: Tool,
}

const fn probe_rs(name: &'static str, target: &'static str, chip: &'static str) -> Flashed {
    let tool = Tool::ProbeRs { chip };
    Flashed { name, target, tool }
}

/// All of them.
pub const FLASHED: &[Flashed] = &[
    probe_rs("microbit", "thumbv6m-none-eabi", "nRF51822_xxAA"),
    probe_rs("stm32vldiscovery", "thumbv7m-none-eabi", "STM32F100RB"),
    probe_rs("netduinoplus2", "thumbv7em-none-eabihf", "STM32F405RG"),
    probe_rs("rpi-pico", "thumbv6m-none-eabi", "RP2040"),
    probe_rs("nrf52840-dk", "thumbv7em-none-eabihf", "nRF52840_xxAA"),
];

impl Flashed {
    /// The board called `name`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBoard`], which lists those that there are.
    pub fn find(name: &str) -> Result<&'static Self, Error> {
        FLASHED
            .iter()
            .find(|b| b.name == name)
            .ok_or_else(|| Error::UnknownBoard {
                name: name.into(),
                known: FLASHED
                    .iter()
                    .map(|b| b.name)
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }

    /// Builds its firmware.
    ///
    /// # Errors
    ///
    /// Those of [`Firmware::build`].
    pub fn build(&self) -> Result<Firmware, Error> {
        Firmware::build_package(self.name, self.name, self.target)
    }

    /// The program that writes.
    #[must_use]
    pub const fn program(&self) -> &'static str {
        match self.tool {
            Tool::ProbeRs { .. } => "probe-rs",
        }
    }

    /// The arguments of each run of [`Self::program`], which write `firmware`, and `model` into its first slot.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] where the model, of this many bytes, does not fit the slot.
    pub fn commands(
        &self,
        firmware: &Firmware,
        model: Option<(&Path, u64)>,
    ) -> Result<Vec<Vec<String>>, Error> {
        let Tool::ProbeRs { chip } = self.tool;
        let run = |words: &[&str]| -> Vec<String> {
            let words = words.iter().map(|w| (*w).into());
            words.chain(["--chip".into(), chip.into()]).collect()
        };
        let mut all = vec![run(&["download"])];
        all[0].push(firmware.path.display().to_string());
        if let Some((file, bytes)) = model {
            firmware.check_fits(self.name, file, bytes)?;
            let address = format!("{:#x}", firmware.slot_address);
            let mut write = run(&[
                "download",
                "--binary-format",
                "bin",
                "--base-address",
                &address,
            ]);
            write.push(file.display().to_string());
            all.push(write);
        }
        all.push(run(&["reset"]));
        Ok(all)
    }
}
