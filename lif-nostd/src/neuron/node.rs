//! Populations with their state: the types to use on a device. The work is done on slices underneath.

use core::fmt;

use super::{ConfigError, Lif, LifConfig, NonSpikingLif, SimpleLif, Spiking, pack};
use crate::scalar::Scalar;
use crate::spikes::words_for;

/// A slice has another length than the population needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LengthError {
    /// What the slice holds.
    pub what: &'static str,
    /// Length that is needed; for a sequence, a multiple of it.
    pub need: usize,
    /// Length that it has.
    pub got: usize,
}

impl fmt::Display for LengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, need, got } = self;
        write!(f, "{what}: {need} values are needed, {got} were given")
    }
}

impl core::error::Error for LengthError {}

const fn check(what: &'static str, need: usize, got: usize) -> Result<(), LengthError> {
    if got == need {
        Ok(())
    } else {
        Err(LengthError { what, need, got })
    }
}

/// `N` neurons of one model with their membranes; [`LifNode`] and [`SimpleLifNode`] are the ones to use.
///
/// ```
/// use lif_nostd::neuron::{LifConfig, LifNode};
///
/// let mut node = LifNode::<f32, 3>::new(&LifConfig::new(2.0))?;
/// let mut spikes = [0u32; 1];
/// node.step(&[3.0, 1.0, 2.0], &mut spikes)?;
/// assert_eq!(spikes, [0b101]);
/// assert_eq!(node.v(), &[0.0, 0.5, 0.0]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SpikingNode<M: Spiking, const N: usize> {
    neuron: M,
    v: [M::Scalar; N],
    /// Nothing was stepped since the start or the reset, and no membrane was set.
    fresh: bool,
}

/// A population of LIF neurons.
pub type LifNode<S, const N: usize> = SpikingNode<Lif<S>, N>;
/// A population of SimpleLIF neurons.
pub type SimpleLifNode<S, const N: usize> = SpikingNode<SimpleLif<S>, N>;

impl<S: Scalar, const N: usize> SpikingNode<Lif<S>, N> {
    /// LIF neurons with the parameters `config`, their membranes at `v_reset` (0 for a soft reset).
    ///
    /// # Errors
    ///
    /// Those of [`LifConfig::lif`].
    pub fn new(config: &LifConfig) -> Result<Self, ConfigError> {
        Ok(Self::from_neuron(config.lif()?))
    }
}

impl<S: Scalar, const N: usize> SpikingNode<SimpleLif<S>, N> {
    /// SimpleLIF neurons with the parameters `config`, their membranes at 0.
    ///
    /// # Errors
    ///
    /// Those of [`LifConfig::simple_lif`].
    pub fn new(config: &LifConfig) -> Result<Self, ConfigError> {
        Ok(Self::from_neuron(config.simple_lif()?))
    }
}

impl<M: Spiking, const N: usize> SpikingNode<M, N> {
    /// Neurons with constants that are there already.
    #[must_use]
    pub fn from_neuron(neuron: M) -> Self {
        let v = [neuron.v_init(); N];
        Self {
            neuron,
            v,
            fresh: true,
        }
    }

    /// Words that hold the spikes of one step.
    pub const SPIKE_WORDS: usize = words_for(N);

    /// The constants of the neurons.
    #[must_use]
    pub const fn neuron(&self) -> &M {
        &self.neuron
    }

    /// The membranes.
    #[must_use]
    pub const fn v(&self) -> &[M::Scalar; N] {
        &self.v
    }

    /// Sets the membranes.
    pub fn set_v(&mut self, v: [M::Scalar; N]) {
        self.v = v;
        self.fresh = false;
    }

    /// Puts the membranes back to their initial value.
    pub fn reset(&mut self) {
        self.v = [self.neuron.v_init(); N];
        self.fresh = true;
    }

    /// One time step on the inputs `x`, one a neuron. `spikes` gets one bit a neuron, packed as in
    /// [`crate::spikes`]; it has [`Self::SPIKE_WORDS`] words.
    ///
    /// # Errors
    ///
    /// [`LengthError`] where `spikes` has another length; nothing is changed then.
    pub fn step(&mut self, x: &[M::Scalar; N], spikes: &mut [u32]) -> Result<(), LengthError> {
        check("spikes", Self::SPIKE_WORDS, spikes.len())?;
        self.step_slice(x, spikes);
        Ok(())
    }

    /// Time steps on the inputs `x_seq`, `[T, N]`; how many. `spike_seq` gets [`Self::SPIKE_WORDS`] words a step;
    /// `v_seq`, if given, the membranes after each step, `[T, N]`.
    ///
    /// The same as T single steps.
    ///
    /// # Errors
    ///
    /// [`LengthError`] where a slice has another length; nothing is changed then.
    pub fn run(
        &mut self,
        x_seq: &[M::Scalar],
        spike_seq: &mut [u32],
        mut v_seq: Option<&mut [M::Scalar]>,
    ) -> Result<usize, LengthError> {
        let steps = x_seq.len().checked_div(N).unwrap_or(0);
        check("x_seq", steps.saturating_mul(N), x_seq.len())?;
        let words = steps.saturating_mul(Self::SPIKE_WORDS);
        check("spike_seq", words, spike_seq.len())?;
        if let Some(v_seq) = &v_seq {
            check("v_seq", x_seq.len(), v_seq.len())?;
        }
        let rows = x_seq.chunks_exact(N.max(1));
        let spikes = spike_seq.chunks_exact_mut(Self::SPIKE_WORDS.max(1));
        for (t, (x, spikes)) in rows.zip(spikes).enumerate() {
            self.step_slice(x, spikes);
            let row = v_seq
                .as_deref_mut()
                .and_then(|v| v.chunks_exact_mut(N.max(1)).nth(t));
            if let Some(row) = row {
                row.copy_from_slice(&self.v);
            }
        }
        Ok(steps)
    }

