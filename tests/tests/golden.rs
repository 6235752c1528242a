//! Neurons against SpikingJelly: every case of `tests/golden/cases.json`, made by `tests/golden/make.py`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use lif_host::cpu::{Model, NeuronParams, Neurons, NonSpiking, Sequence, Upstream};
use lif_nostd::neuron::Decode;
use lif_tests::golden::{
    Golden, Kind, NeuronCase, case_list, neuron_cases, oracle, rounded, widen,
};
use lif_tests::oracle::backward::{Grad, Trace, backward, non_spiking_backward};
use lif_tests::oracle::slopes::{jumps, slope};
use serde_json::Value;

/// Error allowed of a gradient, as a part of it and of the terms that make it up.
const GRAD_BOUND: f64 = 2e-6;

/// The same for an f64 gradient.
const GRAD_BOUND_F64: f64 = 1e-13;

/// The same of torch's own f32 gradient, which cancels; f64 in proportion.
const TORCH_BOUND: f64 = 1e-4;
const TORCH_BOUND_F64: f64 = 1e-12;

/// Roundings, of numbers about 1, that an emission and a membrane may differ by where elementary functions are
/// others than torch's.
const ROUNDINGS: f64 = 16.0;

fn same<F: Golden>(case: &NeuronCase, what: &str, got: &[F], want: &[F]) {
    assert_eq!(got.len(), want.len(), "{}: {what}", case.name);
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        let (name, t, i) = (&case.name, at / case.n, at % case.n);
        let equal = got.same(*want);
        assert!(
            equal,
            "{name}: {what} of step {t}, neuron {i}: {got:?}, not {want:?}"
        );
    }
}

fn near<F: Golden>(case: &NeuronCase, what: &str, got: &[F], want: &[F], bound: f64) {
    assert_eq!(got.len(), want.len(), "{}: {what}", case.name);
    for (at, (got, want)) in widen(got).iter().zip(widen(want)).enumerate() {
        let (name, t, i) = (&case.name, at / case.n, at % case.n);
        let small = (got - want).abs() <= bound * (1.0 + want.abs());
        assert!(
            small,
            "{name}: {what} of step {t}, neuron {i}: {got:e}, not {want:e}"
        );
    }
}

/// Calls one of two functions by the case's type, and counts the cases.
fn for_each(f32_case: fn(&NeuronCase), f64_case: fn(&NeuronCase)) {
    let mut names = BTreeSet::new();
    for case in neuron_cases() {
        match &case.dtype[..] {
            "f32" => f32_case(&case),
            "f64" => f64_case(&case),
            other => panic!("{}: unknown type {other}", case.name),
        }
        names.insert(case.name);
    }
    assert_eq!(names.len(), case_list().len());
    println!("{} cases", names.len());
}

#[test]
fn forwards_are_those_of_spikingjelly() {
    for_each(forward::<f32>, forward::<f64>);
}

fn forward<F: Golden>(case: &NeuronCase) {
    match &case.kind {
        Kind::Spiking {
            params,
            exact_forward,
        } => spiking_forward::<F>(case, params, *exact_forward),
        Kind::NonSpiking { tau, decode } => non_spiking_forward::<F>(case, *tau, *decode),
    }
}

fn spiking_forward<F: Golden>(case: &NeuronCase, params: &NeuronParams, exact: bool) {
    let neurons = Neurons::<F>::new(params).unwrap();
    let v_init = case.find::<F>("v_init");
    let got = neurons.forward(case.n, &case.tensor("x_seq"), v_init.as_deref());
    let golden = Sequence {
        h: case.h(),
        spikes: case.tensor("spike_seq"),
        v: case.tensor("v_seq"),
        v_last: case.tensor("v_last"),
    };
    let tensors = [
        ("h", &got.h, &golden.h),
        ("spike_seq", &got.spikes, &golden.spikes),
        ("v_seq", &got.v, &golden.v),
        ("v_last", &got.v_last, &golden.v_last),
    ];
    for (what, got, want) in tensors {
        if exact {
            same(case, what, got, want);
        } else {
            near(case, what, got, want, ROUNDINGS * F::ROUNDING);
        }
    }
}

fn non_spiking_forward<F: Golden>(case: &NeuronCase, tau: f64, decode: Decode) {
    let got = NonSpiking::<F>::new(tau, decode)
        .unwrap()
        .forward(case.n, &case.tensor("x_seq"));
    let want = case.tensor::<F>("output");
    if decode == Decode::MeanMem && case.steps >= 16 {
        // torch sums blocks of 16 steps apart, this project in the order of the steps.
        let bound = case.steps as f64 * F::ROUNDING;
        near(case, "output", &got.output, &want, bound);
    } else {
        same(case, "output", &got.output, &want);
    }
}

