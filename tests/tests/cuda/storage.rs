//! Spike formats, half precision, offsets.

use half::{bf16, f16};
use lif_host::cpu::{Neurons, Upstream};
use lif_host::cuda::{
    Backward, Forward, Gpu, Options, Shape, SpikeFormat, SpikesMut, Spiking, Storage, Tuning,
};

use super::data::{Incoming, host, in_parallel, kinds, normal, run, same_bits};
use super::forward::tunings;

/// Bytes and bits of the spikes that numbers gave.
pub(crate) fn spike_formats(gpu: &Gpu) -> String {
    let mut cases = Vec::new();
    for shape in [
        (1, 1),
        (3, 31),
        (3, 33),
        (2, 70),
        (5, 64),
        (17, 1000),
        (4, 200_000),
    ] {
        let shape = Shape::new(shape.0, shape.1);
        let tunings = if shape.neurons > 1000 {
            vec![None]
        } else {
            tunings(shape)
        };
        for tuning in tunings {
            cases.push((shape, tuning));
        }
    }
    in_parallel(&cases, |(shape, tuning)| {
        formats_agree(gpu, *shape, *tuning)
    });
    format!("{} shapes and cuts", cases.len())
}

fn formats_agree(gpu: &Gpu, shape: Shape, tuning: Option<Tuning>) {
    let params = kinds(2.0)[1];
    let x = normal(5, shape.values().unwrap(), 1.0, 1.0);
    let options = Options {
        tuning,
        ..Options::default()
    };
    let (want, _) = run::<f32>(gpu, &params, shape, options, (&x, None), None);
    let gpu = gpu.on_new_stream().unwrap();
    let stream = gpu.stream();
    let x = stream.clone_htod(&x).unwrap();
    let layer = Spiking::new(&gpu, &params).unwrap();
    let n = shape.neurons;
    let forward = |format, spikes: SpikesMut<'_, f32>| {
        let options = Options {
            spikes: format,
            ..options
        };
        let plan = layer.plan::<f32>(shape, options).unwrap();
        plan.forward(Forward {
            x_seq: x.as_view(),
            v_init: None,
            spike_seq: spikes,
            v_seq: None,
            v_last: None,
            checkpoints: None,
        })
        .unwrap();
    };
    let len = SpikeFormat::Bytes.len(shape);
    let mut bytes = stream.clone_htod(&vec![0xa5u8; len]).unwrap();
    forward(SpikeFormat::Bytes, SpikesMut::Bytes(bytes.as_view_mut()));
    let bytes: Vec<f32> = host(&gpu, &bytes).into_iter().map(f32::from).collect();
    same_bits(
        &format!("bytes, {shape:?} {tuning:?}"),
        &bytes,
        &want.spikes,
    );
    let len = SpikeFormat::Bits.len(shape);
    let mut words = stream.clone_htod(&vec![0xa5a5_a5a5u32; len]).unwrap();
    forward(SpikeFormat::Bits, SpikesMut::Bits(words.as_view_mut()));
    let words = host(&gpu, &words);
    for (row, want) in words.chunks(n.div_ceil(32)).zip(want.spikes.chunks(n)) {
        let got: Vec<bool> = lif_tests::population::unpack(row, n);
        let want: Vec<bool> = want.iter().map(|s| *s == 1.0).collect();
        assert_eq!(got, want, "bits, {shape:?} {tuning:?}");
    }
}

/// A storage type on the host.
trait Half: Storage + PartialEq + std::fmt::Debug {
    /// Half the distance of 1 and the next number, and of 0 and the next.
    const ROUNDING: (f64, f64);
    fn round(x: f32) -> Self;
    fn wide(self) -> f32;
}

impl Half for f16 {
    const ROUNDING: (f64, f64) = (4.9e-4, 3e-8);
    fn round(x: f32) -> Self {
        Self::from_f32(x)
    }
    fn wide(self) -> f32 {
        self.to_f32()
    }
}

impl Half for bf16 {
    const ROUNDING: (f64, f64) = (3.95e-3, 1e-40);
    fn round(x: f32) -> Self {
        Self::from_f32(x)
    }
    fn wide(self) -> f32 {
        self.to_f32()
    }
}

/// Inputs and results rounded to the storage type, everything between in f32.
pub(crate) fn half_precision(gpu: &Gpu) -> String {
    let cases = half_of::<f16>(gpu) + half_of::<bf16>(gpu);
    format!("{cases} layers")
}

