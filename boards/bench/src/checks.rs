//! The kernels against the definition, neuron by neuron and weight by weight, on the core that they are for.

use lif_nostd::Spikes;
use lif_nostd::neuron::{Lif, Spiking};
use lif_nostd::scalar::{FixedLeak, FloatLeak, Scalar};
use lif_nostd::synapse::{BLOCK, Linear, Sums, shift_to_i16};

use crate::Random;

/// Neurons: whole words, and a part of one.
const N: usize = 70;

/// All checks; the name of what is not as it should be.
pub fn all() -> Result<(), &'static str> {
    let mut random = Random(7);
    for _ in 0..20 {
        for leak in [0, 1, 20_000, 32_767, 32_768, 47_841, 65_535, 65_536] {
            i16s(&mut random, leak)?;
            i32s(&mut random, leak)?;
        }
        f32s(&mut random)?;
        rows(&mut random)?;
    }
    Ok(())
}

/// Whether `step_block` does what the neurons do one by one. NaN counts as one value.
fn agrees<S: Scalar>(
    lif: &Lif<S>,
    start: &[S; N],
    c: &[S; N],
    bits: impl Fn(S) -> u32,
    step_block: impl FnOnce(&mut [S], &[S], &mut [u32]),
) -> bool {
    let mut got = *start;
    let mut spikes = [!0; N.div_ceil(32) + 1];
    step_block(&mut got, c, &mut spikes);
    let mut want = *start;
    let mut want_spikes = [0; N.div_ceil(32) + 1];
    Spiking::step_all(lif, &mut want, c.iter().copied(), &mut want_spikes);
    let same = |(a, b): (&S, &S)| bits(*a) == bits(*b);
    spikes == want_spikes && got.iter().zip(&want).all(same)
}

fn i16s(random: &mut Random, a: u32) -> Result<(), &'static str> {
    const EXTREMES: [i16; 6] = [i16::MIN, i16::MIN + 1, -1, 0, 1, i16::MAX];
    let mut any = || match random.next() % 8 {
        0 => EXTREMES[random.next() as usize % EXTREMES.len()],
        _ => random.next() as i16,
    };
    let v = core::array::from_fn(|_| any());
    let c: [i16; N] = core::array::from_fn(|_| any());
    for v_reset in [Some(0), Some(any()), None] {
        for v_threshold in [any(), any().saturating_abs(), 300] {
            let lif = Lif::<i16> {
                leak: FixedLeak::to_zero(a),
                v_threshold,
                v_reset,
                decay_input: false,
            };
            let bits = |x: i16| x as u32;
            if !agrees(&lif, &v, &c, bits, |v, c, s| lif.step_block(v, c, s)) {
                return Err("i16 neurons");
            }
            let halved = c.map(|c| c / 2);
            let doubled = halved.map(|c| c * 2);
            if a == 32_768
                && !agrees(&lif, &v, &halved, bits, |v, _, s| {
                    lif.step_block_doubled(v, &doubled, s);
                })
            {
                return Err("i16 neurons with doubled currents");
            }
        }
    }
    Ok(())
}

fn i32s(random: &mut Random, a: u32) -> Result<(), &'static str> {
    const EXTREMES: [i32; 8] = [i32::MIN, i32::MIN + 1, -65536, -1, 0, 1, 65535, i32::MAX];
    let mut any = || match random.next() % 8 {
        0 => EXTREMES[random.next() as usize % EXTREMES.len()],
        _ => (random.next() << 16 | random.next()) as i32,
    };
    let v = core::array::from_fn(|_| any());
    let c = core::array::from_fn(|_| any());
    for v_reset in [Some(0), Some(any()), None] {
        for v_threshold in [any(), any().saturating_abs(), i32::MIN] {
            let lif = Lif::<i32> {
                leak: FixedLeak::to_zero(a),
                v_threshold,
                v_reset,
                decay_input: false,
            };
            if !agrees(
                &lif,
                &v,
                &c,
                |x| x as u32,
                |v, c, s| lif.step_block(v, c, s),
            ) {
                return Err("i32 neurons");
            }
        }
    }
    Ok(())
}

fn f32s(random: &mut Random) -> Result<(), &'static str> {
    const EXTREMES: [f32; 12] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        1e-45,
        -1e-45,
    ];
    let mut any = || match random.next() % 4 {
        0 => EXTREMES[random.next() as usize % EXTREMES.len()],
        1 => f32::from_bits(random.next() << 16 | random.next()),
        _ => random.next() as i16 as f32 / 4096.0,
    };
    let v = core::array::from_fn(|_| any());
    let x = core::array::from_fn(|_| any());
    for v_reset in [Some(0.0), Some(-0.0), Some(-0.5), Some(any()), None] {
        for (v_threshold, v_leak) in [(1.0, 0.0), (-0.0, -0.0), (any(), any()), (0.5, -0.5)] {
            for (tau, decay_input) in [(2.0, false), (3.7, false), (3.7, true), (any(), true)] {
                let lif = Lif::<f32> {
                    leak: FloatLeak { tau, v_leak },
                    v_threshold,
                    v_reset,
                    decay_input,
                };
                let bits = |x: f32| if x.is_nan() { !0 } else { x.to_bits() };
                if !agrees(&lif, &v, &x, bits, |v, x, s| lif.step_block(v, x, s)) {
                    return Err("f32 neurons");
                }
            }
        }
    }
    Ok(())
}

/// Layers of three blocks.
fn rows(random: &mut Random) -> Result<(), &'static str> {
    const N_IN: usize = 150;
    const N_OUT: usize = 3 * BLOCK;
    #[repr(align(16))]
    struct Aligned([u8; N_IN * N_OUT]);
    let mut weights = Aligned([0; N_IN * N_OUT]);
    // Sums fit 16 bits.
    weights.0.fill_with(|| (random.next() % 255 + 1) as u8);
    let bias: [i32; N_OUT] = core::array::from_fn(|_| random.next() as i32 % 4000 - 2000);
    let n_in = 1 + random.next() as usize % N_IN;
    let percent = [0, 3, 20, 60, 100][random.next() as usize % 5];
    let mut words = [0; N_IN.div_ceil(32)];
    for i in 0..n_in {
        words[i / 32] |= u32::from(random.next() % 100 < percent) << (i % 32);
    }
    let spikes = Spikes::new(&words, n_in);
    let weights = &weights.0[..n_in * N_OUT];
    for shift in [-20, -3, 0, 1, 20] {
        for kind in [Sums::Lanes, Sums::Wide] {
            let mut sums = [7; N_OUT];
            let sums = &mut sums[..kind.words(N_OUT)];
            Linear::new(n_in, weights).currents_i16(spikes, &bias, shift, kind, sums);
            for (o, bias) in bias.iter().enumerate() {
                let weight = |i| i32::from(weights[((o / 16) * n_in + i) * 16 + o % 16]) - 128;
                let sum = bias + spikes.indices().map(weight).sum::<i32>();
                let got = (sums[o / 2] >> (16 * (o % 2))) as i16;
                if got != shift_to_i16(sum, shift) {
                    return Err("currents");
                }
            }
        }
    }
    Ok(())
}
