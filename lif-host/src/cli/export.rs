//! `lif export`.

pub use super::args::{Export, NumberArg, WeightsArg};
use crate::checkpoint;
use crate::cli::{Failure, files};
use crate::export::{Exported, export_f32, export_int_with, rust_module};
use crate::net::Net;
use crate::quant::{QuantOptions, Weights};
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
        NumberArg::Int => {
            let weights = match args.weights {
                WeightsArg::I8 => Weights::I8,
                WeightsArg::I16 => Weights::I16,
            };
            export_int_with(
                &net,
                QuantOptions {
                    weights,
                    ..QuantOptions::default()
                },
            )
        }
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
    if let Some(file) = &args.rust {
        let module = rust_module(&exported.bytes).map_err(|e| Failure::in_file(file, e))?;
        files::write(file, module.as_bytes())?;
        say!("wrote {}", file.display());
    }
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
        let threshold = match &q.v_threshold {
            Some(v) => format!("threshold {v}"),
            None => format!("decode {}", q.decode.name()),
        };
        let of = if q.v_threshold.is_some() {
            "threshold"
        } else {
            "largest membrane"
        };
        say!(
            "{} + {}: {} -> {}, weights {}, membranes {}, scale {:.6}, shift {}, {threshold}, largest sum {} \
             ({} guard bits of 32, {}), dead zone {:.3} % of the {of}",
            layer.synapse.escape_debug(),
            layer.neuron.escape_debug(),
            layer.n_in,
            layer.n_out,
            q.weight_number.name(),
            q.number.name(),
            q.scale,
            q.shift,
            q.certificate.max_sum,
            q.certificate.guard_bits(32),
            if q.certificate.guard_bits(16) >= 0 {
                "fits 16"
            } else {
                "does not fit 16"
            },
            100.0 * q.dead_zone
        );
    }
    Ok(())
}
