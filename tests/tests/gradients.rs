//! Gradients in f64 against central differences of the smoothed network (`spiking = false`), and with
//! `detach_reset` against differences of one whose reset is held.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lif_host::cpu::{Model, NeuronParams, Neurons, NonSpiking, Upstream};
use lif_host::surrogate::Surrogate;
use lif_nostd::neuron::{Decode, LifConfig};
use lif_tests::golden::oracle;
use lif_tests::oracle::backward::{Grad, Trace, backward};
use lif_tests::oracle::slopes::slope;
use proptest::prelude::*;

/// Distance between the points of a difference.
const STEP: f64 = 1e-5;

/// Error allowed between a gradient and a difference, relative to the largest of both and 1.
const BOUND: f64 = 1e-6;

/// Error allowed between a gradient and the oracle's, relative to the terms that make it up and 1.
const ORACLE_BOUND: f64 = 1e-11;

/// Nearer to the threshold, the slope of some surrogates bends too sharply for differences.
const BEND: f64 = 1e-3;

/// A layer, its inputs, and the gradients that come in; `[T, n]` each but the last two of a pair, `[n]`.
#[derive(Clone, Debug)]
struct Draw {
    params: NeuronParams,
    n: usize,
    x_seq: Vec<f64>,
    v_init: Vec<f64>,
    grad_s: Vec<f64>,
    grad_v: Vec<f64>,
    grad_v_last: Vec<f64>,
}

fn surrogates() -> impl Strategy<Value = Surrogate> {
    (0..7, 0.5f64..4.0).prop_map(|(which, alpha)| match which {
        0 => Surrogate::Sigmoid { alpha },
        1 => Surrogate::Atan { alpha },
        2 => Surrogate::SoftSign { alpha },
        3 => Surrogate::Erf { alpha },
        4 => Surrogate::PiecewiseExp { alpha },
        5 => Surrogate::QPseudoSpike { alpha: 1.0 + alpha },
        _ => Surrogate::SquarewaveFourierSeries {
            n: 3,
            t_period: 2.0 + alpha,
        },
    })
}

fn params() -> impl Strategy<Value = NeuronParams> {
    let tau = prop_oneof![1.1f64..4.0, Just(2.0), Just(100.0 / 3.0)];
    let reset = prop_oneof![Just(0.0), -0.5f64..0.5];
    let parts = (tau, 0.3f64..1.5, reset, 0..3, any::<bool>());
    (parts, surrogates()).prop_map(
        |((tau, v_threshold, v_reset, kind, decay_input), surrogate)| {
            let mut config = LifConfig::new(tau)
                .v_threshold(v_threshold)
                .v_reset(v_reset)
                .decay_input(decay_input);
            if kind == 1 {
                config = config.soft_reset();
            }
            NeuronParams {
                model: if kind == 2 {
                    Model::SimpleLif
                } else {
                    Model::Lif
                },
                config,
                detach_reset: false,
                surrogate,
                spiking: false,
            }
        },
    )
}

fn draws() -> impl Strategy<Value = Draw> {
    (params(), 1usize..4, 1usize..6).prop_flat_map(|(params, n, steps)| {
        let numbers = |count| prop::collection::vec(-1.0f64..2.0, count);
        let (seq, row) = (n * steps, n);
        let inputs = (numbers(seq), numbers(row));
        let grads = (numbers(seq), numbers(seq), numbers(row));
        (inputs, grads).prop_map(
            move |((x_seq, v_init), (grad_s, grad_v, grad_v_last))| Draw {
                params,
                n,
                x_seq,
                v_init,
                grad_s,
                grad_v,
                grad_v_last,
            },
        )
    })
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The slope of `loss` along each of the numbers in `at`: central differences of fourth order, because a chain of
/// steep emissions has large third derivatives.
fn differences(at: &[f64], loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let slope = |i: usize| {
        let moved = |by: f64| {
            let mut moved = at.to_vec();
            moved[i] += by;
            loss(&moved)
        };
        let [narrow, wide] = [STEP, 2.0 * STEP].map(|by| moved(by) - moved(-by));
        (8.0 * narrow - wide) / (12.0 * STEP)
    };
    (0..at.len()).map(slope).collect()
}

fn check(what: &str, got: &[f64], want: &[f64]) -> Result<(), TestCaseError> {
    prop_assert_eq!(got.len(), want.len());
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        let size = got.abs().max(want.abs()).max(1.0);
        let near = (got - want).abs() <= BOUND * size;
        prop_assert!(near, "{} at {}: {}, not {}", what, at, got, want);
    }
    Ok(())
}

