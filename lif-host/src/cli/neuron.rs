//! `lif neuron`: one layer of neurons on tensors in files, to compare with any framework.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, ValueEnum};
use lif_nostd::neuron::{Decode, LifConfig};
use safetensors::Dtype;

use super::on_device::{self, DeviceType};
use super::on_gpu;
use super::tensors::{Element, Input, Tensor, write};
use crate::cli::Failure;
use crate::cpu::{Model, NeuronParams, Neurons, NonSpiking, Upstream};
use crate::say;
use crate::surrogate::Surrogate;

const LONG_ABOUT: &str = "\
Run one layer of neurons on tensors in a safetensors file, forward or forward and backward.

Tensors that are read, f32 or f64:
  x_seq            [T, ...]  inputs
  v_init           [...]     membranes before the first step [default: the model's own]
  grad_spike_seq   [T, ...]  gradient on the spikes: asks for the backward
  grad_v_seq       [T, ...]  gradient on the membranes after each step [default: 0]
  grad_v_last      [...]     gradient on the last membranes [default: 0]
  grad_output      [...]     non-spiking-lif: gradient on the output ([T, ...] without a decode)

Tensors that are written, of the type of x_seq:
  spike_seq, v_seq [T, ...], v_last [...]; with a gradient grad_x_seq [T, ...], grad_v_init [...]
  non-spiking-lif: output; with a gradient grad_x_seq";

/// Options of `lif neuron`.
#[derive(Debug, clap::Args)]
#[command(long_about = LONG_ABOUT)]
pub(super) struct Args {
    /// Model of the neurons
    #[arg(long, value_enum)]
    pub(super) model: ModelArg,
    /// Time constant, in steps; above 1 for lif
    #[arg(long, default_value_t = 2.0, allow_negative_numbers = true)]
    pub(super) tau: f64,
    /// Whether the input is divided by tau (not for non-spiking-lif, which always does)
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    pub(super) decay_input: bool,
    /// The neuron fires where the membrane is at least this
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(super) v_threshold: f64,
    /// Membrane after a spike, or "none" for a soft reset, which subtracts the threshold
    #[arg(
        long,
        value_name = "V|none",
        default_value = "0.0",
        allow_negative_numbers = true
    )]
    pub(super) v_reset: Reset,
    /// Leave the way through the reset out of the gradient
    #[arg(long)]
    pub(super) detach_reset: bool,
    /// What non-spiking-lif reads out of its membranes
    #[arg(long, value_enum, default_value_t = DecodeArg::None)]
    pub(super) decode: DecodeArg,
    /// Surrogate function, under SpikingJelly's name in kebab case; `lif surrogate --help` lists them
    #[arg(long, value_name = "NAME", default_value = "atan")]
    pub(super) surrogate: String,
    /// A parameter of the surrogate, such as alpha=2.0; may be given several times
    #[arg(
        long = "surrogate-param",
        value_name = "NAME=VALUE",
        allow_negative_numbers = true
    )]
    pub(super) surrogate_params: Vec<String>,
    /// Whether the neurons spike; if not, they emit the surrogate's primitive function
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    pub(super) spiking: bool,
    /// cpu; cuda, f32 tensors alone; auto, which is cuda where there is a GPU for f32 tensors, else cpu; or device:TYPE, the code that a device runs, on this machine, forward alone. TYPE is f32, i16 or
    /// i32 (raw integers), or one of the fixed crate's types of 16 or 32 bits, such as I16F16 or I1F15: inputs are
    /// rounded to the nearest value of the type, ties to even, saturating. f64 tensors hold every value of a 32-bit
    /// type, f32 tensors do not
    #[arg(long, default_value = "cpu")]
    pub(super) backend: Backend,
    /// Input tensors
    #[arg(long, value_name = "IN.safetensors")]
    pub(super) input: PathBuf,
    /// Where to write the output tensors
    #[arg(long, value_name = "OUT.safetensors")]
    pub(super) output: PathBuf,
}

/// A model of neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ModelArg {
    /// SpikingJelly's LIFNode
    Lif,
    /// SpikingJelly's SimpleLIFNode
    SimpleLif,
    /// SpikingJelly's NonSpikingLIFNode
    NonSpikingLif,
}

