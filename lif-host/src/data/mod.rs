//! Samples from files, and their split.
//!
//! [`load`] reads every format: CSV, NPY, NPZ, IDX, gzipped IDX and safetensors.

pub mod array;
mod csv;
mod dataset;
mod error;
mod idx;
mod load;
mod npy;
mod split;
mod tensors;

pub use self::csv::{Columns, Error, Label, read_csv};
pub use dataset::{Dataset, Values};
pub use error::{LoadError, ReadError};
pub use load::{Format, Labels, LoadOptions, load, read};
pub use split::{Parts, Split, stratified, three_way};
pub use tensors::Tensors;

/// Labelled samples of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Values a sample.
    pub n_in: usize,
    /// Raw values `[samples, n_in]`.
    pub values: Vec<f32>,
    /// A class a sample, empty where the data have none.
    pub labels: Vec<u32>,
}

impl Samples {
    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.n_in.max(1)
    }

    /// Whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The raw values of sample `i`.
    ///
    /// # Panics
    ///
    /// If there is no such sample.
    #[must_use]
    pub fn sample(&self, i: usize) -> &[f32] {
        &self.values[i * self.n_in..(i + 1) * self.n_in]
    }

    /// The class of sample `i`, if the data have classes.
    #[must_use]
    pub fn label(&self, i: usize) -> Option<u32> {
        self.labels.get(i).copied()
    }

    /// The samples of `indices`, in that order.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            n_in: self.n_in,
            values: indices
                .iter()
                .flat_map(|&i| self.sample(i))
                .copied()
                .collect(),
            labels: indices.iter().filter_map(|&i| self.label(i)).collect(),
        }
    }

    /// Raw units a unit of an i8 input: 1 where every value is an integer from -127 to 127, else max|x| / 127.
    #[must_use]
    pub fn input_step(&self) -> f32 {
        let max = self.values.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        let whole = self.values.iter().all(|x| *x == x.trunc());
        if max == 0.0 || (whole && max <= 127.0) {
            1.0
        } else {
            max / 127.0
        }
    }
}
