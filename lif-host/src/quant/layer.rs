//! What quantisation gives.

use lif_nostd::model::format::{NeuronKind, Number};
use lif_nostd::neuron::Decode;

/// How a network is quantised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuantOptions {
    /// Weights.
    pub weights: Weights,
    /// Membranes.
    pub membranes: Membranes,
}

/// Number format of quantised weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// 8 bits, from -127 to 127.
    #[default]
    I8,
    /// 16 bits, from -32767 to 32767.
    I16,
}

impl Weights {
    /// Largest magnitude of a weight.
    #[must_use]
    pub const fn max(self) -> i16 {
        match self {
            Self::I8 => i8::MAX as i16,
            Self::I16 => i16::MAX,
        }
    }

    /// Its number format in the file.
    #[must_use]
    pub const fn number(self) -> Number {
        match self {
            Self::I8 => Number::I8,
            Self::I16 => Number::I16,
        }
    }
}

/// Number format of integer membranes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Membranes {
    /// 16 bits, and 32 for a layer whose dead zone would be too large in 16.
    #[default]
    Auto,
    /// 16 bits; a layer whose dead zone is too large is refused.
    I16,
    /// 32 bits.
    I32,
}

/// A parameter of the neurons of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values<T> {
    /// One value for all.
    One(T),
    /// One value a neuron.
    Each(Vec<T>),
}

impl<T: Copy + PartialEq> Values<T> {
    /// `values`, as one where they are all equal.
    #[must_use]
    pub fn new(values: Vec<T>) -> Self {
        match values.first() {
            Some(first) if values.iter().all(|x| x == first) => Self::One(*first),
            _ => Self::Each(values),
        }
    }

    /// The value of neuron `i`.
    ///
    /// # Panics
    ///
    /// Where there is no such neuron.
    #[must_use]
    pub fn at(&self, i: usize) -> T {
        match self {
            Self::One(x) => *x,
            Self::Each(xs) => xs[i],
        }
    }
}

impl<T: std::fmt::Display + PartialOrd> std::fmt::Display for Values<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let xs = match self {
            Self::One(x) => std::slice::from_ref(x),
            Self::Each(xs) => xs,
        };
        let by = |a: &&T, b: &&T| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal);
        match (xs.iter().min_by(by), xs.iter().max_by(by)) {
            (Some(low), Some(high)) if low != high => write!(f, "{low} to {high}"),
            (Some(x), _) => write!(f, "{x}"),
            _ => Ok(()),
        }
    }
}

/// How far the sums of a layer can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The largest |acc + bias| that any input can produce.
    pub max_sum: u32,
}

impl Certificate {
    /// Bits between the largest sum and the range of a signed integer of `bits` bits; negative if it does
    /// not fit.
    #[must_use]
    pub const fn guard_bits(&self, bits: u32) -> i32 {
        bits as i32 - 1 - (u32::BITS - self.max_sum.leading_zeros()) as i32
    }
}

/// A layer in integers, with how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantLayer {
    /// Model of the neurons.
    pub kind: NeuronKind,
    /// What is read out of the membranes of neurons that do not spike.
    pub decode: Decode,
    /// Number format of the weights: i8 or i16.
    pub weight_number: Number,
    /// Number format of the membranes: i16 or i32.
    pub number: Number,
    /// Weights `[out, in]`.
    pub weights: Vec<i16>,
    /// Biases `[out]`, in units of the sum.
    pub bias: Vec<i32>,
    /// The current is the sum times 2^shift.
    pub shift: i8,
    /// Leak factor `a`, in units of 2^-16.
    pub leak: Values<u32>,
    /// Threshold, in units of the membrane; none for neurons that do not spike.
    pub v_threshold: Option<Values<i32>>,
    /// Reset potential, in units of the membrane; none for a soft reset.
    pub v_reset: Option<Values<i32>>,
    /// f32 weight that one unit of a weight stands for.
    pub scale: f64,
    /// f32 membrane that one unit of the membrane stands for; none where it differs from neuron to neuron.
    pub lsb: Option<f64>,
    /// The same for each neuron.
    pub units: Vec<f64>,
    /// Overflow certificate.
    pub certificate: Certificate,
    /// Where a negative membrane stalls without input, as a share of the threshold; of the largest membrane, where
    /// neurons do not spike.
    pub dead_zone: f64,
}
