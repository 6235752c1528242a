//! Division by a constant in f32, correctly rounded, without a divider.
//!
//! With `z = 1 / tau` split into `z_h`, rounded to f32 towards zero, and `z_l`, the rest rounded to nearest, the
//! kernels compute
//!
//! ```text
//! q = fma(x, z_h, x * z_l)
//! ```
//!
//! Before its last rounding that is within `2^-46 |x / tau|` of the quotient: `z_l` is off by `2^-24 |z_l|` at most,
//! the product is rounded to within `2^-24 |x z_l|`, and `|z_l| <= 2^-23 |z|`. So `q` is the quotient rounded to
//! nearest unless a midpoint of two neighbouring f32 lies that close to the quotient. With the significands of x and
//! tau as integers X and B of 24 bits, a midpoint is `M / 2^k` with an odd M of 25 bits, k = 24 where X >= B and 25
//! otherwise, and the distance is `|D| / (B 2^k)` with the integer `D = X 2^k - M B`. It is never 0, because `2^k` does
//! not divide B, and it is that small only where `|D| <= 2^(k - 22)`. For each such D there are few X, found from
//! `M B = -D (mod 2^k)`; [`Reciprocal::of`] tries all of them. See N. Brisebarre, J.-M. Muller and S. K. Raina,
//! "Accelerating correctly rounded floating-point division when the divisor is known in advance", IEEE Transactions on
//! Computers 53(8), 2004.
//!
//! `z_h` and `z_l` have one sign, so zeros, infinities and NaN come out as division has them. Below
//! [`Reciprocal::SMALLEST`] a product could lose bits to underflow: the kernels divide there.

/// How the kernels divide by a time constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Divide {
    /// Multiply by the reciprocal: tau is a power of two.
    Exact(f32),
    /// The reciprocal in two parts.
    Parts(Reciprocal),
    /// Divide.
    Hardware,
}

/// A reciprocal in two parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reciprocal {
    /// `1 / tau` rounded towards zero.
    pub(super) high: f32,
    /// What is left.
    pub(super) low: f32,
}

/// Bits of a significand.
const BITS: u32 = 24;

impl Divide {
    /// How to divide by `tau`.
    pub(super) fn by(tau: f32) -> Self {
        let (significand, exponent) = split(tau);
        if !tau.is_finite() || !(-30..=30).contains(&exponent) {
            Self::Hardware
        } else if significand == 1 << (BITS - 1) {
            Self::Exact(1.0 / tau)
        } else {
            Reciprocal::of(tau).map_or(Self::Hardware, Self::Parts)
        }
    }
}

impl Reciprocal {
    /// The magnitude of the dividend below which the kernels divide.
    pub(super) const SMALLEST: f32 = f32::from_bits((127 - 60) << 23);

    /// The reciprocal of `tau`, unless some dividend would be rounded wrongly with it.
    ///
    /// `tau` is finite, not a power of two, and its exponent within -30 to 30.
    pub(super) fn of(tau: f32) -> Option<Self> {
        let parts = Self::split(tau);
        let (b, _) = split(tau);
        let scaled = b as f32;
        let right = |x: u64| {
            let x = x as f32;
            let here = Self::split(scaled);
            here.quotient(x) == x / scaled
        };
        // Scaling x and tau by powers of two scales every step, so the significands stand for all.
        [(24, true), (25, false)]
            .into_iter()
            .all(|(k, above)| critical(u64::from(b), k, above).into_iter().all(right))
            .then_some(parts)
    }

    fn split(tau: f32) -> Self {
        // f64 holds the nearest f64 to 1 / tau, 2^-53 off: too little to move either part by more than the bound allows.
        let z = 1.0 / f64::from(tau);
        let nearest = z as f32;
        let high = if f64::from(nearest).abs() > z.abs() {
            f32::from_bits(nearest.to_bits() - 1)
        } else {
            nearest
        };
        Self {
            high,
            low: (z - f64::from(high)) as f32,
        }
    }

    /// `x / tau` as the kernels compute it.
    fn quotient(self, x: f32) -> f32 {
        x.mul_add(self.high, x * self.low)
    }
}

