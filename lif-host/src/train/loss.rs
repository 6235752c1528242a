//! Losses and their gradients.

/// A loss over a batch, with what goes back to the spikes.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Mean over the batch.
    pub value: f64,
    /// Samples whose largest count is at their class; a tie goes to the lowest index.
    pub correct: usize,
    /// Gradient on each spike of a sample's output neuron `[B, classes]`, the same in every step.
    pub grad: Vec<f32>,
}

/// Cross-entropy of the softmax over the mean firing rates, `counts` `[B, classes]` over `steps` steps.
#[must_use]
pub fn cross_entropy_on_rate(counts: &[u32], steps: u32, labels: &[u32]) -> Loss {
    let classes = counts.len() / labels.len().max(1);
    let batch = labels.len() as f32;
    let mut loss = Loss {
        value: 0.0,
        correct: 0,
        grad: vec![0.0; counts.len()],
    };
    let rows = counts
        .chunks_exact(classes.max(1))
        .zip(loss.grad.chunks_exact_mut(classes.max(1)));
    for ((counts, grad), &label) in rows.zip(labels) {
        let label = label as usize;
        let rate = |c: u32| c as f32 / steps as f32;
        let max = counts.iter().map(|c| rate(*c)).fold(0.0, f32::max);
        let mut sum = 0.0f32;
        for (g, c) in grad.iter_mut().zip(counts) {
            *g = libm::expf(rate(*c) - max);
            sum += *g;
        }
        for g in &mut *grad {
            *g /= sum;
        }
        let p = grad.get(label).copied().unwrap_or(0.0);
        loss.value -= f64::from(libm::logf(p)) / f64::from(batch);
        if let Some(g) = grad.get_mut(label) {
            *g -= 1.0;
        }
        for g in grad {
            *g /= batch * steps as f32;
        }
        loss.correct += usize::from(lif_nostd::decode::arg_max(counts) == label);
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_is_that_of_the_loss() {
        let labels = [1, 0];
        let counts = [3, 9, 0, 16, 2, 2];
        let loss = cross_entropy_on_rate(&counts, 16, &labels);
        assert_eq!(loss.correct, 2);
        let f = |rates: &[f64]| -> f64 {
            rates
                .chunks(3)
                .zip(labels)
                .map(|(r, l)| r.iter().map(|x| x.exp()).sum::<f64>().ln() - r[l as usize])
                .sum::<f64>()
                / 2.0
        };
        let rates: Vec<f64> = counts.iter().map(|c| f64::from(*c) / 16.0).collect();
        assert!((loss.value - f(&rates)).abs() < 1e-6);
        for i in 0..6 {
            let (mut up, mut down) = (rates.clone(), rates.clone());
            up[i] += 1e-5;
            down[i] -= 1e-5;
            let slope = (f(&up) - f(&down)) / 2e-5 / 16.0;
            assert!((slope - f64::from(loss.grad[i])).abs() < 1e-7, "{i}");
        }
    }
}
