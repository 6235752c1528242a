//! Neurons of every fixed-point type against the i128 oracle, bit for bit, drawn from the whole range of the type.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::identity;

use fixed::types::{I0F16, I1F15, I1F31, I8F8, I16F16, I32F0};
use lif_nostd::neuron::{ConfigError, Decode, LifConfig, NonSpikingLifNode, Readout, Spiking};
use lif_nostd::scalar::Scalar;
use lif_tests::oracle::fixed::FixedNeuron;
use lif_tests::population::{assert_calls_do_not_matter, run_slices};
use proptest::prelude::*;

/// A fixed-point type as its raw integer.
trait Raw: Scalar + 'static {
    const BITS: u32;
    const FRACTION: i32;
    fn raw(self) -> i128;
    fn from_raw(raw: i128) -> Self;
}

macro_rules! raw {
    ($($t:ty, $bits:literal, $fraction:literal, $to:expr, $from:expr;)*) => {$(
        impl Raw for $t {
            const BITS: u32 = $bits;
            const FRACTION: i32 = $fraction;

            fn raw(self) -> i128 {
                i128::from($to(self))
            }

            fn from_raw(raw: i128) -> Self {
                $from(raw.try_into().unwrap())
            }
        }
    )*};
}

raw! {
    i16, 16, 0, identity, identity;
    i32, 32, 0, identity, identity;
    I1F15, 16, 15, I1F15::to_bits, I1F15::from_bits;
    I8F8, 16, 8, I8F8::to_bits, I8F8::from_bits;
    I0F16, 16, 16, I0F16::to_bits, I0F16::from_bits;
    I16F16, 32, 16, I16F16::to_bits, I16F16::from_bits;
    I32F0, 32, 0, I32F0::to_bits, I32F0::from_bits;
    I1F31, 32, 31, I1F31::to_bits, I1F31::from_bits;
}

fn range<S: Raw>() -> (i64, i64) {
    let half = 1 << (S::BITS - 1);
    (-half, half - 1)
}

/// A raw integer anywhere in the range, at its ends, or near 0.
fn raw<S: Raw>() -> impl Strategy<Value = i128> {
    let (min, max) = range::<S>();
    let edges = prop::sample::select(vec![min, min + 1, -1, 0, 1, max - 1, max]);
    prop_oneof![4 => min..=max, 1 => edges, 2 => -300i64..300].prop_map(i128::from)
}

/// What a raw integer stands for.
fn value<S: Raw>(raw: i128) -> f64 {
    raw as f64 * 2f64.powi(-S::FRACTION)
}

const N: usize = 37;

#[derive(Clone, Debug)]
struct Draw {
    neuron: FixedNeuron,
    n: usize,
    v_init: Vec<i128>,
    x_seq: Vec<i128>,
    cut: usize,
}

fn draws<S: Raw>() -> impl Strategy<Value = Draw> {
    let tau = prop_oneof![
        1.000_001f64..3.0,
        1.1f64..1000.0,
        prop::sample::select(vec![
            2.0,
            4.0,
            100.0 / 3.0,
            131_072.0,
            131_071.0,
            1e12,
            f64::INFINITY
        ]),
    ];
    let shape = (1..=N, 1usize..8);
    let neuron = (tau, raw::<S>(), prop::option::of(raw::<S>()), any::<bool>());
    (neuron, shape).prop_flat_map(|((tau, v_threshold, v_reset, decay_input), (n, steps))| {
        let neuron = FixedNeuron {
            bits: S::BITS,
            tau,
            v_threshold,
            v_reset,
            decay_input,
        };
        let v_init = prop::collection::vec(raw::<S>(), N);
        let x_seq = prop::collection::vec(raw::<S>(), N * steps);
        (v_init, x_seq, 0..=steps).prop_map(move |(v_init, x_seq, cut)| Draw {
            neuron,
            n,
            v_init,
            x_seq,
            cut,
        })
    })
}

impl Draw {
    fn config<S: Raw>(&self) -> LifConfig {
        let mut config = LifConfig::new(self.neuron.tau)
            .v_threshold(value::<S>(self.neuron.v_threshold))
            .decay_input(self.neuron.decay_input);
        config.v_reset = self.neuron.v_reset.map(value::<S>);
        config
    }
}

