//! Parameters that make no neurons, in floating point; those of fixed point are in `neurons_fixed.rs`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lif_host::cpu::{Model, NeuronParams, Neurons, ParamsError};
use lif_host::surrogate::Surrogate;
use lif_nostd::neuron::{ConfigError, LifConfig};

#[test]
fn parameters_that_make_no_neurons_are_errors() {
    let base = NeuronParams {
        model: Model::Lif,
        config: LifConfig::new(2.0),
        detach_reset: false,
        surrogate: Surrogate::default(),
        spiking: true,
    };
    let error = |params| Neurons::<f32>::new(&params).err();
    let with = |model, config| {
        error(NeuronParams {
            model,
            config,
            ..base
        })
    };
    assert_eq!(error(base), None);
    for tau in [1.0, 0.5, 0.0, -3.0, f64::NEG_INFINITY, f64::NAN] {
        let got = with(Model::Lif, LifConfig::new(tau));
        let is_tau = matches!(got, Some(ParamsError::Config(ConfigError::Tau { .. })));
        assert!(is_tau, "{tau}: {got:?}");
        let simple = with(Model::SimpleLif, LifConfig::new(tau));
        assert_eq!(simple.is_some(), tau == 0.0 || tau.is_nan(), "{tau}");
    }
    assert_eq!(with(Model::Lif, LifConfig::new(f64::INFINITY)), None);
    for value in [1e39, -1e39, f64::NAN] {
        let configs = [
            ("v_threshold", LifConfig::new(2.0).v_threshold(value)),
            ("v_reset", LifConfig::new(2.0).v_reset(value)),
        ];
        for (name, config) in configs {
            for model in [Model::Lif, Model::SimpleLif] {
                let got = with(model, config);
                let range =
                    |e: &ConfigError| matches!(e, ConfigError::Range { name: n, .. } if *n == name);
                let is_range = matches!(&got, Some(ParamsError::Config(e)) if range(e));
                assert!(is_range, "{name} = {value}: {got:?}");
            }
        }
    }
    let soft = with(Model::SimpleLif, LifConfig::new(2.0).soft_reset());
    assert_eq!(soft, Some(ParamsError::Config(ConfigError::SoftReset)));
    let surrogate = Surrogate::Atan { alpha: 0.0 };
    let got = error(NeuronParams { surrogate, ..base });
    assert!(matches!(
        got,
        Some(ParamsError::Surrogate { name: "atan", .. })
    ));
    for surrogate in Surrogate::ALL.into_iter().filter(|s| !s.has_primitive()) {
        let got = error(NeuronParams {
            surrogate,
            spiking: false,
            ..base
        });
        assert_eq!(got, Some(ParamsError::NoPrimitive(surrogate.name())));
    }
}
