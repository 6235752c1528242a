//! Surrogates value by value.

use lif_host::cuda::{Gpu, evaluate};
use lif_host::surrogate::Surrogate;

use super::data::{host, normal, same_bits};

/// Surrogates whose primitive is the four operations alone.
fn is_exact(surrogate: &Surrogate) -> bool {
    matches!(
        surrogate,
        Surrogate::PiecewiseQuadratic { .. }
            | Surrogate::SoftSign { .. }
            | Surrogate::PiecewiseLeakyRelu { .. }
            | Surrogate::LeakyKRelu { .. }
            | Surrogate::DeterministicPass {}
            | Surrogate::Rect { .. }
            | Surrogate::MultiLevelSpikeCount { .. }
    )
}

/// Where a period is within the rounding of the argument.
fn is_far(surrogate: &Surrogate, x: f32) -> bool {
    let periodic = matches!(surrogate, Surrogate::SquarewaveFourierSeries { .. });
    periodic && x.is_finite() && x.abs() > 1e3
}

pub(crate) fn values(gpu: &Gpu) -> String {
    let mut points = vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        1e-30,
        -1e-42,
        1e30,
        f32::MAX,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ];
    points.extend(normal(1, 20_000, 0.0, 1.0));
    points.extend(normal(2, 5_000, 0.0, 20.0));
    let stream = gpu.stream();
    let x = stream.clone_htod(&points).unwrap();
    let mut count = 0;
    for mut surrogate in Surrogate::ALL {
        for round in 0..2 {
            for (i, name) in surrogate.param_names().iter().enumerate() {
                if round == 1 || *name == "max_spike_count" {
                    let value = if i == 0 { 3.0 } else { 4.0 };
                    surrogate.set(name, value).unwrap();
                }
            }
            if round == 1 && surrogate.name() == "multi-level-spike-count" {
                surrogate.set("grad_min", -0.5).unwrap();
            }
            count += 1;
            let mut grad = stream.clone_htod(&vec![7.0; points.len()]).unwrap();
            let mut primitive = stream.clone_htod(&vec![7.0; points.len()]).unwrap();
            let mut out = primitive.as_view_mut();
            let asked = surrogate.has_primitive().then_some(&mut out);
            evaluate(
                gpu,
                &surrogate,
                &x.as_view(),
                &mut grad.as_view_mut(),
                asked,
            )
            .unwrap();
            // A cosine at its zero is as far from 0 as pi is from its f64.
            let least = if surrogate.name() == "squarewave-fourier-series" {
                1e-12
            } else {
                1e-44
            };
            for (x, got) in points.iter().zip(host(gpu, &grad)) {
                let want = surrogate.grad(f64::from(*x));
                let near = (f64::from(got) - want).abs() <= 1e-6 * want.abs() + least;
                let same = got == want as f32 || got.is_nan() && want.is_nan();
                assert!(
                    near || same || is_far(&surrogate, *x),
                    "{surrogate:?} at {x:e}: {got:e}, not {want:e}"
                );
            }
            if !surrogate.has_primitive() {
                continue;
            }
            let got = host(gpu, &primitive);
            let want: Vec<f32> = points
                .iter()
                .map(|x| surrogate.primitive(*x).unwrap())
                .collect();
            if is_exact(&surrogate) {
                same_bits(&format!("primitive of {surrogate:?}"), &got, &want);
            }
            for ((x, got), want) in points.iter().zip(got).zip(want) {
                let near = (got - want).abs() <= 2e-6 * want.abs().max(1.0);
                let same = got == want || got.is_nan() && want.is_nan();
                let far = is_far(&surrogate, *x);
                assert!(
                    near || same || far,
                    "primitive of {surrogate:?} at {x:e}: {got:e}, not {want:e}"
                );
            }
        }
    }
    format!("{count} surrogates, {} values each", points.len())
}
