//! The checked reader: any byte string at all gives a [`Model`] or a typed error.

use crate::error::Error;
use crate::model::format::{
    ALIGN, CERTIFICATE_BYTES, CRC_OFFSET, EDGE_BYTES, HEADER_BYTES, MAGIC, MAJOR, NODE_BYTES, Node,
    NodeRecord, Number, Param, REQUIRED, SECTION_HEADER_BYTES, align_up, file_crc, section, u16_at,
    u32_at,
};
use crate::model::layer::{Layer, Records, padded};

/// A section's body, with its place in the file.
#[derive(Clone, Copy, Debug)]
struct Body<'m> {
    offset: usize,
    bytes: &'m [u8],
}

/// A model file that passed every check, borrowed where it lies.
#[derive(Clone, Copy, Debug)]
pub struct Model<'m> {
    bytes: &'m [u8],
    nodes: Body<'m>,
    weights: Body<'m>,
    name: &'m str,
}

impl<'m> Model<'m> {
    /// Checks the file in `bytes`, which must start at a multiple of 16.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the file first, with the offset: see [`Error`].
    pub fn read(bytes: &'m [u8]) -> Result<Self, Error> {
        check_header(bytes)?;
        let nodes = required(bytes, section::NODES)?;
        let edges = required(bytes, section::EDGES)?;
        let weights = required(bytes, section::WEIGHTS)?;
        let name = optional(bytes, section::NAME)?;
        for kind in [section::RAM, section::CERTIFICATES] {
            optional(bytes, kind)?;
        }
        let model = Self {
            bytes,
            nodes,
            weights,
            name: match name {
                None => "",
                Some(body) => core::str::from_utf8(body.bytes).map_err(|_| Error::Invalid {
                    offset: body.offset,
                    what: "name of the model (UTF-8)",
                })?,
            },
        };
        model.check_nodes()?;
        model.check_edges(edges)?;
        Ok(model)
    }

