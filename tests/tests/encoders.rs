//! Encoders against one-line oracles, and the tables of `docs/encoders.md`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lif_nostd::encode::{
    Delta, DeltaState, FULL, Poisson, direct_f32, direct_i8, intensity, intensity_u8, latency,
};
use lif_nostd::spikes::{Spikes, words_for};
use lif_tests::nets::Draw;
use proptest::prelude::*;

const DOC: &str = include_str!("../../docs/encoders.md");

/// The rows of the table in the documentation whose first line is `head`.
fn table(head: &str) -> Vec<Vec<String>> {
    let mut lines = DOC.lines().skip_while(|l| *l != head);
    assert!(lines.next().is_some(), "no table {head:?}");
    let rows = lines.skip(1).take_while(|l| l.starts_with('|'));
    let cells = |l: &str| {
        l.trim_matches('|')
            .split('|')
            .map(|c| c.trim().into())
            .collect()
    };
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    assert!(!rows.is_empty());
    rows
}

fn numbers(head: &str) -> Vec<Vec<u32>> {
    let parse = |row: Vec<String>| row.iter().map(|c| c.parse().unwrap()).collect();
    table(head).into_iter().map(parse).collect()
}

#[test]
fn the_tables_of_the_documentation_hold() {
    for row in numbers("| x | intensity |") {
        assert_eq!(intensity_u8(row[0] as u8), row[1]);
    }
    for row in numbers("| seed | sample | step | channel | draw |") {
        let poisson = Poisson::new(row[0], row[1]);
        assert_eq!(poisson.draw(row[2], row[3]), row[4], "{row:?}");
    }
    for row in numbers("| intensity | steps | t |") {
        assert_eq!(
            u32::from(latency::linear(row[0], row[1] as u16)),
            row[2],
            "{row:?}"
        );
    }
    let samples = "| sample | 0 | 10 | 35 | 35 | 35 | 20 | 17 | 7 | 12 | 20 |";
    let spikes = &table(samples)[0];
    let delta = Delta::new(10, 3).unwrap();
    let mut state = DeltaState::NEW;
    let cells = samples.trim_matches('|').split('|').skip(1);
    for (i, x) in cells.enumerate() {
        let sign = match delta.step(&mut state, x.trim().parse().unwrap()) {
            [true, false] => "+",
            [false, true] => "-",
            _ => ".",
        };
        assert_eq!(spikes[i + 1], sign, "sample {i}");
    }
}

#[test]
fn intensities_of_bytes_are_the_nearest() {
    for x in 0..=255u8 {
        let exact = f64::from(x) * f64::from(FULL) / 255.0;
        assert_eq!(f64::from(intensity_u8(x)), exact.round(), "{x}");
    }
    assert_eq!(intensity(f32::NAN), 0);
    assert_eq!(
        [-1.0, 0.0, 1.0, 2.0, f32::INFINITY].map(intensity),
        [0, 0, FULL, FULL, FULL]
    );
}

/// The rate of a channel is its probability, and steps, channels, samples and seeds do not go together.
#[test]
fn draws_are_uniform_and_independent() {
    let spike = |seed, sample, step, channel| {
        f64::from(u8::from(
            Poisson::new(seed, sample).draw(step, channel) < FULL / 4,
        ))
    };
    let (mut sum, mut pairs, mut n) = (0.0, [0.0; 6], 0.0);
    for sample in 0..40 {
        for step in 0..40 {
            for channel in 0..64 {
                let x = spike(7, sample, step, channel);
                let others = [
                    spike(7, sample, step, channel + 1),
                    spike(7, sample, step, channel + 4),
                    spike(7, sample, step + 1, channel),
                    spike(7, sample + 1, step, channel),
                    spike(8, sample, step, channel),
                    spike(sample + 100, 7, step, channel),
                ];
                sum += x;
                for (pair, other) in pairs.iter_mut().zip(others) {
                    *pair += (x - 0.25) * (other - 0.25);
                }
                n += 1.0;
            }
        }
    }
    // Five standard deviations of a binomial, and of a product of two.
    let deviation = |variance: f64| 5.0 * (variance / n).sqrt();
    assert!((sum / n - 0.25).abs() < deviation(0.1875), "{}", sum / n);
    for pair in pairs {
        assert!((pair / n).abs() < deviation(0.1875 * 0.1875), "{pair}");
    }
}

