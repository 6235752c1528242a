//! Parameters of neurons.

use lif_nostd::neuron::Decode;
use serde::{Deserialize, Serialize};

use super::{NodeKind, Shape};
use crate::surrogate::Surrogate;

/// A neuron parameter: one for the node, one a channel or one a neuron.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Param {
    /// One value for all neurons.
    Scalar(f32),
    /// One value a channel.
    PerChannel(Vec<f32>),
    /// One value a neuron.
    PerNeuron(Vec<f32>),
}

impl Param {
    /// The value for neuron `i` of a node of shape `shape`; NaN where the parameter has no such entry.
    #[must_use]
    pub fn at(&self, i: usize, shape: &Shape) -> f32 {
        match self {
            Self::Scalar(x) => *x,
            Self::PerChannel(xs) => xs.get(i / shape.channel_len()).copied().unwrap_or(f32::NAN),
            Self::PerNeuron(xs) => xs.get(i).copied().unwrap_or(f32::NAN),
        }
    }

    /// Which of [`Self::values`] is that of neuron `i` of a node of shape `shape`.
    #[must_use]
    pub fn entry(&self, i: usize, shape: &Shape) -> usize {
        match self {
            Self::Scalar(_) => 0,
            Self::PerChannel(_) => i / shape.channel_len().max(1),
            Self::PerNeuron(_) => i,
        }
    }

    /// The values: one, one a channel or one a neuron.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        match self {
            Self::Scalar(x) => std::slice::from_ref(x),
            Self::PerChannel(xs) | Self::PerNeuron(xs) => xs,
        }
    }

    /// The same, to change them.
    pub fn values_mut(&mut self) -> &mut [f32] {
        match self {
            Self::Scalar(x) => std::slice::from_mut(x),
            Self::PerChannel(xs) | Self::PerNeuron(xs) => xs,
        }
    }

    /// The value that all neurons share, if they do.
    #[must_use]
    pub const fn scalar(&self) -> Option<f32> {
        match self {
            Self::Scalar(x) => Some(*x),
            _ => None,
        }
    }

    /// Why the parameter `name` of a node of shape `shape` is not one, if it is not.
    fn problem(&self, name: &str, shape: &Shape) -> Option<String> {
        let want = match self {
            Self::Scalar(_) => 1,
            Self::PerChannel(_) => shape.len() / shape.channel_len().max(1),
            Self::PerNeuron(_) => shape.len(),
        };
        let values = self.values();
        if values.len() != want {
            return Some(format!("{} values of {name}, not {want}", values.len()));
        }
        let x = values.iter().find(|x| !x.is_finite())?;
        Some(format!("{name} = {x}: must be finite"))
    }
}

/// Constants of a leaky integrate-and-fire node (`docs/dynamics.md`, section 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LifParams {
    /// Time constant, in steps, above 1.
    pub tau: Param,
    /// The neuron fires where the membrane is at least this.
    pub v_threshold: Param,
    /// Membrane after a spike, which the leak pulls towards too; none for a soft reset.
    pub v_reset: Option<Param>,
    /// Whether the input is divided by tau.
    pub decay_input: bool,
    /// Whether the gradient leaves out the way through the reset.
    pub detach_reset: bool,
    /// Derivative of the spike in training.
    pub surrogate: Surrogate,
}

/// SpikingJelly's: tau = 2, a threshold of 1 and a hard reset to 0, the input divided by tau; the surrogate is atan.
impl Default for LifParams {
    fn default() -> Self {
        Self {
            tau: Param::Scalar(2.0),
            v_threshold: Param::Scalar(1.0),
            v_reset: Some(Param::Scalar(0.0)),
            decay_input: true,
            detach_reset: false,
            surrogate: Surrogate::default(),
        }
    }
}

/// Constants of neurons that never spike (`docs/dynamics.md`, section 1.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NonSpikingLifParams {
    /// Time constant, in steps: any number but 0.
    pub tau: Param,
    /// What is read out of the membranes.
    #[serde(with = "decode_name")]
    pub decode: Decode,
}