/// The significand of `x` as an integer of 24 bits, and its exponent.
fn split(x: f32) -> (u32, i32) {
    let bits = x.to_bits();
    let exponent = (bits >> 23 & 0xff) as i32 - 127;
    (bits & 0x7f_ffff | 1 << 23, exponent)
}

/// The significands X whose quotient by `b` is so close to a midpoint that it could be rounded wrongly; `above` says
/// whether `X >= b`.
fn critical(b: u64, k: u32, above: bool) -> Vec<u64> {
    let mut found = Vec::new();
    let most = 1i64 << (k - 22);
    let zeros = b.trailing_zeros();
    let odd = b >> zeros;
    // The inverse of `odd` modulo 2^64 by Newton's method, from one that holds modulo 2^3.
    let inverse = (0..5).fold(odd, |y, _| {
        y.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(y)))
    });
    for d in (-most..=most).filter(|d| *d != 0) {
        if d.trailing_zeros() < zeros {
            continue;
        }
        let modulus = 1u64 << (k - zeros);
        let first = ((-d >> zeros) as u64).wrapping_mul(inverse) % modulus;
        let midpoints = (first..1 << (BITS + 1)).step_by(modulus as usize);
        for m in midpoints.filter(|m| m % 2 == 1 && *m > 1 << BITS) {
            // M B + D is a multiple of 2^k.
            let x = (m * b).wrapping_add_signed(d) >> k;
            if (1 << (BITS - 1)..1 << BITS).contains(&x) && (x >= b) == above {
                found.push(x);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAUS: [f32; 9] = [
        1.7,
        100.0 / 3.0,
        3.0,
        10.0,
        1.1,
        0.7,
        -2.5,
        1.999_999_9,
        5.0,
    ];

    #[test]
    fn parts_round_every_significand_as_division_does() {
        for tau in [1.7f32, 100.0 / 3.0] {
            let Divide::Parts(parts) = Divide::by(tau) else {
                panic!("{tau} has no parts");
            };
            for bits in 0..1u32 << 23 {
                let x = f32::from_bits(127 << 23 | bits);
                assert_eq!(parts.quotient(x), x / tau, "{x} / {tau}");
            }
        }
    }

    #[test]
    fn special_values_come_out_as_division_has_them() {
        for tau in TAUS {
            let Divide::Parts(parts) = Divide::by(tau) else {
                continue;
            };
            let values = [0.0, f32::INFINITY, f32::MAX, Reciprocal::SMALLEST];
            for x in values.into_iter().flat_map(|x| [x, -x]) {
                assert_eq!(
                    parts.quotient(x).to_bits(),
                    (x / tau).to_bits(),
                    "{x} / {tau}"
                );
            }
            assert!(parts.quotient(f32::NAN).is_nan());
        }
    }

    /// The search for dividends near a midpoint against one through all of them, on the distance alone.
    #[test]
    fn the_critical_dividends_are_all_found() {
        for tau in [1.7f32, 3.0, 1.5, 1.25] {
            let (b, _) = split(tau);
            let b = u64::from(b);
            for (k, above) in [(24, true), (25, false)] {
                let mut want = Vec::new();
                for x in 1u64 << 23..1 << 24 {
                    // The nearest odd multiples of b.
                    let m = (x << k) / b;
                    let near = |m: u64| {
                        let d = (x << k).abs_diff(m * b);
                        m % 2 == 1 && m > 1 << 24 && m < 1 << 25 && d <= 1 << (k - 22)
                    };
                    if (x >= b) == above && (near(m) || near(m + 1)) {
                        want.push(x);
                    }
                }
                let mut got = critical(b, k, above);
                got.sort_unstable();
                got.dedup();
                assert_eq!(got, want, "{tau} {k}");
            }
        }
    }

    #[test]
    fn powers_of_two_multiply() {
        assert_eq!(Divide::by(2.0), Divide::Exact(0.5));
        assert_eq!(Divide::by(-4.0), Divide::Exact(-0.25));
        assert_eq!(Divide::by(f32::MAX), Divide::Hardware);
        assert_eq!(Divide::by(f32::INFINITY), Divide::Hardware);
    }
}
