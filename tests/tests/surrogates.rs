//! Surrogate functions against SpikingJelly's: `tests/golden/surrogates.safetensors`, made by
//! `tests/golden/make.py`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use lif_nostd::surrogate::Surrogate;
use safetensors::SafeTensors;
use serde_json::Value;

/// Error allowed of what is computed in f64 on both sides, relative and absolute: torch's own formulas cancel.
const F64_BOUND: (f64, f64) = (1e-12, 1e-15);

/// Error allowed of a primitive in f32 whose elementary functions are others than torch's.
const F32_BOUND: (f64, f64) = (3e-7, 3e-7);

/// Error allowed between the gradient in f64 and torch's in f32.
const F32_GRAD_BOUND: (f64, f64) = (1e-6, 1e-6);

/// A surrogate, and what SpikingJelly computes of it at each `x`.
struct Case<'a> {
    name: String,
    surrogate: Surrogate,
    exact_primitive: bool,
    tensors: &'a SafeTensors<'a>,
}

impl Case<'_> {
    fn f32(&self, tensor: &str) -> Vec<f32> {
        f32_tensor(self.tensors, &format!("{}/{tensor}", self.name))
    }

    fn f64(&self, tensor: &str) -> Vec<f64> {
        let data = self.tensors.tensor(&format!("{}/{tensor}", self.name));
        let (values, rest) = data.as_ref().unwrap().data().as_chunks();
        assert!(rest.is_empty());
        values.iter().map(|v| f64::from_le_bytes(*v)).collect()
    }

    /// Where the gradient or the derivative jumps.
    fn jumps(&self) -> Vec<f64> {
        match self.surrogate {
            Surrogate::PiecewiseLeakyRelu { w, .. } => vec![-w, w],
            Surrogate::S2nn { .. } | Surrogate::LeakyKRelu { .. } => vec![0.0],
            Surrogate::LogTailedRelu { .. } => vec![0.0, 1.0],
            Surrogate::Rect { alpha } => vec![-0.5 / alpha, 0.5 / alpha],
            Surrogate::MultiLevelSpikeCount {
                max_spike_count, ..
            } => {
                vec![0.0, f64::from(max_spike_count)]
            }
            _ => Vec::new(),
        }
    }

    /// Whether `x` is within two f32 numbers of a jump.
    fn is_at_jump(&self, x: f32) -> bool {
        let near = |jump: f32| {
            let (low, high) = (jump.next_down().next_down(), jump.next_up().next_up());
            low <= x && x <= high
        };
        self.jumps().iter().any(|jump| near(*jump as f32))
    }

    /// Holds `got` against what torch gives at each x, but where `leave_out` says so, and counts those.
    fn check(
        &self,
        what: &str,
        (relative, absolute): (f64, f64),
        x: &[f32],
        want: &[f64],
        got: impl Fn(f32) -> f64,
        leave_out: impl Fn(f32) -> bool,
    ) -> usize {
        assert_eq!(x.len(), want.len());
        let mut left_out = 0;
        for (x, want) in x.iter().zip(want) {
            if leave_out(*x) {
                left_out += 1;
                continue;
            }
            let got = got(*x);
            let near = (got - want).abs() <= relative * want.abs() + absolute;
            let same = got == *want || got.is_nan() && want.is_nan();
            let name = &self.name;
            assert!(
                near || same,
                "{name}: {what} at {x:e} is {got:e}, not {want:e}"
            );
        }
        left_out
    }
}