/// A decode by its name.
mod decode_name {
    use lif_nostd::neuron::Decode;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(decode: &Decode, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(decode.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Decode, D::Error> {
        let name = String::deserialize(d)?;
        let found = Decode::ALL.into_iter().find(|d| d.name() == name);
        found.ok_or_else(|| D::Error::custom(format!("there is no decode {name:?}")))
    }
}

/// The neurons of a node: their model and its constants.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum NeuronParams<'a> {
    /// Leaky integrate-and-fire.
    Lif(&'a LifParams),
    /// SpikingJelly's SimpleLIF.
    SimpleLif(&'a LifParams),
    /// Membranes that are read out.
    NonSpikingLif(&'a NonSpikingLifParams),
}

impl<'a> NeuronParams<'a> {
    /// The neurons of a node of kind `kind`, if it is one of neurons.
    pub(super) const fn of(kind: &'a NodeKind) -> Option<Self> {
        match kind {
            NodeKind::Lif(p) => Some(Self::Lif(p)),
            NodeKind::SimpleLif(p) => Some(Self::SimpleLif(p)),
            NodeKind::NonSpikingLif(p) => Some(Self::NonSpikingLif(p)),
            _ => None,
        }
    }

    /// Why the parameters are out of range, if they are.
    #[must_use]
    pub fn problem(&self, shape: &Shape) -> Option<String> {
        match self {
            Self::Lif(p) => p.problem(shape),
            Self::SimpleLif(p) => p.problem_of_simple(shape),
            Self::NonSpikingLif(p) if p.tau.values().contains(&0.0) => {
                Some("tau = 0: must be another number".into())
            }
            Self::NonSpikingLif(p) => p.tau.problem("tau", shape),
        }
    }

    /// The time constant.
    #[must_use]
    pub const fn tau(&self) -> &'a Param {
        match self {
            Self::Lif(p) | Self::SimpleLif(p) => &p.tau,
            Self::NonSpikingLif(p) => &p.tau,
        }
    }

    /// The constants of neurons that spike.
    #[must_use]
    pub const fn spiking(&self) -> Option<&'a LifParams> {
        match self {
            Self::Lif(p) | Self::SimpleLif(p) => Some(p),
            Self::NonSpikingLif(_) => None,
        }
    }
}

impl LifParams {
    /// Why the parameters are out of range, if they are.
    #[must_use]
    pub fn problem(&self, shape: &Shape) -> Option<String> {
        if let Some(tau) = self.tau.values().iter().find(|t| **t <= 1.0) {
            return Some(format!("tau = {tau}: must be above 1"));
        }
        self.problem_but_tau(shape)
    }

    /// The same for SimpleLIF neurons: any tau but 0, and a hard reset.
    #[must_use]
    pub fn problem_of_simple(&self, shape: &Shape) -> Option<String> {
        if self.tau.values().contains(&0.0) {
            return Some("tau = 0: must be another number".into());
        }
        if self.v_reset.is_none() {
            return Some("SimpleLIF has no soft reset: v_reset must be a number".into());
        }
        self.problem_but_tau(shape)
    }

    fn problem_but_tau(&self, shape: &Shape) -> Option<String> {
        let lists = [
            ("tau", Some(&self.tau)),
            ("v_threshold", Some(&self.v_threshold)),
            ("v_reset", self.v_reset.as_ref()),
        ];
        for (name, param) in lists.into_iter().filter_map(|(n, p)| Some((n, p?))) {
            if let Some(problem) = param.problem(name, shape) {
                return Some(problem);
            }
        }
        if !self.surrogate.is_binary() {
            let name = self.surrogate.name();
            return Some(format!(
                "surrogate {name}: its spikes are not 0 or 1, and a synapse adds whole weights"
            ));
        }
        let problem = self.surrogate.problem()?;
        Some(format!("surrogate.{problem}"))
    }

    /// The constants as the neuron code takes them; none where a parameter is not one for all neurons.
    #[must_use]
    pub fn uniform(&self) -> Option<lif_nostd::neuron::Lif<f32>> {
        let v_reset = match &self.v_reset {
            None => None,
            Some(p) => Some(p.scalar()?),
        };
        Some(lif_nostd::neuron::Lif::new(
            f64::from(self.tau.scalar()?),
            self.v_threshold.scalar()?,
            v_reset,
            self.decay_input,
        ))
    }
}
