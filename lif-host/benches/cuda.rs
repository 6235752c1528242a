//! Neurons on a GPU: the table of docs/cuda.md, and its record.
//!
//! ```text
//! python3 lif-host/benches/spikingjelly.py sj.csv
//! cargo bench -p lif-host --bench cuda -- --spikingjelly sj.csv --record lif-host/benches/record/h100/DATE.csv
//! ```
//!
//! `--sweep` times ways to cut the kernels instead; of f32, f16, small and surrogates those that its value names. Times are medians of device events. Large shapes go round three
//! sets of buffers, 1 GB each in f32, so that no set is in the cache; small ones are replayed in a graph on one set,
//! which lies in the cache as the layer before would have left it.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

#[path = "cuda/sweep.rs"]
mod sweep;

use std::collections::HashMap;
use std::fmt::Write as _;

use half::{bf16, f16};
use lif_host::cpu::{Model, NeuronParams};
use lif_host::cuda::cudarc::driver::CudaSlice;
use lif_host::cuda::cudarc::driver::sys::{
    CUevent_flags, CUgraphInstantiate_flags, CUstreamCaptureMode,
};
use lif_host::cuda::{
    Backward, Forward, Gpu, Options, Plan, Shape, SpikeFormat, SpikesMut, Spiking, Storage, Tuning,
};
use lif_host::surrogate::Surrogate;
use lif_nostd::neuron::LifConfig;

const LARGE: [Shape; 5] = [
    Shape::new(4, 1 << 24),
    Shape::new(16, 1 << 22),
    Shape::new(64, 1 << 20),
    Shape::new(256, 1 << 18),
    Shape::new(1000, 1 << 16),
];
const SMALL: [Shape; 2] = [Shape::new(16, 1 << 14), Shape::new(128, 1 << 12)];
/// Replays between two events, for small shapes.
const REPLAYS: usize = 20;

/// A storage type with its conversion.
trait Number: Storage {
    fn of(x: f32) -> Self;
}

impl Number for f32 {
    fn of(x: f32) -> Self {
        x
    }
}
impl Number for f16 {
    fn of(x: f32) -> Self {
        Self::from_f32(x)
    }
}
impl Number for bf16 {
    fn of(x: f32) -> Self {
        Self::from_f32(x)
    }
}

/// The tensors of a forward and a backward.
struct Buffers<X> {
    x: CudaSlice<X>,
    spikes: Option<CudaSlice<X>>,
    bits: Option<CudaSlice<u32>>,
    kept: CudaSlice<f32>,
    grad: CudaSlice<X>,
    grad_x: CudaSlice<X>,
}

/// A plan with the buffers that it goes round.
struct Bench<X> {
    gpu: Gpu,
    plan: Plan<X>,
    sets: Vec<Buffers<X>>,
    kept: usize,
}

impl<X: Number> Bench<X> {
    fn new(gpu: &Gpu, params: &NeuronParams, shape: Shape, options: Options, sets: usize) -> Self {
        let layer = Spiking::new(gpu, params).unwrap();
        let plan = layer.plan::<X>(shape, options).unwrap();
        let len = shape.values().unwrap();
        let kept = plan.checkpoint_len();
        let stream = gpu.stream();
        // 2^20 numbers from a bell about 0.6, over and over.
        let some = |seed: u64, mean: f32| -> Vec<X> {
            let draws = lif_host::rng::Stream::new(seed, 0);
            let draw =
                |i: u64| (0..4).map(|k| draws.unit(4 * i + k) - 0.5).sum::<f32>() * 1.7 + mean;
            let few: Vec<X> = (0..1u64 << 20).map(|i| X::of(draw(i))).collect();
            few.into_iter().cycle().take(len).collect()
        };
        let (x, grad) = (some(1, 0.6), some(2, 0.0));
        let set = || Buffers {
            x: stream.clone_htod(&x).unwrap(),
            spikes: (options.spikes == SpikeFormat::Real).then(|| stream.alloc_zeros(len).unwrap()),
            bits: (options.spikes == SpikeFormat::Bits)
                .then(|| stream.alloc_zeros(SpikeFormat::Bits.len(shape)).unwrap()),
            kept: stream.alloc_zeros(kept.max(1)).unwrap(),
            grad: stream.clone_htod(&grad).unwrap(),
            grad_x: stream.alloc_zeros(len).unwrap(),
        };
        let sets = (0..sets).map(|_| set()).collect();
        stream.synchronize().unwrap();
        Self {
            gpu: gpu.clone(),
            plan,
            sets,
            kept,
        }
    }

