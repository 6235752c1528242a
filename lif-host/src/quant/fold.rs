//! The arithmetic of quantisation, in f64: max, add, multiply, divide and round to the nearest even integer.

use lif_nostd::model::format::{NeuronKind, Number};
use lif_nostd::neuron::Decode;
use lif_nostd::scalar::leak_factor;

use super::Error;
use super::layer::{Certificate, Membranes, QuantLayer, QuantOptions, Values, Weights};
use crate::net::{Layer, Net, NeuronParams, Param};

/// Largest dead zone of the rounded-down leak, as a share of the threshold.
const DEAD_ZONE_MAX: f64 = 1.0 / 64.0;

/// What a number format of membranes can hold.
#[derive(Clone, Copy)]
struct Range {
    number: Number,
    /// What a folded threshold may be at most, in units of the membrane.
    threshold_max: f64,
    /// What the shift aims at, so that a membrane reaches several thresholds before it saturates.
    threshold_aim: f64,
    /// What a membrane that is read out may reach at most.
    readout_max: f64,
    shift_max: i8,
}

const I16: Range = Range {
    number: Number::I16,
    threshold_max: 16384.0,
    threshold_aim: 4096.0,
    readout_max: 32767.0,
    shift_max: 15,
};

const I32: Range = Range {
    number: Number::I32,
    threshold_max: 1073741824.0,
    threshold_aim: 67108864.0,
    readout_max: 1073741824.0,
    shift_max: 31,
};

/// Quantises the chain `net` layer by layer, with i8 weights.
///
/// # Errors
///
/// [`Error::Net`] where it is not a chain, [`Error::Range`] where a value does not fit.
pub fn quantise(net: &Net) -> Result<Vec<QuantLayer>, Error> {
    quantise_with(net, QuantOptions::default())
}

/// The same, with `options`.
///
/// # Errors
///
/// Those of [`quantise`].
pub fn quantise_with(net: &Net, options: QuantOptions) -> Result<Vec<QuantLayer>, Error> {
    let (_, input) = net.input()?;
    // A unit of the first layer's input is `step` raw units, or a spike; later ones are spikes.
    let mut unit = input.map_or(1.0, |x| f64::from(x.step) / f64::from(x.full_scale));
    let mut analog = input.is_some();
    let mut layers = Vec::new();
    for layer in net.layers()? {
        let folding = Folding::new(net, &layer, unit, analog, options.weights)?;
        layers.push(match options.membranes {
            Membranes::I16 => folding.checked(I16)?,
            Membranes::I32 => folding.checked(I32)?,
            Membranes::Auto => match folding.quantise(I16)? {
                q if q.dead_zone <= DEAD_ZONE_MAX => q,
                _ => folding.checked(I32)?,
            },
        });
        (unit, analog) = (1.0, false);
    }
    Ok(layers)
}

/// A layer that is being quantised. What differs from neuron to neuron has one entry a neuron.
struct Folding<'a> {
    layer: &'a Layer<'a>,
    weights: Vec<f64>,
    bias: Vec<f32>,
    limits: Weights,
    analog: bool,
    kind: NeuronKind,
    decode: Decode,
    tau: Vec<f64>,
    gain: Vec<f64>,
    /// Membrane of the float network that stands for one unit of scale 1 and shift 0.
    fold: Vec<f64>,
    leak: Vec<u32>,
    v_threshold: Option<Vec<f64>>,
    v_reset: Option<Vec<f64>>,
}

