//! Ways to cut the kernels, timed.

use std::fmt::Write as _;

use half::f16;
use lif_host::cuda::{Gpu, Shape, SpikeFormat, Spiking, Tuning};
use lif_host::surrogate::Surrogate;

use super::{Bench, LARGE, Number, SMALL, copy_bandwidth, options, params};

/// Times ways to cut the kernels, by shape and type.
pub(super) fn sweep(gpu: &Gpu, what: &str) {
    println!("copy {:.3} TB/s", copy_bandwidth(gpu));
    let asked = |name| what.is_empty() || what.contains(name);
    for shape in LARGE {
        if asked("f32") {
            sweep_as::<f32>(
                gpu,
                shape,
                &[1, 2, 4],
                &[SpikeFormat::Real, SpikeFormat::Bits],
            );
        }
    }
    for shape in LARGE {
        if asked("f16") {
            sweep_as::<f16>(gpu, shape, &[1, 2, 4, 8], &[SpikeFormat::Real]);
        }
    }
    for shape in SMALL {
        if asked("small") {
            sweep_small(gpu, shape);
        }
    }
    if asked("surrogates") {
        for shape in LARGE {
            sweep_surrogates(gpu, shape);
        }
    }
}

/// The backward of each surrogate, cut in some ways.
fn sweep_surrogates(gpu: &Gpu, shape: Shape) {
    // The shortest chunks come first: they leave the most checkpoints.
    let cuts = [
        (2, 4, 128),
        (1, 4, 128),
        (2, 8, 128),
        (1, 8, 128),
        (2, 16, 128),
        (1, 16, 128),
        (2, 16, 64),
    ];
    for mut surrogate in Surrogate::ALL {
        if surrogate.problem().is_some() {
            surrogate.set("max_spike_count", 4.0).unwrap();
        }
        let layer = Spiking::new(gpu, &params(surrogate)).unwrap();
        let mut line = format!(
            "{} {}x2^{}:",
            surrogate.name(),
            shape.steps,
            shape.neurons.ilog2()
        );
        let mut bench: Option<Bench<f32>> = None;
        for (vector, chunk, threads) in cuts {
            if (chunk == 4) != (shape.steps == 4) {
                continue;
            }
            let tuning = Tuning {
                forward_vector: 4,
                ahead: 8,
                backward_vector: vector,
                chunk,
                threads,
                side_by_side: false,
            };
            let options = options(SpikeFormat::Real, Some(tuning));
            let bench =
                bench.get_or_insert_with(|| Bench::new(gpu, &params(surrogate), shape, options, 2));
            bench.plan = layer.plan(shape, options).unwrap();
            bench.kept = bench.plan.checkpoint_len();
            let [_, backward, both] = bench.time(11);
            write!(line, " v{vector}K{chunk}t{threads} {backward:.4}/{both:.4}").unwrap();
        }
        println!("{line}");
    }
}

/// Compiles for all of `tunings` at once.
fn compile<X: Number>(gpu: &Gpu, shape: Shape, tunings: &[Tuning], formats: &[SpikeFormat]) {
    let layer = Spiking::new(gpu, &params(Surrogate::default())).unwrap();
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for part in tunings.chunks(tunings.len().div_ceil(threads)) {
            let layer = &layer;
            scope.spawn(move || {
                for tuning in part {
                    for format in formats {
                        let options = options(*format, Some(*tuning));
                        layer.plan::<X>(shape, options).unwrap();
                    }
                }
            });
        }
    });
}

fn sweep_small(gpu: &Gpu, shape: Shape) {
    let mut tunings = Vec::new();
    for chunk in [4, 8, 16] {
        for side_by_side in [false, true] {
            for (threads, ahead) in [(32, 8), (32, 16), (32, 32), (64, 16)] {
                tunings.push(Tuning {
                    forward_vector: 1,
                    ahead,
                    backward_vector: 1,
                    chunk,
                    threads,
                    side_by_side,
                });
            }
        }
    }
    compile::<f32>(gpu, shape, &tunings, &[SpikeFormat::Real]);
    for tuning in tunings {
        let options = options(SpikeFormat::Real, Some(tuning));
        let mut bench = Bench::<f32>::new(gpu, &params(Surrogate::default()), shape, options, 1);
        let [f, b, _] = bench.time(30);
        println!(
            "{} x {} chunk {} side {} threads {} ahead {}: f {f:.4} b {b:.4} graph {:.5}",
            shape.steps,
            shape.neurons,
            tuning.chunk,
            tuning.side_by_side,
            tuning.threads,
            tuning.ahead,
            bench.replay()
        );
    }
}

fn sweep_as<X: Number>(gpu: &Gpu, shape: Shape, vectors: &[usize], formats: &[SpikeFormat]) {
    let chunks: &[usize] = if shape.steps == 4 {
        &[4]
    } else {
        &[4, 8, 16, 32]
    };
    let mut tunings = Vec::new();
    for vector in vectors {
        for chunk in chunks {
            for (threads, ahead) in [
                (64, 8),
                (64, 16),
                (128, 4),
                (128, 8),
                (128, 16),
                (128, 32),
                (256, 8),
            ] {
                if vector * chunk * size_of::<X>() > 256 || vector * ahead * size_of::<X>() > 256 {
                    continue;
                }
                tunings.push(Tuning {
                    forward_vector: *vector,
                    ahead,
                    backward_vector: *vector,
                    chunk: *chunk,
                    threads,
                    side_by_side: false,
                });
            }
        }
    }
    compile::<X>(gpu, shape, &tunings, formats);
    for format in formats {
        // The shortest chunks leave the most checkpoints.
        let first = options(*format, Some(tunings[0]));
        let mut bench = Bench::<X>::new(gpu, &params(Surrogate::default()), shape, first, 2);
        let layer = Spiking::new(gpu, &params(Surrogate::default())).unwrap();
        for chunk in chunks {
            let mut rows = Vec::new();
            for tuning in tunings.iter().filter(|tuning| tuning.chunk == *chunk) {
                bench.plan = layer
                    .plan::<X>(shape, options(*format, Some(*tuning)))
                    .unwrap();
                bench.kept = bench.plan.checkpoint_len();
                rows.push((bench.time(11), tuning));
            }
            let mut line = format!(
                "{} {format:?} {}x2^{} K{chunk}:",
                X::NAME,
                shape.steps,
                shape.neurons.ilog2()
            );
            let mut best = 0.0;
            for (which, name) in ["f", "b"].into_iter().enumerate() {
                rows.sort_by(|a, b| a.0[which].total_cmp(&b.0[which]));
                best += rows[0].0[which];
                for (times, t) in rows.iter().take(3) {
                    write!(
                        line,
                        " {name}{:.4}(v{} a{} t{})",
                        times[which], t.forward_vector, t.ahead, t.threads
                    )
                    .unwrap();
                }
            }
            println!("{line} = {best:.4}");
        }
    }
}
