//! Neurons of other frameworks as those of this one.

use super::net_file::{LeakyFile, LifFile, NeuronFile, ResetFile, ResetMechanism, ValueFile};
use super::{Error, Reader};
use crate::net::{LifParams, NodeKind, NonSpikingLifParams, Param};

/// Where neurons stand: the key of their layer, how many they are, and whether they are the last layer.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) key: &'a str,
    pub(super) n: usize,
    pub(super) last: bool,
}

impl Place<'_> {
    fn key(&self, what: &str) -> String {
        format!("{}, neuron.{what}", self.key)
    }

    fn refuse(&self, problem: impl Into<String>) -> Error {
        Error::Neuron {
            key: self.key.into(),
            problem: problem.into(),
        }
    }
}

/// The neurons that `file` describes, and the factors that the weights of their layer take: one, one for each neuron,
/// or none. What is not computed as there is added to `notes`.
pub(super) fn neurons(
    tensors: &mut Reader<'_>,
    place: Place<'_>,
    file: &NeuronFile,
    notes: &mut Vec<String>,
) -> Result<(NodeKind, Vec<f64>), Error> {
    let kind = match file {
        NeuronFile::Lif(p) => NodeKind::Lif(lif(tensors, place, p)?),
        NeuronFile::SimpleLif(p) => NodeKind::SimpleLif(lif(tensors, place, p)?),
        NeuronFile::ParametricLif {
            w,
            v_threshold,
            v_reset,
            decay_input,
            surrogate,
        } => {
            let w = ValueFile::Tensor(w.clone());
            let taus = values(tensors, place, "w", &w)?.map(|w| 1.0 + libm::exp(-w));
            notes.push(format!(
                "{}: the reference multiplies by sigmoid(w), here it is divided by tau = 1 + exp(-w): membranes can \
                 differ in the last bit",
                place.key
            ));
            NodeKind::Lif(LifParams {
                tau: taus.param(),
                v_threshold: values(tensors, place, "v_threshold", v_threshold)?.param(),
                v_reset: reset(tensors, place, v_reset)?,
                decay_input: *decay_input,
                detach_reset: false,
                surrogate: *surrogate,
            })
        }
        NeuronFile::NonSpikingLif { tau, decode } => {
            let tau = values(tensors, place, "tau", tau)?.param();
            NodeKind::NonSpikingLif(NonSpikingLifParams {
                tau,
                decode: decode.0,
            })
        }
        NeuronFile::SnntorchLeaky(p) => return leaky(tensors, place, p, notes),
    };
    if matches!(kind, NodeKind::NonSpikingLif(_)) && !place.last {
        return Err(place.refuse("non-spiking-lif neurons can only be the last layer"));
    }
    Ok((kind, Vec::new()))
}

fn lif(tensors: &mut Reader<'_>, place: Place<'_>, p: &LifFile) -> Result<LifParams, Error> {
    Ok(LifParams {
        tau: values(tensors, place, "tau", &p.tau)?.param(),
        v_threshold: values(tensors, place, "v_threshold", &p.v_threshold)?.param(),
        v_reset: reset(tensors, place, &p.v_reset)?,
        decay_input: p.decay_input,
        detach_reset: false,
        surrogate: p.surrogate,
    })
}

fn reset(
    tensors: &mut Reader<'_>,
    place: Place<'_>,
    file: &ResetFile,
) -> Result<Option<Param>, Error> {
    match file {
        ResetFile::Soft => Ok(None),
        ResetFile::Hard(value) => Ok(Some(values(tensors, place, "v_reset", value)?.param())),
    }
}

/// snnTorch 1.0.0's `Leaky`, whose step is
///
/// ```text
/// reset = mem > threshold
/// zero:       mem = beta * (1 - reset) * mem + x
/// subtract:   mem = beta * mem + x - reset * threshold
/// none:       mem = beta * mem + x
/// spike = mem > threshold
/// without reset_delay, subtract: mem = mem - (spike - reset) * threshold;  zero: mem = mem - (spike - reset) * mem
/// ```
///
/// With `tau = 1 / (1 - beta)` and the next f32 above the threshold, zero is a hard reset to 0, with the delay and
/// without. subtract is a soft reset without the delay, unless a membrane is above the threshold after a reset too; with
/// it, the threshold is taken away after the decay and not before.
fn leaky(
    tensors: &mut Reader<'_>,
    place: Place<'_>,
    p: &LeakyFile,
    notes: &mut Vec<String>,
) -> Result<(NodeKind, Vec<f64>), Error> {
    // A number in the file is rounded to f32, as it is there.
    let beta = leaky_value(tensors, place, p.state.as_deref(), "beta", p.beta.as_ref())?
        .map(|b| f64::from(b as f32));
    if let Some(b) = beta.0.iter().find(|b| !(**b > 0.0 && **b < 1.0)) {
        return Err(Error::Value {
            key: place.key("beta"),
            value: b.to_string(),
            allowed: "it must be above 0 and below 1: tau is 1 / (1 - beta)".into(),
        });
    }
    check_state(tensors, place, p)?;
    let taus = beta.map(|b| 1.0 / (1.0 - b));
    if p.reset_mechanism == ResetMechanism::None {
        return readout(place, p, taus);
    }
    let threshold = leaky_value(
        tensors,
        place,
        p.state.as_deref(),
        "threshold",
        p.threshold.as_ref(),
    )?;
    if let Some(x) = threshold.0.iter().find(|x| **x < 0.0 || x.is_nan()) {
        return Err(Error::Value {
            key: place.key("threshold"),
            value: x.to_string(),
            allowed: "it must be at least 0: below, snnTorch resets membranes that did not spike"
                .into(),
        });
    }
    if p.decode.is_some() {
        return Err(place.refuse("decode is for reset_mechanism = \"none\" alone"));
    }
    let v_reset = match (p.reset_mechanism, p.reset_delay) {
        (ResetMechanism::Zero, _) => Some(Param::Scalar(0.0)),
        (_, false) => {
            notes.push(format!(
                "{}: a membrane that is above the threshold after a reset too is treated otherwise by snnTorch",
                place.key
            ));
            None
        }
        (_, true) if p.accept_reset_difference => {
            notes.push(format!(
                "{}: the threshold is taken away at the spike, and not one step later and undecayed as in the training: \
                 spikes will differ",
                place.key
            ));
            None
        }
        _ => return Err(place.refuse(SUBTRACT_DELAYED)),
    };
    // It fires above the threshold, and here at it: the next number up is the same.
    let v_threshold = Values(
        threshold
            .0
            .iter()
            .map(|x| f64::from((*x as f32).next_up()))
            .collect(),
    );
    let params = LifParams {
        tau: taus.param(),
        v_threshold: v_threshold.param(),
        v_reset,
        decay_input: false,
        detach_reset: false,
        surrogate: p.surrogate,
    };
    Ok((NodeKind::Lif(params), Vec::new()))
}