fn held<S: Raw>(raws: &[i128]) -> Vec<S> {
    raws.iter().map(|raw| S::from_raw(*raw)).collect()
}

/// `neuron` from the draw's membranes, and from the model's own `start`.
fn check_spiking<S: Raw, M: Spiking<Scalar = S> + Copy>(
    draw: &Draw,
    neuron: M,
    start: i128,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(neuron.v_init().raw(), start);
    let steps = draw.x_seq.len() / N;
    let x_seq = held::<S>(&draw.x_seq[..draw.n * steps]);
    let v_init = held::<S>(&draw.v_init[..draw.n]);
    for v_init in [Some(&v_init[..]), None] {
        let run = run_slices(&neuron, draw.n, &x_seq, v_init);
        for i in 0..draw.n {
            let mut v = v_init.map_or(start, |v| v[i].raw());
            for t in 0..steps {
                let at = t * draw.n + i;
                let spike;
                (spike, v) = draw.neuron.step(v, x_seq[at].raw());
                prop_assert_eq!(run.spikes[at], spike, "spike of step {}", t);
                prop_assert_eq!(run.v[at].raw(), v, "membrane of step {}", t);
            }
        }
    }
    let x_seq = held::<S>(&draw.x_seq);
    let v_init: [S; N] = held(&draw.v_init).try_into().unwrap();
    assert_calls_do_not_matter::<M, N>(neuron, &x_seq, None, draw.cut);
    assert_calls_do_not_matter(neuron, &x_seq, Some(&v_init), draw.cut);
    Ok(())
}

fn check_lif<S: Raw>(draw: &Draw) -> Result<(), TestCaseError> {
    let lif = draw.config::<S>().lif::<S>().unwrap();
    check_spiking(draw, lif, draw.neuron.v_reset.unwrap_or(0))
}

fn check_simple_lif<S: Raw>(draw: &Draw) -> Result<(), TestCaseError> {
    let config = draw.config::<S>();
    let made = config.simple_lif::<S>();
    if draw.neuron.v_reset.is_none() {
        prop_assert_eq!(made.err(), Some(ConfigError::SoftReset));
        return Ok(());
    }
    check_spiking(draw, made.unwrap(), 0)
}

fn check_non_spiking<S: Raw>(draw: &Draw) -> Result<(), TestCaseError> {
    // A leak towards 0 that divides its input.
    let oracle = FixedNeuron {
        v_reset: None,
        decay_input: true,
        ..draw.neuron
    };
    let mut node = NonSpikingLifNode::<S, N>::new(oracle.tau).unwrap();
    for _ in 0..2 {
        let mut readouts = [Readout::new(); N];
        let mut seen = vec![Vec::new(); N];
        let mut v = [0; N];
        for x in held::<S>(&draw.x_seq).as_chunks::<N>().0 {
            let got = node.step(x);
            for i in 0..N {
                v[i] = oracle.charge(v[i], x[i].raw());
                prop_assert_eq!(got[i].raw(), v[i]);
                seen[i].push(v[i]);
                readouts[i].push(got[i]);
            }
        }
        for (readout, seen) in readouts.iter().zip(&seen) {
            for decode in Decode::ALL {
                let want = read(decode, seen);
                prop_assert_eq!(
                    readout.read(decode).raw(),
                    want,
                    "{:?} of {:?}",
                    decode,
                    seen
                );
            }
            let max = readout.max();
            prop_assert_eq!(
                seen.iter().position(|v| *v == max.0.raw()),
                Some(max.1 as usize)
            );
        }
        node.reset();
        prop_assert!(node.v().iter().all(|v| v.raw() == 0));
    }
    Ok(())
}

fn read(decode: Decode, seen: &[i128]) -> i128 {
    let (max, min) = (*seen.iter().max().unwrap(), *seen.iter().min().unwrap());
    match decode {
        Decode::MaxMem => max,
        Decode::MaxAbsMem if max.abs() > min.abs() => max,
        Decode::MaxAbsMem => min,
        Decode::MeanMem => seen.iter().sum::<i128>().div_euclid(seen.len() as i128),
        _ => *seen.last().unwrap(),
    }
}

