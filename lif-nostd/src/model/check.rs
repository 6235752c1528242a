//! What the reader checks of nodes, edges and sections (`docs/format.md`, section 10).

use super::format::{
    ALIGN, EDGE_BYTES, GOLDEN_HEADER_BYTES, NODE_BYTES, NeuronKind, Neurons, Node, NodeRecord,
    Number, Param, section, u16_at,
};
use super::layer::padded;
use super::population::{ParamRef, Value};
use super::reader::{Model, text};
use super::record::{FIRST_PULL, LEAK, V_LEAK, V_RESET, V_THRESHOLD};
use super::sections::{Body, invalid, optional, unsupported};
use crate::error::Error;
use crate::spikes::words_for;

/// The sizes of a layer that was checked, and whether it is f32.
struct Checked {
    is_f32: bool,
    n_in: usize,
    n_out: usize,
}

impl Model<'_> {
    fn node_or_error(&self, i: usize) -> Result<NodeRecord, Error> {
        self.read_node(i).unwrap_or(Err(Error::Truncated {
            offset: self.node_offset(i),
            need: NODE_BYTES,
            got: 0,
        }))
    }

    /// Checks the layer of the synapse node `at` and the neuron node behind it.
    fn check_layer(&self, at: usize) -> Result<Checked, Error> {
        let (synapse_at, neuron_at) = (self.node_offset(at), self.node_offset(at + 1));
        let Node::Linear {
            number,
            n_in,
            n_out,
            weights,
            bias,
            shift,
        } = self.node_or_error(at)?.node
        else {
            return Err(unsupported(
                synapse_at,
                "a network in which a synapse node does not stand here",
            ));
        };
        let neurons = self.node_or_error(at + 1)?.node;
        let (n_in, n_out) = (n_in as usize, n_out as usize);
        if n_in == 0 || n_in > 65535 {
            return Err(invalid(synapse_at + 20, "number of inputs (1 to 65535)"));
        }
        let Node::Neurons(neurons) = neurons else {
            return Err(unsupported(neuron_at, "this kind of neuron"));
        };
        if neurons.n as usize != n_out {
            return Err(invalid(
                neuron_at + 8,
                "size: the neurons are not as many as the synapses' outputs",
            ));
        }
        let weight_bytes = match number {
            Number::I8 => 1,
            Number::I16 => 2,
            Number::F32 => 4,
            _ => return Err(unsupported(synapse_at + 1, "this number format of weights")),
        };
        let is_f32 = number == Number::F32;
        let largest_shift = match neurons.number {
            Number::I16 if !is_f32 => 15,
            Number::I32 if !is_f32 => 31,
            Number::F32 if is_f32 => i8::MAX,
            _ => {
                return Err(unsupported(
                    neuron_at + 1,
                    "this number format of membranes",
                ));
            }
        };
        if !is_f32 && !(-31..=largest_shift).contains(&shift) {
            return Err(invalid(
                synapse_at + 3,
                "shift (-31 to 15, 31 for i32 membranes)",
            ));
        }
        let padded = padded(n_out);
        let count = padded.saturating_mul(n_in);
        self.check_data(weights, count.saturating_mul(weight_bytes), synapse_at + 24)?;
        self.check_data(bias, padded.saturating_mul(4), synapse_at + 28)?;
        self.check_neurons(&neurons, neuron_at)?;
        if neurons.kind == NeuronKind::NonSpikingLif && at + 2 < self.n_nodes() {
            return Err(unsupported(
                neuron_at,
                "a layer behind neurons that do not spike",
            ));
        }
        Ok(Checked {
            is_f32,
            n_in,
            n_out,
        })
    }

    /// Checks that `len` bytes at file offset `start`, which is itself read at `field`, are weights.
    fn check_data(&self, start: u32, len: usize, field: usize) -> Result<(), Error> {
        let start = start as usize;
        if !start.is_multiple_of(ALIGN) {
            return Err(invalid(field, "offset of weights: not a multiple of 16"));
        }
        match start
            .checked_sub(self.weights.offset)
            .and_then(|from| self.weights.bytes.get(from..)?.get(..len))
        {
            Some(_) => Ok(()),
            None => Err(invalid(field, "offset of weights: outside their section")),
        }
    }

    /// Checks the parameters of the neuron node `node`, whose record is at `offset`.
    fn check_neurons(&self, node: &Neurons, offset: usize) -> Result<(), Error> {
        let reads_out = node.kind == NeuronKind::NonSpikingLif;
        let is_f32 = node.number == Number::F32;
        if !is_f32 && (node.decay_input || node.v_leak != Param::None) {
            return Err(unsupported(
                offset + 4,
                "an integer neuron whose input factor or leak potential is not folded",
            ));
        }
        match (is_f32, node.kind) {
            (false, _) => self.check_param(
                node,
                node.leak,
                offset + LEAK,
                "leak factor (0 to 65536)",
                |a: u32| a <= 65536,
            )?,
            (true, NeuronKind::Lif) => self.check_param(
                node,
                node.leak,
                offset + LEAK,
                "tau (above 0)",
                |tau: f32| tau.is_finite() && tau > 0.0,
            )?,
            (true, _) => {
                self.check_param(node, node.leak, offset + LEAK, "tau (not 0)", |tau: f32| {
                    tau.is_finite() && tau != 0.0
                })?
            }
        }
        let absent = |p: Param, at, what| match p {
            Param::None => Ok(()),
            _ => Err(invalid(offset + at, what)),
        };
        if reads_out {
            absent(
                node.v_threshold,
                V_THRESHOLD,
                "threshold of a neuron that does not spike",
            )?;
            absent(
                node.v_reset,
                V_RESET,
                "reset potential of a neuron that does not spike",
            )?;
        } else {
            self.check_state(node, node.v_threshold, offset + V_THRESHOLD, "threshold")?;
            if node.v_reset != Param::None || node.kind == NeuronKind::SimpleLif {
                self.check_state(node, node.v_reset, offset + V_RESET, "reset potential")?;
            }
        }
        if is_f32 && !reads_out {
            self.check_state(node, node.v_leak, offset + V_LEAK, "leak potential")?;
        } else {
            absent(node.v_leak, V_LEAK, "leak potential of such a neuron")?;
        }
        if is_f32 && node.kind == NeuronKind::SimpleLif && !node.decay_input {
            self.check_state(node, node.first_pull, offset + FIRST_PULL, "first pull")
        } else {
            absent(node.first_pull, FIRST_PULL, "first pull of such a neuron")
        }
    }

    /// Checks a parameter in the number format of the membranes: f32 must be finite.
    fn check_state(
        &self,
        node: &Neurons,
        p: Param,
        at: usize,
        what: &'static str,
    ) -> Result<(), Error> {
        match node.number {
            Number::I16 => self.check_param(node, p, at, what, |_: i16| true),
            Number::I32 => self.check_param(node, p, at, what, |_: i32| true),
            _ => self.check_param(node, p, at, what, f32::is_finite),
        }
    }

    /// Checks that the parameter `p` of `node`, whose tag is at `at`, is there, and `holds` of each value.
    fn check_param<T: Value>(
        &self,
        node: &Neurons,
        p: Param,
        at: usize,
        what: &'static str,
        holds: impl Fn(T) -> bool,
    ) -> Result<(), Error> {
        let n = node.n as usize;
        if let Param::PerNeuron(start) = p {
            let len = padded(n).saturating_mul(size_of::<T>());
            self.check_data(start, len, at + 4)?;
        }
        match ParamRef::decode(self.bytes(), p, n) {
            Some(values) if values.all(n, holds) => Ok(()),
            _ => Err(invalid(at, what)),
        }
    }

    /// Node 0 is the input, then synapses and neurons take turns, each as wide as the one before expects.
    pub(super) fn check_nodes(&self) -> Result<(), Error> {
        let at = self.nodes.offset;
        if !self.nodes.bytes.len().is_multiple_of(NODE_BYTES) {
            return Err(invalid(at, "length of the node section"));
        }
        let n_nodes = self.n_nodes();
        if n_nodes < 3 || n_nodes.is_multiple_of(2) || n_nodes > 65535 {
            return Err(unsupported(
                at,
                "a network that is not an input and pairs of synapses and neurons",
            ));
        }
        let (number, n) = self.check_input_node()?;
        let mut width = n;
        let mut is_f32 = match number {
            Number::I8 => Some(false),
            Number::F32 => Some(true),
            _ => None,
        };
        for at in (1..n_nodes).step_by(2) {
            let layer = self.check_layer(at)?;
            let offset = self.node_offset(at);
            if *is_f32.get_or_insert(layer.is_f32) != layer.is_f32 {
                return Err(unsupported(offset + 1, "a network of mixed number formats"));
            }
            if layer.n_in != width {
                return Err(invalid(
                    offset + 20,
                    "number of inputs: not as many as the node before has",
                ));
            }
            width = layer.n_out;
        }
        Ok(())
    }

    /// Number format and size of node 0.
    fn check_input_node(&self) -> Result<(Number, usize), Error> {
        let at = self.nodes.offset;
        let Node::Input {
            number,
            n,
            full_scale,
            step,
            steps,
        } = self.node_or_error(0)?.node
        else {
            return Err(unsupported(
                at,
                "a network whose first node is not an input",
            ));
        };
        if !matches!(number, Number::I8 | Number::F32 | Number::Bits) {
            return Err(unsupported(at + 1, "this number format of inputs"));
        }
        if steps == 0 || steps > 65535 {
            return Err(invalid(at + 28, "number of time steps (1 to 65535)"));
        }
        if number != Number::Bits {
            check_scale(full_scale, at + 20, "full scale of the input")?;
        }
        if number == Number::I8 {
            check_scale(step, at + 24, "step of the input")?;
        }
        Ok((number, n as usize))
    }

    /// The edges are those of a chain without delays.
    pub(super) fn check_edges(&self, edges: Body<'_>) -> Result<(), Error> {
        let (records, rest) = edges.bytes.as_chunks::<EDGE_BYTES>();
        if !rest.is_empty() {
            return Err(invalid(edges.offset, "length of the edge section"));
        }
        if records.len() != self.n_nodes() - 1 {
            return Err(unsupported(edges.offset, "a network that is not a chain"));
        }
        for (i, record) in records.iter().enumerate() {
            let offset = edges.offset + i * EDGE_BYTES;
            let field = |at| u16_at(record, at).map_or(0, usize::from);
            let (from, to, delay) = (field(0), field(2), field(4));
            if from >= self.n_nodes() || to >= self.n_nodes() {
                return Err(invalid(offset, "edge: there is no such node"));
            }
            if field(6) != 0 {
                return Err(invalid(offset + 6, "reserved bytes of an edge"));
            }
            if (from, to) != (i, i + 1) {
                return Err(unsupported(offset, "a network that is not a chain"));
            }
            if delay != 0 {
                return Err(unsupported(offset + 4, "an edge with a delay"));
            }
        }
        Ok(())
    }

    /// The golden trace has an input of the network's number format and of the length that its steps need.
    pub(super) fn check_golden(&self, golden: Body<'_>) -> Result<(), Error> {
        let at = golden.offset;
        if golden.bytes.len() < GOLDEN_HEADER_BYTES {
            return Err(invalid(at, "length of the golden trace"));
        }
        if golden.u32(0) != u32::from(self.number() as u8) {
            return Err(invalid(at, "number format of the golden trace's input"));
        }
        let steps = golden.u32(4);
        if steps == 0 || steps > 65535 {
            return Err(invalid(at + 4, "steps of the golden trace (1 to 65535)"));
        }
        let n = self.n_in();
        let need = match self.number() {
            Number::Bits => words_for(n)
                .saturating_mul(4)
                .saturating_mul(steps as usize),
            Number::F32 => n.saturating_mul(4),
            _ => n,
        };
        if golden.bytes.len() - GOLDEN_HEADER_BYTES != need {
            return Err(invalid(at, "length of the golden trace"));
        }
        Ok(())
    }
}

