//! Emulated cores that run networks with `boards/replay`, compared with this machine in every step.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use lif_host::device::{Board, Firmware};

use crate::random_models::Sample;
use crate::replay::{Printed, bundle, difference, entry, layer_states, run};

/// How long an emulator may take.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Whatever went wrong, in words.
pub type Problem = String;

/// An emulated core with the firmware that replays networks.
#[derive(Debug)]
pub struct Core {
    board: &'static Board,
    firmware: Firmware,
}

impl Core {
    /// The core of the board called `board`, with the firmware built with `profile` of `boards/Cargo.toml`.
    ///
    /// # Errors
    ///
    /// Where there is no such board, or the build fails.
    pub fn new(board: &str, profile: &str) -> Result<Self, Problem> {
        let board = Board::find(board).map_err(|e| e.to_string())?;
        let boards = Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards");
        let target_dir = boards.join("target");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .current_dir(&boards)
            .args(["build", "--profile", profile, "--package", "replay"])
            .args(["--target", board.target, "--target-dir"])
            .arg(&target_dir)
            .output()
            .map_err(|e| e.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let path = target_dir.join(board.target).join(profile).join("replay");
        let firmware = Firmware::read(&path).map_err(|e| e.to_string())?;
        Ok(Self { board, firmware })
    }

    /// Name of the board.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.board.name
    }

    /// The target that it is compiled for.
    #[must_use]
    pub const fn target(&self) -> &'static str {
        self.board.target
    }

    /// Runs all of `samples`, in as many bundles as they take; `dir` is a folder for these.
    ///
    /// # Errors
    ///
    /// Where a network is refused, or the emulator does not end well.
    pub fn run(&self, samples: &[Sample], dir: &Path) -> Result<Printed, Problem> {
        let mut all = Printed::default();
        let mut rest = samples;
        while !rest.is_empty() {
            let mut n = 0;
            let mut bytes = 16;
            while let Some(sample) = rest.get(n) {
                bytes += entry(sample).len() as u64;
                if bytes > self.firmware.slot_bytes {
                    break;
                }
                n += 1;
            }
            let (now, later) = rest.split_at(n);
            if now.is_empty() {
                return Err(format!("{}: no room for {}", self.name(), rest[0].name));
            }
            let printed = self.run_bundle(now, false, dir)?;
            let runs = [all.runs, printed.runs].concat();
            all = Printed { runs, ..printed };
            rest = later;
        }
        Ok(all)
    }

    /// Runs `samples` and compares each with the sample of the same number in `references` on this machine, in every
    /// step: the error names the first that differs, with its layer, step and neuron.
    ///
    /// # Errors
    ///
    /// Those of [`Core::run`], and the difference.
    pub fn compare(
        &self,
        samples: &[Sample],
        references: &[Sample],
        dir: &Path,
    ) -> Result<Printed, Problem> {
        let printed = self.run(samples, dir)?;
        for (i, reference) in references.iter().enumerate() {
            let want = run(reference, |_, _| ()).map_err(|e| e.to_string())?;
            let got = printed.runs.get(i).map(|(run, _)| *run);
            if got != Some(want) {
                let what = self.first_difference(&samples[i], reference, dir)?;
                return Err(format!(
                    "{}: network {i} ({}): {what}",
                    self.name(),
                    reference.name
                ));
            }
        }
        Ok(printed)
    }

    /// Runs `sample` once more, and every layer with it, for the place where it first differs from `reference`.
    fn first_difference(
        &self,
        sample: &Sample,
        reference: &Sample,
        dir: &Path,
    ) -> Result<String, Problem> {
        let mut wanted = Vec::new();
        run(reference, |step, network| {
            wanted.extend(layer_states(step, network))
        })
        .map_err(|e| e.to_string())?;
        let printed = self.run_bundle(std::slice::from_ref(sample), true, dir)?;
        if printed.layers.len() != wanted.len() {
            return Ok(format!(
                "{} layers in all steps, not {}",
                printed.layers.len(),
                wanted.len()
            ));
        }
        let mut pairs = wanted.iter().zip(&printed.layers);
        let first = pairs.find_map(|((want, width), got)| difference(want, *width, got));
        Ok(first.unwrap_or_else(|| "counts, first spikes or readouts differ".into()))
    }

    fn run_bundle(
        &self,
        samples: &[Sample],
        every_layer: bool,
        dir: &Path,
    ) -> Result<Printed, Problem> {
        let file = dir.join(format!("{}.bundle", self.name()));
        fs::write(&file, bundle(samples, every_layer)).map_err(|e| e.to_string())?;
        let text = self.emulate(&file)?;
        let printed: Printed = text
            .parse()
            .map_err(|line| format!("{}: {line}", self.name()))?;
        if printed.runs.len() != samples.len() {
            let ran = printed.runs.len();
            return Err(format!(
                "{}: {ran} of {} networks ran: {text}",
                self.name(),
                samples.len()
            ));
        }
        Ok(printed)
    }

    /// Starts the emulator with the bundle in `file`: what it prints.
    fn emulate(&self, file: &Path) -> Result<String, Problem> {
        // A comma separates QEMU's suboptions, and two stand for one.
        let bundle = file.display().to_string().replace(',', ",,");
        let address = self.firmware.slot_address;
        let mut child = Command::new(self.board.qemu)
            .args(["-M", self.board.machine, "-display", "none"])
            .args(["-monitor", "none", "-serial", "none"])
            .args(self.board.options)
            .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
            .arg(&self.firmware.path)
            .arg("-device")
            .arg(format!(
                "loader,file={bundle},addr={address:#x},force-raw=on"
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}: `cargo lif setup` installs it", self.board.qemu))?;
        let stdout = child.stdout.take();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            // What comes before an error is kept.
            let _ = stdout.map(|mut out| out.read_to_string(&mut text));
            text
        });
        let start = Instant::now();
        let status = loop {
            match child.try_wait().map_err(|e| e.to_string())? {
                Some(status) => break Some(status),
                None if start.elapsed() > TIMEOUT => break None,
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        if status.is_none() {
            child.kill().map_err(|e| e.to_string())?;
            child.wait().map_err(|e| e.to_string())?;
        }
        let text = reader.join().unwrap_or_default();
        match status {
            Some(status) if status.success() => Ok(text),
            Some(status) => Err(format!("{}: {status}: {text}", self.name())),
            None => Err(format!("{}: no end after {TIMEOUT:?}: {text}", self.name())),
        }
    }
}
