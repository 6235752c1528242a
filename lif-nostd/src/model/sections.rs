//! The header of a file and the walk over its sections.

use super::format::{
    ALIGN, CRC_OFFSET, HEADER_BYTES, MAGIC, MAJOR, REQUIRED, SECTION_HEADER_BYTES, align_up,
    file_crc, section, u16_at, u32_at,
};
use crate::error::Error;

/// A section's body, with its place in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<'m> {
    pub(super) offset: usize,
    pub(super) bytes: &'m [u8],
}

impl Body<'_> {
    /// The u32 at `at`, 0 past the end.
    pub(super) fn u32(&self, at: usize) -> u32 {
        u32_at(self.bytes, at).unwrap_or(0)
    }
}

pub(super) const fn invalid(offset: usize, what: &'static str) -> Error {
    Error::Invalid { offset, what }
}

pub(super) const fn unsupported(offset: usize, what: &'static str) -> Error {
    Error::Unsupported { offset, what }
}

/// Magic, room for a header, address, version, length and checksum, in this order.
pub(super) fn check_header(bytes: &[u8]) -> Result<(), Error> {
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
pub(super) fn required(bytes: &[u8], kind: u16) -> Result<Body<'_>, Error> {
    optional(bytes, kind)?.ok_or(Error::SectionCount { kind, found: 0 })
}

/// The section of kind `kind`, if there is one. Walks all sections and checks each on the way.
pub(super) fn optional(bytes: &[u8], kind: u16) -> Result<Option<Body<'_>>, Error> {
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
        if !(section::NAME..=section::GOLDEN_TRACE).contains(&this) && flags & REQUIRED != 0 {
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
