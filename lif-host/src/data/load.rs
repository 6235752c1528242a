//! Data sets from files: what is in them is told by their first bytes.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::array::{Array, byte_len};
use super::csv::{self, Columns, Label};
use super::dataset::{Dataset, Values};
use super::error::{LoadError, ReadError};
use super::{idx, npy, tensors};

/// A format of files of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Comma-separated text: a sample a line, its class behind the values.
    Csv,
    /// One array of NumPy.
    Npy,
    /// Named arrays of NumPy.
    Npz,
    /// The format of MNIST.
    Idx,
    /// The same, gzipped.
    IdxGz,
    /// Named tensors.
    SafeTensors,
}

impl Format {
    /// The format of a file of `bytes`; comma-separated text where they are none of the others.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(npy::NPY_MAGIC) {
            Self::Npy
        } else if bytes.starts_with(npy::ZIP_MAGIC) {
            Self::Npz
        } else if bytes.starts_with(idx::GZIP_MAGIC) {
            Self::IdxGz
        } else if bytes.get(8) == Some(&b'{') {
            Self::SafeTensors
        } else if idx::is_idx(bytes) {
            Self::Idx
        } else {
            Self::Csv
        }
    }
}

/// Whether samples have classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Labels {
    /// They must.
    Required,
    /// They may.
    #[default]
    Optional,
}

/// What to read from a file of samples, and what must hold of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// Name of the samples in a NPZ or safetensors file.
    pub values: String,
    /// Name of their classes there.
    pub labels: String,
    /// Whether there must be classes.
    pub labelled: Labels,
    /// Another file with the classes, NPY or IDX.
    ///
    /// Without it, an IDX file whose name holds "images-idx3" takes those of the file beside it with "labels-idx1" in
    /// its place, as MNIST and its kin are named.
    pub labels_file: Option<PathBuf>,
    /// Values a sample; comma-separated text needs it unless there must be classes.
    pub inputs: Option<usize>,
    /// Number of classes.
    pub classes: Option<u32>,
    /// Bytes that a file may have, or unpack to.
    pub bytes_max: u64,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            values: "x".into(),
            labels: "y".into(),
            labelled: Labels::Optional,
            labels_file: None,
            inputs: None,
            classes: None,
            bytes_max: 4 << 30,
        }
    }
}

/// The samples in `file`: CSV, NPY, NPZ, IDX, gzipped IDX or safetensors, which its first bytes tell.
///
/// The first dimension of an array counts the samples. u8 and bool stay bytes, all other numbers become f32, f64 rounded
/// to the nearest; integers that f32 does not hold exactly, NaN and infinities are errors.
///
/// ```no_run
/// use lif_host::data::{Labels, LoadOptions, load};
///
/// let options = LoadOptions { labelled: Labels::Required, classes: Some(10), ..LoadOptions::default() };
/// let data = load("train-images-idx3-ubyte.gz".as_ref(), &options)?;
/// assert_eq!(data.shape, [28, 28]);
/// # Ok::<(), lif_host::data::LoadError>(())
/// ```
///
/// # Errors
///
/// [`LoadError`], with the file, and where in it.
pub fn load(file: &Path, options: &LoadOptions) -> Result<Dataset, LoadError> {
    let fail = |file: &Path| {
        let file = file.to_path_buf();
        |source| LoadError { file, source }
    };
    let bytes = read_file(file, options.bytes_max).map_err(fail(file))?;
    let format = Format::of(&bytes);
    let labels_file = match &options.labels_file {
        Some(other) => Some(other.clone()),
        None => beside(file, format),
    };
    let Some(labels_file) = labels_file else {
        return read(&bytes, options).map_err(fail(file));
    };
    let unlabelled = LoadOptions {
        labelled: Labels::Optional,
        ..options.clone()
    };
    let data = read(&bytes, &unlabelled).map_err(fail(file))?;
    let bytes = read_file(&labels_file, options.bytes_max).map_err(fail(&labels_file))?;
    with_labels(data, &bytes, options).map_err(fail(&labels_file))
}

/// The file of labels beside the IDX file `file` of images, if its name is one of those and the other is there.
fn beside(file: &Path, format: Format) -> Option<PathBuf> {
    let name = file.file_name()?.to_str()?;
    let idx = matches!(format, Format::Idx | Format::IdxGz) && name.contains("images-idx3");
    let other = file.with_file_name(name.replace("images-idx3", "labels-idx1"));
    (idx && other.is_file()).then_some(other)
}

