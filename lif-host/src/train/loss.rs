//! Losses and their gradients (`docs/dynamics.md`, section 6.4).

use serde::{Deserialize, Serialize};

use super::number::Number;

/// What a loss is computed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum On {
    /// Mean firing rates of the output neurons: spikes a step.
    #[default]
    Rate,
    /// Their spike counts.
    Count,
    /// What is read out of output neurons that do not spike.
    Readout,
}

impl On {
    /// Its name in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Count => "count",
            Self::Readout => "readout",
        }
    }
}

/// A loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Loss {
    /// Cross-entropy of the softmax, the mean over the batch.
    CrossEntropy {
        /// What the softmax is over.
        #[serde(default)]
        on: On,
        /// Share of the target that is spread evenly over all classes, from 0 up to but not including 1.
        #[serde(default)]
        label_smoothing: f64,
    },
    /// Squared error, the mean over all outputs and the batch.
    Mse {
        /// What should reach the target.
        on: On,
        /// Target of the output neuron of the sample's class: a rate, of which a count's is T times as much, or a
        /// membrane.
        #[serde(default = "one")]
        correct: f64,
        /// Target of the others.
        #[serde(default)]
        incorrect: f64,
    },
}

const fn one() -> f64 {
    1.0
}

impl Default for Loss {
    fn default() -> Self {
        Self::CrossEntropy {
            on: On::Rate,
            label_smoothing: 0.0,
        }
    }
}

impl Loss {
    /// What it is computed on.
    #[must_use]
    pub const fn on(&self) -> On {
        match self {
            Self::CrossEntropy { on, .. } | Self::Mse { on, .. } => *on,
        }
    }
}

/// What the outputs of a batch should be.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// A class a sample `[B]`.
    Classes(&'a [u32]),
    /// A value an output: `[B, out]`, or `[T, B, out]` for readouts without a decode. Of spiking outputs, rates.
    Values(&'a [f32]),
}

/// A loss over a batch, with what goes back to the outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct LossValue<F> {
    /// The loss.
    pub value: f64,
    /// Samples whose largest output is at their class; a tie goes to the lowest index. 0 without classes.
    pub correct: usize,
    /// Gradient on each output, of their shape; of spiking outputs on each of their spikes, the same in every step.
    pub grad: Vec<F>,
}

/// Outputs of a batch of `batch` samples.
#[derive(Clone, Copy, Debug)]
pub enum Outputs<'a, F> {
    /// Spike counts `[B, out]` over `steps` steps.
    Counts {
        /// The counts.
        counts: &'a [u32],
        /// Time steps.
        steps: u32,
    },
    /// Readouts `[B, out]`, or `[T, B, out]`.
    Readouts(&'a [F]),
}

impl Loss {
    /// The loss of `outputs` of `batch` samples against `targets`, and its gradient; none where the loss is not made
    /// for such outputs or targets.
    #[must_use]
    pub fn of<F: Number>(
        &self,
        outputs: Outputs<'_, F>,
        batch: usize,
        targets: Targets<'_>,
    ) -> Option<LossValue<F>> {
        // The values that the loss sees, and what their gradient is multiplied by on its way to a spike.
        let (values, unit): (Vec<F>, f64) = match (outputs, self.on()) {
            (Outputs::Counts { counts, steps }, On::Rate) => {
                let steps = F::of(f64::from(steps));
                let rate = |c: &u32| F::of(f64::from(*c)) / steps;
                (counts.iter().map(rate).collect(), steps.wide())
            }
            (Outputs::Counts { counts, .. }, On::Count) => {
                (counts.iter().map(|c| F::of(f64::from(*c))).collect(), 1.0)
            }
            (Outputs::Readouts(values), On::Readout) => (values.to_vec(), 1.0),
            _ => return None,
        };
        match (*self, targets) {
            (
                Self::CrossEntropy {
                    label_smoothing, ..
                },
                Targets::Classes(labels),
            ) => cross_entropy(values, batch, labels, label_smoothing, unit),
            (Self::CrossEntropy { .. }, Targets::Values(_)) => None,
            (
                Self::Mse {
                    on,
                    correct,
                    incorrect,
                },
                targets,
            ) => {
                // Targets of counts are given as rates.
                let scale = match (outputs, on) {
                    (Outputs::Counts { steps, .. }, On::Count) => f64::from(steps),
                    _ => 1.0,
                };
                let ends = [correct * scale, incorrect * scale];
                squared_error(values, batch, targets, ends, scale, unit)
            }
        }
    }
}