const SUBTRACT_DELAYED: &str = "reset_mechanism = \"subtract\" with reset_delay = true takes the threshold away one step \
     after the spike, when the membrane has decayed already; no neuron here does that. Train with reset_delay=False or \
     reset_mechanism=\"zero\" (a few epochs from these weights do), or set accept_reset_difference = true for a soft \
     reset at the spike, whose spikes differ";

/// Membranes without a reset, `mem = beta * mem + x`: those of NonSpikingLIF, which divides its input by tau, with
/// weights tau times as large.
fn readout(place: Place<'_>, p: &LeakyFile, taus: Values) -> Result<(NodeKind, Vec<f64>), Error> {
    let Some(decode) = p.decode.filter(|_| place.last) else {
        return Err(place.refuse(
            "reset_mechanism = \"none\" is a membrane that is read out: it can only be the last layer, with decode = \
             \"last-mem\", \"max-mem\", \"max-abs-mem\" or \"mean-mem\"",
        ));
    };
    let factors = taus.0.clone();
    let params = NonSpikingLifParams {
        tau: taus.param(),
        decode: decode.0,
    };
    Ok((NodeKind::NonSpikingLif(params), factors))
}

/// Checks what the state dict says of the neurons `state`.
fn check_state(tensors: &mut Reader<'_>, place: Place<'_>, p: &LeakyFile) -> Result<(), Error> {
    let Some(state) = &p.state else {
        return Ok(());
    };
    let key = place.key("state");
    let name = format!("{state}.reset_mechanism_val");
    if tensors.has(&name) {
        let value = tensors.number(&key, &name)?;
        let said = match p.reset_mechanism {
            ResetMechanism::Subtract => 0.0,
            ResetMechanism::Zero => 1.0,
            ResetMechanism::None => 2.0,
        };
        if value != said {
            let problem = format!(
                "it is {value} (0 subtract, 1 zero, 2 none), and reset_mechanism says otherwise"
            );
            return Err(tensors.fail(&key, &name, problem));
        }
    }
    let name = format!("{state}.graded_spikes_factor");
    if tensors.has(&name) {
        let value = tensors.number(&key, &name)?;
        if value != 1.0 {
            let problem = format!(
                "it is {value}; spikes are 0 or 1 here: multiply it into the weights of the next layer and set it to 1"
            );
            return Err(tensors.fail(&key, &name, problem));
        }
    }
    Ok(())
}

/// The parameter `what` of snnTorch's neurons: as the file says, or from the state dict.
fn leaky_value(
    tensors: &mut Reader<'_>,
    place: Place<'_>,
    state: Option<&str>,
    what: &str,
    value: Option<&ValueFile>,
) -> Result<Values, Error> {
    match (value, state) {
        (Some(value), _) => values(tensors, place, what, value),
        (None, Some(state)) => {
            let tensor = ValueFile::Tensor(format!("{state}.{what}"));
            values(tensors, place, what, &tensor)
        }
        (None, None) => Err(place.refuse(format!(
            "{what} is missing: give it, or state, the name of the neurons in the state dict"
        ))),
    }
}

/// The values of a parameter: one, or one for each neuron.
struct Values(Vec<f64>);

impl Values {
    fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self(self.0.iter().map(|x| f(*x)).collect())
    }

    /// Rounded to f32.
    fn param(self) -> Param {
        match self.0[..] {
            [x] => Param::Scalar(x as f32),
            _ => Param::PerNeuron(self.0.iter().map(|x| *x as f32).collect()),
        }
    }
}

fn values(
    tensors: &mut Reader<'_>,
    place: Place<'_>,
    what: &str,
    value: &ValueFile,
) -> Result<Values, Error> {
    match value {
        ValueFile::Number(x) => Ok(Values(vec![*x])),
        ValueFile::Tensor(name) => {
            let key = place.key(what);
            let (shape, values) = tensors.floats(&key, name)?;
            if !(values.len() == 1 || shape == [place.n]) {
                let problem = format!("shape {shape:?}; one value or [{}] is needed", place.n);
                return Err(tensors.fail(&key, name, problem));
            }
            Ok(Values(values.into_iter().map(f64::from).collect()))
        }
    }
}
