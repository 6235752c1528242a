//! Puts the sections of a `.lif` file together.

use lif_nostd::model::format::{
    CRC_OFFSET, HEADER_BYTES, MAGIC, MAJOR, MINOR, REQUIRED, SECTION_HEADER_BYTES, align_up,
    file_crc, section,
};

use super::Error;
use crate::infer::AlignedBytes;
use crate::net::Net;
use crate::quant::Certificate;

/// A file in the making: the bodies of its sections.
pub(super) struct FileWriter {
    sections: Vec<(u16, Vec<u8>)>,
    /// Where the body of the weights will start, from the start of the file.
    weights_at: usize,
}

impl FileWriter {
    /// A file with the name and the edges of `net`.
    pub(super) fn new(net: &Net) -> Result<Self, Error> {
        net.layers()?;
        let name = net.name.clone().into_bytes();
        // The weights come first: then no other section moves them.
        let mut file = Self {
            weights_at: HEADER_BYTES + SECTION_HEADER_BYTES,
            sections: [
                section::WEIGHTS,
                section::NODES,
                section::EDGES,
                section::CERTIFICATES,
            ]
            .map(|kind| (kind, Vec::new()))
            .into(),
        };
        for edge in &net.edges {
            let record = [edge.from, edge.to, edge.delay as usize, 0];
            for field in record {
                let field = u16::try_from(field)
                    .map_err(|_| Error::Size(format!("an edge with the field {field}")))?;
                file.section(section::EDGES).extend(field.to_le_bytes());
            }
        }
        file.section(section::NAME).extend(name);
        file.section(section::RAM).extend([0; 4]);
        Ok(file)
    }

    /// The body of the section `kind`, begun if it is not there.
    pub(super) fn section(&mut self, kind: u16) -> &mut Vec<u8> {
        let at = match self.sections.iter().position(|(k, _)| *k == kind) {
            Some(at) => at,
            None => {
                self.sections.push((kind, Vec::new()));
                self.sections.len() - 1
            }
        };
        &mut self.sections[at].1
    }

    /// Appends weights or biases; where they start, from the start of the file.
    pub(super) fn weights(&mut self, data: &[u8]) -> Result<u32, Error> {
        let at = self.weights_at;
        let body = self.section(section::WEIGHTS);
        body.resize(align_up(body.len()), 0);
        let start = at + body.len();
        body.extend(data);
        u32::try_from(start + data.len())
            .map_err(|_| Error::Size("the weights take more than 4 GiB".into()))?;
        Ok(start as u32)
    }

    /// Appends the certificate of synapse node `node`.
    pub(super) fn certificate(&mut self, node: usize, certificate: Certificate) {
        let body = self.section(section::CERTIFICATES);
        for field in [node as u32, certificate.max_sum, 0, 0] {
            body.extend(field.to_le_bytes());
        }
    }

    /// The finished file, checked by its reader.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, Error> {
        // The RAM need is known only once the file can be read, and changes no length.
        let draft = self.assemble()?;
        let ram = lif_nostd::ram_bytes(&AlignedBytes::new(&draft))?;
        let ram =
            u32::try_from(ram).map_err(|_| Error::Size("the state takes over 4 GiB".into()))?;
        *self.section(section::RAM) = ram.to_le_bytes().into();
        self.assemble()
    }

    fn assemble(&self) -> Result<Vec<u8>, Error> {
        let mut out = vec![0; HEADER_BYTES];
        for (kind, body) in self.sections.iter().filter(|(_, body)| !body.is_empty()) {
            let optional = matches!(*kind, section::NAME | section::RAM | section::CERTIFICATES);
            let flags = if optional { 0 } else { REQUIRED };
            let start = out.len();
            out.extend(kind.to_le_bytes());
            out.extend(flags.to_le_bytes());
            out.extend((body.len() as u32).to_le_bytes());
            out.resize(start + SECTION_HEADER_BYTES, 0);
            out.extend(body);
            out.resize(align_up(out.len()), 0);
        }
        let len = u32::try_from(out.len())
            .map_err(|_| Error::Size("the file would be larger than 4 GiB".into()))?;
        out[..8].copy_from_slice(&MAGIC);
        out[8..10].copy_from_slice(&MAJOR.to_le_bytes());
        out[10..12].copy_from_slice(&MINOR.to_le_bytes());
        out[12..16].copy_from_slice(&len.to_le_bytes());
        let crc = file_crc(&out);
        out[CRC_OFFSET..CRC_OFFSET + 4].copy_from_slice(&crc.to_le_bytes());
        Ok(out)
    }
}

/// Weights `[out, in]` as blocks of 16 outputs, input-major within a block, `zero` where outputs are missing.
pub(super) fn blocks<T: Copy>(w: &[T], n_in: usize, zero: T) -> Vec<T> {
    let n_out = w.len() / n_in;
    let mut out = vec![zero; n_out.next_multiple_of(16) * n_in];
    for (o, row) in w.chunks_exact(n_in).enumerate() {
        for (i, x) in row.iter().enumerate() {
            out[((o / 16) * n_in + i) * 16 + o % 16] = *x;
        }
    }
    out
}
