//! `lif neuron` and `lif surrogate` reproduce SpikingJelly's golden data from the files, through the command line,
//! and refuse wrong input.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::Value;

const LIF: &str = env!("CARGO_BIN_EXE_lif");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden");

/// A tensor as it lies in a file.
#[derive(Clone, Debug)]
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    fn f32(shape: &[usize], values: &[f32]) -> Self {
        Self {
            dtype: Dtype::F32,
            shape: shape.into(),
            bytes: values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }

    fn values(&self) -> Vec<f64> {
        match self.dtype {
            Dtype::F32 => {
                let (values, _) = self.bytes.as_chunks();
                values
                    .iter()
                    .map(|b| f32::from_le_bytes(*b).into())
                    .collect()
            }
            _ => {
                let (values, _) = self.bytes.as_chunks();
                values.iter().map(|b| f64::from_le_bytes(*b)).collect()
            }
        }
    }
}

type Tensors = HashMap<String, Tensor>;

fn read(file: &Path) -> Tensors {
    let bytes = fs::read(file).unwrap();
    let all = SafeTensors::deserialize(&bytes).unwrap();
    let own = |(name, view): (&str, TensorView<'_>)| {
        let tensor = Tensor {
            dtype: view.dtype(),
            shape: view.shape().into(),
            bytes: view.data().into(),
        };
        (name.to_string(), tensor)
    };
    all.iter().map(own).collect()
}

