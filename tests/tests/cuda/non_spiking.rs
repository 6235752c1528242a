//! NonSpikingLIF against the CPU and the oracle.

use lif_host::cpu::NonSpiking as OnCpu;
use lif_host::cuda::{Gpu, NonSpiking, Shape};
use lif_nostd::neuron::Decode;
use lif_tests::oracle::backward::non_spiking_backward;

use super::data::{host, in_parallel, normal, same_bits, special};

const SHAPES: [(usize, usize); 8] = [
    (1, 1),
    (1, 40),
    (5, 33),
    (17, 128),
    (100, 70),
    (1000, 12),
    (4, 600_000),
    (5, 540_673),
];

fn cases() -> Vec<(f64, Decode, Shape)> {
    let mut cases = Vec::new();
    for tau in [2.0, 1.7, 0.6, -3.0, 1e12] {
        for decode in Decode::ALL {
            for (steps, n) in SHAPES {
                if n < 1000 || tau == 1.7 {
                    cases.push((tau, decode, Shape::new(steps, n)));
                }
            }
        }
    }
    cases
}

/// The output and the gradients on the inputs.
fn run(
    gpu: &Gpu,
    (tau, decode, shape): (f64, Decode, Shape),
    x: &[f32],
    grad: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let gpu = gpu.on_new_stream().unwrap();
    let stream = gpu.stream();
    let plan = NonSpiking::new(&gpu, tau, decode)
        .unwrap()
        .plan::<f32>(shape)
        .unwrap();
    let x = stream.clone_htod(x).unwrap();
    let mut output = stream
        .clone_htod(&vec![f32::NAN; plan.output_len()])
        .unwrap();
    let mut chosen = stream.clone_htod(&vec![-7; shape.neurons]).unwrap();
    let mut out = chosen.as_view_mut();
    let kept = plan.has_chosen().then_some(&mut out);
    plan.forward(&x.as_view(), &mut output.as_view_mut(), kept)
        .unwrap();
    let grad = stream.clone_htod(&grad[..plan.output_len()]).unwrap();
    let mut grad_x = stream.clone_htod(&vec![f32::NAN; x.len()]).unwrap();
    let chosen = chosen.as_view();
    let kept = plan.has_chosen().then_some(&chosen);
    plan.backward(&grad.as_view(), kept, &mut grad_x.as_view_mut())
        .unwrap();
    (host(&gpu, &output), host(&gpu, &grad_x))
}

pub(crate) fn forward(gpu: &Gpu) -> String {
    let cases = cases();
    in_parallel(&cases, |case| {
        let (tau, decode, shape) = *case;
        let x = special(shape.steps as u64, shape.steps * shape.neurons);
        let want = OnCpu::<f32>::new(tau, decode)
            .unwrap()
            .forward(shape.neurons, &x);
        let (got, _) = run(gpu, *case, &x, &x);
        same_bits(&format!("{case:?}"), &got, &want.output);
    });
    format!("{} layers", cases.len())
}

pub(crate) fn backward(gpu: &Gpu) -> String {
    let cases = cases();
    in_parallel(&cases, |case| {
        let (tau, decode, shape) = *case;
        let (steps, n) = (shape.steps, shape.neurons);
        let x = normal(3, steps * n, 0.1, 1.0);
        let grad = normal(4, steps * n, 0.0, 1.0);
        let cpu = OnCpu::<f32>::new(tau, decode).unwrap();
        let forward = cpu.forward(n, &x);
        let (_, got) = run(gpu, *case, &x, &grad);
        let want = cpu.backward(&forward, &grad[..forward.output.len()]);
        for i in 0..n.min(4000) {
            let on_v: Vec<f64> = (0..steps)
                .map(|t| on_membrane(decode, &forward.v, (t, i, steps, n), &grad))
                .collect();
            let terms = non_spiking_backward(f64::from(tau as f32), &on_v);
            for (t, terms) in terms.iter().enumerate() {
                let (got, want) = (f64::from(got[t * n + i]), f64::from(want[t * n + i]));
                // What f32 holds with all its bits.
                if !(1e-37..1e38).contains(&terms.value.abs()) {
                    continue;
                }
                assert!(
                    terms.error(got) <= 1e-5,
                    "{case:?} at {t}, {i}: {got:e}, not {terms:?}"
                );
                assert!(
                    (got - want).abs() <= 1e-6 * want.abs() + 1e-44,
                    "{got:e}, the CPU's {want:e}"
                );
            }
        }
        for (got, want) in got.iter().zip(&want) {
            assert!(
                (got - want).abs() <= 1e-6 * want.abs() + 1e-44 || got == want,
                "{case:?}: {got:e}, the CPU's {want:e}"
            );
        }
    });
    format!("{} layers", cases.len())
}

/// The gradient that comes in on the membrane of step `t` of neuron `i`, by the definition of the decode.
fn on_membrane(
    decode: Decode,
    v: &[f32],
    (t, i, steps, n): (usize, usize, usize, usize),
    grad: &[f32],
) -> f64 {
    let column = || v.iter().skip(i).step_by(n).copied().enumerate();
    let first_max = || {
        column().fold((0, f32::NEG_INFINITY), |best, (t, v)| {
            if v > best.1 { (t, v) } else { best }
        })
    };
    let first_min = || {
        column().fold(
            (0, f32::INFINITY),
            |best, (t, v)| if v < best.1 { (t, v) } else { best },
        )
    };
    let from = match decode {
        Decode::None => return grad[t * n + i].into(),
        Decode::MeanMem => return f64::from(grad[i]) / steps as f64,
        Decode::MaxMem => first_max().0,
        Decode::MaxAbsMem if first_max().1.abs() > first_min().1.abs() => first_max().0,
        Decode::MaxAbsMem => first_min().0,
        _ => steps - 1,
    };
    if from == t { grad[i].into() } else { 0.0 }
}
