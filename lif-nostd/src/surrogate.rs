//! Surrogate functions of a neuron's step, under SpikingJelly's names.
//!
//! A spiking neuron emits `heaviside(x)` of its distance `x = h - v_threshold` to the threshold, which has no
//! useful derivative. A [`Surrogate`] stands in for it: [`Surrogate::grad`] where a gradient comes back through a
//! spike, and [`Surrogate::primitive`], whose derivative that mostly is, where a network is to be smooth
//! (`spiking = false`).
//!
//! The formulas are those of SpikingJelly 2.0.0, `activation_based/surrogate.py`. Every class that its `LIFNode`
//! can use is here. `PoissonPass` is not: it draws spikes at random with probability x, and fails unless x is
//! within 0 to 1, which a membrane's distance to the threshold is not.
//!
//! ```
//! use lif_nostd::surrogate::Surrogate;
//!
//! let mut surrogate = Surrogate::from_name("sigmoid").unwrap();
//! surrogate.set("alpha", 2.0).unwrap();
//! assert_eq!(surrogate, Surrogate::Sigmoid { alpha: 2.0 });
//! assert_eq!(surrogate.grad(0.0), 0.5);
//! assert_eq!(surrogate.primitive(0.0f32), Some(0.5));
//! ```

mod gradient;
mod params;
mod primitive;
#[cfg(feature = "serde")]
mod serde;

pub use params::ParamError;