/// How many cases of `cases.json` have gradients, of neurons that spike or of others.
fn cases_with_gradients(spiking: bool) -> usize {
    let counts = |case: &Value| {
        let tensors = case["tensors"].as_array().unwrap();
        let has = tensors.iter().any(|tensor| tensor == "grad_x_seq");
        has && (case["model"] != "non-spiking-lif") == spiking
    };
    case_list().into_iter().filter(counts).count()
}

#[test]
fn gradients_of_spiking_neurons_are_those_of_the_oracle_and_of_spikingjelly() {
    let mut cases = 0;
    let mut total = Report::default();
    for case in neuron_cases() {
        if let Kind::Spiking { params, .. } = &case.kind
            && case.has_backward()
        {
            let report = match &case.dtype[..] {
                "f32" => spiking_backward::<f32>(&case, params, (GRAD_BOUND, TORCH_BOUND)),
                _ => spiking_backward::<f64>(&case, params, (GRAD_BOUND_F64, TORCH_BOUND_F64)),
            };
            total.checked += report.checked;
            total.left_out += report.left_out;
            total.worst = total.worst.max(report.worst);
            total.worst_torch = total.worst_torch.max(report.worst_torch);
            cases += 1;
        }
    }
    println!("{cases} cases: {total:?}");
    assert_eq!(cases, cases_with_gradients(true));
    assert!(total.checked > 40_000 && total.left_out <= 32, "{total:?}");
}

/// How far gradients were off.
#[derive(Debug, Default)]
struct Report {
    checked: usize,
    left_out: usize,
    worst: f64,
    worst_torch: f64,
}

impl Report {
    /// Holds a gradient against the oracle's and against torch's.
    fn add(&mut self, at: &str, want: Grad, (got, torch): (f64, f64), bounds: (f64, f64)) {
        self.checked += 1;
        let (error, torch_error) = (want.error(got), want.error(torch));
        self.worst = self.worst.max(error);
        self.worst_torch = self.worst_torch.max(torch_error);
        assert!(error <= bounds.0, "{at}: {got:e}, not {want:?}");
        // Between ours and torch's, in the same measure.
        let apart = (got - torch).abs() / (want.value.abs() + want.size).max(f64::MIN_POSITIVE);
        assert!(apart <= bounds.1, "{at}: {got:e}, torch's {torch:e}");
        assert!(
            torch_error <= bounds.1,
            "{at}: torch's {torch:e}, not {want:?}"
        );
    }
}

fn spiking_backward<F: Golden>(
    case: &NeuronCase,
    params: &NeuronParams,
    bounds: (f64, f64),
) -> Report {
    let n = case.n;
    let neurons = Neurons::<F>::new(params).unwrap();
    let (h, s) = (case.h::<F>(), case.tensor::<F>("spike_seq"));
    let grad_spikes = case.tensor::<F>("grad_spike_seq");
    let grad_v = case.find::<F>("grad_v_seq");
    let grad_v_last = case.find::<F>("grad_v_last");
    let up = Upstream {
        spikes: &grad_spikes,
        v: grad_v.as_deref(),
        v_last: grad_v_last.as_deref(),
    };
    let (got_x, got_v) = neurons.backward(n, &h, &s, up);
    let (got_x, got_v) = (widen(&got_x), widen(&got_v));
    let torch_x = widen(&case.tensor::<F>("grad_x_seq"));
    let torch_v = case.find::<F>("grad_v_init").map(|g| widen(&g));
    assert_eq!(torch_v.is_some(), case.find::<F>("v_init").is_some());

    let lif = oracle::<F>(&params.config);
    let slope = |x| slope(&params.surrogate, params.spiking, x);
    let mut report = Report::default();
    for i in 0..n {
        let column = |g: &[F]| widen(&g.iter().skip(i).step_by(n).copied().collect::<Vec<_>>());
        let trace = Trace {
            h: column(&h),
            s: column(&s),
            grad_s: column(&grad_spikes),
            grad_v: grad_v
                .as_deref()
                .map_or_else(|| vec![0.0; case.steps], column),
            grad_v_last: grad_v_last.as_deref().map_or(0.0, |g| widen(g)[i]),
        };
        let (want_x, want_v) = backward(&lif, params.detach_reset, slope, &trace);
        // A slope counts in the gradients of its step and of all steps before.
        let jump = (0..case.steps)
            .rev()
            .find(|t| beside_a_jump(params, h[t * n + i]));
        let from = jump.map_or(0, |t| t + 1);
        report.left_out += from;
        for t in from..case.steps {
            let at = format!("{}: gradient of step {t}, neuron {i}", case.name);
            let both = (got_x[t * n + i], torch_x[t * n + i]);
            report.add(&at, want_x[t], both, bounds);
        }
        match &torch_v {
            Some(_) if jump.is_some() => report.left_out += 1,
            Some(torch_v) => {
                let at = format!("{}: gradient of v_init, neuron {i}", case.name);
                report.add(&at, want_v, (got_v[i], torch_v[i]), bounds);
            }
            None => assert!(jump.is_some() || want_v.error(got_v[i]) <= bounds.0),
        }
    }
    report
}

