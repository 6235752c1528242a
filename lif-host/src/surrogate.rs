//! Surrogate gradients: derivatives that stand in for that of the step at the threshold.

use serde::{Deserialize, Serialize};

/// A surrogate function, under SpikingJelly's name in kebab case.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Surrogate {
    /// `g(x) = atan(pi/2 alpha x) / pi + 1/2`, `g'(x) = (alpha/2) / (1 + (pi/2 alpha x)^2)`.
    Atan {
        /// Steepness; SpikingJelly's default is 2.
        #[serde(default = "default_alpha")]
        alpha: f32,
    },
}

const fn default_alpha() -> f32 {
    2.0
}

impl Default for Surrogate {
    fn default() -> Self {
        Self::Atan {
            alpha: default_alpha(),
        }
    }
}

impl Surrogate {
    /// The derivative at `x`, the membrane's distance to the threshold.
    #[inline]
    #[must_use]
    pub fn grad(&self, x: f32) -> f32 {
        match *self {
            Self::Atan { alpha } => {
                let y = core::f32::consts::FRAC_PI_2 * alpha * x;
                alpha / 2.0 / (1.0 + y * y)
            }
        }
    }

    /// Why the parameters are out of range, if they are.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match *self {
            Self::Atan { alpha } if !(alpha > 0.0 && alpha.is_finite()) => {
                Some(format!("surrogate.alpha = {alpha}: must be above 0"))
            }
            Self::Atan { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atan_is_the_derivative_of_its_primitive() {
        let s = Surrogate::Atan { alpha: 2.0 };
        let primitive = |x: f64| (core::f64::consts::PI * x).atan() / core::f64::consts::PI + 0.5;
        for i in -40..=40 {
            let x = f64::from(i) / 16.0;
            let slope = (primitive(x + 1e-6) - primitive(x - 1e-6)) / 2e-6;
            assert!((slope - f64::from(s.grad(x as f32))).abs() < 1e-6, "{x}");
        }
    }
}
