//! Errors, graphs, the cache, streams.

use lif_host::cuda::cudarc::driver::sys::{CUgraphInstantiate_flags, CUstreamCaptureMode};
use lif_host::cuda::{
    Backward, Error, Forward, Gpu, Options, Plan, Shape, SpikeFormat, SpikesMut, Spiking, Tuning,
    evaluate,
};
use lif_host::surrogate::Surrogate;

use super::data::{host, kinds, normal, same_bits};

const STEPS: usize = 40;
const N: usize = 96;

/// Buffers of a forward and a backward.
struct Buffers {
    x: Slice,
    spikes: Slice,
    kept: Slice,
    grad: Slice,
    grad_x: Slice,
}

type Slice = lif_host::cuda::cudarc::driver::CudaSlice<f32>;

impl Buffers {
    fn new(gpu: &Gpu) -> Self {
        let upload = |seed| {
            gpu.stream()
                .clone_htod(&normal(seed, STEPS * N, 0.6, 1.0))
                .unwrap()
        };
        Self {
            x: upload(1),
            spikes: upload(2),
            kept: upload(3),
            grad: upload(4),
            grad_x: upload(5),
        }
    }

    fn forward(&mut self, kept: usize) -> Forward<'_, f32> {
        Forward {
            x_seq: self.x.as_view(),
            v_init: None,
            spike_seq: SpikesMut::Real(self.spikes.as_view_mut()),
            v_seq: None,
            v_last: None,
            checkpoints: Some(self.kept.slice_mut(..kept)),
        }
    }

    fn backward(&mut self, kept: usize) -> Backward<'_, f32> {
        Backward {
            x_seq: self.x.as_view(),
            v_init: None,
            checkpoints: Some(self.kept.slice(..kept)),
            grad_spike_seq: self.grad.as_view(),
            grad_v_seq: None,
            grad_v_last: None,
            grad_x_seq: self.grad_x.as_view_mut(),
            grad_v_init: None,
        }
    }
}

fn plan(gpu: &Gpu, options: Options) -> Plan<f32> {
    let layer = Spiking::new(gpu, &kinds(2.0)[1]).unwrap();
    layer.plan(Shape::new(STEPS, N), options).unwrap()
}

/// The argument that an error names.
fn argument(done: Result<(), Error>) -> (&'static str, &'static str) {
    match done.unwrap_err() {
        Error::Length { argument, .. } => ("length", argument),
        Error::Missing { argument, .. } => ("missing", argument),
        Error::Unexpected { argument, .. } => ("unexpected", argument),
        Error::Alignment { argument, .. } => ("alignment", argument),
        Error::Stream { argument } => ("stream", argument),
        other => panic!("{other}"),
    }
}

