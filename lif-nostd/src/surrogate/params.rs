//! Parameters by name, and what is wrong with them.

use core::fmt;

use super::Surrogate;

/// What is wrong with a parameter of a surrogate.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ParamError {
    /// The surrogate has no parameter of that name.
    Unknown {
        /// Name of the surrogate.
        surrogate: &'static str,
        /// Names of the parameters that it has.
        allowed: &'static [&'static str],
    },
    /// The parameter is not a whole number, or does not fit 32 bits.
    NotWhole {
        /// Name of the parameter.
        param: &'static str,
        /// Its value.
        value: f64,
    },
    /// The parameter is out of its range.
    OutOfRange {
        /// Name of the parameter.
        param: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        must_be: &'static str,
    },
    /// The gradient would be 1 nowhere.
    EmptyWindow {
        /// Where the gradient starts to be 1.
        grad_min: f64,
        /// Where it ceases to be 1.
        grad_max: f64,
    },
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unknown { surrogate, allowed } => {
                write!(f, "not a parameter of {surrogate}, which has ")?;
                for (i, name) in allowed.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    f.write_str(name)?;
                }
                f.write_str(if allowed.is_empty() { "none" } else { "" })
            }
            Self::NotWhole { param, value } => write!(
                f,
                "{param} = {value}: must be a whole number of 0 to {}",
                u32::MAX
            ),
            Self::OutOfRange {
                param,
                value,
                must_be,
            } => write!(f, "{param} = {value}: must be {must_be}"),
            Self::EmptyWindow { grad_min, grad_max } => write!(
                f,
                "grad_min = {grad_min}: must be at most grad_max = {grad_max}"
            ),
        }
    }
}

impl core::error::Error for ParamError {}

