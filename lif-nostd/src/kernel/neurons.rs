//! Words of integer LIF neurons: charge, fire, reset of up to 32 at a time, in the portable text.

use crate::scalar::saturate_i16;

/// The leak factor of 1/2.
pub(crate) const HALF: u32 = 1 << 15;

/// Whether doubled currents save time on this core; elsewhere no kernel takes them.
pub(crate) const TAKES_DOUBLED: bool = cfg!(lif_kernel = "dsp");

/// Constants of i16 neurons.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constants {
    /// Leak factor `a`, at most 65536.
    pub(crate) leak: u32,
    /// Threshold.
    pub(crate) v_threshold: i16,
    /// Membrane after a spike; none for a soft reset.
    pub(crate) v_reset: Option<i16>,
}

/// One time step of i16 neurons with membranes `v` and currents `c`: `spikes` gets one bit a neuron.
///
/// `doubled` says that the currents are twice what they stand for, which is for a leak factor of 1/2 alone: then
/// `(v + 2 c) >> 1` is the charge, without saturation.
pub(crate) fn step(k: &Constants, v: &mut [i16], c: &[i16], spikes: &mut [u32], doubled: bool) {
    if !super::step_words(k, v, c, spikes, doubled) {
        step_in_parts(k, v, c, spikes, doubled);
    }
}

/// The same in two parts: whole words, and what is left.
#[inline(never)]
fn step_in_parts(k: &Constants, v: &mut [i16], c: &[i16], spikes: &mut [u32], doubled: bool) {
    let words = (v.len() / 32).min(c.len() / 32).min(spikes.len());
    let (v, v_rest) = v.split_at_mut_checked(32 * words).unwrap_or_default();
    let (c, c_rest) = c.split_at_checked(32 * words).unwrap_or_default();
    let (spikes, spikes_rest) = spikes.split_at_mut_checked(words).unwrap_or_default();
    if !super::step_words(k, v, c, spikes, doubled) {
        step_portable(k, v, c, spikes, doubled);
    }
    step_portable(k, v_rest, c_rest, spikes_rest, doubled);
}

/// The same for whole words of 32 neurons: false where they are none, and nothing was done.
#[cfg(lif_kernel = "wide")]
pub(crate) fn step_words(
    k: &Constants,
    v: &mut [i16],
    c: &[i16],
    spikes: &mut [u32],
    doubled: bool,
) -> bool {
    let n = spikes.len().wrapping_mul(32);
    if v.len() != n || c.len() != n {
        return false;
    }
    step_portable(k, v, c, spikes, doubled);
    true
}

/// The same in the portable text.
#[inline(never)]
pub(crate) fn step_portable(
    k: &Constants,
    v: &mut [i16],
    c: &[i16],
    spikes: &mut [u32],
    doubled: bool,
) {
    let threshold = i32::from(k.v_threshold);
    // What a spike leaves of the membrane, as a mask, and what it takes from that.
    let (keep, take) = match k.v_reset {
        Some(v_reset) => (0, -i32::from(v_reset)),
        None => (-1, threshold),
    };
    let mut neurons = v.iter_mut().zip(c);
    for word in spikes {
        let mut bits = 0;
        // Each neuron's bit, until it is shifted out.
        let mut bit = 1u32;
        while bit != 0 {
            let Some((v, c)) = neurons.next() else {
                break;
            };
            let (membrane, c) = (i32::from(*v), i32::from(*c));
            let charged = if doubled {
                (membrane + c) >> 1
            } else {
                // At most 2^31 in magnitude, and that only below 0.
                ((k.leak as i32).wrapping_mul(membrane) >> 16) + c
            };
            let mut h = i32::from(saturate_i16(charged));
            if h >= threshold {
                bits |= bit;
                h = i32::from(saturate_i16((h & keep) - take));
            }
            *v = h as i16;
            bit <<= 1;
        }
        *word = bits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuron::Lif;
    use crate::scalar::FixedLeak;

    #[test]
    fn words_step_like_neurons() {
        let mut state = 7u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        for leak in [0, 1, 20_000, 32_768, 47_841, 65_535, 65_536] {
            for v_reset in [Some(0), Some(-1234), None] {
                for n in [1, 31, 32, 33, 70] {
                    let v_threshold = random() as i16 / 2;
                    let k = Constants {
                        leak,
                        v_threshold,
                        v_reset,
                    };
                    let lif = Lif::<i16> {
                        leak: FixedLeak::to_zero(leak),
                        v_threshold,
                        v_reset,
                        decay_input: false,
                    };
                    let mut v = [0i16; 70];
                    v.fill_with(|| random() as i16);
                    let mut c = [0i16; 70];
                    c.fill_with(|| random() as i16);
                    for doubled in [false, true] {
                        if doubled && leak != 32_768 {
                            continue;
                        }
                        let c = if doubled { c.map(|c| c / 4 * 2) } else { c };
                        let (mut got, mut want) = (v, v);
                        let mut spikes = [!0u32; 3];
                        step(&k, &mut got[..n], &c[..n], &mut spikes, doubled);
                        for i in 0..n {
                            let c = if doubled { c[i] / 2 } else { c[i] };
                            let fired = lif.step(&mut want[i], c);
                            assert_eq!(spikes[i / 32] >> (i % 32) & 1 == 1, fired, "{k:?} {i}");
                        }
                        assert_eq!(got, want, "{k:?} {n}");
                        let bits = |w: u32| w.count_ones();
                        let last = spikes[n.div_ceil(32) - 1].checked_shr(n as u32 % 32);
                        assert!(n % 32 == 0 || bits(last.unwrap_or(0)) == 0);
                        assert!(spikes[n.div_ceil(32)..].iter().all(|w| *w == 0));
                    }
                }
            }
        }
    }
}
