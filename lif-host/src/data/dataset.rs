//! Samples of any shape.

use super::Samples;
use super::error::ReadError;

/// Values of samples.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Values {
    /// Numbers.
    F32(Vec<f32>),
    /// Bytes, 0 to 255.
    U8(Vec<u8>),
}

/// Samples of one shape, and their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Shape of a sample.
    pub shape: Vec<usize>,
    /// Values `[samples, ...shape]`, all finite.
    pub values: Values,
    /// A class a sample, empty where the data have none.
    pub labels: Vec<u32>,
}

impl Dataset {
    /// Values a sample.
    #[must_use]
    pub fn sample_len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        let values = match &self.values {
            Values::F32(x) => x.len(),
            Values::U8(x) => x.len(),
        };
        values / self.sample_len().max(1)
    }

    /// Whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples flattened to `[samples, values]` in f32, which holds bytes exactly; their order in a sample stays.
    #[must_use]
    pub fn into_samples(self) -> Samples {
        Samples {
            n_in: self.sample_len(),
            values: match self.values {
                Values::F32(x) => x,
                Values::U8(x) => x.into_iter().map(f32::from).collect(),
            },
            labels: self.labels,
        }
    }

    /// Checks that every value is finite.
    pub(super) fn check(&self) -> Result<(), ReadError> {
        let Values::F32(values) = &self.values else {
            return Ok(());
        };
        let n = self.sample_len().max(1);
        match values.iter().position(|x| !x.is_finite()) {
            None => Ok(()),
            Some(at) => Err(ReadError::NotFinite {
                row: at / n,
                column: at % n,
                value: values[at],
            }),
        }
    }
}
