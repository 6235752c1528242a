//! `lif import`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::{Failure, files};
use crate::import::{self, SNNTORCH_TEMPLATE, SPIKINGJELLY_TEMPLATE};
use crate::{checkpoint, say};

/// A framework that networks come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Framework {
    /// SpikingJelly 2.0
    Spikingjelly,
    /// snnTorch 1.0
    Snntorch,
}

/// Options of `lif import`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The state dict of a PyTorch model, as a safetensors file
    #[arg(
        value_name = "WEIGHTS.safetensors",
        required_unless_present = "template"
    )]
    weights: Option<PathBuf>,
    /// Topology and neurons; --template prints a start
    #[arg(long, value_name = "NET.toml", required_unless_present = "template")]
    net: Option<PathBuf>,
    /// Where to write the network, weights and description
    #[arg(
        long,
        value_name = "MODEL.safetensors",
        required_unless_present = "template"
    )]
    output: Option<PathBuf>,
    /// Print a commented start of NET.toml, and nothing else
    #[arg(long, value_name = "FRAMEWORK", value_enum, conflicts_with_all = ["weights", "net", "output"])]
    template: Option<Framework>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (weights, net_file, output) = match (args.template, &args.weights, &args.net, &args.output)
    {
        (Some(Framework::Spikingjelly), ..) => {
            say!("{}", SPIKINGJELLY_TEMPLATE.trim_end());
            return Ok(());
        }
        (Some(Framework::Snntorch), ..) => {
            say!("{}", SNNTORCH_TEMPLATE.trim_end());
            return Ok(());
        }
        (None, Some(weights), Some(net), Some(output)) => (weights, net, output),
        // The parser has asked for them.
        _ => {
            return Err(Failure::Input(
                "WEIGHTS, --net and --output are needed".into(),
            ));
        }
    };
    let bytes = files::read(weights)?;
    let text = files::read_text(net_file)?;
    let imported = import::import(&bytes, &text).map_err(|e| match e {
        import::Error::Weights(_) => Failure::in_file(
            weights,
            format!("{e}; safetensors.torch.save_file(model.state_dict(), FILE) makes one"),
        ),
        import::Error::Tensor { .. } => {
            Failure::in_file(net_file, format!("{e} ({})", weights.display()))
        }
        _ => Failure::in_file(net_file, e),
    })?;
    for note in &imported.notes {
        eprintln!("note: {}: {note}", net_file.display());
    }
    if !imported.unused.is_empty() {
        let names = imported.unused.join(", ");
        eprintln!("note: {}: not read: {names}", weights.display());
    }
    let bytes = checkpoint::to_bytes(&imported.net).map_err(|e| Failure::in_file(output, e))?;
    files::write(output, &bytes)?;
    for layer in imported
        .net
        .layers()
        .map_err(|e| Failure::in_file(net_file, e))?
    {
        say!(
            "{} + {}: {} -> {}",
            layer.synapse,
            layer.neuron,
            layer.n_in,
            layer.n_out
        );
    }
    say!("wrote {}", output.display());
    Ok(())
}
