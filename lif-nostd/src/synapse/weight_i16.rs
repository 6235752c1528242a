//! Weights of 16 bits (`docs/format.md`, section 6).

use super::Weight;

/// An i16 weight. Sums are 32-bit integers.
impl Weight for i16 {
    type Sum = i32;
    type Input = i8;

    #[inline]
    fn add_to(self, sum: i32) -> i32 {
        sum.wrapping_add(i32::from(self))
    }

    #[inline]
    fn weigh_to(self, x: i8, sum: i32) -> i32 {
        sum.wrapping_add(i32::from(self).wrapping_mul(i32::from(x)))
    }
}
