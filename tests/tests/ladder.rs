//! The parity ladder on this machine: neurons against the f64 oracle, integer networks against the i64 one, and
//! the trainer against the code that a device runs.

use lif_host::export::{export_f32, export_i16};
use lif_host::infer::{Host, Input};
use lif_host::train::Pass;
use lif_nostd::model::{Layer, LayerKind, Membranes};
use lif_nostd::neuron::Lif;
use lif_nostd::spikes::{Spikes, words_for};
use lif_tests::nets::Draw;
use lif_tests::oracle::{IntLayer, IntNet, Lif64};
use proptest::prelude::*;

/// Networks of up to three layers, of every kind that can be deployed.
fn draws() -> impl Strategy<Value = Draw> {
    let sizes = prop::collection::vec(1usize..70, 2..5);
    let reset = prop_oneof![
        Just(None),
        Just(Some(0.0f32)),
        (-0.5f32..0.5).prop_map(Some)
    ];
    (
        any::<u64>(),
        sizes,
        1.01f32..12.0,
        0.25f32..3.0,
        reset,
        any::<bool>(),
        0.05f32..2.0,
    )
        .prop_map(
            |(seed, sizes, tau, v_threshold, v_reset, decay_input, gain)| Draw {
                seed,
                sizes,
                tau,
                v_threshold,
                v_reset,
                decay_input,
                gain,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Rung 1: a neuron follows the equations, to within f32's rounding.
    #[test]
    fn f32_neurons_follow_the_oracle(
        tau in 1.01f32..100.0,
        v_threshold in 0.1f32..5.0,
        v_reset in prop::option::of(-1.0f32..1.0),
        decay_input in any::<bool>(),
        xs in prop::collection::vec(-4.0f32..4.0, 1..60),
    ) {
        let lif = Lif::<f32>::new(f64::from(tau), v_threshold, v_reset, decay_input);
        let oracle = Lif64 {
            tau: f64::from(tau),
            v_threshold: f64::from(v_threshold),
            v_reset: v_reset.map(f64::from),
            decay_input,
        };
        let mut v = v_reset.unwrap_or(0.0);
        for x in xs {
            let (h, spike, after) = oracle.step(f64::from(v), f64::from(x));
            let (got_h, _) = lif.charge_and_fire(v, x);
            prop_assert!((f64::from(got_h) - h).abs() <= 2e-6 * (1.0 + h.abs()), "{got_h} {h}");
            let near = (h - f64::from(v_threshold)).abs() < 1e-5;
            let got_spike = lif.step(&mut v, x);
            if near {
                break;
            }
            prop_assert_eq!(got_spike, spike);
            prop_assert!((f64::from(v) - after).abs() <= 4e-6 * (1.0 + h.abs()), "{} {}", v, after);
        }
    }

    /// Rung 5 on this machine: an exported integer network makes the oracle's spikes and membranes, bit for bit.
    #[test]
    fn integer_networks_equal_the_oracle(draw in draws()) {
        let net = draw.build().unwrap();
        let Ok(exported) = export_i16(&net) else {
            // A dead zone that 16 bits cannot hold is refused, and only that.
            let text = export_i16(&net).unwrap_err().to_string();
            prop_assert!(text.contains("stalls"), "{}", text);
            return Ok(());
        };
        let oracle = IntNet {
            layers: exported.layers.iter().map(|q| IntLayer {
                weights: q.weights.clone(),
                bias: q.bias.clone(),
                shift: q.shift,
                leak: q.leak,
                v_threshold: q.v_threshold,
                v_reset: q.v_reset,
            }).collect(),
        };
        let mut host = Host::new(&exported.bytes).unwrap();
        let mut network = host.network();
        for sample in 0..2 {
            let x = draw.input(sample);
            network.reset();
            network.set_current(&x).unwrap();
            let mut counts = vec![0u32; *draw.sizes.last().unwrap()];
            for (t, step) in oracle.run(&x, 16).iter().enumerate() {
                network.step();
                for (l, (spikes, membranes)) in step.iter().enumerate() {
                    let got = network.spikes(l).unwrap();
                    let got: Vec<bool> = (0..spikes.len()).map(|i| got.get(i)).collect();
                    prop_assert_eq!(&got, spikes, "spikes of step {} layer {}", t, l);
                    let Some(Membranes::I16(v)) = network.membranes(l) else {
                        return Err(TestCaseError::fail("membranes are not i16"));
                    };
                    let v: Vec<i64> = v.iter().map(|v| i64::from(*v)).collect();
                    prop_assert_eq!(&v, membranes, "membranes of step {} layer {}", t, l);
                }
                for (count, spike) in counts.iter_mut().zip(&step.last().unwrap().0) {
                    *count += u32::from(*spike);
                }
            }
            prop_assert_eq!(network.counts(), &counts[..]);
        }
    }

    /// Rung 4 on this machine: with dyadic weights, whose sums are exact, the trainer's f32 forward and the
    /// device's make the same spikes.
    #[test]
    fn f32_networks_equal_the_trainer(draw in draws()) {
        let net = draw.build().unwrap();
        let exported = export_f32(&net).unwrap();
        let mut host = Host::new(&exported.bytes).unwrap();
        let samples: Vec<Vec<f32>> = (0..3)
            .map(|s| draw.input(s).iter().map(|x| f32::from(*x) / 128.0).collect())
            .collect();
        let mut pass = Pass::new(&net).unwrap();
        let counts = pass.forward(&net.weights, &samples.concat());
        let n_out = net.n_out();
        let inputs: Vec<Input> = samples.into_iter().map(Input::F32).collect();
        for (answer, want) in host.run(&inputs, 16).unwrap().iter().zip(counts.chunks(n_out)) {
            prop_assert_eq!(&answer.counts[..], want);
        }
    }

    /// A certificate is exact: of the inputs that make the sum of each output largest and smallest, one reaches
    /// it, and none exceeds it; the device's sum on that input is the same.
    #[test]
    fn certificates_are_reached_and_never_exceeded(draw in draws()) {
        let net = draw.build().unwrap();
        let exported = match export_i16(&net) {
            Ok(exported) => exported,
            Err(e) => {
                prop_assert!(e.to_string().contains("stalls"), "{}", e);
                return Ok(());
            }
        };
        let host = Host::new(&exported.bytes).unwrap();
        for (l, (q, n_in)) in exported.layers.iter().zip(&draw.sizes).enumerate() {
            let range = if l == 0 { [-128, 127] } else { [0, 1] };
            let mut extremes = Vec::new();
            for (o, (row, bias)) in q.weights.chunks(*n_in).zip(&q.bias).enumerate() {
                for up in [true, false] {
                    let end = |w: &i8| range[usize::from((*w > 0) == up)];
                    let input: Vec<i64> = row.iter().map(end).collect();
                    let products = row.iter().zip(&input).map(|(w, x)| i64::from(*w) * x);
                    let sum = i64::from(*bias) + products.sum::<i64>();
                    extremes.push((sum.unsigned_abs(), sum, o, input));
                }
            }
            let (largest, sum, o, input) = extremes.into_iter().max().unwrap();
            prop_assert_eq!(largest, u64::from(q.certificate.max_sum), "layer {}", l);
            let layer = host.model().layer(l).unwrap();
            prop_assert_eq!(i64::from(device_sums(&layer, &input, l > 0)[o]), sum);
        }
    }
}

/// The sums of all outputs of `layer`, as the device adds them up.
fn device_sums(layer: &Layer<'_>, input: &[i64], spikes: bool) -> Vec<i32> {
    let LayerKind::I16 { linear, bias, .. } = layer.kind else {
        panic!("an integer layer");
    };
    let mut sums = bias.to_vec();
    if spikes {
        let mut words = vec![0; words_for(input.len())];
        for (i, x) in input.iter().enumerate() {
            words[i / 32] |= (*x as u32) << (i % 32);
        }
        linear.add_spikes(Spikes::new(&words, input.len()), &mut sums);
    } else {
        let x: Vec<i8> = input.iter().map(|x| *x as i8).collect();
        linear.add_values(&x, &mut sums);
    }
    sums
}
