//! Runs a `.lif` file on the host, with the very code that the device runs.

use lif_nostd::model::format::{NeuronKind, Node, Number};
use lif_nostd::model::{Digest, Model};
use lif_nostd::spikes::words_for;
use lif_nostd::{Error, Network};

/// Bytes that start at a multiple of 16, as the reader wants them.
#[derive(Debug)]
pub struct AlignedBytes {
    buffer: Vec<u8>,
    start: usize,
}

impl AlignedBytes {
    /// A copy of `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut buffer = vec![0; bytes.len() + 15];
        let start = buffer.as_ptr().align_offset(16).min(15);
        buffer[start..start + bytes.len()].copy_from_slice(bytes);
        Self { buffer, start }
    }
}

impl Clone for AlignedBytes {
    fn clone(&self) -> Self {
        // A copy of the buffer may start at another remainder of 16.
        Self::new(self)
    }
}

impl std::ops::Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[self.start..self.buffer.len() - (15 - self.start)]
    }
}

/// One sample's input, in the network's number format.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Input {
    /// Quantised values.
    I8(Vec<i8>),
    /// Currents.
    F32(Vec<f32>),
    /// Spikes of each step, bit-packed; none in steps that are not there.
    Spikes(Vec<Vec<u32>>),
}

impl Input {
    /// The raw values of a sample as `model` takes them: divided by the input's step and rounded to the
    /// nearest even integer, saturating, or divided by its full scale. An input of spikes spikes in every step where
    /// the value is not 0.
    #[must_use]
    pub fn from_raw(model: &Model<'_>, raw: &[f32]) -> Self {
        let (number, full_scale, step) = scale(model);
        if number == Number::F32 {
            return Self::F32(raw.iter().map(|x| x / full_scale).collect());
        }
        if number == Number::Bits {
            let mut words = vec![0; words_for(raw.len())];
            for (i, _) in raw.iter().enumerate().filter(|(_, x)| **x != 0.0) {
                words[i / 32] |= 1 << (i % 32);
            }
            return Self::Spikes(vec![words; model.steps() as usize]);
        }
        Self::I8(raw.iter().map(|x| input_units(*x, step)).collect())
    }

    /// How many of the raw values of a sample [`Self::from_raw`] cuts to the range of an i8 input.
    #[must_use]
    pub fn saturated(model: &Model<'_>, raw: &[f32]) -> usize {
        let (number, _, step) = scale(model);
        let outside =
            |x: &&f32| number == Number::I8 && !(-128.0..=127.0).contains(&units(**x, step));
        raw.iter().filter(outside).count()
    }

    /// Number of values; of steps, where they are spikes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::I8(x) => x.len(),
            Self::F32(x) => x.len(),
            Self::Spikes(steps) => steps.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values as they travel to a device, little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::I8(x) => bytemuck::cast_slice(x).to_vec(),
            Self::F32(x) => x.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::Spikes(steps) => steps
                .iter()
                .flatten()
                .flat_map(|x| x.to_le_bytes())
                .collect(),
        }
    }

    /// Sets the input of `network` before its first step; spikes are set by [`Input::set_step`].
    ///
    /// # Errors
    ///
    /// Those of [`Network::set_current`].
    pub fn set(&self, network: &mut Network<'_>) -> Result<(), Error> {
        match self {
            Self::I8(x) => network.set_current(x),
            Self::F32(x) => network.set_current_f32(x),
            Self::Spikes(_) => network.events(&[]),
        }
    }

    /// Sets the input of `network` for step `step`, from 0; only spikes change from step to step.
    ///
    /// # Errors
    ///
    /// Those of [`Network::set_spikes`].
    pub fn set_step(&self, network: &mut Network<'_>, step: u32) -> Result<(), Error> {
        match self {
            Self::Spikes(steps) => match steps.get(step as usize) {
                Some(words) => network.set_spikes(words),
                None => network.events(&[]),
            },
            _ => Ok(()),
        }
    }
}

/// Number format, full scale and step of the input of `model`.
fn scale(model: &Model<'_>) -> (Number, f32, f32) {
    match model.node(0).map(|r| r.node) {
        Some(Node::Input {
            number,
            full_scale,
            step,
            ..
        }) => (number, full_scale, step),
        _ => (Number::F32, 1.0, 1.0),
    }
}

