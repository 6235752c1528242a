//! The number formats of model files.

/// The number format of a node's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "link", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[repr(u8)]
pub enum Number {
    /// Signed 8 bits: inputs, and weights, which are stored offset-binary.
    I8 = 1,
    /// Signed 16 bits: weights and membranes.
    I16 = 2,
    /// Signed 32 bits: membranes.
    I32 = 3,
    /// IEEE 754 binary32.
    F32 = 4,
    /// Spikes, one bit each: inputs.
    Bits = 5,
}

impl Number {
    /// The number format of code `code`.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::I8),
            2 => Some(Self::I16),
            3 => Some(Self::I32),
            4 => Some(Self::F32),
            5 => Some(Self::Bits),
            _ => None,
        }
    }

    /// Its usual name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::Bits => "spike",
        }
    }
}
