//! `lif quantize`.

use super::args::{PartArg, Quantize};
use super::eval::{options, read_net, samples};
use super::export::print_layers;
use crate::calibrate::{agreement, calibrate};
use crate::cli::{Failure, files};
use crate::export::export_int_with;
use crate::say;

/// Runs the command.
///
/// # Errors
///
/// [`Failure::Input`], with the file.
pub(super) fn run(args: &Quantize) -> Result<(), Failure> {
    let net = read_net(&args.model)?;
    let fail = |e: String| Failure::in_file(&args.model, e);
    let (n_in, _) = net.input().map_err(|e| fail(e.to_string()))?;
    let read = |part| samples(&args.samples, part, n_in, net.n_out());
    let (known, test) = (read(PartArg::Train)?, read(PartArg::Test)?);
    let n = known.len().min(args.calibrate as usize);
    let first: Vec<usize> = (0..n).collect();
    let options = options(args.weights);
    let calibrated =
        calibrate(&net, &known.select(&first), options).map_err(|e| fail(e.to_string()))?;
    let agreed =
        agreement(&net, &calibrated.net, &test, options).map_err(|e| fail(e.to_string()))?;
    let exported = export_int_with(&calibrated.net, options).map_err(|e| fail(e.to_string()))?;
    say!("calibrated on {n} samples, compared on {}", test.len());
    print_layers(&net, &exported)?;
    let layers = net.layers().map_err(|e| fail(e.to_string()))?;
    let rows = layers
        .iter()
        .zip(&calibrated.clips)
        .zip(&agreed.equal_spikes);
    for ((layer, clip), equal) in rows {
        let equal = match equal {
            Some(share) => format!("{:.3} % of its spikes equal", 100.0 * share),
            None => "does not spike".into(),
        };
        say!(
            "{}: weights cut at {clip} of the largest, {equal}",
            layer.neuron.escape_debug()
        );
    }
    let percent =
        |share: Option<f64>| share.map_or("unknown".into(), |x| format!("{:.2} %", 100.0 * x));
    say!(
        "accuracy {} in f32, {} in integers; the same class for {:.2} % of the samples",
        percent(agreed.float_accuracy),
        percent(agreed.integer_accuracy),
        100.0 * agreed.same_class
    );
    let output = match &args.output {
        Some(file) => file.clone(),
        None => args.model.with_extension("lif"),
    };
    files::write(&output, &exported.bytes)?;
    say!(
        "wrote {} ({} bytes)",
        output.display(),
        exported.bytes.len()
    );
    Ok(())
}
