//! Drives the program `lif` as a user does. Wrong input of every kind must give the exit code that scripts
//! rely on and a message that says what is wrong, where, and what to do; it must leave no file behind and
//! never end in a panic. No test needs QEMU: shell scripts stand in for an emulator that fails.
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use lif_nostd::model::format::{CRC_OFFSET, file_crc};

const LIF: &str = env!("CARGO_BIN_EXE_lif");
const VERIFY: &str = "verify digits.lif --board mps2-an386";

const CONFIG: &str = include_str!("../../examples/digits.toml");
/// 64 pixels and the class a line.
const DIGITS: &str = include_str!("../../examples/data/digits.csv");

/// A trained network, as safetensors and as a .lif file.
static NETWORK: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let dir = Folder::new();
    dir.write_config("", "");
    dir.succeeds("train config.toml");
    dir.succeeds("export out/digits.safetensors");
    ["out/digits.safetensors", "out/digits.lif"].map(|file| dir.read(file))
});

/// The firmware of the board in [`VERIFY`].
static FIRMWARE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    use lif_host::device::{Board, Firmware};
    let board = Board::find("mps2-an386").expect("it is one of the boards");
    let file = Firmware::build(board).expect("`lif setup` was run").path;
    fs::read(file).expect("it was built")
});

/// A folder of one test, in which `lif` runs; removed when dropped.
struct Folder(tempfile::TempDir);

impl Folder {
    /// An empty folder.
    fn new() -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        Self(dir.expect("a folder under target/"))
    }

    /// A folder that holds the network, some digits and a file that is neither.
    fn with_network() -> Self {
        let dir = Self::new();
        dir.write("digits.safetensors", &NETWORK[0]);
        dir.write("digits.lif", &NETWORK[1]);
        dir.write("digits.csv", first_digits().join("\n"));
        dir.write("foreign", "hello world, longer than a header");
        dir
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).expect(file)
    }

    fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect(file);
        fs::write(path, bytes).expect(file);
    }

    /// Writes config.toml: examples/digits.toml for one epoch, with `from` replaced by `to`.
    fn write_config(&self, from: &str, to: &str) {
        assert!(CONFIG.contains(from), "{from:?} is not in the example");
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/");
        let text = CONFIG.replace(from, to).replace("data/", data);
        self.write("config.toml", text.replace("epochs = 30", "epochs = 1"));
    }

    /// Standard output and standard error of `lif` with `args`, which must end with `code`.
    #[track_caller]
    fn lif(&self, code: i32, args: &str) -> [String; 2] {
        let mut command = Command::new(LIF);
        command.current_dir(&self.0).args(args.split_whitespace());
        let output = command.output().expect("cargo built the program");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let [stdout, stderr] = [text(&output.stdout), text(&output.stderr)];
        assert!(!stderr.contains("panicked"), "lif {args}:\n{stderr}");
        assert_eq!(output.status.code(), Some(code), "lif {args}:\n{stderr}");
        [stdout, stderr]
    }

    /// Standard output of `lif` with `args`, which must succeed.
    #[track_caller]
    fn succeeds(&self, args: &str) -> String {
        let [stdout, _] = self.lif(0, args);
        stdout
    }

    /// Checks that `lif` with `args` ends with `code`, that its message holds each part of `says`, which bars
    /// separate, and that it leaves the files as they were.
    #[track_caller]
    fn fails(&self, code: i32, args: &str, says: &str) {
        let before = files(self.0.path());
        let [_, stderr] = self.lif(code, args);
        for part in says.split('|').map(str::trim) {
            assert!(stderr.contains(part), "no {part:?}; lif {args}:\n{stderr}");
        }
        let same = files(self.0.path()) == before;
        assert!(same, "lif {args} made or changed a file");
    }
}

/// The files under `dir` and what is in them.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(dir).expect("a folder of the test");
    let one = |path: PathBuf| match fs::read(&path) {
        Ok(bytes) => vec![(path, bytes)],
        Err(_) => files(&path),
    };
    let mut found: Vec<_> = entries.flatten().flat_map(|e| one(e.path())).collect();
    found.sort();
    found
}

/// The first lines of the digits.
fn first_digits() -> [&'static str; 3] {
    let lines: Vec<&str> = DIGITS.lines().take(3).collect();
    lines.try_into().expect("there are 1,797 of them")
}

/// The rows of `text`, one a line, their cells separated by bars.
fn table<const N: usize>(text: &str) -> impl Iterator<Item = [&str; N]> {
    text.trim().lines().map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        cells.try_into().expect("N cells a row")
    })
}

