//! The backend cuda of `lif neuron` and `lif surrogate`.

use cudarc::driver::{CudaSlice, DeviceRepr, ValidAsZeroBits};
use safetensors::Dtype;

use super::neuron::{Backend, NonSpikingInputs, Outputs, Sequence, SpikingInputs};
use super::tensors::Tensor;
use crate::cli::Failure;
use crate::cpu::NeuronParams;
use crate::cuda::{
    Backward, Device, Error, Forward, Gpu, NonSpiking, Options, Shape, SpikesMut, Spiking, cudarc,
    evaluate,
};
use crate::surrogate::Surrogate;

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        if e.is_environment() {
            Self::Environment(e.to_string())
        } else {
            Self::Input(e.to_string())
        }
    }
}

/// The GPU that `backend` asks for, for tensors of `dtype`; none where another backend computes.
pub(super) fn choose(backend: Backend, dtype: Dtype) -> Result<Option<Gpu>, Failure> {
    match (backend, dtype) {
        (Backend::Cuda, Dtype::F64) => Err(Failure::Input(
            "--backend cuda: f32 tensors are needed; f64 tensors are for --backend cpu".into(),
        )),
        (Backend::Cuda, _) => match Gpu::open(0) {
            Ok(gpu) => Ok(Some(gpu)),
            Err(error) => Err(Failure::Environment(format!(
                "--backend cuda: {error}; --backend cpu needs none"
            ))),
        },
        (Backend::Auto, Dtype::F64) => {
            eprintln!("note: on the CPU: the tensors are f64");
            Ok(None)
        }
        (Backend::Auto, _) => {
            let device = Device::auto();
            eprintln!("note: {}", device.line());
            Ok(match device {
                Device::Gpu(gpu) => Some(gpu),
                Device::Cpu(_) => None,
            })
        }
        _ => Ok(None),
    }
}

/// A tensor on the GPU. The driver allocates no 0 bytes, so that an empty one has a value that no view shows.
struct OnGpu<T> {
    slice: CudaSlice<T>,
    len: usize,
}

macro_rules! view {
    ($tensor:expr) => {
        $tensor.slice.slice(..$tensor.len)
    };
}

macro_rules! view_mut {
    ($tensor:expr) => {{
        let len = $tensor.len;
        $tensor.slice.slice_mut(..len)
    }};
}

impl<T: DeviceRepr + ValidAsZeroBits + Clone + Default> OnGpu<T> {
    fn zeros(gpu: &Gpu, len: usize) -> Result<Self, Error> {
        let slice = gpu.stream().alloc_zeros(len.max(1))?;
        Ok(Self { slice, len })
    }

    fn of(gpu: &Gpu, values: &[T]) -> Result<Self, Error> {
        let mut tensor = Self::zeros(gpu, values.len())?;
        if !values.is_empty() {
            gpu.stream().memcpy_htod(values, &mut tensor.slice)?;
        }
        Ok(tensor)
    }

    fn values(&self, gpu: &Gpu) -> Result<Vec<T>, Error> {
        let mut values = gpu.stream().clone_dtoh(&self.slice)?;
        gpu.stream().synchronize()?;
        values.truncate(self.len);
        Ok(values)
    }
}

