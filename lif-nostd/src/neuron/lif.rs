//! The leaky integrate-and-fire neuron (`docs/dynamics.md`, sections 1 to 3).

use super::Spiking;
use crate::kernel::neurons as kernel;
use crate::scalar::Scalar;

/// Constants of a leaky integrate-and-fire neuron; the membrane is kept by the caller.
///
/// One step is charge, fire, reset. With `vr` the leak potential:
///
/// ```text
/// charge   decay_input:  h = v + (x - (v - vr)) / tau
///          otherwise:    h = v - (v - vr) / tau + x
/// fire                   s = h >= v_threshold
/// reset    hard:         v = s * v_reset + (1 - s) * h
///          soft:         v = h - s * v_threshold
/// ```
///
/// in floating point; in fixed point the charge is `sat(((a * v) >> 16) + c)`, see [`crate::scalar`].
#[derive(Clone, Copy, Debug)]
pub struct Lif<S: Scalar> {
    /// Constants of the leak.
    pub leak: S::Leak,
    /// The neuron fires where the membrane after the charge is at least this.
    pub v_threshold: S,
    /// Membrane after a spike; none for a soft reset, which subtracts the threshold.
    pub v_reset: Option<S>,
    /// Whether the input is divided by tau.
    pub decay_input: bool,
}

impl<S: Scalar> Lif<S> {
    /// A neuron of time constant `tau` (in steps) that leaks towards `v_reset` (0 for a soft reset).
    ///
    /// Nothing is checked; [`super::LifConfig::lif`] checks.
    #[must_use]
    pub fn new(tau: f64, v_threshold: S, v_reset: Option<S>, decay_input: bool) -> Self {
        Self {
            leak: S::leak(tau, v_reset.unwrap_or(S::ZERO)),
            v_threshold,
            v_reset,
            decay_input,
        }
    }

    /// One time step of one neuron with membrane `v` and input `x`: whether it fired.
    #[inline]
    pub fn step(&self, v: &mut S, x: S) -> bool {
        let (h, spike) = self.charge_and_fire(*v, x);
        *v = self.reset(h, spike);
        spike
    }

    /// The membrane after the charge.
    #[inline]
    #[must_use]
    pub fn charge(&self, v: S, x: S) -> S {
        v.charge(x, &self.leak, self.decay_input)
    }

    /// The membrane after the charge, and whether it fires.
    #[inline]
    #[must_use]
    pub fn charge_and_fire(&self, v: S, x: S) -> (S, bool) {
        let h = self.charge(v, x);
        (h, h >= self.v_threshold)
    }

    /// The membrane after the reset that follows `spike`.
    #[inline]
    #[must_use]
    pub fn reset(&self, h: S, spike: bool) -> S {
        match self.v_reset {
            Some(v_reset) => h.hard_reset(spike, v_reset),
            None => h.soft_reset(spike, self.v_threshold),
        }
    }

    /// One time step of a population; see [`Spiking::step_all`].
    pub fn step_all(&self, v: &mut [S], x: impl Iterator<Item = S>, spikes: &mut [u32]) {
        Spiking::step_all(self, v, x, spikes);
    }
}

impl Lif<i16> {
    /// One time step of a population: the bits of [`Lif::step_all`], by the kernel of the target where the input is
    /// not divided by tau and the leak is towards 0, as in a deployed network. `v` and `c` hold a membrane and a
    /// current a neuron, `spikes` gets one bit a neuron.
    pub fn step_block(&self, v: &mut [i16], c: &[i16], spikes: &mut [u32]) {
        match self.constants() {
            Some(k) => kernel::step(&k, v, c, spikes, false),
            None => self.step_all(v, c.iter().copied(), spikes),
        }
    }

    /// The same for currents of which `x` holds twice the value, which saves an instruction where the leak factor is
    /// 1/2: the charge is `(v + x) >> 1` then, the same bits where each `x` is even.
    pub fn step_block_doubled(&self, v: &mut [i16], x: &[i16], spikes: &mut [u32]) {
        match self.constants() {
            Some(k) if k.leak == kernel::HALF => kernel::step(&k, v, x, spikes, true),
            _ => self.step_all(v, x.iter().map(|x| x >> 1), spikes),
        }
    }

    /// What the kernels need to know; none where they do not serve.
    pub(crate) const fn constants(&self) -> Option<kernel::Constants> {
        if self.decay_input || self.leak.pull != 0 || self.leak.a > 1 << 16 {
            return None;
        }
        Some(kernel::Constants {
            leak: self.leak.a,
            v_threshold: self.v_threshold,
            v_reset: self.v_reset,
        })
    }
}

impl<S: Scalar> Spiking for Lif<S> {
    type Scalar = S;

    fn v_init(&self) -> S {
        self.v_reset.unwrap_or(S::ZERO)
    }

    #[inline]
    fn step(&self, v: &mut S, x: S) -> bool {
        Lif::step(self, v, x)
    }
}

#[cfg(feature = "defmt")]
impl<S: Scalar> defmt::Format for Lif<S> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(
            f,
            "Lif {{ v_threshold: {=f64}, v_reset: {}, decay_input: {=bool} }}",
            self.v_threshold.to_f64(),
            self.v_reset.map(Scalar::to_f64),
            self.decay_input
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_at_the_threshold_itself() {
        let lif = Lif::<f32>::new(2.0, 1.0, Some(0.0), true);
        let mut v = 0.0;
        assert!(lif.step(&mut v, 2.0));
        assert_eq!(v, 0.0);
        assert!(!lif.step(&mut v, 1.999_999_9));
    }

    #[test]
    fn soft_reset_keeps_the_excess() {
        let lif = Lif::<i16>::new(2.0, 100, None, false);
        let mut v = 0;
        assert!(lif.step(&mut v, 130));
        assert_eq!(v, 30);
    }

    #[test]
    fn a_population_steps_like_its_neurons() {
        let lif = Lif::<i16>::new(3.0, 50, Some(-7), false);
        let xs: [i16; 40] = core::array::from_fn(|i| (i as i16) * 5 - 60);
        let mut v = [0i16; 40];
        let mut single = [0i16; 40];
        let mut spikes = [u32::MAX; 2];
        for _ in 0..5 {
            lif.step_all(&mut v, xs.iter().copied(), &mut spikes);
            for (i, (s, x)) in single.iter_mut().zip(xs).enumerate() {
                let fired = lif.step(s, x);
                assert_eq!(spikes[i / 32] >> (i % 32) & 1 == 1, fired);
            }
            assert_eq!(v, single);
            assert_eq!(spikes[1] >> 8, 0);
        }
    }
}
