//! The number types of training.

use crate::cpu::{Dense, Float, linear_backward, linear_forward};

/// A number type that a network can be trained in: `f32`, or `f64` to check gradients.
pub trait Number: Float + Default + Send + Sync + std::iter::Sum {
    /// Zero.
    const NIL: Self;
    /// One.
    const UNIT: Self;

    /// The nearest number of this type, ties to even.
    fn of(x: f64) -> Self;

    /// The same number in f64.
    fn wide(self) -> f64;

    /// Square root, correctly rounded.
    #[must_use]
    fn root(self) -> Self;

    /// e to the power of `self`, by the `libm` crate's function of this type.
    #[must_use]
    fn exponential(self) -> Self;

    /// `y` `[R, out]` of fully connected synapses, see [`linear_forward`]: bias first, then the inputs in ascending
    /// order.
    fn forward(w_t: &[Self], bias: &[Self], x: &[Self], kind: Dense, y: &mut [Self]);

    /// Gradients of fully connected synapses, see [`linear_backward`].
    fn backward(
        w: &[Self],
        x: &[Self],
        grad_y: &[Self],
        grad_w_t: &mut [Self],
        grad_bias: &mut [Self],
        grad_x: Option<&mut [Self]>,
    );
}

impl Number for f32 {
    const NIL: Self = 0.0;
    const UNIT: Self = 1.0;

    #[inline]
    fn of(x: f64) -> Self {
        x as Self
    }

    #[inline]
    fn wide(self) -> f64 {
        f64::from(self)
    }

    #[inline]
    fn root(self) -> Self {
        self.sqrt()
    }

    #[inline]
    fn exponential(self) -> Self {
        libm::expf(self)
    }

    fn forward(w_t: &[Self], bias: &[Self], x: &[Self], kind: Dense, y: &mut [Self]) {
        linear_forward(w_t, bias, x, kind, y);
    }

    fn backward(
        w: &[Self],
        x: &[Self],
        grad_y: &[Self],
        grad_w_t: &mut [Self],
        grad_bias: &mut [Self],
        grad_x: Option<&mut [Self]>,
    ) {
        linear_backward(w, x, grad_y, grad_w_t, grad_bias, grad_x);
    }
}

/// The plain loops of `docs/dynamics.md`, sections 5 and 6.3: for checks, not for speed.
impl Number for f64 {
    const NIL: Self = 0.0;
    const UNIT: Self = 1.0;

    #[inline]
    fn of(x: f64) -> Self {
        x
    }

    #[inline]
    fn wide(self) -> f64 {
        self
    }

    #[inline]
    fn root(self) -> Self {
        self.sqrt()
    }

    #[inline]
    fn exponential(self) -> Self {
        libm::exp(self)
    }

    fn forward(w_t: &[Self], bias: &[Self], x: &[Self], _: Dense, y: &mut [Self]) {
        let n_out = bias.len();
        let n_in = w_t.len() / n_out;
        for (x, y) in x.chunks_exact(n_in).zip(y.chunks_exact_mut(n_out)) {
            y.copy_from_slice(bias);
            for (x, row) in x.iter().zip(w_t.chunks_exact(n_out)) {
                add_scaled(y, *x, row);
            }
        }
    }

    fn backward(
        w: &[Self],
        x: &[Self],
        grad_y: &[Self],
        grad_w_t: &mut [Self],
        grad_bias: &mut [Self],
        grad_x: Option<&mut [Self]>,
    ) {
        let n_out = grad_bias.len();
        let n_in = w.len() / n_out;
        let rows = x.chunks_exact(n_in).zip(grad_y.chunks_exact(n_out));
        for (x, grad_y) in rows {
            add_scaled(grad_bias, 1.0, grad_y);
            for (x, row) in x.iter().zip(grad_w_t.chunks_exact_mut(n_out)) {
                add_scaled(row, *x, grad_y);
            }
        }
        let Some(grad_x) = grad_x else { return };
        let rows = grad_x.chunks_exact_mut(n_in);
        for (grad_x, grad_y) in rows.zip(grad_y.chunks_exact(n_out)) {
            grad_x.fill(0.0);
            for (g, row) in grad_y.iter().zip(w.chunks_exact(n_in)) {
                add_scaled(grad_x, *g, row);
            }
        }
    }
}

/// `to += a * from`.
fn add_scaled(to: &mut [f64], a: f64, from: &[f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += a * from;
    }
}

/// `w` `[rows, cols]` as `[cols, rows]`, into `out`.
pub(super) fn transpose_into<F: Number>(w: &[F], rows: usize, cols: usize, out: &mut Vec<F>) {
    out.resize(w.len(), F::NIL);
    for (r, row) in w.chunks_exact(cols).enumerate() {
        for (c, x) in row.iter().enumerate() {
            out[c * rows + r] = *x;
        }
    }
}

/// Whether every number is finite.
pub(super) fn all_finite<F: Number>(xs: &[F]) -> bool {
    // Times 0, finite numbers alone are 0, and so is the sum.
    xs.iter().map(|x| *x * F::NIL).sum::<F>() == F::NIL
}
