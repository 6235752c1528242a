//! SpikingJelly's NonSpikingLIF: a membrane that is read out (`docs/dynamics.md`, section 1).

use crate::scalar::Scalar;

/// Constants of a NonSpikingLIF neuron: `v = v + (x - v) / tau`, from 0.
///
/// In fixed point `v = sat(((a * v) >> 16) + (((65536 - a) * x) >> 16))`. Made by
/// [`super::LifConfig::non_spiking_lif`].
#[derive(Clone, Copy, Debug)]
pub struct NonSpikingLif<S: Scalar> {
    /// Constants of the leak.
    pub leak: S::Leak,
}

impl<S: Scalar> NonSpikingLif<S> {
    /// One time step of one neuron with membrane `v` and input `x`.
    #[inline]
    pub fn step(&self, v: &mut S, x: S) {
        *v = v.charge_non_spiking(x, &self.leak);
    }
}

#[cfg(feature = "defmt")]
impl<S: Scalar> defmt::Format for NonSpikingLif<S> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "NonSpikingLif");
    }
}

#[cfg(feature = "defmt")]
impl<S: Scalar> defmt::Format for Readout<S> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(
            f,
            "Readout {{ max: {=f64}, min: {=f64}, last: {=f64} }}",
            self.max.to_f64(),
            self.min.to_f64(),
            self.last.to_f64()
        );
    }
}

/// What is read out of a sequence of membranes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Decode {
    /// The whole sequence.
    #[default]
    None,
    /// The largest membrane; the first of equal ones; NaN where there is one.
    MaxMem,
    /// The largest or the smallest membrane, whichever is further from 0; the smallest where both are as far.
    MaxAbsMem,
    /// The mean: summed in the order of the steps, then divided.
    MeanMem,
    /// The last membrane.
    LastMem,
}

impl Decode {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::MaxMem,
        Self::MaxAbsMem,
        Self::MeanMem,
        Self::LastMem,
    ];

    /// SpikingJelly's name, with hyphens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::MaxMem => "max-mem",
            Self::MaxAbsMem => "max-abs-mem",
            Self::MeanMem => "mean-mem",
            Self::LastMem => "last-mem",
        }
    }
}

/// What has been seen of one neuron's membranes, step by step, without keeping them.
#[derive(Clone, Copy, Debug)]
pub struct Readout<S: Scalar> {
    steps: u32,
    max: S,
    max_at: u32,
    min: S,
    min_at: u32,
    last: S,
    sum: S::Sum,
}

impl<S: Scalar> Default for Readout<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Scalar> Readout<S> {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            steps: 0,
            max: S::ZERO,
            max_at: 0,
            min: S::ZERO,
            min_at: 0,
            last: S::ZERO,
            sum: S::ZERO_SUM,
        }
    }

    /// Sees the membrane `v` of the next step.
    #[inline]
    pub fn push(&mut self, v: S) {
        let first = self.steps == 0;
        if first || replaces(v, self.max, v <= self.max) {
            (self.max, self.max_at) = (v, self.steps);
        }
        if first || replaces(v, self.min, v >= self.min) {
            (self.min, self.min_at) = (v, self.steps);
        }
        self.last = v;
        self.sum = v.add_to(self.sum);
        self.steps = self.steps.saturating_add(1);
    }

    /// What `decode` reads; the last membrane for [`Decode::None`], 0 where nothing was seen.
    #[must_use]
    pub fn read(&self, decode: Decode) -> S {
        match decode {
            Decode::None | Decode::LastMem => self.last,
            Decode::MaxMem => self.max,
            Decode::MaxAbsMem => S::max_abs(self.max, self.min),
            Decode::MeanMem => S::mean(self.sum, self.steps.max(1)),
        }
    }

    /// Largest membrane and its step, from 0.
    #[must_use]
    pub const fn max(&self) -> (S, u32) {
        (self.max, self.max_at)
    }

    /// Smallest membrane and its step, from 0.
    #[must_use]
    pub const fn min(&self) -> (S, u32) {
        (self.min, self.min_at)
    }
}

/// Whether `v` takes the place of `best`: it is beyond it, or the first NaN.
#[inline]
pub(crate) fn replaces<S: Scalar>(v: S, best: S, within: bool) -> bool {
    let nan = |x: S| x.partial_cmp(&x).is_none();
    !within && !nan(best) && (nan(v) || v.partial_cmp(&best).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuron::LifConfig;

    #[test]
    fn decodes_follow_their_definitions() {
        let read = |vs: &[f32], decode| {
            let mut r = Readout::new();
            vs.iter().for_each(|v| r.push(*v));
            r.read(decode)
        };
        let vs = [0.5, -2.0, 1.5, 1.5, -1.0];
        assert_eq!(read(&vs, Decode::MaxMem), 1.5);
        assert_eq!(read(&vs, Decode::MaxAbsMem), -2.0);
        assert_eq!(read(&vs, Decode::MeanMem), 0.1);
        assert_eq!(read(&vs, Decode::LastMem), -1.0);
        assert_eq!(read(&[2.0, -2.0], Decode::MaxAbsMem), -2.0);
        assert!(read(&[0.5, f32::NAN, 7.0], Decode::MaxMem).is_nan());
        assert!(read(&[f32::INFINITY, f32::NEG_INFINITY], Decode::MaxAbsMem).is_nan());
        let mut ties = Readout::new();
        for v in [1.0f32, 3.0, 3.0, -1.0, -1.0] {
            ties.push(v);
        }
        assert_eq!((ties.max().1, ties.min().1), (1, 3));
    }

    #[test]
    fn fixed_point_reads_out_too() {
        let neuron = LifConfig::new(2.0).non_spiking_lif::<i16>().unwrap();
        let (mut v, mut r) = (0i16, Readout::new());
        for x in [100, 100, -301] {
            neuron.step(&mut v, x);
            r.push(v);
        }
        // 50, 75, floor(37.5) + floor(-150.5).
        assert_eq!(v, -114);
        assert_eq!(r.read(Decode::MaxMem), 75);
        assert_eq!(r.read(Decode::MaxAbsMem), -114);
        assert_eq!(r.read(Decode::MeanMem), 3);
    }
}
