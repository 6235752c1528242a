//! The description of a network: a graph of named synapse and neuron nodes with shapes and delayed edges.
//!
//! Training, quantisation, export and checkpoints share it. [`Net::sequential`] builds a chain.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::rng::{Purpose, Stream};

mod params;
mod sequential;

pub use params::{LifParams, NeuronParams, NonSpikingLifParams, Param};
pub use sequential::Sequential;

/// The shape of a node's output, without time and batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Shape {
    /// `[N]`
    Flat([usize; 1]),
    /// `[C, H, W]`
    Image([usize; 3]),
}

impl Shape {
    /// A shape `[n]`.
    #[must_use]
    pub const fn flat(n: usize) -> Self {
        Self::Flat([n])
    }

    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Flat([n]) => *n,
            Self::Image(dims) => dims.iter().fold(1, |n, dim| n.saturating_mul(*dim)),
        }
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Values that share a channel: 1 for `[N]`, H x W for an image.
    #[must_use]
    pub fn channel_len(&self) -> usize {
        match self {
            Self::Flat(_) => 1,
            Self::Image([_, h, w]) => h.saturating_mul(*w),
        }
    }
}

/// Where raw values enter, and how they become currents.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputScale {
    /// The raw value that stands for a current of 1.
    pub full_scale: f32,
    /// Raw units a unit of the quantised (i8) input.
    pub step: f32,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NodeKind {
    /// Where values enter.
    Input(InputScale),
    /// Where spikes enter, one bit an input and step.
    SpikeInput,
    /// Fully connected synapses: weights `[out, in]` and biases `[out]` in [`Net::weights`].
    Linear {
        /// Where the weights are.
        weight: Range<usize>,
        /// Where the biases are; empty where there are none.
        bias: Range<usize>,
    },
    /// In training, each output of the node before is left out with probability `p`; nothing otherwise.
    Dropout {
        /// Probability, from 0 up to but not including 1.
        p: f32,
    },
    /// Another shape for the same values in the same order.
    Flatten,
    /// Leaky integrate-and-fire neurons.
    Lif(LifParams),
    /// SpikingJelly's SimpleLIF neurons, which start at 0 and have a hard reset alone.
    SimpleLif(LifParams),
    /// Membranes that are read out and never spike.
    NonSpikingLif(NonSpikingLifParams),
}

/// A named node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Unique in its network.
    pub name: String,
    /// Shape of its output.
    pub shape: Shape,
    /// What it does.
    #[serde(flatten)]
    pub kind: NodeKind,
}

/// A connection from the output of one node to the input of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Index of the node that it comes from.
    pub from: usize,
    /// Index of the node that it goes to.
    pub to: usize,
    /// Delay in time steps.
    pub delay: u32,
}

/// A network: nodes, edges, and all weights in one buffer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Net {
    /// Name of the network.
    pub name: String,
    /// Time steps a sample.
    pub steps: u32,
    /// Nodes, in the order in which a time step computes them.
    pub nodes: Vec<Node>,
    /// Connections.
    pub edges: Vec<Edge>,
    /// Weights and biases of all nodes.
    #[serde(skip)]
    pub weights: Vec<f32>,
}

/// Why a network is not valid, or not of the kind that a part of this crate handles.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The network is not valid.
    #[error("node {node:?}: {problem}")]
    Node {
        /// Name of the node.
        node: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The graph is not valid.
    #[error("{0}")]
    Graph(String),
    /// The network is valid, but not an input and alternating synapses and neurons without delays; dropout and
    /// flatten may stand before synapses.
    #[error("{0}: only chains of an input and alternating synapses and neurons are handled yet")]
    NotAChain(String),
}

/// A synapse node and the neuron node that it drives.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Node index of the synapses; that of the neurons is one more.
    pub node: usize,
    /// Name of the synapse node.
    pub synapse: &'a str,
    /// Name of the neuron node.
    pub neuron: &'a str,
    /// Inputs.
    pub n_in: usize,
    /// Outputs.
    pub n_out: usize,
    /// Where the weights `[out, in]` are.
    pub weight: &'a Range<usize>,
    /// Where the biases `[out]` are; empty where there are none.
    pub bias: &'a Range<usize>,
    /// The neurons.
    pub neurons: NeuronParams<'a>,
    /// Probability with which training leaves out an input; 0 where there is no dropout.
    pub dropout: f32,
}

