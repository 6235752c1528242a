//! The Adam optimiser (Kingma, Ba 2015; `docs/dynamics.md`, section 6.5).

/// Constants of Adam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamParams {
    /// Decay of the running mean of the gradients.
    pub beta1: f32,
    /// Decay of the running mean of their squares.
    pub beta2: f32,
    /// Added to the denominator.
    pub eps: f32,
}

impl Default for AdamParams {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
        }
    }
}

/// The state of Adam for one buffer of weights.
#[derive(Clone, Debug)]
pub struct Adam {
    params: AdamParams,
    mean: Vec<f32>,
    square: Vec<f32>,
    /// beta1^t and beta2^t after t steps.
    powers: (f64, f64),
}

impl Adam {
    /// The state before the first step, for `n` weights.
    #[must_use]
    pub fn new(n: usize, params: AdamParams) -> Self {
        Self {
            params,
            mean: vec![0.0; n],
            square: vec![0.0; n],
            powers: (1.0, 1.0),
        }
    }

    /// One step along `grad` at learning rate `lr`.
    pub fn step(&mut self, weights: &mut [f32], grad: &[f32], lr: f32) {
        let AdamParams { beta1, beta2, eps } = self.params;
        self.powers.0 *= f64::from(beta1);
        self.powers.1 *= f64::from(beta2);
        let step = (f64::from(lr) / (1.0 - self.powers.0)) as f32;
        let root = (1.0 - self.powers.1).sqrt() as f32;
        let state = self.mean.iter_mut().zip(&mut self.square);
        for ((w, g), (m, v)) in weights.iter_mut().zip(grad).zip(state) {
            *m += (g - *m) * (1.0 - beta1);
            *v = *v * beta2 + g * g * (1.0 - beta2);
            *w -= step * (*m / (v.sqrt() / root + eps));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_definition() {
        let mut adam = Adam::new(1, AdamParams::default());
        let mut w = [1.0f32];
        let (mut m, mut v, mut want) = (0.0f64, 0.0f64, 1.0f64);
        for t in 1..=50 {
            let g = f64::from(w[0]) * 2.0 - 1.0;
            adam.step(&mut w, &[g as f32], 0.01);
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (mh, vh) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
            want -= 0.01 * mh / (vh.sqrt() + 1e-8);
            assert!(
                (f64::from(w[0]) - want).abs() < 1e-5,
                "{t}: {} {want}",
                w[0]
            );
        }
    }
}