fn read_file(file: &Path, bytes_max: u64) -> Result<Vec<u8>, ReadError> {
    let input = File::open(file)?;
    let stated = input.metadata()?.len();
    if stated > bytes_max {
        return Err(ReadError::TooLarge { stated, bytes_max });
    }
    let mut bytes = Vec::new();
    input.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The samples in the file `bytes`; [`LoadOptions::labels_file`] is not looked at.
///
/// # Errors
///
/// [`ReadError`], with where in it.
pub fn read(bytes: &[u8], options: &LoadOptions) -> Result<Dataset, ReadError> {
    let format = Format::of(bytes);
    if format == Format::Csv {
        return read_csv(bytes, options);
    }
    let (values, labels) = match format {
        Format::Npz => {
            let there = npy::npz_names(bytes)?;
            let labels = there.contains(&options.labels);
            let read = |name: &str| npy::read_npz(bytes, name, options.bytes_max);
            let labels = labels.then(|| read(&options.labels)).transpose()?;
            (read(&options.values)?, labels)
        }
        Format::SafeTensors => {
            let file = tensors::Tensors::read(bytes)?;
            let labels = file.names().iter().any(|n| *n == options.labels);
            let labels = labels.then(|| file.array(&options.labels)).transpose()?;
            (file.array(&options.values)?, labels)
        }
        _ => (read_array(bytes, options.bytes_max)?, None),
    };
    let data = dataset(&values, options)?;
    match labels {
        Some(labels) => labelled(data, &labels, options),
        None if options.labelled == Labels::Required => Err(ReadError::NoLabels(match format {
            Format::Npz | Format::SafeTensors => {
                "save them beside the samples, under the name \"y\""
            }
            _ => "name the file that holds them, or save both as one NPZ or safetensors file",
        })),
        None => Ok(data),
    }
}

/// The one array of a file that holds one.
fn read_array(bytes: &[u8], bytes_max: u64) -> Result<Array<'_>, ReadError> {
    match Format::of(bytes) {
        Format::Npy => npy::read_npy(bytes),
        Format::Idx => idx::read_idx(bytes),
        Format::IdxGz => idx::read_idx_gz(bytes, bytes_max),
        _ => Err(ReadError::Format(
            "not one array: NPY or IDX is needed".into(),
        )),
    }
}

fn dataset(array: &Array<'_>, options: &LoadOptions) -> Result<Dataset, ReadError> {
    array.check()?;
    let Some((samples, shape)) = array.shape.split_first() else {
        return Err(ReadError::Format(
            "it is one number; an array is needed whose first dimension counts the samples".into(),
        ));
    };
    // A shape of 0 samples may claim any size of them.
    let found = byte_len(shape, 1).unwrap_or(usize::MAX);
    if *samples == 0 || found == 0 {
        return Err(ReadError::Empty);
    }
    if let Some(need) = options.inputs.filter(|need| *need != found) {
        let shape = array.shape.clone();
        return Err(ReadError::SampleSize { shape, found, need });
    }
    let values = match array.to_u8() {
        Some(bytes) => Values::U8(bytes),
        None => Values::F32(array.to_f32()?),
    };
    let data = Dataset {
        shape: shape.to_vec(),
        values,
        labels: Vec::new(),
    };
    data.check()?;
    Ok(data)
}

fn with_labels(data: Dataset, bytes: &[u8], options: &LoadOptions) -> Result<Dataset, ReadError> {
    labelled(data, &read_array(bytes, options.bytes_max)?, options)
}

/// `data` with the classes in `labels`, of shape [samples] or [samples, 1].
fn labelled(
    data: Dataset,
    labels: &Array<'_>,
    options: &LoadOptions,
) -> Result<Dataset, ReadError> {
    let shape = labels.shape.clone();
    let samples = data.len();
    let labels = labels.to_labels()?;
    if labels.len() != samples || shape.first() != Some(&samples) {
        return Err(ReadError::LabelCount {
            labels: labels.len(),
            shape,
            samples,
        });
    }
    if let Some(classes) = options.classes
        && let Some(row) = labels.iter().position(|l| *l >= classes)
    {
        return Err(ReadError::Class {
            row,
            label: labels[row],
            classes,
        });
    }
    Ok(Dataset { labels, ..data })
}

fn read_csv(bytes: &[u8], options: &LoadOptions) -> Result<Dataset, ReadError> {
    let classes = options.classes.unwrap_or(u32::MAX);
    let required = options.labelled == Labels::Required;
    let values = match options.inputs {
        Some(n) => n,
        None if required => columns(bytes).saturating_sub(1),
        None => {
            return Err(ReadError::Format(
                "a comma-separated text does not say whether the last column is a class: say how many values a \
                 sample has"
                    .into(),
            ));
        }
    };
    let label = if required {
        Label::Required(classes)
    } else {
        Label::Optional(classes)
    };
    let samples = csv::read_csv(bytes, Columns { values, label })?;
    Ok(Dataset {
        shape: vec![samples.n_in],
        values: Values::F32(samples.values),
        labels: samples.labels,
    })
}

/// Columns of the first line of `bytes` that has any.
fn columns(bytes: &[u8]) -> usize {
    let text: Cow<'_, str> = String::from_utf8_lossy(bytes);
    let line = text.lines().find(|l| !l.trim().is_empty());
    line.map_or(0, |l| l.split(',').count())
}