pub(crate) fn errors(gpu: &Gpu) -> String {
    let gpu = &gpu.on_new_stream().unwrap();
    let mut b = Buffers::new(gpu);
    let p = plan(gpu, Options::default());
    let kept = p.checkpoint_len();
    let mut f = b.forward(kept);
    f.checkpoints = None;
    p.forward(f).unwrap();
    let short = gpu.stream().clone_htod(&[0.0f32; 7]).unwrap();
    let mut bytes = gpu.stream().clone_htod(&vec![0u8; STEPS * N]).unwrap();
    let elsewhere = gpu.on_new_stream().unwrap();
    let foreign = elsewhere
        .stream()
        .clone_htod(&vec![0.0f32; STEPS * N])
        .unwrap();
    let mut checks = 0;
    let mut says = |done: Result<(), Error>, kind: &str, name: &str| {
        assert_eq!(argument(done), (kind, name));
        checks += 1;
    };
    let mut f = b.forward(kept);
    f.x_seq = short.as_view();
    says(p.forward(f), "length", "x_seq");
    let mut f = b.forward(kept);
    f.x_seq = foreign.as_view();
    says(p.forward(f), "stream", "x_seq");
    let mut f = b.forward(kept);
    f.v_init = Some(short.as_view());
    says(p.forward(f), "length", "v_init");
    let mut f = b.forward(kept);
    f.spike_seq = SpikesMut::Bytes(bytes.as_view_mut());
    says(p.forward(f), "unexpected", "spike_seq");
    says(p.forward(b.forward(kept - 1)), "length", "checkpoints");
    let mut extra = gpu.stream().clone_htod(&vec![0.0f32; STEPS * N]).unwrap();
    let mut f = b.forward(kept);
    f.v_seq = Some(extra.as_view_mut());
    says(p.forward(f), "unexpected", "v_seq");
    let with_v = plan(
        gpu,
        Options {
            v_seq: true,
            ..Options::default()
        },
    );
    says(with_v.forward(b.forward(kept)), "missing", "v_seq");
    let mut back = b.backward(kept);
    back.checkpoints = None;
    says(p.backward(back), "missing", "checkpoints");
    let mut back = b.backward(kept);
    back.grad_spike_seq = short.as_view();
    says(p.backward(back), "length", "grad_spike_seq");
    let mut back = b.backward(kept);
    back.grad_v_seq = Some(foreign.as_view());
    says(p.backward(back), "unexpected", "grad_v_seq");
    // A view that starts beside a multiple of 16 bytes.
    let wide = Tuning {
        forward_vector: 4,
        ahead: 4,
        backward_vector: 1,
        chunk: 16,
        threads: 64,
        side_by_side: false,
    };
    let p = plan(
        gpu,
        Options {
            tuning: Some(wide),
            ..Options::default()
        },
    );
    let longer = gpu
        .stream()
        .clone_htod(&vec![0.0f32; STEPS * N + 1])
        .unwrap();
    let mut f = b.forward(p.checkpoint_len());
    f.x_seq = longer.slice(1..);
    says(p.forward(f), "alignment", "x_seq");
    let mut out = gpu.stream().clone_htod(&[0.0f32; 7]).unwrap();
    let done = evaluate(
        gpu,
        &Surrogate::default(),
        &foreign.as_view(),
        &mut out.as_view_mut(),
        None,
    );
    says(done, "stream", "x");
    format!("{checks} calls, {}", plans_that_are_refused(gpu))
}

fn plans_that_are_refused(gpu: &Gpu) -> String {
    let layer = Spiking::new(gpu, &kinds(2.0)[1]).unwrap();
    let refused =
        |shape: Shape, options: Options| layer.plan::<f32>(shape, options).unwrap_err().to_string();
    let good = plan(gpu, Options::default()).tuning();
    let mut rows = vec![(
        refused(Shape::new(0, 5), Options::default()),
        "shape [0, 5]",
    )];
    rows.push((
        refused(Shape::new(usize::MAX, 5), Options::default()),
        "shape [",
    ));
    for (tuning, names) in [
        (Tuning { chunk: 12, ..good }, "chunk = 12"),
        (
            Tuning {
                forward_vector: 64,
                ..good
            },
            "forward_vector = 64",
        ),
        (
            Tuning {
                backward_vector: 3,
                ..good
            },
            "backward_vector = 3",
        ),
        (Tuning { ahead: 12, ..good }, "ahead = 12"),
        (
            Tuning {
                threads: 33,
                ..good
            },
            "threads = 33",
        ),
    ] {
        let options = Options {
            tuning: Some(tuning),
            ..Options::default()
        };
        rows.push((refused(Shape::new(STEPS, N), options), names));
    }
    let mut counts = kinds(2.0)[1];
    counts.surrogate = Surrogate::MultiLevelSpikeCount {
        max_spike_count: 3,
        grad_min: None,
        grad_max: None,
    };
    let options = Options {
        spikes: SpikeFormat::Bits,
        ..Options::default()
    };
    let counts = Spiking::new(gpu, &counts).unwrap();
    let error = counts
        .plan::<f32>(Shape::new(STEPS, N), options)
        .unwrap_err();
    rows.push((error.to_string(), "multi-level-spike-count"));
    let mut soft = kinds(2.0)[1];
    soft.config.tau = 0.5;
    rows.push((
        Spiking::new(gpu, &soft).unwrap_err().to_string(),
        "tau = 0.5",
    ));
    for (said, names) in &rows {
        assert!(said.contains(names), "{said:?} does not name {names:?}");
    }
    format!("{} plans and layers", rows.len())
}

pub(crate) fn no_neurons(gpu: &Gpu) -> String {
    let gpu = &gpu.on_new_stream().unwrap();
    let layer = Spiking::new(gpu, &kinds(2.0)[0]).unwrap();
    let plan = layer
        .plan::<f32>(Shape::new(3, 0), Options::default())
        .unwrap();
    let mut b = Buffers::new(gpu);
    let mut f = b.forward(0);
    let empty = f.x_seq.slice(..0);
    f.x_seq = empty;
    let mut none = gpu.stream().clone_htod(&[0.0f32]).unwrap();
    f.spike_seq = SpikesMut::Real(none.slice_mut(..0));
    plan.forward(f).unwrap();
    "3 steps of none".into()
}