#[test]
fn help_names_the_options() {
    let dir = Folder::new();
    let rows = "setup|--check\n train|--seed\n export|--number\n inspect|FILE.lif\n run|--input\n verify|--board";
    for [command, option] in table(rows) {
        assert!(dir.succeeds("--help").contains(command));
        assert!(dir.succeeds(&format!("{command} --help")).contains(option));
    }
    dir.fails(2, "rum", "'rum' | 'run'");
    dir.fails(2, "run", "--input <FILE.csv> | <FILE.lif>");
}

#[test]
fn a_wrong_configuration_is_refused() {
    let dir = Folder::new();
    dir.fails(2, "train config.toml", "config.toml: No such file");
    let rows = "
        steps = 16           | steps =              | line 4, column 8
        batch =              | batsh =              | line 23, column 1
        batch =              | batsh =              | unknown field `batsh`, expected one of `epochs`, `batch`
        inputs = 64          |                      | missing field `inputs`
        kind = \"lif\"       | kind = \"if\"        | unknown variant `if`, expected `lif`
        v_reset = 0.0        | v_reset = \"soft\"   | v_reset is a number, or \"none\" for a soft reset
        steps = 16           | steps = 0            | steps = 0: 1 to 65535 are allowed
        steps = 16           | steps = 65536        | steps = 65536: 1 to 65535 are allowed
        classes = 10         | classes = 11         | layer.outputs = 10: the last must be data.classes
        test_every = 5       | test_every = 1       | data.test_every = 1: it must be at least 2
        learning_rate = 0.01 | learning_rate = nan  | train.learning_rate = NaN: it must be above 0
        tau = 2.0            | tau = 1.0            | \"lif1\": tau = 1: must be above 1
        tau = 2.0            | tau = inf            | \"lif1\": tau = inf: must be finite
        alpha = 2.0          | alpha = 0.0          | \"lif1\": surrogate.alpha = 0: must be above 0
        name = \"digits\"    | name = \"../digits\" | name =
        name = \"digits\"    | name = \"\"          | name =";
    for [from, to, says] in table(rows) {
        dir.write_config(from, to);
        dir.fails(2, "train config.toml", &format!("config.toml: | {says}"));
    }
}

#[test]
fn training_that_diverges_is_given_up() {
    let dir = Folder::new();
    dir.write_config("learning_rate = 0.01", "learning_rate = 1e38");
    let says = "error: epoch 1: weight | is NaN | a smaller learning_rate may help";
    dir.fails(2, "train config.toml", says);
}

#[test]
fn wrong_samples_are_refused() {
    let dir = Folder::with_network();
    dir.write_config("data/digits.csv", "samples.csv");
    let train = "train config.toml";
    let run = "run digits.lif --input samples.csv --output counts.csv";
    let verify = format!("{VERIFY} --input samples.csv");
    let all_fail = |says: &str| {
        for command in [train, run, &verify] {
            dir.fails(2, command, &format!("samples.csv: | {says}"));
        }
    };
    all_fail("No such file");
    dir.write("samples.csv", "");
    all_fail("there are no samples in it");
    let write_with = |column: usize, text| {
        let mut lines = first_digits();
        let mut fields: Vec<&str> = lines[1].split(',').collect();
        match text {
            "cut" => fields.truncate(column),
            _ => fields[column - 1] = text,
        }
        let line = fields.join(",");
        lines[1] = &line;
        dir.write("samples.csv", lines.join("\n"));
    };
    // A column of line 2, what it becomes ("cut": the last one), and what is said to that.
    let rows = "
        63 | cut | line 2: 63 columns instead of 65 (64 values and the class)
        64 | cut | line 2: 64 columns instead of 65 (64 values and the class)
        3  | x   | line 2, column 3: \"x\" is not a finite number
        64 |     | line 2, column 64: \"\" is not a finite number
        1  | inf | line 2, column 1: \"inf\" is not a finite number
        65 | -1  | line 2, column 65: \"-1\" is not a class: a whole number";
    for [column, text, says] in table(rows) {
        write_with(column.parse().unwrap(), text);
        all_fail(says);
    }
    write_with(65, "10");
    let says = "line 2, column 65: \"10\" is not a class: a whole number below 10";
    dir.fails(2, train, &format!("samples.csv: | {says}"));
    dir.write("samples.csv", first_digits()[0]);
    dir.fails(2, train, "samples.csv: too few samples");
}

#[test]
fn a_seed_gives_the_same_bytes() {
    let dir = Folder::new();
    dir.write_config("", "");
    let train = |options| {
        dir.succeeds(&format!("train config.toml {options}"));
        dir.read("out/digits.safetensors")
    };
    let first = train("--seed 7");
    assert!(first != train("--seed 8"), "two seeds gave one network");
    assert!(first == train("--seed 7"), "one seed gave two networks");
}

