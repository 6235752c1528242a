//! The backends `device:TYPE` of `lif neuron`: the device's own code, on this machine.

use std::str::FromStr;

use fixed::types::extra::{self, Unsigned};
use fixed::{FixedI16, FixedI32};
use lif_nostd::Spikes;
use lif_nostd::neuron::{ConfigError, Decode, LifConfig, Readout, Spiking};
use lif_nostd::real::Real;
use lif_nostd::scalar::Scalar;
use lif_nostd::spikes::words_for;

use super::neuron::{Outputs, Sequence};
use super::tensors::{Element, Tensor};
use crate::cli::Failure;
use crate::cpu::{Model, NeuronParams};

/// A number type of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeviceType {
    F32,
    /// Raw integers.
    I16,
    I32,
    /// Of the `fixed` crate, with this many fractional bits.
    Fixed16(u32),
    Fixed32(u32),
}

impl FromStr for DeviceType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fixed = || {
            let (int, frac) = text.strip_prefix('I')?.split_once('F')?;
            let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
            let bits = |s: &str| s.parse::<u32>().ok().filter(|n| plain(s) && *n <= 32);
            let (int, frac) = (bits(int)?, bits(frac)?);
            match int + frac {
                16 => Some(Self::Fixed16(frac)),
                32 => Some(Self::Fixed32(frac)),
                _ => None,
            }
        };
        match text {
            "f32" => Ok(Self::F32),
            "i16" => Ok(Self::I16),
            "i32" => Ok(Self::I32),
            _ => fixed().ok_or_else(|| {
                format!(
                    "{text:?} is not a device type: f32, i16, i32, and I<m>F<n> with m + n = 16 or 32, \
                     such as I16F16 or I1F15, are allowed"
                )
            }),
        }
    }
}

/// What is run for a number type that is known only at run time.
trait Job<F> {
    fn run<S: Scalar>(self) -> Result<Outputs<F>, Failure>;
}

/// Runs `job` with the type `number`.
fn dispatch<F>(number: DeviceType, job: impl Job<F>) -> Result<Outputs<F>, Failure> {
    macro_rules! with_fraction {
        ($frac:ident, $fixed:ident, $($bits:ident)*) => {
            $(if $frac == extra::$bits::U32 {
                return job.run::<$fixed<extra::$bits>>();
            })*
        };
    }
    match number {
        DeviceType::F32 => return job.run::<f32>(),
        DeviceType::I16 => return job.run::<i16>(),
        DeviceType::I32 => return job.run::<i32>(),
        DeviceType::Fixed16(frac) => {
            with_fraction!(frac, FixedI16, U0 U1 U2 U3 U4 U5 U6 U7 U8 U9 U10 U11 U12 U13 U14 U15 U16);
        }
        DeviceType::Fixed32(frac) => {
            with_fraction!(frac, FixedI32, U0 U1 U2 U3 U4 U5 U6 U7 U8 U9 U10 U11 U12 U13 U14 U15 U16
                U17 U18 U19 U20 U21 U22 U23 U24 U25 U26 U27 U28 U29 U30 U31 U32);
        }
    }
    Err(Failure::Input(format!("{number:?} is not a device type")))
}

/// `values` in the device's type: the nearest, ties to even, saturating.
fn to_device<F: Element, S: Scalar>(name: &str, values: &[F]) -> Result<Vec<S>, Failure> {
    let convert = |(i, x): (usize, &F)| {
        let x = Real::to_f64(*x);
        S::saturating_from_f64(x).ok_or_else(|| {
            Failure::Input(format!(
                "tensor {name:?}: value {i} is {x}, which the device's type cannot hold"
            ))
        })
    };
    values.iter().enumerate().map(convert).collect()
}

fn from_device<F: Element, S: Scalar>(values: impl IntoIterator<Item = S>) -> Vec<F> {
    let back = |v: S| <F as Real>::from_f64(Scalar::to_f64(v));
    values.into_iter().map(back).collect()
}

fn config_failure(e: ConfigError) -> Failure {
    Failure::Input(e.to_string())
}