pub(crate) fn graph(gpu: &Gpu) -> String {
    let gpu = &gpu.on_new_stream().unwrap();
    let stream = gpu.stream();
    let mut b = Buffers::new(gpu);
    let p = plan(gpu, Options::default());
    let kept = p.checkpoint_len();
    p.forward(b.forward(kept)).unwrap();
    p.backward(b.backward(kept)).unwrap();
    let want = (host(gpu, &b.spikes), host(gpu, &b.grad_x));
    // A plan that was never launched is captured as well.
    let p = plan(
        gpu,
        Options {
            tuning: Some(Tuning {
                threads: 96,
                ..p.tuning()
            }),
            ..Options::default()
        },
    );
    stream
        .begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
        .unwrap();
    p.forward(b.forward(kept)).unwrap();
    p.backward(b.backward(kept)).unwrap();
    let graph = stream
        .end_capture(CUgraphInstantiate_flags(0))
        .unwrap()
        .unwrap();
    for round in 0..3 {
        stream.memset_zeros(&mut b.spikes).unwrap();
        stream.memset_zeros(&mut b.grad_x).unwrap();
        stream.memset_zeros(&mut b.kept).unwrap();
        graph.launch().unwrap();
        same_bits(&format!("spikes, {round}"), &host(gpu, &b.spikes), &want.0);
        same_bits(
            &format!("gradients, {round}"),
            &host(gpu, &b.grad_x),
            &want.1,
        );
    }
    "3 replays".into()
}

/// What becomes of a file.
type Damage = fn(&[u8]) -> Vec<u8>;

pub(crate) fn cache(_: &Gpu) -> String {
    let folder = std::env::temp_dir().join(format!("lif-gpu-cache-{}", std::process::id()));
    let run = || {
        let gpu = Gpu::open_with_cache(0, Some(folder.clone())).unwrap();
        let mut b = Buffers::new(&gpu);
        let p = plan(&gpu, Options::default());
        p.forward(b.forward(p.checkpoint_len())).unwrap();
        host(&gpu, &b.spikes)
    };
    let entries = || {
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        files.sort();
        files
    };
    let want = run();
    let files = entries();
    assert_eq!(files.len(), 2, "a forward and a backward");
    let whole: Vec<Vec<u8>> = files.iter().map(|f| std::fs::read(f).unwrap()).collect();
    same_bits("from the cache", &run(), &want);
    let broken: [Damage; 4] = [
        |bytes| bytes[..bytes.len() / 2].to_vec(),
        |_| Vec::new(),
        |bytes| vec![0x5a; bytes.len()],
        |bytes| {
            let mut bytes = bytes.to_vec();
            let middle = bytes.len() - 100;
            bytes[middle] ^= 4;
            bytes
        },
    ];
    for damage in broken {
        for (file, bytes) in files.iter().zip(&whole) {
            std::fs::write(file, damage(bytes)).unwrap();
        }
        same_bits("rebuilt", &run(), &want);
        assert_eq!(entries(), files);
        for (file, bytes) in files.iter().zip(&whole) {
            assert_eq!(
                std::fs::read(file).unwrap().len(),
                bytes.len(),
                "{}",
                file.display()
            );
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    "4 kinds of damage".into()
}

/// Several threads, each with a stream, at once.
pub(crate) fn streams(gpu: &Gpu) -> String {
    let want = {
        let gpu = &gpu.on_new_stream().unwrap();
        let mut b = Buffers::new(gpu);
        let p = plan(gpu, Options::default());
        p.forward(b.forward(p.checkpoint_len())).unwrap();
        p.backward(b.backward(p.checkpoint_len())).unwrap();
        host(gpu, &b.grad_x)
    };
    let items: Vec<usize> = (0..32).collect();
    super::data::in_parallel(&items, |_| {
        let gpu = &gpu.on_new_stream().unwrap();
        let mut b = Buffers::new(gpu);
        let p = plan(gpu, Options::default());
        for _ in 0..20 {
            p.forward(b.forward(p.checkpoint_len())).unwrap();
            p.backward(b.backward(p.checkpoint_len())).unwrap();
        }
        same_bits("gradients", &host(gpu, &b.grad_x), &want);
    });
    "32 streams".into()
}
