//! Spikes as bits, 64 neurons to a word, neuron 0 in the lowest bit; unused bits are 0.

/// Words for the spikes of `n` neurons.
pub(super) const fn words(n: usize) -> usize {
    n.div_ceil(64)
}

/// The word with bit `i` where `flags[i]` is 1; all are 0 or 1.
#[inline(always)]
pub(super) fn pack(flags: &[u8; 64]) -> u64 {
    // The product moves the lowest bit of byte i to bit 56 + i.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut word = 0;
    for (i, bytes) in flags.as_chunks::<8>().0.iter().enumerate() {
        let byte = u64::from_le_bytes(*bytes).wrapping_mul(GATHER) >> 56;
        word |= byte << (8 * i);
    }
    word
}

/// The bits of the values in `x` that are not 0, in as many words as `to` holds.
#[inline(always)]
pub(super) fn pack_values(x: &[f32], to: &mut [u64]) {
    let (whole, rest) = x.as_chunks::<64>();
    let flags = |x: &[f32; 64]| {
        let mut flags = [0; 64];
        for (flag, x) in flags.iter_mut().zip(x) {
            *flag = u8::from(*x != 0.0);
        }
        pack(&flags)
    };
    for (x, to) in whole.iter().zip(&mut *to) {
        *to = flags(x);
    }
    if let Some(to) = to.get_mut(whole.len()) {
        let mut last = [0.0; 64];
        last[..rest.len()].copy_from_slice(rest);
        *to = flags(&last);
    }
}

/// `bits[r]` bit `c` as `bits[c]` bit `r` (Warren, Hacker's Delight, section 7-3).
#[inline(always)]
pub(super) fn transpose(bits: &mut [u64; 64]) {
    let mut half = 32;
    let mut mask = 0x0000_0000_ffff_ffff_u64;
    while half != 0 {
        let mut r = 0;
        while r < 64 {
            for k in r..r + half {
                let swap = ((bits[k] >> half) ^ bits[k + half]) & mask;
                bits[k] ^= swap << half;
                bits[k + half] ^= swap;
            }
            r += 2 * half;
        }
        half /= 2;
        mask ^= mask << half;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_values() {
        let x: Vec<f32> = (0..150).map(|i| f32::from(u8::from(i % 7 < 3))).collect();
        let mut to = [u64::MAX; 3];
        pack_values(&x, &mut to);
        for i in 0..192 {
            let bit = to[i / 64] >> (i % 64) & 1;
            assert_eq!(bit == 1, x.get(i).is_some_and(|x| *x != 0.0), "{i}");
        }
    }

    #[test]
    fn a_transposed_square_has_rows_for_columns() {
        let draw = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (i << 60);
        let mut bits: [u64; 64] = std::array::from_fn(|i| draw(i as u64));
        let before = bits;
        transpose(&mut bits);
        for (r, row) in bits.iter().enumerate() {
            for (c, column) in before.iter().enumerate() {
                assert_eq!(row >> c & 1, column >> r & 1);
            }
        }
    }
}
