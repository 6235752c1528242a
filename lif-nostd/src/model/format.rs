//! Layout of the `.lif` file, version 1 (`docs/format.md` is normative). Writer and reader share it.
//!
//! Everything is little-endian. A file is a header of 32 bytes, then sections, each a header of 16 bytes and
//! a body that is padded with zeros to a multiple of 16.

pub use super::record::{NeuronKind, Neurons, Node, NodeRecord, Param};
pub use crate::scalar::Number;

/// First eight bytes of a file; the line ends in it show a transfer in text mode.
pub const MAGIC: [u8; 8] = *b"\x89LIF\r\n\x1a\n";
/// Major version: a reader refuses any other.
pub const MAJOR: u16 = 1;
/// Minor version: a reader accepts any.
pub const MINOR: u16 = 0;
/// Length of the file header, in bytes.
pub const HEADER_BYTES: usize = 32;
/// Where the CRC-32 is; its four bytes are the only ones that it does not cover.
pub const CRC_OFFSET: usize = 16;
/// Length of a section header, in bytes.
pub const SECTION_HEADER_BYTES: usize = 16;
/// Alignment of sections, weights and the file's first byte in memory, in bytes.
pub const ALIGN: usize = 16;
/// Length of a node record, in bytes.
pub const NODE_BYTES: usize = 80;
/// Length of an edge record, in bytes.
pub const EDGE_BYTES: usize = 8;
/// Length of a certificate record, in bytes.
pub const CERTIFICATE_BYTES: usize = 16;
/// Length of what stands before the input of a golden trace, in bytes.
pub const GOLDEN_HEADER_BYTES: usize = 16;
/// Longest name of a node, in bytes of UTF-8.
pub const NODE_NAME_BYTES: usize = 16;
/// Section flag: a reader that does not know the kind must refuse the file.
pub const REQUIRED: u16 = 1;

/// Kinds of sections.
pub mod section {
    /// Name of the model, UTF-8.
    pub const NAME: u16 = 1;
    /// RAM that the writer's runtime needs, in bytes (u32).
    pub const RAM: u16 = 2;
    /// Node records.
    pub const NODES: u16 = 3;
    /// Edge records.
    pub const EDGES: u16 = 4;
    /// Weights and biases.
    pub const WEIGHTS: u16 = 5;
    /// Overflow certificates.
    pub const CERTIFICATES: u16 = 6;
    /// What one unit of a membrane of the last layer stands for.
    pub const READOUT: u16 = 7;
    /// A short input and the digest that it must produce.
    pub const GOLDEN_TRACE: u16 = 8;
    /// Signature over the bytes before it; read, not verified.
    pub const SIGNATURE: u16 = 9;
    /// Counter against older models; read, not compared.
    pub const ROLLBACK: u16 = 10;
    /// The target that the file was made for; read, not compared.
    pub const TARGET: u16 = 11;
}

/// CRC-32 (ISO-HDLC, as in zlib) in the variant without a table.
pub(crate) static CRC: crc::Crc<u32, crc::NoTable> =
    crc::Crc::<u32, crc::NoTable>::new(&crc::CRC_32_ISO_HDLC);

/// CRC-32 of a file: of all bytes but the four of the checksum itself.
#[must_use]
pub fn file_crc(bytes: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(bytes.get(..CRC_OFFSET).unwrap_or(bytes));
    digest.update(bytes.get(CRC_OFFSET + 4..).unwrap_or(&[]));
    digest.finalize()
}

/// The length that the header at the start of `bytes` states; none where there is no header.
///
/// It finds the end of a file in a larger slot of flash, and promises nothing else.
#[must_use]
pub fn stated_len(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(&MAGIC) {
        u32_at(bytes, 12).map(|len| len as usize)
    } else {
        None
    }
}

/// `n` rounded up to the alignment of the file.
#[must_use]
pub const fn align_up(n: usize) -> usize {
    n.saturating_add(ALIGN - 1) / ALIGN * ALIGN
}

/// The u16 at `at`, if it is there.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let tail = bytes.get(at..)?;
    tail.first_chunk().map(|b| u16::from_le_bytes(*b))
}

/// The u32 at `at`, if it is there.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let tail = bytes.get(at..)?;
    tail.first_chunk().map(|b| u32::from_le_bytes(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_leaves_out_itself_alone() {
        let mut bytes = [7u8; 64];
        let crc = file_crc(&bytes);
        bytes[CRC_OFFSET] = 0;
        assert_eq!(file_crc(&bytes), crc);
        for i in (0..64).filter(|i| !(CRC_OFFSET..CRC_OFFSET + 4).contains(i)) {
            bytes[i] ^= 1;
            assert_ne!(file_crc(&bytes), crc);
            bytes[i] ^= 1;
        }
    }
}
