//! Builds a chain.

use lif_nostd::neuron::Decode;

use super::{Edge, Error, LifParams, Net, Node, NodeKind, NonSpikingLifParams, Param, Shape};

/// Builds a chain, node by node.
#[derive(Clone, Debug)]
pub struct Sequential {
    net: Net,
}

impl Sequential {
    /// A chain of an input of kind `input` alone.
    pub(super) fn new(name: &str, steps: u32, n: usize, input: NodeKind) -> Self {
        let node = Node {
            name: "input".into(),
            shape: Shape::flat(n),
            kind: input,
        };
        Self {
            net: Net {
                name: name.into(),
                steps,
                nodes: vec![node],
                edges: Vec::new(),
                weights: Vec::new(),
            },
        }
    }

    /// Appends fully connected synapses with bias to `n_out` outputs.
    #[must_use]
    pub fn linear(self, n_out: usize) -> Self {
        self.synapses(n_out, n_out)
    }

    /// Appends fully connected synapses without bias to `n_out` outputs.
    #[must_use]
    pub fn linear_without_bias(self, n_out: usize) -> Self {
        self.synapses(n_out, 0)
    }

    /// Appends dropout: in training, each output of the node before is left out with probability `p`.
    #[must_use]
    pub fn dropout(self, p: f32) -> Self {
        let shape = self.shape();
        self.push("dropout", shape, NodeKind::Dropout { p })
    }

    /// Appends a change of the shape to `[N]`.
    #[must_use]
    pub fn flatten(self) -> Self {
        let shape = Shape::flat(self.net.n_out());
        self.push("flatten", shape, NodeKind::Flatten)
    }

    /// Shape of the last node.
    fn shape(&self) -> Shape {
        self.net.nodes.last().map_or(Shape::flat(0), |n| n.shape)
    }

    fn synapses(mut self, n_out: usize, biases: usize) -> Self {
        let n_in = self.net.n_out();
        let start = self.net.weights.len();
        let weight = start..start + n_in * n_out;
        let bias = weight.end..weight.end + biases;
        self.net.weights.resize(bias.end, 0.0);
        self.push(
            "linear",
            Shape::flat(n_out),
            NodeKind::Linear { weight, bias },
        )
    }

    /// Appends leaky integrate-and-fire neurons.
    #[must_use]
    pub fn lif(self, params: LifParams) -> Self {
        let shape = Shape::flat(self.net.n_out());
        self.push("lif", shape, NodeKind::Lif(params))
    }

    /// Appends SpikingJelly's SimpleLIF neurons.
    #[must_use]
    pub fn simple_lif(self, params: LifParams) -> Self {
        let shape = Shape::flat(self.net.n_out());
        self.push("simple_lif", shape, NodeKind::SimpleLif(params))
    }

    /// Appends neurons that never spike, of time constant `tau` in steps; `decode` says what is read out of their
    /// membranes. They can only come last.
    #[must_use]
    pub fn non_spiking_lif(self, tau: Param, decode: Decode) -> Self {
        let shape = Shape::flat(self.net.n_out());
        let params = NonSpikingLifParams { tau, decode };
        self.push("non_spiking_lif", shape, NodeKind::NonSpikingLif(params))
    }

    fn push(mut self, prefix: &str, shape: Shape, kind: NodeKind) -> Self {
        let same = |n: &&Node| n.name.starts_with(prefix);
        let number = self.net.nodes.iter().filter(same).count() + 1;
        let to = self.net.nodes.len();
        self.net.nodes.push(Node {
            name: format!("{prefix}{number}"),
            shape,
            kind,
        });
        self.net.edges.push(Edge {
            from: to - 1,
            to,
            delay: 0,
        });
        self
    }

    /// The finished network, its weights zero.
    ///
    /// # Errors
    ///
    /// Those of [`Net::check`].
    pub fn build(self) -> Result<Net, Error> {
        self.net.check()?;
        Ok(self.net)
    }
}
