//! Neurons in f32 and f64, on the CPU backend and as a device runs them, against the f64 oracle, drawn at random.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lif_host::cpu::{Model, NeuronParams, Neurons, Sequence};
use lif_host::surrogate::Surrogate;
use lif_nostd::neuron::LifConfig;
use lif_tests::golden::{Golden, oracle, rounded, widen};
use lif_tests::population::{Run, assert_calls_do_not_matter, run_slices};
use proptest::prelude::*;

const N: usize = 35;

/// A layer and its inputs, `[T, N]`, of which the first `n` columns may be used.
#[derive(Clone, Debug)]
struct Draw {
    model: Model,
    config: LifConfig,
    n: usize,
    v_init: Option<Vec<f64>>,
    x_seq: Vec<f64>,
    cut: usize,
}

fn configs() -> impl Strategy<Value = (Model, LifConfig)> {
    let common = (
        -2.0f64..4.0,
        prop_oneof![Just(0.0), -2.0f64..2.0],
        any::<bool>(),
    );
    let taus = prop::sample::select(vec![2.0, 4.0, 100.0 / 3.0, 1.7, 1e6]);
    let lif_tau = prop_oneof![1.001f64..3.0, 1.5f64..100.0, taus];
    (any::<bool>(), any::<bool>(), lif_tau, 0.6f64..1.0, common).prop_map(
        |(simple, soft, tau, short, (v_threshold, v_reset, decay_input))| {
            let model = if simple { Model::SimpleLif } else { Model::Lif };
            let mut config = LifConfig::new(tau)
                .v_threshold(v_threshold)
                .v_reset(v_reset)
                .decay_input(decay_input);
            if soft && simple {
                config.tau = short;
            } else if soft {
                config.v_reset = None;
            }
            (model, config)
        },
    )
}

fn draws(x: impl Strategy<Value = f64> + Clone + 'static) -> impl Strategy<Value = Draw> {
    (configs(), 1..=N, 1usize..20).prop_flat_map(move |((model, config), n, steps)| {
        let v_init = prop::option::of(prop::collection::vec(x.clone(), N));
        let x_seq = prop::collection::vec(x.clone(), N * steps);
        (v_init, x_seq, 0..=steps).prop_map(move |(v_init, x_seq, cut)| Draw {
            model,
            config,
            n,
            v_init,
            x_seq,
            cut,
        })
    })
}

fn layer<F: Golden>(draw: &Draw) -> Neurons<F> {
    let params = NeuronParams {
        model: draw.model,
        config: draw.config,
        detach_reset: false,
        surrogate: Surrogate::default(),
        spiking: true,
    };
    Neurons::new(&params).unwrap()
}

fn held<F: Golden>(numbers: &[f64]) -> Vec<F> {
    numbers.iter().map(|x| rounded(*x)).collect()
}

/// The CPU backend's forward of the first `n` neurons, which must be what a device computes.
fn forward<F: Golden>(draw: &Draw) -> Result<(Vec<F>, Sequence<F>), TestCaseError> {
    let steps = draw.x_seq.len() / N;
    let x_seq = held::<F>(&draw.x_seq[..draw.n * steps]);
    let v_init = draw.v_init.as_ref().map(|v| held::<F>(&v[..draw.n]));
    let out = layer::<F>(draw).forward(draw.n, &x_seq, v_init.as_deref());
    let device: Run<F> = match draw.model {
        Model::Lif => {
            let neuron = draw.config.lif().unwrap();
            run_slices(&neuron, draw.n, &x_seq, v_init.as_deref())
        }
        Model::SimpleLif => {
            let neuron = draw.config.simple_lif().unwrap();
            run_slices(&neuron, draw.n, &x_seq, v_init.as_deref())
        }
    };
    for (at, (got, want)) in out.v.iter().zip(&device.v).enumerate() {
        prop_assert!(got.same(*want), "{:?}, on a device {:?}", got, want);
        let spike = rounded::<F>(f64::from(u8::from(device.spikes[at])));
        prop_assert!(out.spikes[at].same(spike));
    }
    for (last, v) in out.v_last.iter().zip(&out.v[out.v.len() - draw.n..]) {
        prop_assert!(last.same(*v));
    }
    Ok((x_seq, out))
}

/// Membrane of neuron `i` before the first step.
fn start<F: Golden>(draw: &Draw, i: usize) -> f64 {
    let given = draw.v_init.as_ref().map(|v| v[i]);
    let own = match draw.model {
        Model::Lif => draw.config.v_reset.unwrap_or(0.0),
        Model::SimpleLif => 0.0,
    };
    widen(&[rounded::<F>(given.unwrap_or(own))])[0]
}