    /// Name of the model, empty if it has none.
    #[must_use]
    pub const fn name(&self) -> &'m str {
        self.name
    }

    /// The whole file.
    #[must_use]
    pub const fn bytes(&self) -> &'m [u8] {
        self.bytes
    }

    /// CRC-32 of the file, as in its header.
    #[must_use]
    pub fn crc(&self) -> u32 {
        u32_at(self.bytes, CRC_OFFSET).unwrap_or(0)
    }

    /// Minor version of the file.
    #[must_use]
    pub fn minor(&self) -> u16 {
        u16_at(self.bytes, 10).unwrap_or(0)
    }

    /// Number of nodes: the input and two a layer.
    #[must_use]
    pub const fn n_nodes(&self) -> usize {
        self.nodes.bytes.len() / NODE_BYTES
    }

    /// Number of layers.
    #[must_use]
    pub fn n_layers(&self) -> usize {
        self.layer_records().len()
    }

    /// Node `i`, none past the end. Node 0 is the input; layer `l` is nodes `2 l + 1` and `2 l + 2`.
    #[must_use]
    pub fn node(&self, i: usize) -> Option<NodeRecord> {
        self.read_node(i)?.ok()
    }

    /// Number format of the input and of the network: `I8` (with i16 membranes) or `F32`.
    #[must_use]
    pub fn number(&self) -> Number {
        match self.node(0).map(|r| r.node) {
            Some(Node::Input { number, .. }) => number,
            _ => Number::I8,
        }
    }

    /// Time steps that a sample is shown for.
    #[must_use]
    pub fn steps(&self) -> u32 {
        match self.node(0).map(|r| r.node) {
            Some(Node::Input { steps, .. }) => steps,
            _ => 0,
        }
    }

    /// Number of input values.
    #[must_use]
    pub fn n_in(&self) -> usize {
        self.layer(0).map_or(0, |l| l.n_in)
    }

    /// Number of output neurons.
    #[must_use]
    pub fn n_out(&self) -> usize {
        match self.n_layers().checked_sub(1).and_then(|l| self.layer(l)) {
            Some(layer) => layer.n_out,
            None => 0,
        }
    }

    /// Layer `l`, none past the end.
    #[must_use]
    pub fn layer(&self, l: usize) -> Option<Layer<'m>> {
        let records = self.layer_records().get(l)?;
        Layer::decode(self.bytes, records)
    }

    /// All layers, from the input on.
    pub fn layers(&self) -> impl Iterator<Item = Layer<'m>> + use<'m> {
        let (bytes, records) = (self.bytes, self.layer_records());
        records.iter().map_while(|r| Layer::decode(bytes, r))
    }

    /// The records behind that of the input, those of a layer together.
    fn layer_records(&self) -> &'m [Records] {
        let behind = self.nodes.bytes.get(NODE_BYTES..).unwrap_or(&[]);
        behind.as_chunks().0
    }

    /// The overflow certificates in the file: a synapse node, and the largest |sum + bias| that any input
    /// can produce in it.
    pub fn certificates(&self) -> impl Iterator<Item = (usize, u32)> + 'm {
        let body = optional(self.bytes, section::CERTIFICATES);
        let bytes = body.ok().flatten().map_or(&[][..], |b| b.bytes);
        bytes
            .as_chunks::<CERTIFICATE_BYTES>()
            .0
            .iter()
            .map(|record| {
                let field = |at| u32_at(record, at).unwrap_or(0);
                (field(0) as usize, field(4))
            })
    }

    fn read_node(&self, i: usize) -> Option<Result<NodeRecord, Error>> {
        let at = i.checked_mul(NODE_BYTES)?;
        let bytes = self.nodes.bytes.get(at..)?;
        if bytes.is_empty() {
            return None;
        }
        Some(NodeRecord::from_bytes(bytes, self.node_offset(i)))
    }

    const fn node_offset(&self, i: usize) -> usize {
        self.nodes
            .offset
            .saturating_add(i.saturating_mul(NODE_BYTES))
    }

    fn node_or_error(&self, i: usize) -> Result<NodeRecord, Error> {
        self.read_node(i).unwrap_or(Err(Error::Truncated {
            offset: self.node_offset(i),
            need: NODE_BYTES,
            got: 0,
        }))
    }

    /// Checks the layer of the synapse node `at` and the neuron node behind it: the number format, the inputs
    /// and the outputs.
    fn check_layer(&self, at: usize) -> Result<(Number, usize, usize), Error> {
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
        let lif = self.node_or_error(at + 1)?.node;
        let (n_in, n_out) = (n_in as usize, n_out as usize);
        if n_in == 0 || n_in > 65535 {
            return Err(invalid(synapse_at + 20, "number of inputs (1 to 65535)"));
        }
        let Node::Lif { n, .. } = lif else {
            return Err(unsupported(neuron_at, "this kind of neuron"));
        };
        if n as usize != n_out {
            return Err(invalid(
                neuron_at + 8,
                "size: the neurons are not as many as the synapses' outputs",
            ));
        }
        let weight_bytes = match number {
            Number::I8 if !(-31..=15).contains(&shift) => {
                return Err(invalid(synapse_at + 3, "shift (-31 to 15)"));
            }
            Number::I8 => 1,
            Number::F32 => 4,
            _ => return Err(unsupported(synapse_at + 1, "this number format of weights")),
        };
        let padded = padded(n_out);
        let count = padded.saturating_mul(n_in);
        self.check_data(weights, count.saturating_mul(weight_bytes), synapse_at + 24)?;
        self.check_data(bias, padded.saturating_mul(4), synapse_at + 28)?;
        match number {
            Number::I8 => check_lif_i16(lif, neuron_at)?,
            _ => check_lif_f32(lif, neuron_at)?,
        }
        Ok((number, n_in, n_out))
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

    /// Node 0 is the input, then synapses and neurons take turns, each as wide as the one before expects.
    fn check_nodes(&self) -> Result<(), Error> {
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
        let (number, n) = match self.node_or_error(0)?.node {
            Node::Input {
                number: number @ (Number::I8 | Number::F32),
                n,
                full_scale,
                step,
                steps,
            } => {
                if steps == 0 || steps > 65535 {
                    return Err(invalid(at + 28, "number of time steps (1 to 65535)"));
                }
                check_scale(full_scale, at + 20, "full scale of the input")?;
                if number == Number::I8 {
                    check_scale(step, at + 24, "step of the input")?;
                }
                (number, n)
            }
            Node::Input { .. } => return Err(unsupported(at + 1, "this number format of inputs")),
            _ => {
                return Err(unsupported(
                    at,
                    "a network whose first node is not an input",
                ));
            }
        };
        let mut width = n as usize;
        for at in (1..n_nodes).step_by(2) {
            let (layer_number, n_in, n_out) = self.check_layer(at)?;
            let offset = self.node_offset(at);
            if layer_number != number {
                return Err(unsupported(offset + 1, "a network of mixed number formats"));
            }
            if n_in != width {
                return Err(invalid(
                    offset + 20,
                    "number of inputs: not as many as the node before has",
                ));
            }
            width = n_out;
        }
        Ok(())
    }

    /// The edges are those of a chain without delays.
    fn check_edges(&self, edges: Body<'m>) -> Result<(), Error> {
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
}

const fn invalid(offset: usize, what: &'static str) -> Error {
    Error::Invalid { offset, what }
}

const fn unsupported(offset: usize, what: &'static str) -> Error {
    Error::Unsupported { offset, what }
}

fn check_scale(x: f32, offset: usize, what: &'static str) -> Result<(), Error> {
    if x.is_finite() && x > 0.0 {
        Ok(())
    } else {
        Err(invalid(offset, what))
    }
}

/// Magic, room for a header, address, version, length and checksum, in this order.
fn check_header(bytes: &[u8]) -> Result<(), Error> {
    let magic = bytes.get(..MAGIC.len()).unwrap_or(bytes);
    if magic.is_empty() || !MAGIC.starts_with(magic) {
        return Err(Error::NotLif);
    }
    if bytes.len() < HEADER_BYTES {
        return Err(Error::Truncated {
            offset: 0,
            need: HEADER_BYTES,
            got: bytes.len(),
        });
    }
    let off_by = bytes.as_ptr().addr() % ALIGN;
    if off_by != 0 {
        return Err(Error::Misaligned {
            need: ALIGN,
            off_by,
        });
    }
    let found = u16_at(bytes, 8).unwrap_or(0);
    if found != MAJOR {
        return Err(Error::Version {
            found,
            supported: MAJOR,
        });
    }
    let stated = u32_at(bytes, 12).unwrap_or(0);
    if stated as usize != bytes.len() {
        return Err(Error::Length {
            stated,
            got: bytes.len(),
        });
    }
    let stated = u32_at(bytes, CRC_OFFSET).unwrap_or(0);
    let computed = file_crc(bytes);
    if stated != computed {
        return Err(Error::Crc { stated, computed });
    }
    Ok(())
}

/// The one section of kind `kind`, which must be there.
fn required(bytes: &[u8], kind: u16) -> Result<Body<'_>, Error> {
    optional(bytes, kind)?.ok_or(Error::SectionCount { kind, found: 0 })
}