impl Net {
    /// Starts a chain at an input of `n` values.
    #[must_use]
    pub fn sequential(name: &str, steps: u32, n: usize, input: InputScale) -> Sequential {
        Sequential::new(name, steps, n, NodeKind::Input(input))
    }

    /// Starts a chain at an input of `n` spikes a step.
    #[must_use]
    pub fn sequential_spikes(name: &str, steps: u32, n: usize) -> Sequential {
        Sequential::new(name, steps, n, NodeKind::SpikeInput)
    }

    /// Draws all weights and biases uniformly from +-1/sqrt(inputs), as PyTorch does for Linear.
    pub fn init(&mut self, seed: u64) {
        let mut spans = Vec::new();
        for node in 0..self.nodes.len() {
            if let NodeKind::Linear { weight, bias } = &self.nodes[node].kind {
                let n_in = weight.len() / self.nodes[node].shape.len().max(1);
                let bound = 1.0 / (n_in as f32).sqrt();
                spans.push((node, weight.clone(), bound));
                spans.push((node, bias.clone(), bound));
            }
        }
        for (i, (_, span, bound)) in spans.into_iter().enumerate() {
            let stream = Stream::of(seed, Purpose::Init, i as u32);
            for (j, w) in self.weights[span].iter_mut().enumerate() {
                *w = (2.0 * stream.unit(j as u64) - 1.0) * bound;
            }
        }
    }

    /// The number of inputs, and their scale; none where they are spikes.
    ///
    /// # Errors
    ///
    /// [`Error::NotAChain`] where node 0 is not an input.
    pub fn input(&self) -> Result<(usize, Option<InputScale>), Error> {
        match self.nodes.first().map(|n| (&n.shape, &n.kind)) {
            Some((shape, NodeKind::Input(scale))) => Ok((shape.len(), Some(*scale))),
            Some((shape, NodeKind::SpikeInput)) => Ok((shape.len(), None)),
            _ => Err(Error::NotAChain("the first node is not an input".into())),
        }
    }

    /// The time constant and, where they spike, the threshold of the neurons of node `node`; none where it is
    /// another kind of node.
    pub fn neuron_params_mut(&mut self, node: usize) -> Option<(&mut Param, Option<&mut Param>)> {
        match &mut self.nodes.get_mut(node)?.kind {
            NodeKind::Lif(p) | NodeKind::SimpleLif(p) => {
                Some((&mut p.tau, Some(&mut p.v_threshold)))
            }
            NodeKind::NonSpikingLif(p) => Some((&mut p.tau, None)),
            _ => None,
        }
    }

    /// Number of output neurons: those of the last node.
    #[must_use]
    pub fn n_out(&self) -> usize {
        self.nodes.last().map_or(0, |n| n.shape.len())
    }

