//! The parity ladder on this machine: neurons against the f64 oracle, integer networks against the i64 one, and
//! the trainer against the code that a device runs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lif_host::export::{export_f32, export_int, export_int_with};
use lif_host::infer::{Host, Input};
use lif_host::quant::{Membranes as Quantised, QuantOptions, Weights};
use lif_host::train::{Input as Batch, Outputs, Pass};
use lif_nostd::model::{Digest, IntSynapses, Layer, LayerKind, Membranes, Progress};
use lif_nostd::neuron::{Decode, Lif, Readout};
use lif_nostd::spikes::{Spikes, words_for};
use lif_nostd::synapse::{Linear, Weight};
use lif_tests::nets::{Draw, STEPS, f32_oracle, int_oracle};
use lif_tests::oracle::Lif64;
use proptest::prelude::*;

/// Networks of up to three layers, of every kind that can be deployed.
fn draws() -> impl Strategy<Value = Draw> {
    let sizes = prop::collection::vec(1usize..70, 2..5);
    let reset = prop_oneof![
        Just(None),
        Just(Some(0.0f32)),
        (-0.5f32..0.5).prop_map(Some)
    ];
    let tau = prop_oneof![4 => 1.01f32..12.0, 1 => 100.0f32..2000.0];
    let readout = prop::option::weighted(0.3, prop::sample::select(Decode::ALL.to_vec()));
    let kinds = (any::<bool>(), any::<bool>(), any::<bool>(), readout);
    (
        any::<u64>(),
        sizes,
        tau,
        0.25f32..3.0,
        reset,
        any::<bool>(),
        0.05f32..2.0,
        kinds,
    )
        .prop_map(
            |(seed, sizes, tau, v_threshold, v_reset, decay_input, gain, kinds)| {
                let (spikes, simple, per_neuron, readout) = kinds;
                Draw {
                    seed,
                    sizes,
                    tau,
                    v_threshold,
                    v_reset,
                    decay_input,
                    gain,
                    spikes,
                    simple,
                    per_neuron,
                    readout,
                }
            },
        )
}

/// Every number format of weights and membranes.
fn options() -> impl Strategy<Value = QuantOptions> {
    let weights = prop_oneof![Just(Weights::I8), Just(Weights::I16)];
    let membranes = prop_oneof![4 => Just(Quantised::Auto), 1 => Just(Quantised::I32)];
    (weights, membranes).prop_map(|(weights, membranes)| QuantOptions { weights, membranes })
}

/// What the oracle's membranes `vs` of one neuron, step by step, give under `decode`.
fn decoded(decode: Decode, vs: &[i64]) -> i64 {
    let (max, min) = (*vs.iter().max().unwrap(), *vs.iter().min().unwrap());
    match decode {
        Decode::MaxMem => max,
        Decode::MaxAbsMem if max.abs() > min.abs() => max,
        Decode::MaxAbsMem => min,
        Decode::MeanMem => vs.iter().sum::<i64>().div_euclid(vs.len() as i64),
        _ => vs[vs.len() - 1],
    }
}

fn integers(membranes: Membranes<'_>) -> Vec<i64> {
    match membranes {
        Membranes::I16(v) => v.iter().map(|v| i64::from(*v)).collect(),
        Membranes::I32(v) => v.iter().map(|v| i64::from(*v)).collect(),
        _ => panic!("integer membranes"),
    }
}

/// Whether each neuron spiked.
fn fired(spikes: Spikes<'_>) -> Vec<bool> {
    (0..spikes.len()).map(|i| spikes.get(i)).collect()
}

