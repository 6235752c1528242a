//! An array as a file holds it: a number type, a shape, an order, and bytes.

use std::borrow::Cow;

/// A number type of arrays in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
#[non_exhaustive]
pub enum ElementType {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    Bf16,
    F32,
    F64,
}

impl ElementType {
    /// Bytes of a number.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 | Self::Bf16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// Whether its numbers are whole.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        !matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }
}

/// An array in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array<'a> {
    /// Type of its numbers.
    pub element: ElementType,
    /// Whether their most significant byte stands first.
    pub big_endian: bool,
    /// Whether the first index runs fastest (Fortran), and not the last (C).
    pub first_fastest: bool,
    /// Shape.
    pub shape: Vec<usize>,
    /// The numbers: as many bytes as type and shape say.
    pub bytes: Cow<'a, [u8]>,
}

/// Why numbers of an array cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ArrayError {
    /// It has other bytes than type and shape say.
    #[error("type and shape need {need} bytes, and there are {got}")]
    Size {
        /// What they need; the largest number where that is more than any memory.
        need: usize,
        /// What is there.
        got: usize,
    },
    /// A number that f32 cannot hold.
    #[error("value {at} is {value}, which f32 cannot hold; divide the data, or save them as f32")]
    Range {
        /// Its place, in C order, from 0.
        at: usize,
        /// What it is.
        value: f64,
    },
    /// A number that is no class.
    #[error("label {at} is {value}; a class is a whole number from 0 to 2^32 - 1")]
    Label {
        /// Its place, from 0.
        at: usize,
        /// What it is.
        value: f64,
    },
}

/// Bytes of an array of `shape` whose numbers have `size` bytes; none where that is more than any memory.
#[must_use]
pub fn byte_len(shape: &[usize], size: usize) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(size, |n, dim| n.checked_mul(*dim))
}