impl<'a> Folding<'a> {
    fn new(
        net: &'a Net,
        layer: &'a Layer<'a>,
        unit: f64,
        analog: bool,
        limits: Weights,
    ) -> Result<Self, Error> {
        let shape = &net.nodes[layer.node + 1].shape;
        let each = |p: &Param| -> Vec<f64> {
            (0..layer.n_out)
                .map(|i| f64::from(p.at(i, shape)))
                .collect()
        };
        let tau = each(layer.neurons.tau());
        if let Some(tau) = tau.iter().find(|tau| **tau < 1.0) {
            let problem = format!("tau = {tau}: must be at least 1 in fixed point");
            return Err(range(layer.neuron, problem));
        }
        let (kind, decode) = match layer.neurons {
            NeuronParams::Lif(_) => (NeuronKind::Lif, Decode::None),
            NeuronParams::SimpleLif(_) => (NeuronKind::SimpleLif, Decode::None),
            NeuronParams::NonSpikingLif(p) => (NeuronKind::NonSpikingLif, p.decode),
        };
        let spiking = layer.neurons.spiking();
        let decays = spiking.is_none_or(|p| p.decay_input);
        let gain: Vec<f64> = tau
            .iter()
            .map(|t| if decays { 1.0 / t } else { 1.0 })
            .collect();
        let mut weights: Vec<f64> = net.weights[layer.weight.clone()]
            .iter()
            .map(|w| f64::from(*w))
            .collect();
        let mut fold: Vec<f64> = gain.iter().map(|g| g * unit).collect();
        if spiking.is_none() {
            // Membranes that are read out share one unit: what differs between their gains goes into the weights.
            let top = gain.iter().copied().fold(0.0, f64::max);
            for (row, gain) in weights.chunks_mut(layer.n_in).zip(&gain) {
                row.iter_mut().for_each(|w| *w *= gain / top);
            }
            fold = vec![top * unit; layer.n_out];
        }
        Ok(Self {
            weights,
            bias: net.biases(layer),
            leak: tau.iter().map(|t| leak_factor(*t)).collect(),
            v_threshold: spiking.map(|p| each(&p.v_threshold)),
            v_reset: spiking.and_then(|p| p.v_reset.as_ref()).map(each),
            layer,
            limits,
            analog,
            kind,
            decode,
            tau,
            gain,
            fold,
        })
    }

    fn checked(&self, to: Range) -> Result<QuantLayer, Error> {
        let q = self.quantise(to)?;
        if q.dead_zone <= DEAD_ZONE_MAX {
            return Ok(q);
        }
        Err(range(self.layer.neuron, self.too_large(&q, to)))
    }

    /// Which of the constants is to blame for the dead zone of `q`, which is too large.
    fn too_large(&self, q: &QuantLayer, to: Range) -> String {
        let number = to.number.name();
        let (share, most) = (100.0 * q.dead_zone, 100.0 * DEAD_ZONE_MAX);
        let size = |values: &Option<Vec<f64>>| {
            let values = values.as_deref().unwrap_or(&[]).iter();
            values.fold(None, |m: Option<f64>, x| {
                Some(m.map_or(x.abs(), |m| m.min(x.abs())))
            })
        };
        let tau = self.tau.iter().copied().fold(0.0, f64::max);
        let stall = self
            .leak
            .iter()
            .filter_map(|a| stall(*a))
            .fold(0.0, f64::max);
        // With the unit of the membrane chosen for the threshold alone, it has at least these.
        let alone = stall / (to.threshold_aim / 2.0);
        match (size(&self.v_threshold), size(&self.v_reset)) {
            (Some(0.0), _) => {
                format!("the threshold is 0, and a membrane in {number} has no unit for that")
            }
            (Some(v_threshold), Some(v_reset))
                if alone <= DEAD_ZONE_MAX && v_reset > v_threshold =>
            {
                format!(
                    "a reset of magnitude {v_reset} is so far from the threshold {v_threshold} that membranes in \
                     {number} leave too few units for the threshold, and a negative membrane stalls at {share:.1} % \
                     of it; at most {most:.1} % are allowed"
                )
            }
            _ => format!(
                "with tau = {tau} a negative membrane stalls at {share:.1} % of the threshold; membranes in {number} \
                 are for at most {most:.1} %"
            ),
        }
    }

