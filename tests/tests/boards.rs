//! The parity ladder on emulated boards. Needs QEMU and the boards' Rust targets: `cargo lif setup` installs both.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use lif_host::cli::train::{Report as Print, read_config, read_data, train};
use lif_host::device::{Board, Client, Error, Firmware, Qemu, QemuOptions};
use lif_host::export::{export_f32, export_int};
use lif_host::infer::{Host, Input};
use lif_host::verify::{Report, What, cross_check};
use lif_nostd::link::Refusal;
use lif_nostd::model::format::{CRC_OFFSET, file_crc};
use lif_nostd::update::SlotError;
use lif_tests::nets::Draw;

const TIMEOUT: Duration = Duration::from_secs(60);

/// A board with its firmware, built once.
struct Bench {
    board: &'static Board,
    firmware: Firmware,
}

fn bench(name: &str, built: &'static OnceLock<Bench>) -> &'static Bench {
    built.get_or_init(|| {
        let board = Board::find(name).unwrap();
        Bench {
            board,
            firmware: Firmware::build(board).unwrap(),
        }
    })
}

impl Bench {
    fn save(&self, name: &str, model: &[u8]) -> PathBuf {
        let file = format!("{}-{name}.lif", self.board.name);
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
        std::fs::write(&file, model).unwrap();
        file
    }

    fn start<'f>(&self, file: impl Into<Option<&'f Path>>) -> Client<Qemu> {
        let options = QemuOptions::default();
        let qemu = Qemu::start(self.board, &self.firmware, file.into(), &options).unwrap();
        Client::new(qemu, TIMEOUT)
    }

    /// Runs `model` on the board and compares it with `reference` on this machine.
    fn compare(&self, name: &str, model: &[u8], reference: &[u8], inputs: &[Input]) -> Report {
        let mut client = self.start(&*self.save(name, model));
        let identity = client.identify().unwrap();
        assert_eq!(identity.board, self.board.name);
        let mut host = Host::new(reference).unwrap();
        let steps = host.model().steps() as u16;
        cross_check(&mut host, &mut client, inputs, steps, |_| ()).unwrap()
    }

    fn assert_equal(&self, name: &str, model: &[u8], inputs: &[Input]) {
        let report = self.compare(name, model, model, inputs);
        assert_eq!(report.first, None);
        assert!(report.is_equal());
        assert_eq!((report.samples, report.spikes_differ), (inputs.len(), 0));
        assert_eq!(report.ticks.len(), inputs.len(), "the counter wrapped");
    }

    /// A trained network on real data.
    fn digits(&self) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits.toml");
        let config = read_config(&file).unwrap();
        let data = read_data(&file, &config, false).unwrap();
        let trained = train(&config, &data, 1, Print::Silent).unwrap();
        for exported in [export_int(&trained.net), export_f32(&trained.net)] {
            let bytes = exported.unwrap().bytes;
            let host = Host::new(&bytes).unwrap();
            let inputs: Vec<Input> = (0..60)
                .map(|i| Input::from_raw(&host.model(), data.test.sample(i)))
                .collect();
            self.assert_equal("digits", &bytes, &inputs);
        }
    }

    /// Drawn networks: odd sizes, every reset, with and without decay_input, long and short time constants.
    fn drawn(&self) {
        let resets = [None, Some(0.0), Some(-0.25)];
        for seed in 0..6u64 {
            let draw = Draw {
                tau: [2.0, 3.7, 1.25][seed as usize % 3],
                v_reset: resets[seed as usize / 2],
                decay_input: seed % 2 == 0,
                v_threshold: 0.7,
                ..Draw::new(seed, &[33, 70, 17, 5][seed as usize % 2..])
            };
            let net = draw.build().unwrap();
            let spikes = Draw {
                spikes: true,
                ..draw.clone()
            };
            let model = export_int(&spikes.build().unwrap()).unwrap().bytes;
            let samples: Vec<Input> = (0..4).map(|s| spikes.sample(s).0).collect();
            self.assert_equal("drawn", &model, &samples);
            let int: Vec<Input> = (0..4).map(|s| Input::I8(draw.input(s))).collect();
            let float: Vec<Input> = (0..4)
                .map(|s| Input::F32(draw.input(s).iter().map(|x| f32::from(*x) / 64.0).collect()))
                .collect();
            self.assert_equal("drawn", &export_int(&net).unwrap().bytes, &int);
            self.assert_equal("drawn", &export_f32(&net).unwrap().bytes, &float);
        }
    }

    /// Layers wide enough for every path of the kernels: more spikes than a list holds, sums beyond 16 bits, and
    /// currents that fit twice.
    fn wide(&self) {
        for (seed, gain) in [(11, 1.0), (12, 0.02), (13, 0.3)] {
            for v_reset in [Some(0.0), Some(-0.25), None] {
                let draw = Draw {
                    tau: if seed == 13 { 3.7 } else { 2.0 },
                    v_reset,
                    v_threshold: 0.5 * gain,
                    gain,
                    ..Draw::new(seed, &[12, 600, 64, 9])
                };
                let model = export_int(&draw.build().unwrap()).unwrap().bytes;
                let inputs: Vec<Input> = (0..2).map(|s| Input::I8(draw.input(s))).collect();
                self.assert_equal("wide", &model, &inputs);
            }
        }
    }

    /// A difference is found and named: the host runs the same network with the sign of one weight changed.
    fn a_difference(&self) {
        let draw = Draw::new(5, &[20, 40, 6]);
        let mut net = draw.build().unwrap();
        let model = export_int(&net).unwrap().bytes;
        let weight = &mut net.weights[3 * 20 + 7];
        assert!(weight.abs() > 0.1);
        *weight = -*weight;
        let other = export_int(&net).unwrap().bytes;
        let inputs: Vec<Input> = (0..8).map(|s| Input::I8(draw.input(s))).collect();
        let report = self.compare("difference", &model, &other, &inputs);
        assert!(!report.is_equal());
        let first = report.first.unwrap();
        assert!(first.step < 16, "{first}");
        // Only neuron 3 of layer 0 got another weight, and nothing before it differs.
        assert_eq!((first.layer, first.neuron), (0, 3), "{first}");
        if matches!(first.what, What::Spike { .. }) {
            assert!(report.spikes_differ > 0);
        }
        assert!(first.to_string().contains("neuron"), "{first}");
    }

    /// What the board says to `model` in its slot.
    fn refusal(&self, name: &str, model: &[u8]) -> Error {
        let mut client = self.start(&*self.save(name, model));
        assert_eq!(client.identify().unwrap().active, None);
        client.model().unwrap_err()
    }

    /// A board without a model takes one where it can, keeps it where a worse one follows, and says so where it
    /// cannot.
    fn uploads(&self, is_writable: bool) {
        let mut client = self.start(None);
        let identity = client.identify().unwrap();
        assert_eq!(
            (identity.board.as_str(), identity.active),
            (self.board.name, None)
        );
        let empty = client.model().unwrap_err();
        assert!(matches!(empty, Error::Refused(Refusal::NoModel)), "{empty}");
        let draw = Draw::new(5, &[20, 40, 6]);
        let model = export_int(&draw.build().unwrap()).unwrap().bytes;
        if !is_writable {
            let none = client.idle_slot().unwrap_err();
            assert!(matches!(none, Error::NoWritableSlot { .. }), "{none}");
            let refused = client.upload(0, &model, |_| ()).unwrap_err();
            let Error::Refused(Refusal::Slot(SlotError::ReadOnly)) = refused else {
                panic!("{refused}");
            };
            return;
        }
        let slot = client.idle_slot().unwrap();
        client.upload(slot, &model, |_| ()).unwrap();
        client.activate(slot).unwrap();
        let mut host = Host::new(&model).unwrap();
        let samples = [Input::I8(draw.input(0))];
        let report = cross_check(&mut host, &mut client, &samples, 16, |_| ()).unwrap();
        assert!(report.is_equal());

        let mut broken = model.clone();
        broken[100] ^= 1;
        let other = client.idle_slot().unwrap();
        assert_ne!(slot, other);
        client.upload(other, &broken, |_| ()).unwrap();
        assert!(matches!(client.activate(other), Err(Error::BadModel(_))));
        assert_eq!(client.identify().unwrap().active, Some(slot));
        let report = cross_check(&mut host, &mut client, &samples, 16, |_| ()).unwrap();
        assert!(report.is_equal());
    }

    /// A model that the board cannot take is refused with the reader's own words.
    fn refusals(&self) {
        let net = Draw::new(5, &[20, 40, 6]).build().unwrap();
        let mut broken = export_int(&net).unwrap().bytes;
        let last = broken.len() - 1;
        broken[last] ^= 1;
        let refusal = self.refusal("broken", &broken);
        let text = refusal.to_string();
        assert!(
            text.contains("refused the model") && text.contains("corrupted"),
            "{text}"
        );

        let foreign = self.refusal("foreign", b"no model, but some text of 33 byte");
        let text = foreign.to_string();
        assert!(text.contains("not a .lif file"), "{text}");

        // The longest text of a refusal comes whole.
        let mut unfolded = export_int(&net).unwrap().bytes;
        let name = unfolded.windows(4).position(|w| w == b"lif1").unwrap();
        unfolded[name - 64 + 4] |= 1;
        let crc = file_crc(&unfolded).to_le_bytes();
        unfolded[CRC_OFFSET..CRC_OFFSET + 4].copy_from_slice(&crc);
        let refusal = self.refusal("unfolded", &unfolded);
        let text = refusal.to_string();
        assert!(text.ends_with("is not supported by this version"), "{text}");

        let large = Draw::new(6, &[1, 30_000, 2]).build().unwrap();
        let large = export_int(&large).unwrap().bytes;
        let file = self.save("large", &large);
        let options = QemuOptions::default();
        match Qemu::start(self.board, &self.firmware, Some(&file), &options) {
            Err(e) => assert!(matches!(e, Error::TooLarge(_)), "{e}"),
            Ok(qemu) => {
                let mut client = Client::new(qemu, TIMEOUT);
                client.identify().unwrap();
                let text = client.model().unwrap_err().to_string();
                assert!(text.contains("bytes of RAM, the arena has"), "{text}");
            }
        }
    }

    /// An emulator that dies in the middle is an error that says so.
    fn a_death(&self) {
        let draw = Draw::new(5, &[20, 40, 6]);
        let model = export_int(&draw.build().unwrap()).unwrap().bytes;
        let mut client = self.start(&*self.save("death", &model));
        client.identify().unwrap();
        let input = Input::I8(draw.input(0));
        client.infer(&input, 16).unwrap();
        let id = client.port().id().to_string();
        let killed = Command::new("kill").args(["-9", &id]).status().unwrap();
        assert!(killed.success());
        let err = (0..100)
            .find_map(|_| client.infer(&input, 16).err())
            .unwrap();
        assert!(matches!(err, Error::Died { .. }), "{err}");
        assert!(err.to_string().contains("the board stopped"), "{err}");
    }
}

