//! The device's own populations against SpikingJelly, bit for bit: the cases of `tests/golden/cases.json` whose
//! neurons spike with 0 or 1, and those whose neurons do not spike.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lif_host::cpu::{Model, NeuronParams};
use lif_nostd::neuron::{
    Decode, LifConfig, NonSpikingLif, NonSpikingLifNode, Readout, Spiking, SpikingNode,
};
use lif_nostd::scalar::Scalar;
use lif_nostd::spikes::{Spikes, words_for};
use lif_tests::golden::{Golden, Kind, NeuronCase, neuron_cases, rounded, widen};

/// The sizes of the cases' populations, each of which is a type.
macro_rules! with_size {
    ($n:expr, $run:ident($($arg:expr),*)) => {
        match $n {
            1 => $run::<_, 1>($($arg),*),
            32 => $run::<_, 32>($($arg),*),
            33 => $run::<_, 33>($($arg),*),
            36 => $run::<_, 36>($($arg),*),
            40 => $run::<_, 40>($($arg),*),
            48 => $run::<_, 48>($($arg),*),
            61 => $run::<_, 61>($($arg),*),
            64 => $run::<_, 64>($($arg),*),
            n => panic!("no population of {n} neurons"),
        }
    };
}

fn check<F: Golden>(case: &NeuronCase, how: &str, what: &str, got: &[F], want: &[F]) {
    assert_eq!(got.len(), want.len(), "{}: {how}: {what}", case.name);
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        let (name, t, i) = (&case.name, at / case.n, at % case.n);
        let equal = got.same(*want);
        assert!(
            equal,
            "{name}: {how}: {what} of step {t}, neuron {i}: {got:?}, not {want:?}"
        );
    }
}

/// The spikes of a sequence as numbers, from the packed words of each step.
fn unpack<F: Golden>(words: &[u32], n: usize) -> Vec<F> {
    let mut spikes = Vec::new();
    for words in words.chunks(words_for(n)) {
        let step = Spikes::new(words, n);
        spikes.extend((0..n).map(|i| rounded::<F>(f64::from(u8::from(step.get(i))))));
        assert!(step.indices().all(|i| i < n), "a bit past the last neuron");
    }
    spikes
}

#[test]
fn populations_are_those_of_spikingjelly() {
    let (mut checked, mut others) = (0, 0);
    let cases = neuron_cases();
    for case in &cases {
        match case.kind {
            Kind::Spiking { params, .. } if params.spiking && params.surrogate.is_binary() => {
                match &case.dtype[..] {
                    "f32" => populations::<f32>(case, &params),
                    _ => populations::<f64>(case, &params),
                }
                checked += 1;
            }
            _ => others += 1,
        }
    }
    assert!(checked >= 160, "{checked}");
    assert_eq!(checked + others, cases.len());
    println!("{checked} cases");
}

fn populations<F: Golden>(case: &NeuronCase, params: &NeuronParams) {
    match params.model {
        Model::Lif => {
            let neuron = params.config.lif::<F>().unwrap();
            with_size!(case.n, population(case, neuron));
        }
        Model::SimpleLif => {
            let neuron = params.config.simple_lif::<F>().unwrap();
            with_size!(case.n, population(case, neuron));
        }
    }
}

/// One call for the sequence, one call a step, and the trait's functions on slices.
fn population<M: Spiking<Scalar: Golden> + Copy, const N: usize>(case: &NeuronCase, neuron: M) {
    let x_seq = case.tensor::<M::Scalar>("x_seq");
    let spikes = case.tensor::<M::Scalar>("spike_seq");
    let v_seq = case.tensor::<M::Scalar>("v_seq");
    let v_init = case.find::<M::Scalar>("v_init");
    let mut node = SpikingNode::<M, N>::from_neuron(neuron);
    if let Some(v) = &v_init {
        node.set_v(v[..].try_into().unwrap());
    }
    let fresh = node;
    let width = words_for(N);

    let mut words = vec![0; case.steps * width];
    let mut v = vec![<M::Scalar as Scalar>::ZERO; x_seq.len()];
    node.run(&x_seq, &mut words, Some(&mut v)).unwrap();
    check(case, "a sequence", "spikes", &unpack(&words, N), &spikes);
    check(case, "a sequence", "v", &v, &v_seq);
    let v_last = case.tensor("v_last");
    check(case, "a sequence", "v_last", node.v(), &v_last);

    let mut node = fresh;
    let (mut words, mut v) = (Vec::new(), Vec::new());
    for x in x_seq.chunks_exact(N) {
        let mut step = vec![u32::MAX; width];
        node.step(x.try_into().unwrap(), &mut step).unwrap();
        words.extend(step);
        v.extend(node.v());
    }
    check(case, "single steps", "spikes", &unpack(&words, N), &spikes);
    check(case, "single steps", "v", &v, &v_seq);

    let mut state = v_init.clone().unwrap_or_else(|| vec![neuron.v_init(); N]);
    let (mut words, mut v) = (Vec::new(), Vec::new());
    for (t, x) in x_seq.chunks_exact(N).enumerate() {
        let mut step = vec![0; width];
        if t == 0 && v_init.is_none() {
            for (i, (v, x)) in state.iter_mut().zip(x).enumerate() {
                step[i / 32] |= u32::from(neuron.first_step(v, *x)) << (i % 32);
            }
        } else {
            neuron.step_all(&mut state, x.iter().copied(), &mut step);
        }
        words.extend(step);
        v.extend(&state);
    }
    check(case, "slices", "spikes", &unpack(&words, N), &spikes);
    check(case, "slices", "v", &v, &v_seq);
}

#[test]
fn readouts_are_those_of_spikingjelly() {
    let mut checked = 0;
    for case in neuron_cases() {
        if let Kind::NonSpiking { tau, decode } = case.kind {
            let config = LifConfig::new(tau);
            if case.dtype == "f32" {
                let neuron = config.non_spiking_lif::<f32>().unwrap();
                with_size!(case.n, readout(&case, tau, neuron, decode));
            } else {
                let neuron = config.non_spiking_lif::<f64>().unwrap();
                with_size!(case.n, readout(&case, tau, neuron, decode));
            }
            checked += 1;
        }
    }
    assert!(checked >= 28, "{checked}");
}

fn readout<F: Golden, const N: usize>(
    case: &NeuronCase,
    tau: f64,
    neuron: NonSpikingLif<F>,
    decode: Decode,
) {
    let mut node = NonSpikingLifNode::<F, N>::new(tau).unwrap();
    let mut readouts = [Readout::new(); N];
    let (mut v, mut single) = (Vec::new(), [<F as Scalar>::ZERO; N]);
    for x in case.tensor::<F>("x_seq").chunks_exact(N) {
        v.extend(node.step(x.try_into().unwrap()));
        for ((single, x), readout) in single.iter_mut().zip(x).zip(&mut readouts) {
            neuron.step(single, *x);
            readout.push(*single);
        }
        check(case, "single neurons", "v", &single, node.v());
    }
    let want = case.tensor::<F>("output");
    let read: Vec<F> = readouts.iter().map(|r| r.read(decode)).collect();
    match decode {
        Decode::None => check(case, "a node", "v", &v, &want),
        // Sums are in the order of the steps, torch's of long sequences in blocks.
        Decode::MeanMem if case.steps >= 16 => {
            for (got, want) in widen(&read).iter().zip(widen(&want)) {
                assert!((got - want).abs() < 1e-6 * (1.0 + want.abs()));
            }
        }
        _ => check(case, "a readout", "output", &read, &want),
    }
}