/// A surrogate function and its parameters.
///
/// Each variant gives `g'`, the gradient, and `g`, the primitive, of `x = h - v_threshold`; `[..]` is 1 where the
/// condition holds, else 0. Infinities and NaN go through the formulas as IEEE 754 has it, except as
/// [`Surrogate::grad`] and [`Surrogate::primitive`] say.
///
/// In a file (feature `serde`) it is a map of `name` and the parameters, those left out being SpikingJelly's
/// defaults: `{ name = "atan", alpha = 2.0 }`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Surrogate {
    /// `Sigmoid`: `g' = alpha s (1 - s)` and `g = s`, with `s = 1 / (1 + exp(-alpha x))`.
    Sigmoid {
        /// Steepness, above 0; 4 by default.
        alpha: f64,
    },
    /// `ATan`: `g' = (alpha/2) / (1 + (pi/2 alpha x)^2)`, `g = atan(pi/2 alpha x) / pi + 1/2`.
    Atan {
        /// Steepness, above 0; 2 by default.
        alpha: f64,
    },
    /// `PiecewiseQuadratic`: `g' = [|x| <= 1/alpha] (alpha - alpha^2 |x|)`, and `g` is 0 below `-1/alpha`, 1 above
    /// `1/alpha`, and `-(alpha^2/2) x^2 sign(x) + alpha x + 1/2` between.
    PiecewiseQuadratic {
        /// Steepness, above 0; 1 by default.
        alpha: f64,
    },
    /// `PiecewiseExp`: `g' = (alpha/2) exp(-alpha |x|)`, and `g` is `exp(alpha x) / 2` below 0,
    /// `1 - exp(-alpha x) / 2` from 0.
    PiecewiseExp {
        /// Steepness, above 0; 1 by default.
        alpha: f64,
    },
    /// `SoftSign`: `g' = 1 / (2 alpha (1/alpha + |x|)^2)`, `g = (alpha x / (1 + |alpha x|) + 1) / 2`.
    SoftSign {
        /// Steepness, above 0; 2 by default.
        alpha: f64,
    },
    /// `SuperSpike`: `g' = alpha / (1 + |x|)^2`; no primitive.
    SuperSpike {
        /// Height, above 0; 1 by default.
        alpha: f64,
    },
    /// `Erf`: `g' = alpha / sqrt(pi) exp(-(alpha x)^2)`, `g = erfc(-alpha x) / 2`.
    Erf {
        /// Steepness, above 0; 2 by default.
        alpha: f64,
    },
    /// `NonzeroSignLogAbs`: `g' = 1 / (1/alpha + |x|)`, `g = sign(x) ln(1 + alpha |x|)`.
    NonzeroSignLogAbs {
        /// Steepness, above 0; 1 by default.
        alpha: f64,
    },
    /// `PiecewiseLeakyReLU`: `g'` is `1 / (2 w)` where `|x| < w`, else `c`; `g` is `c x + c w` below `-w`,
    /// `c x - c w + 1` above `w`, and `x / (2 w) + 1/2` between.
    PiecewiseLeakyRelu {
        /// Half the width of the steep part, above 0; 1 by default.
        w: f64,
        /// Slope outside; 0.01 by default.
        c: f64,
    },
    /// `SquarewaveFourierSeries`: `g' = (4/T) sum cos((2i - 1) omega x)`,
    /// `g = 1/2 + (2/pi) sum sin((2i - 1) omega x) / (2i - 1)`, with `omega = 2 pi / T` and the sums over i from 1
    /// to n - 1.
    SquarewaveFourierSeries {
        /// One more than the terms of the series, at least 1; 2 by default.
        n: u32,
        /// Period T of the wave, above 0, called `T_period` outside this crate; 8 by default.
        t_period: f64,
    },
    /// `S2NN`: `g'` is that of [`Surrogate::Sigmoid`] below 0, `beta / (x + 1)` from 0; `g` is `sigmoid(alpha x)`
    /// below 0, `beta ln(|x + 1| + 1e-5) + 1/2` from 0.
    S2nn {
        /// Steepness below 0, above 0; 4 by default.
        alpha: f64,
        /// Gradient at 0; 1 by default.
        beta: f64,
    },
    /// `QPseudoSpike`: `g' = (1 + 2/(alpha - 1) |x|)^-alpha`, and `g` is `t / 2` below 0, `1 - t / 2` from 0, with
    /// `t = (1 + 2/(alpha - 1) |x|)^(1 - alpha)`.
    QPseudoSpike {
        /// How fast the tails fall, above 1; 2 by default.
        alpha: f64,
    },
    /// `LeakyKReLU`: `g'` is `k` from 0, else `leak`; `g = g' x`.
    LeakyKRelu {
        /// Slope below 0; 0 by default.
        leak: f64,
        /// Slope from 0; 1 by default.
        k: f64,
    },
    /// `FakeNumericalGradient`: `g' = min(sign(x) / x, alpha)`, where 0 has the sign of one, so that `-0.0` gives
    /// negative infinity; no primitive.
    FakeNumericalGradient {
        /// Largest gradient, above 0; 0.3 by default.
        alpha: f64,
    },
    /// `LogTailedReLU`: `g'` is `1 / x` above 1, `alpha` up to 0, and 1 between; `g` is `ln(x) + 1` above 1,
    /// `alpha x` up to 0, and `x` between.
    LogTailedRelu {
        /// Slope below 0; 0 by default.
        alpha: f64,
    },
    /// `DeterministicPass`: `g' = 1`, `g = x`.
    DeterministicPass {},
    /// `Rect`: `g' = alpha [|x| < 1 / (2 alpha)]`, `g = clamp(alpha x + 1/2, 0, 1)`.
    Rect {
        /// Height, and one over the width, above 0; 1 by default.
        alpha: f64,
    },
    /// `MultiLevelSpikeCount`: `g' = [grad_min <= x <= grad_max]`, `g = clamp(x, 0, max_spike_count)`. A neuron
    /// emits a count, `g` rounded to the nearest whole number, ties to even, instead of one spike.
    MultiLevelSpikeCount {
        /// Most spikes a step, at least 1; no default, and 0 where it has not been set.
        max_spike_count: u32,
        /// Where the gradient starts to be 1; 0 if none.
        grad_min: Option<f64>,
        /// Where the gradient ceases to be 1, at least `grad_min`; `max_spike_count` if none.
        grad_max: Option<f64>,
    },
}

/// ATan of alpha 2. SpikingJelly's `LIFNode` uses Sigmoid of alpha 4 unless told otherwise.
impl Default for Surrogate {
    fn default() -> Self {
        Self::Atan { alpha: 2.0 }
    }
}

