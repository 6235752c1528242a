//! The backward of a chain: group by group to the gradients on the currents, then weights by inputs and outputs.

use super::forward::TransposeBits;
use super::{Block, Chain, Group, Layer, tile};
use crate::cpu::kernels::Back;
use crate::cpu::products::{AddRows, BLOCK, Weigh};
use crate::cpu::simd;
use crate::cpu::threads;

/// Inputs of a piece of the gradients on weights.
const INPUTS: usize = 128;

impl Chain {
    /// Gradients of all weights into `grad`, after a forward over `x`, from those on the output spikes
    /// `[B, out]`, which are the same in every step.
    pub fn backward(&mut self, x: &[f32], grad_output: &[f32], grad: &mut [f32]) {
        let (layers, steps, spikes) = (&self.layers, self.steps, self.spikes);
        threads::for_each(self.groups.iter_mut(), Vec::new, |scratch, group| {
            for (l, layer) in layers.iter().enumerate().rev() {
                let held = l == 0 && !spikes;
                group.backward(
                    l,
                    layer,
                    layers.get(l + 1),
                    (steps, held),
                    grad_output,
                    scratch,
                );
            }
        });
        let groups = &self.groups;
        let pieces = self.layers.iter_mut().enumerate().flat_map(|(l, layer)| {
            let n_in = layer.n_in;
            let blocks = layer.blocks.iter_mut().enumerate();
            blocks.flat_map(move |(at, block)| {
                let Block { width, grad, .. } = block;
                let pieces = grad.chunks_mut(INPUTS * *width).enumerate();
                let width = *width;
                pieces.map(move |(piece, sums)| Piece {
                    layer: l,
                    block: at,
                    first: piece * INPUTS,
                    n_in,
                    width,
                    sums,
                })
            })
        });
        threads::for_each(pieces, Vec::new, |factors, piece| match piece.layer {
            0 if !spikes => piece.weigh(groups, x, factors),
            _ => piece.add(groups),
        });
        for layer in &self.layers {
            let Layer { n_in, n_out, .. } = *layer;
            for block in &layer.blocks {
                let outputs = block.start..n_out.min(block.start + block.width);
                let (weights, bias) = block.grad.split_at(n_in * block.width);
                let to = &mut grad[layer.weight.clone()][outputs.start * n_in..outputs.end * n_in];
                transpose_back(weights, block.width, n_in, to);
                grad[layer.bias.clone()][outputs.clone()].copy_from_slice(&bias[..outputs.len()]);
            }
        }
    }
}

/// `from` `[n_in, width]` as `[outputs, n_in]` in `to`.
fn transpose_back(from: &[f32], width: usize, n_in: usize, to: &mut [f32]) {
    let outputs = to.len() / n_in;
    for start in (0..n_in).step_by(16) {
        let rows = start..n_in.min(start + 16);
        for o in 0..outputs {
            let to = &mut to[o * n_in..][rows.clone()];
            for (to, row) in to.iter_mut().zip(from[start * width..].chunks_exact(width)) {
                *to = row[o];
            }
        }
    }
}

impl Group {
    /// Gradients on the currents of layer `l`, from those of the layer `above`, or from `grad_output` `[B, out]`.
    fn backward(
        &mut self,
        l: usize,
        layer: &Layer,
        above: Option<&Layer>,
        (steps, held): (usize, bool),
        grad_output: &[f32],
        grad_s: &mut Vec<f32>,
    ) {
        let (below, from) = self.layers.split_at_mut(l + 1);
        let this = &mut below[l];
        for (at, block) in layer.blocks.iter().enumerate() {
            let width = block.width;
            grad_s.clear();
            match (above, from.first()) {
                (Some(above), Some(next)) => {
                    grad_s.resize(self.samples * steps * width, 0.0);
                    for (above_block, grad_y) in above.blocks.iter().zip(&next.grad_y) {
                        simd::run(Weigh {
                            factors: grad_y,
                            stride: above_block.width,
                            block: &above.by_input[at][above_block.start * width..],
                            start: None,
                            width,
                            sums: grad_s,
                        });
                    }
                }
                _ => {
                    grad_s.resize(self.samples * width, 0.0);
                    let rows = grad_output[self.first * layer.n_out..].chunks_exact(layer.n_out);
                    for (to, row) in grad_s.chunks_exact_mut(width).zip(rows) {
                        let row = &row[block.start..layer.n_out.min(block.start + BLOCK)];
                        to[..row.len()].copy_from_slice(row);
                    }
                }
            }
            simd::run(tile::Backward {
                back: Back::new(layer.lif, layer.detach_reset),
                surrogate: layer.surrogate,
                steps,
                width,
                h: &this.h[at],
                grad_s: match above {
                    Some(_) => tile::GradSpikes::Each(grad_s),
                    None => tile::GradSpikes::Held(grad_s),
                },
                grad_y: &mut this.grad_y[at],
                held,
            });
        }
        if !held {
            simd::run(TransposeBits {
                from: &this.input,
                n: layer.n_in,
                to: &mut this.input_t,
            });
        }
    }
}

/// Gradients on the weights from some inputs, or on the biases as from an input that is always 1, to a block.
struct Piece<'a> {
    layer: usize,
    block: usize,
    /// First input.
    first: usize,
    n_in: usize,
    width: usize,
    sums: &'a mut [f32],
}

impl Piece<'_> {
    /// From spikes.
    fn add(self, groups: &[Group]) {
        let inputs = self.sums.len() / self.width;
        self.sums.fill(0.0);
        for group in groups {
            let layer = &group.layers[self.layer];
            let words = layer.input_t.len() / (self.n_in + 1);
            simd::run(AddRows {
                bits: &layer.input_t[self.first * words..][..inputs * words],
                words,
                block: &layer.grad_y[self.block],
                start: None,
                width: self.width,
                sums: self.sums,
            });
        }
    }

    /// From the values `x`, `[B, in]`.
    fn weigh(self, groups: &[Group], x: &[f32], factors: &mut Vec<f32>) {
        let inputs = self.sums.len() / self.width;
        self.sums.fill(0.0);
        for group in groups {
            factors.clear();
            factors.resize(inputs * group.samples, 1.0);
            let x = x[group.first * self.n_in..].chunks_exact(self.n_in);
            for (r, row) in x.take(group.samples).enumerate() {
                let row = &row[self.first..];
                for (factors, x) in factors.chunks_exact_mut(group.samples).zip(row) {
                    factors[r] = *x;
                }
            }
            simd::run(Weigh {
                factors,
                stride: group.samples,
                block: &group.layers[self.layer].grad_y[self.block],
                start: None,
                width: self.width,
                sums: self.sums,
            });
        }
    }
}
