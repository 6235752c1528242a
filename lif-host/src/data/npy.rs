//! NumPy's NPY files, and NPZ, which are zip archives of them.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::array::{Array, ElementType};
use super::error::ReadError;

/// What an NPY file starts with.
pub(super) const NPY_MAGIC: &[u8] = b"\x93NUMPY";

/// What a zip archive starts with.
pub(super) const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// Bytes that one byte of deflate can stand for, at the most.
pub(super) const DEFLATE_RATIO: u64 = 1032;

/// The array in the NPY file `bytes`, of version 1 to 3.
///
/// # Errors
///
/// [`ReadError`], where the header is not one, or states another size than there is.
pub(super) fn read_npy(bytes: &[u8]) -> Result<Array<'_>, ReadError> {
    let broken = |problem: &str| ReadError::Format(format!("not a NPY file: {problem}"));
    let rest = bytes
        .strip_prefix(NPY_MAGIC)
        .ok_or_else(|| broken("it starts otherwise"))?;
    let (len, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => {
            let len = u32::from_le_bytes([*a, *b, *c, *d]);
            (usize::try_from(len).unwrap_or(usize::MAX), rest)
        }
        [version, ..] if *version > 3 => {
            return Err(broken(&format!(
                "its version is {version}; 1 to 3 are read"
            )));
        }
        _ => return Err(broken("it ends in its header")),
    };
    let (header, data) = rest
        .split_at_checked(len)
        .ok_or_else(|| broken("it ends in its header"))?;
    let text = str::from_utf8(header).map_err(|_| broken("its header is not text"))?;
    let array = array_of(text, data).map_err(|problem| broken(&problem))?;
    array.check().map_err(ReadError::Array)?;
    Ok(array)
}

/// The array that the header `text`, a Python dictionary, says `data` to be.
fn array_of<'a>(text: &str, data: &'a [u8]) -> Result<Array<'a>, String> {
    let descr = value(text, "descr")?;
    let quote = |c: char| c == '\'' || c == '"';
    let name = descr
        .strip_prefix(quote)
        .and_then(|rest| rest.split(quote).next())
        .ok_or("its type is a structure; plain numbers are needed")?;
    let (big_endian, kind) = match name.split_at_checked(1) {
        Some(("<" | "|", kind)) => (false, kind),
        Some((">", kind)) => (true, kind),
        _ => (false, name),
    };
    let element = element(kind).ok_or_else(|| {
        format!("its numbers are of type {name:?}; bool and 8 to 64 bits of i, u and f are read")
    })?;
    let order = value(text, "fortran_order")?;
    let first_fastest = match () {
        () if order.starts_with("True") => true,
        () if order.starts_with("False") => false,
        () => return Err("fortran_order is neither True nor False".into()),
    };
    let shape = value(text, "shape")?;
    let dims = shape
        .strip_prefix('(')
        .and_then(|rest| rest.split(')').next())
        .ok_or("its shape is not a tuple")?;
    let dims = dims.split(',').map(str::trim).filter(|d| !d.is_empty());
    let shape: Result<Vec<usize>, _> = dims.map(|d| d.trim_end_matches('L').parse()).collect();
    Ok(Array {
        element,
        big_endian,
        first_fastest,
        shape: shape.map_err(|_| "its shape is not one of whole numbers")?,
        bytes: data.into(),
    })
}

/// What stands behind `key` in the dictionary `text`. numpy writes three keys whose values hold no other key, so that
/// no parser of Python's literals is needed.
fn value<'a>(text: &'a str, key: &str) -> Result<&'a str, String> {
    let at = |quoted: String| text.find(&quoted).map(|at| &text[at + quoted.len()..]);
    at(format!("'{key}'"))
        .or_else(|| at(format!("\"{key}\"")))
        .and_then(|rest| rest.trim_start().strip_prefix(':'))
        .map(str::trim_start)
        .ok_or_else(|| format!("its header has no {key:?}"))
}

fn element(kind: &str) -> Option<ElementType> {
    Some(match kind {
        "b1" | "?" => ElementType::Bool,
        "u1" | "B" => ElementType::U8,
        "i1" | "b" => ElementType::I8,
        "u2" => ElementType::U16,
        "i2" => ElementType::I16,
        "u4" => ElementType::U32,
        "i4" => ElementType::I32,
        "u8" => ElementType::U64,
        "i8" => ElementType::I64,
        "f2" => ElementType::F16,
        "f4" => ElementType::F32,
        "f8" => ElementType::F64,
        _ => return None,
    })
}