impl Array<'_> {
    /// Number of numbers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() / self.element.size()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks that there are as many bytes as type and shape say.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Size`].
    pub fn check(&self) -> Result<(), ArrayError> {
        let need = byte_len(&self.shape, self.element.size()).unwrap_or(usize::MAX);
        let got = self.bytes.len();
        if need == got {
            Ok(())
        } else {
            Err(ArrayError::Size { need, got })
        }
    }

    /// The numbers in C order, f64 rounded to the nearest f32 and all others exact. Infinities and NaN stay.
    ///
    /// # Errors
    ///
    /// [`ArrayError`]: a size that is wrong, a finite f64 beyond f32, or an integer that f32 does not hold exactly.
    pub fn to_f32(&self) -> Result<Vec<f32>, ArrayError> {
        self.check()?;
        let whole = self.element.is_integer();
        let convert = |(at, value): (usize, f64)| {
            let x = value as f32;
            let lost = whole && f64::from(x) != value;
            if lost || (x.is_infinite() && value.is_finite()) {
                return Err(ArrayError::Range { at, value });
            }
            Ok(x)
        };
        self.numbers().enumerate().map(convert).collect()
    }

    /// The numbers in C order as bytes, where that is their type.
    #[must_use]
    pub fn to_u8(&self) -> Option<Vec<u8>> {
        let bytes = matches!(self.element, ElementType::U8 | ElementType::Bool);
        bytes.then(|| self.order().map(|i| self.bytes[i]).collect())
    }

    /// The numbers in C order as classes.
    ///
    /// # Errors
    ///
    /// [`ArrayError`]: a size that is wrong, or a number that is not whole or not from 0 to 2^32 - 1.
    pub fn to_labels(&self) -> Result<Vec<u32>, ArrayError> {
        self.check()?;
        let convert = |(at, value): (usize, f64)| {
            if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) {
                Ok(value as u32)
            } else {
                Err(ArrayError::Label { at, value })
            }
        };
        self.numbers().enumerate().map(convert).collect()
    }

    /// The numbers in C order; integers of 64 bits beyond 2^53 are rounded.
    fn numbers(&self) -> impl Iterator<Item = f64> {
        self.order().map(|i| self.number(i))
    }

    fn number(&self, i: usize) -> f64 {
        let size = self.element.size();
        let mut number = [0u8; 8];
        let mut bytes = self.bytes.iter().skip(i * size).take(size).copied();
        for k in 0..size {
            let place = if self.big_endian { size - 1 - k } else { k };
            number[place] = bytes.next().unwrap_or(0);
        }
        let [a, b, c, d, ..] = number;
        let wide = u64::from_le_bytes(number);
        match self.element {
            ElementType::Bool | ElementType::U8 => f64::from(a),
            ElementType::I8 => f64::from(a as i8),
            ElementType::U16 => f64::from(u16::from_le_bytes([a, b])),
            ElementType::I16 => f64::from(i16::from_le_bytes([a, b])),
            ElementType::U32 => f64::from(u32::from_le_bytes([a, b, c, d])),
            ElementType::I32 => f64::from(i32::from_le_bytes([a, b, c, d])),
            ElementType::U64 => wide as f64,
            ElementType::I64 => wide as i64 as f64,
            ElementType::F16 => half::f16::from_le_bytes([a, b]).to_f64(),
            ElementType::Bf16 => half::bf16::from_le_bytes([a, b]).to_f64(),
            ElementType::F32 => f64::from(f32::from_le_bytes([a, b, c, d])),
            ElementType::F64 => f64::from_bits(wide),
        }
    }

    /// Where in the bytes, in numbers, those of C order are.
    fn order(&self) -> impl Iterator<Item = usize> {
        let dims: Vec<usize> = self.shape.clone();
        let swap = self.first_fastest && dims.len() > 1;
        (0..self.len()).map(move |i| {
            if !swap {
                return i;
            }
            // The index along each dimension, from the last on, times what lies before it in Fortran's order.
            let (mut rest, mut at) = (i, 0);
            for d in (0..dims.len()).rev() {
                let stride: usize = dims[..d].iter().product();
                at += rest % dims[d] * stride;
                rest /= dims[d];
            }
            at
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(element: ElementType, shape: &[usize], bytes: &[u8]) -> Array<'static> {
        Array {
            element,
            big_endian: false,
            first_fastest: false,
            shape: shape.into(),
            bytes: bytes.to_vec().into(),
        }
    }

    #[test]
    fn every_type_is_read() {
        use ElementType as E;
        let of = |element, bytes: &[u8]| array(element, &[1], bytes).to_f32().unwrap()[0];
        assert_eq!(of(E::Bool, &[1]), 1.0);
        assert_eq!(of(E::U8, &[200]), 200.0);
        assert_eq!(of(E::I8, &[200]), -56.0);
        assert_eq!(of(E::U16, &[1, 2]), 513.0);
        assert_eq!(of(E::I16, &[0xff, 0xff]), -1.0);
        assert_eq!(of(E::U32, &[0, 0, 1, 0]), 65536.0);
        assert_eq!(of(E::I32, &[0xfe, 0xff, 0xff, 0xff]), -2.0);
        assert_eq!(of(E::U64, &7u64.to_le_bytes()), 7.0);
        assert_eq!(of(E::I64, &(-7i64).to_le_bytes()), -7.0);
        assert_eq!(of(E::F16, &[0, 0x3e]), 1.5);
        assert_eq!(of(E::Bf16, &[0xc0, 0x3f]), 1.5);
        assert_eq!(of(E::F32, &0.1f32.to_le_bytes()), 0.1);
        assert_eq!(of(E::F64, &0.1f64.to_le_bytes()), 0.1);
        let mut big = array(E::I16, &[1], &[0x01, 0x02]);
        big.big_endian = true;
        assert_eq!(big.to_f32().unwrap(), [258.0]);
    }

    #[test]
    fn fortran_order_is_turned_round() {
        // numpy: asfortranarray(arange(24).reshape(2, 3, 4)).tobytes("A")
        let at = |i: usize, j: usize, k: usize| (12 * i + 4 * j + k) as u8;
        let mut bytes = Vec::new();
        for k in 0..4 {
            for j in 0..3 {
                bytes.extend((0..2).map(|i| at(i, j, k)));
            }
        }
        let mut a = array(ElementType::U8, &[2, 3, 4], &bytes);
        a.first_fastest = true;
        assert_eq!(a.to_u8().unwrap(), (0..24).collect::<Vec<u8>>());
    }

    #[test]
    fn what_f32_cannot_hold_is_refused() {
        let wide = array(
            ElementType::F64,
            &[2],
            &[1.0f64, 1e300].map(f64::to_le_bytes).concat(),
        );
        assert!(matches!(
            wide.to_f32(),
            Err(ArrayError::Range { at: 1, .. })
        ));
        let odd = array(ElementType::I32, &[1], &16_777_217i32.to_le_bytes());
        assert!(odd.to_f32().unwrap_err().to_string().contains("16777217"));
        let short = array(ElementType::F32, &[2], &[0; 4]);
        assert_eq!(short.to_f32(), Err(ArrayError::Size { need: 8, got: 4 }));
        let huge = array(ElementType::F32, &[usize::MAX, 2], &[0; 4]);
        assert!(huge.to_f32().is_err());
        let label = array(ElementType::I8, &[2], &[3, 0xff]);
        assert!(
            label
                .to_labels()
                .unwrap_err()
                .to_string()
                .contains("label 1 is -1")
        );
    }
}
