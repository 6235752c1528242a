//! The arithmetic of quantisation, in f64: max, add, multiply, divide and round to the nearest even integer.

use lif_nostd::scalar::leak_factor;

use super::Error;
use crate::net::{Layer, Net};

/// Largest magnitude of an i8 weight.
const WEIGHT_MAX: f64 = 127.0;
/// What a folded threshold may be at most, in units of an i16 membrane.
const THRESHOLD_MAX: f64 = 16384.0;
/// What the shift aims at, so that a membrane reaches eight thresholds before it saturates.
const THRESHOLD_AIM: f64 = 4096.0;
/// Largest dead zone of the rounded-down leak, as a share of the threshold, that an i16 membrane may have.
const DEAD_ZONE_MAX: f64 = 1.0 / 64.0;

/// How far the sums of a layer can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The largest |acc + bias| that any input can produce.
    pub max_sum: u32,
}

impl Certificate {
    /// Bits between the largest sum and the range of a signed integer of `bits` bits; negative if it does
    /// not fit.
    #[must_use]
    pub const fn guard_bits(&self, bits: u32) -> i32 {
        bits as i32 - 1 - (u32::BITS - self.max_sum.leading_zeros()) as i32
    }
}

/// A layer in integers, with how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantLayer {
    /// Weights `[out, in]`.
    pub weights: Vec<i8>,
    /// Biases `[out]`, in units of the sum.
    pub bias: Vec<i32>,
    /// The current is the sum times 2^shift.
    pub shift: i8,
    /// Leak factor `a`, in units of 2^-16.
    pub leak: u32,
    /// Threshold, in units of the membrane.
    pub v_threshold: i16,
    /// Reset potential, in units of the membrane; none for a soft reset.
    pub v_reset: Option<i16>,
    /// f32 weight that one unit of an i8 weight stands for.
    pub scale: f64,
    /// Overflow certificate.
    pub certificate: Certificate,
    /// Where a negative membrane stalls without input, as a share of the threshold.
    pub dead_zone: f64,
}

/// Quantises the chain `net` layer by layer.
///
/// # Errors
///
/// [`Error::Net`] where it is not a chain of uniform layers, [`Error::Range`] where a value does not fit.
pub fn quantise(net: &Net) -> Result<Vec<QuantLayer>, Error> {
    let (_, input) = net.input()?;
    // A unit of the first layer's input is `step` raw units; later ones are spikes.
    let mut unit = f64::from(input.step) / f64::from(input.full_scale);
    let mut analog = true;
    let mut layers = Vec::new();
    for layer in net.layers()? {
        layers.push(quantise_layer(net, &layer, unit, analog)?);
        (unit, analog) = (1.0, false);
    }
    Ok(layers)
}

/// Parameters of a layer as one f64 each.
struct Params {
    tau: f64,
    v_threshold: f64,
    v_reset: Option<f64>,
    gain: f64,
}

fn params(layer: &Layer<'_>) -> Result<Params, Error> {
    let range = |problem: &str| Error::Range {
        node: layer.neuron.into(),
        problem: problem.into(),
    };
    let lif = layer
        .lif
        .uniform()
        .ok_or_else(|| range("parameters per channel or per neuron are not quantised yet"))?;
    let tau = f64::from(lif.leak.tau);
    Ok(Params {
        tau,
        v_threshold: f64::from(lif.v_threshold),
        v_reset: lif.v_reset.map(f64::from),
        gain: if lif.decay_input { 1.0 / tau } else { 1.0 },
    })
}

