//! Forward and backward of a chain of fully connected layers of LIF neurons over a batch, on all threads.
//!
//! The batch is cut into groups of samples, which run through all layers and steps by themselves: a thread takes a group
//! at a time, whose currents, membranes and spikes stay in its caches. Spikes are bits; a synapse is the addition of
//! a row of weights, and of a row of gradients, for the spikes that happened. Gradients of weights are cut by inputs and
//! outputs, and each runs over all groups in order, so that no sum depends on the number of threads.

mod backward;
mod forward;
#[cfg(test)]
mod tests;
mod tile;

use std::ops::Range;

use lif_nostd::neuron::Lif;

use super::lines::Lines;
use super::packed::words;
use super::products::{BLOCK, width};
use super::threads;
use crate::net::{Net, NeuronParams};
use crate::surrogate::Surrogate;

/// Rows, of one sample and step each, that a group has at most, if it is of more than one sample.
const ROWS: usize = 128;

/// Up to 128 outputs of a layer.
#[derive(Clone, Debug)]
struct Block {
    /// First output.
    start: usize,
    /// Outputs, filled up to whole vectors.
    width: usize,
    /// `[in, width]`, with rows of zeros up to whole words of inputs.
    weights: Lines,
    bias: Vec<f32>,
    /// Gradients on weights, and in the last row on biases: `[in + 1, width]`.
    grad: Lines,
}

#[derive(Clone, Debug)]
struct Layer {
    n_in: usize,
    n_out: usize,
    weight: Range<usize>,
    bias: Range<usize>,
    lif: Lif<f32>,
    surrogate: Surrogate,
    detach_reset: bool,
    blocks: Vec<Block>,
    /// Weights by blocks of inputs, `[out, width]` each; of all layers but the first.
    by_input: Vec<Lines>,
}

impl Layer {
    /// First output and width of each block of `n` neurons.
    fn cut(n: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..n)
            .step_by(BLOCK)
            .map(move |start| (start, width(n, start)))
    }
}

/// What a group of samples needs for one layer; rows are samples, and in each its steps.
#[derive(Clone, Debug, Default)]
struct GroupLayer {
    /// Spikes that come in, `[rows, words]`; none where the input is of values.
    input: Vec<u64>,
    /// The same transposed, `[in + 1, words of rows]`, the last row all ones.
    input_t: Vec<u64>,
    /// Membranes after the charge, `[rows, width]` for each block.
    h: Vec<Lines>,
    /// Gradients on the currents, `[rows, width]` for each block, with rows of zeros up to whole words of rows;
    /// `[samples, width]` where the input is of values.
    grad_y: Vec<Lines>,
}

/// Some samples of a batch.
#[derive(Clone, Debug, Default)]
struct Group {
    /// First sample.
    first: usize,
    samples: usize,
    layers: Vec<GroupLayer>,
    /// Spikes of the last layer, `[rows, words]`.
    output: Vec<u64>,
    /// Spikes of each output neuron, `[samples, out]`.
    counts: Vec<u32>,
}

/// A chain of fully connected layers of LIF neurons whose parameters all of a layer share.
///
/// Its input is of values, the same in every step, or of spikes. The spikes are those of the device's f32 network, bit
/// for bit.
#[derive(Clone, Debug)]
pub struct Chain {
    steps: usize,
    /// Whether the input is of spikes.
    spikes: bool,
    layers: Vec<Layer>,
    batch: usize,
    groups: Vec<Group>,
    counts: Vec<u32>,
}