    /// Checks names, shapes, parameters, weights and edges.
    ///
    /// # Errors
    ///
    /// [`Error::Node`] and [`Error::Graph`].
    pub fn check(&self) -> Result<(), Error> {
        for (i, node) in self.nodes.iter().enumerate() {
            let fail = |problem: String| {
                Err(Error::Node {
                    node: node.name.clone(),
                    problem,
                })
            };
            if self.nodes[..i].iter().any(|n| n.name == node.name) {
                return fail("the name is used twice".into());
            }
            if node.shape.is_empty() {
                return fail("its shape holds no values".into());
            }
            match &node.kind {
                NodeKind::Input(scale) => {
                    for x in [scale.full_scale, scale.step] {
                        if !(x.is_finite() && x > 0.0) {
                            return fail(format!("an input scale of {x}: must be above 0"));
                        }
                    }
                }
                NodeKind::Linear { weight, bias } => {
                    for (span, what) in [(weight, "weights"), (bias, "biases")] {
                        let Some(values) = self.weights.get(span.clone()) else {
                            return fail(format!("its {what} are missing"));
                        };
                        if let Some(at) = values.iter().position(|w| !w.is_finite()) {
                            return fail(format!("{what}[{at}] is {}", values[at]));
                        }
                    }
                }
                NodeKind::Dropout { p } if !(0.0..1.0).contains(p) => {
                    return fail(format!("p = {p}: 0 up to but not including 1 is allowed"));
                }
                NodeKind::SpikeInput | NodeKind::Dropout { .. } | NodeKind::Flatten => (),
                NodeKind::Lif(_) | NodeKind::SimpleLif(_) | NodeKind::NonSpikingLif(_) => {
                    let neurons = NeuronParams::of(&node.kind);
                    if let Some(problem) = neurons.and_then(|n| n.problem(&node.shape)) {
                        return fail(problem);
                    }
                }
            }
        }
        for edge in &self.edges {
            if edge.from >= self.nodes.len() || edge.to >= self.nodes.len() {
                return Err(Error::Graph(format!(
                    "an edge from node {} to node {}: there are {} nodes",
                    edge.from,
                    edge.to,
                    self.nodes.len()
                )));
            }
            if edge.delay == 0 && edge.to <= edge.from {
                return Err(Error::Graph(format!(
                    "an edge from {:?} back to {:?} without a delay",
                    self.nodes[edge.from].name, self.nodes[edge.to].name
                )));
            }
        }
        if self.steps == 0 {
            return Err(Error::Graph("0 time steps: at least 1 is needed".into()));
        }
        Ok(())
    }