/// Where a parameter is kept.
enum Slot<'a> {
    Real(&'a mut f64),
    Optional(&'a mut Option<f64>),
    Whole(&'a mut u32),
}

impl Slot<'_> {
    fn value(&self) -> Option<f64> {
        match self {
            Self::Real(x) => Some(**x),
            Self::Optional(x) => **x,
            Self::Whole(n) => Some(f64::from(**n)),
        }
    }
}

impl Surrogate {
    /// The names of its parameters, as SpikingJelly has them.
    #[must_use]
    pub const fn param_names(&self) -> &'static [&'static str] {
        match self {
            Self::Sigmoid { .. }
            | Self::Atan { .. }
            | Self::PiecewiseQuadratic { .. }
            | Self::PiecewiseExp { .. }
            | Self::SoftSign { .. }
            | Self::SuperSpike { .. }
            | Self::Erf { .. }
            | Self::NonzeroSignLogAbs { .. }
            | Self::QPseudoSpike { .. }
            | Self::FakeNumericalGradient { .. }
            | Self::LogTailedRelu { .. }
            | Self::Rect { .. } => &["alpha"],
            Self::PiecewiseLeakyRelu { .. } => &["w", "c"],
            Self::SquarewaveFourierSeries { .. } => &["n", "T_period"],
            Self::S2nn { .. } => &["alpha", "beta"],
            Self::LeakyKRelu { .. } => &["leak", "k"],
            Self::DeterministicPass {} => &[],
            Self::MultiLevelSpikeCount { .. } => &["max_spike_count", "grad_min", "grad_max"],
        }
    }

    fn slot(&mut self, param: &str) -> Option<Slot<'_>> {
        match self {
            Self::Sigmoid { alpha }
            | Self::Atan { alpha }
            | Self::PiecewiseQuadratic { alpha }
            | Self::PiecewiseExp { alpha }
            | Self::SoftSign { alpha }
            | Self::SuperSpike { alpha }
            | Self::Erf { alpha }
            | Self::NonzeroSignLogAbs { alpha }
            | Self::S2nn { alpha, .. }
            | Self::QPseudoSpike { alpha }
            | Self::FakeNumericalGradient { alpha }
            | Self::LogTailedRelu { alpha }
            | Self::Rect { alpha }
                if param == "alpha" =>
            {
                Some(Slot::Real(alpha))
            }
            Self::PiecewiseLeakyRelu { w, .. } if param == "w" => Some(Slot::Real(w)),
            Self::PiecewiseLeakyRelu { c, .. } if param == "c" => Some(Slot::Real(c)),
            Self::SquarewaveFourierSeries { n, .. } if param == "n" => Some(Slot::Whole(n)),
            Self::SquarewaveFourierSeries { t_period, .. } if param == "T_period" => {
                Some(Slot::Real(t_period))
            }
            Self::S2nn { beta, .. } if param == "beta" => Some(Slot::Real(beta)),
            Self::LeakyKRelu { leak, .. } if param == "leak" => Some(Slot::Real(leak)),
            Self::LeakyKRelu { k, .. } if param == "k" => Some(Slot::Real(k)),
            Self::MultiLevelSpikeCount {
                max_spike_count,
                grad_min,
                grad_max,
            } => match param {
                "max_spike_count" => Some(Slot::Whole(max_spike_count)),
                "grad_min" => Some(Slot::Optional(grad_min)),
                "grad_max" => Some(Slot::Optional(grad_max)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Sets a parameter by its name. Only [`Surrogate::problem`] looks at its range.
    ///
    /// # Errors
    ///
    /// [`ParamError::Unknown`] if the surrogate has no such parameter, [`ParamError::NotWhole`] if it counts
    /// something and the value is not a whole number of 32 bits. Nothing is changed then.
    pub fn set(&mut self, param: &str, value: f64) -> Result<(), ParamError> {
        let (surrogate, allowed) = (self.name(), self.param_names());
        let unknown = ParamError::Unknown { surrogate, allowed };
        let param = *allowed.iter().find(|p| **p == param).ok_or(unknown)?;
        match self.slot(param).ok_or(unknown)? {
            Slot::Real(x) => *x = value,
            Slot::Optional(x) => *x = Some(value),
            // The cast saturates, so that only a whole number in range comes back unchanged.
            Slot::Whole(n) if f64::from(value as u32) == value => *n = value as u32,
            Slot::Whole(_) => return Err(ParamError::NotWhole { param, value }),
        }
        Ok(())
    }

    /// Its parameters and their values, in the order of [`Surrogate::param_names`].
    ///
    /// `grad_min` and `grad_max` are left out while they follow `max_spike_count`.
    pub fn params(&self) -> impl Iterator<Item = (&'static str, f64)> + use<> {
        let mut copy = *self;
        self.param_names()
            .iter()
            .filter_map(move |name| Some((*name, copy.slot(name)?.value()?)))
    }

    /// What is wrong with the parameters, if anything is: one that is not finite, or one for which the formulas
    /// mean nothing.
    #[must_use]
    pub fn problem(&self) -> Option<ParamError> {
        self.params()
            .find_map(|(param, value)| {
                let must_be = self.requirement(param, value)?;
                Some(ParamError::OutOfRange {
                    param,
                    value,
                    must_be,
                })
            })
            .or_else(|| {
                let (grad_min, grad_max) = self.grad_window()?;
                (grad_min > grad_max).then_some(ParamError::EmptyWindow { grad_min, grad_max })
            })
    }

    /// What a parameter must be and `value` is not.
    fn requirement(&self, param: &str, value: f64) -> Option<&'static str> {
        let (holds, must_be) = match (self, param) {
            (Self::LogTailedRelu { .. }, "alpha") => (true, "finite"),
            (Self::QPseudoSpike { .. }, "alpha") => (value > 1.0, "above 1"),
            (_, "alpha" | "w" | "T_period") => (value > 0.0, "above 0"),
            (_, "n") => (value >= 1.0, "at least 1"),
            (_, "max_spike_count") => (value >= 1.0, "given, and at least 1"),
            _ => (true, "finite"),
        };
        if !holds {
            Some(must_be)
        } else if !value.is_finite() {
            Some("finite")
        } else {
            None
        }
    }

    /// Where `multi-level-spike-count` has a gradient of 1: from the first to the second.
    pub(super) fn grad_window(&self) -> Option<(f64, f64)> {
        match *self {
            Self::MultiLevelSpikeCount {
                max_spike_count,
                grad_min,
                grad_max,
            } => Some((
                grad_min.unwrap_or(0.0),
                grad_max.unwrap_or(f64::from(max_spike_count)),
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::ToString as _;

    #[test]
    fn every_parameter_can_be_set_and_comes_back() {
        for mut surrogate in Surrogate::ALL {
            for (i, name) in surrogate.param_names().iter().enumerate() {
                let value = 2.0 + i as f64;
                surrogate.set(name, value).unwrap();
                assert!(surrogate.params().any(|p| p == (*name, value)), "{name}");
            }
            let names = surrogate.params().map(|(name, _)| name);
            assert!(names.eq(surrogate.param_names().iter().copied()));
            assert_eq!(surrogate.problem(), None, "{surrogate:?}");
        }
    }

    #[test]
    fn a_parameter_that_is_not_there_is_refused() {
        let says = |name, param| {
            let mut surrogate = Surrogate::from_name(name).unwrap();
            surrogate.set(param, 1.0).unwrap_err().to_string()
        };
        let said = says("squarewave-fourier-series", "t_period");
        assert_eq!(
            said,
            "not a parameter of squarewave-fourier-series, which has n, T_period"
        );
        let said = says("deterministic-pass", "alpha");
        assert_eq!(
            said,
            "not a parameter of deterministic-pass, which has none"
        );
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let says = |name, param, value| {
            let mut surrogate = Surrogate::from_name(name).unwrap();
            let _ = surrogate.set("max_spike_count", 4.0);
            let set = surrogate.set(param, value);
            set.err().or(surrogate.problem()).map(|e| e.to_string())
        };
        let rows = [
            ("atan", "alpha", 0.0, "alpha = 0: must be above 0"),
            ("rect", "alpha", f64::NAN, "alpha = NaN: must be above 0"),
            ("erf", "alpha", f64::INFINITY, "alpha = inf: must be finite"),
            ("q-pseudo-spike", "alpha", 1.0, "alpha = 1: must be above 1"),
            ("piecewise-leaky-relu", "w", -1.0, "w = -1: must be above 0"),
            ("s2nn", "beta", f64::NAN, "beta = NaN: must be finite"),
            (
                "squarewave-fourier-series",
                "n",
                0.0,
                "n = 0: must be at least 1",
            ),
            (
                "squarewave-fourier-series",
                "n",
                1.5,
                "n = 1.5: must be a whole number of 0 to 4294967295",
            ),
            (
                "multi-level-spike-count",
                "max_spike_count",
                0.0,
                "max_spike_count = 0: must be given, and at least 1",
            ),
            (
                "multi-level-spike-count",
                "grad_min",
                4.5,
                "grad_min = 4.5: must be at most grad_max = 4",
            ),
        ];
        for (name, param, value, message) in rows {
            assert_eq!(says(name, param, value).as_deref(), Some(message));
        }
        for value in [-1.0, 4294967296.0, f64::NAN, f64::INFINITY] {
            let said = says("multi-level-spike-count", "max_spike_count", value);
            assert!(said.unwrap().contains("whole number"), "{value}");
        }
        assert_eq!(says("log-tailed-relu", "alpha", -0.5), None);
    }
}
