//! Integer networks in i64 (`docs/dynamics.md`, sections 3 to 5).

use super::Model;

/// A fully connected layer of integer neurons. Parameters of neurons hold one value each.
#[derive(Clone, Debug)]
pub struct IntLayer {
    /// Model.
    pub model: Model,
    /// Bits of a membrane.
    pub bits: u32,
    /// Weights `[out, in]`.
    pub weights: Vec<i64>,
    /// Biases.
    pub bias: Vec<i64>,
    /// The current is the sum times 2^shift.
    pub shift: i8,
    /// Leak factors `a`, in units of 2^-16.
    pub leak: Vec<i64>,
    /// Thresholds; not used for neurons that do not spike.
    pub v_threshold: Vec<i64>,
    /// Membranes after a spike; none for a soft reset.
    pub v_reset: Option<Vec<i64>>,
}

impl IntLayer {
    /// The membranes before the first step.
    #[must_use]
    pub fn initial(&self) -> Vec<i64> {
        match (self.model, &self.v_reset) {
            (Model::Lif, Some(v_reset)) => v_reset.clone(),
            _ => vec![0; self.bias.len()],
        }
    }

    fn saturate(&self, x: i128) -> i64 {
        let max = (1i128 << (self.bits - 1)) - 1;
        x.clamp(-max - 1, max) as i64
    }

    /// The spikes of one step on the inputs `x`, which moves the membranes `v`.
    pub fn step(&self, x: &[i64], v: &mut [i64]) -> Vec<bool> {
        let mut spikes = Vec::new();
        for (o, v) in v.iter_mut().enumerate() {
            let mut sum = self.bias[o];
            for (w, x) in self.weights[o * x.len()..].iter().zip(x) {
                sum += x * w;
            }
            let shifted = if self.shift < 0 {
                i128::from(sum >> -i64::from(self.shift))
            } else {
                i128::from(sum) << self.shift
            };
            let c = self.saturate(shifted);
            let h = self.saturate(i128::from((self.leak[o] * *v) >> 16) + i128::from(c));
            if self.model == Model::NonSpikingLif {
                *v = h;
                spikes.push(false);
                continue;
            }
            let spike = h >= self.v_threshold[o];
            *v = match (spike, &self.v_reset) {
                (false, _) => h,
                (true, Some(v_reset)) => v_reset[o],
                (true, None) => self.saturate(i128::from(h - self.v_threshold[o])),
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
    /// Runs a step on each of the inputs `xs`.
    #[must_use]
    pub fn run(&self, xs: &[Vec<i64>]) -> Vec<IntStep> {
        let mut membranes: Vec<Vec<i64>> = self.layers.iter().map(IntLayer::initial).collect();
        let mut trace = Vec::new();
        for x in xs {
            let mut input = x.clone();
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
