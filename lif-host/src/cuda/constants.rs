//! Constants of neurons and surrogates, as the kernels take them.

use std::f64::consts::FRAC_PI_2;

use lif_nostd::neuron::Lif;
use lif_nostd::scalar::Scalar;

use super::Error;
use super::divide::{Divide, Reciprocal};
use super::launch::{NeuronConstants, SurrogateConstants};
use crate::cpu::{Model, NeuronParams, Neurons};
use crate::surrogate::Surrogate;

/// The macro DIVIDE and the reciprocals for a time constant.
pub(super) fn divide(tau: f32) -> (usize, Reciprocal) {
    match Divide::by(tau) {
        Divide::Exact(high) => (0, Reciprocal { high, low: 0.0 }),
        Divide::Parts(parts) => (1, parts),
        Divide::Hardware => (
            2,
            Reciprocal {
                high: 0.0,
                low: 0.0,
            },
        ),
    }
}

/// Constants of a neuron that has a time constant alone.
pub(super) fn of_tau(tau: f32) -> (usize, NeuronConstants) {
    let (kind, Reciprocal { high, low }) = divide(tau);
    let constants = NeuronConstants {
        tau,
        reciprocal: high,
        reciprocal_low: low,
        smallest: Reciprocal::SMALLEST,
        v_threshold: 0.0,
        v_reset: 0.0,
        v_leak: 0.0,
        first_pull: 0.0,
        inverse_tau: 1.0 / f64::from(tau),
    };
    (kind, constants)
}

/// What the kernels of a layer have in common.
#[derive(Clone, Debug)]
pub(super) struct LayerConstants {
    pub(super) neuron: NeuronConstants,
    pub(super) surrogate: SurrogateConstants,
    /// Membrane before the first step.
    pub(super) v_start: f32,
    /// Macros of every kernel of the layer.
    pub(super) macros: Vec<(&'static str, usize)>,
}

impl LayerConstants {
    pub(super) fn new(params: &NeuronParams) -> Result<Self, Error> {
        let neurons = Neurons::<f32>::new(params)?;
        let config = &params.config;
        let lif: Lif<f32> = match params.model {
            Model::Lif => config.lif()?,
            Model::SimpleLif => *config.simple_lif()?.constants(),
        };
        let (kind, of_tau) = of_tau(lif.leak.tau);
        let neuron = NeuronConstants {
            v_threshold: lif.v_threshold,
            v_reset: lif.v_reset.unwrap_or(0.0),
            v_leak: lif.leak.v_leak,
            first_pull: f32::pull_from_zero(config.tau, config.v_reset.unwrap_or(0.0)),
            ..of_tau
        };
        let positive_zero = |v: f32| v.to_bits() == 0;
        let to_zero = positive_zero(neuron.v_leak) && positive_zero(neuron.v_reset);
        let macros = vec![
            ("MODEL", usize::from(params.model == Model::SimpleLif)),
            ("DECAY_INPUT", usize::from(config.decay_input)),
            ("SOFT_RESET", usize::from(lif.v_reset.is_none())),
            ("DIVIDE", kind),
            ("RESET_TO_ZERO", usize::from(to_zero)),
        ];
        Ok(Self {
            neuron,
            surrogate: surrogate(&params.surrogate),
            v_start: neurons.v_init(),
            macros,
        })
    }
}

/// The macro EMIT: what a layer emits.
pub(super) const fn emission(surrogate: &Surrogate, spiking: bool) -> usize {
    match (spiking, surrogate.is_binary()) {
        (true, true) => 0,
        (true, false) => 1,
        (false, _) => 2,
    }
}

/// The macros that say which surrogate a backward, or a forward that needs one, has.
pub(super) fn surrogate_macros(surrogate: &Surrogate, spiking: bool) -> [(&'static str, usize); 3] {
    let names = Surrogate::NAMES.iter();
    let number = names.take_while(|name| **name != surrogate.name()).count();
    let plain = match surrogate {
        Surrogate::QPseudoSpike { alpha } => *alpha == 2.0,
        Surrogate::SquarewaveFourierSeries { n, .. } => *n <= 2,
        _ => false,
    };
    [
        ("SURROGATE", number),
        ("SPIKING", usize::from(spiking)),
        ("PLAIN", usize::from(plain)),
    ]
}

/// The parameters of a surrogate in the order of the kernels.
pub(super) fn surrogate(surrogate: &Surrogate) -> SurrogateConstants {
    let of = |a, b, c| SurrogateConstants {
        a,
        b,
        c,
        ..Default::default()
    };
    match *surrogate {
        Surrogate::Atan { alpha } => SurrogateConstants {
            d: FRAC_PI_2 * alpha * (2.0 / alpha).sqrt(),
            e: 2.0 / alpha,
            ..of(alpha, 0.0, 0.0)
        },
        Surrogate::Sigmoid { alpha } => SurrogateConstants {
            d: 1.0 / alpha.sqrt(),
            ..of(alpha, 0.0, 0.0)
        },
        Surrogate::SoftSign { alpha } => SurrogateConstants {
            d: (2.0 * alpha).sqrt(),
            e: (2.0 / alpha).sqrt(),
            ..of(alpha, 0.0, 0.0)
        },
        Surrogate::PiecewiseQuadratic { alpha }
        | Surrogate::PiecewiseExp { alpha }
        | Surrogate::SuperSpike { alpha }
        | Surrogate::Erf { alpha }
        | Surrogate::NonzeroSignLogAbs { alpha }
        | Surrogate::QPseudoSpike { alpha }
        | Surrogate::FakeNumericalGradient { alpha }
        | Surrogate::LogTailedRelu { alpha }
        | Surrogate::Rect { alpha } => of(alpha, 0.0, 0.0),
        Surrogate::PiecewiseLeakyRelu { w, c } => of(w, c, 0.0),
        Surrogate::SquarewaveFourierSeries { n, t_period } => SurrogateConstants {
            c: t_period,
            d: 1.0 / t_period,
            terms: i32::try_from(n.saturating_sub(1)).unwrap_or(i32::MAX),
            ..Default::default()
        },
        Surrogate::S2nn { alpha, beta } => SurrogateConstants {
            d: 1.0 / alpha.sqrt(),
            ..of(alpha, beta, 0.0)
        },
        Surrogate::LeakyKRelu { leak, k } => of(leak, k, 0.0),
        Surrogate::MultiLevelSpikeCount {
            max_spike_count,
            grad_min,
            grad_max,
        } => {
            let most = f64::from(max_spike_count);
            of(grad_min.unwrap_or(0.0), grad_max.unwrap_or(most), most)
        }
        // The enum grows only with this crate's kernels; what has no parameter reads none.
        _ => SurrogateConstants::default(),
    }
}