fn cross_entropy<F: Number>(
    mut values: Vec<F>,
    batch: usize,
    labels: &[u32],
    smoothing: f64,
    unit: f64,
) -> Option<LossValue<F>> {
    let classes = values.len().checked_div(batch).filter(|n| *n > 0)?;
    if labels.len() != batch || labels.iter().any(|l| *l as usize >= classes) {
        return None;
    }
    let divisor = F::of(batch as f64) * F::of(unit);
    let (mut value, mut correct) = (0.0, 0);
    for (row, &label) in values.chunks_exact_mut(classes).zip(labels) {
        let label = label as usize;
        correct += usize::from(arg_max(row) == label);
        let max = row
            .iter()
            .copied()
            .fold(row[0], |m, x| if x > m { x } else { m });
        let mean = row.iter().map(|x| (*x - max).wide()).sum::<f64>() / classes as f64;
        let at_label = (row[label] - max).wide();
        let mut sum = F::NIL;
        for x in &mut *row {
            *x = (*x - max).exponential();
            sum = sum + *x;
        }
        let target = (1.0 - smoothing) * at_label + smoothing * mean;
        value += (libm::log(sum.wide()) - target) / batch as f64;
        let spread = F::of(smoothing / classes as f64);
        for (c, x) in row.iter_mut().enumerate() {
            let mut g = *x / sum;
            if smoothing > 0.0 {
                g = g - spread;
            }
            if c == label {
                g = g - F::of(1.0 - smoothing);
            }
            *x = g / divisor;
        }
    }
    Some(LossValue {
        value,
        correct,
        grad: values,
    })
}

fn squared_error<F: Number>(
    mut values: Vec<F>,
    batch: usize,
    targets: Targets<'_>,
    ends: [f64; 2],
    scale: f64,
    unit: f64,
) -> Option<LossValue<F>> {
    let outputs = values.len().checked_div(batch).filter(|n| *n > 0)?;
    let all = values.len() as f64;
    let (mut value, mut correct) = (0.0, 0);
    let mut one = |x: &mut F, target: f64| {
        let off = x.wide() - target;
        value += off * off / all;
        *x = F::of(2.0 * off / (all * unit));
    };
    match targets {
        Targets::Classes(labels) => {
            if labels.len() != batch || labels.iter().any(|l| *l as usize >= outputs) {
                return None;
            }
            for (row, &label) in values.chunks_exact_mut(outputs).zip(labels) {
                correct += usize::from(arg_max(row) == label as usize);
                for (c, x) in row.iter_mut().enumerate() {
                    one(x, ends[usize::from(c != label as usize)]);
                }
            }
        }
        Targets::Values(targets) => {
            if targets.len() != values.len() {
                return None;
            }
            for (x, target) in values.iter_mut().zip(targets) {
                one(x, f64::from(*target) * scale);
            }
        }
    }
    Some(LossValue {
        value,
        correct,
        grad: values,
    })
}

/// Index of the largest value; of equal ones the lowest, and 0 of none.
pub(super) fn arg_max<F: PartialOrd>(values: &[F]) -> usize {
    let mut best = 0;
    for (i, x) in values.iter().enumerate() {
        if *x > values[best] {
            best = i;
        }
    }
    best
}

/// A penalty on neurons whose firing rate, in spikes a step, is outside of a range: the mean over the neurons of each
/// layer of the squared distance, times a weight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FiringRate {
    /// What the penalty is multiplied by.
    pub weight: f64,
    /// Rates below this are penalised.
    #[serde(default)]
    pub low: f64,
    /// Rates above this are penalised.
    #[serde(default = "one")]
    pub high: f64,
}

impl FiringRate {
    /// The penalty of a layer whose `n` neurons spiked `s` `[T, B, n]`, and its gradient on each spike of a neuron
    /// `[n]`, the same in every step and sample.
    #[must_use]
    pub fn of<F: Number>(&self, s: &[F], n: usize) -> (f64, Vec<f64>) {
        let rows = (s.len() / n.max(1)).max(1) as f64;
        let mut rates = vec![0.0; n];
        for row in s.chunks_exact(n.max(1)) {
            for (rate, s) in rates.iter_mut().zip(row) {
                *rate += s.wide();
            }
        }
        let mut penalty = 0.0;
        for rate in &mut rates {
            let r = *rate / rows;
            let off = (r - self.high).max(0.0) - (self.low - r).max(0.0);
            penalty += self.weight * off * off / n as f64;
            *rate = 2.0 * self.weight * off / (n as f64 * rows);
        }
        (penalty, rates)
    }
}
