//! SpikingJelly's SimpleLIF (`docs/dynamics.md`, sections 1 to 3).

use super::{Lif, Spiking};
use crate::scalar::Scalar;

/// Constants of a SimpleLIF neuron: LIF's equations in another order of operations, with a hard reset alone.
///
/// ```text
/// charge   decay_input:  h = v + (v_reset - v + x) / tau
///          otherwise:    h = v + (v_reset - v) / tau + x
/// ```
///
/// Fire and reset are LIF's. The membrane starts at 0 whatever `v_reset` is. In fixed point the charge is that
/// of LIF. Made by [`super::LifConfig::simple_lif`].
#[derive(Clone, Copy, Debug)]
pub struct SimpleLif<S: Scalar> {
    pub(super) lif: Lif<S>,
    pub(super) first_pull: S,
}

impl<S: Scalar> SimpleLif<S> {
    /// The same constants as a LIF neuron has.
    #[must_use]
    pub const fn constants(&self) -> &Lif<S> {
        &self.lif
    }

    /// The membrane after the charge.
    #[inline]
    #[must_use]
    pub fn charge(&self, v: S, x: S) -> S {
        v.charge_simple(x, &self.lif.leak, self.lif.decay_input)
    }

    /// The membrane after the charge of the first step, from 0.
    ///
    /// SpikingJelly starts from the number 0, not from a tensor: without `decay_input` it computes
    /// `v_reset / tau` in f64 there and rounds it once, which can differ from the f32 quotient in the last bit.
    #[inline]
    #[must_use]
    pub fn first_charge(&self, x: S) -> S {
        if self.lif.decay_input {
            self.charge(S::ZERO, x)
        } else {
            self.first_pull.plus(x)
        }
    }

    /// One time step of one neuron with membrane `v` and input `x`: whether it fired.
    #[inline]
    pub fn step(&self, v: &mut S, x: S) -> bool {
        let h = self.charge(*v, x);
        self.fire(h, v)
    }

    #[inline]
    fn fire(&self, h: S, v: &mut S) -> bool {
        let spike = h >= self.lif.v_threshold;
        *v = self.lif.reset(h, spike);
        spike
    }
}

impl<S: Scalar> Spiking for SimpleLif<S> {
    type Scalar = S;

    fn v_init(&self) -> S {
        S::ZERO
    }

    #[inline]
    fn step(&self, v: &mut S, x: S) -> bool {
        SimpleLif::step(self, v, x)
    }

    fn first_step(&self, v: &mut S, x: S) -> bool {
        self.fire(self.first_charge(x), v)
    }
}

#[cfg(feature = "defmt")]
impl<S: Scalar> defmt::Format for SimpleLif<S> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Simple{}", self.lif);
    }
}

#[cfg(test)]
mod tests {
    use crate::neuron::{LifConfig, Spiking};

    #[test]
    fn starts_at_zero_and_resets_to_v_reset() {
        let config = LifConfig::new(2.0).v_reset(-0.5);
        let neuron = config.simple_lif::<f32>().unwrap();
        let mut v = neuron.v_init();
        assert_eq!(v, 0.0);
        assert!(neuron.first_step(&mut v, 2.5));
        assert_eq!(v, -0.5);
        assert!(!neuron.step(&mut v, 0.0));
        assert_eq!(v, -0.5);
    }

    #[test]
    fn the_first_quotient_is_rounded_once() {
        let (r, tau) = (-0.25f64, 1.7f64);
        let config = LifConfig::new(tau).v_reset(r).decay_input(false);
        let neuron = config.simple_lif::<f32>().unwrap();
        let once = (r / tau) as f32;
        let twice = r as f32 / tau as f32;
        assert_ne!(once, twice);
        assert_eq!(neuron.first_charge(0.0), once);
        assert_eq!(neuron.charge(0.0, 0.0), twice);
    }
}
