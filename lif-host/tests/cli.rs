//! Drives the program `lif` as a user does. Wrong input of every kind must give the exit code that scripts
//! rely on and a message that says what is wrong, where, and what to do; it must leave no file behind and
//! never end in a panic. No test needs QEMU: shell scripts stand in for an emulator that fails.
#![cfg(feature = "cli")]

#[path = "cli/folder.rs"]
mod folder;
#[path = "cli/output.rs"]
mod output;

use std::fs;
use std::process::Command;
use std::sync::LazyLock;

use folder::{Folder, files};

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
    dir.fails(2, "run", "--input <FILE> | <MODEL>");
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
        kind = \"lif\"       | kind = \"if\"        | unknown variant `if`, expected one of `lif`, `simple-lif`, `non-spiking-lif`
        v_reset = 0.0        | v_reset = \"soft\"   | v_reset is a number, or \"none\" for a soft reset
        steps = 16           | steps = 0            | steps = 0: 1 to 65535 are allowed
        steps = 16           | steps = 65536        | steps = 65536: 1 to 65535 are allowed
        classes = 10         | classes = 11         | layer.outputs = 10: the last must be data.classes
        test_every = 5       | test_every = 1       | data.test_every = 1: it must be at least 2
        batch = 32           | batch = 32\\nclip_norm = 0 | train.clip_norm = 0: it must be above 0
        batch = 32           | batch = 32\\nwarm_up_epochs = 2 | train.warm_up_epochs = 2: 0 to train.epochs are allowed
        batch = 32           | batch = 32\\nquantised = \"i4\" | unknown variant `i4`, expected `i8` or `i16`
        batch = 32           | batch = 32\\noptimizer = { kind = \"adagrad\" } | expected one of `sgd`, `adam`, `adamw`
        batch = 32           | batch = 32\\noptimizer = { kind = \"sgd\", momentum = 1 } | train.optimizer.momentum = 1: 0 up to
        batch = 32           | batch = 32\\noptimizer = { kind = \"sgd\", beta1 = 0 } | unknown field `beta1`, expected one of `momentum`
        batch = 32           | batch = 32\\nloss = { kind = \"mse\", on = \"readout\" } | train.loss.on = \"readout\": the last neurons spike
        batch = 32           | batch = 32\\nloss = { kind = \"cross-entropy\", label_smoothing = 1.0 } | train.loss.label_smoothing = 1: 0 up to
        batch = 32           | batch = 32\\nfiring_rate = { weight = 1, low = 2 } | train.firing_rate.low = 2: 0 to 1 are allowed
        batch = 32           | batch = 32\\nearly_stopping = { patience = 0 } | train.early_stopping.patience = 0: it must be at least 1
        schedule = \"constant\" | schedule = \"linear\" | unknown variant `linear`, expected `constant` or `cosine`
        schedule = \"constant\" | schedule = { kind = \"step\", epochs = 0, factor = 0.5 } | train.schedule.epochs = 0: it must be at least 1
        outputs = 128        | outputs = 128\\ndropout = 1.0 | layer.dropout = 1: 0 up to but not including 1 is allowed
        learning_rate = 0.005 | learning_rate = nan  | train.learning_rate = NaN: it must be above 0
        tau = 2.0            | tau = 1.0            | \"lif1\": tau = 1: must be above 1
        tau = 2.0            | tau = inf            | \"lif1\": tau = inf: must be finite
        alpha = 2.0          | alpha = 0.0          | \"lif1\": surrogate.alpha = 0: must be above 0
        batch = 32           | batch = 99999999     | train.batch = 99999999, and layer.outputs
        name = \"digits\"    | name = \"../digits\" | name =
        name = \"digits\"    | name = \"\"          | name =";
    for [from, to, says] in table(rows) {
        dir.write_config(from, &to.replace("\\n", "\n"));
        dir.fails(2, "train config.toml", &format!("config.toml: | {says}"));
    }
}

#[test]
fn training_that_diverges_is_given_up() {
    let dir = Folder::new();
    dir.write_config("learning_rate = 0.005", "learning_rate = 1e38");
    let says = "error: step 2, layer \"lif1\": not finite | a smaller learning_rate, or clip_norm, may help";
    dir.fails(2, "train config.toml", says);
}

#[test]
fn training_leaves_metrics_pictures_and_a_checkpoint() {
    let dir = Folder::new();
    dir.write_config("", "");
    dir.succeeds("train config.toml --seed 3");
    let metrics = String::from_utf8(dir.read("out/metrics.csv")).expect("text");
    assert!(metrics.starts_with("epoch,loss,accuracy,") && metrics.lines().count() == 2);
    for picture in ["loss", "accuracy", "weights", "spike-rates"] {
        assert!(dir.read(&format!("out/{picture}.svg")).starts_with(b"<svg"));
    }
    let first = dir.read("out/digits.safetensors");
    let said = dir.succeeds("train config.toml --resume");
    assert!(said.contains("going on after epoch 1"), "{said}");
    assert!(
        dir.read("out/digits.safetensors") == first,
        "a run that was over went on"
    );
    let train = "train config.toml --resume";
    dir.fails(
        2,
        &format!("{train} --seed 4"),
        "digits.checkpoint.safetensors: it is of seed 3, not 4",
    );
    dir.fails(
        2,
        &format!("{train} --out none"),
        "none/digits.checkpoint.safetensors: No such file",
    );
    dir.write_config("batch = 32", "batch = 64");
    dir.fails(
        2,
        train,
        "it is of another run: config.toml was changed since",
    );
    dir.write("out/digits.checkpoint.safetensors", &first);
    dir.fails(2, train, "tensor \"training.state\"");
}

#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_can_be_resumed() {
    let dir = Folder::new();
    dir.write_config("batch = 32", "batch = 1");
    let text = String::from_utf8(dir.read("config.toml")).expect("text");
    dir.write("config.toml", text.replace("epochs = 1", "epochs = 5"));
    dir.succeeds("train config.toml --out whole");
    let mut command = Command::new(LIF);
    command.current_dir(&dir.0).args(["train", "config.toml"]);
    let child = command
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("cargo built it");
    // Long enough to begin, and far too short for all.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let pid = child.id().to_string();
    Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("there is a kill");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(
        said.contains("go on with: lif train config.toml --resume --out out"),
        "{said}"
    );
    dir.succeeds("train config.toml --resume");
    for file in ["digits.safetensors", "metrics.csv", "loss.svg"] {
        let same = dir.read(&format!("out/{file}")) == dir.read(&format!("whole/{file}"));
        assert!(same, "{file} differs from that of a run that never stopped");
    }
}

#[test]
fn networks_are_evaluated_and_quantised_with_calibration() {
    let dir = Folder::with_network();
    dir.write_config("", "");
    let said = dir.succeeds("eval digits.safetensors --config config.toml --quantised i8");
    assert!(
        said.contains("accuracy ") && said.contains("class 9: recall"),
        "{said}"
    );
    let exported = dir.succeeds("eval digits.lif --config config.toml");
    let accuracy = |text: &str| {
        text.lines()
            .find(|l| l.starts_with("accuracy"))
            .map(String::from)
    };
    assert_eq!(accuracy(&said), accuracy(&exported));
    dir.succeeds("eval digits.lif --input digits.csv");
    let said = dir.succeeds("quantize digits.safetensors --config config.toml --output q.lif");
    assert!(
        said.contains("of its spikes equal") && said.contains("in integers"),
        "{said}"
    );
    dir.succeeds("inspect q.lif");
    dir.fails(2, "eval digits.lif", "--config | --input");
    dir.fails(
        2,
        "eval digits.lif --input digits.csv --quantised i8",
        "it is exported already",
    );
    dir.fails(
        2,
        "quantize digits.lif --input digits.csv",
        "not a safetensors file",
    );
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
    dir.write("samples.csv", &NETWORK[1]);
    all_fail("line 1: not text; comma-separated text is needed");
    let header: String = (0..64).map(|i| format!("p{i},")).collect();
    dir.write("samples.csv", format!("{header}class\n{DIGITS}"));
    all_fail("line 1: \"p0\" is not a number | header lines are not accepted");
    write_with(65, "10");
    all_fail("line 2, column 65: \"10\" is not a class: a whole number below 10");
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

#[test]
fn an_exported_module_compiles_and_is_the_file() {
    let dir = Folder::with_network();
    let said =
        dir.succeeds("export digits.safetensors --weights i16 --output wide.lif --rust model.rs");
    assert!(
        said.contains("weights i16") && said.contains("wrote model.rs"),
        "{said}"
    );
    let rustc = |args: &[&str]| {
        let output = Command::new("rustc")
            .args(["--edition", "2021", "-D", "warnings"])
            .args(args)
            .current_dir(dir.0.path())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
    };
    rustc(&["--crate-type", "lib", "-D", "missing_docs", "model.rs"]);
    let main = "mod model;
        use model::{MODEL, N_IN, N_OUT, RAM_BYTES, STEPS};
        fn main() {
            assert!(MODEL == include_bytes!(\"wide.lif\"));
            assert_eq!(MODEL.as_ptr() as usize % 16, 0);
            println!(\"{N_IN} {N_OUT} {STEPS} {RAM_BYTES}\");
        }";
    dir.write("main.rs", main);
    rustc(&["main.rs", "-o", "program"]);
    let output = Command::new(dir.path("program")).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let sizes: Vec<&str> = printed.split_whitespace().collect();
    assert_eq!(sizes[..3], ["64", "10", "16"], "{printed}");
    let shown = dir.succeeds("inspect wide.lif");
    assert!(
        shown.contains(&format!("{} bytes of arena", sizes[3])),
        "{shown}"
    );
    assert!(
        shown.contains("weights i16") && shown.contains("golden trace of 2 steps"),
        "{shown}"
    );
}

#[test]
fn values_out_of_range_are_warned_of() {
    let dir = Folder::with_network();
    let run = "run digits.lif --input samples.csv";
    let [first, ..] = first_digits();
    dir.write("samples.csv", first);
    let [_, stderr] = dir.lif(0, run);
    assert_eq!(stderr, "");
    let (_, rest) = first.split_once(',').expect("65 columns");
    dir.write(
        "samples.csv",
        format!("128,{rest}\n-129,{rest}\n-128,{rest}\n"),
    );
    let [_, stderr] = dir.lif(0, run);
    let says = "warning: samples.csv: 2 of 192 values are outside the range of the network's input";
    assert!(stderr.starts_with(says), "{stderr}");
}

#[test]
fn names_reach_no_terminal_as_commands() {
    let dir = Folder::with_network();
    let mut file = NETWORK[1].clone();
    for name in ["digits", "linear1", "lif2"] {
        let windows = || file.windows(name.len());
        let at = windows().position(|w| w == name.as_bytes()).expect(name);
        file[at..at + 2].copy_from_slice(b"\x1b[");
    }
    let crc = file_crc(&file).to_le_bytes();
    file[CRC_OFFSET..CRC_OFFSET + 4].copy_from_slice(&crc);
    dir.write("named.lif", file);
    let shown = dir.succeeds("inspect named.lif");
    assert!(!shown.contains('\x1b'), "{shown}");
    for name in ["[gits", "[near1 ", "[f2 ", "largest sum of \\u{1b}[near1:"] {
        assert!(shown.contains(name), "no {name} in\n{shown}");
    }
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

#[test]
fn outside_a_checkout_a_firmware_is_asked_for() {
    let dir = tempfile::tempdir().expect("a folder outside the checkout");
    fs::write(dir.path().join("digits.lif"), &NETWORK[1]).expect("a new file");
    let mut command = Command::new(LIF);
    command.current_dir(&dir).args(VERIFY.split(' '));
    let output = command.env_remove("CARGO_MANIFEST_DIR").output();
    let output = output.expect("cargo built the program");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("--firmware FILE.elf"), "{stderr}");
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
        // A trained network runs as it is.
        if bytes != &NETWORK[0][..] {
            dir.fails(2, "run broken.lif --input digits.csv", &says);
        }
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
    let says = "digits.csv: there are 3 samples in it, fewer than --samples 4";
    dir.fails(2, &format!("{VERIFY} --input digits.csv --samples 4"), says);
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
    let says = "digits.lif: | bytes do not fit the 1572864 bytes that mps2-an386 has";
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