    fn forward(&mut self, set: usize) {
        let b = &mut self.sets[set];
        let spikes = match (&mut b.spikes, &mut b.bits) {
            (Some(spikes), _) => SpikesMut::Real(spikes.as_view_mut()),
            (_, Some(bits)) => SpikesMut::Bits(bits.as_view_mut()),
            _ => panic!("no spikes"),
        };
        self.plan
            .forward(Forward {
                x_seq: b.x.as_view(),
                v_init: None,
                spike_seq: spikes,
                v_seq: None,
                v_last: None,
                checkpoints: (self.kept > 0).then(|| b.kept.slice_mut(..self.kept)),
            })
            .unwrap();
    }

    fn backward(&mut self, set: usize) {
        let b = &mut self.sets[set];
        self.plan
            .backward(Backward {
                x_seq: b.x.as_view(),
                v_init: None,
                checkpoints: (self.kept > 0).then(|| b.kept.slice(..self.kept)),
                grad_spike_seq: b.grad.as_view(),
                grad_v_seq: None,
                grad_v_last: None,
                grad_x_seq: b.grad_x.as_view_mut(),
                grad_v_init: None,
            })
            .unwrap();
    }

    /// Medians of forward, backward, and both, in milliseconds.
    fn time(&mut self, rounds: usize) -> [f64; 3] {
        let mut times = [const { Vec::new() }; 3];
        for round in 0..rounds + 3 {
            let set = round % self.sets.len();
            let event = |gpu: &Gpu| {
                let flags = Some(CUevent_flags::CU_EVENT_DEFAULT);
                gpu.stream().record_event(flags).unwrap()
            };
            let start = event(&self.gpu);
            self.forward(set);
            let middle = event(&self.gpu);
            self.backward(set);
            let end = event(&self.gpu);
            if round >= 3 {
                times[0].push(f64::from(start.elapsed_ms(&middle).unwrap()));
                times[1].push(f64::from(middle.elapsed_ms(&end).unwrap()));
                times[2].push(f64::from(start.elapsed_ms(&end).unwrap()));
            }
        }
        times.map(median)
    }

