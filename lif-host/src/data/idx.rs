//! IDX files, the format of MNIST, plain or gzipped.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::array::{Array, ElementType, byte_len};
use super::error::ReadError;
use super::npy::{DEFLATE_RATIO, read_limited};

/// What a gzipped file starts with.
pub(super) const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

fn broken(problem: impl std::fmt::Display) -> ReadError {
    ReadError::Format(format!("not an IDX file: {problem}"))
}

/// The type of numbers that the third byte of an IDX file stands for.
const fn element(code: u8) -> Option<ElementType> {
    Some(match code {
        0x08 => ElementType::U8,
        0x09 => ElementType::I8,
        0x0b => ElementType::I16,
        0x0c => ElementType::I32,
        0x0d => ElementType::F32,
        0x0e => ElementType::F64,
        _ => return None,
    })
}

/// Whether `bytes` start as an IDX file.
pub(super) const fn is_idx(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, code, rank, ..] if *rank > 0 && element(*code).is_some())
}

/// The array of an IDX file that starts with `header`, without its numbers, and the bytes that they take.
fn parse(header: &[u8]) -> Result<(Array<'static>, usize), ReadError> {
    let [0, 0, code, rank, dims @ ..] = header else {
        return Err(broken("it starts otherwise"));
    };
    let element =
        element(*code).ok_or_else(|| broken(format!("the type of its numbers is {code:#04x}")))?;
    let (dims, _) = dims.as_chunks::<4>();
    let dims = dims
        .get(..usize::from(*rank))
        .ok_or_else(|| broken("it ends in its header"))?;
    let shape: Vec<usize> = dims
        .iter()
        .map(|d| usize::try_from(u32::from_be_bytes(*d)).unwrap_or(usize::MAX))
        .collect();
    let need = byte_len(&shape, element.size()).ok_or_else(|| {
        broken(format!(
            "its shape is {shape:?}, more than any memory holds"
        ))
    })?;
    let array = Array {
        element,
        big_endian: true,
        first_fastest: false,
        shape,
        bytes: Vec::new().into(),
    };
    Ok((array, need))
}

/// The array in the IDX file `bytes`.
///
/// # Errors
///
/// [`ReadError`], where the header is not one or states another size than there is.
pub(super) fn read_idx(bytes: &[u8]) -> Result<Array<'_>, ReadError> {
    let (array, _) = parse(bytes)?;
    let array = Array {
        bytes: bytes[4 + 4 * array.shape.len()..].into(),
        ..array
    };
    array.check().map_err(ReadError::Array)?;
    Ok(array)
}

/// The array in the gzipped IDX file `bytes`, which may unpack to `bytes_max` bytes.
///
/// # Errors
///
/// [`ReadError`], where it is damaged, no IDX file, or states a size that it cannot have.
pub(super) fn read_idx_gz(bytes: &[u8], bytes_max: u64) -> Result<Array<'static>, ReadError> {
    let mut input = MultiGzDecoder::new(bytes);
    let damaged = |e: &dyn std::fmt::Display| ReadError::Format(format!("gzip: {e}"));
    let mut header = vec![0; 4];
    input.read_exact(&mut header).map_err(|e| damaged(&e))?;
    let rank = usize::from(header[3]);
    header.resize(4 + 4 * rank, 0);
    input
        .read_exact(&mut header[4..])
        .map_err(|e| damaged(&e))?;
    let (array, need) = parse(&header)?;
    let stated = need as u64;
    let possible = (bytes.len() as u64).saturating_mul(DEFLATE_RATIO);
    if stated > bytes_max.min(possible) {
        return Err(ReadError::TooLarge {
            stated,
            bytes_max: bytes_max.min(possible),
        });
    }
    let data = read_limited(&mut input, stated).map_err(|e| damaged(&e))?;
    Ok(Array {
        bytes: data.into(),
        ..array
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn idx(code: u8, dims: &[u32], data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, code, dims.len() as u8];
        bytes.extend(dims.iter().flat_map(|d| d.to_be_bytes()));
        bytes.extend(data);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn plain_and_gzipped_are_the_same() {
        let bytes = idx(0x0b, &[2, 3], &[0, 1, 0, 2, 0, 3, 0xff, 0xff, 0, 5, 0, 6]);
        let array = read_idx(&bytes).unwrap();
        assert_eq!(array.shape, [2, 3]);
        assert_eq!(array.to_f32().unwrap(), [1.0, 2.0, 3.0, -1.0, 5.0, 6.0]);
        assert_eq!(read_idx_gz(&gzip(&bytes), 1 << 20).unwrap(), array);
    }

    #[test]
    fn sizes_are_checked_before_memory_is_taken() {
        let petabytes = idx(0x0d, &[u32::MAX, 1 << 16], &[0; 8]);
        assert!(
            read_idx(&petabytes)
                .unwrap_err()
                .to_string()
                .contains("there are 8")
        );
        let wraps = idx(0x0e, &[u32::MAX, u32::MAX, u32::MAX], &[]);
        assert!(
            read_idx(&wraps)
                .unwrap_err()
                .to_string()
                .contains("more than any memory")
        );
        let said = read_idx_gz(&gzip(&petabytes), u64::MAX)
            .unwrap_err()
            .to_string();
        assert!(said.contains("1125899906580480 bytes"), "{said}");
        let large = gzip(&idx(0x08, &[100_000], &[0; 100_000]));
        assert!(read_idx_gz(&large, 99_999).is_err());
        assert!(read_idx_gz(&large, 100_000).is_ok());
        for bad in [
            &idx(0x08, &[3], &[0; 2]),
            &idx(0x08, &[3], &[0; 4]),
            &idx(0x0a, &[0], &[]),
        ] {
            assert!(read_idx(bad).is_err() && read_idx_gz(&gzip(bad), 1 << 20).is_err());
        }
        let good = gzip(&idx(0x08, &[3], &[1, 2, 3]));
        for len in 0..good.len() {
            assert!(read_idx_gz(&good[..len], 1 << 20).is_err(), "{len}");
        }
    }
}