#[test]
fn a_validation_writes_nothing() {
    let dir = Folder::new();
    dir.write_config("", "");
    dir.write("out/digits.safetensors", "an earlier network");
    let said = dir.succeeds("train config.toml --validate");
    assert!(said.contains("validation accuracy") && said.contains("nothing was written"));
    assert!(dir.read("out/digits.safetensors") == b"an earlier network");
    assert_eq!(files(dir.0.path()).len(), 2);
}

#[test]
fn a_network_is_exported_inspected_and_run() {
    let dir = Folder::with_network();
    let shown = dir.succeeds("inspect digits.lif");
    let crc = format!("{:08x}, correct", file_crc(&NETWORK[1]));
    for part in ["linear   64 -> 128", "lif2", "bytes of arena", &crc] {
        assert!(shown.contains(part), "no {part:?} in\n{shown}");
    }
    let printed = dir.succeeds("run digits.lif --input digits.csv");
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 4, "{printed}");
    assert!(lines[3].starts_with("accuracy ") && lines[3].ends_with("% of 3 samples"));
    dir.succeeds("run digits.lif --input digits.csv --output new/counts.csv");
    let written = String::from_utf8(dir.read("new/counts.csv")).unwrap();
    assert_eq!(written.lines().count(), 3);
    for (i, (sample, line)) in written.lines().zip(lines).enumerate() {
        let counts: Vec<u32> = sample.split(',').map(|n| n.parse().unwrap()).collect();
        assert_eq!(counts.len(), 10, "{sample}");
        assert!(counts.iter().all(|n| *n <= 16), "{sample}");
        assert!(line.starts_with(&format!("sample {i}: class ")), "{line}");
        let counts = format!(", spikes {}", sample.replace(',', " "));
        assert!(line.ends_with(&counts), "{line}");
    }
    dir.succeeds("export digits.safetensors --number f32 --output f32.lif");
    let shown = dir.succeeds("inspect f32.lif");
    assert!(shown.contains("128 x f32, tau 2"), "{shown}");
    let one_step = dir.succeeds("run f32.lif --input digits.csv --steps 1");
    assert_ne!(one_step, printed);
    // Nothing else is left, such as a temporary file.
    assert_eq!(files(dir.0.path()).len(), 6);
}

#[cfg(unix)]
#[test]
fn new_files_are_as_readable_as_others() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Folder::with_network();
    dir.succeeds("export digits.safetensors --output new.lif");
    let mode = |file| fs::metadata(dir.path(file)).unwrap().permissions().mode();
    let (new, other) = (mode("new.lif"), mode("digits.lif"));
    assert_eq!(new, other, "{new:o} instead of {other:o}");
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let dir = Folder::with_network();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(LIF);
    command.arg("inspect").arg(dir.path("digits.lif"));
    let output = command.stdout(writer).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
}

/// The checkpoint with `from` in its header replaced by `to`.
fn checkpoint_with(from: &str, to: &str) -> Vec<u8> {
    let (length, rest) = NETWORK[0].split_at(8);
    let length = u64::from_le_bytes(length.try_into().expect("8 bytes"));
    let (header, tensors) = rest.split_at(length as usize);
    let header = str::from_utf8(header).expect("the header is JSON");
    assert!(header.contains(from), "no {from} in {header}");
    let header = header.replace(from, to);
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), tensors].concat()
}

#[test]
fn a_wrong_checkpoint_is_refused() {
    let dir = Folder::with_network();
    dir.fails(2, "export none", "none: No such file");
    let refused = |bytes: &[u8], says: &str| {
        dir.write("broken", bytes);
        dir.fails(2, "export broken", &format!("error: broken: | {says}"));
    };
    let (good, none) = (&NETWORK[0], "not a safetensors file | `lif train`");
    refused(b"hello world, this is none", none);
    refused(&NETWORK[1], none);
    for length in [0, 7, 8, 100, good.len() / 2, good.len() - 1] {
        refused(&good[..length], none);
    }
    let rows = r#"
        lif.net        | other                              | "lif.net" is missing
        \"steps\":16   | \"steps\":0                        | 0 time steps: at least 1 is needed
        \"from\":3     | \"from\":9                         | an edge from node 9 to node 4: there are 5 nodes
        linear2.bias   | linear2.bios                       | tensor "linear2.bias"
        \"end\":8192   | \"end\":18446744073709551615       | linear1
        \"shape\":[64] | \"shape\":[4611686018427387904]    | linear1
        \"shape\":[64] | \"shape\":[4294967296,4294967296,4]| input"#;
    for [from, to, says] in table(rows) {
        refused(&checkpoint_with(from, to), says);
    }
    let nan = [&good[..good.len() - 4], &f32::NAN.to_le_bytes()].concat();
    refused(&nan, "node \"linear2\": weights[1279] is NaN");
}