/// LIF and SimpleLIF, forward, and backward if a gradient comes in.
pub(super) fn spiking(
    gpu: &Gpu,
    params: &NeuronParams,
    seq: &Sequence<f32>,
    inputs: &SpikingInputs<f32>,
) -> Result<Outputs<f32>, Failure> {
    let (len, n) = (seq.x.len(), seq.n);
    let options = Options {
        v_seq: true,
        grad_v_seq: inputs.grad_v.is_some(),
        ..Options::default()
    };
    let layer = Spiking::new(gpu, params)?;
    let plan = layer.plan::<f32>(Shape::new(seq.shape[0], n), options)?;
    let upload =
        |values: &Option<Vec<f32>>| values.as_deref().map(|v| OnGpu::of(gpu, v)).transpose();
    let x = OnGpu::of(gpu, &seq.x)?;
    let v_init = upload(&inputs.v_init)?;
    let mut spikes = OnGpu::<f32>::zeros(gpu, len)?;
    let mut v = OnGpu::<f32>::zeros(gpu, len)?;
    let mut v_last = OnGpu::<f32>::zeros(gpu, n)?;
    let mut kept = OnGpu::<f32>::zeros(gpu, plan.checkpoint_len())?;
    plan.forward(Forward {
        x_seq: view!(x),
        v_init: v_init.as_ref().map(|v| view!(v)),
        spike_seq: SpikesMut::Real(view_mut!(spikes)),
        v_seq: Some(view_mut!(v)),
        v_last: Some(view_mut!(v_last)),
        checkpoints: Some(view_mut!(kept)),
    })?;
    let mut outputs = Vec::new();
    if let Some(grad_spikes) = upload(&inputs.grad_spikes)? {
        let (grad_v, grad_v_last) = (upload(&inputs.grad_v)?, upload(&inputs.grad_v_last)?);
        let mut grad_x = OnGpu::<f32>::zeros(gpu, len)?;
        let mut grad_v_init = OnGpu::<f32>::zeros(gpu, n)?;
        plan.backward(Backward {
            x_seq: view!(x),
            v_init: v_init.as_ref().map(|v| view!(v)),
            checkpoints: Some(view!(kept)),
            grad_spike_seq: view!(grad_spikes),
            grad_v_seq: grad_v.as_ref().map(|v| view!(v)),
            grad_v_last: grad_v_last.as_ref().map(|v| view!(v)),
            grad_x_seq: view_mut!(grad_x),
            grad_v_init: Some(view_mut!(grad_v_init)),
        })?;
        outputs.push(("grad_x_seq", seq.whole(grad_x.values(gpu)?)));
        outputs.push(("grad_v_init", seq.state(grad_v_init.values(gpu)?)));
    }
    outputs.push(("spike_seq", seq.whole(spikes.values(gpu)?)));
    outputs.push(("v_seq", seq.whole(v.values(gpu)?)));
    outputs.push(("v_last", seq.state(v_last.values(gpu)?)));
    Ok(outputs)
}

/// NonSpikingLIF, forward, and backward if a gradient comes in.
pub(super) fn non_spiking(
    gpu: &Gpu,
    tau: f64,
    seq: &Sequence<f32>,
    inputs: &NonSpikingInputs<f32>,
) -> Result<Outputs<f32>, Failure> {
    let layer = NonSpiking::new(gpu, tau, inputs.decode)?;
    let plan = layer.plan::<f32>(Shape::new(seq.shape[0], seq.n))?;
    let x = OnGpu::of(gpu, &seq.x)?;
    let mut output = OnGpu::<f32>::zeros(gpu, plan.output_len())?;
    let mut chosen = OnGpu::<i32>::zeros(gpu, seq.n)?;
    let mut out = view_mut!(chosen);
    let kept = plan.has_chosen().then_some(&mut out);
    plan.forward(&view!(x), &mut view_mut!(output), kept)?;
    let mut outputs = Vec::new();
    if let Some(grad) = &inputs.grad_output {
        let grad = OnGpu::of(gpu, grad)?;
        let mut grad_x = OnGpu::<f32>::zeros(gpu, seq.x.len())?;
        let chosen = view!(chosen);
        let kept = plan.has_chosen().then_some(&chosen);
        plan.backward(&view!(grad), kept, &mut view_mut!(grad_x))?;
        outputs.push(("grad_x_seq", seq.whole(grad_x.values(gpu)?)));
    }
    outputs.push(("output", Tensor::new(&inputs.shape, output.values(gpu)?)));
    Ok(outputs)
}

/// Gradient and, where there is one, primitive of a surrogate at `x`.
pub(super) fn surrogate(
    gpu: &Gpu,
    function: &Surrogate,
    x: &[f32],
) -> Result<(Vec<f32>, Option<Vec<f32>>), Failure> {
    let len = x.len();
    let x = OnGpu::of(gpu, x)?;
    let mut grad = OnGpu::<f32>::zeros(gpu, len)?;
    let mut primitive = OnGpu::<f32>::zeros(gpu, len)?;
    let mut out = view_mut!(primitive);
    let asked = function.has_primitive().then_some(&mut out);
    evaluate(gpu, function, &view!(x), &mut view_mut!(grad), asked)?;
    let primitive = match function.has_primitive() {
        true => Some(primitive.values(gpu)?),
        false => None,
    };
    Ok((grad.values(gpu)?, primitive))
}