    fn step_slice(&mut self, x: &[M::Scalar], spikes: &mut [u32]) {
        let Self { neuron, v, fresh } = self;
        let x = x.iter().copied();
        if core::mem::take(fresh) {
            pack(v, x, spikes, |v, x| neuron.first_step(v, x));
        } else {
            neuron.step_all(v, x, spikes);
        }
    }
}

/// `N` NonSpikingLIF neurons with their membranes.
#[derive(Clone, Copy, Debug)]
pub struct NonSpikingLifNode<S: Scalar, const N: usize> {
    neuron: NonSpikingLif<S>,
    v: [S; N],
}

impl<S: Scalar, const N: usize> NonSpikingLifNode<S, N> {
    /// Neurons of time constant `tau`, in steps, their membranes at 0.
    ///
    /// # Errors
    ///
    /// Those of [`LifConfig::non_spiking_lif`].
    pub fn new(tau: f64) -> Result<Self, ConfigError> {
        Ok(Self {
            neuron: LifConfig::new(tau).non_spiking_lif()?,
            v: [S::ZERO; N],
        })
    }

    /// One time step on the inputs `x`, one a neuron: the membranes after it.
    pub fn step(&mut self, x: &[S; N]) -> &[S; N] {
        for (v, x) in self.v.iter_mut().zip(x) {
            self.neuron.step(v, *x);
        }
        &self.v
    }

    /// The membranes. A [`super::Readout`] a neuron reads a sequence of them out.
    #[must_use]
    pub const fn v(&self) -> &[S; N] {
        &self.v
    }

    /// Puts the membranes back to 0.
    pub fn reset(&mut self) {
        self.v = [S::ZERO; N];
    }
}

#[cfg(feature = "defmt")]
impl<M: Spiking + defmt::Format, const N: usize> defmt::Format for SpikingNode<M, N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=usize} x {}, v: [", N, self.neuron);
        for v in &self.v {
            defmt::write!(f, " {=f64}", v.to_f64());
        }
        defmt::write!(f, " ]");
    }
}

#[cfg(feature = "defmt")]
impl<S: Scalar, const N: usize> defmt::Format for NonSpikingLifNode<S, N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=usize} x {}, v: [", N, self.neuron);
        for v in &self.v {
            defmt::write!(f, " {=f64}", v.to_f64());
        }
        defmt::write!(f, " ]");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multistep_is_single_steps() {
        let config = LifConfig::new(1.7).v_reset(-0.1).decay_input(false);
        let x: [f32; 200] = core::array::from_fn(|i| ((i * 37) % 11) as f32 / 7.0 - 0.2);
        fn both<M: Spiking<Scalar = f32> + Copy>(mut a: SpikingNode<M, 40>, x: &[f32]) {
            let mut b = a;
            let (mut spikes, mut v) = ([0u32; 10], [0f32; 200]);
            assert_eq!(a.run(x, &mut spikes, Some(&mut v)), Ok(5));
            for (t, row) in x.chunks(40).enumerate() {
                let mut single = [0; 2];
                b.step(row.try_into().unwrap(), &mut single).unwrap();
                assert_eq!(single, spikes[2 * t..2 * t + 2]);
                assert_eq!(b.v()[..], v[40 * t..40 * t + 40]);
            }
            assert_eq!(a.v(), b.v());
            b.reset();
            assert_eq!(b.v()[0], b.neuron().v_init());
        }
        both(LifNode::new(&config).unwrap(), &x);
        both(SimpleLifNode::new(&config).unwrap(), &x);
    }

    #[test]
    fn wrong_lengths_are_errors_and_change_nothing() {
        let mut node = LifNode::<i16, 3>::new(&LifConfig::new(2.0).v_threshold(100.0)).unwrap();
        let err = node.step(&[500; 3], &mut [0; 2]).unwrap_err();
        assert_eq!((err.need, err.got), (1, 2));
        assert!(node.run(&[500; 4], &mut [0; 1], None).is_err());
        assert!(node.run(&[500; 6], &mut [0; 1], None).is_err());
        assert!(node.run(&[500; 6], &mut [0; 2], Some(&mut [0; 3])).is_err());
        assert_eq!(node.v(), &[0; 3]);
        let mut none = LifNode::<f32, 0>::new(&LifConfig::new(2.0)).unwrap();
        assert_eq!(none.run(&[], &mut [], None), Ok(0));
    }
}