/// The names of the arrays in the NPZ file `bytes`, sorted, without ".npy".
///
/// # Errors
///
/// [`ReadError::Format`] where it is not a zip archive.
pub(super) fn npz_names(bytes: &[u8]) -> Result<Vec<String>, ReadError> {
    let archive = open(bytes)?;
    let mut names: Vec<String> = archive
        .file_names()
        .filter_map(|n| n.ok()?.strip_suffix(".npy").map(String::from))
        .collect();
    names.sort_unstable();
    Ok(names)
}

/// The array `name` of the NPZ file `bytes`, which may unpack to `bytes_max` bytes.
///
/// # Errors
///
/// [`ReadError`], where it is missing, damaged, too large or not an array.
pub(super) fn read_npz(
    bytes: &[u8],
    name: &str,
    bytes_max: u64,
) -> Result<Array<'static>, ReadError> {
    let mut archive = open(bytes)?;
    let file = format!("{name}.npy");
    if archive.index_for_name(&file).is_none() {
        return Err(ReadError::missing(name, npz_names(bytes)?));
    }
    let broken = |e: &dyn std::fmt::Display| ReadError::Format(format!("array {name:?}: {e}"));
    let mut entry = archive.by_name(&file).map_err(|e| broken(&e))?;
    let stated = entry.size();
    let possible = (bytes.len() as u64).saturating_mul(DEFLATE_RATIO);
    if stated > bytes_max.min(possible) {
        return Err(ReadError::TooLarge {
            stated,
            bytes_max: bytes_max.min(possible),
        });
    }
    let unpacked = read_limited(&mut entry, stated).map_err(|e| broken(&e))?;
    let array = read_npy(&unpacked)?;
    Ok(Array {
        bytes: array.bytes.into_owned().into(),
        ..array
    })
}

fn open(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>, ReadError> {
    ZipArchive::new(Cursor::new(bytes))
        .map_err(|e| ReadError::Format(format!("not a NPZ file: {e}")))
}

/// The `stated` bytes of `input`; fewer or more are an error. The memory grows with what is there, not with what is
/// stated.
pub(super) fn read_limited(input: &mut impl Read, stated: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let limit = stated.saturating_add(1);
    input
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|e| e.to_string())?;
    match (bytes.len() as u64).cmp(&stated) {
        std::cmp::Ordering::Equal => Ok(bytes),
        std::cmp::Ordering::Less => Err(format!(
            "{stated} bytes are stated, and there are {}",
            bytes.len()
        )),
        std::cmp::Ordering::Greater => {
            Err(format!("{stated} bytes are stated, and there are more"))
        }
    }
}

/// `array` as the bytes of a NPY file of version 1.
#[cfg(test)]
pub(super) fn write_npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut bytes = NPY_MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(data);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(bytes: &[u8]) -> String {
        read_npy(bytes).unwrap_err().to_string()
    }

    #[test]
    fn headers_of_numpy_are_read() {
        let bytes = write_npy("'<f4'", "False", "(2, 3)", &[0; 24]);
        let array = read_npy(&bytes).unwrap();
        assert_eq!(
            (array.element, &array.shape[..]),
            (ElementType::F32, &[2, 3][..])
        );
        let bytes = write_npy("'>i2'", "True", "(4,)", &[0; 8]);
        let array = read_npy(&bytes).unwrap();
        assert!(array.big_endian && array.first_fastest);
        let bytes = write_npy("'|u1'", "False", "()", &[7]);
        assert!(read_npy(&bytes).unwrap().shape.is_empty());
    }

    #[test]
    fn bad_headers_say_what_is_wrong() {
        let of = |descr, shape, data: &[u8]| says(&write_npy(descr, "False", shape, data));
        let petabytes = of("'<f4'", "(1000000, 1000000, 1000000)", &[0; 4]);
        assert!(petabytes.contains("there are 4"), "{petabytes}");
        let wraps = of("'<f8'", "(4294967296, 4294967296, 4294967296)", &[]);
        assert!(wraps.contains("there are 0"), "{wraps}");
        assert!(of("'<c8'", "(1,)", &[0; 8]).contains("\"<c8\""));
        assert!(of("[('a', '<f4')]", "(1,)", &[0; 4]).contains("structure"));
        assert!(of("'<f4'", "(1, x)", &[0; 4]).contains("whole numbers"));
        assert!(of("'<f4'", "(1,)", &[0; 3]).contains("need 4 bytes, and there are 3"));
        let whole = write_npy("'<f4'", "False", "(1,)", &[0; 4]);
        for len in 0..whole.len() {
            assert!(read_npy(&whole[..len]).is_err(), "{len}");
        }
        let mut long = whole;
        long[6] = 2;
        long[8..12].copy_from_slice(&[0xff; 4]);
        assert!(says(&long).contains("ends in its header"));
    }
}