    /// Median of a replay of both kernels in a graph, in milliseconds; [`REPLAYS`] replays between two events.
    fn replay(&mut self) -> f64 {
        self.forward(0);
        self.backward(0);
        let stream = self.gpu.stream().clone();
        stream
            .begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
            .unwrap();
        self.forward(0);
        self.backward(0);
        let graph = stream
            .end_capture(CUgraphInstantiate_flags(0))
            .unwrap()
            .unwrap();
        graph.upload().unwrap();
        let time = || {
            let flags = Some(CUevent_flags::CU_EVENT_DEFAULT);
            let start = stream.record_event(flags).unwrap();
            for _ in 0..REPLAYS {
                graph.launch().unwrap();
            }
            let end = stream.record_event(flags).unwrap();
            f64::from(start.elapsed_ms(&end).unwrap()) / REPLAYS as f64
        };
        time();
        median((0..50).map(|_| time()).collect())
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn params(surrogate: Surrogate) -> NeuronParams {
    NeuronParams {
        model: Model::Lif,
        config: LifConfig::new(2.0),
        detach_reset: false,
        surrogate,
        spiking: true,
    }
}

fn options(spikes: SpikeFormat, tuning: Option<Tuning>) -> Options {
    Options {
        spikes,
        tuning,
        ..Options::default()
    }
}

/// Bytes a second, read and written, of a copy within the device, in TB/s.
fn copy_bandwidth(gpu: &Gpu) -> f64 {
    let stream = gpu.stream();
    let len = 1usize << 30;
    let from = stream.alloc_zeros::<u8>(len).unwrap();
    let mut to = stream.alloc_zeros::<u8>(len).unwrap();
    let mut time = || {
        let flags = Some(CUevent_flags::CU_EVENT_DEFAULT);
        let start = stream.record_event(flags).unwrap();
        stream.memcpy_dtod(&from, &mut to).unwrap();
        let end = stream.record_event(flags).unwrap();
        f64::from(start.elapsed_ms(&end).unwrap())
    };
    time();
    2.0 * len as f64 / median((0..20).map(|_| time()).collect()) / 1e9
}

/// SpikingJelly's times by shape and type: its better of eager and graph.
type Peer = HashMap<(usize, usize, String), f64>;

fn read_peer(path: &str) -> Peer {
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let ms = |cell: &str| cell.parse().unwrap_or(f64::NAN);
        let best = f64::min(ms(cells[3]), ms(cells[4]));
        (
            (
                cells[0].parse().unwrap(),
                cells[1].parse().unwrap(),
                cells[2].into(),
            ),
            best,
        )
    };
    text.lines().skip(1).map(row).collect()
}

/// The rows of the table and of the record.
struct Report {
    peer: Peer,
    copy: f64,
    table: String,
    record: String,
}

impl Report {
    fn add(
        &mut self,
        what: &str,
        number: &str,
        shape: Shape,
        bytes: f64,
        [forward, backward, both]: [f64; 3],
    ) {
        let Shape { steps, neurons } = shape;
        let elements = (steps * neurons) as f64;
        let rate = elements / both / 1e6;
        let share = rate * bytes / 1e3 / self.copy * 100.0;
        let peer = self.peer.get(&(steps, neurons, number.into())).copied();
        let ratio = peer.map_or("-".into(), |ms| format!("{:.2}x", ms / both));
        let peer = peer.map_or("-".into(), |ms| format!("{ms:.4}"));
        let cell = what.replace(',', "");
        writeln!(
            self.table,
            "| {what} | {steps} x {neurons} | {forward:.4} | {backward:.4} | {both:.4} | {rate:.1} | {share:.0} % | {peer} | {ratio} |"
        )
        .unwrap();
        writeln!(
            self.record,
            "{cell},{number},{steps},{neurons},{forward:.5},{backward:.5},{both:.5},{rate:.2},{bytes},{share:.1},{peer}"
        )
        .unwrap();
    }
}

fn large<X: Number>(gpu: &Gpu, report: &mut Report, what: &str, spikes: SpikeFormat, bytes: f64) {
    for shape in LARGE {
        let params = params(Surrogate::default());
        let mut bench = Bench::<X>::new(gpu, &params, shape, options(spikes, None), 3);
        report.add(what, X::NAME, shape, bytes, bench.time(40));
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).cloned()
    };
    let gpu = match Gpu::open(0) {
        Ok(gpu) => gpu,
        Err(error) => {
            println!("no GPU: not run ({error})");
            return;
        }
    };
    if args.iter().any(|arg| arg == "--sweep") {
        return sweep::sweep(&gpu, &value("--sweep").unwrap_or_default());
    }
    let copy = copy_bandwidth(&gpu);
    let (major, minor) = gpu.nvrtc_version();
    let mut report = Report {
        peer: value("--spikingjelly").map_or_else(Peer::new, |path| read_peer(&path)),
        copy,
        table: String::new(),
        record: format!(
            "# {}, NVRTC {major}.{minor}, copy {copy:.3} TB/s; medians of device events, ms\n\
             what,type,steps,neurons,forward_ms,backward_ms,both_ms,elements_per_ns,bytes,share_percent,spikingjelly_ms\n",
            gpu.name()
        ),
    };
    large::<f32>(&gpu, &mut report, "f32", SpikeFormat::Real, 20.0);
    large::<f32>(
        &gpu,
        &mut report,
        "f32, packed spikes",
        SpikeFormat::Bits,
        16.125,
    );
    large::<f16>(&gpu, &mut report, "f16", SpikeFormat::Real, 10.0);
    large::<bf16>(&gpu, &mut report, "bf16", SpikeFormat::Real, 10.0);
    for shape in SMALL {
        let mut bench = Bench::<f32>::new(
            &gpu,
            &params(Surrogate::default()),
            shape,
            options(SpikeFormat::Real, None),
            1,
        );
        let [forward, backward, _] = bench.time(50);
        let both = bench.replay();
        report.add("f32, graph", "f32", shape, 20.0, [forward, backward, both]);
    }
    for mut surrogate in Surrogate::ALL {
        if surrogate.problem().is_some() {
            surrogate.set("max_spike_count", 4.0).unwrap();
        }
        let shape = LARGE[1];
        let mut bench = Bench::<f32>::new(
            &gpu,
            &params(surrogate),
            shape,
            options(SpikeFormat::Real, None),
            3,
        );
        report.add(surrogate.name(), "f32", shape, 20.0, bench.time(20));
    }
    println!("{}, copy {copy:.3} TB/s\n", gpu.name());
    println!(
        "| | T x N | forward ms | backward ms | both ms | elements/ns | share of copy | SpikingJelly ms | ratio |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    print!("{}", report.table);
    if let Some(path) = value("--record") {
        std::fs::write(path, report.record).unwrap();
    }
}
