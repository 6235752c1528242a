//! The parameters of a neuron, as the user says them.

use core::fmt;

use super::{Lif, NonSpikingLif, SimpleLif};
use crate::scalar::Scalar;

/// Parameters of a leaky integrate-and-fire neuron, in f64, for any number type.
///
/// ```
/// use lif_nostd::neuron::LifConfig;
///
/// let config = LifConfig::new(2.0).v_threshold(0.5).soft_reset();
/// let lif = config.lif::<f32>()?;
/// let mut v = 0.0;
/// assert!(lif.step(&mut v, 1.5));
/// assert_eq!(v, 0.25);
/// # Ok::<(), lif_nostd::neuron::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LifConfig {
    /// Time constant, in steps.
    pub tau: f64,
    /// The neuron fires where the membrane after the charge is at least this.
    pub v_threshold: f64,
    /// Membrane after a spike, which the leak pulls towards too; none for a soft reset.
    pub v_reset: Option<f64>,
    /// Whether the input is divided by tau.
    pub decay_input: bool,
}

/// Why parameters do not make a neuron.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConfigError {
    /// The time constant is outside the range of the model.
    Tau {
        /// Time constant, in steps.
        tau: f64,
        /// What it must be.
        need: &'static str,
    },
    /// The number type cannot hold a parameter.
    Range {
        /// Name of the parameter.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// The model has no soft reset.
    SoftReset,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Tau { tau, need } => write!(f, "tau = {tau}: must be {need}"),
            Self::Range { name, value } => {
                write!(f, "{name} = {value}: the number type cannot hold it")
            }
            Self::SoftReset => f.write_str("SimpleLIF has no soft reset: v_reset must be a number"),
        }
    }
}

impl core::error::Error for ConfigError {}

impl LifConfig {
    /// Time constant `tau` in steps, threshold 1, hard reset to 0, `decay_input`: SpikingJelly's defaults.
    #[must_use]
    pub const fn new(tau: f64) -> Self {
        Self {
            tau,
            v_threshold: 1.0,
            v_reset: Some(0.0),
            decay_input: true,
        }
    }

    /// Time constant `tau_ms` at `dt_ms` a step, both in milliseconds: tau = tau_ms / dt_ms steps, as the
    /// explicit Euler method has it.
    #[must_use]
    pub const fn from_ms(tau_ms: f64, dt_ms: f64) -> Self {
        Self::new(tau_ms / dt_ms)
    }

    /// A membrane that decays by exactly `exp(-dt_ms / tau_ms)` a step: tau = 1 / (1 - exp(-dt_ms / tau_ms)).
    #[must_use]
    pub fn exponential(tau_ms: f64, dt_ms: f64) -> Self {
        // 1 - exp(-x) without cancellation.
        Self::new(-1.0 / libm::expm1(-dt_ms / tau_ms))
    }

    /// A membrane of which a step leaves the part `beta`, as snnTorch says it: tau = 1 / (1 - beta), without
    /// `decay_input`.
    #[must_use]
    pub const fn from_beta(beta: f64) -> Self {
        Self::new(1.0 / (1.0 - beta)).decay_input(false)
    }

    /// Sets the threshold.
    #[must_use]
    pub const fn v_threshold(mut self, v_threshold: f64) -> Self {
        self.v_threshold = v_threshold;
        self
    }

    /// Sets a hard reset to `v_reset`, which the leak pulls towards too.
    #[must_use]
    pub const fn v_reset(mut self, v_reset: f64) -> Self {
        self.v_reset = Some(v_reset);
        self
    }

    /// Sets a soft reset, which subtracts the threshold.
    #[must_use]
    pub const fn soft_reset(mut self) -> Self {
        self.v_reset = None;
        self
    }

    /// Sets whether the input is divided by tau.
    #[must_use]
    pub const fn decay_input(mut self, decay_input: bool) -> Self {
        self.decay_input = decay_input;
        self
    }