fn quantise_layer(
    net: &Net,
    layer: &Layer<'_>,
    unit: f64,
    analog: bool,
) -> Result<QuantLayer, Error> {
    let params = params(layer)?;
    let Params {
        tau,
        v_threshold,
        v_reset,
        gain,
    } = params;
    let range = |node: &str, problem: String| Error::Range {
        node: node.into(),
        problem,
    };
    let w = &net.weights[layer.weight.clone()];
    // Membrane of the float network that stands for one unit of scale 1 and shift 0.
    let fold = gain * unit;
    let largest = v_threshold.abs().max(v_reset.map_or(0.0, f64::abs)) / fold;
    let max_w = w.iter().fold(0.0, |m: f64, w| m.max(f64::from(w.abs())));
    let shift = shift_for(largest, max_w / WEIGHT_MAX);
    let power = pow2(shift);
    let mut scale = (max_w / WEIGHT_MAX).max(largest * power / THRESHOLD_MAX);
    if scale == 0.0 {
        scale = 1.0;
    }
    let weights: Vec<i8> = w
        .iter()
        .map(|w| (f64::from(*w) / scale).round_ties_even() as i8)
        .collect();
    // Membrane of the float network that one unit of the integer membrane stands for.
    let lsb = fold * scale / power;
    let pull = v_reset.unwrap_or(0.0) / tau;
    // A right shift rounds down: half a unit more, and it rounds to the nearest.
    let half = if shift < 0 { 0.5 / power } else { 0.0 };
    let mut bias = Vec::with_capacity(layer.n_out);
    for b in &net.weights[layer.bias.clone()] {
        let b = (f64::from(*b) * gain + pull) / (fold * scale) + half;
        let b = b.round_ties_even();
        if b.abs() > f64::from(1 << 30) {
            let problem = format!("a bias of {b} units does not fit 31 bits");
            return Err(range(layer.synapse, problem));
        }
        bias.push(b as i32);
    }
    let to_i16 = |x: f64, what: &str| {
        let units = (x / lsb).round_ties_even();
        if units.abs() <= THRESHOLD_MAX {
            Ok(units as i16)
        } else {
            let problem = format!("{what} of {units} units does not fit 16 bits");
            Err(range(layer.neuron, problem))
        }
    };
    let threshold = to_i16(v_threshold, "a threshold")?;
    let leak = leak_factor(tau);
    let dead_zone = dead_zone(&params, leak, threshold).map_err(|p| range(layer.neuron, p))?;
    Ok(QuantLayer {
        certificate: certify(&weights, &bias, layer, analog)?,
        weights,
        bias,
        shift,
        leak,
        v_threshold: threshold,
        v_reset: v_reset
            .map(|v| to_i16(v, "a reset potential"))
            .transpose()?,
        scale,
        dead_zone,
    })
}

/// Where a negative membrane stalls, as a share of the threshold, which is `units` units of the membrane.
///
/// Where that is too much, the error says which of the constants is to blame.
fn dead_zone(params: &Params, leak: u32, units: i16) -> Result<f64, String> {
    let Params {
        tau,
        v_threshold,
        v_reset,
        ..
    } = *params;
    let share = stall(leak) / f64::from(units).abs().max(1.0);
    if share <= DEAD_ZONE_MAX {
        return Ok(share);
    }
    // With the unit of the membrane chosen for the threshold alone, it has at least these.
    let alone = stall(leak) / (THRESHOLD_AIM / 2.0);
    Err(match v_reset {
        _ if v_threshold == 0.0 => {
            "the threshold is 0, and a 16-bit membrane has no unit for that; 32-bit ones are not there yet".into()
        }
        Some(v_reset) if alone <= DEAD_ZONE_MAX && v_reset.abs() > v_threshold.abs() => format!(
            "a reset to {v_reset} is so far from the threshold {v_threshold} that 16-bit membranes leave only \
             {units} units for the threshold, and a negative membrane stalls at {:.1} % of it; at most {:.1} % are \
             allowed",
            100.0 * share,
            100.0 * DEAD_ZONE_MAX
        ),
        _ => format!(
            "with tau = {tau} a negative membrane stalls at {:.1} % of the threshold; \
             16-bit membranes are for at most {:.1} %, and 32-bit ones are not there yet",
            100.0 * share,
            100.0 * DEAD_ZONE_MAX
        ),
    })
}

/// How far below 0 a membrane stalls without input, in its units, where the leak rounds down.
fn stall(leak: u32) -> f64 {
    match 65536u32.saturating_sub(leak) {
        0 => f64::INFINITY,
        part => f64::from(65535 / part),
    }
}

/// 2^k, exactly.
fn pow2(k: i8) -> f64 {
    f64::from_bits(((1023 + i64::from(k)) as u64) << 52)
}

/// The shift that brings the folded threshold closest to what it aims at from below.
fn shift_for(threshold: f64, scale: f64) -> i8 {
    if scale == 0.0 || threshold == 0.0 {
        return 0;
    }
    let mut shift = -31;
    while shift < 15 && threshold * pow2(shift + 1) <= THRESHOLD_AIM * scale {
        shift += 1;
    }
    shift
}

