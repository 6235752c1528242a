//! The checked reader: any byte string at all gives a [`Model`] or a typed error.

use super::check;
use super::format::{
    CERTIFICATE_BYTES, CRC_OFFSET, NODE_BYTES, Node, NodeRecord, Number, section, u16_at, u32_at,
};
use super::layer::{Layer, Records};
use super::sections::{Body, check_header, invalid, optional, required};
use crate::error::Error;

/// A model file that passed every check, borrowed where it lies.
#[derive(Clone, Copy, Debug)]
pub struct Model<'m> {
    bytes: &'m [u8],
    pub(super) nodes: Body<'m>,
    pub(super) weights: Body<'m>,
    certificates: &'m [u8],
    pub(super) golden: Option<Body<'m>>,
    readout_scale: f32,
    name: &'m str,
}

/// A signature as it lies in a file. **Nothing here verifies it.**
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Signature<'m> {
    /// Whatever number the parties agreed on for their algorithm.
    pub algorithm: u32,
    /// The signature.
    pub bytes: &'m [u8],
    /// The bytes that it is over: from the start of the file to the header of its section. Those of the file's
    /// length and CRC-32 (12 to 19) count as 0.
    pub covers: usize,
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
        let name = text(optional(bytes, section::NAME)?, "name of the model (UTF-8)")?;
        let ram = optional(bytes, section::RAM)?;
        let certificates = optional(bytes, section::CERTIFICATES)?;
        let readout = optional(bytes, section::READOUT)?;
        let golden = optional(bytes, section::GOLDEN_TRACE)?;
        check::reserved(bytes)?;
        let model = Self {
            bytes,
            nodes,
            weights,
            certificates: certificates.map_or(&[], |body| body.bytes),
            golden,
            readout_scale: check::readout_scale(readout)?,
            name: name.unwrap_or(""),
        };
        model.check_nodes()?;
        model.check_edges(edges)?;
        if let Some(golden) = golden {
            model.check_golden(golden)?;
        }
        match ram {
            Some(ram) if ram.bytes.len() != 4 => Err(invalid(ram.offset, "length of the RAM need")),
            Some(ram) if (ram.u32(0) as usize) < model.ram_bytes() => {
                Err(invalid(ram.offset, "RAM need: less than the network's"))
            }
            _ => Ok(model),
        }
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

    /// Number format of the input: `I8`, `F32` or `Bits` for spikes.
    #[must_use]
    pub fn number(&self) -> Number {
        match self.input() {
            Some(Node::Input { number, .. }) => number,
            _ => Number::I8,
        }
    }

    /// Time steps that a sample is shown for.
    #[must_use]
    pub fn steps(&self) -> u32 {
        match self.input() {
            Some(Node::Input { steps, .. }) => steps,
            _ => 0,
        }
    }

    /// Number of inputs.
    #[must_use]
    pub fn n_in(&self) -> usize {
        match self.input() {
            Some(Node::Input { n, .. }) => n as usize,
            _ => 0,
        }
    }

    /// Node 0, which was checked.
    fn input(&self) -> Option<Node> {
        Node::decode(self.nodes.bytes.first_chunk()?)
    }

    /// Number of output neurons.
    #[must_use]
    pub fn n_out(&self) -> usize {
        match self.n_layers().checked_sub(1).and_then(|l| self.layer(l)) {
            Some(layer) => layer.n_out,
            None => 0,
        }
    }

    /// What one unit of a membrane of the last layer stands for; 1 where the file does not say.
    #[must_use]
    pub const fn readout_scale(&self) -> f32 {
        self.readout_scale
    }

    /// Layer `l`, none past the end.
    #[must_use]
    pub fn layer(&self, l: usize) -> Option<Layer<'m>> {
        let records = self.layer_records().get(l)?;
        Layer::decode(self.bytes, records, self.max_sum(l))
    }

    /// All layers, from the input on.
    pub fn layers(&self) -> impl Iterator<Item = Layer<'m>> + use<'m> {
        let (model, records) = (*self, self.layer_records());
        let layers = records.iter().enumerate();
        layers.map_while(move |(l, r)| Layer::decode(model.bytes, r, model.max_sum(l)))
    }

    /// The records behind that of the input, those of a layer together.
    fn layer_records(&self) -> &'m [Records] {
        let behind = self.nodes.bytes.get(NODE_BYTES..).unwrap_or(&[]);
        behind.as_chunks().0
    }

    /// The overflow certificates in the file: a synapse node, and the largest |sum + bias| that any input
    /// can produce in it.
    pub fn certificates(&self) -> impl Iterator<Item = (usize, u32)> + 'm {
        let records = self.certificates.as_chunks::<CERTIFICATE_BYTES>().0;
        records.iter().map(certificate)
    }

    /// The largest |sum + bias| of layer `l`, as certified; the largest number where certificate `l` is not its.
    fn max_sum(&self, l: usize) -> u32 {
        let records = self.certificates.as_chunks::<CERTIFICATE_BYTES>().0;
        match records.get(l).map(certificate) {
            Some((node, max_sum)) if node == 2 * l + 1 => max_sum,
            _ => u32::MAX,
        }
    }

    /// The signature, if there is one. It is not verified.
    #[must_use]
    pub fn signature(&self) -> Option<Signature<'m>> {
        let body = self.section(section::SIGNATURE)?;
        Some(Signature {
            algorithm: body.u32(0),
            bytes: body.bytes.get(4..)?,
            covers: body
                .offset
                .checked_sub(super::format::SECTION_HEADER_BYTES)?,
        })
    }

    /// The counter against older models, if there is one. Nothing compares it.
    #[must_use]
    pub fn rollback(&self) -> Option<u32> {
        self.section(section::ROLLBACK).map(|body| body.u32(0))
    }

    /// The target that the file was made for, if it says so. Nothing compares it.
    #[must_use]
    pub fn target(&self) -> Option<&'m str> {
        core::str::from_utf8(self.section(section::TARGET)?.bytes).ok()
    }

    fn section(&self, kind: u16) -> Option<Body<'m>> {
        optional(self.bytes, kind).ok().flatten()
    }

    pub(super) fn read_node(&self, i: usize) -> Option<Result<NodeRecord, Error>> {
        let at = i.checked_mul(NODE_BYTES)?;
        let bytes = self.nodes.bytes.get(at..)?;
        if bytes.is_empty() {
            return None;
        }
        Some(NodeRecord::from_bytes(bytes, self.node_offset(i)))
    }

    pub(super) const fn node_offset(&self, i: usize) -> usize {
        self.nodes
            .offset
            .saturating_add(i.saturating_mul(NODE_BYTES))
    }
}

fn certificate(record: &[u8; CERTIFICATE_BYTES]) -> (usize, u32) {
    let field = |at| u32_at(record, at).unwrap_or(0);
    (field(0) as usize, field(4))
}

/// The text in `body`.
pub(super) fn text<'m>(
    body: Option<Body<'m>>,
    what: &'static str,
) -> Result<Option<&'m str>, Error> {
    body.map(|body| core::str::from_utf8(body.bytes).map_err(|_| invalid(body.offset, what)))
        .transpose()
}