/// A decode of NonSpikingLIF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DecodeArg {
    /// The whole sequence
    None,
    /// The largest membrane
    MaxMem,
    /// The membrane that is furthest from 0
    MaxAbsMem,
    /// The mean membrane
    MeanMem,
    /// The last membrane
    LastMem,
}

impl DecodeArg {
    const fn decode(self) -> Decode {
        match self {
            Self::None => Decode::None,
            Self::MaxMem => Decode::MaxMem,
            Self::MaxAbsMem => Decode::MaxAbsMem,
            Self::MeanMem => Decode::MeanMem,
            Self::LastMem => Decode::LastMem,
        }
    }
}

/// A reset potential, or none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reset(Option<f64>);

impl FromStr for Reset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        match text.parse() {
            Ok(v) => Ok(Self(Some(v))),
            Err(_) => Err("a number is needed, or none for a soft reset".into()),
        }
    }
}

/// What computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    Cpu,
    Cuda,
    Auto,
    Device(DeviceType),
}

impl FromStr for Backend {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("device:")) {
            ("cpu", _) => Ok(Self::Cpu),
            ("cuda", _) => Ok(Self::Cuda),
            ("auto", _) => Ok(Self::Auto),
            (_, Some(number)) => Ok(Self::Device(number.parse()?)),
            _ => Err("cpu, cuda, auto and device:TYPE are allowed".into()),
        }
    }
}

/// The surrogate `name` with the parameters `params`, each NAME=VALUE, checked.
pub(super) fn surrogate(name: &str, params: &[String]) -> Result<Surrogate, Failure> {
    let mut surrogate = Surrogate::from_name(name).ok_or_else(|| {
        Failure::Input(format!(
            "there is no surrogate {name:?}: the surrogates are {}",
            Surrogate::NAMES.join(", ")
        ))
    })?;
    for text in params {
        let bad =
            |problem: String| Failure::Input(format!("surrogate parameter {text:?}: {problem}"));
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| bad("NAME=VALUE is needed, such as alpha=2.0".into()))?;
        let number = value
            .trim()
            .parse()
            .map_err(|_| bad(format!("{value:?} is not a number")))?;
        surrogate
            .set(key.trim(), number)
            .map_err(|e| bad(format!("{:?}: {e}", key.trim())))?;
    }
    match surrogate.problem() {
        Some(problem) => Err(Failure::Input(format!("surrogate {name}: {problem}"))),
        None => Ok(surrogate),
    }
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let surrogate = surrogate(&args.surrogate, &args.surrogate_params)?;
    if args.model != ModelArg::NonSpikingLif && args.decode != DecodeArg::None {
        return Err(Failure::Input(
            "--decode is for --model non-spiking-lif: a spiking model has nothing to decode".into(),
        ));
    }
    let input = Input::open(&args.input)?;
    let dtype = input.dtype("x_seq")?;
    input.note_unknown(&KNOWN)?;
    if let Some(gpu) = on_gpu::choose(args.backend, dtype)? {
        let seq = Sequence::<f32>::read(&input)?;
        let outputs = match args.model {
            ModelArg::NonSpikingLif => {
                let inputs = NonSpikingInputs::read(args.decode.decode(), &seq, &input)?;
                on_gpu::non_spiking(&gpu, args.tau, &seq, &inputs)?
            }
            _ => on_gpu::spiking(
                &gpu,
                &params(args, surrogate),
                &seq,
                &SpikingInputs::read(&seq, &input)?,
            )?,
        };
        return finish(args, outputs);
    }
    match dtype {
        Dtype::F64 => run_as::<f64>(args, surrogate, &input),
        _ => run_as::<f32>(args, surrogate, &input),
    }
}

/// The inputs with the shapes that follow from them.
pub(super) struct Sequence<F> {
    /// `[T, ...]`
    pub(super) shape: Vec<usize>,
    /// Values, `[T, N]`.
    pub(super) x: Vec<F>,
    /// Neurons.
    pub(super) n: usize,
}

