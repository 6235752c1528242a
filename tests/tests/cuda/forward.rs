//! The f32 forward against the CPU's, bit for bit.

use lif_host::cpu::{NeuronParams, Neurons};
use lif_host::cuda::{Gpu, Options, Shape, Tuning};
use lif_host::surrogate::Surrogate;

use super::data::{in_parallel, kinds, normal, run, same_bits, special};

/// A layer, a shape and how the kernels are cut.
#[derive(Clone, Debug)]
struct Case {
    params: NeuronParams,
    shape: Shape,
    options: Options,
    seed: u64,
}

/// Ways to cut the kernels that fit `shape`.
pub(crate) fn tunings(shape: Shape) -> Vec<Option<Tuning>> {
    let mut all = vec![None];
    for (forward_vector, backward_vector, chunk, ahead, threads) in [
        (1, 1, 16, 16, 32),
        (2, 2, 8, 4, 64),
        (4, 2, 16, 8, 128),
        (4, 4, 4, 2, 256),
        (1, 1, 32, 8, 128),
        (2, 1, 8, 32, 128),
        (1, 1, 2, 1, 64),
    ] {
        let most = usize::max(forward_vector, backward_vector);
        if shape.neurons.is_multiple_of(most) {
            all.push(Some(Tuning {
                forward_vector,
                ahead,
                backward_vector,
                chunk,
                threads,
                side_by_side: false,
            }));
        }
    }
    for chunk in [4, 8, 16] {
        all.push(Some(Tuning {
            forward_vector: 1,
            ahead: chunk,
            backward_vector: 1,
            chunk,
            threads: 64,
            side_by_side: true,
        }));
    }
    all
}

/// Runs a case from the model's own membranes and from given ones, and compares.
fn check(gpu: &Gpu, case: &Case) {
    let Case {
        params,
        shape,
        options,
        seed,
    } = case;
    let len = shape.values().unwrap();
    let x = special(*seed, len);
    let v_init = normal(seed + 1, shape.neurons, 0.0, 1.0);
    let neurons = Neurons::<f32>::new(params).unwrap();
    for v_init in [None, Some(&v_init[..])] {
        let want = neurons.forward(shape.neurons, &x, v_init);
        let (got, _) = run::<f32>(gpu, params, *shape, *options, (&x, v_init), None);
        let what = |part: &str| format!("{part} of {case:?}, v_init {}", v_init.is_some());
        same_bits(&what("spikes"), &got.spikes, &want.spikes);
        same_bits(&what("v_last"), &got.v_last, &want.v_last);
        if let Some(v) = &got.v {
            same_bits(&what("v_seq"), v, &want.v);
        }
        // Checkpoints are membranes of the sequence.
        if let Some(tuning) = options.tuning {
            let rows = got.checkpoints.chunks(shape.neurons.max(1));
            let chunks = shape.steps.div_ceil(tuning.chunk) - 1;
            for (c, row) in rows.take(chunks).enumerate() {
                let at = ((c + 1) * tuning.chunk - 1) * shape.neurons;
                same_bits(&what("checkpoint"), row, &want.v[at..at + shape.neurons]);
            }
        }
    }
}

/// The default parameters of `config`'s model but another surrogate.
fn emitting(surrogate: Surrogate, spiking: bool) -> Vec<NeuronParams> {
    let other = |params: NeuronParams| NeuronParams {
        surrogate,
        spiking,
        ..params
    };
    kinds(1.7).into_iter().map(other).collect()
}

pub(crate) fn every_option(gpu: &Gpu) -> String {
    let mut cases = Vec::new();
    let mut seed = 0;
    for tau in [2.0, 1.7, 100.0 / 3.0, 3.0, 1e12] {
        for (k, params) in kinds(tau).into_iter().enumerate() {
            for (i, (steps, n)) in [(1, 1), (5, 33), (17, 130), (17, 512), (40, 96)]
                .into_iter()
                .enumerate()
            {
                let shape = Shape::new(steps, n);
                let tunings = tunings(shape);
                for v_seq in [true, false] {
                    seed += 2;
                    // Each option meets each other, not each tuning each option.
                    let tuning = tunings[(k + 3 * i + usize::from(v_seq)) % tunings.len()];
                    let options = Options {
                        v_seq,
                        tuning,
                        ..Options::default()
                    };
                    cases.push(Case {
                        params,
                        shape,
                        options,
                        seed,
                    });
                }
            }
        }
    }
    in_parallel(&cases, |case| check(gpu, case));
    format!("{} configurations, twice each", cases.len())
}