    /// The layers of a chain.
    ///
    /// # Errors
    ///
    /// Those of [`Net::check`]; [`Error::NotAChain`] where the graph is another one.
    pub fn layers(&self) -> Result<Vec<Layer<'_>>, Error> {
        self.check()?;
        let (mut n_in, _) = self.input()?;
        let chain = self.edges.len() + 1 == self.nodes.len()
            && self
                .edges
                .iter()
                .enumerate()
                .all(|(i, e)| (e.from, e.to, e.delay) == (i, i + 1, 0));
        if !chain {
            return Err(Error::NotAChain(
                "the graph branches, loops or delays".into(),
            ));
        }
        let mut layers = Vec::new();
        let mut dropout = 0.0;
        let mut nodes = self.nodes.iter().enumerate().skip(1);
        while let Some((at, synapses)) = nodes.next() {
            match synapses.kind {
                NodeKind::Dropout { p } if dropout == 0.0 && synapses.shape.len() == n_in => {
                    dropout = p;
                    continue;
                }
                NodeKind::Flatten if synapses.shape == Shape::flat(n_in) => continue,
                _ => (),
            }
            let Some((_, neurons)) = nodes.next() else {
                let name = &synapses.name;
                return Err(Error::NotAChain(format!("node {name:?} drives no neurons")));
            };
            layers.push(self.layer(at, synapses, neurons, n_in, dropout)?);
            n_in = synapses.shape.len();
            dropout = 0.0;
        }
        if dropout != 0.0 {
            return Err(Error::NotAChain("dropout behind the last neurons".into()));
        }
        if layers.is_empty() {
            return Err(Error::NotAChain("there is no layer".into()));
        }
        Ok(layers)
    }

    /// The layer of the nodes `synapses`, of index `node`, and `neurons`, on `n_in` inputs.
    fn layer<'a>(
        &'a self,
        node: usize,
        synapses: &'a Node,
        neurons: &'a Node,
        n_in: usize,
        dropout: f32,
    ) -> Result<Layer<'a>, Error> {
        let (NodeKind::Linear { weight, bias }, Some(params)) =
            (&synapses.kind, NeuronParams::of(&neurons.kind))
        else {
            return Err(Error::NotAChain(format!(
                "nodes {:?} and {:?} are not synapses and their neurons",
                synapses.name, neurons.name
            )));
        };
        let n_out = synapses.shape.len();
        if neurons.shape != synapses.shape {
            return Err(Error::Node {
                node: neurons.name.clone(),
                problem: format!("{} neurons for {n_out} outputs", neurons.shape.len()),
            });
        }
        let biases = [0, n_out].contains(&bias.len());
        if weight.len() != n_in.saturating_mul(n_out) || !biases {
            return Err(Error::Node {
                node: synapses.name.clone(),
                problem: format!(
                    "{} weights and {} biases for {n_in} inputs and {n_out} outputs",
                    weight.len(),
                    bias.len()
                ),
            });
        }
        Ok(Layer {
            node,
            synapse: &synapses.name,
            neuron: &neurons.name,
            n_in,
            n_out,
            weight,
            bias,
            neurons: params,
            dropout,
        })
    }

    /// The biases of `layer`, `[out]`: zeros where it has none.
    #[must_use]
    pub fn biases(&self, layer: &Layer<'_>) -> Vec<f32> {
        let mut biases = self.weights[layer.bias.clone()].to_vec();
        biases.resize(layer.n_out, 0.0);
        biases
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surrogate::Surrogate;

    fn lif(tau: f32) -> LifParams {
        LifParams {
            tau: Param::Scalar(tau),
            v_threshold: Param::Scalar(1.0),
            v_reset: Some(Param::Scalar(0.0)),
            decay_input: true,
            detach_reset: false,
            surrogate: Surrogate::default(),
        }
    }

    const INPUT: InputScale = InputScale {
        full_scale: 16.0,
        step: 1.0,
    };

    #[test]
    fn a_sequential_net_is_a_chain() {
        let net = Net::sequential("n", 16, 4, INPUT)
            .linear(3)
            .lif(lif(2.0))
            .linear(2)
            .lif(lif(2.0))
            .build()
            .unwrap();
        let layers = net.layers().unwrap();
        assert_eq!(layers.len(), 2);
        assert_eq!((layers[1].n_in, layers[1].n_out), (3, 2));
        assert_eq!(layers[1].synapse, "linear2");
        assert_eq!(net.weights.len(), 4 * 3 + 3 + 3 * 2 + 2);
    }

    #[test]
    fn bad_nets_are_named() {
        let err = Net::sequential("n", 1, 4, INPUT)
            .linear(3)
            .lif(lif(1.0))
            .build();
        assert!(
            err.unwrap_err()
                .to_string()
                .contains("tau = 1: must be above 1")
        );
        let mut net = Net::sequential("n", 1, 4, INPUT)
            .linear(3)
            .lif(lif(2.0))
            .build()
            .unwrap();
        net.weights[5] = f32::NAN;
        assert!(
            net.check()
                .unwrap_err()
                .to_string()
                .contains("weights[5] is NaN")
        );
        net.weights[5] = 0.0;
        net.edges[0].delay = 1;
        assert!(matches!(net.layers(), Err(Error::NotAChain(_))));
    }

    #[test]
    fn dropout_and_flatten_stand_between_layers() {
        let net = Net::sequential("n", 16, 4, INPUT)
            .flatten()
            .dropout(0.25)
            .linear_without_bias(3)
            .lif(lif(2.0))
            .linear(2)
            .lif(lif(2.0));
        let built = net.clone().build().unwrap();
        let layers = built.layers().unwrap();
        assert_eq!((layers[0].dropout, layers[1].dropout), (0.25, 0.0));
        assert_eq!((layers[0].node, layers[1].node), (3, 5));
        assert_eq!(built.biases(&layers[0]), [0.0; 3]);
        assert_eq!(built.weights.len(), 4 * 3 + 3 * 2 + 2);
        let last = net.clone().dropout(0.5).build().unwrap();
        assert!(matches!(last.layers(), Err(Error::NotAChain(_))));
        let all = net.dropout(1.0).build().unwrap_err().to_string();
        assert!(all.contains("p = 1: 0 up to but not"), "{all}");
    }

    #[test]
    fn spikes_that_are_not_binary_are_refused() {
        let mut params = lif(2.0);
        params.surrogate = Surrogate::MultiLevelSpikeCount {
            max_spike_count: 3,
            grad_min: None,
            grad_max: None,
        };
        let problem = params.problem(&Shape::flat(1)).unwrap();
        assert!(problem.contains("not 0 or 1"), "{problem}");
    }

    #[test]
    fn per_channel_parameters_go_by_channel() {
        let p = Param::PerChannel(vec![1.0, 2.0]);
        let shape = Shape::Image([2, 2, 3]);
        assert_eq!(p.at(5, &shape), 1.0);
        assert_eq!(p.at(6, &shape), 2.0);
    }
}
