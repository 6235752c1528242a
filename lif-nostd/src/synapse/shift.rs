//! From a sum to a 32-bit current.

/// `sat32(sum * 2^k)`: a left shift saturates, a right shift rounds down.
#[inline]
#[must_use]
pub fn shift_to_i32(sum: i32, k: i8) -> i32 {
    let bits = u32::from(k.unsigned_abs()).min(31);
    if k < 0 {
        return sum >> bits;
    }
    // Compared first, so that nothing is shifted out of 32 bits.
    if sum > i32::MAX >> bits {
        i32::MAX
    } else if sum < i32::MIN >> bits {
        i32::MIN
    } else {
        sum << bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_saturates_exactly() {
        for k in -31..=31i8 {
            for sum in [i32::MIN, -65537, -2, -1, 0, 1, 3, 4096, 32768, i32::MAX] {
                let wide = if k < 0 {
                    i64::from(sum) >> -i32::from(k)
                } else {
                    i64::from(sum) << k
                };
                let want = wide.clamp(i32::MIN.into(), i32::MAX.into());
                assert_eq!(i64::from(shift_to_i32(sum, k)), want, "{sum} {k}");
            }
        }
    }
}