/// Runs the oracle from the start, with a bound on how far roundings can have led from it.
fn check_follows<F: Golden>(draw: &Draw) -> Result<(), TestCaseError> {
    let (x_seq, out) = forward::<F>(draw)?;
    let lif = oracle::<F>(&draw.config);
    let r = lif.v_reset.unwrap_or(0.0);
    for i in 0..draw.n {
        let (mut v, mut bound) = (start::<F>(draw, i), 0.0);
        for at in (i..x_seq.len()).step_by(draw.n) {
            let x = widen(&x_seq)[at];
            let (h, spike, after) = lif.step(v, x);
            let size = v.abs() + x.abs() + r.abs() + h.abs();
            let part = 1.0 / lif.tau;
            bound = bound * (1.0 - part).abs() + 6.0 * F::ROUNDING * size * (1.0 + part);
            let got = widen(&[out.h[at], out.spikes[at], out.v[at]]);
            prop_assert!((got[0] - h).abs() <= bound, "h {} {}", got[0], h);
            if (h - lif.v_threshold).abs() <= bound {
                break;
            }
            prop_assert_eq!(got[1], f64::from(u8::from(spike)));
            if spike && lif.v_reset.is_some() {
                bound = 0.0;
            }
            bound += F::ROUNDING * after.abs();
            prop_assert!((got[2] - after).abs() <= bound, "v {} {}", got[2], after);
            v = after;
        }
    }
    Ok(())
}

/// What each step does to infinities and NaN: the table of `docs/dynamics.md`, section 2.
fn check_special<F: Golden>(draw: &Draw) -> Result<(), TestCaseError> {
    let (x_seq, out) = forward::<F>(draw)?;
    let lif = oracle::<F>(&draw.config);
    let [x_seq, h_seq, v_seq, spikes] =
        [&x_seq, &out.h, &out.v, &out.spikes].map(|sequence| widen(sequence));
    for at in 0..x_seq.len() {
        let before = at.checked_sub(draw.n).map(|at| v_seq[at]);
        let v = before.unwrap_or_else(|| start::<F>(draw, at % draw.n));
        let (x, h, after) = (x_seq[at], h_seq[at], v_seq[at]);
        if !v.is_finite() || x.is_nan() {
            prop_assert!(h.is_nan(), "{} from {} and {}", h, v, x);
        } else if x.is_infinite() {
            prop_assert_eq!(h, x);
        } else {
            prop_assert!(h.is_finite());
        }
        let fires = h >= lif.v_threshold;
        prop_assert_eq!(spikes[at], f64::from(u8::from(fires)));
        let hard = lif.v_reset.is_some();
        if h.is_nan() || h == f64::INFINITY && hard {
            prop_assert!(after.is_nan(), "{} after {}", after, h);
        } else if h.is_infinite() {
            prop_assert_eq!(after, h);
        } else {
            prop_assert!(after.is_finite());
        }
    }
    Ok(())
}

/// Step by step, an input that leads h to the threshold, just below it, just above it, or anywhere.
#[derive(Clone, Copy, Debug)]
enum Aim {
    At,
    Below,
    Above,
    Input(f64),
}

/// Small multiples of 1/16, with which every operation is exact in f32: no rounding can hide a spike.
fn check_exact<F: Golden>(draw: &Draw, aims: &[Aim]) -> Result<(), TestCaseError> {
    let lif = oracle::<F>(&draw.config);
    let r = lif.v_reset.unwrap_or(0.0);
    let mut v = start::<F>(draw, 0);
    let mut x_seq = Vec::new();
    let mut want = Vec::new();
    for aim in aims {
        let towards = |h: f64| match lif.decay_input {
            true => (h - v) * lif.tau + (v - r),
            false => h - v + (v - r) / lif.tau,
        };
        let x = match aim {
            Aim::At => towards(lif.v_threshold),
            Aim::Below => towards(lif.v_threshold - 1.0 / 64.0),
            Aim::Above => towards(lif.v_threshold + 1.0 / 64.0),
            Aim::Input(x) => *x,
        };
        prop_assert_eq!(f64::from(x as f32), x);
        let (h, spike, after) = lif.step(v, x);
        let aimed = match aim {
            Aim::At => h == lif.v_threshold && spike,
            Aim::Below => h < lif.v_threshold && !spike,
            Aim::Above => h > lif.v_threshold && spike,
            Aim::Input(_) => true,
        };
        prop_assert!(aimed, "{:?} missed: {}", aim, h);
        x_seq.push(x);
        want.push((h, f64::from(u8::from(spike)), after));
        v = after;
    }
    let draw = Draw {
        n: 1,
        x_seq: x_seq.repeat(N),
        ..draw.clone()
    };
    let (_, out) = forward::<F>(&draw)?;
    let [h, s, v] = [&out.h, &out.spikes, &out.v].map(|sequence| widen(sequence));
    for (t, want) in want.into_iter().enumerate() {
        prop_assert_eq!((h[t], s[t], v[t]), want);
    }
    Ok(())
}

