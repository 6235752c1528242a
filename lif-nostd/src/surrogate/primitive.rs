//! The primitive, and what a neuron emits.

use core::f64::consts::{FRAC_2_PI, FRAC_PI_2, PI};

use super::Surrogate;
use super::gradient::S2NN_GUARD;
use crate::real::Real;

impl Surrogate {
    /// The primitive at `x`, the membrane's distance to the threshold; none where SpikingJelly has none.
    ///
    /// Operation by operation as SpikingJelly on torch: each constant is evaluated in f64 and rounded once to F.
    /// Where that is additions, multiplications, divisions and comparisons alone, f32 is equal to it in every bit:
    /// `piecewise-quadratic`, `soft-sign`, `piecewise-leaky-relu`, `leaky-k-relu`, `deterministic-pass`, `rect`,
    /// `multi-level-spike-count`, and `q-pseudo-spike` of alpha 2 or 3.
    ///
    /// NaN gives NaN. So does an infinity in `piecewise-quadratic`, `soft-sign`, `piecewise-leaky-relu` and
    /// `squarewave-fourier-series`, and one that is multiplied by a slope of 0.
    #[must_use]
    pub fn primitive<F: Real>(&self, x: F) -> Option<F> {
        let c = F::from_f64;
        let half = c(0.5);
        let value = match *self {
            Self::SuperSpike { .. } | Self::FakeNumericalGradient { .. } => return None,
            Self::Sigmoid { alpha } => sigmoid(x * c(alpha)),
            Self::Atan { alpha } => (c(FRAC_PI_2 * alpha) * x).atan() / c(PI) + half,
            Self::PiecewiseQuadratic { alpha } => piecewise_quadratic(alpha, x),
            Self::PiecewiseExp { alpha } => {
                let (up, sign) = step_and_sign(x);
                up - (sign * x * c(-alpha)).exp() / c(2.0) * sign
            }
            Self::SoftSign { alpha } => {
                let y = x * c(alpha);
                (y / (y.abs() + F::ONE) + F::ONE) / c(2.0)
            }
            Self::Erf { alpha } => (c(-alpha) * x).erfc() / c(2.0),
            Self::NonzeroSignLogAbs { alpha } => {
                let (_, sign) = step_and_sign(x);
                sign * (c(alpha) * sign * x + F::ONE).ln()
            }
            Self::PiecewiseLeakyRelu { w, c } => piecewise_leaky_relu(w, c, x),
            Self::SquarewaveFourierSeries { n, t_period } => squarewave(n, t_period, x),
            Self::S2nn { alpha, .. } if x < F::ZERO => sigmoid(x * c(alpha)),
            Self::S2nn { beta, .. } => c(beta) * ((x + F::ONE).abs() + c(S2NN_GUARD)).ln() + half,
            Self::QPseudoSpike { alpha } => {
                let (up, sign) = step_and_sign(x);
                let base = F::ONE + c(2.0 / (alpha - 1.0)) * x * sign;
                up - sign * (half * power(base, 1.0 - alpha))
            }
            Self::LeakyKRelu { leak, k } => {
                let (up, _) = step_and_sign(x);
                (c(leak) * (F::ONE - up) + c(k) * up) * x
            }
            Self::LogTailedRelu { .. } if x > F::ONE => x.ln() + F::ONE,
            Self::LogTailedRelu { .. } if x > F::ZERO => x,
            Self::LogTailedRelu { alpha } => x * c(alpha),
            Self::DeterministicPass {} => x,
            Self::Rect { alpha } => (c(alpha) * x + half).clamp(F::ZERO, F::ONE),
            Self::MultiLevelSpikeCount {
                max_spike_count, ..
            } => x.clamp(F::ZERO, c(f64::from(max_spike_count))),
        };
        Some(value)
    }

    /// What a spiking neuron emits at `x`, the membrane's distance to the threshold: 1 where it is at least 0, else
    /// 0, also at NaN.
    ///
    /// `multi-level-spike-count` emits its primitive rounded to the nearest whole number, ties to even; NaN at NaN.
    #[inline]
    #[must_use]
    pub fn spike<F: Real>(&self, x: F) -> F {
        match *self {
            Self::MultiLevelSpikeCount {
                max_spike_count, ..
            } => x
                .clamp(F::ZERO, F::from_f64(f64::from(max_spike_count)))
                .rint(),
            _ => one_if(x >= F::ZERO),
        }
    }
}

