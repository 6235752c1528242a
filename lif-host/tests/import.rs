//! Networks of SpikingJelly and snnTorch, made by `tests/golden/import.py`, imported and run by the program.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use lif_host::checkpoint;
use lif_host::export::export_int;
use lif_host::import::{NetFile, SNNTORCH_TEMPLATE, SPIKINGJELLY_TEMPLATE, import};
use lif_host::net::Param;
use lif_nostd::encode::{Poisson, intensity, latency};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Tensors by name: their shape and values.
type Tensors = HashMap<String, (Vec<usize>, Vec<f32>)>;

fn golden(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/import");
    PathBuf::from(folder).join(name)
}

fn parse(bytes: &[u8]) -> Tensors {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let each = file.tensors().into_iter().map(|(name, view)| {
        let (values, _) = view.data().as_chunks::<4>();
        let value = |b: &[u8; 4]| match view.dtype() {
            Dtype::F32 => f32::from_le_bytes(*b),
            Dtype::I32 => i32::from_le_bytes(*b) as f32,
            other => panic!("a tensor of {other:?}"),
        };
        (
            name,
            (view.shape().to_vec(), values.iter().map(value).collect()),
        )
    });
    each.collect()
}

fn file_of(tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) -> Vec<u8> {
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        (
            *name,
            TensorView::new(*dtype, shape.to_vec(), bytes).unwrap(),
        )
    });
    safetensors::serialize(views, None).unwrap()
}

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// A folder of one test, in which the program runs.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }

    /// Standard output and standard error of `lif` with `args`, which must end with `code`.
    #[track_caller]
    fn lif(&self, code: i32, args: &str) -> [String; 2] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lif"));
        let output = command
            .current_dir(&self.0)
            .args(args.split_whitespace())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let [stdout, stderr] = [text(&output.stdout), text(&output.stderr)];
        assert!(!stderr.contains("panicked"), "lif {args}:\n{stderr}");
        assert_eq!(output.status.code(), Some(code), "lif {args}:\n{stderr}");
        [stdout, stderr]
    }

    /// Imports the golden network `name` as model.safetensors, with input.safetensors beside it.
    #[track_caller]
    fn import(&self, name: &str) {
        for (from, to) in [
            (format!("{name}.safetensors"), "weights.safetensors"),
            (format!("{name}.toml"), "net.toml"),
            (format!("{name}-run.safetensors"), "input.safetensors"),
        ] {
            fs::copy(golden(&from), self.0.path().join(to)).unwrap();
        }
        self.lif(
            0,
            "import weights.safetensors --net net.toml --output model.safetensors",
        );
    }

    /// What the program computes of input.safetensors.
    #[track_caller]
    fn run(&self, model: &str, options: &str) -> Tensors {
        let all =
            format!("run {model} --input input.safetensors --output out.safetensors {options}");
        self.lif(0, &all);
        parse(&self.read("out.safetensors"))
    }
}

/// Compares every golden tensor but the input, bit for bit where `bound` is 0.
fn compare(golden: &Tensors, got: &Tensors, bound: f32) {
    for (name, (shape, want)) in golden.iter().filter(|(name, _)| *name != "input") {
        let (got_shape, values) = &got[name];
        assert_eq!(got_shape, shape, "{name}");
        let bound = if name.ends_with("spikes") { 0.0 } else { bound };
        for (at, (x, y)) in values.iter().zip(want).enumerate() {
            let same = (x - y).abs() <= bound * y.abs().max(1.0);
            assert!(same, "{name}, value {at}: {x:e}, not {y:e}");
        }
    }
}

/// f32 of the program, in every spike, and in every membrane within `bound`.
#[track_caller]
fn same_as_golden(name: &str, bound: f32) -> (Folder, Tensors) {
    let dir = Folder::new();
    dir.import(name);
    let want = parse(&fs::read(golden(&format!("{name}-run.safetensors"))).unwrap());
    let got = dir.run("model.safetensors", "--membranes --layers");
    compare(&want, &got, bound);
    (dir, got)
}

#[test]
fn networks_of_spikingjelly_give_the_same_bits() {
    let (dir, got) = same_as_golden("spikingjelly", 0.0);
    // Counts are the sums of the spikes over the steps.
    let (shape, spikes) = &got["spikes"];
    let (t, n) = (shape[0], shape[1] * shape[2]);
    let counts: Vec<f32> = (0..n)
        .map(|i| (0..t).map(|t| spikes[t * n + i]).sum())
        .collect();
    assert_eq!(got["output"].1, counts);
    assert!(counts.iter().any(|c| *c > 0.0));
    // An exported f32 file is the same network.
    dir.lif(0, "export model.safetensors --number f32");
    assert_eq!(dir.run("model.lif", "--membranes --layers"), got);
    // A readout layer, SimpleLIF, and ParametricLIF, whose tau is 2 here and so exact.
    same_as_golden("spikingjelly-readout", 0.0);
}

