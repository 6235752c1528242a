//! Why samples in a file were refused.

use std::path::PathBuf;

use super::array::ArrayError;
use super::csv;

/// Why a file of samples was refused. Samples and values count from 0, lines and columns from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Comma-separated text that is not as it should be.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// Not the format that it starts as.
    #[error("{0}")]
    Format(String),
    /// An array that is not as it should be.
    #[error(transparent)]
    Array(ArrayError),
    /// More bytes than are allowed, or can be in a file of this size.
    #[error("it states {stated} bytes of data; at most {bytes_max} are possible here")]
    TooLarge {
        /// Bytes that it states.
        stated: u64,
        /// What is possible.
        bytes_max: u64,
    },
    /// No array of that name.
    #[error("array {name:?} is missing; the file holds {there}")]
    Missing {
        /// Its name.
        name: String,
        /// The names that are there.
        there: String,
    },
    /// A value that is not finite.
    #[error(
        "sample {row}, value {column} is {value}: finite numbers are needed; repair or leave out that sample"
    )]
    NotFinite {
        /// Sample.
        row: usize,
        /// Value in it.
        column: usize,
        /// What it is.
        value: f32,
    },
    /// Samples of another size.
    #[error("its shape is {shape:?}, which is {found} values a sample; {need} are needed")]
    SampleSize {
        /// Shape of the array, samples first.
        shape: Vec<usize>,
        /// Values a sample.
        found: usize,
        /// What is needed.
        need: usize,
    },
    /// Other classes than there are.
    #[error("sample {row} is of class {label}; classes are whole numbers below {classes}")]
    Class {
        /// Sample.
        row: usize,
        /// Its class.
        label: u32,
        /// How many there are.
        classes: u32,
    },
    /// Not one class a sample.
    #[error(
        "there are {labels} labels of shape {shape:?} for {samples} samples; one each is needed"
    )]
    LabelCount {
        /// Labels.
        labels: usize,
        /// Their shape.
        shape: Vec<usize>,
        /// Samples.
        samples: usize,
    },
    /// No classes where they are needed.
    #[error("there are no labels in it; {0}")]
    NoLabels(&'static str),
    /// No samples, or no values in them.
    #[error("there are no samples in it")]
    Empty,
}

impl ReadError {
    pub(super) fn missing(name: &str, there: Vec<String>) -> Self {
        let name = name.into();
        let there = match there.is_empty() {
            true => "no arrays".into(),
            false => there.join(", "),
        };
        Self::Missing { name, there }
    }
}

impl From<ArrayError> for ReadError {
    fn from(e: ArrayError) -> Self {
        Self::Array(e)
    }
}

/// Why the samples in a file were refused.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", file.display())]
pub struct LoadError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub source: ReadError,
}