/// The bits of f32 membranes; any NaN is as good as another, and none occurs.
fn float_bits(v: &[f32]) -> Vec<u32> {
    v.iter().map(|v| v.to_bits()).collect()
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

    /// Rung 5 on this machine: an exported integer network makes the oracle's spikes and membranes, bit for bit, and
    /// counts, first spikes and readouts follow from them.
    #[test]
    fn integer_networks_equal_the_oracle(draw in draws(), options in options()) {
        let net = draw.build().unwrap();
        let exported = export_int_with(&net, options).unwrap();
        let oracle = int_oracle(&exported.layers);
        let mut host = Host::new(&exported.bytes).unwrap();
        let mut network = host.network();
        prop_assert_eq!(network.self_test(), Ok(()));
        let n_out = *draw.sizes.last().unwrap();
        for sample in 0..2 {
            let (input, steps) = draw.sample(sample);
            let trace = oracle.run(&steps);
            network.reset();
            input.set(&mut network).unwrap();
            let mut counts = vec![0u32; n_out];
            let mut first = vec![None; n_out];
            for (t, step) in trace.iter().enumerate() {
                input.set_step(&mut network, t as u32).unwrap();
                let mut seen = 0;
                let mut equal = true;
                network.step_observed(&mut |l, spikes, v| {
                    equal &= l == seen && fired(spikes) == step[l].0 && integers(v) == step[l].1;
                    seen += 1;
                });
                for (l, (spikes, membranes)) in step.iter().enumerate() {
                    let got = fired(network.spikes(l).unwrap());
                    prop_assert_eq!(&got, spikes, "spikes of step {} layer {}", t, l);
                    let v = integers(network.membranes(l).unwrap());
                    prop_assert_eq!(&v, membranes, "membranes of step {} layer {}", t, l);
                }
                prop_assert!(equal && seen == step.len(), "the observer sees it too");
                for (i, spike) in step.last().unwrap().0.iter().enumerate() {
                    counts[i] += u32::from(*spike);
                    if *spike {
                        first[i] = first[i].or(Some(t as u16));
                    }
                }
            }
            prop_assert_eq!(network.counts(), &counts[..]);
            prop_assert_eq!(network.first_spikes().collect::<Vec<_>>(), first);
            let last = exported.layers.last().unwrap();
            let scale = last.lsb.map_or(1.0, |lsb| lsb as f32);
            for i in 0..n_out {
                let vs: Vec<i64> = trace.iter().map(|step| step.last().unwrap().1[i]).collect();
                let want = decoded(last.decode, &vs) as f32 * scale;
                prop_assert_eq!(network.readout(i), Some(want));
            }
            prop_assert_eq!(network.readout(n_out), None);
        }
    }

    /// Layer by layer is step by step, and what is asked for in between changes nothing.
    #[test]
    fn a_step_in_pieces_is_a_step(draw in draws()) {
        let exported = export_int(&draw.build().unwrap()).unwrap();
        let mut host = Host::new(&exported.bytes).unwrap();
        let (input, _) = draw.sample(0);
        let want = host.run(std::slice::from_ref(&input), STEPS).unwrap().remove(0);
        let mut network = host.network();
        // A step that was given up is forgotten by a reset.
        let _ = network.step_layer();
        network.reset();
        input.set(&mut network).unwrap();
        let mut digest = Digest::new();
        for t in 0..STEPS {
            input.set_step(&mut network, t).unwrap();
            for l in 1..draw.sizes.len() {
                let done = l + 1 == draw.sizes.len();
                let progress = network.step_layer();
                prop_assert_eq!(progress == Progress::Done, done);
                prop_assert_eq!(network.steps(), t + u32::from(done));
            }
            digest.add_spikes(&network);
        }
        digest.add_membranes(&network);
        prop_assert_eq!(digest.finish(), want.digest);
        prop_assert_eq!(network.counts(), &want.counts[..]);
    }

    /// f32 networks of every kind make the oracle's spikes and membranes, bit for bit.
    #[test]
    fn f32_networks_equal_the_oracle(draw in draws()) {
        let net = draw.build().unwrap();
        let exported = export_f32(&net).unwrap();
        let mut host = Host::new(&exported.bytes).unwrap();
        let mut network = host.network();
        prop_assert_eq!(network.self_test(), Ok(()));
        let (input, steps) = draw.sample(0);
        let (input, scale) = match input {
            Input::I8(x) => (Input::F32(x.iter().map(|x| f32::from(*x) / 64.0).collect()), 64.0),
            spikes => (spikes, 1.0),
        };
        let steps: Vec<Vec<f32>> = steps
            .iter()
            .map(|x| x.iter().map(|x| *x as f32 / scale).collect())
            .collect();
        input.set(&mut network).unwrap();
        for (t, step) in f32_oracle(&net).unwrap().run(&steps, draw.spikes).iter().enumerate() {
            input.set_step(&mut network, t as u32).unwrap();
            network.step();
            for (l, (spikes, membranes)) in step.iter().enumerate() {
                let got = fired(network.spikes(l).unwrap());
                prop_assert_eq!(&got, spikes, "spikes of step {} layer {}", t, l);
                let Some(Membranes::F32(v)) = network.membranes(l) else {
                    return Err(TestCaseError::fail("membranes are not f32"));
                };
                prop_assert_eq!(float_bits(v), float_bits(membranes), "membranes of step {} layer {}", t, l);
            }
        }
        if let Some(decode) = draw.readout {
            let mut readout = Readout::new();
            for step in f32_oracle(&net).unwrap().run(&steps, draw.spikes) {
                readout.push(step.last().unwrap().1[0]);
            }
            prop_assert_eq!(network.readout(0), Some(readout.read(decode)));
        }
    }

    /// Rung 4 on this machine: with dyadic weights, whose sums are exact, the trainer's f32 forward and the
    /// device's make the same spikes.
    #[test]
    fn f32_networks_equal_the_trainer(mut draw in draws()) {
        (draw.spikes, draw.readout) = (false, None);
        let net = draw.build().unwrap();
        let exported = export_f32(&net).unwrap();
        let mut host = Host::new(&exported.bytes).unwrap();
        let samples: Vec<Vec<f32>> = (0..3)
            .map(|s| draw.input(s).iter().map(|x| f32::from(*x) / 128.0).collect())
            .collect();
        let mut pass = Pass::<f32>::new(&net).unwrap();
        let batch = samples.concat();
        let outputs = pass.forward(&net.weights, Batch::Held(&batch), None).unwrap();
        let Outputs::Counts { counts, .. } = outputs else {
            return Err(TestCaseError::fail("spiking outputs are counted"));
        };
        let n_out = net.n_out();
        let inputs: Vec<Input> = samples.into_iter().map(Input::F32).collect();
        for (answer, want) in host.run(&inputs, 16).unwrap().iter().zip(counts.chunks(n_out)) {
            prop_assert_eq!(&answer.counts[..], want);
        }
    }

    /// A certificate is exact: of the inputs that make the sum of each output largest and smallest, one reaches
    /// it, and none exceeds it; the device's sum on that input is the same.
    #[test]
    fn certificates_are_reached_and_never_exceeded(draw in draws(), options in options()) {
        let net = draw.build().unwrap();
        let exported = export_int_with(&net, options).unwrap();
        let host = Host::new(&exported.bytes).unwrap();
        for (l, (q, n_in)) in exported.layers.iter().zip(&draw.sizes).enumerate() {
            let analog = l == 0 && !draw.spikes;
            let range = if analog { [-128, 127] } else { [0, 1] };
            let mut extremes = Vec::new();
            for (o, (row, bias)) in q.weights.chunks(*n_in).zip(&q.bias).enumerate() {
                for up in [true, false] {
                    let end = |w: &i16| range[usize::from((*w > 0) == up)];
                    let input: Vec<i64> = row.iter().map(end).collect();
                    let products = row.iter().zip(&input).map(|(w, x)| i64::from(*w) * x);
                    let sum = i64::from(*bias) + products.sum::<i64>();
                    extremes.push((sum.unsigned_abs(), sum, o, input));
                }
            }
            let (largest, sum, o, input) = extremes.into_iter().max().unwrap();
            prop_assert_eq!(largest, u64::from(q.certificate.max_sum), "layer {}", l);
            let layer = host.model().layer(l).unwrap();
            prop_assert_eq!(i64::from(device_sums(&layer, &input, !analog)[o]), sum);
            let LayerKind::Int(int) = layer.kind else {
                return Err(TestCaseError::fail("an integer layer"));
            };
            prop_assert_eq!(int.fits_16(), largest <= 32767);
        }
    }
}

/// The sums of all outputs of `layer`, as the device adds them up.
fn device_sums(layer: &Layer<'_>, input: &[i64], spikes: bool) -> Vec<i32> {
    fn add<W: Weight<Sum = i32, Input = i8>>(
        linear: &Linear<'_, W>,
        input: &[i64],
        spikes: bool,
        sums: &mut [i32],
    ) {
        if spikes {
            let mut words = vec![0; words_for(input.len())];
            for (i, x) in input.iter().enumerate() {
                words[i / 32] |= (*x as u32) << (i % 32);
            }
            linear.add_spikes(Spikes::new(&words, input.len()), sums);
        } else {
            let x: Vec<i8> = input.iter().map(|x| *x as i8).collect();
            linear.add_values(&x, sums);
        }
    }
    let LayerKind::Int(int) = layer.kind else {
        panic!("an integer layer");
    };
    let mut sums = int.bias.to_vec();
    match int.synapses {
        IntSynapses::I8(linear) => add(&linear, input, spikes, &mut sums),
        IntSynapses::I16(linear) => add(&linear, input, spikes, &mut sums),
        _ => panic!("weights of 8 or 16 bits"),
    }
    sums
}
