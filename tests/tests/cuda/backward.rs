//! The backward against the oracle in f64, driven by the f32 forward's membranes and spikes.

use std::sync::Mutex;

use lif_host::cpu::{NeuronParams, Neurons};
use lif_host::cuda::{Gpu, Options, Shape};
use lif_host::surrogate::Surrogate;
use lif_tests::golden::oracle;
use lif_tests::oracle::backward::{Trace, backward};

use super::data::{Incoming, in_parallel, kinds, normal, run};
use super::forward::tunings;

/// Error allowed, as a part of the gradient and of the terms that make it up.
const BOUND: f64 = 1e-5;

/// A layer, a shape, what comes in besides the gradient on the spikes.
#[derive(Clone, Debug)]
struct Case {
    params: NeuronParams,
    shape: Shape,
    options: Options,
    on_membranes: bool,
    seed: u64,
}

/// The largest error of a case.
fn worst(gpu: &Gpu, case: &Case) -> f64 {
    let Case {
        params,
        shape,
        options,
        on_membranes,
        seed,
    } = case;
    let (len, n) = (shape.steps * shape.neurons, shape.neurons);
    let x = normal(*seed, len, 0.6, 1.2);
    let v_init = on_membranes.then(|| normal(seed + 1, n, 0.0, 0.5));
    let incoming = Incoming {
        spikes: normal(seed + 2, len, 0.0, 1.0),
        v: on_membranes.then(|| normal(seed + 3, len, 0.0, 1.0)),
        v_last: on_membranes.then(|| normal(seed + 4, n, 0.0, 1.0)),
    };
    let v_init = v_init.as_deref();
    let (left, grads) = run::<f32>(gpu, params, *shape, *options, (&x, v_init), Some(&incoming));
    let (grad_x, grad_v_init) = grads.unwrap();
    let forward = Neurons::<f32>::new(params).unwrap().forward(n, &x, v_init);
    if params.spiking {
        assert_eq!(left.spikes, forward.spikes, "{case:?}");
    }
    let lif = oracle::<f32>(&params.config);
    let slope = |u: f64| match params.spiking {
        true => params.surrogate.grad(u),
        false => params.surrogate.primitive_grad(u).unwrap(),
    };
    let mut worst: f64 = 0.0;
    for i in 0..n {
        let column = |g: &[f32]| -> Vec<f64> {
            g.iter().skip(i).step_by(n).map(|g| f64::from(*g)).collect()
        };
        let trace = Trace {
            h: column(&forward.h),
            s: column(&forward.spikes),
            grad_s: column(&incoming.spikes),
            grad_v: incoming
                .v
                .as_ref()
                .map_or(vec![0.0; shape.steps], |v| column(v)),
            grad_v_last: incoming.v_last.as_ref().map_or(0.0, |v| v[i].into()),
        };
        let (want_x, want_v) = backward(&lif, params.detach_reset, slope, &trace);
        let got_x = column(&grad_x);
        for (want, got) in want_x
            .iter()
            .zip(got_x)
            .chain([(&want_v, f64::from(grad_v_init[i]))])
        {
            // Below the normal numbers of f32 its own rounding is larger.
            let tiny = (got - want.value).abs() <= 1e-44;
            assert!(!got.is_nan(), "{case:?}: NaN, not {want:?}");
            worst = worst.max(if tiny { 0.0 } else { want.error(got) });
        }
    }
    worst
}

fn check(gpu: &Gpu, cases: &[Case], bound: f64) -> String {
    let most = Mutex::new(0.0f64);
    in_parallel(cases, |case| {
        let error = worst(gpu, case);
        assert!(error <= bound, "error {error:e} of {case:?}");
        let mut most = most.lock().unwrap();
        *most = most.max(error);
    });
    let most = most.into_inner().unwrap();
    format!("{} layers, largest error {most:.1e}", cases.len())
}

/// Every surrogate with its defaults and with other parameters.
fn surrogates() -> Vec<Surrogate> {
    let mut all = Vec::new();
    for surrogate in Surrogate::ALL {
        let mut other = surrogate;
        for (i, name) in surrogate.param_names().iter().enumerate() {
            let value = match *name {
                "n" => 5.0,
                "T_period" => 3.7,
                "max_spike_count" => 4.0,
                "grad_min" => -0.4,
                "grad_max" => 2.5,
                "leak" => 0.2,
                _ => 1.3 + 0.4 * i as f64,
            };
            other.set(name, value).unwrap();
        }
        let set = surrogate.problem().is_none();
        all.extend(set.then_some(surrogate));
        all.push(other);
    }
    all
}

pub(crate) fn all_surrogates(gpu: &Gpu) -> String {
    let mut cases = Vec::new();
    for (i, surrogate) in surrogates().into_iter().enumerate() {
        for side_by_side in [false, true] {
            let params = NeuronParams {
                surrogate,
                ..kinds(2.0)[1]
            };
            let shape = Shape::new(64, 777);
            let tuning = tunings(shape)
                .into_iter()
                .flatten()
                .find(|tuning| tuning.side_by_side == side_by_side);
            cases.push(Case {
                params,
                shape,
                options: Options {
                    tuning,
                    ..Options::default()
                },
                on_membranes: i % 2 == 0,
                seed: 100 * i as u64,
            });
        }
    }
    check(gpu, &cases, BOUND)
}

pub(crate) fn every_option(gpu: &Gpu) -> String {
    let mut cases = Vec::new();
    let surrogates = surrogates();
    for tau in [2.0, 1.7, 100.0 / 3.0, 1e12] {
        for detach_reset in [false, true] {
            for (k, params) in kinds(tau).into_iter().enumerate() {
                for (i, (steps, n)) in [(1, 5), (5, 132), (17, 260), (100, 48)]
                    .into_iter()
                    .enumerate()
                {
                    let shape = Shape::new(steps, n);
                    let tunings = tunings(shape);
                    let number = cases.len();
                    cases.push(Case {
                        params: NeuronParams {
                            detach_reset,
                            surrogate: surrogates[number % surrogates.len()],
                            ..params
                        },
                        shape,
                        options: Options {
                            tuning: tunings[(number / 2 + i) % tunings.len()],
                            v_seq: false,
                            ..Options::default()
                        },
                        on_membranes: (k + i) % 3 != 0,
                        seed: 10 * number as u64,
                    });
                }
            }
        }
    }
    for shape in [Shape::new(1000, 300), Shape::new(333, 40_000)] {
        for number in [0, 1] {
            let options = Options::default();
            let case = cases[number].clone();
            cases.push(Case {
                shape,
                options,
                ..case
            });
        }
    }
    check(gpu, &cases, BOUND)
}

/// With emissions that the four operations make, as exact as with spikes; elsewhere the emissions themselves differ in
/// their last bits.
pub(crate) fn smooth_neurons(gpu: &Gpu) -> String {
    let mut cases = Vec::new();
    for surrogate in surrogates().into_iter().filter(Surrogate::has_primitive) {
        for params in [kinds(2.0)[1], kinds(1.7)[2]] {
            cases.push(Case {
                params: NeuronParams {
                    surrogate,
                    spiking: false,
                    ..params
                },
                shape: Shape::new(5, 400),
                options: Options::default(),
                on_membranes: true,
                seed: cases.len() as u64,
            });
        }
    }
    let (exact, other): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| {
        matches!(
            case.params.surrogate,
            Surrogate::SoftSign { .. }
                | Surrogate::DeterministicPass {}
                | Surrogate::LeakyKRelu { .. }
        )
    });
    let said = check(gpu, &exact, BOUND);
    format!("{said}; {}", check(gpu, &other, 1e-3))
}