#[inline]
fn one_if<F: Real>(condition: bool) -> F {
    if condition { F::ONE } else { F::ZERO }
}

/// `[x >= 0]`, and the same as 1 and -1.
fn step_and_sign<F: Real>(x: F) -> (F, F) {
    let up: F = one_if(x >= F::ZERO);
    (up, up * F::from_f64(2.0) - F::ONE)
}

fn sigmoid<F: Real>(x: F) -> F {
    F::ONE / (F::ONE + (-x).exp())
}

/// `base` to the power of `exponent`; torch takes -1 and -2 for divisions.
fn power<F: Real>(base: F, exponent: f64) -> F {
    if exponent == -1.0 {
        F::ONE / base
    } else if exponent == -2.0 {
        F::ONE / (base * base)
    } else {
        base.powf(F::from_f64(exponent))
    }
}

fn piecewise_quadratic<F: Real>(alpha: f64, x: F) -> F {
    let c = F::from_f64;
    let edge = c(1.0 / alpha);
    let sign = one_if::<F>(x > F::ZERO) - one_if::<F>(x < F::ZERO);
    let inside = c(-(alpha * alpha) / 2.0) * (x * x) * sign + c(alpha) * x + c(0.5);
    one_if::<F>(x > edge) + one_if::<F>(x.abs() <= edge) * inside
}

fn piecewise_leaky_relu<F: Real>(w: f64, slope: f64, x: F) -> F {
    let c = F::from_f64;
    let below: F = one_if(x < c(-w));
    let above: F = one_if(x > c(w));
    let middle = (F::ONE - below - above) * (x / c(2.0 * w) + c(0.5));
    if slope == 0.0 {
        return middle + above;
    }
    let cw = slope * w;
    below * (c(slope) * x + c(cw)) + above * (c(slope) * x + c(-cw + 1.0)) + middle
}

fn squarewave<F: Real>(n: u32, t_period: f64, x: F) -> F {
    let omega = PI * 2.0 / t_period;
    let sum = (1..n).fold(F::ZERO, |sum, i| {
        let k = 2.0 * f64::from(i) - 1.0;
        sum + (F::from_f64(k * omega) * x).sin() / F::from_f64(k)
    });
    F::from_f64(0.5) + F::from_f64(FRAC_2_PI) * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counts_are_not_binary() {
        for surrogate in Surrogate::ALL {
            let x = [-1.0f32, -0.0, 0.0, 0.5, f32::NAN];
            let spikes = x.map(|x| surrogate.spike(x));
            if surrogate.is_binary() {
                assert_eq!(spikes, [0.0, 1.0, 1.0, 1.0, 0.0]);
            }
            assert_eq!(
                surrogate.has_primitive(),
                surrogate.primitive(0.0f32).is_some()
            );
            assert_eq!(
                surrogate.has_primitive(),
                surrogate.primitive_grad(0.0).is_some()
            );
        }
    }

    #[test]
    fn counts_round_half_to_even_and_saturate() {
        let counts = Surrogate::MultiLevelSpikeCount {
            max_spike_count: 4,
            grad_min: None,
            grad_max: None,
        };
        let x = [-3.0f32, 0.0, 0.5, 0.50001, 1.5, 2.5, 3.5, 9.0];
        let want = [0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 4.0, 4.0];
        assert_eq!(x.map(|x| counts.spike(x)), want);
        assert!(counts.spike(f32::NAN).is_nan());
    }

    #[cfg(feature = "micromath")]
    #[test]
    fn approximate_primitives_are_near() {
        use crate::real::Approx;
        for surrogate in Surrogate::ALL {
            for i in -400..=400 {
                let x = i as f32 / 100.0;
                let (near, want) = (surrogate.primitive(Approx(x)), surrogate.primitive(x));
                let error = near.map(|y| y.0 - want.unwrap_or(f32::NAN));
                assert!(
                    error.is_none_or(|e| e.abs() < 2e-3),
                    "{surrogate:?} {x} {error:?}"
                );
            }
        }
    }
}
