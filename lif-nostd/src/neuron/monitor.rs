//! Records the last steps of some neurons on the device.

use heapless::HistoryBuf;

use crate::scalar::Scalar;
use crate::spikes::Spikes;

/// One step of the watched neurons.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Record<S, const K: usize> {
    /// Number of the step, from 0.
    pub step: u32,
    /// Spikes: bit k is that of the k-th watched neuron.
    pub spikes: u32,
    /// Membranes after the step.
    pub v: [S; K],
}

/// Keeps the last `DEPTH` steps of `K` neurons (at most 32) in a ring buffer.
///
/// ```
/// use lif_nostd::Spikes;
/// use lif_nostd::neuron::{LifConfig, LifNode, Monitor};
///
/// let mut node = LifNode::<f32, 8>::new(&LifConfig::new(2.0))?;
/// let mut monitor = Monitor::<f32, 2, 16>::new([0, 5]);
/// let mut spikes = [0u32; 1];
/// for _ in 0..20 {
///     node.step(&[1.5; 8], &mut spikes)?;
///     monitor.record(Spikes::new(&spikes, 8), node.v());
/// }
/// assert_eq!(monitor.oldest_first().count(), 16);
/// assert_eq!(monitor.oldest_first().next().map(|r| r.step), Some(4));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Monitor<S: Scalar, const K: usize, const DEPTH: usize> {
    neurons: [usize; K],
    step: u32,
    records: HistoryBuf<Record<S, K>, DEPTH>,
}

impl<S: Scalar, const K: usize, const DEPTH: usize> Monitor<S, K, DEPTH> {
    const FITS: () = assert!(K <= 32, "a record holds the spikes of 32 neurons");

    /// Watches the neurons of these indices.
    #[must_use]
    pub const fn new(neurons: [usize; K]) -> Self {
        () = Self::FITS;
        Self {
            neurons,
            step: 0,
            records: HistoryBuf::new(),
        }
    }

    /// Records a step from the spikes and membranes of the whole population. A neuron that is not there reads as
    /// silent and at 0.
    pub fn record(&mut self, spikes: Spikes<'_>, v: &[S]) {
        let mut record = Record {
            step: self.step,
            spikes: 0,
            v: [S::ZERO; K],
        };
        for ((bit, i), to) in (0..32).zip(self.neurons).zip(&mut record.v) {
            record.spikes |= u32::from(spikes.get(i)) << bit;
            *to = v.get(i).copied().unwrap_or(S::ZERO);
        }
        self.records.write(record);
        self.step = self.step.wrapping_add(1);
    }

    /// The watched neurons.
    #[must_use]
    pub const fn neurons(&self) -> &[usize; K] {
        &self.neurons
    }

    /// The records that are kept, the oldest first.
    pub fn oldest_first(&self) -> impl Iterator<Item = &Record<S, K>> {
        self.records.oldest_ordered()
    }

    /// Forgets all records and counts steps from 0 again.
    pub fn clear(&mut self) {
        self.records = HistoryBuf::new();
        self.step = 0;
    }
}
