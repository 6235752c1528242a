//! Tensors of a safetensors file, by name.

use safetensors::tensor::{Dtype, SafeTensors};

use super::array::{Array, ElementType};
use super::error::ReadError;

/// The tensors of a safetensors file.
#[derive(Debug)]
pub struct Tensors<'a> {
    file: SafeTensors<'a>,
}

impl<'a> Tensors<'a> {
    /// The tensors in the file `bytes`, whose header and sizes are checked.
    ///
    /// # Errors
    ///
    /// [`ReadError::Format`] where it is not a safetensors file.
    pub fn read(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let file = SafeTensors::deserialize(bytes)
            .map_err(|e| ReadError::Format(format!("not a safetensors file: {e}")))?;
        Ok(Self { file })
    }

    /// The names of the tensors, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names = self.file.names();
        names.sort_unstable();
        names
    }

    /// Each tensor with its type and shape, for a message: `0.weight F32 [32, 64]`, sorted by name.
    #[must_use]
    pub fn listing(&self) -> String {
        let names = self.names();
        let each = names.iter().filter_map(|name| {
            let view = self.file.tensor(name).ok()?;
            Some(format!("{name} {:?} {:?}", view.dtype(), view.shape()))
        });
        match names.is_empty() {
            true => "no tensors".into(),
            false => each.collect::<Vec<_>>().join(", "),
        }
    }

    /// The tensor `name`.
    ///
    /// # Errors
    ///
    /// [`ReadError::Missing`], or [`ReadError::Format`] where its numbers are of another type than those of
    /// [`ElementType`].
    pub fn array(&self, name: &str) -> Result<Array<'a>, ReadError> {
        let missing =
            || ReadError::missing(name, self.names().into_iter().map(String::from).collect());
        let view = self.file.tensor(name).map_err(|_| missing())?;
        let element = match view.dtype() {
            Dtype::BOOL => ElementType::Bool,
            Dtype::U8 => ElementType::U8,
            Dtype::I8 => ElementType::I8,
            Dtype::U16 => ElementType::U16,
            Dtype::I16 => ElementType::I16,
            Dtype::U32 => ElementType::U32,
            Dtype::I32 => ElementType::I32,
            Dtype::U64 => ElementType::U64,
            Dtype::I64 => ElementType::I64,
            Dtype::F16 => ElementType::F16,
            Dtype::BF16 => ElementType::Bf16,
            Dtype::F32 => ElementType::F32,
            Dtype::F64 => ElementType::F64,
            other => {
                return Err(ReadError::Format(format!(
                    "tensor {name:?} is of type {other:?}; bool, integers, F16, BF16, F32 and F64 are read"
                )));
            }
        };
        Ok(Array {
            element,
            big_endian: false,
            first_fastest: false,
            shape: view.shape().to_vec(),
            bytes: view.data().into(),
        })
    }
}