/// A parameter of `halves` halves of a unit: the nearest raw integer, ties to even, or an error.
fn check_parameter<S: Raw>(halves: i64) -> Result<(), TestCaseError> {
    let (min, max) = range::<S>();
    let floor = halves.div_euclid(2);
    let nearest = floor + i64::from(halves.rem_euclid(2) == 1 && floor % 2 != 0);
    let fits = (min..=max).contains(&nearest);
    let value = halves as f64 / 2.0 * 2f64.powi(-S::FRACTION);
    let range = |name| Some(ConfigError::Range { name, value });
    let base = LifConfig::new(2.0).v_threshold(0.0);

    let threshold = base.v_threshold(value);
    let reset = base.v_reset(value);
    let (lif, simple) = (threshold.lif::<S>(), threshold.simple_lif::<S>());
    if fits {
        prop_assert_eq!(lif.unwrap().v_threshold.raw(), i128::from(nearest));
        let constants = *simple.unwrap().constants();
        prop_assert_eq!(constants.v_threshold.raw(), i128::from(nearest));
        let held = reset.lif::<S>().unwrap().v_reset.unwrap();
        prop_assert_eq!(held.raw(), i128::from(nearest));
        prop_assert_eq!(S::from_f64(held.to_f64()), Some(held));
    } else {
        prop_assert_eq!(lif.err(), range("v_threshold"));
        prop_assert_eq!(simple.err(), range("v_threshold"));
        prop_assert_eq!(reset.lif::<S>().err(), range("v_reset"));
        prop_assert_eq!(reset.simple_lif::<S>().err(), range("v_reset"));
    }
    Ok(())
}

/// What no fixed-point type holds.
fn check_refusals<S: Raw>() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        assert_eq!(S::from_f64(bad), None);
        assert!(LifConfig::new(2.0).v_threshold(bad).lif::<S>().is_err());
    }
    let at = |tau| LifConfig::new(tau).v_threshold(0.0);
    for bad in [f64::NAN, 0.0, -2.0, 0.999, f64::NEG_INFINITY] {
        assert!(matches!(at(bad).lif::<S>(), Err(ConfigError::Tau { .. })));
        let simple = at(bad).simple_lif::<S>();
        assert!(matches!(simple, Err(ConfigError::Tau { .. })), "{bad}");
        let non_spiking = at(bad).non_spiking_lif::<S>();
        assert!(matches!(non_spiking, Err(ConfigError::Tau { .. })), "{bad}");
    }
    assert!(at(1.0).lif::<S>().is_err() && at(1.0).simple_lif::<S>().is_ok());
}

macro_rules! each_type {
    ($($name:ident: $t:ty;)*) => {$(
        mod $name {
            use super::*;

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(128))]

                #[test]
                fn lif_equals_the_oracle(draw in draws::<$t>()) {
                    check_lif::<$t>(&draw)?;
                }

                #[test]
                fn simple_lif_equals_the_oracle(draw in draws::<$t>()) {
                    check_simple_lif::<$t>(&draw)?;
                }

                #[test]
                fn non_spiking_lif_equals_the_oracle(draw in draws::<$t>()) {
                    check_non_spiking::<$t>(&draw)?;
                }

                #[test]
                fn parameters_are_rounded_or_refused(halves in -1i64 << 33..1 << 33, beside in -4i64..=4) {
                    let (min, max) = range::<$t>();
                    for halves in [halves, halves >> 16, 2 * min + beside, 2 * max + beside] {
                        check_parameter::<$t>(halves)?;
                    }
                }
            }

            #[test]
            fn what_the_type_cannot_hold_is_an_error() {
                check_refusals::<$t>();
            }
        }
    )*};
}

each_type! {
    raw_i16: i16;
    raw_i32: i32;
    i1f15: I1F15;
    i8f8: I8F8;
    i0f16: I0F16;
    i16f16: I16F16;
    i32f0: I32F0;
    i1f31: I1F31;
}