proptest! {
    #[test]
    fn poisson_spikes_are_its_draws(
        seed: u32, sample: u32, step: u32,
        intensities in prop::collection::vec(0..=FULL, 0..150),
        spare in 0usize..3,
    ) {
        let poisson = Poisson::new(seed, sample);
        let mut words = vec![u32::MAX; words_for(intensities.len()) + spare];
        poisson.encode(step, &intensities, &mut words);
        let spikes = Spikes::new(&words, 32 * words.len());
        for i in 0..spikes.len() {
            let want = intensities.get(i).is_some_and(|p| poisson.draw(step, i as u32) < *p);
            prop_assert_eq!(spikes.get(i), want);
        }
        let bytes: Vec<u8> = intensities.iter().map(|x| *x as u8).collect();
        let same: Vec<u32> = bytes.iter().map(|x| intensity_u8(*x)).collect();
        let mut other = words.clone();
        poisson.encode_u8(step, &bytes, &mut words);
        poisson.encode(step, &same, &mut other);
        prop_assert_eq!(words, other);
    }

    #[test]
    fn probabilities_0_and_1_are_certain(seed: u32, sample: u32, step: u32) {
        let mut words = [0; 2];
        Poisson::new(seed, sample).encode(step, &[FULL; 40], &mut words);
        prop_assert_eq!(words, [u32::MAX, 0xff]);
        Poisson::new(seed, sample).encode(step, &[0; 40], &mut words);
        prop_assert_eq!(words, [0, 0]);
    }

    #[test]
    fn intensities_are_rounded(share in -0.5f32..1.5) {
        let want = (f64::from(share) * f64::from(FULL)).round_ties_even().clamp(0.0, f64::from(FULL));
        prop_assert_eq!(f64::from(intensity(share)), want);
    }

    #[test]
    fn latencies_are_rounded(intensity in 1..=FULL, steps in 1u16..) {
        let exact = (1.0 - f64::from(intensity) / f64::from(FULL)) * f64::from(steps - 1);
        prop_assert_eq!(f64::from(latency::linear(intensity, steps)), (exact + 0.5).floor());
    }

    #[test]
    fn logarithmic_latencies_charge_to_the_threshold(x in 0.0f64..3.0, threshold in 0.1f64..1.0, tau in 1.0f64..50.0) {
        let t = latency::logarithmic(x, threshold, tau);
        let at = |t: f64| x * (1.0 - (-t / tau).exp());
        if x <= threshold {
            prop_assert_eq!(t, latency::NEVER);
        } else if t != latency::NEVER {
            let t = f64::from(t);
            prop_assert!(at(t - 0.501) < threshold && at(t + 0.501) > threshold);
        }
    }

    #[test]
    fn latency_spikes_once(times in prop::collection::vec(prop_oneof![0u16..20, Just(latency::NEVER)], 0..100)) {
        let mut words = vec![0; words_for(times.len())];
        for step in (0..20).chain([latency::NEVER]) {
            latency::spikes(&times, step, &mut words);
            let spikes = Spikes::new(&words, times.len());
            for (i, t) in times.iter().enumerate() {
                prop_assert_eq!(spikes.get(i), *t == step && step != latency::NEVER);
            }
        }
    }

    #[test]
    fn delta_follows_the_signal(
        samples in prop::collection::vec(prop_oneof![any::<i32>(), -40i32..40], 1..60),
        threshold in prop_oneof![1i32..20, 1..1 << 30],
        hysteresis in prop_oneof![Just(0i32), 0..20, 0..1 << 30],
    ) {
        let delta = Delta::new(threshold, hysteresis).unwrap();
        let (mut state, mut level, mut last) = (DeltaState::NEW, i64::from(samples[0]), 0);
        let (threshold, hysteresis) = (i64::from(threshold), i64::from(hysteresis));
        for (t, x) in samples.iter().enumerate() {
            let spikes = delta.step(&mut state, *x);
            let difference = i64::from(*x) - level;
            let turned = |sign: i64| if last == -sign { hysteresis } else { 0 };
            let sign = [1, -1].into_iter().find(|s| t > 0 && difference * s >= threshold + turned(*s));
            prop_assert_eq!(spikes, [sign == Some(1), sign == Some(-1)]);
            level += sign.unwrap_or(0) * threshold;
            last = sign.unwrap_or(last);
            prop_assert_eq!(state.level().map(i64::from), Some(level));
        }
    }

    #[test]
    fn delta_channels_are_apart(
        samples in prop::collection::vec(prop::collection::vec(-50i32..50, 40), 1..20),
    ) {
        let delta = Delta::new(7, 2).unwrap();
        let mut states = [DeltaState::NEW; 40];
        let mut each = states;
        let mut words = [0; 3];
        for x in &samples {
            delta.encode(x, &mut states, &mut words);
            for (i, state) in each.iter_mut().enumerate() {
                let spikes = Spikes::new(&words, 80);
                prop_assert_eq!([spikes.get(2 * i), spikes.get(2 * i + 1)], delta.step(state, x[i]));
            }
        }
    }

    /// Direct encoding is what an exported file does with raw values.
    #[test]
    fn direct_is_the_input_of_a_network(raw in prop::collection::vec(prop_oneof![any::<f32>(), -300f32..300.0], 5)) {
        use lif_host::export::{export_f32, export_int};
        use lif_host::infer::{Host, Input};
        let net = Draw::new(1, &[5, 3]).build().unwrap();
        let host = Host::new(&export_int(&net).unwrap().bytes).unwrap();
        let mut currents = vec![0; 5];
        direct_i8(&raw, 1.0, &mut currents);
        prop_assert_eq!(Input::from_raw(&host.model(), &raw), Input::I8(currents));
        let host = Host::new(&export_f32(&net).unwrap().bytes).unwrap();
        let mut currents = vec![0.0; 5];
        direct_f32(&raw, 128.0, &mut currents);
        let Input::F32(want) = Input::from_raw(&host.model(), &raw) else { panic!("another input") };
        prop_assert!(currents.iter().zip(want).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()));
    }
}

#[test]
fn delta_refuses_what_is_no_encoder() {
    for (threshold, hysteresis) in [(0, 0), (-1, 0), (1, -1), (i32::MAX, 1), (i32::MIN, 0)] {
        let error = Delta::new(threshold, hysteresis).unwrap_err().to_string();
        assert!(error.contains("threshold must be at least 1"), "{error}");
    }
    assert!(Delta::new(i32::MAX, 0).is_ok());
}
