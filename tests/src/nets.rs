//! Networks to check with, drawn from a seed.

use lif_host::net::{Error, InputScale, LifParams, Net, Param};
use lif_host::rng::Stream;
use lif_host::surrogate::Surrogate;

/// The network of the example in `docs/format.md`, section 13: 2 inputs, 3 neurons, weights and biases that are
/// multiples of 1/4.
///
/// # Errors
///
/// Those of [`Net::check`]: none.
pub fn example() -> Result<Net, Error> {
    let input = InputScale {
        full_scale: 2.0,
        step: 0.25,
    };
    let lif = LifParams {
        tau: Param::Scalar(2.0),
        v_threshold: Param::Scalar(1.0),
        v_reset: Some(Param::Scalar(0.25)),
        decay_input: true,
        detach_reset: false,
        surrogate: Surrogate::default(),
    };
    let chain = Net::sequential("example", 4, 2, input);
    let mut net = chain.linear(3).lif(lif).build()?;
    let values = [1.0, -0.5, 0.25, 0.75, -1.0, 0.0, 0.5, 0.0, -0.25];
    net.weights.copy_from_slice(&values);
    Ok(net)
}

/// What a drawn network looks like.
#[derive(Clone, Debug)]
pub struct Draw {
    /// Seed of weights and biases.
    pub seed: u64,
    /// Sizes: the inputs, then the neurons of each layer.
    pub sizes: Vec<usize>,
    /// Time constant, in steps.
    pub tau: f32,
    /// Threshold.
    pub v_threshold: f32,
    /// Membrane after a spike; none for a soft reset.
    pub v_reset: Option<f32>,
    /// Whether the input is divided by tau.
    pub decay_input: bool,
    /// Magnitude of the largest weight.
    pub gain: f32,
}

impl Draw {
    /// A network of these sizes with tau 2, threshold 1 and hard reset to 0.
    #[must_use]
    pub fn new(seed: u64, sizes: &[usize]) -> Self {
        Self {
            seed,
            sizes: sizes.into(),
            tau: 2.0,
            v_threshold: 1.0,
            v_reset: Some(0.0),
            decay_input: true,
            gain: 1.0,
        }
    }

    /// The network, 16 steps a sample. Weights and biases are multiples of 2^-10, so that every f32 sum of them
    /// is exact in any order.
    ///
    /// # Errors
    ///
    /// Those of [`Net::check`].
    pub fn build(&self) -> Result<Net, Error> {
        let input = InputScale {
            full_scale: 128.0,
            step: 1.0,
        };
        let n_in = self.sizes.first().copied().unwrap_or(0);
        let mut chain = Net::sequential("drawn", 16, n_in, input);
        for &n in self.sizes.iter().skip(1) {
            chain = chain.linear(n).lif(LifParams {
                tau: Param::Scalar(self.tau),
                v_threshold: Param::Scalar(self.v_threshold),
                v_reset: self.v_reset.map(Param::Scalar),
                decay_input: self.decay_input,
                detach_reset: false,
                surrogate: Surrogate::default(),
            });
        }
        let mut net = chain.build()?;
        let stream = Stream::new(self.seed, 1);
        for (i, w) in net.weights.iter_mut().enumerate() {
            let unit = 2.0 * stream.unit(i as u64) - 1.0;
            *w = (unit * self.gain * 1024.0).round() / 1024.0;
        }
        Ok(net)
    }

    /// The i8 inputs of sample `sample`, over their whole range.
    #[must_use]
    pub fn input(&self, sample: u64) -> Vec<i8> {
        let stream = Stream::new(self.seed, 100 + sample);
        let n_in = self.sizes.first().copied().unwrap_or(0);
        (0..n_in).map(|i| stream.bits(i as u64) as i8).collect()
    }
}