fn check_scale(x: f32, offset: usize, what: &'static str) -> Result<(), Error> {
    if x.is_finite() && x > 0.0 {
        Ok(())
    } else {
        Err(invalid(offset, what))
    }
}

/// The scale in the READOUT section `body`; 1 where there is none.
pub(super) fn readout_scale(body: Option<Body<'_>>) -> Result<f32, Error> {
    let Some(body) = body else { return Ok(1.0) };
    if body.bytes.len() != 4 {
        return Err(invalid(body.offset, "length of the readout section"));
    }
    let scale = f32::from_bits(body.u32(0));
    check_scale(scale, body.offset, "scale of the readout")?;
    Ok(scale)
}

/// The sections that are read, but neither verified nor compared: each at most once, and whole.
pub(super) fn reserved(bytes: &[u8]) -> Result<(), Error> {
    if let Some(body) = optional(bytes, section::SIGNATURE)?
        && body.bytes.len() < 4
    {
        return Err(invalid(body.offset, "length of the signature"));
    }
    if let Some(body) = optional(bytes, section::ROLLBACK)?
        && body.bytes.len() != 4
    {
        return Err(invalid(body.offset, "length of the rollback counter"));
    }
    text(optional(bytes, section::TARGET)?, "target (UTF-8)")?;
    Ok(())
}