fn exact_draws() -> impl Strategy<Value = (Draw, Vec<Aim>)> {
    let sixteenths = || (-32i32..=32).prop_map(|x| f64::from(x) / 16.0);
    let aim = prop_oneof![
        3 => Just(Aim::At),
        1 => Just(Aim::Below),
        1 => Just(Aim::Above),
        2 => sixteenths().prop_map(Aim::Input),
    ];
    let tau = prop::sample::select(vec![2.0, 2.0, 4.0]);
    let reset = prop::option::of(sixteenths());
    let parts = (
        tau,
        sixteenths(),
        reset,
        any::<[bool; 2]>(),
        prop::option::of(sixteenths()),
    );
    (parts, prop::collection::vec(aim, 1..6)).prop_map(
        |((tau, v_threshold, v_reset, [decay_input, simple], v_init), aims)| {
            let simple = simple && v_reset.is_some();
            let mut config = LifConfig::new(tau)
                .v_threshold(v_threshold)
                .decay_input(decay_input);
            config.v_reset = v_reset;
            let draw = Draw {
                model: if simple { Model::SimpleLif } else { Model::Lif },
                config,
                n: 1,
                v_init: v_init.map(|v| vec![v; N]),
                x_seq: Vec::new(),
                cut: 0,
            };
            (draw, aims)
        },
    )
}

/// The calls do not matter to a device, nor to the CPU backend.
fn check_calls<F: Golden>(draw: &Draw) -> Result<(), TestCaseError> {
    let x_seq = held::<F>(&draw.x_seq);
    let v_init = draw.v_init.as_ref().map(|v| held::<F>(v));
    let array = v_init.as_ref().map(|v| v[..].try_into().unwrap());
    match draw.model {
        Model::Lif => {
            let neuron = draw.config.lif::<F>().unwrap();
            assert_calls_do_not_matter::<_, N>(neuron, &x_seq, array, draw.cut);
        }
        Model::SimpleLif => {
            let neuron = draw.config.simple_lif::<F>().unwrap();
            assert_calls_do_not_matter::<_, N>(neuron, &x_seq, array, draw.cut);
        }
    }
    let neurons = layer::<F>(draw);
    let whole = neurons.forward(N, &x_seq, v_init.as_deref());
    let (first, rest) = x_seq.split_at(draw.cut * N);
    let first = neurons.forward(N, first, v_init.as_deref());
    let from = (draw.cut > 0)
        .then_some(&first.v_last[..])
        .or(v_init.as_deref());
    let rest = neurons.forward(N, rest, from);
    prop_assert_eq!([first.h, rest.h].concat(), whole.h);
    prop_assert_eq!([first.spikes, rest.spikes].concat(), whole.spikes);
    prop_assert_eq!([first.v, rest.v].concat(), whole.v);
    prop_assert_eq!(rest.v_last, whole.v_last);
    Ok(())
}

fn finite() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![3 => -4.0f64..6.0, 1 => -0.1f64..0.1, 1 => Just(0.0)]
}

fn special() -> impl Strategy<Value = f64> + Clone {
    let specials = vec![f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.0, 1e-45];
    prop_oneof![6 => -3.0f64..6.0, 1 => prop::sample::select(specials)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn neurons_follow_the_oracle(draw in draws(finite())) {
        check_follows::<f32>(&draw)?;
        check_follows::<f64>(&draw)?;
    }

    #[test]
    fn infinities_and_nan_do_what_the_table_says(draw in draws(special())) {
        check_special::<f32>(&draw)?;
        check_special::<f64>(&draw)?;
    }

    #[test]
    fn calls_do_not_matter(draw in draws(finite())) {
        check_calls::<f32>(&draw)?;
        check_calls::<f64>(&draw)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn a_neuron_fires_at_the_threshold_and_not_below((draw, aims) in exact_draws()) {
        check_exact::<f32>(&draw, &aims)?;
        check_exact::<f64>(&draw, &aims)?;
    }
}