/// Whether `h` is within two numbers of a point where the slope jumps.
fn beside_a_jump<F: Golden>(params: &NeuronParams, h: F) -> bool {
    let h = widen(&[h])[0];
    let threshold = widen(&[rounded::<F>(params.config.v_threshold)])[0];
    let near = |jump: f64| {
        let at = threshold + jump;
        // An ulp is at most two roundings of the number; a difference is as exact as what it is of.
        let ulp = 2.0 * F::ROUNDING * h.abs().max(threshold.abs()).max(jump.abs());
        (h - at).abs() <= 2.0 * ulp
    };
    jumps(&params.surrogate, params.spiking)
        .into_iter()
        .any(near)
}

#[test]
fn gradients_of_neurons_that_do_not_spike_are_those_of_the_oracle_and_of_spikingjelly() {
    let mut cases = 0;
    let mut report = Report::default();
    for case in neuron_cases() {
        if let Kind::NonSpiking { tau, decode } = case.kind
            && case.has_backward()
        {
            match &case.dtype[..] {
                "f32" => non_spiking::<f32>(&case, tau, decode, &mut report),
                _ => non_spiking::<f64>(&case, tau, decode, &mut report),
            }
            cases += 1;
        }
    }
    println!("{cases} cases: {report:?}");
    assert_eq!(cases, cases_with_gradients(false));
}

fn non_spiking<F: Golden>(case: &NeuronCase, tau: f64, decode: Decode, report: &mut Report) {
    let neurons = NonSpiking::<F>::new(tau, decode).unwrap();
    let grad = case.tensor::<F>("grad_output");
    let forward = neurons.forward(case.n, &case.tensor("x_seq"));
    let got = widen(&neurons.backward(&forward, &grad));
    let torch = widen(&case.tensor::<F>("grad_x_seq"));
    let tau = widen(&[rounded::<F>(tau)])[0];
    let (v, grad) = (widen(&forward.v), widen(&grad));
    for i in 0..case.n {
        let column: Vec<f64> = v.iter().skip(i).step_by(case.n).copied().collect();
        let grad_v = match decode {
            Decode::None => grad.iter().skip(i).step_by(case.n).copied().collect(),
            _ => spread(decode, &column, grad[i]),
        };
        let want = non_spiking_backward(tau, &grad_v);
        for (t, want) in want.iter().enumerate() {
            let at = format!("{}: gradient of step {t}, neuron {i}", case.name);
            let both = (got[t * case.n + i], torch[t * case.n + i]);
            let bound = 4.0 * F::ROUNDING;
            report.add(&at, *want, both, (bound, 8.0 * bound));
        }
    }
}

/// The gradients on the membranes `v` from the gradient on what `decode` reads out of them.
fn spread(decode: Decode, v: &[f64], grad: f64) -> Vec<f64> {
    let first = |best: f64| v.iter().position(|v| *v == best).unwrap();
    let max = first(v.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    let min = first(v.iter().copied().fold(f64::INFINITY, f64::min));
    let mut spread = vec![0.0; v.len()];
    match decode {
        Decode::MaxMem => spread[max] = grad,
        Decode::MaxAbsMem if v[max].abs() > v[min].abs() => spread[max] = grad,
        Decode::MaxAbsMem => spread[min] = grad,
        Decode::MeanMem => spread = vec![grad / v.len() as f64; v.len()],
        Decode::LastMem => *spread.last_mut().unwrap() = grad,
        other => panic!("{other:?} reads out nothing"),
    }
    spread
}

#[test]
fn every_model_and_decode_has_a_case() {
    let mut seen = BTreeSet::new();
    for case in neuron_cases() {
        seen.insert(match case.kind {
            Kind::Spiking { params, .. } if params.model == Model::Lif => "lif".to_owned(),
            Kind::Spiking { .. } => "simple-lif".to_owned(),
            Kind::NonSpiking { decode, .. } => decode.name().to_owned(),
        });
    }
    assert_eq!(seen.len(), 2 + Decode::ALL.len());
}