pub(crate) fn long_sequences(gpu: &Gpu) -> String {
    let cases: Vec<Case> = [(1000, 70), (1000, 4096), (10_000, 33), (2049, 64)]
        .into_iter()
        .zip(kinds(1.7).into_iter().step_by(2))
        .map(|((steps, n), params)| Case {
            params,
            shape: Shape::new(steps, n),
            options: Options::default(),
            seed: steps as u64,
        })
        .collect();
    in_parallel(&cases, |case| check(gpu, case));
    format!("{} shapes", cases.len())
}

/// Shapes for which the kernels are cut as in a large network.
pub(crate) fn large_layers(gpu: &Gpu) -> String {
    let all: Vec<Case> = [(4, 1 << 20), (16, 1 << 18), (5, 600_001), (33, 65_536)]
        .into_iter()
        .zip(kinds(2.0))
        .map(|((steps, n), params)| Case {
            params,
            shape: Shape::new(steps, n),
            options: Options {
                v_seq: true,
                ..Options::default()
            },
            seed: n as u64,
        })
        .collect();
    in_parallel(&all, |case| check(gpu, case));
    format!("{} shapes", all.len())
}

/// Counts, and the primitives that are the four operations alone, in every bit; the others nearly.
pub(crate) fn emissions(gpu: &Gpu) -> String {
    let shape = Shape::new(5, 300);
    let count = Surrogate::MultiLevelSpikeCount {
        max_spike_count: 3,
        grad_min: None,
        grad_max: None,
    };
    let exact = [
        (count, true),
        (count, false),
        (Surrogate::PiecewiseQuadratic { alpha: 0.8 }, false),
        (Surrogate::SoftSign { alpha: 2.0 }, false),
        (Surrogate::PiecewiseLeakyRelu { w: 0.7, c: 0.01 }, false),
        (Surrogate::PiecewiseLeakyRelu { w: 1.0, c: 0.0 }, false),
        (Surrogate::LeakyKRelu { leak: 0.1, k: 0.9 }, false),
        (Surrogate::DeterministicPass {}, false),
        (Surrogate::Rect { alpha: 1.3 }, false),
        (Surrogate::QPseudoSpike { alpha: 2.0 }, false),
        (Surrogate::QPseudoSpike { alpha: 3.0 }, false),
    ];
    let all: Vec<_> = Surrogate::ALL
        .into_iter()
        .filter(|s| s.has_primitive() && s.problem().is_none())
        .map(|s| (s, false))
        .collect();
    let mut cases = Vec::new();
    for (near, list) in [(false, &exact[..]), (true, &all)] {
        for (surrogate, spiking) in list {
            let params = emitting(*surrogate, *spiking).into_iter();
            cases.extend(params.map(|params| (near, params)));
        }
    }
    in_parallel(&cases, |(near, params)| {
        let x = normal(9, shape.steps * shape.neurons, 0.5, 1.0);
        let options = Options {
            v_seq: true,
            ..Options::default()
        };
        let (got, _) = run::<f32>(gpu, params, shape, options, (&x, None), None);
        let want = Neurons::<f32>::new(params)
            .unwrap()
            .forward(shape.neurons, &x, None);
        let v = got.v.unwrap();
        if *near {
            let want = want.spikes.iter().chain(&want.v);
            for (got, want) in got.spikes.iter().chain(&v).zip(want) {
                let close = (got - want).abs() <= 2e-5 * (1.0 + want.abs());
                assert!(close, "{params:?}: {got}, not {want}");
            }
        } else {
            same_bits(
                &format!("emissions of {params:?}"),
                &got.spikes,
                &want.spikes,
            );
            same_bits(&format!("membranes of {params:?}"), &v, &want.v);
        }
    });
    format!("{} layers", cases.len())
}