    fn quantise(&self, to: Range) -> Result<QuantLayer, Error> {
        let max_w = self.weights.iter().fold(0.0, |m: f64, w| m.max(w.abs()));
        let top = max_w / f64::from(self.limits.max());
        let (shift, scale) = match &self.v_threshold {
            Some(_) => {
                let largest = self.largest();
                let shift = shift_for(largest, top, to.threshold_aim, to.shift_max);
                (shift, top.max(largest * pow2(shift) / to.threshold_max))
            }
            None => (self.readout_shift(top, to), top),
        };
        let scale = if scale == 0.0 { 1.0 } else { scale };
        let power = pow2(shift);
        let weights: Vec<i16> = self
            .weights
            .iter()
            .map(|w| (w / scale).round_ties_even() as i16)
            .collect();
        let bias = self.fold_bias(scale, shift)?;
        let lsb: Vec<f64> = self.fold.iter().map(|fold| fold * scale / power).collect();
        let units = |values: &Option<Vec<f64>>, what: &str| -> Result<Option<Values<i32>>, Error> {
            let Some(values) = values else {
                return Ok(None);
            };
            let units = values.iter().zip(&lsb).map(|(x, lsb)| {
                let units = (x / lsb).round_ties_even();
                if units.abs() <= to.threshold_max {
                    return Ok(units as i32);
                }
                let bits = to.number.name();
                let problem = format!("{what} of {units} units does not fit an {bits} membrane");
                Err(range(self.layer.neuron, problem))
            });
            Ok(Some(Values::new(units.collect::<Result<_, _>>()?)))
        };
        let v_threshold = units(&self.v_threshold, "a threshold")?;
        let reach = match &v_threshold {
            Some(_) => 0.0,
            None => self.reach(scale) * power,
        };
        let mut dead_zone = 0.0f64;
        for (i, a) in self.leak.iter().enumerate() {
            let size = v_threshold
                .as_ref()
                .map_or(reach, |v| f64::from(v.at(i)).abs());
            dead_zone = dead_zone.max(match stall(*a) {
                None => f64::INFINITY,
                Some(stall) => stall / size.max(1.0),
            });
        }
        Ok(QuantLayer {
            kind: self.kind,
            decode: self.decode,
            weight_number: self.limits.number(),
            number: to.number,
            certificate: self.certify(&weights, &bias)?,
            weights,
            bias,
            shift,
            leak: Values::new(self.leak.clone()),
            v_reset: units(&self.v_reset, "a reset potential")?,
            v_threshold,
            scale,
            lsb: lsb.iter().all(|x| *x == lsb[0]).then(|| lsb[0]),
            units: lsb,
            dead_zone,
        })
    }

    /// The largest of thresholds and reset potentials, in units of scale 1 and shift 0.
    fn largest(&self) -> f64 {
        let mut largest = 0.0f64;
        for values in [&self.v_threshold, &self.v_reset].into_iter().flatten() {
            for (x, fold) in values.iter().zip(&self.fold) {
                largest = largest.max(x.abs() / fold);
            }
        }
        largest
    }

    fn fold_bias(&self, scale: f64, shift: i8) -> Result<Vec<i32>, Error> {
        // A right shift rounds down: half a unit more, and it rounds to the nearest.
        let half = if shift < 0 { 0.5 / pow2(shift) } else { 0.0 };
        let mut bias = Vec::with_capacity(self.bias.len());
        for (i, b) in self.bias.iter().enumerate() {
            let pull = self.v_reset.as_ref().map_or(0.0, |v| v[i]) / self.tau[i];
            let b = (f64::from(*b) * self.gain[i] + pull) / (self.fold[i] * scale) + half;
            let b = b.round_ties_even();
            if b.abs() > f64::from(1 << 30) {
                let problem = format!("a bias of {b} units does not fit 31 bits");
                return Err(range(self.layer.synapse, problem));
            }
            bias.push(b as i32);
        }
        Ok(bias)
    }

    /// The magnitude that a membrane can reach, in units of `scale` and shift 0: the largest sum over what a step
    /// takes from the membrane.
    fn reach(&self, scale: f64) -> f64 {
        let x_max = if self.analog { 128.0 } else { 1.0 };
        let mut reach = 0.0f64;
        for (i, row) in self.weights.chunks(self.layer.n_in).enumerate() {
            let weights = row.iter().fold(0.0, |sum, w| sum + (w / scale).abs());
            let bias = (f64::from(self.bias[i]) * self.gain[i] / (self.fold[i] * scale)).abs();
            let part = f64::from(65536 - self.leak[i]) / 65536.0;
            reach = reach.max((weights * x_max + bias) / part);
        }
        reach
    }