#[test]
fn networks_of_snntorch_give_the_same_spikes() {
    same_as_golden("snntorch", 0.0);
    // Any beta: beta * v against v - v / tau.
    same_as_golden("snntorch-readout", 1e-5);
}

#[test]
fn a_late_subtraction_is_refused_unless_accepted() {
    let dir = Folder::new();
    for file in ["snntorch-late.toml", "snntorch-late.safetensors"] {
        fs::copy(golden(file), dir.0.path().join(file)).unwrap();
    }
    let args =
        "import snntorch-late.safetensors --net snntorch-late.toml --output model.safetensors";
    let [_, said] = dir.lif(2, args);
    for part in [
        "snntorch-late.toml: layer 1: reset_mechanism = \"subtract\"",
        "Train with reset_delay=False",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!dir.0.path().join("model.safetensors").exists());
    let text = String::from_utf8(dir.read("snntorch-late.toml")).unwrap();
    let accepted = "reset_delay = true, accept_reset_difference = true";
    dir.write(
        "snntorch-late.toml",
        text.replace("reset_delay = true", accepted),
    );
    let [_, said] = dir.lif(0, args);
    assert!(
        said.contains("layer 2: the threshold is taken away at the spike"),
        "{said}"
    );
    dir.write(
        "input.safetensors",
        fs::read(golden("snntorch-late-run.safetensors")).unwrap(),
    );
    let got = &dir.run("model.safetensors", "--layers")["layer1.spikes"].1;
    let want = &parse(&dir.read("input.safetensors"))["layer1.spikes"].1;
    let differ = got.iter().zip(want).filter(|(a, b)| a != b).count();
    assert!(differ > 0, "the note says that spikes differ");
}

#[test]
fn integer_networks_run_on_tensors() {
    let dir = Folder::new();
    dir.import("spikingjelly");
    dir.lif(0, "export model.safetensors");
    let got = dir.run("model.lif", "--membranes");
    assert_eq!(got["membranes"].0, [16, 4, 10]);
    // The same current in each step is the same as a tensor with steps.
    let input = parse(&dir.read("input.safetensors"))["input"].1.clone();
    let steps = f32_bytes(&input.repeat(16));
    dir.write(
        "input.safetensors",
        file_of(&[("input", Dtype::F32, &[16, 4, 8, 8], steps)]),
    );
    assert_eq!(dir.run("model.lif", "--membranes"), got);
    // And a file of samples gives the counts as text.
    let rows = input
        .chunks(64)
        .map(|row| row.iter().map(f32::to_string).collect::<Vec<_>>().join(","));
    dir.write("input.csv", rows.collect::<Vec<_>>().join("\n"));
    dir.lif(0, "run model.lif --input input.csv --output counts.csv");
    let text = String::from_utf8(dir.read("counts.csv")).unwrap();
    let counts: Vec<f32> = text
        .lines()
        .flat_map(|l| l.split(','))
        .map(|c| c.parse().unwrap())
        .collect();
    assert_eq!(counts, got["output"].1);
}

#[test]
fn encodings_are_those_of_the_core() {
    let dir = Folder::new();
    dir.import("snntorch");
    let values: Vec<f32> = (0..2 * 64).map(|i| i as f32 / 127.0).collect();
    let held = [("input", Dtype::F32, &[2usize, 64][..], f32_bytes(&values))];
    let spikes = |draw: &dyn Fn(u32, u32, u32, u32) -> bool| {
        let mut all = Vec::new();
        for t in 0..16 {
            for b in 0..2u32 {
                for i in 0..64u32 {
                    let x = intensity(values[(b * 64 + i) as usize]);
                    all.push(f32::from(u8::from(draw(t, b, i, x))));
                }
            }
        }
        file_of(&[("input", Dtype::F32, &[16, 2, 64], f32_bytes(&all))])
    };
    let poisson = spikes(&|t, b, i, x| Poisson::new(5, b).draw(t, i) < x);
    let first = spikes(&|t, _, _, x| u32::from(latency::linear(x, 16)) == t);
    for (options, same) in [
        ("--encoding poisson --seed 5", poisson),
        ("--encoding latency", first),
    ] {
        dir.write("input.safetensors", file_of(&held));
        let encoded = dir.run("model.safetensors", &format!("--layers {options}"));
        dir.write("input.safetensors", same);
        assert_eq!(dir.run("model.safetensors", "--layers"), encoded);
    }
}