/// The same checks for each board.
macro_rules! boards {
    ($($module:ident = $name:literal, writable: $writable:literal;)*) => {$(
        mod $module {
            use super::*;

            static BENCH: OnceLock<Bench> = OnceLock::new();

            fn board() -> &'static Bench {
                bench($name, &BENCH)
            }

            #[test]
            fn digits_are_equal() {
                board().digits();
            }

            #[test]
            fn drawn_networks_are_equal() {
                board().drawn();
            }

            #[test]
            fn wide_networks_are_equal() {
                board().wide();
            }

            #[test]
            fn a_difference_is_found_and_named() {
                board().a_difference();
            }

            #[test]
            fn models_that_do_not_fit_are_refused() {
                board().refusals();
            }

            #[test]
            fn models_are_uploaded_or_refused() {
                board().uploads($writable);
            }

            #[test]
            fn a_death_is_reported() {
                board().a_death();
            }
        }
    )*};
}

/// The program `lif`, as a user calls it.
mod program {
    use super::*;

    /// Standard output of `lif` with `args`.
    fn lif(args: &[&str]) -> String {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .args([
                "run",
                "--release",
                "-q",
                "-p",
                "lif-host",
                "--bin",
                "lif",
                "--",
            ])
            .args(args)
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {log}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn device_commands_work_under_qemu() {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let draw = Draw::new(5, &[20, 40, 6]);
        let bytes = export_int(&draw.build().unwrap()).unwrap().bytes;
        let mut host = Host::new(&bytes).unwrap();
        let (model, csv) = (dir.join("program.lif"), dir.join("program.csv"));
        std::fs::write(&model, &bytes).unwrap();
        let x = draw.input(0);
        let line: Vec<String> = x.iter().map(i8::to_string).collect();
        std::fs::write(&csv, line.join(",") + "\n").unwrap();
        let (model, csv) = (model.to_str().unwrap(), csv.to_str().unwrap());
        let qemu = ["--qemu", "mps2-an386"];
        let of = |args: &[&str]| lif(&[&["device"], args, &qemu[..]].concat());

        assert!(lif(&["device", "list"]).contains("mps2-an386"));
        let info = of(&["info"]);
        assert!(
            info.contains("slot 1") && info.contains("writable: empty"),
            "{info}"
        );
        let crc = format!("model {:08x} is active", host.model().crc());
        assert!(of(&["upload", model]).contains(&crc));
        assert!(of(&["selftest", model]).contains("passed"));

        let mut network = host.network();
        let input = Input::I8(x);
        let want = lif_host::infer::run_sample(&mut network, &input, 16).unwrap();
        let counts: Vec<String> = want.counts.iter().map(u32::to_string).collect();
        let run = of(&["run", model, "--input", csv]);
        assert!(
            run.contains(&format!("spikes {},", counts.join(" "))),
            "{run}"
        );

        let shown = of(&["monitor", model, "--input", csv, "--layer", "0", "--plain"]);
        network.reset();
        input.set(&mut network).unwrap();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 1 + 16 + 1, "{shown}");
        for (step, line) in lines[1..17].iter().enumerate() {
            network.step();
            let spikes = network.spikes(0).unwrap();
            let row: String = (0..40)
                .map(|i| if spikes.get(i) { '|' } else { '.' })
                .collect();
            assert_eq!(*line, format!("{step:>6} {row}"));
        }
    }
}

boards!(
    microbit = "microbit", writable: false;
    mps2_an385 = "mps2-an385", writable: true;
    mps2_an386 = "mps2-an386", writable: true;
    mps2_an500 = "mps2-an500", writable: true;
    mps2_an505 = "mps2-an505", writable: true;
    mps3_an547 = "mps3-an547", writable: true;
    netduinoplus2 = "netduinoplus2", writable: false;
    riscv_virt = "riscv-virt", writable: true;
    stm32vldiscovery = "stm32vldiscovery", writable: false;
);
