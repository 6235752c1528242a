//! f32 networks (`docs/dynamics.md`, sections 2 and 5), each operation rounded by itself.

use super::Model;

/// A fully connected layer of f32 neurons. Parameters of neurons hold one value each.
#[derive(Clone, Debug)]
pub struct F32Layer {
    /// Model.
    pub model: Model,
    /// Weights `[out, in]`.
    pub weights: Vec<f32>,
    /// Biases.
    pub bias: Vec<f32>,
    /// Time constants.
    pub tau: Vec<f32>,
    /// Thresholds; not used for neurons that do not spike.
    pub v_threshold: Vec<f32>,
    /// Membranes after a spike; none for a soft reset.
    pub v_reset: Option<Vec<f32>>,
    /// Whether the input is divided by tau.
    pub decay_input: bool,
}

impl F32Layer {
    /// The membranes before the first step.
    #[must_use]
    pub fn initial(&self) -> Vec<f32> {
        match (self.model, &self.v_reset) {
            (Model::Lif, Some(v_reset)) => v_reset.clone(),
            _ => vec![0.0; self.bias.len()],
        }
    }

    fn charge(&self, o: usize, v: f32, x: f32, first: bool) -> f32 {
        let tau = self.tau[o];
        let vr = self.v_reset.as_ref().map_or(0.0, |v| v[o]);
        match (self.model, self.decay_input) {
            (Model::Lif, true) => v + (x - (v - vr)) / tau,
            (Model::Lif, false) => v - (v - vr) / tau + x,
            (Model::SimpleLif, true) => v + (vr - v + x) / tau,
            (Model::SimpleLif, false) if first => (f64::from(vr) / f64::from(tau)) as f32 + x,
            (Model::SimpleLif, false) => v + (vr - v) / tau + x,
            (Model::NonSpikingLif, _) => v + (x - v) / tau,
        }
    }

    /// The spikes of one step on the inputs `x`, which moves the membranes `v`. Inputs that are `spikes` are added
    /// where they are 1, others are multiplied.
    pub fn step(&self, x: &[f32], spikes: bool, v: &mut [f32], first: bool) -> Vec<bool> {
        let mut out = Vec::new();
        for (o, v) in v.iter_mut().enumerate() {
            let mut sum = self.bias[o];
            for (w, x) in self.weights[o * x.len()..].iter().zip(x) {
                if !spikes {
                    sum += w * x;
                } else if *x != 0.0 {
                    sum += w;
                }
            }
            let h = self.charge(o, *v, sum, first);
            if self.model == Model::NonSpikingLif {
                *v = h;
                out.push(false);
                continue;
            }
            let spike = h >= self.v_threshold[o];
            let s = f32::from(u8::from(spike));
            *v = match &self.v_reset {
                Some(v_reset) => s * v_reset[o] + (1.0 - s) * h,
                None => h - s * self.v_threshold[o],
            };
            out.push(spike);
        }
        out
    }
}

/// A chain of f32 layers.
#[derive(Clone, Debug)]
pub struct F32Net {
    /// Layers, from the input on.
    pub layers: Vec<F32Layer>,
}

/// The spikes of each layer in a step, and its membranes after it.
pub type F32Step = Vec<(Vec<bool>, Vec<f32>)>;

impl F32Net {
    /// Runs a step on each of the inputs `xs`, which are spikes or values.
    #[must_use]
    pub fn run(&self, xs: &[Vec<f32>], spikes: bool) -> Vec<F32Step> {
        let mut membranes: Vec<Vec<f32>> = self.layers.iter().map(F32Layer::initial).collect();
        let mut trace = Vec::new();
        for (t, x) in xs.iter().enumerate() {
            let (mut input, mut are_spikes) = (x.clone(), spikes);
            let mut step = Vec::new();
            for (layer, v) in self.layers.iter().zip(&mut membranes) {
                let spikes = layer.step(&input, are_spikes, v, t == 0);
                input = spikes.iter().map(|s| f32::from(u8::from(*s))).collect();
                are_spikes = true;
                step.push((spikes, v.clone()));
            }
            trace.push(step);
        }
        trace
    }
}
