//! The header of a file and the walk over its sections (`docs/format.md`, sections 2 and 3).

use super::format::{
    ALIGN, CRC_OFFSET, HEADER_BYTES, MAGIC, MAJOR, REQUIRED, SECTION_HEADER_BYTES, align_up,
    file_crc, section, u16_at, u32_at,
};
use crate::error::{Error, What};

/// Where a section's body is, in bytes from the start of the file; at 0 where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Body {
    pub(super) offset: usize,
    pub(super) len: usize,
}

impl Body {
    /// Whether there is one.
    pub(super) const fn is_there(self) -> bool {
        self.offset != 0
    }

    /// The body in the file `bytes`.
    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        let tail = bytes.get(self.offset..).unwrap_or(&[]);
        tail.get(..self.len).unwrap_or(&[])
    }

    /// Its whole words in a file of words; its length is rounded down.
    pub(super) fn words(self, file: &[u32]) -> &[u32] {
        let tail = file.get(self.offset / 4..).unwrap_or(&[]);
        tail.get(..self.len / 4).unwrap_or(&[])
    }
}

/// Magic, room for a header, address, version, length and checksum, in this order.
pub(super) fn check_header(bytes: &[u8]) -> Result<(), Error> {
    let magic = bytes.get(..MAGIC.len()).unwrap_or(bytes);
    // Byte by byte: this alone would not be worth a memcmp.
    if magic.is_empty() || magic.iter().zip(MAGIC).any(|(a, b)| *a != b) {
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

/// The sections of a file, by kind.
pub(super) struct Sections([Body; section::TARGET as usize + 1]);

impl Sections {
    /// None yet.
    pub(super) fn new() -> Self {
        Self([Body::default(); section::TARGET as usize + 1])
    }

    /// Walks all sections of the file `bytes`, whose words are `file`, and checks each on the way.
    pub(super) fn read(&mut self, bytes: &[u8], file: &[u32]) -> Result<(), Error> {
        let mut at = HEADER_BYTES;
        while at < bytes.len() {
            let got = bytes.len() - at;
            let truncated = |need| Error::Truncated {
                offset: at,
                need,
                got,
            };
            let head = file.get(at / 4..).and_then(|words| words.first_chunk());
            let Some([head, len]) = head.copied() else {
                return Err(truncated(SECTION_HEADER_BYTES));
            };
            let whole = SECTION_HEADER_BYTES.saturating_add(align_up(len as usize));
            if whole > got {
                return Err(truncated(whole));
            }
            let (kind, required) = (head as u16, head >> 16 & u32::from(REQUIRED) != 0);
            if required && !(section::NAME..=section::GOLDEN_TRACE).contains(&kind) {
                return Err(Error::UnknownSection { kind, offset: at });
            }
            let offset = at + SECTION_HEADER_BYTES;
            let len = len as usize;
            if let Some(body) = self.0.get_mut(usize::from(kind)) {
                if body.is_there() {
                    return Err(Error::SectionCount { kind, found: 2 });
                }
                *body = Body { offset, len };
                let fits = match kind {
                    section::RAM | section::READOUT | section::ROLLBACK => len == 4,
                    section::SIGNATURE => len >= 4,
                    _ => true,
                };
                if !fits {
                    return Err(What::SectionLength.at(offset));
                }
            }
            at = at.saturating_add(whole);
        }
        Ok(())
    }

    /// The section of kind `kind`, if there is one.
    pub(super) fn get(&self, kind: u16) -> Body {
        self.0.get(usize::from(kind)).copied().unwrap_or_default()
    }
}

/// The section of kind `kind` in a file that was checked.
pub(super) fn find(file: &[u32], kind: u16) -> Body {
    let mut at = HEADER_BYTES;
    while let Some([head, len]) = file.get(at / 4..).and_then(|words| words.first_chunk()) {
        let offset = at + SECTION_HEADER_BYTES;
        let len = *len as usize;
        if *head as u16 == kind {
            return Body { offset, len };
        }
        at = offset.saturating_add(align_up(len));
    }
    Body::default()
}