fn is_near(got: f64, want: &Grad) -> bool {
    (got - want.value).abs() <= ORACLE_BOUND * (1.0 + want.size)
}

impl Draw {
    /// Whether the slope of what is emitted is smooth about every membrane of the forward from `v_init`.
    fn is_smooth(&self, v_init: Option<&[f64]>) -> bool {
        let bends = matches!(
            self.params.surrogate,
            Surrogate::SoftSign { .. }
                | Surrogate::PiecewiseExp { .. }
                | Surrogate::QPseudoSpike { .. }
        );
        let forward = self.neurons().forward(self.n, &self.x_seq, v_init);
        let away = |h: &f64| (h - self.params.config.v_threshold).abs() > BEND;
        !bends || forward.h.iter().all(away)
    }

    fn neurons(&self) -> Neurons<f64> {
        Neurons::new(&self.params).unwrap()
    }

    /// What the incoming gradients are those of.
    fn loss(&self, s: &[f64], v: &[f64]) -> f64 {
        let last = &v[v.len() - self.n..];
        dot(s, &self.grad_s) + dot(v, &self.grad_v) + dot(last, &self.grad_v_last)
    }

    fn gradients(&self, detach_reset: bool) -> (Vec<f64>, Vec<f64>) {
        let params = NeuronParams {
            detach_reset,
            ..self.params
        };
        let neurons = Neurons::<f64>::new(&params).unwrap();
        let out = neurons.forward(self.n, &self.x_seq, Some(&self.v_init));
        let up = Upstream {
            spikes: &self.grad_s,
            v: Some(&self.grad_v),
            v_last: Some(&self.grad_v_last),
        };
        neurons.backward(self.n, &out.h, &out.spikes, up)
    }

    /// The smoothed network by its equations: emissions and membranes. The reset is by `held`, if given, instead
    /// of by what is emitted.
    fn run(&self, x_seq: &[f64], v_init: &[f64], held: Option<&[f64]>) -> (Vec<f64>, Vec<f64>) {
        let lif = oracle::<f64>(&self.params.config);
        let (mut emitted, mut membranes) = (Vec::new(), Vec::new());
        for (at, x) in x_seq.iter().enumerate() {
            let before = at.checked_sub(self.n).map(|at| membranes[at]);
            let (h, _, _) = lif.step(before.unwrap_or_else(|| v_init[at]), *x);
            let s = self.params.surrogate.primitive(h - lif.v_threshold);
            let s: f64 = s.unwrap();
            let by = held.map_or(s, |held| held[at]);
            membranes.push(match lif.v_reset {
                Some(r) => by * r + (1.0 - by) * h,
                None => h - by * lif.v_threshold,
            });
            emitted.push(s);
        }
        (emitted, membranes)
    }

