//! `lif surrogate`: a surrogate function on a tensor in a file.

use std::path::PathBuf;

use lif_nostd::real::Real;
use safetensors::Dtype;

use super::neuron::{Backend, surrogate};
use super::on_gpu;
use super::tensors::{Element, Input, Tensor, write};
use crate::cli::Failure;
use crate::say;
use crate::surrogate::Surrogate;

const LONG_ABOUT: &str = "\
Evaluate a surrogate function on a tensor in a safetensors file.

Reads the tensor x [...], f32 or f64, the membrane's distance to the threshold; writes grad [...], the gradient that
stands in for that of the spike, and primitive [...], the function that it is the gradient of, where there is one.";

/// Options of `lif surrogate`.
#[derive(Debug, clap::Args)]
#[command(long_about = LONG_ABOUT, after_help = names())]
pub(super) struct Args {
    /// Name of the function, SpikingJelly's class name in kebab case
    #[arg(long, value_name = "NAME")]
    pub(super) name: String,
    /// A parameter, such as alpha=2.0; may be given several times
    #[arg(
        long = "param",
        value_name = "NAME=VALUE",
        allow_negative_numbers = true
    )]
    pub(super) params: Vec<String>,
    /// cpu; cuda, f32 tensors alone; or auto, which is cuda where there is a GPU for f32 tensors, else cpu
    #[arg(long, default_value = "cpu")]
    pub(super) backend: Backend,
    /// Input tensor
    #[arg(long, value_name = "IN.safetensors")]
    pub(super) input: PathBuf,
    /// Where to write the output tensors
    #[arg(long, value_name = "OUT.safetensors")]
    pub(super) output: PathBuf,
}

/// The names with their parameters and defaults.
fn names() -> String {
    let mut text = String::from("Names, with their parameters and defaults:\n");
    for surrogate in Surrogate::ALL {
        let params: Vec<String> = surrogate
            .params()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        text.push_str(&format!("  {:<27}{}\n", surrogate.name(), params.join(" ")));
    }
    text
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let surrogate = surrogate(&args.name, &args.params)?;
    if matches!(args.backend, Backend::Device(_)) {
        return Err(Failure::Input(
            "--backend device: a surrogate is for training; cpu, cuda and auto are allowed".into(),
        ));
    }
    let input = Input::open(&args.input)?;
    let dtype = input.dtype("x")?;
    if let Some(gpu) = on_gpu::choose(args.backend, dtype)? {
        let x = input.tensor::<f32>("x")?;
        let (grad, primitive) = on_gpu::surrogate(&gpu, &surrogate, &x.values)?;
        return finish(args, surrogate, &x.shape, grad, primitive);
    }
    match dtype {
        Dtype::F64 => run_as::<f64>(args, surrogate, &input),
        _ => run_as::<f32>(args, surrogate, &input),
    }
}

fn run_as<F: Element>(args: &Args, surrogate: Surrogate, input: &Input) -> Result<(), Failure> {
    let x = input.tensor::<F>("x")?;
    let grad = |x: &F| <F as Real>::from_f64(surrogate.grad(Real::to_f64(*x)));
    let grad = x.values.iter().map(grad).collect();
    let primitive = surrogate.has_primitive().then(|| {
        let primitive = x.values.iter().filter_map(|x| surrogate.primitive(*x));
        primitive.collect()
    });
    finish(args, surrogate, &x.shape, grad, primitive)
}

/// Writes the outputs and says so.
fn finish<F: Element>(
    args: &Args,
    surrogate: Surrogate,
    shape: &[usize],
    grad: Vec<F>,
    primitive: Option<Vec<F>>,
) -> Result<(), Failure> {
    let mut outputs = vec![("grad", Tensor::new(shape, grad))];
    if let Some(primitive) = primitive {
        outputs.push(("primitive", Tensor::new(shape, primitive)));
    } else {
        eprintln!(
            "note: {} has no primitive function; the output holds grad alone",
            surrogate.name()
        );
    }
    let names: Vec<&str> = outputs.iter().map(|(name, _)| *name).collect();
    let text = names.join(", ");
    write(&args.output, outputs)?;
    say!("wrote {} ({text})", args.output.display());
    Ok(())
}