/// The section of kind `kind`, if there is one. Walks all sections and checks each on the way.
fn optional(bytes: &[u8], kind: u16) -> Result<Option<Body<'_>>, Error> {
    let mut found = None;
    let mut count = 0u32;
    let mut at = HEADER_BYTES;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or(&[]);
        let truncated = |need| Error::Truncated {
            offset: at,
            need,
            got: rest.len(),
        };
        let (Some(this), Some(flags), Some(length)) =
            (u16_at(rest, 0), u16_at(rest, 2), u32_at(rest, 4))
        else {
            return Err(truncated(SECTION_HEADER_BYTES));
        };
        let whole = SECTION_HEADER_BYTES.saturating_add(align_up(length as usize));
        let body = rest
            .get(SECTION_HEADER_BYTES..whole)
            .and_then(|b| b.get(..length as usize))
            .ok_or(truncated(whole))?;
        if !(section::NAME..=section::CERTIFICATES).contains(&this) && flags & REQUIRED != 0 {
            return Err(Error::UnknownSection {
                kind: this,
                offset: at,
            });
        }
        if this == kind {
            count += 1;
            found = Some(Body {
                offset: at + SECTION_HEADER_BYTES,
                bytes: body,
            });
        }
        at = at.saturating_add(whole);
    }
    if count > 1 {
        return Err(Error::SectionCount { kind, found: count });
    }
    Ok(found)
}

fn check_lif_i16(node: Node, offset: usize) -> Result<(), Error> {
    let Node::Lif {
        number,
        decay_input,
        leak,
        v_threshold,
        v_reset,
        v_leak,
        ..
    } = node
    else {
        return Err(unsupported(offset, "this kind of neuron"));
    };
    if number != Number::I16 {
        return Err(unsupported(offset + 1, "this number format of membranes"));
    }
    if decay_input || v_leak != Param::None {
        return Err(unsupported(
            offset + 4,
            "an integer neuron whose input factor or leak potential is not folded",
        ));
    }
    if !matches!(leak, Param::Scalar(0..=65536)) {
        return Err(invalid(offset + 20, "leak factor (0 to 65536)"));
    }
    let fits = |p: Param| p.bits().is_some_and(|b| i16::try_from(b as i32).is_ok());
    if !fits(v_threshold) {
        return Err(invalid(offset + 28, "threshold (16 bits)"));
    }
    if v_reset != Param::None && !fits(v_reset) {
        return Err(invalid(offset + 36, "reset potential (16 bits)"));
    }
    Ok(())
}

fn check_lif_f32(node: Node, offset: usize) -> Result<(), Error> {
    let Node::Lif {
        number,
        leak,
        v_threshold,
        v_reset,
        v_leak,
        ..
    } = node
    else {
        return Err(unsupported(offset, "this kind of neuron"));
    };
    if number != Number::F32 {
        return Err(unsupported(offset + 1, "this number format of membranes"));
    }
    let finite = |p: Param, at, what| match p.bits().map(f32::from_bits) {
        Some(x) if x.is_finite() => Ok(x),
        _ => Err(invalid(offset + at, what)),
    };
    if finite(leak, 20, "tau")? <= 0.0 {
        return Err(invalid(offset + 20, "tau (above 0)"));
    }
    finite(v_leak, 44, "leak potential")?;
    finite(v_threshold, 28, "threshold")?;
    if v_reset != Param::None {
        finite(v_reset, 36, "reset potential")?;
    }
    Ok(())
}
