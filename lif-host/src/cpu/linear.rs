//! Fully connected synapses: `y = bias + x W^T`, bias first, then the inputs in ascending order.

/// Whether zero inputs are left out of a sum, as a device leaves out neurons that did not spike.
///
/// With finite weights it makes no difference to any sum but the sign of a zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dense {
    /// Real-valued inputs: every one is multiplied and added.
    Values,
    /// Spikes, 0 or 1: the weights of those that are 1 are added.
    Spikes,
}

/// `w` `[rows, cols]` as `[cols, rows]`.
#[must_use]
pub fn transpose(w: &[f32], rows: usize, cols: usize) -> Vec<f32> {
    let mut out = vec![0.0; w.len()];
    for (r, row) in w.chunks_exact(cols).enumerate() {
        for (c, x) in row.iter().enumerate() {
            out[c * rows + r] = *x;
        }
    }
    out
}

/// `to += a * from`, without a fused multiply-add.
#[inline]
fn add_scaled(to: &mut [f32], a: f32, from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += a * from;
    }
}

/// `y` `[B, out]` from `x` `[B, in]`, the transposed weights `w_t` `[in, out]` and `bias` `[out]`.
pub fn linear_forward(w_t: &[f32], bias: &[f32], x: &[f32], kind: Dense, y: &mut [f32]) {
    let n_out = bias.len();
    let n_in = w_t.len() / n_out;
    for (x, y) in x.chunks_exact(n_in).zip(y.chunks_exact_mut(n_out)) {
        y.copy_from_slice(bias);
        for (x, row) in x.iter().zip(w_t.chunks_exact(n_out)) {
            if kind == Dense::Values || *x != 0.0 {
                add_scaled(y, *x, row);
            }
        }
    }
}

/// Adds to the gradients of transposed weights and biases, and writes that of the inputs if asked for.
///
/// `w` `[out, in]`, `x` `[B, in]`, `grad_y` `[B, out]`; `grad_w_t` `[in, out]` and `grad_bias` `[out]` are added to,
/// `grad_x` `[B, in]` is overwritten.
pub fn linear_backward(
    w: &[f32],
    x: &[f32],
    grad_y: &[f32],
    grad_w_t: &mut [f32],
    grad_bias: &mut [f32],
    grad_x: Option<&mut [f32]>,
) {
    let n_out = grad_bias.len();
    let n_in = w.len() / n_out;
    for (x, grad_y) in x.chunks_exact(n_in).zip(grad_y.chunks_exact(n_out)) {
        add_scaled(grad_bias, 1.0, grad_y);
        for (x, row) in x.iter().zip(grad_w_t.chunks_exact_mut(n_out)) {
            if *x != 0.0 {
                add_scaled(row, *x, grad_y);
            }
        }
    }
    let Some(grad_x) = grad_x else { return };
    for (grad_x, grad_y) in grad_x
        .chunks_exact_mut(n_in)
        .zip(grad_y.chunks_exact(n_out))
    {
        grad_x.fill(0.0);
        for (g, row) in grad_y.iter().zip(w.chunks_exact(n_in)) {
            add_scaled(grad_x, *g, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_and_backward_agree_with_the_definition() {
        let (n_in, n_out, b) = (3, 2, 2);
        let w = [1.0, -2.0, 3.0, 0.5, 0.25, -4.0];
        let x = [1.0, 0.0, 2.0, -1.0, 1.0, 0.5];
        let bias = [0.125, -0.5];
        let mut y = [0.0; 4];
        linear_forward(
            &transpose(&w, n_out, n_in),
            &bias,
            &x,
            Dense::Values,
            &mut y,
        );
        let grad_y = [1.0, -1.0, 2.0, 0.5];
        let (mut grad_w_t, mut grad_bias, mut grad_x) = ([0.0; 6], [0.0; 2], [9.0; 6]);
        linear_backward(
            &w,
            &x,
            &grad_y,
            &mut grad_w_t,
            &mut grad_bias,
            Some(&mut grad_x),
        );
        for r in 0..b {
            for o in 0..n_out {
                let want: f32 = bias[o]
                    + (0..n_in)
                        .map(|i| x[r * n_in + i] * w[o * n_in + i])
                        .sum::<f32>();
                assert_eq!(y[r * n_out + o], want);
            }
            for i in 0..n_in {
                let want: f32 = (0..n_out)
                    .map(|o| grad_y[r * n_out + o] * w[o * n_in + i])
                    .sum();
                assert_eq!(grad_x[r * n_in + i], want);
            }
        }
        for o in 0..n_out {
            assert_eq!(grad_bias[o], grad_y[o] + grad_y[n_out + o]);
            for i in 0..n_in {
                let want = grad_y[o] * x[i] + grad_y[n_out + o] * x[n_in + i];
                assert_eq!(grad_w_t[i * n_out + o], want);
            }
        }
    }
}