#[test]
fn a_damaged_model_is_refused() {
    let dir = Folder::with_network();
    let (good, whole) = (&NETWORK[1], NETWORK[1].len());
    let with = |at: usize, byte| {
        let mut file = good.clone();
        file[at] = byte;
        file
    };
    let refused = |bytes: &[u8], says: &str| {
        dir.write("broken.lif", bytes);
        let says = format!("error: broken.lif: | {says}");
        dir.fails(2, "inspect broken.lif", &says);
        dir.fails(2, "run broken.lif --input digits.csv", &says);
        dir.fails(2, &VERIFY.replace("digits", "broken"), &says);
    };
    let none = "not a .lif file | offset 0 | `lif export` makes one";
    for bytes in [&b""[..], b"hello world.....", &NETWORK[0], &with(0, 9)] {
        refused(bytes, none);
    }
    let anew = "copy it again, or make it anew with `lif export`";
    for n in [1, 8, 31] {
        let says = format!("truncated: 32 bytes are needed at offset 0, {n} are there | {anew}");
        refused(&good[..n], &says);
    }
    for n in [32, 48, whole / 2, whole - 1] {
        let says = format!("says {whole} bytes (offset 12), but there are {n} | {anew}");
        refused(&good[..n], &says);
    }
    let says = format!("(offset 12), but there are {whole} | {anew}");
    refused(&with(15, 1), &says);
    let newer = "format version 2 is not the version 1 | offset 8 | or a newer one";
    refused(&with(8, 2), newer);
    for at in [10, CRC_OFFSET, 20, 40, whole / 2, whole - 1] {
        let says = format!("corrupted: CRC-32 | (offset 16) | {anew}");
        refused(&with(at, good[at] ^ 1), &says);
    }
}

#[test]
fn wrong_options_of_verify_are_refused() {
    let dir = Folder::with_network();
    let says = "'arduino' | possible values: mps2-an386, netduinoplus2, ";
    dir.fails(2, "verify digits.lif --board arduino", says);
    let no_time = format!("{VERIFY} --timeout 0");
    dir.fails(2, &no_time, "--timeout | 0 is not in 1..");
    // A program of the host is an ELF file, or what this system has instead, but not a firmware.
    fs::hard_link(LIF, dir.path("program")).unwrap();
    let rows = "none | No such file\n foreign | not an ELF file\n program | not a firmware of this project";
    for [file, says] in table(rows) {
        let args = format!("{VERIFY} --firmware {file}");
        dir.fails(2, &args, &format!("error: {file}: | {says}"));
    }
    let name = format!(r#"\"name\":\"{}\""#, "n".repeat(4 << 20));
    let long = checkpoint_with(r#"\"name\":\"digits\""#, &name);
    dir.write("long", long);
    dir.succeeds("export long --output digits.lif");
    dir.write("firmware", &*FIRMWARE);
    let says = "digits.lif: | bytes do not fit the 3145728 bytes that mps2-an386 has";
    dir.fails(2, &format!("{VERIFY} --firmware firmware"), says);
}

#[test]
fn a_missing_emulator_is_named() {
    // Without --firmware it builds the firmware.
    let says = "./no-qemu was not found | `lif setup`";
    Folder::with_network().fails(3, &format!("{VERIFY} --qemu ./no-qemu"), says);
}

#[cfg(unix)]
#[test]
fn an_emulator_that_fails_is_given_up() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Folder::with_network();
    dir.write("firmware", &*FIRMWARE);
    dir.write("qemu", "#!/bin/sh\n. ./script\n");
    fs::set_permissions(dir.path("qemu"), fs::Permissions::from_mode(0o755)).unwrap();
    let args = format!("{VERIFY} --firmware firmware --qemu ./qemu --timeout 1");
    let ended = "the board stopped: ./qemu (exit status: 7) | it said:\nno such machine";
    let late = "the board did not answer within 1 s";
    let exit = "echo no such machine >&2; exit 7";
    for (script, says) in [
        (exit, ended),
        ("exec sleep 20", late),
        // It talks but never answers; it closes its port; what it started keeps its standard error open.
        ("for i in $(seq 200); do echo x; sleep 0.1; done", late),
        ("exec sleep 20 >&-", "the board stopped: ./qemu"),
        (&format!("sleep 20 >/dev/null & {exit}"), ended),
    ] {
        dir.write("script", script);
        let start = std::time::Instant::now();
        dir.fails(3, &args, says);
        let time = start.elapsed();
        assert!(time.as_secs() < 10, "{script}: it took {time:?}");
    }
}
