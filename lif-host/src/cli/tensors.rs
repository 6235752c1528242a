//! Tensors of the tools that compare with other frameworks: safetensors files of f32 or f64.

use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::cli::{Failure, files};
use crate::cpu::Float;

/// A number type of tensors.
pub(super) trait Element: Float {
    /// Its name in a file.
    const DTYPE: Dtype;

    /// The values in little-endian `bytes`.
    fn from_bytes(bytes: &[u8]) -> Vec<Self>;
    /// The values as little-endian bytes.
    fn to_bytes(values: &[Self]) -> Vec<u8>;
}

macro_rules! element {
    ($f:ty, $dtype:expr, $size:literal) => {
        impl Element for $f {
            const DTYPE: Dtype = $dtype;

            fn from_bytes(bytes: &[u8]) -> Vec<Self> {
                let (values, _) = bytes.as_chunks::<$size>();
                values.iter().map(|b| <$f>::from_le_bytes(*b)).collect()
            }

            fn to_bytes(values: &[Self]) -> Vec<u8> {
                values.iter().flat_map(|x| x.to_le_bytes()).collect()
            }
        }
    };
}

element!(f32, Dtype::F32, 4);
element!(f64, Dtype::F64, 8);

/// Values with their shape.
#[derive(Clone, Debug)]
pub(super) struct Tensor<F> {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<F>,
}

impl<F> Tensor<F> {
    pub(super) fn new(shape: &[usize], values: Vec<F>) -> Self {
        Self {
            shape: shape.into(),
            values,
        }
    }
}

/// The tensors of an input file.
#[derive(Debug)]
pub(super) struct Input {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Input {
    /// Reads `path`.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let input = Self {
            path: path.into(),
            bytes: files::read(path)?,
        };
        input.parse()?;
        Ok(input)
    }

    fn parse(&self) -> Result<SafeTensors<'_>, Failure> {
        SafeTensors::deserialize(&self.bytes)
            .map_err(|e| self.fail(format!("not a safetensors file: {e}")))
    }

    /// An error of this file.
    pub(super) fn fail(&self, problem: impl std::fmt::Display) -> Failure {
        Failure::in_file(&self.path, problem)
    }

    /// Says of each tensor whose name is not among `known` that it is not read: it may be a misspelt one.
    pub(super) fn note_unknown(&self, known: &[&str]) -> Result<(), Failure> {
        let file = self.parse()?;
        let mut names = file.names();
        names.sort_unstable();
        for name in names.iter().filter(|name| !known.contains(name)) {
            eprintln!(
                "note: {}: tensor {name:?} is not read; those that are: {}",
                self.path.display(),
                known.join(", ")
            );
        }
        Ok(())
    }

    /// Whether there is a tensor called `name`.
    pub(super) fn has(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.parse()?.names().contains(&name))
    }

    fn view(&self, name: &str) -> Result<TensorView<'_>, Failure> {
        let file = self.parse()?;
        let mut names = file.names();
        names.sort_unstable();
        file.tensor(name).map_err(|_| {
            let there = match names.is_empty() {
                true => "no tensors".into(),
                false => names.join(", "),
            };
            self.fail(format!(
                "tensor {name:?} is missing; the file holds {there}"
            ))
        })
    }

    /// The type of tensor `name`: f32 or f64.
    pub(super) fn dtype(&self, name: &str) -> Result<Dtype, Failure> {
        match self.view(name)?.dtype() {
            dtype @ (Dtype::F32 | Dtype::F64) => Ok(dtype),
            other => Err(self.fail(format!(
                "tensor {name:?} is of type {other:?}; F32 and F64 are allowed"
            ))),
        }
    }

    /// The tensor `name`, which must be there and of type `F`.
    pub(super) fn tensor<F: Element>(&self, name: &str) -> Result<Tensor<F>, Failure> {
        let view = self.view(name)?;
        if view.dtype() != F::DTYPE {
            return Err(self.fail(format!(
                "tensor {name:?} is of type {:?}; the other tensors are {:?}",
                view.dtype(),
                F::DTYPE
            )));
        }
        Ok(Tensor::new(view.shape(), F::from_bytes(view.data())))
    }

    /// The values of the tensor `name`, if it is there; it must be of type `F` and of shape `shape`.
    pub(super) fn optional<F: Element>(
        &self,
        name: &str,
        shape: &[usize],
    ) -> Result<Option<Vec<F>>, Failure> {
        if !self.has(name)? {
            return Ok(None);
        }
        let tensor = self.tensor::<F>(name)?;
        // Some writers have no shape [] and write [1] instead.
        let one = shape.is_empty() && tensor.shape == [1];
        if tensor.shape != shape && !one {
            return Err(self.fail(format!(
                "tensor {name:?} has shape {:?}; {shape:?} is needed",
                tensor.shape
            )));
        }
        Ok(Some(tensor.values))
    }
}

/// Writes `tensors` to `path`.
pub(super) fn write<F: Element>(
    path: &Path,
    tensors: Vec<(&'static str, Tensor<F>)>,
) -> Result<(), Failure> {
    let fail = |e: safetensors::SafeTensorError| Failure::in_file(path, e);
    let bytes: Vec<_> = tensors
        .iter()
        .map(|(name, t)| (*name, &t.shape, F::to_bytes(&t.values)))
        .collect();
    let mut views = Vec::new();
    for (name, shape, bytes) in &bytes {
        let view = TensorView::new(F::DTYPE, shape.to_vec(), bytes).map_err(fail)?;
        views.push((*name, view));
    }
    let file = safetensors::serialize(views, None).map_err(fail)?;
    files::write(path, &file)
}