    /// The largest shift at which a membrane that is read out cannot saturate.
    fn readout_shift(&self, top: f64, to: Range) -> i8 {
        let reach = self.reach(if top == 0.0 { 1.0 } else { top });
        shift_for(reach, 1.0, to.readout_max, to.shift_max)
    }

    /// The largest sum over all inputs: binary ones, or i8 values where the input is analog.
    fn certify(&self, weights: &[i16], bias: &[i32]) -> Result<Certificate, Error> {
        let (low, high) = if self.analog { (-128, 127) } else { (0, 1) };
        let mut max_sum = 0;
        for (row, b) in weights.chunks_exact(self.layer.n_in).zip(bias) {
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
            _ => {
                let problem = format!("sums of up to {max_sum} do not fit 32 bits");
                Err(range(self.layer.synapse, problem))
            }
        }
    }
}

fn range(node: &str, problem: String) -> Error {
    Error::Range {
        node: node.into(),
        problem,
    }
}

/// How far below 0 a membrane stalls without input, in its units, where the leak rounds down; none without a leak.
fn stall(leak: u32) -> Option<f64> {
    65535u32
        .checked_div(65536u32.saturating_sub(leak))
        .map(f64::from)
}

/// 2^k, exactly.
fn pow2(k: i8) -> f64 {
    f64::from_bits(((1023 + i64::from(k)) as u64) << 52)
}