fn half_of<X: Half + Sync>(gpu: &Gpu) -> usize {
    let mut cases = Vec::new();
    for params in kinds(1.7).into_iter().chain(kinds(2.0)) {
        for (steps, n) in [(1, 3), (5, 66), (17, 264), (64, 40), (16, 1 << 16)] {
            let shape = Shape::new(steps, n);
            let mut tunings = tunings(shape);
            let wide = Tuning {
                forward_vector: 8,
                backward_vector: 8,
                chunk: 4,
                ahead: 4,
                threads: 128,
                side_by_side: false,
            };
            if n % 8 == 0 {
                tunings.push(Some(wide));
            }
            cases.push((params, shape, tunings[cases.len() % tunings.len()]));
        }
    }
    in_parallel(&cases, |(params, shape, tuning)| {
        let (len, n) = (shape.steps * shape.neurons, shape.neurons);
        let rounded = |seed, len, mean| -> Vec<X> {
            normal(seed, len, mean, 1.0)
                .into_iter()
                .map(X::round)
                .collect()
        };
        let wide = |x: &[X]| -> Vec<f32> { x.iter().map(|x| x.wide()).collect() };
        let x = rounded(1, len, 0.7);
        let incoming = Incoming {
            spikes: rounded(2, len, 0.0),
            v: Some(rounded(3, len, 0.0)),
            v_last: None,
        };
        let options = Options {
            v_seq: true,
            tuning: *tuning,
            ..Options::default()
        };
        let (got, grads) = run::<X>(gpu, params, *shape, options, (&x, None), Some(&incoming));
        let neurons = Neurons::<f32>::new(params).unwrap();
        let want = neurons.forward(n, &wide(&x), None);
        let what = format!("{} {params:?} {shape:?} {tuning:?}", X::NAME);
        same_bits(&what, &wide(&got.spikes), &want.spikes);
        let v: Vec<f32> = want.v.iter().map(|v| X::round(*v).wide()).collect();
        same_bits(&what, &wide(&got.v.unwrap()), &v);
        same_bits(&what, &got.v_last, &want.v_last);
        let (spikes, v) = (wide(&incoming.spikes), wide(&incoming.v.unwrap()));
        let up = Upstream {
            spikes: &spikes,
            v: Some(&v),
            v_last: None,
        };
        let grad_x = wide(&grads.unwrap().0);
        neurons.backward_into(n, &want.h, &want.spikes, up, |t, i, want| {
            let got = f64::from(grad_x[t * n + i]);
            let (relative, least) = X::ROUNDING;
            let near = (got - want).abs() <= relative * want.abs() + least + 1e-12;
            assert!(near, "{what}: gradient {got:e}, not {want:e} at {t}, {i}");
        });
    });
    cases.len()
}

/// More than 2^31 values, and rows that start past 2^31: forward and backward at the ends of each row.
pub(crate) fn large_offsets(gpu: &Gpu) -> String {
    const WINDOW: usize = 1 << 10;
    let gpu = gpu.on_new_stream().unwrap();
    let stream = gpu.stream();
    let shape = Shape::new(3, (1 << 30) + 64);
    let n = shape.neurons;
    let len = shape.values().unwrap();
    let need = 3 * 2 * len + len;
    let (free, _) = stream.context().mem_get_info().unwrap();
    if free < need + (1 << 30) {
        return format!("not run: {free} bytes of memory are free, {need} are needed");
    }
    let params = kinds(2.0)[0];
    let mut x = stream.alloc_zeros::<f16>(len).unwrap();
    let mut grad = stream.alloc_zeros::<f16>(len).unwrap();
    let mut grad_x = stream.alloc_zeros::<f16>(len).unwrap();
    let mut spikes = stream.alloc_zeros::<u8>(len).unwrap();
    // The first and the last neurons have inputs, in each step.
    let starts = [0, n - WINDOW];
    let window: Vec<f16> = normal(3, 3 * WINDOW, 1.0, 1.0)
        .into_iter()
        .map(f16::from_f32)
        .collect();
    for (t, row) in window.chunks(WINDOW).enumerate() {
        for start in starts {
            let at = t * n + start;
            stream
                .memcpy_htod(row, &mut x.slice_mut(at..at + WINDOW))
                .unwrap();
            stream
                .memcpy_htod(row, &mut grad.slice_mut(at..at + WINDOW))
                .unwrap();
        }
    }
    let options = Options {
        spikes: SpikeFormat::Bytes,
        ..Options::default()
    };
    let plan = Spiking::new(&gpu, &params)
        .unwrap()
        .plan::<f16>(shape, options)
        .unwrap();
    assert_eq!(plan.checkpoint_len(), 0);
    plan.forward(Forward {
        x_seq: x.as_view(),
        v_init: None,
        spike_seq: SpikesMut::Bytes(spikes.as_view_mut()),
        v_seq: None,
        v_last: None,
        checkpoints: None,
    })
    .unwrap();
    plan.backward(Backward {
        x_seq: x.as_view(),
        v_init: None,
        checkpoints: None,
        grad_spike_seq: grad.as_view(),
        grad_v_seq: None,
        grad_v_last: None,
        grad_x_seq: grad_x.as_view_mut(),
        grad_v_init: None,
    })
    .unwrap();
    let wide: Vec<f32> = window.iter().map(|x| x.to_f32()).collect();
    let neurons = Neurons::<f32>::new(&params).unwrap();
    let want = neurons.forward(WINDOW, &wide, None);
    let up = Upstream {
        spikes: &wide,
        v: None,
        v_last: None,
    };
    let (want_grad, _) = neurons.backward(WINDOW, &want.h, &want.spikes, up);
    for t in 0..3 {
        let row = t * WINDOW..(t + 1) * WINDOW;
        for start in starts {
            let at = t * n + start;
            let got = stream.clone_dtoh(&spikes.slice(at..at + WINDOW)).unwrap();
            let got: Vec<f32> = got.into_iter().map(f32::from).collect();
            same_bits("spikes", &got, &want.spikes[row.clone()]);
            let got = stream.clone_dtoh(&grad_x.slice(at..at + WINDOW)).unwrap();
            for (got, want) in got.iter().zip(&want_grad[row.clone()]) {
                let near = (got.to_f32() - want).abs() <= 1e-3 * want.abs() + 1e-7;
                assert!(near, "gradient {got}, not {want}");
            }
        }
        let middle = stream.clone_dtoh(&spikes.slice(t * n + n / 2..t * n + n / 2 + WINDOW));
        assert!(middle.unwrap().iter().all(|s| *s == 0));
    }
    format!("{len} values")
}