#[test]
fn wrong_tensors_say_what_is_needed() {
    let dir = Folder::new();
    dir.import("snntorch");
    let says = |shape: &[usize], value: f32, options: &str, part: &str| {
        let bytes = f32_bytes(&vec![value; shape.iter().product()]);
        dir.write(
            "input.safetensors",
            file_of(&[("input", Dtype::F32, shape, bytes)]),
        );
        let args = format!("run model.safetensors --input input.safetensors {options}");
        let [_, said] = dir.lif(2, &args);
        assert!(said.contains(part), "{said}");
    };
    let out = "--output out.safetensors";
    says(&[2, 64], 1.0, "", "tensors need --output");
    says(
        &[2, 63],
        1.0,
        out,
        "has shape [2, 63]; the network takes 64 values: [batch, ...]",
    );
    says(
        &[16, 1, 64],
        1.0,
        out,
        "can be [batch, ...] and [time, batch, ...]; say which with --layout",
    );
    says(
        &[16, 2, 64],
        1.0,
        &format!("{out} --steps 8"),
        "has 16 time steps, and --steps says 8",
    );
    says(
        &[2, 64],
        0.5,
        out,
        "row 0, value 0 is 0.5: the network takes spikes, 0 or 1",
    );
    says(
        &[2, 64],
        1.5,
        &format!("{out} --encoding poisson"),
        "takes values from 0 to 1",
    );
    says(
        &[2, 64],
        f32::NAN,
        out,
        "row 0, value 0 is NaN; finite numbers are needed",
    );
    says(&[0, 64], 0.0, out, "0 samples");
    dir.write("input.csv", "1\n");
    let [_, said] = dir.lif(2, "run model.safetensors --input input.csv --membranes");
    assert!(
        said.contains("need a safetensors file with a tensor \"input\""),
        "{said}"
    );
}

/// A 2-3-1 network's weights, with `change` of one tensor.
fn weights(change: Option<(&str, Dtype, &[usize], Vec<u8>)>) -> Vec<u8> {
    let mut tensors = vec![
        (
            "0.weight",
            Dtype::F32,
            &[3usize, 2][..],
            f32_bytes(&[0.5; 6]),
        ),
        ("0.bias", Dtype::F32, &[3], f32_bytes(&[0.25; 3])),
        ("2.weight", Dtype::F32, &[1, 3], f32_bytes(&[1.0; 3])),
        ("2.bias", Dtype::F32, &[1], f32_bytes(&[0.0])),
    ];
    if let Some(change) = change {
        tensors.retain(|t| t.0 != change.0);
        tensors.push(change);
    }
    file_of(&tensors)
}

#[test]
fn templates_are_networks() {
    let imported = import(&weights(None), SPIKINGJELLY_TEMPLATE).unwrap();
    assert_eq!((imported.net.steps, imported.net.n_out()), (16, 1));
    assert!(imported.unused.is_empty() && imported.notes.is_empty());
    assert!(export_int(&imported.net).is_ok());
    let bytes = fs::read(golden("snntorch-readout.safetensors")).unwrap();
    let zero = SNNTORCH_TEMPLATE.replace("state = \"lif2\"", "beta = 0.5, threshold = 1.0");
    assert_eq!(import(&bytes, &zero).unwrap().unused.len(), 4);
    for (framework, text) in [
        ("spikingjelly", SPIKINGJELLY_TEMPLATE),
        ("snntorch", SNNTORCH_TEMPLATE),
    ] {
        let [printed, _] = Folder::new().lif(0, &format!("import --template {framework}"));
        assert_eq!(printed, text);
    }
}

#[test]
fn the_network_of_the_guide_is_the_one_of_the_example() {
    let guide = include_str!("../../docs/import.md");
    let block = guide
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let example = include_str!("../../examples/digits_spikingjelly.toml");
    assert_eq!(
        NetFile::parse(block).unwrap(),
        NetFile::parse(example).unwrap()
    );
}

#[test]
fn every_float_type_is_read() {
    let plain = import(&weights(None), SPIKINGJELLY_TEMPLATE).unwrap().net;
    let f64s = [0.5f64; 6].map(f64::to_le_bytes).concat();
    let (f16s, bf16s) = ([0x00, 0x38].repeat(6), [0x00, 0x3f].repeat(6));
    for (dtype, bytes) in [(Dtype::F64, f64s), (Dtype::F16, f16s), (Dtype::BF16, bf16s)] {
        let bytes = weights(Some(("0.weight", dtype, &[3, 2], bytes)));
        assert_eq!(
            import(&bytes, SPIKINGJELLY_TEMPLATE).unwrap().net,
            plain,
            "{dtype:?}"
        );
    }
    // What is imported is what is read back.
    assert_eq!(
        checkpoint::from_bytes(&checkpoint::to_bytes(&plain).unwrap()).unwrap(),
        plain
    );
}

