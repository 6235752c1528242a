//! NonSpikingLIF in f32 and f64 against its equation and the definitions of its decodes, drawn at random.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lif_host::cpu::NonSpiking;
use lif_nostd::neuron::Decode;
use lif_tests::golden::{Golden, rounded, widen};
use proptest::prelude::*;

/// What rounding subnormal numbers may change: they are multiples of 2^-149 in f32.
const SUBNORMAL: f64 = 1e-44;

/// Time constant, inputs `[T, n]` and their n.
#[derive(Clone, Debug)]
struct Draw {
    tau: f64,
    n: usize,
    x_seq: Vec<f64>,
}

fn draws(x: impl Strategy<Value = f64> + Clone + 'static) -> impl Strategy<Value = Draw> {
    let taus = prop::sample::select(vec![1.0, 2.0, 0.75, 1.7, 100.0 / 3.0]);
    let tau = prop_oneof![0.6f64..3.0, 1.0f64..100.0, taus];
    (tau, 1usize..40, 1usize..30).prop_flat_map(move |(tau, n, steps)| {
        let x_seq = prop::collection::vec(x.clone(), n * steps);
        x_seq.prop_map(move |x_seq| Draw { tau, n, x_seq })
    })
}

fn finite() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![-4.0f64..6.0, Just(0.0)]
}

fn special() -> impl Strategy<Value = f64> + Clone {
    let specials = vec![f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.0, 1e-45];
    prop_oneof![6 => -3.0f64..6.0, 1 => prop::sample::select(specials)]
}

fn is(got: f64, want: f64) -> bool {
    got == want || got.is_nan() && want.is_nan()
}

/// Membranes, step by step from those before; an infinite one is NaN after the next step.
fn check<F: Golden>(draw: &Draw) -> Result<(), TestCaseError> {
    let x_seq: Vec<F> = draw.x_seq.iter().map(|x| rounded(*x)).collect();
    let neurons = |decode| NonSpiking::<F>::new(draw.tau, decode).unwrap();
    let v_seq = widen(&neurons(Decode::None).forward(draw.n, &x_seq).output);
    let tau = widen(&[rounded::<F>(draw.tau)])[0];
    for (at, x) in widen(&x_seq).into_iter().enumerate() {
        let v = at.checked_sub(draw.n).map_or(0.0, |at| v_seq[at]);
        let (want, got) = (v + (x - v) / tau, v_seq[at]);
        if !v.is_finite() {
            prop_assert!(got.is_nan(), "{} after {}", got, v);
        } else if !x.is_finite() {
            prop_assert!(is(got, x), "{} by {}", got, x);
        } else {
            let bound = 4.0 * F::ROUNDING * (v.abs() + x.abs()) * (1.0 + 1.0 / tau);
            prop_assert!((got - want).abs() <= bound + SUBNORMAL, "{} {}", got, want);
        }
    }
    for decode in Decode::ALL.into_iter().skip(1) {
        let forward = neurons(decode).forward(draw.n, &x_seq);
        prop_assert!(
            widen(&forward.v)
                .iter()
                .zip(&v_seq)
                .all(|(a, b)| is(*a, *b))
        );
        for (i, got) in widen(&forward.output).into_iter().enumerate() {
            let seen: Vec<f64> = v_seq.iter().skip(i).step_by(draw.n).copied().collect();
            let want = read(decode, &seen);
            let size: f64 = seen.iter().map(|v| v.abs()).sum();
            let bound = 2.0 * F::ROUNDING * size + SUBNORMAL;
            let near = decode == Decode::MeanMem && (got - want).abs() <= bound;
            prop_assert!(near || is(got, want), "{:?}: {} {}", decode, got, want);
        }
    }
    Ok(())
}

fn read(decode: Decode, seen: &[f64]) -> f64 {
    let nan = seen.iter().any(|v| v.is_nan());
    let max = seen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let min = seen.iter().copied().fold(f64::INFINITY, f64::min);
    match decode {
        Decode::LastMem => *seen.last().unwrap(),
        _ if nan => f64::NAN,
        Decode::MaxMem => max,
        Decode::MaxAbsMem => {
            let above = max.abs() > min.abs();
            let (taken, other) = if above { (max, min) } else { (min, max) };
            // The one that is not taken is multiplied by 0.
            if other.is_infinite() { f64::NAN } else { taken }
        }
        _ => seen.iter().sum::<f64>() / seen.len() as f64,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn membranes_and_decodes_follow_the_oracle(draw in draws(finite())) {
        check::<f32>(&draw)?;
        check::<f64>(&draw)?;
    }

    #[test]
    fn infinities_and_nan_are_passed_on(draw in draws(special())) {
        check::<f32>(&draw)?;
        check::<f64>(&draw)?;
    }
}