fn write(file: &Path, tensors: &[(&str, &Tensor)]) {
    let views: Vec<_> = tensors
        .iter()
        .map(|(name, t)| {
            (
                *name,
                TensorView::new(t.dtype, t.shape.clone(), &t.bytes).unwrap(),
            )
        })
        .collect();
    fs::write(file, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn cases(kind: &str) -> Vec<Value> {
    let text = fs::read_to_string(format!("{GOLDEN}/cases.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all[kind].as_array().unwrap().clone()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn lif(dir: &Path, args: &[String]) -> Output {
    let output = Command::new(LIF).args(args).current_dir(dir).output();
    let output = output.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    output
}

/// The options of a neuron case.
fn options(case: &Value) -> Vec<String> {
    let mut args = Vec::new();
    let mut add = |name: &str, value: String| args.extend([format!("--{name}"), value]);
    add("model", case["model"].as_str().unwrap().into());
    add("tau", case["tau"].as_f64().unwrap().to_string());
    if let Some(decode) = case["decode"].as_str() {
        add("decode", decode.into());
        return args;
    }
    add("decay-input", case["decay_input"].to_string());
    add("v-threshold", case["v_threshold"].to_string());
    let reset = match case["v_reset"].as_f64() {
        Some(v) => v.to_string(),
        None => "none".into(),
    };
    add("v-reset", reset);
    add("spiking", case["spiking"].to_string());
    add("surrogate", case["surrogate"].as_str().unwrap().into());
    for (name, value) in case["surrogate_params"].as_object().unwrap() {
        add("surrogate-param", format!("{name}={value}"));
    }
    if case["detach_reset"] == true {
        args.push("--detach-reset".into());
    }
    args
}

/// Whether `got` is `want`: in every bit (any NaN is a NaN), or to within `tolerance` of the largest value.
fn compare(place: &str, got: &Tensor, want: &Tensor, tolerance: f64) {
    assert_eq!(
        (got.dtype, &got.shape),
        (want.dtype, &want.shape),
        "{place}"
    );
    let (got, want) = (got.values(), want.values());
    let finite = want.iter().filter(|x| x.is_finite());
    let scale = finite.fold(1.0f64, |m, x| m.max(x.abs()));
    for (i, (g, w)) in got.iter().zip(&want).enumerate() {
        let same = g.to_bits() == w.to_bits() || (g.is_nan() && w.is_nan());
        let near = tolerance > 0.0 && (g - w).abs() <= tolerance * scale;
        assert!(same || near, "{place}[{i}]: {g:e} instead of {w:e}");
    }
}

#[test]
fn every_golden_neuron_is_reproduced() {
    let dir = folder();
    let (input, output) = (dir.path().join("in"), dir.path().join("out"));
    let mut files: HashMap<String, Tensors> = HashMap::new();
    let cases = cases("neurons");
    assert!(cases.len() > 200);
    for case in &cases {
        let (name, file) = (
            case["name"].as_str().unwrap(),
            case["file"].as_str().unwrap(),
        );
        let file = files
            .entry(file.into())
            .or_insert_with(|| read(&Path::new(GOLDEN).join(file)));
        let tensor = |t: &str| file.get(&format!("{name}/{t}"));
        let inputs = [
            "x_seq",
            "v_init",
            "grad_spike_seq",
            "grad_v_seq",
            "grad_v_last",
            "grad_output",
        ];
        let given: Vec<_> = inputs
            .iter()
            .filter_map(|t| Some((*t, tensor(t)?)))
            .collect();
        write(&input, &given);
        let mut args = vec!["neuron".into()];
        args.extend(options(case));
        args.extend(["--input", "in", "--output", "out"].map(String::from));
        let done = lif(dir.path(), &args);
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{name}: {args:?}: {stderr}");
        let got = read(&output);
        let mut compared = 0;
        for t in case["tensors"].as_array().unwrap() {
            let t = t.as_str().unwrap();
            if inputs.contains(&t) {
                continue;
            }
            let got = got.get(t).unwrap_or_else(|| panic!("{name}: no {t}"));
            let exact = case["exact_forward"] != false && !t.starts_with("grad");
            // The mean is summed in another order there.
            let mean = case["decode"] == "mean-mem";
            let tolerance = if exact && !mean { 0.0 } else { 1e-4 };
            compare(&format!("{name}/{t}"), got, tensor(t).unwrap(), tolerance);
            compared += 1;
        }
        assert!(compared > 0, "{name}");
    }
}

#[test]
fn every_golden_surrogate_is_reproduced() {
    let dir = folder();
    let file = read(&Path::new(GOLDEN).join("surrogates.safetensors"));
    // Without the points whose f32 result hangs on how an angle was rounded.
    let x = file["x"].values();
    let small: Vec<usize> = (0..x.len()).filter(|i| x[*i].abs() <= 5.0).collect();
    let part = |t: &Tensor| {
        let values = t.values();
        let kept: Vec<f32> = small.iter().map(|i| values[*i] as f32).collect();
        Tensor::f32(&[small.len()], &kept)
    };
    write(&dir.path().join("in"), &[("x", &part(&file["x"]))]);
    for case in cases("surrogates") {
        let name = case["name"].as_str().unwrap();
        let mut args: Vec<String> = ["surrogate", "--input", "in", "--output", "out", "--name"]
            .map(String::from)
            .into();
        args.push(case["surrogate"].as_str().unwrap().into());
        for (key, value) in case["surrogate_params"].as_object().unwrap() {
            args.extend(["--param".into(), format!("{key}={value}")]);
        }
        assert!(lif(dir.path(), &args).status.success(), "{args:?}");
        let got = read(&dir.path().join("out"));
        for (t, wanted) in [("grad", "grad_f32"), ("primitive", "primitive_f32")] {
            let want = file.get(&format!("{name}/{wanted}"));
            assert_eq!(got.contains_key(t), want.is_some(), "{name}/{t}");
            let (Some(got), Some(want)) = (got.get(t), want) else {
                continue;
            };
            let exact = t == "primitive" && case["exact_primitive"] == true;
            let place = format!("{name}/{t}");
            compare_but_few(&place, got, &part(want), if exact { 0.0 } else { 1e-6 });
        }
    }
}

/// As [`compare`], but for the few points where a gradient jumps within the rounding of its argument.
fn compare_but_few(place: &str, got: &Tensor, want: &Tensor, tolerance: f64) {
    let (g, w) = (got.values(), want.values());
    let far = |(g, w): &(&f64, &f64)| {
        g.to_bits() != w.to_bits() && (g.is_nan() != w.is_nan() || (**g - **w).abs() > tolerance)
    };
    let far: Vec<_> = g.iter().zip(&w).filter(far).collect();
    let allowed = if tolerance > 0.0 { 6 } else { 0 };
    assert!(far.len() <= allowed, "{place}: {far:?}");
}

/// Runs `lif` with `args`, which must fail with `code`, say all of `says` and write nothing.
fn fails(dir: &Path, code: i32, args: &str, says: &[&str]) {
    let args: Vec<String> = args.split_whitespace().map(String::from).collect();
    let done = lif(dir, &args);
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(code), "{args:?}: {stderr}");
    for part in says {
        assert!(stderr.contains(part), "{args:?}: no {part:?} in {stderr}");
    }
    assert!(!dir.join("out").exists(), "{args:?} wrote a file");
}

#[test]
fn wrong_options_are_refused_by_name() {
    let dir = folder();
    let dir = dir.path();
    let x = Tensor::f32(&[3, 2], &[0.5; 6]);
    write(&dir.join("in"), &[("x_seq", &x), ("x", &x)]);
    let lif = "neuron --model lif --input in --output out";
    let simple = "neuron --model simple-lif --input in --output out";
    let non_spiking = "neuron --model non-spiking-lif --input in --output out";
    let surrogate = "surrogate --input in --output out";
    let rows: &[(i32, &str, &str, &[&str])] = &[
        (
            2,
            "neuron --input in --output out --model",
            "if",
            &["'if'", "simple-lif"],
        ),
        (2, lif, "--tau 1.0", &["tau = 1: must be above 1"]),
        (2, lif, "--tau nan", &["tau = NaN"]),
        (2, lif, "--v-threshold nan", &["v_threshold = NaN"]),
        (
            2,
            lif,
            "--v-reset soft",
            &["'soft'", "none for a soft reset"],
        ),
        (2, lif, "--decay-input maybe", &["'maybe'", "true, false"]),
        (2, lif, "--decode max-mem", &["--decode is for"]),
        (
            2,
            simple,
            "--v-reset none",
            &["SimpleLIF has no soft reset"],
        ),
        (2, simple, "--tau 0", &["tau = 0"]),
        (2, non_spiking, "--tau 0", &["tau = 0"]),
        (
            2,
            non_spiking,
            "--decode median",
            &["'median'", "max-abs-mem"],
        ),
        (
            2,
            lif,
            "--surrogate arctan",
            &["\"arctan\"", "atan", "q-pseudo-spike"],
        ),
        (2, lif, "--surrogate-param beta=1", &["\"beta\"", "alpha"]),
        (
            2,
            lif,
            "--surrogate-param alpha",
            &["\"alpha\"", "NAME=VALUE"],
        ),
        (
            2,
            lif,
            "--surrogate-param alpha=x",
            &["\"x\" is not a number"],
        ),
        (2, lif, "--surrogate-param alpha=0", &["atan", "alpha = 0"]),
        (
            2,
            lif,
            "--surrogate multi-level-spike-count",
            &["max_spike_count"],
        ),
        (
            2,
            lif,
            "--surrogate super-spike --spiking false",
            &["super-spike has no primitive"],
        ),
        (2, lif, "--backend gpu", &["'gpu'", "device:TYPE"]),
        (2, lif, "--backend device:I8F9", &["I8F9", "I16F16"]),
        (
            2,
            lif,
            "--backend device:f32 --spiking false",
            &["--spiking false"],
        ),
        (
            2,
            lif,
            "--backend device:I1F15",
            &["v_threshold = 1", "cannot hold"],
        ),
        (
            2,
            surrogate,
            "--name sigmoids",
            &["\"sigmoids\"", "sigmoid"],
        ),
        (2, surrogate, "--name rect --param w=1", &["\"w\"", "alpha"]),
    ];
    for (code, command, options, says) in rows {
        fails(dir, *code, &format!("{command} {options}"), says);
    }
}

/// The tensors of an input file.
type Given<'a> = &'a [(&'a str, &'a Tensor)];

#[test]
fn wrong_tensors_are_refused_by_name() {
    let dir = folder();
    let dir = dir.path();
    let x = Tensor::f32(&[3, 2], &[0.5; 6]);
    let state = Tensor::f32(&[2], &[0.0; 2]);
    let wrong = Tensor::f32(&[3], &[0.0; 3]);
    let double = Tensor {
        dtype: Dtype::F64,
        shape: vec![2],
        bytes: vec![0; 16],
    };
    let int = Tensor {
        dtype: Dtype::I32,
        ..x.clone()
    };
    let nan = Tensor::f32(&[1, 2], &[0.0, f32::NAN]);
    let none = Tensor::f32(&[0, 2], &[]);
    let scalar = Tensor::f32(&[], &[1.0]);
    let lif = "neuron --model lif --input in --output out";
    let device = "neuron --model lif --input in --output out --backend device:I16F16";
    let non_spiking = "neuron --model non-spiking-lif --input in --output out --decode last-mem";
    let rows: &[(&str, Given<'_>, &[&str])] = &[
        (lif, &[("x", &x)], &["\"x_seq\" is missing", "holds x"]),
        (
            lif,
            &[("x_seq", &int)],
            &["\"x_seq\"", "I32", "F32 and F64"],
        ),
        (
            lif,
            &[("x_seq", &none)],
            &["[0, 2]", "at least one time step"],
        ),
        (lif, &[("x_seq", &scalar)], &["shape []", "[T, ...]"]),
        (
            lif,
            &[("x_seq", &x), ("v_init", &wrong)],
            &["\"v_init\"", "[3]", "[2]"],
        ),
        (
            lif,
            &[("x_seq", &x), ("v_init", &double)],
            &["\"v_init\"", "F64", "F32"],
        ),
        (
            lif,
            &[("x_seq", &x), ("grad_spike_seq", &wrong)],
            &["\"grad_spike_seq\"", "[3, 2]"],
        ),
        (
            lif,
            &[("x_seq", &x), ("grad_v_last", &state)],
            &["\"grad_spike_seq\" is missing"],
        ),
        (
            lif,
            &[("x_seq", &x), ("grad_output", &x)],
            &["\"grad_output\""],
        ),
        (
            device,
            &[("x_seq", &x), ("grad_spike_seq", &x)],
            &["\"grad_spike_seq\"", "no backward"],
        ),
        (
            "neuron --model non-spiking-lif --input in --output out --backend device:f32",
            &[("x_seq", &x), ("grad_output", &x)],
            &["\"grad_output\"", "no backward"],
        ),
        (device, &[("x_seq", &nan)], &["\"x_seq\"", "value 1 is NaN"]),
        (
            non_spiking,
            &[("x_seq", &x), ("v_init", &state)],
            &["\"v_init\"", "starts at 0"],
        ),
        (
            non_spiking,
            &[("x_seq", &x), ("grad_output", &x)],
            &["\"grad_output\"", "[2]"],
        ),
        (
            "surrogate --name atan --input in --output out",
            &[("y", &x)],
            &["\"x\" is missing", "holds y"],
        ),
    ];
    for (command, tensors, says) in rows {
        write(&dir.join("in"), tensors);
        fails(dir, 2, command, says);
    }
    fs::write(dir.join("in"), "no tensors").unwrap();
    fails(dir, 2, lif, &["in: not a safetensors file"]);
    fs::remove_file(dir.join("in")).unwrap();
    fails(dir, 2, lif, &["in: No such file"]);
}

#[test]
fn a_tensor_that_is_not_read_is_named() {
    let dir = folder();
    let dir = dir.path();
    let x = Tensor::f32(&[3, 2], &[0.5; 6]);
    write(&dir.join("in"), &[("x_seq", &x), ("vinit", &x)]);
    let args = "neuron --model lif --input in --output out".split(' ');
    let args: Vec<String> = args.map(String::from).collect();
    let done = lif(dir, &args);
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && dir.join("out").exists());
    assert!(
        stderr.contains("\"vinit\" is not read") && stderr.contains("v_init"),
        "{stderr}"
    );
}

#[test]
fn device_backends_run_the_device_code() {
    let dir = folder();
    let dir = dir.path();
    // tau = 2 and inputs of few bits: every type computes the same.
    let x: Vec<f32> = (0..40).map(|i| ((i * 7) % 13) as f32 / 4.0 - 1.0).collect();
    write(&dir.join("in"), &[("x_seq", &Tensor::f32(&[4, 10], &x))]);
    let mut spikes = Vec::new();
    for backend in ["cpu", "device:f32", "device:I16F16", "device:I6F10"] {
        let args = format!("neuron --model lif --input in --output out --backend {backend}");
        let args: Vec<String> = args.split(' ').map(String::from).collect();
        assert!(lif(dir, &args).status.success(), "{backend}");
        let got = read(&dir.join("out"));
        assert_eq!(got["v_last"].shape, [10]);
        spikes.push((got["spike_seq"].values(), got["v_seq"].values()));
    }
    assert!(spikes[0].0.contains(&1.0) && spikes[0].0.contains(&0.0));
    assert!(spikes.iter().all(|s| *s == spikes[0]));
}

/// Runs `lif`, which must succeed: what it wrote, and what it said on standard error.
fn succeeds(dir: &Path, args: &str) -> (Tensors, String) {
    let args: Vec<String> = args.split_whitespace().map(String::from).collect();
    let done = lif(dir, &args);
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{args:?}: {stderr}");
    let out = dir.join("out");
    let tensors = read(&out);
    fs::remove_file(out).unwrap();
    (tensors, stderr)
}

#[test]
fn the_backend_cuda_is_the_cpu_or_says_why_not() {
    let dir = folder();
    let dir = dir.path();
    let values: Vec<f32> = (0..60).map(|i| (i * 37 % 23) as f32 / 9.0 - 0.6).collect();
    let x = Tensor::f32(&[20, 3], &values);
    let wide = Tensor {
        dtype: Dtype::F64,
        shape: vec![1],
        bytes: 1.5f64.to_le_bytes().into(),
    };
    write(&dir.join("in"), &[("x_seq", &x), ("grad_spike_seq", &x)]);
    write(&dir.join("at"), &[("x", &x)]);
    write(&dir.join("plain"), &[("x_seq", &x)]);
    write(&dir.join("wide"), &[("x_seq", &wide), ("x", &wide)]);
    let commands = [
        "neuron --model lif --tau 1.7 --v-reset -0.1 --input in --output out",
        "neuron --model simple-lif --decay-input false --input in --output out",
        "neuron --model non-spiking-lif --decode max-abs-mem --input plain --output out",
        "surrogate --name q-pseudo-spike --input at --output out",
    ];
    let there = {
        let asked: Vec<String> = format!("{} --backend cuda", commands[0])
            .split_whitespace()
            .map(String::from)
            .collect();
        let done = lif(dir, &asked);
        let _ = fs::remove_file(dir.join("out"));
        done.status.success()
    };
    for command in commands {
        let (want, said) = succeeds(dir, command);
        assert_eq!(said, "");
        let (auto, said) = succeeds(dir, &format!("{command} --backend auto"));
        assert!(said.starts_with("note: on the "), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        if !there {
            fails(
                dir,
                3,
                &format!("{command} --backend cuda"),
                &["--backend cuda: ", "--backend cpu"],
            );
            assert!(said.contains("on the CPU: "), "{said}");
        }
        for (name, want) in &want {
            let exact = !name.starts_with("grad") && name != "primitive";
            compare(name, &auto[name], want, if exact { 0.0 } else { 1e-6 });
        }
    }
    for command in [
        "neuron --model lif --input wide --output out --backend cuda",
        "surrogate --name atan --input wide --output out --backend cuda",
    ] {
        fails(
            dir,
            2,
            command,
            &["f32 tensors are needed", "--backend cpu"],
        );
    }
    if !there {
        println!("no GPU: not run");
    }
}
