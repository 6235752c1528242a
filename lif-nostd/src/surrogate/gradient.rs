//! The surrogate gradient, and the derivative of the primitive, in f64.

use core::f64::consts::{FRAC_2_SQRT_PI, FRAC_PI_2, PI};

use super::Surrogate;

/// SpikingJelly's guard against the logarithm of 0 in `S2NN`'s primitive.
pub(super) const S2NN_GUARD: f64 = 1e-5;

impl Surrogate {
    /// The surrogate gradient at `x`, the membrane's distance to the threshold.
    ///
    /// Of infinities and NaN: the gradient at an infinity is 0, except 1 of `deterministic-pass`, the slopes of the
    /// piecewise linear ones, and NaN of `squarewave-fourier-series`; at NaN it is NaN, except `c` of
    /// `piecewise-leaky-relu`, `leak` of `leaky-k-relu`, 1 of `log-tailed-relu` and `deterministic-pass`, and 0 of
    /// `rect` and `multi-level-spike-count`.
    #[must_use]
    pub fn grad(&self, x: f64) -> f64 {
        match *self {
            Self::Sigmoid { alpha } => sigmoid_grad(alpha, x),
            Self::Atan { alpha } => {
                let y = FRAC_PI_2 * alpha * x;
                alpha / 2.0 / (1.0 + y * y)
            }
            Self::PiecewiseQuadratic { alpha } => {
                let rest = 1.0 - alpha * x.abs();
                if rest <= 0.0 { 0.0 } else { alpha * rest }
            }
            Self::PiecewiseExp { alpha } => alpha / 2.0 * libm::exp(-alpha * x.abs()),
            Self::SoftSign { alpha } => {
                let y = 1.0 + alpha * x.abs();
                alpha / 2.0 / (y * y)
            }
            Self::SuperSpike { alpha } => {
                let y = 1.0 + x.abs();
                alpha / (y * y)
            }
            Self::Erf { alpha } => {
                let y = alpha * x;
                alpha * (FRAC_2_SQRT_PI / 2.0) * libm::exp(-y * y)
            }
            Self::NonzeroSignLogAbs { alpha } => alpha / (1.0 + alpha * x.abs()),
            Self::PiecewiseLeakyRelu { w, c } => if_else(x.abs() < w, 0.5 / w, c),
            Self::SquarewaveFourierSeries { n, t_period } => squarewave_grad(n, t_period, x),
            Self::S2nn { alpha, .. } if x < 0.0 => sigmoid_grad(alpha, x),
            Self::S2nn { beta, .. } => beta / (x + 1.0),
            Self::QPseudoSpike { alpha } => {
                let y = 1.0 + 2.0 / (alpha - 1.0) * x.abs();
                libm::pow(y, -alpha)
            }
            Self::LeakyKRelu { leak, k } => if_else(x >= 0.0, k, leak),
            Self::FakeNumericalGradient { alpha } => {
                let quotient = if_else(x >= 0.0, 1.0, -1.0) / x;
                if_else(quotient > alpha, alpha, quotient)
            }
            Self::LogTailedRelu { .. } if x > 1.0 => 1.0 / x,
            Self::LogTailedRelu { alpha } => if_else(x <= 0.0, alpha, 1.0),
            Self::DeterministicPass {} => 1.0,
            Self::Rect { alpha } => if_else(x.abs() < 0.5 / alpha, alpha, 0.0),
            Self::MultiLevelSpikeCount { .. } => {
                let window = self.grad_window();
                if_else(window.is_some_and(|(a, b)| a <= x && x <= b), 1.0, 0.0)
            }
        }
    }

    /// The derivative of the primitive at `x`; none where there is no primitive.
    ///
    /// It is the surrogate gradient except here:
    ///
    /// | surrogate | the derivative |
    /// |---|---|
    /// | `piecewise-quadratic`, `soft-sign` | NaN at infinities, as the primitive |
    /// | `piecewise-leaky-relu` | `1 / (2 w)` at `w` and `-w` too, and at NaN |
    /// | `s2nn` | `beta / (x + 1 + 1e-5)` from 0 |
    /// | `log-tailed-relu` | `alpha` at NaN |
    /// | `rect`, `multi-level-spike-count` | that of the clamp: 0 at its bounds; the gradient's window is not used |
    #[must_use]
    pub fn primitive_grad(&self, x: f64) -> Option<f64> {
        let slope = match *self {
            Self::SuperSpike { .. } | Self::FakeNumericalGradient { .. } => return None,
            Self::PiecewiseQuadratic { .. } | Self::SoftSign { .. } if x.is_infinite() => f64::NAN,
            Self::PiecewiseLeakyRelu { w, c } => if_else(x.abs() > w, c, 0.5 / w),
            Self::S2nn { beta, .. } if x >= 0.0 => beta / (x + 1.0 + S2NN_GUARD),
            Self::LogTailedRelu { alpha } if x.is_nan() => alpha,
            Self::Rect { alpha } => {
                let y = alpha * x + 0.5;
                if_else(0.0 < y && y < 1.0, alpha, 0.0)
            }
            Self::MultiLevelSpikeCount {
                max_spike_count, ..
            } => if_else(0.0 < x && x < f64::from(max_spike_count), 1.0, 0.0),
            _ => self.grad(x),
        };
        Some(slope)
    }
}

#[inline]
fn if_else(condition: bool, yes: f64, no: f64) -> f64 {
    if condition { yes } else { no }
}

/// `alpha s (1 - s)` as `alpha e / (1 + e)^2` with `e = exp(-|alpha x|)`, which does not cancel where s is near 1.
fn sigmoid_grad(alpha: f64, x: f64) -> f64 {
    let e = libm::exp(-(alpha * x).abs());
    alpha * e / ((1.0 + e) * (1.0 + e))
}

fn squarewave_grad(n: u32, t_period: f64, x: f64) -> f64 {
    let omega = PI * 2.0 / t_period;
    let sum = (1..n).fold(0.0, |sum, i| {
        sum + libm::cos((2.0 * f64::from(i) - 1.0) * omega * x)
    });
    sum * (4.0 / t_period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_do_not_cancel() {
        let sigmoid = Surrogate::Sigmoid { alpha: 4.0 };
        let want = 4.0 * libm::exp(-40.0);
        assert!((sigmoid.grad(10.0) / want - 1.0).abs() < 1e-14);
        assert_eq!(sigmoid.grad(10.0), sigmoid.grad(-10.0));
        assert_eq!(sigmoid.grad(f64::INFINITY), 0.0);
    }

    #[test]
    fn gradients_are_positive_or_zero_at_every_finite_number() {
        for surrogate in Surrogate::ALL {
            // The Fourier series swings, and the fake gradient has its infinity at -0.0 alone.
            if surrogate.name() == "squarewave-fourier-series" {
                continue;
            }
            for x in [0.0, 1e-300, 1e-9, 0.3, 1.0, 7.0, 1e9, 1e200, f64::MAX] {
                for x in [x, -x] {
                    let fake = surrogate.name() == "fake-numerical-gradient" && x == 0.0;
                    let grad = surrogate.grad(x);
                    assert!(fake || grad >= 0.0 && grad.is_finite(), "{surrogate:?} {x}");
                }
            }
        }
    }
}
