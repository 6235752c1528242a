//! Neurons that do not spike, over a sequence (`docs/dynamics.md`, sections 1, 2 and 6).

use lif_nostd::neuron::{ConfigError, Decode, LifConfig, NonSpikingLif, Readout};
use lif_nostd::real::Real;
use lif_nostd::scalar::Scalar;

use super::Float;

/// A layer of NonSpikingLIF neurons with its constants in `F`, and what is read out of it.
#[derive(Clone, Copy, Debug)]
pub struct NonSpiking<F: Float> {
    neuron: NonSpikingLif<F>,
    decode: Decode,
}

/// What a forward leaves.
#[derive(Clone, Debug)]
pub struct NonSpikingSequence<F: Float> {
    /// What is read out: `[N]`, or `[T, N]` for [`Decode::None`].
    pub output: Vec<F>,
    /// Membranes, `[T, N]`.
    pub v: Vec<F>,
    readouts: Vec<Readout<F>>,
}

impl<F: Float> NonSpiking<F> {
    /// Neurons of time constant `tau`, in steps, read out by `decode`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Tau`].
    pub fn new(tau: f64, decode: Decode) -> Result<Self, ConfigError> {
        let neuron = LifConfig::new(tau).non_spiking_lif()?;
        Ok(Self { neuron, decode })
    }

    /// Runs `n` neurons over `x_seq`, `[T, n]`, from 0.
    ///
    /// # Panics
    ///
    /// If `x_seq` is not whole steps.
    #[must_use]
    pub fn forward(&self, n: usize, x_seq: &[F]) -> NonSpikingSequence<F> {
        let whole = x_seq.len().checked_rem(n).unwrap_or(x_seq.len());
        assert_eq!(whole, 0, "x_seq is not whole steps of {n} neurons");
        let mut v = vec![<F as Scalar>::ZERO; n];
        let mut readouts = vec![Readout::new(); n];
        let mut v_seq = Vec::with_capacity(x_seq.len());
        for row in x_seq.chunks_exact(n.max(1)) {
            for ((v, readout), x) in v.iter_mut().zip(&mut readouts).zip(row) {
                self.neuron.step(v, *x);
                readout.push(*v);
            }
            v_seq.extend_from_slice(&v);
        }
        let output = match self.decode {
            Decode::None => v_seq.clone(),
            decode => readouts.iter().map(|r| r.read(decode)).collect(),
        };
        NonSpikingSequence {
            output,
            v: v_seq,
            readouts,
        }
    }

    /// Backward through time from `grad_output`, of the output's shape: the gradients on the inputs, `[T, N]`.
    ///
    /// The maximum and the minimum pass the gradient to the first of equal ones. All arithmetic is in f64.
    ///
    /// # Panics
    ///
    /// If `grad_output` is shorter than the output.
    #[must_use]
    pub fn backward(&self, forward: &NonSpikingSequence<F>, grad_output: &[F]) -> Vec<F> {
        let n = forward.readouts.len();
        let steps = forward.v.len().checked_div(n).unwrap_or(0);
        let tau = Real::to_f64(self.neuron.leak.tau);
        let mut grad_x = vec![<F as Scalar>::ZERO; forward.v.len()];
        let mut carry = vec![0.0; n];
        for t in (0..steps).rev() {
            for (i, carry) in carry.iter_mut().enumerate() {
                let from = match self.decode {
                    Decode::None => Real::to_f64(grad_output[t * n + i]),
                    _ => {
                        let share = self.share(&forward.readouts[i], t, steps);
                        // What is masked out passes no gradient, whatever comes in.
                        if share == 0.0 {
                            0.0
                        } else {
                            share * Real::to_f64(grad_output[i])
                        }
                    }
                };
                let grad_v = from + *carry;
                let part = grad_v / tau;
                grad_x[t * n + i] = <F as Real>::from_f64(part);
                *carry = grad_v - part;
            }
        }
        grad_x
    }

    /// What part of the gradient on the output of a neuron goes to its membrane in step `t`.
    fn share(&self, readout: &Readout<F>, t: usize, steps: usize) -> f64 {
        let ((max, max_at), (min, min_at)) = (readout.max(), readout.min());
        let at = |step: u32| f64::from(u8::from(step as usize == t));
        match self.decode {
            Decode::MaxMem => at(max_at),
            Decode::MaxAbsMem => {
                let (max, min) = (Real::abs(max), Real::abs(min));
                let mask = |holds: bool| f64::from(u8::from(holds));
                mask(max > min) * at(max_at) + mask(max <= min) * at(min_at)
            }
            Decode::MeanMem => 1.0 / steps as f64,
            Decode::LastMem => f64::from(u8::from(t + 1 == steps)),
            _ => 1.0,
        }
    }
}