    /// The oracle's gradients, and the errors of these.
    fn check_oracle(&self, detach: bool, got: &(Vec<f64>, Vec<f64>)) -> Result<(), TestCaseError> {
        let lif = oracle::<f64>(&self.params.config);
        let forward = self
            .neurons()
            .forward(self.n, &self.x_seq, Some(&self.v_init));
        for i in 0..self.n {
            let column = |g: &[f64]| g.iter().skip(i).step_by(self.n).copied().collect();
            let trace = Trace {
                h: column(&forward.h),
                s: column(&forward.spikes),
                grad_s: column(&self.grad_s),
                grad_v: column(&self.grad_v),
                grad_v_last: self.grad_v_last[i],
            };
            let slope = |x| slope(&self.params.surrogate, false, x);
            let (want_x, want_v) = backward(&lif, detach, slope, &trace);
            let got_x: Vec<f64> = column(&got.0);
            prop_assert_eq!(got_x.len(), want_x.len());
            for (got, want) in got_x.iter().zip(&want_x) {
                prop_assert!(is_near(*got, want), "{} {:?}", got, want);
            }
            prop_assert!(is_near(got.1[i], &want_v), "{} {:?}", got.1[i], want_v);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// On the spikes, the membranes and the last membrane at once.
    #[test]
    fn gradients_are_the_slopes_of_the_smoothed_network(draw in draws()) {
        prop_assume!(draw.is_smooth(Some(&draw.v_init)));
        let (grad_x, grad_v_init) = draw.gradients(false);
        let neurons = draw.neurons();
        let loss = |x_seq: &[f64], v_init: &[f64]| {
            let out = neurons.forward(draw.n, x_seq, Some(v_init));
            draw.loss(&out.spikes, &out.v)
        };
        let along_x = differences(&draw.x_seq, |x_seq| loss(x_seq, &draw.v_init));
        let along_v = differences(&draw.v_init, |v_init| loss(&draw.x_seq, v_init));
        check("x_seq", &grad_x, &along_x)?;
        check("v_init", &grad_v_init, &along_v)?;
        draw.check_oracle(false, &(grad_x, grad_v_init))?;
    }

    /// From the model's own initial membrane, and with no gradient on the membranes.
    #[test]
    fn gradients_on_the_spikes_alone_are_the_slopes_of_the_smoothed_network(draw in draws()) {
        prop_assume!(draw.is_smooth(None));
        let neurons = draw.neurons();
        let forward = |x_seq: &[f64]| neurons.forward(draw.n, x_seq, None);
        let out = forward(&draw.x_seq);
        let up = Upstream { spikes: &draw.grad_s, v: None, v_last: None };
        let (grad_x, _) = neurons.backward(draw.n, &out.h, &out.spikes, up);
        let along = differences(&draw.x_seq, |x_seq| dot(&forward(x_seq).spikes, &draw.grad_s));
        check("x_seq", &grad_x, &along)?;
    }

    /// Without the way through the reset, gradients are the slopes of a network that resets by what was emitted
    /// before anything moved.
    #[test]
    fn detached_gradients_are_the_slopes_with_the_reset_held(draw in draws()) {
        prop_assume!(draw.is_smooth(Some(&draw.v_init)));
        let (grad_x, grad_v_init) = draw.gradients(true);
        let (held, _) = draw.run(&draw.x_seq, &draw.v_init, None);
        let loss = |x_seq: &[f64], v_init: &[f64]| {
            let (s, v) = draw.run(x_seq, v_init, Some(&held));
            draw.loss(&s, &v)
        };
        let along_x = differences(&draw.x_seq, |x_seq| loss(x_seq, &draw.v_init));
        let along_v = differences(&draw.v_init, |v_init| loss(&draw.x_seq, v_init));
        check("x_seq", &grad_x, &along_x)?;
        check("v_init", &grad_v_init, &along_v)?;
        draw.check_oracle(true, &(grad_x, grad_v_init))?;
    }

    /// The smoothed forward follows its equations.
    #[test]
    fn smoothed_neurons_follow_the_oracle(draw in draws()) {
        let (s, v) = draw.run(&draw.x_seq, &draw.v_init, None);
        let out = draw.neurons().forward(draw.n, &draw.x_seq, Some(&draw.v_init));
        let got = out.spikes.iter().chain(&out.v).chain(&out.v_last);
        let want = s.iter().chain(&v).chain(&v[v.len() - draw.n..]);
        for (got, want) in got.zip(want) {
            prop_assert!((got - want).abs() <= 1e-12 * (1.0 + want.abs()), "{} {}", got, want);
        }
    }

    #[test]
    fn gradients_of_decodes_are_their_slopes(
        tau in prop_oneof![0.7f64..4.0, Just(2.0)],
        n in 1usize..4,
        steps in 1usize..7,
        x in prop::collection::vec(-2.0f64..2.0, 18),
        grad in prop::collection::vec(-1.0f64..2.0, 18),
    ) {
        let x_seq = &x[..n * steps];
        for decode in Decode::ALL {
            let neurons = NonSpiking::<f64>::new(tau, decode).unwrap();
            let out = neurons.forward(n, x_seq);
            // Where two steps compete for the maximum there is no slope.
            let sizes = |i: usize| out.v.iter().skip(i).step_by(n);
            let close = |a: &f64, b: &f64| (a.abs() - b.abs()).abs() < 1e-3;
            let ties = (0..n).any(|i| {
                let pairs = sizes(i).enumerate();
                pairs.clone().any(|(t, a)| pairs.clone().any(|(u, b)| t < u && close(a, b)))
            });
            if ties && matches!(decode, Decode::MaxMem | Decode::MaxAbsMem) {
                continue;
            }
            let grad = &grad[..out.output.len()];
            let along = differences(x_seq, |x_seq| dot(&neurons.forward(n, x_seq).output, grad));
            check(decode.name(), &neurons.backward(&out, grad), &along)?;
        }
    }
}
