//! The neurons of a layer: their constants where they lie in the file, and a time step of those of f32.

use bytemuck::AnyBitPattern;

use super::record::{NeuronKind, Neurons, Param};
use super::view::padded;
use crate::neuron::Decode;
#[cfg(feature = "f32")]
use crate::neuron::{Lif, pack, replaces};
#[cfg(feature = "f32")]
use crate::scalar::{FloatLeak, Scalar};

/// A parameter of a population.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParamRef<'m, T> {
    /// One value for all neurons.
    One(T),
    /// One value a neuron, in whole blocks of 16.
    Each(&'m [T]),
}

impl<T: Copy + Default> ParamRef<'_, T> {
    /// The value of neuron `i`; the default past the end.
    #[inline]
    #[must_use]
    pub fn at(&self, i: usize) -> T {
        match self {
            Self::One(x) => *x,
            Self::Each(xs) => xs.get(i).copied().unwrap_or_default(),
        }
    }
}

#[cfg(feature = "f32")]
impl<T: Copy> ParamRef<'_, T> {
    /// The value that all neurons share, if they do.
    #[inline]
    const fn one(&self) -> Option<T> {
        match self {
            Self::One(x) => Some(*x),
            Self::Each(_) => None,
        }
    }
}

impl<'m, T: Value> ParamRef<'m, T> {
    /// The parameter `param` of `n` neurons in the file `bytes`; none where it is not there, lies outside or does
    /// not fit its type.
    pub(super) fn decode(bytes: &'m [u8], param: Param, n: usize) -> Option<Self> {
        match param {
            Param::None => None,
            Param::Scalar(bits) => T::from_bits(bits).map(Self::One),
            Param::PerNeuron(start) => data(bytes, start, padded(n)).map(Self::Each),
        }
    }
}

/// `count` values at offset `start` of the file.
pub(super) fn data<T: AnyBitPattern>(bytes: &[u8], start: u32, count: usize) -> Option<&[T]> {
    let len = count.saturating_mul(size_of::<T>());
    let data = bytes.get(start as usize..)?.get(..len)?;
    bytemuck::try_cast_slice(data).ok()
}

/// A value that a node record holds in 32 bits.
pub trait Value: AnyBitPattern + Default {
    /// The value of these bits; none where they are of a number that the type cannot hold.
    fn from_bits(bits: u32) -> Option<Self>;
}

impl Value for u32 {
    #[inline]
    fn from_bits(bits: u32) -> Option<Self> {
        Some(bits)
    }
}

impl Value for i32 {
    #[inline]
    fn from_bits(bits: u32) -> Option<Self> {
        Some(bits as Self)
    }
}

impl Value for i16 {
    #[inline]
    fn from_bits(bits: u32) -> Option<Self> {
        Self::try_from(bits as i32).ok()
    }
}

impl Value for f32 {
    #[inline]
    fn from_bits(bits: u32) -> Option<Self> {
        Some(Self::from_bits(bits))
    }
}

/// A type of membranes that a model file can have: i16, i32 or f32.
pub trait State: Value {
    /// How the file says the leak: the factor `a` of an integer, tau of an f32.
    type Factor: Value + core::fmt::Debug;
}

impl State for i16 {
    type Factor = u32;
}

impl State for i32 {
    type Factor = u32;
}

impl State for f32 {
    type Factor = Self;
}

/// The neurons of a layer, with membranes of type `S`.
#[derive(Clone, Copy, Debug)]
pub struct Population<'m, S: State> {
    /// Number of neurons.
    pub n: usize,
    /// Model.
    pub kind: NeuronKind,
    /// Whether the input is divided by tau; false for integers, where that factor is folded.
    pub decay_input: bool,
    /// What is read out of a `NonSpikingLif` membrane.
    pub decode: Decode,
    /// The leak factor `a`, or tau of f32 membranes.
    pub leak: ParamRef<'m, S::Factor>,
    /// Threshold; 0 and not used for `NonSpikingLif`.
    pub v_threshold: ParamRef<'m, S>,
    /// Membrane after a spike; none for a soft reset.
    pub v_reset: Option<ParamRef<'m, S>>,
    /// Membrane that the leak pulls towards; 0 for integers, where the pull is folded.
    pub v_leak: ParamRef<'m, S>,
    /// First pull of an f32 `SimpleLif` without `decay_input`, see [`crate::neuron::SimpleLif::first_charge`].
    pub first_pull: Option<ParamRef<'m, S>>,
}

impl<'m, S: State> Population<'m, S> {
    /// The neurons of `node` in the file `bytes`, which the reader checked; none where it would have refused them.
    pub(super) fn decode(bytes: &'m [u8], node: &Neurons) -> Option<Self> {
        let n = node.n as usize;
        let zero = ParamRef::One(S::default());
        let param = |p| ParamRef::decode(bytes, p, n);
        Some(Self {
            n,
            kind: node.kind,
            decay_input: node.decay_input,
            decode: node.decode,
            leak: ParamRef::decode(bytes, node.leak, n)?,
            v_threshold: param(node.v_threshold).unwrap_or(zero),
            v_reset: param(node.v_reset),
            v_leak: param(node.v_leak).unwrap_or(zero),
            first_pull: param(node.first_pull),
        })
    }