    /// A LIF neuron. tau must be above 1.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Tau`]; [`ConfigError::Range`] where `S` cannot hold the threshold or the reset potential.
    pub fn lif<S: Scalar>(&self) -> Result<Lif<S>, ConfigError> {
        if self.tau.is_nan() || self.tau <= 1.0 {
            return Err(self.bad_tau("above 1"));
        }
        let v_reset = self.v_reset.map(|v| hold("v_reset", v)).transpose()?;
        let v_threshold = hold("v_threshold", self.v_threshold)?;
        Ok(Lif::new(self.tau, v_threshold, v_reset, self.decay_input))
    }

    /// A SimpleLIF neuron. tau may be anything that `S` can divide by.
    ///
    /// # Errors
    ///
    /// [`ConfigError::SoftReset`]; [`ConfigError::Tau`]; [`ConfigError::Range`].
    pub fn simple_lif<S: Scalar>(&self) -> Result<SimpleLif<S>, ConfigError> {
        let v_reset = self.v_reset.ok_or(ConfigError::SoftReset)?;
        self.check_divisor::<S>()?;
        let held = hold("v_reset", v_reset)?;
        Ok(SimpleLif {
            lif: Lif {
                leak: S::leak(self.tau, held),
                v_threshold: hold("v_threshold", self.v_threshold)?,
                v_reset: Some(held),
                decay_input: self.decay_input,
            },
            first_pull: S::pull_from_zero(self.tau, v_reset),
        })
    }

    /// A NonSpikingLIF neuron, of which only `tau` counts. tau may be anything that `S` can divide by.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Tau`].
    pub fn non_spiking_lif<S: Scalar>(&self) -> Result<NonSpikingLif<S>, ConfigError> {
        self.check_divisor::<S>()?;
        Ok(NonSpikingLif {
            leak: S::leak(self.tau, S::ZERO),
        })
    }

    fn check_divisor<S: Scalar>(&self) -> Result<(), ConfigError> {
        let rounds_to_0 = S::from_f64(self.tau).is_some_and(|tau| tau.to_f64() == 0.0);
        if self.tau.is_nan() || (rounds_to_0 && S::TAU_MIN < 0.0) || self.tau == 0.0 {
            Err(self.bad_tau("a number other than 0"))
        } else if self.tau < S::TAU_MIN {
            Err(self.bad_tau("at least 1 in fixed point"))
        } else {
            Ok(())
        }
    }

    const fn bad_tau(&self, need: &'static str) -> ConfigError {
        ConfigError::Tau {
            tau: self.tau,
            need,
        }
    }
}

fn hold<S: Scalar>(name: &'static str, value: f64) -> Result<S, ConfigError> {
    S::from_f64(value).ok_or(ConfigError::Range { name, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_range_are_named() {
        let at = LifConfig::new;
        let tau = |t| at(t).lif::<f32>().err();
        for bad in [1.0, 0.0, -2.0, f64::NAN] {
            assert!(matches!(tau(bad), Some(ConfigError::Tau { .. })), "{bad}");
        }
        assert_eq!(tau(f64::INFINITY), None);
        let err = at(2.0).v_threshold(40_000.0).lif::<i16>().err();
        let want = ConfigError::Range {
            name: "v_threshold",
            value: 40_000.0,
        };
        assert_eq!(err, Some(want));
        assert_eq!(
            at(2.0).soft_reset().simple_lif::<f32>().err(),
            Some(ConfigError::SoftReset)
        );
        assert!(at(0.5).simple_lif::<f32>().is_ok());
        assert!(at(0.5).simple_lif::<i16>().is_err());
        assert!(at(0.0).non_spiking_lif::<f32>().is_err());
    }

    #[test]
    fn time_constants_come_from_milliseconds_and_beta() {
        assert_eq!(LifConfig::from_ms(20.0, 1.0).tau, 20.0);
        let tau = LifConfig::exponential(20.0, 1.0).tau;
        assert!((1.0 - 1.0 / tau - libm::exp(-0.05)).abs() < 1e-15);
        let beta = LifConfig::from_beta(0.75);
        assert_eq!((beta.tau, beta.decay_input), (4.0, false));
    }
}
