//! Which parameters learn, and where they are in one flat buffer: all weights and biases, then what the neurons learn.

use std::ops::Range;

use super::number::Number;
use crate::net::{Error, Net, Param};

/// What the neurons of a node learn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learn {
    /// Name of the neuron node.
    pub node: String,
    /// Whether the time constant is learned, as SpikingJelly's ParametricLIF does: `1 / tau = sigmoid(w)`, and `w`,
    /// one for each value of tau, is what the optimiser changes.
    pub tau: bool,
    /// Whether the threshold is learned.
    pub v_threshold: bool,
}

/// A learned parameter of a neuron node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Learned {
    /// Index of the neuron node.
    pub(super) node: usize,
    /// Whether it is the time constant; the threshold otherwise.
    pub(super) is_tau: bool,
    /// Where its values are among all parameters.
    pub(super) at: Range<usize>,
}

/// Places of all learned parameters of neurons.
///
/// # Errors
///
/// [`Error::Node`] where a node is not there, is not of neurons, has no threshold, or a time constant of at most 1.
pub(super) fn places(net: &Net, learn: &[Learn]) -> Result<Vec<Learned>, Error> {
    let mut end = net.weights.len();
    let mut places = Vec::new();
    let mut copy = net.clone();
    for what in learn {
        let fail = |problem: String| {
            Err(Error::Node {
                node: what.node.clone(),
                problem,
            })
        };
        let Some(node) = net.nodes.iter().position(|n| n.name == what.node) else {
            return fail("there is no such node that could learn".into());
        };
        if places.iter().any(|p: &Learned| p.node == node) {
            return fail("it is named twice among those that learn".into());
        }
        let Some((tau, v_threshold)) = copy.neuron_params_mut(node) else {
            return fail("it has no neurons that could learn".into());
        };
        let mut push = |param: &Param, is_tau| {
            let at = end..end + param.values().len();
            end = at.end;
            places.push(Learned { node, is_tau, at });
        };
        if what.tau {
            if let Some(tau) = tau.values().iter().find(|t| **t <= 1.0) {
                return fail(format!("tau = {tau}: one that is learned must be above 1"));
            }
            push(tau, true);
        }
        match v_threshold {
            Some(v_threshold) if what.v_threshold => push(v_threshold, false),
            None if what.v_threshold => return fail("its neurons have no threshold".into()),
            _ => (),
        }
    }
    Ok(places)
}

/// All parameters of `net`, as the optimiser sees them.
pub(super) fn gather<F: Number>(net: &Net, places: &[Learned]) -> Vec<F> {
    let mut values: Vec<F> = net.weights.iter().map(|w| F::of(f64::from(*w))).collect();
    let mut copy = net.clone();
    for place in places {
        if let Some(param) = param_mut(&mut copy, place) {
            let of = |x: &f32| match place.is_tau {
                true => F::of(-libm::log(f64::from(*x) - 1.0)),
                false => F::of(f64::from(*x)),
            };
            values.extend(param.values().iter().map(of));
        }
    }
    values
}

/// Writes all parameters `values` back to `net`, rounded to f32.
pub(super) fn scatter<F: Number>(values: &[F], places: &[Learned], net: &mut Net) {
    for (w, x) in net.weights.iter_mut().zip(values) {
        *w = x.wide() as f32;
    }
    for place in places {
        if let Some(param) = param_mut(net, place) {
            for (to, x) in param.values_mut().iter_mut().zip(&values[place.at.clone()]) {
                *to = if place.is_tau {
                    tau::<f32>(x.wide())
                } else {
                    x.wide() as f32
                };
            }
        }
    }
}

fn param_mut<'a>(net: &'a mut Net, place: &Learned) -> Option<&'a mut Param> {
    let (tau, v_threshold) = net.neuron_params_mut(place.node)?;
    if place.is_tau { Some(tau) } else { v_threshold }
}

/// The time constant of `w`: `1 / sigmoid(w) = 1 + exp(-w)`, the next number above 1 where that rounds to 1.
pub(super) fn tau<F: Number>(w: f64) -> F {
    let tau = F::of(1.0 + libm::exp(-w));
    if tau > F::UNIT || tau.wide().is_nan() {
        tau
    } else {
        // 2^-20 is a step of neither type's last place, but one that both hold.
        F::of(1.0 + 1.0 / f64::from(1 << 20))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_constant_survives() {
        for x in [1.001f32, 1.5, 2.0, 10.0, 1000.0] {
            let w = -libm::log(f64::from(x) - 1.0);
            assert!((tau::<f32>(w) - x).abs() <= 1e-6 * x, "{x}");
        }
        assert!(tau::<f32>(1e3) > 1.0);
        assert!(tau::<f32>(-1e3).is_infinite());
        assert!(tau::<f32>(f64::NAN).is_nan());
    }
}