impl Chain {
    /// The chain `net` with its weights; none where it is not one that this serves.
    #[must_use]
    pub fn new(net: &Net) -> Option<Self> {
        let spikes = net.input().ok()?.1.is_none();
        let mut layers = Vec::new();
        for layer in net.layers().ok()? {
            let NeuronParams::Lif(params) = layer.neurons else {
                return None;
            };
            let block = |(start, width)| Block {
                start,
                width,
                weights: Lines::new(64 * words(layer.n_in) * width),
                bias: vec![0.0; width],
                grad: Lines::new((layer.n_in + 1) * width),
            };
            let by_input = |(_, width): (usize, usize)| Lines::new(layer.n_out * width);
            let is_first = layers.is_empty();
            layers.push(Layer {
                n_in: layer.n_in,
                n_out: layer.n_out,
                weight: layer.weight.clone(),
                bias: layer.bias.clone(),
                lif: params.uniform()?,
                surrogate: Some(params.surrogate).filter(Surrogate::is_binary)?,
                detach_reset: params.detach_reset,
                blocks: Layer::cut(layer.n_out).map(block).collect(),
                by_input: match is_first {
                    true => Vec::new(),
                    false => Layer::cut(layer.n_in).map(by_input).collect(),
                },
            });
        }
        let serves = !layers.is_empty() && layers.iter().all(|l| l.n_in > 0 && l.n_out > 0);
        let steps = Some(net.steps as usize).filter(|steps| serves && *steps > 0)?;
        let mut chain = Self {
            steps,
            spikes,
            layers,
            batch: 0,
            groups: Vec::new(),
            counts: Vec::new(),
        };
        chain.load(&net.weights);
        Some(chain)
    }

    /// Takes over `weights`, all of the network's.
    ///
    /// # Panics
    ///
    /// If they are too few.
    pub fn load(&mut self, weights: &[f32]) {
        let blocks = self.layers.iter_mut().flat_map(|layer| {
            let matrix = &weights[layer.weight.clone()];
            let bias = &weights[layer.bias.clone()];
            let (n_in, n_out) = (layer.n_in, layer.n_out);
            for (block, (start, width)) in layer.by_input.iter_mut().zip(Layer::cut(n_in)) {
                let rows = block.chunks_exact_mut(width).zip(matrix.chunks_exact(n_in));
                for (to, row) in rows {
                    let row = &row[start..n_in.min(start + width)];
                    to[..row.len()].copy_from_slice(row);
                }
            }
            layer.blocks.iter_mut().map(move |block| {
                let outputs = block.start..n_out.min(block.start + block.width);
                let bias = &bias[outputs.clone()];
                block.bias[..bias.len()].copy_from_slice(bias);
                (
                    block,
                    &matrix[outputs.start * n_in..outputs.end * n_in],
                    n_in,
                )
            })
        });
        threads::for_each(
            blocks,
            || (),
            |(), (block, matrix, n_in)| {
                let rows = matrix.len() / n_in;
                transpose(matrix, rows, n_in, &mut block.weights, block.width);
            },
        );
    }

    /// Makes groups for a batch of `batch` samples.
    fn regroup(&mut self, batch: usize) {
        if self.batch == batch {
            return;
        }
        self.batch = batch;
        let most = (ROWS / self.steps).max(1);
        let group = |first: usize| {
            let samples = most.min(batch - first);
            let rows = samples * self.steps;
            let layers = self.layers.iter().enumerate().map(|(l, layer)| {
                let from_values = l == 0 && !self.spikes;
                let (inputs, grads) = match from_values {
                    true => (0, samples),
                    false => (rows, 64 * words(rows)),
                };
                let mut input_t = vec![0; (layer.n_in + 1) * words(rows)];
                for (i, word) in input_t.iter_mut().rev().take(words(rows)).enumerate() {
                    let at = words(rows) - 1 - i;
                    *word = u64::MAX >> (64 - (rows - at * 64).min(64));
                }
                let blocks =
                    |rows: usize| layer.blocks.iter().map(move |b| Lines::new(rows * b.width));
                GroupLayer {
                    input: vec![0; inputs * words(layer.n_in)],
                    input_t,
                    h: blocks(rows).collect(),
                    grad_y: blocks(grads).collect(),
                }
            });
            let n_out = self.layers.last().map_or(0, |layer| layer.n_out);
            Group {
                first,
                samples,
                layers: layers.collect(),
                output: vec![0; rows * words(n_out)],
                counts: vec![0; samples * n_out],
            }
        };
        self.groups = (0..batch).step_by(most).map(group).collect();
    }
}

/// `from` `[rows, cols]` as `[cols, stride]` in `to`, whose columns past `rows` it leaves.
fn transpose(from: &[f32], rows: usize, cols: usize, to: &mut [f32], stride: usize) {
    // Squares of lines that stay in the first-level cache.
    for start in (0..cols).step_by(16) {
        for r in 0..rows {
            let row = &from[r * cols..][start..cols.min(start + 16)];
            for (to, x) in to[start * stride..].chunks_mut(stride).zip(row) {
                to[r] = *x;
            }
        }
    }
}