/// LIF and SimpleLIF.
pub(super) fn spiking<F: Element>(
    number: DeviceType,
    params: &NeuronParams,
    seq: &Sequence<F>,
    v_init: Option<&[F]>,
) -> Result<Outputs<F>, Failure> {
    if !params.spiking {
        return Err(Failure::Input(
            "--spiking false is for the backends cpu and cuda: neurons on a device spike".into(),
        ));
    }
    if !params.surrogate.is_binary() {
        return Err(Failure::Input(format!(
            "surrogate {}: its spikes are not 0 or 1, which those of a device are",
            params.surrogate.name()
        )));
    }
    let job = SpikingJob {
        params,
        seq,
        v_init,
    };
    dispatch(number, job)
}

struct SpikingJob<'a, F> {
    params: &'a NeuronParams,
    seq: &'a Sequence<F>,
    v_init: Option<&'a [F]>,
}

impl<F: Element> Job<F> for SpikingJob<'_, F> {
    fn run<S: Scalar>(self) -> Result<Outputs<F>, Failure> {
        let config = &self.params.config;
        match self.params.model {
            Model::Lif => self.run_neuron(&config.lif::<S>().map_err(config_failure)?),
            Model::SimpleLif => self.run_neuron(&config.simple_lif::<S>().map_err(config_failure)?),
        }
    }
}

impl<F: Element> SpikingJob<'_, F> {
    fn run_neuron<M: Spiking>(&self, neuron: &M) -> Result<Outputs<F>, Failure> {
        let Self { seq, v_init, .. } = self;
        let x: Vec<M::Scalar> = to_device("x_seq", &seq.x)?;
        let mut v = match v_init {
            Some(v) => to_device("v_init", v)?,
            None => vec![neuron.v_init(); seq.n],
        };
        let mut packed = vec![0u32; words_for(seq.n)];
        let (mut spikes, mut v_seq) = (Vec::new(), Vec::new());
        for (t, x) in x.chunks_exact(seq.n.max(1)).enumerate() {
            if t == 0 && v_init.is_none() {
                packed.fill(0);
                for (i, (v, x)) in v.iter_mut().zip(x).enumerate() {
                    packed[i / 32] |= u32::from(neuron.first_step(v, *x)) << (i % 32);
                }
            } else {
                neuron.step_all(&mut v, x.iter().copied(), &mut packed);
            }
            let step = Spikes::new(&packed, seq.n);
            let bit = |i| <F as Real>::from_f64(f64::from(u8::from(step.get(i))));
            spikes.extend((0..seq.n).map(bit));
            v_seq.extend(from_device::<F, _>(v.iter().copied()));
        }
        Ok(vec![
            ("spike_seq", seq.whole(spikes)),
            ("v_seq", seq.whole(v_seq)),
            ("v_last", seq.state(from_device(v))),
        ])
    }
}

/// NonSpikingLIF.
pub(super) fn non_spiking<F: Element>(
    number: DeviceType,
    tau: f64,
    decode: Decode,
    seq: &Sequence<F>,
) -> Result<Outputs<F>, Failure> {
    dispatch(number, NonSpikingJob { tau, decode, seq })
}

struct NonSpikingJob<'a, F> {
    tau: f64,
    decode: Decode,
    seq: &'a Sequence<F>,
}

impl<F: Element> Job<F> for NonSpikingJob<'_, F> {
    fn run<S: Scalar>(self) -> Result<Outputs<F>, Failure> {
        let seq = self.seq;
        let neuron = LifConfig::new(self.tau)
            .non_spiking_lif::<S>()
            .map_err(config_failure)?;
        let x: Vec<S> = to_device("x_seq", &seq.x)?;
        let mut v = vec![S::ZERO; seq.n];
        let mut readouts = vec![Readout::<S>::new(); seq.n];
        let mut v_seq = Vec::new();
        for x in x.chunks_exact(seq.n.max(1)) {
            for ((v, readout), x) in v.iter_mut().zip(&mut readouts).zip(x) {
                neuron.step(v, *x);
                readout.push(*v);
            }
            v_seq.extend_from_slice(&v);
        }
        let output = match self.decode {
            Decode::None => seq.whole(from_device(v_seq)),
            decode => {
                let read = readouts.iter().map(|r| r.read(decode));
                Tensor::new(seq.state_shape(), from_device(read))
            }
        };
        Ok(vec![("output", output)])
    }
}