/// The largest sum over all inputs: binary ones, or i8 values where the input is `analog`.
fn certify(
    weights: &[i8],
    bias: &[i32],
    layer: &Layer<'_>,
    analog: bool,
) -> Result<Certificate, Error> {
    let (low, high) = if analog { (-128, 127) } else { (0, 1) };
    let mut max_sum = 0;
    for (row, b) in weights.chunks_exact(layer.n_in).zip(bias) {
        let (mut top, mut bottom) = (i64::from(*b), i64::from(*b));
        for w in row {
            let ends = (i64::from(*w) * low, i64::from(*w) * high);
            top += ends.0.max(ends.1);
            bottom += ends.0.min(ends.1);
        }
        max_sum = max_sum.max(top.unsigned_abs()).max(bottom.unsigned_abs());
    }
    match u32::try_from(max_sum) {
        Ok(max_sum) if max_sum <= i32::MAX as u32 => Ok(Certificate { max_sum }),
        _ => Err(Error::Range {
            node: layer.synapse.into(),
            problem: format!("sums of up to {max_sum} do not fit 32 bits"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{InputScale, LifParams, Param};
    use crate::surrogate::Surrogate;

    fn net(w: &[f32], bias: f32, v_reset: Option<f32>, tau: f32) -> Net {
        let input = InputScale {
            full_scale: 1.0,
            step: 1.0,
        };
        let mut net = Net::sequential("n", 4, w.len(), input)
            .linear(1)
            .lif(LifParams {
                tau: Param::Scalar(tau),
                v_threshold: Param::Scalar(1.0),
                v_reset: v_reset.map(Param::Scalar),
                decay_input: true,
                detach_reset: false,
                surrogate: Surrogate::default(),
            })
            .build()
            .unwrap();
        net.weights[..w.len()].copy_from_slice(w);
        net.weights[w.len()] = bias;
        net
    }

    #[test]
    fn a_known_layer() {
        // Scale 1/127; folded threshold 1 / (1/2) = 2, in units of the scale 254, times 2^4 = 4064.
        let q = &quantise(&net(&[1.0, -0.5], 0.25, Some(0.0), 2.0)).unwrap()[0];
        assert_eq!(q.weights, [127, -64]);
        assert_eq!((q.shift, q.v_threshold, q.v_reset), (4, 4064, Some(0)));
        assert_eq!(q.bias, [32]);
        assert_eq!(q.certificate.max_sum, 32 + 127 * 127 + 64 * 128);
        assert_eq!(q.leak, 32768);
    }

    #[test]
    fn a_right_shift_rounds_to_the_nearest() {
        let mut net = net(&[1.0, -0.5], 0.25, None, 2.0);
        let crate::net::NodeKind::Input(scale) = &mut net.nodes[0].kind else {
            unreachable!()
        };
        scale.full_scale = 1024.0;
        let q = &quantise(&net).unwrap()[0];
        assert_eq!((q.shift, q.v_threshold), (-6, 4064));
        assert_eq!(q.bias, [(0.25 * 127.0 * 1024.0) as i32 + 32]);
        assert_eq!(q.v_reset, None);
    }

    #[test]
    fn zero_weights_and_large_thresholds_divide_by_nothing() {
        let q = &quantise(&net(&[0.0], 0.0, Some(0.0), 2.0)).unwrap()[0];
        assert_eq!(q.weights, [0]);
        assert!(q.v_threshold > 0);
        let mut tiny = net(&[1e-30], 0.0, Some(0.0), 2.0);
        tiny.weights[1] = 0.0;
        let q = &quantise(&tiny).unwrap()[0];
        assert!(q.v_threshold > 0 && q.v_threshold <= 16384, "{q:?}");
    }

    #[test]
    fn a_dead_zone_that_is_too_large_is_blamed_on_its_cause() {
        let said = |tau, v_threshold, v_reset| {
            let mut net = net(&[1.0], 0.0, Some(v_reset), tau);
            let crate::net::NodeKind::Lif(lif) = &mut net.nodes[2].kind else {
                unreachable!()
            };
            lif.v_threshold = Param::Scalar(v_threshold);
            quantise(&net).map_err(|e| e.to_string())
        };
        for (constants, says) in [
            (
                (200.0, 1.0, 0.0),
                "with tau = 200 a negative membrane stalls",
            ),
            (
                (200.0, 1.0, -1000.0),
                "with tau = 200 a negative membrane stalls",
            ),
            ((2.0, 0.0, 0.0), "the threshold is 0"),
            (
                (2.0, 1.0, -1000.0),
                "a reset to -1000 is so far from the threshold 1 that",
            ),
        ] {
            let (tau, v_threshold, v_reset) = constants;
            let text = said(tau, v_threshold, v_reset).unwrap_err();
            assert!(text.contains(says), "{constants:?}: {text}");
        }
        assert!(said(2.0, 1.0, -10.0).is_ok());
    }
}