    /// Whether a LIF neuron: one that starts at its reset potential.
    #[cfg(feature = "f32")]
    const fn is_lif(&self) -> bool {
        matches!(self.kind, NeuronKind::Lif)
    }
}

#[cfg(feature = "f32")]
impl Population<'_, f32> {
    /// The constants of neuron `i`.
    #[inline]
    fn at(&self, i: usize) -> Lif<f32> {
        Lif {
            leak: FloatLeak {
                tau: self.leak.at(i),
                v_leak: self.v_leak.at(i),
            },
            v_threshold: self.v_threshold.at(i),
            v_reset: self.v_reset.map(|p| p.at(i)),
            decay_input: self.decay_input,
        }
    }

    /// The constants that all neurons share, if they do.
    #[inline]
    fn uniform(&self) -> Option<Lif<f32>> {
        Some(Lif {
            leak: FloatLeak {
                tau: self.leak.one()?,
                v_leak: self.v_leak.one()?,
            },
            v_threshold: self.v_threshold.one()?,
            v_reset: match self.v_reset {
                None => None,
                Some(p) => Some(p.one()?),
            },
            decay_input: self.decay_input,
        })
    }

    /// Membrane of neuron `i` before the first step.
    pub(super) fn v_init(&self, i: usize) -> f32 {
        match self.v_reset {
            Some(v_reset) if self.is_lif() => v_reset.at(i),
            _ => 0.0,
        }
    }

    /// Whether a decode keeps state apart from the membrane.
    pub(super) const fn keeps_decode(&self) -> bool {
        !matches!(self.decode, Decode::None | Decode::LastMem)
    }

    /// One time step: `v` are the membranes and `x` the currents, one a neuron; `spikes` gets one bit a neuron.
    /// `step` is the number of the step since the reset; `decodes` is the state of the decode.
    pub(super) fn step(
        &self,
        v: &mut [f32],
        x: &[f32],
        spikes: &mut [u32],
        decodes: &mut [[u32; 2]],
        step: u32,
    ) {
        match (self.kind, self.uniform()) {
            (NeuronKind::Lif, Some(lif)) => lif.step_block(v, x, spikes),
            (NeuronKind::NonSpikingLif, _) => self.step_readout(v, x, decodes, step),
            _ => self.step_each(v, x, spikes, step),
        }
    }

    /// The same for neurons that are not LIF or have parameters of their own.
    #[inline(never)]
    fn step_each(&self, v: &mut [f32], x: &[f32], spikes: &mut [u32], step: u32) {
        let is_lif = self.is_lif();
        let first = self.first_pull.filter(|_| step == 0);
        pack(v, x.iter().enumerate(), spikes, |v, (i, x)| {
            let lif = self.at(i);
            let h = match first {
                Some(pull) => pull.at(i).plus(*x),
                None if is_lif => lif.charge(*v, *x),
                None => v.charge_simple(*x, &lif.leak, lif.decay_input),
            };
            let spike = h >= lif.v_threshold;
            *v = lif.reset(h, spike);
            spike
        });
    }

    fn step_readout(&self, v: &mut [f32], x: &[f32], decodes: &mut [[u32; 2]], step: u32) {
        for (i, (v, x)) in v.iter_mut().zip(x).enumerate() {
            let leak = FloatLeak {
                tau: self.leak.at(i),
                v_leak: 0.0,
            };
            *v = v.charge_non_spiking(*x, &leak);
        }
        if self.keeps_decode() {
            for (v, state) in v.iter().zip(decodes) {
                *state = see(self.decode, *state, *v, step == 0);
            }
        }
    }

    /// What the decode reads of a neuron with membrane `v` after `steps` steps; `state` is that of its decode.
    pub(super) fn read(&self, v: f32, state: [u32; 2], steps: u32) -> f32 {
        let [a, b] = state;
        match self.decode {
            _ if steps == 0 => 0.0,
            Decode::MaxMem => f32::from_bits(a),
            Decode::MaxAbsMem => f32::max_abs(f32::from_bits(a), f32::from_bits(b)),
            Decode::MeanMem => f32::mean(f32::from_bits(a), steps),
            Decode::None | Decode::LastMem => v,
        }
    }
}

/// The state of a decode after it saw `v`: the largest and the smallest membrane, or their sum. It is what
/// [`crate::neuron::Readout`] keeps, without what the decode does not read.
#[cfg(feature = "f32")]
fn see(decode: Decode, [a, b]: [u32; 2], v: f32, first: bool) -> [u32; 2] {
    let (a, b) = (f32::from_bits(a), f32::from_bits(b));
    if decode == Decode::MeanMem {
        let sum = if first { f32::ZERO_SUM } else { a };
        return [v.add_to(sum).to_bits(), 0];
    }
    let max = first || replaces(v, a, v <= a);
    let min = first || replaces(v, b, v >= b);
    [
        if max { v } else { a }.to_bits(),
        if min { v } else { b }.to_bits(),
    ]
}
