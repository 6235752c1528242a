//! Obvious implementations of `docs/dynamics.md`, slow on purpose: one neuron, one step, no sharing with the
//! code that they judge.

pub mod backward;
pub mod fixed;
pub mod slopes;

/// A leaky integrate-and-fire neuron in f64.
#[derive(Clone, Copy, Debug)]
pub struct Lif64 {
    /// Time constant, in steps.
    pub tau: f64,
    /// Threshold.
    pub v_threshold: f64,
    /// Membrane after a spike; none for a soft reset.
    pub v_reset: Option<f64>,
    /// Whether the input is divided by tau.
    pub decay_input: bool,
}

impl Lif64 {
    /// Membrane after the charge, spike and membrane after the reset, from membrane `v` and input `x`.
    #[must_use]
    pub fn step(&self, v: f64, x: f64) -> (f64, bool, f64) {
        let vr = self.v_reset.unwrap_or(0.0);
        let h = if self.decay_input {
            v + (x - (v - vr)) / self.tau
        } else {
            v - (v - vr) / self.tau + x
        };
        let spike = h >= self.v_threshold;
        let after = match (spike, self.v_reset) {
            (false, _) => h,
            // s * v_reset + (1 - s) * h, of which the last is 0 times infinity.
            (true, Some(_)) if h == f64::INFINITY => f64::NAN,
            (true, Some(v_reset)) => v_reset,
            (true, None) => h - self.v_threshold,
        };
        (h, spike, after)
    }
}

/// A fully connected layer of integer neurons, in i64.
#[derive(Clone, Debug)]
pub struct IntLayer {
    /// Weights `[out, in]`.
    pub weights: Vec<i8>,
    /// Biases `[out]`.
    pub bias: Vec<i32>,
    /// The current is the sum times 2^shift.
    pub shift: i8,
    /// Leak factor `a`, in units of 2^-16.
    pub leak: u32,
    /// Threshold.
    pub v_threshold: i16,
    /// Membrane after a spike; none for a soft reset.
    pub v_reset: Option<i16>,
}

const MIN: i64 = i16::MIN as i64;
const MAX: i64 = i16::MAX as i64;

impl IntLayer {
    /// The membranes before the first step.
    #[must_use]
    pub fn initial(&self) -> Vec<i64> {
        vec![i64::from(self.v_reset.unwrap_or(0)); self.bias.len()]
    }

    /// The spikes of one step on the inputs `x`, which moves the membranes `v`.
    pub fn step(&self, x: &[i64], v: &mut [i64]) -> Vec<bool> {
        let mut spikes = Vec::new();
        let rows = self.weights.chunks(x.len());
        for ((row, bias), v) in rows.zip(&self.bias).zip(v) {
            let mut sum = i64::from(*bias);
            for (w, x) in row.iter().zip(x) {
                sum += x * i64::from(*w);
            }
            let shifted = if self.shift < 0 {
                sum >> -i64::from(self.shift)
            } else {
                sum << self.shift
            };
            let c = shifted.clamp(MIN, MAX);
            let h = (((i64::from(self.leak) * *v) >> 16) + c).clamp(MIN, MAX);
            let spike = h >= i64::from(self.v_threshold);
            *v = match (spike, self.v_reset) {
                (false, _) => h,
                (true, Some(v_reset)) => i64::from(v_reset),
                (true, None) => (h - i64::from(self.v_threshold)).clamp(MIN, MAX),
            };
            spikes.push(spike);
        }
        spikes
    }
}

/// A chain of integer layers.
#[derive(Clone, Debug)]
pub struct IntNet {
    /// Layers, from the input on.
    pub layers: Vec<IntLayer>,
}

/// The spikes of each layer in a step, and its membranes after it.
pub type IntStep = Vec<(Vec<bool>, Vec<i64>)>;

impl IntNet {
    /// Runs `steps` steps on the constant inputs `x`.
    #[must_use]
    pub fn run(&self, x: &[i8], steps: u32) -> Vec<IntStep> {
        let mut membranes: Vec<Vec<i64>> = self.layers.iter().map(IntLayer::initial).collect();
        let mut trace = Vec::new();
        for _ in 0..steps {
            let mut input: Vec<i64> = x.iter().map(|x| i64::from(*x)).collect();
            let mut step = Vec::new();
            for (layer, v) in self.layers.iter().zip(&mut membranes) {
                let spikes = layer.step(&input, v);
                input = spikes.iter().map(|s| i64::from(*s)).collect();
                step.push((spikes, v.clone()));
            }
            trace.push(step);
        }
        trace
    }
}