impl Surrogate {
    /// Every surrogate with SpikingJelly's default parameters.
    ///
    /// `multi-level-spike-count` has none for `max_spike_count`, which is 0 here: [`Surrogate::problem`] reports it
    /// until it is set.
    pub const ALL: [Self; 18] = [
        Self::Sigmoid { alpha: 4.0 },
        Self::Atan { alpha: 2.0 },
        Self::PiecewiseQuadratic { alpha: 1.0 },
        Self::PiecewiseExp { alpha: 1.0 },
        Self::SoftSign { alpha: 2.0 },
        Self::SuperSpike { alpha: 1.0 },
        Self::Erf { alpha: 2.0 },
        Self::NonzeroSignLogAbs { alpha: 1.0 },
        Self::PiecewiseLeakyRelu { w: 1.0, c: 0.01 },
        Self::SquarewaveFourierSeries {
            n: 2,
            t_period: 8.0,
        },
        Self::S2nn {
            alpha: 4.0,
            beta: 1.0,
        },
        Self::QPseudoSpike { alpha: 2.0 },
        Self::LeakyKRelu { leak: 0.0, k: 1.0 },
        Self::FakeNumericalGradient { alpha: 0.3 },
        Self::LogTailedRelu { alpha: 0.0 },
        Self::DeterministicPass {},
        Self::Rect { alpha: 1.0 },
        Self::MultiLevelSpikeCount {
            max_spike_count: 0,
            grad_min: None,
            grad_max: None,
        },
    ];

    /// The names of [`Surrogate::ALL`], in its order.
    pub const NAMES: &[&str] = &{
        let mut names = [""; Self::ALL.len()];
        let mut i = 0;
        while i < names.len() {
            names[i] = Self::ALL[i].name();
            i += 1;
        }
        names
    };

    /// The name of SpikingJelly's class, in kebab case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sigmoid { .. } => "sigmoid",
            Self::Atan { .. } => "atan",
            Self::PiecewiseQuadratic { .. } => "piecewise-quadratic",
            Self::PiecewiseExp { .. } => "piecewise-exp",
            Self::SoftSign { .. } => "soft-sign",
            Self::SuperSpike { .. } => "super-spike",
            Self::Erf { .. } => "erf",
            Self::NonzeroSignLogAbs { .. } => "nonzero-sign-log-abs",
            Self::PiecewiseLeakyRelu { .. } => "piecewise-leaky-relu",
            Self::SquarewaveFourierSeries { .. } => "squarewave-fourier-series",
            Self::S2nn { .. } => "s2nn",
            Self::QPseudoSpike { .. } => "q-pseudo-spike",
            Self::LeakyKRelu { .. } => "leaky-k-relu",
            Self::FakeNumericalGradient { .. } => "fake-numerical-gradient",
            Self::LogTailedRelu { .. } => "log-tailed-relu",
            Self::DeterministicPass {} => "deterministic-pass",
            Self::Rect { .. } => "rect",
            Self::MultiLevelSpikeCount { .. } => "multi-level-spike-count",
        }
    }

    /// The surrogate of this name with the parameters of [`Surrogate::ALL`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// Whether a spiking neuron emits 0 or 1 alone: all but `multi-level-spike-count`, which emits counts.
    #[must_use]
    pub const fn is_binary(&self) -> bool {
        !matches!(self, Self::MultiLevelSpikeCount { .. })
    }

    /// Whether there is a primitive: for all but `super-spike` and `fake-numerical-gradient`.
    #[must_use]
    pub const fn has_primitive(&self) -> bool {
        !matches!(
            self,
            Self::SuperSpike { .. } | Self::FakeNumericalGradient { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_lead_back() {
        for (surrogate, name) in Surrogate::ALL.iter().zip(Surrogate::NAMES) {
            assert_eq!(surrogate.name(), *name);
            assert_eq!(Surrogate::from_name(name), Some(*surrogate));
        }
        assert_eq!(Surrogate::from_name("ATan"), None);
        assert!(Surrogate::ALL.contains(&Surrogate::default()));
    }
}
