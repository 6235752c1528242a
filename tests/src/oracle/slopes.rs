//! Derivatives of surrogates, each formula as SpikingJelly 2.0.0's documentation has it.

use std::f64::consts::PI;

use lif_nostd::surrogate::Surrogate;

/// The gradient that stands in for the step's where the neurons spike, else the derivative of the primitive, at `x`
/// above the threshold.
///
/// # Panics
///
/// For a surrogate that there is no formula of.
#[must_use]
pub fn slope(surrogate: &Surrogate, spiking: bool, x: f64) -> f64 {
    if spiking {
        gradient(surrogate, x)
    } else {
        derivative(surrogate, x)
    }
}

fn gradient(surrogate: &Surrogate, x: f64) -> f64 {
    let size = x.abs();
    match *surrogate {
        Surrogate::Sigmoid { alpha } => sigmoid_slope(alpha, x),
        Surrogate::Atan { alpha } => alpha / (2.0 * (1.0 + (PI / 2.0 * alpha * x).powi(2))),
        Surrogate::PiecewiseQuadratic { alpha } if size > 1.0 / alpha => 0.0,
        Surrogate::PiecewiseQuadratic { alpha } => alpha - alpha * alpha * size,
        Surrogate::PiecewiseExp { alpha } => alpha / 2.0 * (-alpha * size).exp(),
        Surrogate::SoftSign { alpha } => 1.0 / (2.0 * alpha * (1.0 / alpha + size).powi(2)),
        Surrogate::SuperSpike { alpha } => alpha / (size + 1.0).powi(2),
        Surrogate::Erf { alpha } => alpha / PI.sqrt() * (-(alpha * x).powi(2)).exp(),
        Surrogate::NonzeroSignLogAbs { alpha } => 1.0 / (1.0 / alpha + size),
        Surrogate::PiecewiseLeakyRelu { w, .. } if size < w => 1.0 / (2.0 * w),
        Surrogate::PiecewiseLeakyRelu { c, .. } => c,
        Surrogate::SquarewaveFourierSeries { n, t_period } => {
            let term = |i| ((2 * i - 1) as f64 * 2.0 * PI / t_period * x).cos();
            4.0 / t_period * (1..n).map(term).sum::<f64>()
        }
        Surrogate::S2nn { alpha, .. } if x < 0.0 => sigmoid_slope(alpha, x),
        Surrogate::S2nn { beta, .. } => beta / (x + 1.0),
        Surrogate::QPseudoSpike { alpha } => (1.0 + 2.0 / (alpha - 1.0) * size).powf(-alpha),
        Surrogate::LeakyKRelu { k, .. } if x >= 0.0 => k,
        Surrogate::LeakyKRelu { leak, .. } => leak,
        Surrogate::FakeNumericalGradient { alpha } if x == 0.0 => alpha,
        Surrogate::FakeNumericalGradient { alpha } => alpha.min(1.0 / size),
        Surrogate::LogTailedRelu { .. } if x > 1.0 => 1.0 / x,
        Surrogate::LogTailedRelu { .. } if x > 0.0 => 1.0,
        Surrogate::LogTailedRelu { alpha } => alpha,
        Surrogate::DeterministicPass {} => 1.0,
        Surrogate::Rect { alpha } if size < 0.5 / alpha => alpha,
        Surrogate::Rect { .. } => 0.0,
        Surrogate::MultiLevelSpikeCount {
            max_spike_count,
            grad_min,
            grad_max,
        } => {
            let low = grad_min.unwrap_or(0.0);
            let high = grad_max.unwrap_or(f64::from(max_spike_count));
            f64::from(low <= x && x <= high)
        }
        ref other => panic!("no formula of {}", other.name()),
    }
}

/// What differs from the gradient is written out.
fn derivative(surrogate: &Surrogate, x: f64) -> f64 {
    match *surrogate {
        Surrogate::PiecewiseLeakyRelu { w, c } if x.abs() > w => c,
        Surrogate::PiecewiseLeakyRelu { w, .. } => 1.0 / (2.0 * w),
        Surrogate::S2nn { beta, .. } if x >= 0.0 => beta / ((x + 1.0) + 1e-5),
        Surrogate::MultiLevelSpikeCount {
            max_spike_count, ..
        } => f64::from(0.0 < x && x < f64::from(max_spike_count)),
        ref other => gradient(other, x),
    }
}

/// `alpha s (1 - s)` with `s = sigmoid(alpha x)`, without cancellation.
fn sigmoid_slope(alpha: f64, x: f64) -> f64 {
    alpha / (2.0 * (alpha * x / 2.0).cosh()).powi(2)
}

/// Where the derivative jumps: a float beside such a point may round to its other side.
#[must_use]
pub fn jumps(surrogate: &Surrogate, spiking: bool) -> Vec<f64> {
    match *surrogate {
        Surrogate::PiecewiseLeakyRelu { w, .. } => vec![-w, w],
        Surrogate::S2nn { .. } | Surrogate::LeakyKRelu { .. } => vec![0.0],
        Surrogate::LogTailedRelu { .. } => vec![0.0, 1.0],
        Surrogate::Rect { alpha } => vec![-0.5 / alpha, 0.5 / alpha],
        Surrogate::MultiLevelSpikeCount {
            max_spike_count,
            grad_min: Some(grad_min),
            grad_max: Some(grad_max),
        } if spiking => vec![grad_min, grad_max, f64::from(max_spike_count)],
        Surrogate::MultiLevelSpikeCount {
            max_spike_count, ..
        } => vec![0.0, f64::from(max_spike_count)],
        _ => Vec::new(),
    }
}