/// The largest shift k of -31 to `shift_max` with `value * 2^k <= aim * scale`, -31 if there is none; 0 where one
/// of them is 0.
fn shift_for(value: f64, scale: f64, aim: f64, shift_max: i8) -> i8 {
    if scale == 0.0 || value == 0.0 {
        return 0;
    }
    let mut shift = -31;
    while shift < shift_max && value * pow2(shift + 1) <= aim * scale {
        shift += 1;
    }
    shift
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{InputScale, LifParams};
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

    fn threshold(q: &QuantLayer) -> i32 {
        q.v_threshold.as_ref().map_or(0, |v| v.at(0))
    }

    #[test]
    fn a_known_layer() {
        // Scale 1/127; folded threshold 1 / (1/2) = 2, in units of the scale 254, times 2^4 = 4064.
        let q = &quantise(&net(&[1.0, -0.5], 0.25, Some(0.0), 2.0)).unwrap()[0];
        assert_eq!(q.weights, [127, -64]);
        assert_eq!(
            (q.shift, threshold(q), q.v_reset.clone()),
            (4, 4064, Some(Values::One(0)))
        );
        assert_eq!(q.bias, [32]);
        assert_eq!(q.certificate.max_sum, 32 + 127 * 127 + 64 * 128);
        assert_eq!((&q.leak, q.number), (&Values::One(32768), Number::I16));
        assert_eq!(q.lsb, Some(0.5 / 127.0 / 16.0));
    }

    #[test]
    fn a_right_shift_rounds_to_the_nearest() {
        let mut net = net(&[1.0, -0.5], 0.25, None, 2.0);
        let crate::net::NodeKind::Input(scale) = &mut net.nodes[0].kind else {
            unreachable!()
        };
        scale.full_scale = 1024.0;
        let q = &quantise(&net).unwrap()[0];
        assert_eq!((q.shift, threshold(q)), (-6, 4064));
        assert_eq!(q.bias, [(0.25 * 127.0 * 1024.0) as i32 + 32]);
        assert_eq!(q.v_reset, None);
    }

    #[test]
    fn zero_weights_and_large_thresholds_divide_by_nothing() {
        let q = &quantise(&net(&[0.0], 0.0, Some(0.0), 2.0)).unwrap()[0];
        assert_eq!(q.weights, [0]);
        assert!(threshold(q) > 0);
        let mut tiny = net(&[1e-30], 0.0, Some(0.0), 2.0);
        tiny.weights[1] = 0.0;
        let q = &quantise(&tiny).unwrap()[0];
        assert!((1..=16384).contains(&threshold(q)), "{q:?}");
    }

    #[test]
    fn a_long_time_constant_takes_wider_membranes() {
        let net = net(&[1.0], 0.0, Some(0.0), 200.0);
        let q = &quantise(&net).unwrap()[0];
        assert_eq!(q.number, Number::I32);
        assert!(q.dead_zone < 1e-4 && threshold(q) > 1 << 25, "{q:?}");
    }

    #[test]
    fn a_dead_zone_that_is_too_large_is_blamed_on_its_cause() {
        let said = |membranes, tau, v_threshold, v_reset| {
            let mut net = net(&[1.0], 0.0, Some(v_reset), tau);
            let crate::net::NodeKind::Lif(lif) = &mut net.nodes[2].kind else {
                unreachable!()
            };
            lif.v_threshold = Param::Scalar(v_threshold);
            let options = QuantOptions {
                membranes,
                ..QuantOptions::default()
            };
            quantise_with(&net, options).map_err(|e| e.to_string())
        };
        let tau = "with tau = 200 a negative membrane stalls";
        for (constants, says) in [
            ((200.0, 1.0, 0.0), tau),
            ((200.0, 1.0, -1000.0), tau),
            (
                (2.0, 1.0, -1000.0),
                "a reset of magnitude 1000 is so far from the threshold 1 that",
            ),
        ] {
            let (tau, v_threshold, v_reset) = constants;
            let text = said(Membranes::I16, tau, v_threshold, v_reset).unwrap_err();
            assert!(text.contains(says), "{constants:?}: {text}");
            assert!(said(Membranes::Auto, tau, v_threshold, v_reset).is_ok());
        }
        let text = said(Membranes::Auto, 2.0, 0.0, 0.0).unwrap_err();
        assert!(text.contains("the threshold is 0"), "{text}");
        assert!(said(Membranes::I16, 2.0, 1.0, -10.0).is_ok());
    }

    #[test]
    fn wide_weights_keep_more_of_a_weight() {
        let wide = QuantOptions {
            weights: Weights::I16,
            ..QuantOptions::default()
        };
        let q = &quantise_with(&net(&[1.0, -0.5], 0.0, None, 2.0), wide).unwrap()[0];
        assert_eq!(q.weights, [32767, -16384]);
        assert_eq!(q.weight_number, Number::I16);
    }

    #[test]
    fn neurons_may_differ() {
        let mut net = Net::sequential_spikes("n", 4, 2)
            .linear(2)
            .lif(LifParams {
                tau: Param::PerNeuron(vec![2.0, 4.0]),
                v_threshold: Param::Scalar(1.0),
                v_reset: None,
                decay_input: true,
                detach_reset: false,
                surrogate: Surrogate::default(),
            })
            .build()
            .unwrap();
        net.weights[..4].fill(1.0);
        let q = &quantise(&net).unwrap()[0];
        // Half of a unit of the membrane stands for as much: the threshold is twice as many.
        assert_eq!(q.v_threshold, Some(Values::Each(vec![2032, 4064])));
        assert_eq!(q.leak, Values::Each(vec![32768, 49152]));
        assert_eq!((q.lsb, q.certificate.max_sum), (None, 254));
    }

    #[test]
    fn membranes_that_are_read_out_do_not_saturate() {
        let mut net = Net::sequential_spikes("n", 4, 100)
            .linear(2)
            .non_spiking_lif(Param::PerNeuron(vec![2.0, 4.0]), Decode::MaxMem)
            .build()
            .unwrap();
        net.weights[..200].fill(1.0);
        let q = &quantise(&net).unwrap()[0];
        assert_eq!(
            (q.kind, q.decode),
            (NeuronKind::NonSpikingLif, Decode::MaxMem)
        );
        // The gain of the second is half of the first's, and its membrane reaches as far.
        assert_eq!((q.weights[0], q.weights[199]), (127, 64));
        assert_eq!(q.shift, 0);
        assert_eq!(q.lsb, Some(0.5 / 127.0));
        assert_eq!(q.v_threshold, None);
    }
}