impl<F: Element> Sequence<F> {
    fn read(input: &Input) -> Result<Self, Failure> {
        let Tensor { shape, values } = input.tensor::<F>("x_seq")?;
        let Some((steps, rest)) = shape.split_first() else {
            return Err(input.fail("tensor \"x_seq\" has shape []; [T, ...] is needed"));
        };
        if *steps == 0 {
            return Err(input.fail(format!(
                "tensor \"x_seq\" has shape {shape:?}: at least one time step is needed"
            )));
        }
        Ok(Self {
            n: rest.iter().product(),
            x: values,
            shape,
        })
    }

    /// Shape of the neurons, `[...]`.
    pub(super) fn state_shape(&self) -> &[usize] {
        &self.shape[1..]
    }

    /// A tensor of the shape of a sequence, `[T, ...]`.
    pub(super) fn whole(&self, values: Vec<F>) -> Tensor<F> {
        Tensor::new(&self.shape, values)
    }

    /// A tensor of one value a neuron, `[...]`.
    pub(super) fn state(&self, values: Vec<F>) -> Tensor<F> {
        Tensor::new(self.state_shape(), values)
    }
}

/// Named output tensors.
pub(super) type Outputs<F> = Vec<(&'static str, Tensor<F>)>;

fn params(args: &Args, surrogate: Surrogate) -> NeuronParams {
    NeuronParams {
        model: match args.model {
            ModelArg::SimpleLif => Model::SimpleLif,
            _ => Model::Lif,
        },
        config: LifConfig {
            tau: args.tau,
            v_threshold: args.v_threshold,
            v_reset: args.v_reset.0,
            decay_input: args.decay_input,
        },
        detach_reset: args.detach_reset,
        surrogate,
        spiking: args.spiking,
    }
}

fn run_as<F: Element>(args: &Args, surrogate: Surrogate, input: &Input) -> Result<(), Failure> {
    let params = params(args, surrogate);
    let seq = Sequence::<F>::read(input)?;
    let decode = args.decode.decode();
    let outputs = match (args.backend, args.model) {
        (Backend::Device(number), ModelArg::NonSpikingLif) => {
            refuse(
                input,
                &["v_init"],
                "with non-spiking-lif, which starts at 0",
            )?;
            refuse(
                input,
                &GRADIENTS,
                "on a device backend, which has no backward",
            )?;
            on_device::non_spiking(number, args.tau, decode, &seq)?
        }
        (Backend::Device(number), _) => {
            refuse(
                input,
                &GRADIENTS,
                "on a device backend, which has no backward",
            )?;
            let v_init = input.optional::<F>("v_init", seq.state_shape())?;
            on_device::spiking(number, &params, &seq, v_init.as_deref())?
        }
        (_, ModelArg::NonSpikingLif) => non_spiking(args.tau, decode, &seq, input)?,
        _ => spiking(&params, &seq, input)?,
    };
    finish(args, outputs)
}

/// Writes the outputs and says so.
fn finish<F: Element>(args: &Args, outputs: Outputs<F>) -> Result<(), Failure> {
    let names: Vec<&str> = outputs.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    write(&args.output, outputs)?;
    say!("wrote {} ({names})", args.output.display());
    Ok(())
}

/// Gradients that come in.
const GRADIENTS: [&str; 4] = ["grad_spike_seq", "grad_v_seq", "grad_v_last", "grad_output"];

/// Tensors that are read.
const KNOWN: [&str; 6] = [
    "x_seq",
    "v_init",
    "grad_spike_seq",
    "grad_v_seq",
    "grad_v_last",
    "grad_output",
];

/// Refuses the tensors `names`, which would be ignored.
fn refuse(input: &Input, names: &[&str], whose: &str) -> Result<(), Failure> {
    for name in names {
        if input.has(name)? {
            return Err(input.fail(format!("tensor {name:?} cannot be used {whose}")));
        }
    }
    Ok(())
}

/// Tensors that a spiking layer reads besides its inputs.
pub(super) struct SpikingInputs<F> {
    pub(super) v_init: Option<Vec<F>>,
    pub(super) grad_spikes: Option<Vec<F>>,
    pub(super) grad_v: Option<Vec<F>>,
    pub(super) grad_v_last: Option<Vec<F>>,
}

impl<F: Element> SpikingInputs<F> {
    fn read(seq: &Sequence<F>, input: &Input) -> Result<Self, Failure> {
        refuse(
            input,
            &["grad_output"],
            "with a spiking model: its gradients are grad_spike_seq, grad_v_seq and grad_v_last",
        )?;
        let state = seq.state_shape();
        let inputs = Self {
            v_init: input.optional::<F>("v_init", state)?,
            grad_spikes: input.optional::<F>("grad_spike_seq", &seq.shape)?,
            grad_v: input.optional::<F>("grad_v_seq", &seq.shape)?,
            grad_v_last: input.optional::<F>("grad_v_last", state)?,
        };
        let others = inputs.grad_v.is_some() || inputs.grad_v_last.is_some();
        if inputs.grad_spikes.is_none() && others {
            return Err(input.fail(
                "tensor \"grad_spike_seq\" is missing, which the backward needs; it may be all 0",
            ));
        }
        Ok(inputs)
    }
}

fn spiking<F: Element>(
    params: &NeuronParams,
    seq: &Sequence<F>,
    input: &Input,
) -> Result<Outputs<F>, Failure> {
    let neurons = Neurons::<F>::new(params).map_err(|e| Failure::Input(e.to_string()))?;
    let inputs = SpikingInputs::read(seq, input)?;
    let out = neurons.forward(seq.n, &seq.x, inputs.v_init.as_deref());
    let mut outputs = Vec::new();
    if let Some(spikes) = &inputs.grad_spikes {
        let up = Upstream {
            spikes,
            v: inputs.grad_v.as_deref(),
            v_last: inputs.grad_v_last.as_deref(),
        };
        let (grad_x, grad_v_init) = neurons.backward(seq.n, &out.h, &out.spikes, up);
        outputs.push(("grad_x_seq", seq.whole(grad_x)));
        outputs.push(("grad_v_init", seq.state(grad_v_init)));
    }
    outputs.push(("spike_seq", seq.whole(out.spikes)));
    outputs.push(("v_seq", seq.whole(out.v)));
    outputs.push(("v_last", seq.state(out.v_last)));
    Ok(outputs)
}

/// What NonSpikingLIF reads besides its inputs.
pub(super) struct NonSpikingInputs<F> {
    pub(super) decode: Decode,
    /// Shape of the output.
    pub(super) shape: Vec<usize>,
    pub(super) grad_output: Option<Vec<F>>,
}

impl<F: Element> NonSpikingInputs<F> {
    fn read(decode: Decode, seq: &Sequence<F>, input: &Input) -> Result<Self, Failure> {
        refuse(
            input,
            &["v_init"],
            "with non-spiking-lif, which starts at 0",
        )?;
        let grads = ["grad_spike_seq", "grad_v_seq", "grad_v_last"];
        refuse(
            input,
            &grads,
            "with non-spiking-lif: its gradient is grad_output",
        )?;
        let shape = match decode {
            Decode::None => &seq.shape,
            _ => seq.state_shape(),
        };
        Ok(Self {
            decode,
            shape: shape.into(),
            grad_output: input.optional::<F>("grad_output", shape)?,
        })
    }
}

fn non_spiking<F: Element>(
    tau: f64,
    decode: Decode,
    seq: &Sequence<F>,
    input: &Input,
) -> Result<Outputs<F>, Failure> {
    let inputs = NonSpikingInputs::read(decode, seq, input)?;
    let neurons =
        NonSpiking::<F>::new(tau, inputs.decode).map_err(|e| Failure::Input(e.to_string()))?;
    let out = neurons.forward(seq.n, &seq.x);
    let mut outputs = Vec::new();
    if let Some(grad) = &inputs.grad_output {
        outputs.push(("grad_x_seq", seq.whole(neurons.backward(&out, grad))));
    }
    outputs.push(("output", Tensor::new(&inputs.shape, out.output)));
    Ok(outputs)
}