fn f32_tensor(tensors: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let data = tensors.tensor(name);
    let (values, rest) = data.as_ref().unwrap().data().as_chunks();
    assert!(rest.is_empty());
    values.iter().map(|v| f32::from_le_bytes(*v)).collect()
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

fn golden(file: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    std::fs::read(folder.join(file)).unwrap()
}

/// The surrogate that a case of `cases.json` names, with its parameters.
fn surrogate_of(case: &Value) -> Surrogate {
    let name = case["surrogate"].as_str().unwrap();
    let mut surrogate = Surrogate::from_name(name).unwrap();
    for (param, value) in case["surrogate_params"].as_object().unwrap() {
        surrogate.set(param, value.as_f64().unwrap()).unwrap();
    }
    assert_eq!(surrogate.problem(), None, "{name}");
    surrogate
}

/// Calls `check` with the points and each case.
fn for_each_case(mut check: impl FnMut(&[f32], &Case<'_>)) {
    let cases: Value = serde_json::from_slice(&golden("cases.json")).unwrap();
    let bytes = golden("surrogates.safetensors");
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let x = f32_tensor(&tensors, "x");
    let cases = cases["surrogates"].as_array().unwrap();
    assert!(cases.len() >= Surrogate::ALL.len());
    for case in cases {
        let case = Case {
            name: case["name"].as_str().unwrap().to_owned(),
            surrogate: surrogate_of(case),
            exact_primitive: case["exact_primitive"].as_bool().unwrap(),
            tensors: &tensors,
        };
        check(&x, &case);
    }
}

#[test]
fn every_surrogate_of_the_golden_cases_is_known_and_every_one_has_a_case() {
    let cases: Value = serde_json::from_slice(&golden("cases.json")).unwrap();
    let of = |list: &str| cases[list].as_array().unwrap().clone();
    let mut seen = Vec::new();
    for case in of("neurons").iter().chain(&of("surrogates")) {
        if case.get("surrogate").is_some() {
            seen.push(surrogate_of(case).name());
        }
    }
    assert!(Surrogate::NAMES.iter().all(|name| seen.contains(name)));
}

#[test]
fn gradients_are_those_of_spikingjelly() {
    let mut left_out = 0;
    for_each_case(|x, case| {
        let grad = |x: f32| case.surrogate.grad(f64::from(x));
        case.check(
            "gradient",
            F64_BOUND,
            x,
            &case.f64("grad_f64"),
            grad,
            |_| false,
        );
        // In f32, torch compares with a rounded constant, so that the jump lies elsewhere, and rounds the angle.
        let want = widen(&case.f32("grad_f32"));
        let turns = matches!(case.surrogate, Surrogate::SquarewaveFourierSeries { .. });
        let jump = |x: f32| case.is_at_jump(x) || turns && x.abs() > 5.0;
        left_out += case.check("f32 gradient", F32_GRAD_BOUND, x, &want, grad, jump);
    });
    println!("{left_out} points left out");
}

#[test]
fn primitives_are_those_of_spikingjelly() {
    for_each_case(|x, case| {
        if !case.surrogate.has_primitive() {
            return;
        }
        let primitive = |x: f32| case.surrogate.primitive(x).unwrap();
        let primitive_f64 = |x: f32| case.surrogate.primitive(f64::from(x)).unwrap();
        let want = case.f64("primitive_f64");
        case.check("primitive", F64_BOUND, x, &want, primitive_f64, |_| false);
        let want = case.f32("primitive_f32");
        if case.exact_primitive {
            for (x, want) in x.iter().zip(want) {
                let got = primitive(*x);
                let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
                let name = &case.name;
                assert!(same, "{name}: primitive at {x:e} is {got:e}, not {want:e}");
            }
        } else {
            let got = |x| f64::from(primitive(x));
            case.check("f32 primitive", F32_BOUND, x, &widen(&want), got, |_| false);
        }
    });
}

#[test]
fn derivatives_of_primitives_are_those_of_spikingjelly() {
    let mut left_out = 0;
    for_each_case(|x, case| {
        if !case.surrogate.has_primitive() {
            return;
        }
        let slope = |x: f32| case.surrogate.primitive_grad(f64::from(x)).unwrap();
        let want = case.f64("primitive_grad_f64");
        // torch's derivative of a clamp at its bounds depends on its version.
        let clamps = matches!(
            case.surrogate,
            Surrogate::Rect { .. } | Surrogate::MultiLevelSpikeCount { .. }
        );
        let leave_out = |x| clamps && case.is_at_jump(x);
        left_out += case.check("derivative", F64_BOUND, x, &want, slope, leave_out);
    });
    println!("{left_out} points left out");
}

#[test]
fn derivatives_of_primitives_are_their_slopes() {
    const STEP: f64 = 1e-6;
    for_each_case(|_, case| {
        if !case.surrogate.has_primitive() {
            return;
        }
        let primitive = |x| case.surrogate.primitive::<f64>(x).unwrap();
        for i in -2000..=2000 {
            let x = f64::from(i) / 400.0 + 1e-4;
            if case.jumps().iter().any(|jump| (x - jump).abs() <= STEP) {
                continue;
            }
            let slope = (primitive(x + STEP) - primitive(x - STEP)) / (2.0 * STEP);
            let want = case.surrogate.primitive_grad(x).unwrap();
            let (name, error) = (&case.name, (slope - want).abs());
            assert!(error < 1e-8, "{name} at {x}: {slope}, not {want}");
        }
    });
}
