//! Products of spikes, or of values, with rows of a matrix.
//!
//! A matrix of N columns is kept in blocks of 128 columns, the last one of 16, 32 or 64 if that is enough: block after
//! block, and in each, row after row. A block's sums stay in registers while its rows are added, and the 64 rows that a
//! word of bits chooses from fill most of a first-level cache.

use super::simd::{Simd, WithSimd};

/// Columns of a whole block.
pub(super) const BLOCK: usize = 128;

/// Columns of the block that holds columns from `start` on of `n`.
pub(super) const fn width(n: usize, start: usize) -> usize {
    match n - start {
        ..=16 => 16,
        17..=32 => 32,
        33..=64 => 64,
        _ => BLOCK,
    }
}

/// Calls `$f::<S, R>($simd, $args)` with R vectors to `$width` columns.
macro_rules! by_width {
    ($f:ident, $simd:ident: $s:ident, $width:expr, $args:expr) => {
        match $width / $s::F32_LANES {
            1 => $f::<$s, 1>($simd, $args),
            2 => $f::<$s, 2>($simd, $args),
            4 => $f::<$s, 4>($simd, $args),
            8 => $f::<$s, 8>($simd, $args),
            16 => $f::<$s, 16>($simd, $args),
            32 => $f::<$s, 32>($simd, $args),
            64 => $f::<$s, 64>($simd, $args),
            _ => $f::<$s, 128>($simd, $args),
        }
    };
}

/// `sums[r] = start + the rows of the block whose bits are set in bits[r]`, in ascending order.
pub(super) struct AddRows<'a> {
    /// `[rows of sums, words]`.
    pub(super) bits: &'a [u64],
    pub(super) words: usize,
    /// `[64 * words, width]`.
    pub(super) block: &'a [f32],
    /// What sums start at, `[width]`; what they are, if there is none.
    pub(super) start: Option<&'a [f32]>,
    pub(super) width: usize,
    /// `[rows of sums, width]`.
    pub(super) sums: &'a mut [f32],
}

impl WithSimd for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        by_width!(add_rows, simd: S, self.width, self);
    }
}

#[inline(always)]
fn add_rows<S: Simd, const R: usize>(simd: S, args: AddRows<'_>) {
    let start = args.start.and_then(|start| vectors::<S, R>(start).first());
    let (squares, _) = vectors::<S, R>(args.block).as_chunks::<64>();
    let (sums, _) = S::as_mut_simd_f32s(args.sums);
    let (sums, _) = sums.as_chunks_mut::<R>();
    for (at, rows) in squares.iter().enumerate() {
        let start = start.filter(|_| at == 0);
        for (bits, sums) in args.bits.chunks_exact(args.words).zip(&mut *sums) {
            let mut local = *start.unwrap_or(sums);
            let mut word = bits[at];
            while word != 0 {
                let row = &rows[word.trailing_zeros() as usize & 63];
                word &= word - 1;
                for (sum, x) in local.iter_mut().zip(row) {
                    *sum = simd.add_f32s(*sum, *x);
                }
            }
            *sums = local;
        }
    }
}

/// `sums[r] = start + the sum over i of factors[r][i] * block[i]`, i ascending, product and sum rounded apart.
pub(super) struct Weigh<'a> {
    /// Row r starts at `r * stride`; a row has as many as the block has rows.
    pub(super) factors: &'a [f32],
    pub(super) stride: usize,
    /// `[n, width]`.
    pub(super) block: &'a [f32],
    /// What sums start at, `[width]`; what they are, if there is none.
    pub(super) start: Option<&'a [f32]>,
    pub(super) width: usize,
    /// `[rows, width]`.
    pub(super) sums: &'a mut [f32],
}

impl WithSimd for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        by_width!(weigh, simd: S, self.width, self);
    }
}

#[inline(always)]
fn weigh<S: Simd, const R: usize>(simd: S, args: Weigh<'_>) {
    let start = args.start.and_then(|start| vectors::<S, R>(start).first());
    let block = vectors::<S, R>(args.block);
    let (sums, _) = S::as_mut_simd_f32s(args.sums);
    let (sums, _) = sums.as_chunks_mut::<R>();
    for (factors, sums) in args.factors.chunks(args.stride).zip(sums) {
        let mut local = *start.unwrap_or(sums);
        for (factor, row) in factors.iter().zip(block) {
            let factor = simd.splat_f32s(*factor);
            for (sum, x) in local.iter_mut().zip(row) {
                *sum = simd.add_f32s(*sum, simd.mul_f32s(factor, *x));
            }
        }
        *sums = local;
    }
}

/// Rows of R vectors each.
#[inline(always)]
fn vectors<S: Simd, const R: usize>(rows: &[f32]) -> &[[S::f32s; R]] {
    S::as_simd_f32s(rows).0.as_chunks().0
}
