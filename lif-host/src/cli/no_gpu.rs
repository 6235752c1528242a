//! The backend cuda of a program that was built without the feature `cuda`.

use safetensors::Dtype;

use super::neuron::{Backend, NonSpikingInputs, Outputs, Sequence, SpikingInputs};
use crate::cli::Failure;
use crate::cpu::NeuronParams;
use crate::surrogate::Surrogate;

/// There is no value of it.
pub(super) enum Gpu {}

/// No GPU; an error where `backend` insists on one.
pub(super) fn choose(backend: Backend, _: Dtype) -> Result<Option<Gpu>, Failure> {
    match backend {
        Backend::Cuda => Err(Failure::Environment(
            "--backend cuda: this program was built without the feature cuda; --backend cpu is there"
                .into(),
        )),
        Backend::Auto => {
            eprintln!("note: on the CPU: this program was built without the feature cuda");
            Ok(None)
        }
        _ => Ok(None),
    }
}

pub(super) fn spiking(
    gpu: &Gpu,
    _: &NeuronParams,
    _: &Sequence<f32>,
    _: &SpikingInputs<f32>,
) -> Result<Outputs<f32>, Failure> {
    match *gpu {}
}

pub(super) fn non_spiking(
    gpu: &Gpu,
    _: f64,
    _: &Sequence<f32>,
    _: &NonSpikingInputs<f32>,
) -> Result<Outputs<f32>, Failure> {
    match *gpu {}
}

pub(super) fn surrogate(
    gpu: &Gpu,
    _: &Surrogate,
    _: &[f32],
) -> Result<(Vec<f32>, Option<Vec<f32>>), Failure> {
    match *gpu {}
}
