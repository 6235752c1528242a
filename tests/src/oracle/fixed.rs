//! Fixed-point neurons (`docs/dynamics.md`, section 3) in i128, on raw integers of any width.

/// A fixed-point neuron; potentials are raw integers.
#[derive(Clone, Copy, Debug)]
pub struct FixedNeuron {
    /// Bits of the state: 16 or 32.
    pub bits: u32,
    /// Time constant, in steps.
    pub tau: f64,
    /// Threshold.
    pub v_threshold: i128,
    /// Membrane after a spike; none for a soft reset.
    pub v_reset: Option<i128>,
    /// Whether the input is divided by tau.
    pub decay_input: bool,
}

impl FixedNeuron {
    /// Smallest and largest number that the state holds.
    #[must_use]
    pub fn range(&self) -> (i128, i128) {
        let half = 1i128 << (self.bits - 1);
        (-half, half - 1)
    }

    fn saturate(&self, x: i128) -> i128 {
        let (min, max) = self.range();
        x.clamp(min, max)
    }

    /// What a step takes of the membrane, in units of 2^-16.
    fn lost(&self) -> i128 {
        (65536.0 / self.tau).round_ties_even() as i128
    }

    /// Membrane after the charge.
    #[must_use]
    pub fn charge(&self, v: i128, x: i128) -> i128 {
        let lost = self.lost();
        let kept = floor_16((65536 - lost) * v);
        let input = if self.decay_input {
            floor_16(lost * x)
        } else {
            x
        };
        let pull = floor_16(lost * self.v_reset.unwrap_or(0));
        self.saturate(kept + input + pull)
    }

    /// Spike, and membrane after the reset.
    #[must_use]
    pub fn step(&self, v: i128, x: i128) -> (bool, i128) {
        let h = self.charge(v, x);
        let spike = h >= self.v_threshold;
        let after = match (spike, self.v_reset) {
            (false, _) => h,
            (true, Some(v_reset)) => v_reset,
            (true, None) => self.saturate(h - self.v_threshold),
        };
        (spike, after)
    }
}

/// `floor(x / 2^16)`.
fn floor_16(x: i128) -> i128 {
    x.div_euclid(1 << 16)
}