/// The raw value `x` as an i8 input of step `step` takes it (`docs/dynamics.md`, section 4.6).
#[must_use]
pub fn input_units(x: f32, step: f32) -> i8 {
    units(x, step) as i8
}

/// `x` in whole units of `step` raw units.
fn units(x: f32, step: f32) -> f64 {
    (f64::from(x) / f64::from(step)).round_ties_even()
}

/// What a network answers to a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Spikes of each output neuron.
    pub counts: Vec<u32>,
    /// Digest of all spikes and of the membranes at the end.
    pub digest: u32,
}

impl Answer {
    /// The neuron with the most spikes; a tie goes to the lowest index.
    #[must_use]
    pub fn class(&self) -> usize {
        lif_nostd::decode::arg_max(&self.counts)
    }
}

/// A model with the memory that it runs in.
#[derive(Clone, Debug)]
pub struct Host {
    bytes: AlignedBytes,
    arena: Vec<u64>,
}

impl Host {
    /// Checks the model in `bytes`.
    ///
    /// # Errors
    ///
    /// Those of [`Model::read`].
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        let bytes = AlignedBytes::new(bytes);
        let ram = Model::read(&bytes)?.ram_bytes();
        Ok(Self {
            arena: vec![0; ram.div_ceil(8)],
            bytes,
        })
    }

    /// The model.
    ///
    /// # Panics
    ///
    /// Never: it was checked when this was made.
    #[must_use]
    pub fn model(&self) -> Model<'_> {
        Model::read(&self.bytes).expect("the model was checked in `new`")
    }

    /// A network in its initial state.
    ///
    /// # Panics
    ///
    /// Never: model and arena were checked when this was made.
    pub fn network(&mut self) -> Network<'_> {
        Network::new(&self.bytes, &mut self.arena).expect("model and arena were checked in `new`")
    }

    /// Runs each sample for `steps` steps from the initial state: the readout of each output, see
    /// [`Network::readout`].
    ///
    /// # Errors
    ///
    /// [`Error::InputLength`] or [`Error::InputType`].
    pub fn readouts(&mut self, samples: &[Input], steps: u32) -> Result<Vec<Vec<f32>>, Error> {
        let mut network = self.network();
        let n_out = network.model().n_out();
        let mut readouts = Vec::with_capacity(samples.len());
        for input in samples {
            run_sample(&mut network, input, steps)?;
            readouts.push((0..n_out).filter_map(|i| network.readout(i)).collect());
        }
        Ok(readouts)
    }

    /// Runs each sample for `steps` steps from the initial state.
    ///
    /// # Errors
    ///
    /// [`Error::InputLength`] or [`Error::InputType`].
    pub fn run(&mut self, samples: &[Input], steps: u32) -> Result<Vec<Answer>, Error> {
        let mut network = self.network();
        let mut answers = Vec::with_capacity(samples.len());
        for input in samples {
            answers.push(run_sample(&mut network, input, steps)?);
        }
        Ok(answers)
    }
}

/// Whether the last layer of `model` is of membranes that are read out and never spike.
#[must_use]
pub fn reads_out(model: &Model<'_>) -> bool {
    let last = model.node(model.n_nodes().saturating_sub(1));
    matches!(
        last.map(|r| r.node),
        Some(Node::Neurons(n)) if n.kind == NeuronKind::NonSpikingLif
    )
}

/// Runs `network` on one sample for `steps` steps from the initial state.
///
/// # Errors
///
/// [`Error::InputLength`] or [`Error::InputType`].
pub fn run_sample(network: &mut Network<'_>, input: &Input, steps: u32) -> Result<Answer, Error> {
    network.reset();
    input.set(network)?;
    let mut digest = Digest::new();
    for step in 0..steps {
        input.set_step(network, step)?;
        network.step();
        digest.add_spikes(network);
    }
    digest.add_membranes(network);
    Ok(Answer {
        counts: network.counts().to_vec(),
        digest: digest.finish(),
    })
}
