//! Models with their inputs, one behind the other, as the host lays them out. All numbers are u32, little-endian.
//!
//! ```text
//! bundle  number of entries, whether to print every layer, 0, 0, entries
//! entry   length of the model, length of the input, steps, 0, model, input
//! ```
//!
//! Lengths are in bytes; model and input are filled up to multiples of 16. The input is laid out as that of a golden
//! trace (`docs/format.md`, section 9.2).

/// A bundle in memory.
pub struct Bundle {
    entries: usize,
    bytes: &'static [u8],
    /// Whether every layer is to be printed, in each step.
    pub every_layer: bool,
}

/// A model with its input.
pub struct Entry {
    /// A model file.
    pub model: &'static [u8],
    /// Its input.
    pub input: &'static [u8],
    /// Time steps to run.
    pub steps: u32,
}

/// Four numbers, and what stands behind them.
fn header(bytes: &'static [u8]) -> Option<([u32; 4], &'static [u8])> {
    let (head, rest) = bytes.split_first_chunk::<16>()?;
    let words: [u32; 4] = bytemuck::try_pod_read_unaligned(head).ok()?;
    Some((words, rest))
}

/// The first `n` bytes, and what stands behind them and what fills them up.
fn cut(bytes: &'static [u8], n: u32) -> Option<(&'static [u8], &'static [u8])> {
    let n = n as usize;
    Some((bytes.get(..n)?, bytes.get(n.next_multiple_of(16)..)?))
}

impl Bundle {
    /// The bundle at the start of `bytes`.
    pub fn read(bytes: &'static [u8]) -> Option<Self> {
        let ([entries, every_layer, ..], bytes) = header(bytes)?;
        Some(Self {
            entries: entries as usize,
            bytes,
            every_layer: every_layer != 0,
        })
    }

    /// The entries, as many as are whole.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + use<> {
        let mut rest = self.bytes;
        let next = move || {
            let ([model, input, steps, _], behind) = header(rest)?;
            let (model, behind) = cut(behind, model)?;
            let (input, behind) = cut(behind, input)?;
            rest = behind;
            Some(Entry {
                model,
                input,
                steps,
            })
        };
        core::iter::from_fn(next).take(self.entries)
    }
}
