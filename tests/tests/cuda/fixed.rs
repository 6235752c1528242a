//! Fixed point against `lif-nostd`, bit for bit.

use lif_host::cuda::{
    Fixed, FixedForward, FixedInput, FixedInputs, FixedState, Gpu, Shape, SpikeFormat, SpikesMut,
};
use lif_host::rng::Stream;
use lif_nostd::neuron::{Lif, LifConfig};
use lif_tests::population::{run_slices, unpack};

use super::data::{host, in_parallel};

/// A state type on the host.
trait State: FixedState + Default + Clone + Send + Sync {
    /// A value of any bits, or one of the ends.
    fn draw(stream: &Stream, at: u64) -> Self;
    /// `sat(sum * 2^shift)`, `sat(sum >> -shift)`.
    fn current(sum: i32, shift: i32) -> Self;
}

macro_rules! state {
    ($t:ty) => {
        impl State for $t {
            fn draw(stream: &Stream, at: u64) -> Self {
                match stream.below(2 * at, 10) {
                    0 => <$t>::MIN,
                    1 => <$t>::MAX,
                    2..6 => (stream.bits(2 * at + 1) as $t) >> (<$t>::BITS / 2),
                    _ => stream.bits(2 * at + 1) as $t,
                }
            }

            fn current(sum: i32, shift: i32) -> Self {
                let wide = match shift {
                    ..0 => i64::from(sum) >> -shift,
                    _ => i64::from(sum) << shift,
                };
                wide.clamp(<$t>::MIN.into(), <$t>::MAX.into()) as $t
            }
        }
    };
}

state!(i16);
state!(i32);

pub(crate) fn every_option(gpu: &Gpu) -> String {
    format!("{} layers", of::<i16>(gpu) + of::<i32>(gpu))
}

fn of<S: State>(gpu: &Gpu) -> usize {
    let mut cases = Vec::new();
    for tau in [1.5, 2.0, 10.0, 1e9] {
        for decay_input in [false, true] {
            for v_reset in [None, Some(0.0), Some(-300.0), Some(32_767.0)] {
                for v_threshold in [500.0, -20.0] {
                    let mut config = LifConfig::new(tau)
                        .decay_input(decay_input)
                        .v_threshold(v_threshold);
                    config.v_reset = v_reset;
                    for shift in [None, Some(-7), Some(0), Some(9)] {
                        cases.push((config, shift, cases.len() as u64));
                    }
                }
            }
        }
    }
    in_parallel(&cases, |(config, shift, seed)| {
        check::<S>(gpu, config.lif().unwrap(), *shift, *seed);
    });
    cases.len()
}

fn check<S: State>(gpu: &Gpu, lif: Lif<S>, shift: Option<i32>, seed: u64) {
    let gpu = gpu.on_new_stream().unwrap();
    let stream = gpu.stream();
    let (steps, n) = [(1, 5), (17, 33), (20, 257)][seed as usize % 3];
    let shape = Shape::new(steps, n);
    let draws = Stream::new(seed, 0);
    let sums: Vec<i32> = (0..steps * n)
        .map(|i| i32::draw(&draws, i as u64))
        .collect();
    let currents: Vec<S> = match shift {
        Some(shift) => sums.iter().map(|sum| S::current(*sum, shift)).collect(),
        None => (0..steps * n).map(|i| S::draw(&draws, i as u64)).collect(),
    };
    let v_init: Vec<S> = (0..n)
        .map(|i| S::draw(&draws, 1_000_000 + i as u64))
        .collect();
    let v_init = seed.is_multiple_of(2).then_some(&v_init[..]);
    let want = run_slices(&lif, n, &currents, v_init);

    let input = shift.map_or(FixedInput::Currents, |shift| FixedInput::Sums { shift });
    let layer = Fixed::new(&gpu, lif, input).unwrap();
    let format = [SpikeFormat::Bytes, SpikeFormat::Bits][(seed / 4) as usize % 2];
    let plan = layer.plan(shape, format, true).unwrap();
    let (sums, currents) = (
        stream.clone_htod(&sums).unwrap(),
        stream.clone_htod(&currents).unwrap(),
    );
    let v_init = v_init.map(|v| stream.clone_htod(v).unwrap());
    let mut bytes = stream
        .clone_htod(&vec![0xa5u8; SpikeFormat::Bytes.len(shape)])
        .unwrap();
    let mut words = stream
        .clone_htod(&vec![!0u32; SpikeFormat::Bits.len(shape)])
        .unwrap();
    let mut v = stream.alloc_zeros::<S>(steps * n).unwrap();
    let mut v_last = stream.alloc_zeros::<S>(n).unwrap();
    plan.forward(FixedForward {
        x_seq: match input {
            FixedInput::Currents => FixedInputs::Currents(currents.as_view()),
            FixedInput::Sums { .. } => FixedInputs::Sums(sums.as_view()),
        },
        v_init: v_init.as_ref().map(|v| v.as_view()),
        spike_seq: match format {
            SpikeFormat::Bits => SpikesMut::Bits(words.as_view_mut()),
            _ => SpikesMut::Bytes(bytes.as_view_mut()),
        },
        v_seq: Some(v.as_view_mut()),
        v_last: Some(v_last.as_view_mut()),
    })
    .unwrap();
    let spikes: Vec<bool> = match format {
        SpikeFormat::Bits => host(&gpu, &words)
            .chunks(n.div_ceil(32))
            .flat_map(|row| unpack(row, n))
            .collect(),
        _ => host(&gpu, &bytes).into_iter().map(|s| s == 1).collect(),
    };
    let what = format!("{lif:?} {shift:?} seed {seed}");
    assert_eq!(spikes, want.spikes, "{what}");
    let wide = |v: &[S]| -> Vec<i32> { v.iter().map(|v| (*v).into()).collect() };
    assert_eq!(wide(&host(&gpu, &v)), wide(&want.v), "{what}");
    assert_eq!(
        wide(&host(&gpu, &v_last)),
        wide(&want.v[want.v.len() - n..]),
        "{what}"
    );
}