#[test]
fn a_threshold_above_which_snntorch_fires_is_the_next_number() {
    let bytes = fs::read(golden("snntorch.safetensors")).unwrap();
    let text = fs::read_to_string(golden("snntorch.toml")).unwrap();
    let net = import(&bytes, &text).unwrap().net;
    let layers = net.layers().unwrap();
    let of = |l: usize| layers[l].neurons.spiking().unwrap().clone();
    assert_eq!(of(0).v_threshold, Param::Scalar(1.0f32.next_up()));
    assert_eq!(
        (of(0).tau, of(0).v_reset),
        (Param::Scalar(4.0), Some(Param::Scalar(0.0)))
    );
    assert_eq!((of(1).tau, of(1).v_reset), (Param::Scalar(2.0), None));
}

#[test]
fn wrong_weights_say_what_there_is_and_what_was_asked() {
    let says = |bytes: &[u8], from: &str, to: &str, part: &str| {
        assert!(SPIKINGJELLY_TEMPLATE.contains(from));
        let said = import(bytes, &SPIKINGJELLY_TEMPLATE.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(said.contains(part), "{said}");
    };
    let good = &weights(None)[..];
    let there =
        "the file holds 0.bias F32 [3], 0.weight F32 [3, 2], 2.bias F32 [1], 2.weight F32 [1, 3]";
    says(
        good,
        "\"0.weight\"",
        "\"fc.weight\"",
        "layer 1, weight = \"fc.weight\": there is no such tensor",
    );
    says(good, "\"0.weight\"", "\"fc.weight\"", there);
    says(
        good,
        "\"2.weight\"",
        "\"0.weight\"",
        "2 inputs ([out, in] is [3, 2]) behind a layer of 3 neurons",
    );
    says(good, "\"0.bias\"", "\"2.bias\"", "shape [1]; [3] is needed");
    says(
        good,
        "\"0.weight\"",
        "\"0.bias\"",
        "weights of shape [3] are no matrix; [out, in] is needed",
    );
    says(
        good,
        "tau = 2.0",
        "tau = \"2.weight\"",
        "neuron.tau = \"2.weight\": shape [1, 3]; one value or [3]",
    );
    says(good, "tau = 2.0", "tau = 1.0", "tau = 1: must be above 1");
    says(good, "tau = 2.0", "tao = 2.0", "unknown field `tao`");
    says(
        good,
        "steps = 16",
        "steps = 0",
        "steps = 0: 1 to 65535 are allowed",
    );
    says(
        good,
        "full_scale = 1.0",
        "full_scale = 0",
        "input.full_scale = 0: it must be above 0",
    );
    says(good, "\"lif\"", "\"non-spiking-lif\"", "decay_input");
    says(b"nonsense", "16", "16", "not a safetensors file");
    let conv = weights(Some((
        "0.weight",
        Dtype::F32,
        &[3, 2, 1, 1],
        f32_bytes(&[0.5; 6]),
    )));
    says(
        &conv,
        "16",
        "16",
        "are of a convolution; only fully connected layers",
    );
    let whole = weights(Some(("0.weight", Dtype::I64, &[3, 2], vec![0; 48])));
    says(
        &whole,
        "16",
        "16",
        "type i64; f32, f64, f16 and bf16 are allowed",
    );
    let nan = weights(Some((
        "2.weight",
        Dtype::F32,
        &[1, 3],
        f32_bytes(&[0.0, f32::NAN, 0.0]),
    )));
    says(
        &nan,
        "16",
        "16",
        "value 1 is NaN; finite numbers are needed",
    );
}

#[test]
fn wrong_neurons_of_snntorch_are_refused() {
    let bytes = fs::read(golden("snntorch.safetensors")).unwrap();
    let text = fs::read_to_string(golden("snntorch.toml")).unwrap();
    let says = |from: &str, to: &str, part: &str| {
        assert!(text.contains(from));
        let said = import(&bytes, &text.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(said.contains(part), "{said}");
    };
    says(
        "\"zero\"",
        "\"subtract\"",
        "it is 1 (0 subtract, 1 zero, 2 none), and reset_mechanism says otherwise",
    );
    says(
        "beta = 0.5",
        "beta = 1.0",
        "neuron.beta = 1: it must be above 0 and below 1",
    );
    says(
        "threshold = 1.5",
        "threshold = -1.5",
        "it must be at least 0",
    );
    says(
        "threshold = 1.5, ",
        "",
        "threshold is missing: give it, or state",
    );
    says(
        "\"subtract\"",
        "\"none\"",
        "can only be the last layer, with decode",
    );
    says(
        "reset_delay = true",
        "reset_delay = true, decode = \"last-mem\"",
        "is for reset_mechanism = \"none\" alone",
    );
}
