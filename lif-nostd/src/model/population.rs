//! The neurons of a layer: their constants where they lie in the file, and a time step of all of them.

use bytemuck::{AnyBitPattern, Pod};

use super::layer::padded;
use super::record::{NeuronKind, Neurons, Param};
use crate::neuron::{Decode, Lif, pack};
use crate::scalar::{FixedLeak, FloatLeak, Scalar};

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

    /// The value that all neurons share, if they do.
    #[inline]
    #[must_use]
    pub const fn one(&self) -> Option<T> {
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

    /// Whether `holds` is true of each of the `n` values.
    pub(super) fn all(&self, n: usize, holds: impl Fn(T) -> bool) -> bool {
        match self {
            Self::One(x) => holds(*x),
            Self::Each(xs) => xs.iter().take(n).all(|x| holds(*x)),
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
pub trait State: Scalar + Value + Pod {
    /// How the file says the leak: the factor `a` of an integer, tau of an f32.
    type Factor: Value + core::fmt::Debug;

    /// The leak of `factor` towards `v_leak`.
    fn leak_of(factor: Self::Factor, v_leak: Self) -> Self::Leak;

    /// Charge of a NonSpikingLIF neuron. In an integer the input's factor is folded, so it is that of a LIF neuron
    /// without `decay_input`.
    fn charge_readout(self, x: Self, leak: &Self::Leak) -> Self;

    /// Its bits in a word.
    fn to_word(self) -> u32;

    /// The value of such a word.
    fn from_word(word: u32) -> Self;

    /// A sum in two words.
    fn sum_to_words(sum: Self::Sum) -> [u32; 2];

    /// The sum of such words.
    fn sum_from_words(words: [u32; 2]) -> Self::Sum;

    /// The nearest f32.
    fn to_f32(self) -> f32;
}

macro_rules! integer_state {
    ($int:ty) => {
        impl State for $int {
            type Factor = u32;

            #[inline]
            fn leak_of(factor: u32, _: Self) -> FixedLeak {
                FixedLeak::to_zero(factor)
            }

            #[inline]
            fn charge_readout(self, x: Self, leak: &FixedLeak) -> Self {
                self.charge(x, leak, false)
            }

            fn to_word(self) -> u32 {
                i32::from(self) as u32
            }

            fn from_word(word: u32) -> Self {
                word as Self
            }

            fn sum_to_words(sum: i64) -> [u32; 2] {
                [sum as u32, (sum >> 32) as u32]
            }

            fn sum_from_words([low, high]: [u32; 2]) -> i64 {
                i64::from(high as i32) << 32 | i64::from(low)
            }

            fn to_f32(self) -> f32 {
                self as f32
            }
        }
    };
}

integer_state!(i16);
integer_state!(i32);

impl State for f32 {
    type Factor = Self;

    #[inline]
    fn leak_of(tau: Self, v_leak: Self) -> FloatLeak<Self> {
        FloatLeak { tau, v_leak }
    }

    #[inline]
    fn charge_readout(self, x: Self, leak: &FloatLeak<Self>) -> Self {
        self.charge_non_spiking(x, leak)
    }

    fn to_word(self) -> u32 {
        self.to_bits()
    }

    fn from_word(word: u32) -> Self {
        Self::from_bits(word)
    }

    fn sum_to_words(sum: Self) -> [u32; 2] {
        [sum.to_bits(), 0]
    }

    fn sum_from_words([bits, _]: [u32; 2]) -> Self {
        Self::from_bits(bits)
    }

    fn to_f32(self) -> f32 {
        self
    }
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
        let zero = ParamRef::One(S::ZERO);
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

    /// The constants of neuron `i`.
    #[inline]
    #[must_use]
    pub fn at(&self, i: usize) -> Lif<S> {
        Lif {
            leak: S::leak_of(self.leak.at(i), self.v_leak.at(i)),
            v_threshold: self.v_threshold.at(i),
            v_reset: self.v_reset.map(|p| p.at(i)),
            decay_input: self.decay_input,
        }
    }

    /// The constants that all neurons share, if they do.
    #[inline]
    #[must_use]
    pub fn uniform(&self) -> Option<Lif<S>> {
        Some(Lif {
            leak: S::leak_of(self.leak.one()?, self.v_leak.one()?),
            v_threshold: self.v_threshold.one()?,
            v_reset: match self.v_reset {
                None => None,
                Some(p) => Some(p.one()?),
            },
            decay_input: self.decay_input,
        })
    }

    /// Membrane of neuron `i` before the first step.
    #[must_use]
    pub fn v_init(&self, i: usize) -> S {
        match (self.kind, self.v_reset) {
            (NeuronKind::Lif, Some(v_reset)) => v_reset.at(i),
            _ => S::ZERO,
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
        v: &mut [S],
        x: impl Iterator<Item = S>,
        spikes: &mut [u32],
        decodes: &mut [[u32; 2]],
        step: u32,
    ) {
        match (self.kind, self.uniform()) {
            (NeuronKind::Lif, Some(lif)) => lif.step_all(v, x, spikes),
            _ => self.step_each(v, &mut { x }, spikes, decodes, step),
        }
    }

    /// The same for neurons that are not LIF or have parameters of their own: one copy of code for all inputs.
    #[inline(never)]
    fn step_each(
        &self,
        v: &mut [S],
        x: &mut dyn Iterator<Item = S>,
        spikes: &mut [u32],
        decodes: &mut [[u32; 2]],
        step: u32,
    ) {
        let is_lif = self.kind == NeuronKind::Lif;
        let first = self.first_pull.filter(|_| step == 0);
        if self.kind == NeuronKind::NonSpikingLif {
            return self.step_readout(v, x, decodes, step);
        }
        pack(v, x.enumerate(), spikes, |v, (i, x)| {
            let lif = self.at(i);
            let h = match first {
                Some(pull) => pull.at(i).plus(x),
                None if is_lif => lif.charge(*v, x),
                None => v.charge_simple(x, &lif.leak, lif.decay_input),
            };
            let spike = h >= lif.v_threshold;
            *v = lif.reset(h, spike);
            spike
        });
    }

    fn step_readout(
        &self,
        v: &mut [S],
        x: &mut dyn Iterator<Item = S>,
        decodes: &mut [[u32; 2]],
        step: u32,
    ) {
        for (i, (v, x)) in v.iter_mut().zip(x).enumerate() {
            let leak = S::leak_of(self.leak.at(i), S::ZERO);
            *v = v.charge_readout(x, &leak);
        }
        if self.keeps_decode() {
            for (v, state) in v.iter().zip(decodes) {
                *state = see(self.decode, *state, *v, step == 0);
            }
        }
    }

    /// What the decode reads of a neuron with membrane `v` after `steps` steps; `state` is that of its decode.
    pub(super) fn read(&self, v: S, state: [u32; 2], steps: u32) -> S {
        let [a, b] = state;
        match self.decode {
            _ if steps == 0 => S::ZERO,
            Decode::MaxMem => S::from_word(a),
            Decode::MaxAbsMem => S::max_abs(S::from_word(a), S::from_word(b)),
            Decode::MeanMem => S::mean(S::sum_from_words(state), steps),
            Decode::None | Decode::LastMem => v,
        }
    }
}

/// The state of a decode after it saw `v`: the largest and the smallest membrane, or their sum. It is what
/// [`crate::neuron::Readout`] keeps, without what the decode does not read.
fn see<S: State>(decode: Decode, [a, b]: [u32; 2], v: S, first: bool) -> [u32; 2] {
    use crate::neuron::replaces;
    if decode == Decode::MeanMem {
        let sum = if first {
            S::ZERO_SUM
        } else {
            S::sum_from_words([a, b])
        };
        return S::sum_to_words(v.add_to(sum));
    }
    let (max, min) = (S::from_word(a), S::from_word(b));
    let max = if first || replaces(v, max, v <= max) {
        v
    } else {
        max
    };
    let min = if first || replaces(v, min, v >= min) {
        v
    } else {
        min
    };
    [max.to_word(), min.to_word()]
}
