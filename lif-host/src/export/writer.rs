//! Puts the sections of a `.lif` file together.

use lif_nostd::model::format::{
    CRC_OFFSET, HEADER_BYTES, MAGIC, MAJOR, MINOR, Number, Param, REQUIRED, SECTION_HEADER_BYTES,
    align_up, file_crc, section,
};
use lif_nostd::spikes::words_for;

use super::Error;
use crate::infer::{AlignedBytes, Host};
use crate::net::Net;
use crate::quant::{Certificate, Values};
use crate::rng::{Purpose, Stream};

/// A file in the making: the bodies of its sections.
pub(super) struct FileWriter {
    sections: Vec<(u16, Vec<u8>)>,
    /// Where the body of the weights will start, from the start of the file.
    weights_at: usize,
}

impl FileWriter {
    /// A file with the name of the chain `net` and the edges between its input and layers.
    pub(super) fn new(net: &Net) -> Result<Self, Error> {
        let layers = net.layers()?.len();
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
        // What acts in training alone, as dropout, is left out.
        for from in 0..2 * layers {
            let record = [from, from + 1, 0, 0];
            for field in record {
                let field = u16::try_from(field)
                    .map_err(|_| Error::Size(format!("an edge with the field {field}")))?;
                file.section(section::EDGES).extend(field.to_le_bytes());
            }
        }
        file.section(section::NAME).extend(name);
        // Filled in at the end, but here in the order of the file.
        file.section(section::RAM);
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

    /// Appends one parameter of a node: as one value, or as an array in whole blocks of 16.
    pub(super) fn param<T: Copy + PartialEq + bytemuck::NoUninit>(
        &mut self,
        values: &Values<T>,
        bits: impl Fn(T) -> u32,
        zero: T,
    ) -> Result<Param, Error> {
        Ok(match values {
            Values::One(x) => Param::Scalar(bits(*x)),
            Values::Each(xs) => {
                let mut xs = xs.clone();
                xs.resize(xs.len().next_multiple_of(16), zero);
                Param::PerNeuron(self.weights(bytemuck::cast_slice(&xs))?)
            }
        })
    }

    /// The finished file, checked by its reader, with its RAM need and a golden trace.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, Error> {
        // Both are known only once the file can be read, and move nothing that stands before them.
        let mut draft = Host::new(&self.assemble()?)?;
        let ram = draft.model().ram_bytes();
        let ram =
            u32::try_from(ram).map_err(|_| Error::Size("the state takes over 4 GiB".into()))?;
        *self.section(section::RAM) = ram.to_le_bytes().into();
        let golden = golden_trace(&mut draft)?;
        *self.section(section::GOLDEN_TRACE) = golden;
        let bytes = self.assemble()?;
        Host::new(&bytes)?;
        Ok(bytes)
    }

    fn assemble(&self) -> Result<Vec<u8>, Error> {
        let mut out = vec![0; HEADER_BYTES];
        for (kind, body) in self.sections.iter().filter(|(_, body)| !body.is_empty()) {
            let optional = !matches!(*kind, section::WEIGHTS | section::NODES | section::EDGES);
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

/// Steps of a golden trace.
const GOLDEN_STEPS: u32 = 2;

/// The body of a golden trace of `host`: a drawn input, and what the network makes of it.
fn golden_trace(host: &mut Host) -> Result<Vec<u8>, Error> {
    let model = host.model();
    let (number, n) = (model.number(), model.n_in() as u64);
    let stream = Stream::of(0, Purpose::Golden, 0);
    let input: Vec<u8> = match number {
        Number::F32 => {
            let unit = |i| 2.0 * stream.unit(i) - 1.0;
            (0..n).flat_map(|i| unit(i).to_le_bytes()).collect()
        }
        Number::Bits => {
            let words = words_for(n as usize) as u64 * u64::from(GOLDEN_STEPS);
            let word = |i| stream.bits(i) as u32;
            (0..words).flat_map(|i| word(i).to_le_bytes()).collect()
        }
        _ => (0..n).map(|i| stream.bits(i) as u8).collect(),
    };
    let digest = host
        .network()
        .run_trace(&AlignedBytes::new(&input), GOLDEN_STEPS)?;
    let head = [number as u32, GOLDEN_STEPS, digest, 0];
    let mut body: Vec<u8> = head.into_iter().flat_map(u32::to_le_bytes).collect();
    body.extend(input);
    Ok(body)
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
