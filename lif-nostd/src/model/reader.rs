//! The checked reader: any byte string at all gives a [`Model`] or a typed error.

use super::arena::Layout;
use super::check::{MOST, check};
use super::format::{
    CRC_OFFSET, EDGE_BYTES, NODE_BYTES, NodeRecord, Number, SECTION_HEADER_BYTES, section,
};
use super::layer::Layer;
use super::sections::{Body, Sections, check_header, find};
use super::view::{Graph, word};
use crate::error::{Error, What};

/// A model file that passed every check, borrowed where it lies.
#[derive(Clone, Copy, Debug)]
pub struct Model<'m> {
    pub(super) graph: Graph<'m>,
    pub(super) layout: Layout,
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
        // What is behind the last whole word cannot be padding to a multiple of 16: the walk refuses it.
        let words = bytes.get(..bytes.len() / 4 * 4).unwrap_or(&[]);
        let file: &[u32] = bytemuck::try_cast_slice(words).unwrap_or(&[]);
        let mut sections = Sections::new();
        sections.read(bytes, file)?;
        for kind in [section::NODES, section::EDGES, section::WEIGHTS] {
            if !sections.get(kind).is_there() {
                return Err(Error::SectionCount { kind, found: 0 });
            }
        }
        let (nodes, edges) = (sections.get(section::NODES), sections.get(section::EDGES));
        // A chain of n nodes has n - 1 edges, and of these two a layer.
        let n_layers = edges.len / (2 * EDGE_BYTES);
        let is_chain = edges.len == n_layers * 2 * EDGE_BYTES && n_layers > 0;
        if !is_chain || n_layers > MOST as usize / 2 {
            return Err(What::Topology.at(edges.offset));
        }
        let Some((input, behind)) = nodes.words(file).split_first_chunk() else {
            return Err(What::SectionLength.at(nodes.offset));
        };
        if nodes.len != NODE_BYTES + n_layers * 2 * NODE_BYTES {
            return Err(What::SectionLength.at(nodes.offset));
        }
        let certificates = sections.get(section::CERTIFICATES);
        let graph = Graph {
            file,
            input,
            nodes: behind,
            n_layers,
            certificates: certificates.words(file).as_chunks().0,
        };
        let layout = check(&graph, &sections)?;
        Ok(Self { graph, layout })
    }

    /// Name of the model, empty if it has none or it is not UTF-8.
    #[must_use]
    pub fn name(&self) -> &'m str {
        core::str::from_utf8(self.body(section::NAME)).unwrap_or("")
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> &'m [u8] {
        bytemuck::must_cast_slice(self.graph.file)
    }

    /// CRC-32 of the file, as in its header.
    #[must_use]
    pub fn crc(&self) -> u32 {
        self.graph.u32_at(CRC_OFFSET)
    }

    /// Minor version of the file.
    #[must_use]
    pub fn minor(&self) -> u16 {
        (self.graph.u32_at(8) >> 16) as u16
    }

    /// Number of nodes: the input and two a layer.
    #[must_use]
    pub const fn n_nodes(&self) -> usize {
        self.graph.n_nodes()
    }

    /// Number of layers.
    #[must_use]
    pub const fn n_layers(&self) -> usize {
        self.graph.n_layers
    }

    /// Node `i`, none past the end. Node 0 is the input; layer `l` is nodes `2 l + 1` and `2 l + 2`.
    #[must_use]
    pub fn node(&self, i: usize) -> Option<NodeRecord> {
        let nodes = find(self.graph.file, section::NODES);
        let at = i.checked_mul(NODE_BYTES)?;
        let bytes = nodes.of(self.bytes()).get(at..)?;
        NodeRecord::from_bytes(bytes, nodes.offset.saturating_add(at)).ok()
    }

    /// Number format of the input: `I8`, `F32` or `Bits` for spikes.
    #[must_use]
    pub fn number(&self) -> Number {
        Number::from_code(self.graph.number()).unwrap_or(Number::I8)
    }

    /// Time steps that a sample is shown for.
    #[must_use]
    pub const fn steps(&self) -> u32 {
        self.graph.input[word::STEPS]
    }

    /// Number of inputs.
    #[must_use]
    pub const fn n_in(&self) -> usize {
        self.graph.n_in()
    }

    /// Number of output neurons.
    #[must_use]
    pub fn n_out(&self) -> usize {
        match self
            .n_layers()
            .checked_sub(1)
            .and_then(|l| self.graph.layer(l))
        {
            Some(layer) => layer.n_out(),
            None => 0,
        }
    }

    /// Bytes of arena that a network of this model needs, a multiple of 8.
    #[must_use]
    pub const fn ram_bytes(&self) -> usize {
        self.layout.bytes()
    }

    /// What one unit of a membrane of the last layer stands for; 1 where the file does not say.
    #[must_use]
    pub fn readout_scale(&self) -> f32 {
        match self.section(section::READOUT) {
            Some(body) => f32::from_bits(self.graph.u32_at(body.offset)),
            None => 1.0,
        }
    }

    /// Layer `l`, none past the end.
    #[must_use]
    pub fn layer(&self, l: usize) -> Option<Layer<'m>> {
        Layer::decode(&self.graph.layer(l)?)
    }

    /// All layers, from the input on.
    pub fn layers(&self) -> impl Iterator<Item = Layer<'m>> + use<'m> {
        let layers = self.graph.layers();
        layers.map_while(|view| Layer::decode(&view))
    }

    /// The overflow certificates in the file: a synapse node, and the largest |sum + bias| that any input
    /// can produce in it.
    pub fn certificates(&self) -> impl Iterator<Item = (usize, u32)> + 'm {
        let certificates = self.graph.certificates.iter();
        certificates.map(|[node, max_sum, ..]| (*node as usize, *max_sum))
    }

    /// The signature, if there is one. It is not verified.
    #[must_use]
    pub fn signature(&self) -> Option<Signature<'m>> {
        let body = self.section(section::SIGNATURE)?;
        Some(Signature {
            algorithm: self.graph.u32_at(body.offset),
            bytes: body.of(self.bytes()).get(4..)?,
            covers: body.offset.checked_sub(SECTION_HEADER_BYTES)?,
        })
    }

    /// The counter against older models, if there is one. Nothing compares it.
    #[must_use]
    pub fn rollback(&self) -> Option<u32> {
        let body = self.section(section::ROLLBACK)?;
        Some(self.graph.u32_at(body.offset))
    }

    /// The target that the file was made for, if it says so in UTF-8. Nothing compares it.
    #[must_use]
    pub fn target(&self) -> Option<&'m str> {
        self.section(section::TARGET)?;
        core::str::from_utf8(self.body(section::TARGET)).ok()
    }

    /// The section of kind `kind`, if there is one.
    pub(super) fn section(&self, kind: u16) -> Option<Body> {
        Some(find(self.graph.file, kind)).filter(|body| body.is_there())
    }

    /// The body of the section of kind `kind`, empty if there is none.
    fn body(&self, kind: u16) -> &'m [u8] {
        find(self.graph.file, kind).of(self.bytes())
    }
}
