//! Random inputs, runs on the GPU, comparisons.

use std::sync::atomic::{AtomicUsize, Ordering};

use lif_host::cpu::{Model, NeuronParams};
use lif_host::cuda::{
    Backward, Forward, Gpu, Options, Shape, SpikeFormat, SpikesMut, Spiking, Storage,
};
use lif_host::rng::Stream;
use lif_host::surrogate::Surrogate;
use lif_nostd::neuron::LifConfig;

/// Numbers from a bell about `mean`.
pub(crate) fn normal(seed: u64, len: usize, mean: f32, spread: f32) -> Vec<f32> {
    let stream = Stream::new(seed, 7);
    let draw = |i: usize| {
        let at = 4 * i as u64;
        let sum: f32 = (0..4).map(|k| stream.unit(at + k) - 0.5).sum();
        mean + spread * 1.7 * sum
    };
    (0..len).map(draw).collect()
}

/// The same with every kind of special value among them.
pub(crate) fn special(seed: u64, len: usize) -> Vec<f32> {
    const SPECIAL: [f32; 14] = [
        0.0,
        -0.0,
        1.0,
        2.0,
        f32::MIN_POSITIVE,
        1e-40,
        -3e-45,
        1e-30,
        -1e-25,
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ];
    let stream = Stream::new(seed, 8);
    let mut x = normal(seed, len, 0.4, 1.0);
    for (i, x) in x.iter_mut().enumerate() {
        let draw = stream.below(i as u64, 400);
        // Every other neuron of a few is spared what would leave NaN in all later steps.
        let most = if i % 3 == 0 { 14 } else { 9 };
        if let Some(value) = SPECIAL[..most].get(draw as usize) {
            *x = *value;
        } else if draw < 200 {
            // As a layer of spikes has it.
            *x = 0.0;
        }
    }
    x
}

/// Parameters of a layer; ATan.
pub(crate) fn params(model: Model, config: LifConfig) -> NeuronParams {
    NeuronParams {
        model,
        config,
        detach_reset: false,
        surrogate: Surrogate::default(),
        spiking: true,
    }
}

/// LIF hard, LIF soft and SimpleLIF, with and without `decay_input`, of time constant `tau`.
pub(crate) fn kinds(tau: f64) -> Vec<NeuronParams> {
    let mut all = Vec::new();
    for decay_input in [true, false] {
        let config = LifConfig::new(tau).decay_input(decay_input);
        let hard = config.v_threshold(0.9).v_reset(-0.1);
        all.push(params(Model::Lif, hard));
        all.push(params(Model::Lif, config.v_reset(0.0)));
        all.push(params(Model::Lif, config.v_threshold(0.7).soft_reset()));
        all.push(params(Model::SimpleLif, config.v_reset(-0.3)));
    }
    all
}

/// What a forward leaves on the host.
#[derive(Clone, Debug)]
pub(crate) struct Left<X> {
    pub(crate) spikes: Vec<X>,
    pub(crate) v: Option<Vec<X>>,
    pub(crate) v_last: Vec<f32>,
    pub(crate) checkpoints: Vec<f32>,
}

/// Gradients that come in, on the host.
#[derive(Clone, Debug)]
pub(crate) struct Incoming<X> {
    pub(crate) spikes: Vec<X>,
    pub(crate) v: Option<Vec<X>>,
    pub(crate) v_last: Option<Vec<f32>>,
}

/// Gradients on the inputs and on the initial membranes.
pub(crate) type Gradients<X> = (Vec<X>, Vec<f32>);

/// Runs a forward, and a backward if gradients come in, on a stream of its own: what it leaves, the gradients on the
/// inputs and on the initial membranes.
pub(crate) fn run<X: Storage>(
    gpu: &Gpu,
    params: &NeuronParams,
    shape: Shape,
    options: Options,
    (x, v_init): (&[X], Option<&[f32]>),
    incoming: Option<&Incoming<X>>,
) -> (Left<X>, Option<Gradients<X>>) {
    let gpu = gpu.on_new_stream().unwrap();
    let stream = gpu.stream();
    let options = Options {
        grad_v_seq: incoming.is_some_and(|i| i.v.is_some()),
        spikes: SpikeFormat::Real,
        ..options
    };
    let plan = Spiking::new(&gpu, params)
        .unwrap()
        .plan::<X>(shape, options)
        .unwrap();
    let n = shape.neurons;
    let x = stream.clone_htod(x).unwrap();
    let v_init = v_init.map(|v| stream.clone_htod(v).unwrap());
    let mut spikes = stream.alloc_zeros::<X>(x.len()).unwrap();
    let mut v = stream.alloc_zeros::<X>(x.len()).unwrap();
    let mut v_last = stream.clone_htod(&vec![f32::NAN; n]).unwrap();
    let kept_len = plan.checkpoint_len();
    let mut kept = stream.clone_htod(&vec![f32::NAN; kept_len.max(1)]).unwrap();
    plan.forward(Forward {
        x_seq: x.as_view(),
        v_init: v_init.as_ref().map(|v| v.as_view()),
        spike_seq: SpikesMut::Real(spikes.as_view_mut()),
        v_seq: options.v_seq.then(|| v.as_view_mut()),
        v_last: Some(v_last.as_view_mut()),
        checkpoints: (kept_len > 0).then(|| kept.slice_mut(..kept_len)),
    })
    .unwrap();
    let grads = incoming.map(|incoming| {
        let grad_spikes = stream.clone_htod(&incoming.spikes).unwrap();
        let grad_v = incoming.v.as_ref().map(|v| stream.clone_htod(v).unwrap());
        let grad_v_last = incoming.v_last.as_ref();
        let grad_v_last = grad_v_last.map(|v| stream.clone_htod(v).unwrap());
        let mut grad_x = stream.alloc_zeros::<X>(x.len()).unwrap();
        let mut grad_v_init = stream.clone_htod(&vec![f32::NAN; n]).unwrap();
        plan.backward(Backward {
            x_seq: x.as_view(),
            v_init: v_init.as_ref().map(|v| v.as_view()),
            checkpoints: (kept_len > 0).then(|| kept.slice(..kept_len)),
            grad_spike_seq: grad_spikes.as_view(),
            grad_v_seq: grad_v.as_ref().map(|v| v.as_view()),
            grad_v_last: grad_v_last.as_ref().map(|v| v.as_view()),
            grad_x_seq: grad_x.as_view_mut(),
            grad_v_init: Some(grad_v_init.as_view_mut()),
        })
        .unwrap();
        (host(&gpu, &grad_x), host(&gpu, &grad_v_init))
    });
    let left = Left {
        spikes: host(&gpu, &spikes),
        v: options.v_seq.then(|| host(&gpu, &v)),
        v_last: host(&gpu, &v_last),
        checkpoints: host(&gpu, &kept),
    };
    (left, grads)
}

/// The values of a slice.
pub(crate) fn host<T: lif_host::cuda::cudarc::driver::DeviceRepr + Clone + Default>(
    gpu: &Gpu,
    slice: &lif_host::cuda::cudarc::driver::CudaSlice<T>,
) -> Vec<T> {
    let values = gpu.stream().clone_dtoh(slice).unwrap();
    gpu.stream().synchronize().unwrap();
    values
}

/// Equal in every bit, any two NaNs being equal.
#[track_caller]
pub(crate) fn same_bits(what: &str, got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
        assert!(
            same,
            "{what} at {i}: {got:e} ({:#x}), not {want:e} ({:#x})",
            got.to_bits(),
            want.to_bits()
        );
    }
}

/// Runs `work` on each of `items` in as many threads as the machine has; panics if one did.
pub(crate) fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}
