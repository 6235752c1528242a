//! `lif export`.

pub use super::args::{Export, NumberArg};
use crate::checkpoint;
use crate::cli::{Failure, files};
use crate::export::{Exported, export_f32, export_i16};
use crate::net::Net;
use crate::say;

/// Runs the command.
///
/// # Errors
///
/// [`Failure::Input`], with the file.
pub fn run(args: &Export) -> Result<(), Failure> {
    let bytes = files::read(&args.model)?;
    let net = checkpoint::from_bytes(&bytes).map_err(|e| {
        Failure::in_file(&args.model, format!("{e}; `lif train` makes such a file"))
    })?;
    let exported = match args.number {
        NumberArg::I16 => export_i16(&net),
        NumberArg::F32 => export_f32(&net),
    }
    .map_err(|e| Failure::in_file(&args.model, e))?;
    let output = match &args.output {
        Some(file) => file.clone(),
        None => args.model.with_extension("lif"),
    };
    print_layers(&net, &exported)?;
    files::write(&output, &exported.bytes)?;
    say!(
        "wrote {} ({} bytes)",
        output.display(),
        exported.bytes.len()
    );
    Ok(())
}

/// Prints how each layer was quantised; nothing for f32.
///
/// # Errors
///
/// [`Failure::Input`] where the network is not a chain.
pub fn print_layers(net: &Net, exported: &Exported) -> Result<(), Failure> {
    let layers = net.layers().map_err(|e| Failure::Input(e.to_string()))?;
    for (layer, q) in layers.iter().zip(&exported.layers) {
        say!(
            "{} + {}: {} -> {}, scale {:.6}, shift {}, threshold {}, largest sum {} \
             ({} guard bits of 32), dead zone {:.3} % of the threshold",
            layer.synapse.escape_debug(),
            layer.neuron.escape_debug(),
            layer.n_in,
            layer.n_out,
            q.scale,
            q.shift,
            q.v_threshold,
            q.certificate.max_sum,
            q.certificate.guard_bits(32),
            100.0 * q.dead_zone
        );
    }
    Ok(())
}
