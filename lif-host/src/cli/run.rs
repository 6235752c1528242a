//! `lif run`.

use std::fmt::Write;

use super::args::Run;
use crate::cli::files::Inputs;
use crate::cli::{Failure, files};
use crate::infer::{Answer, reads_out};
use crate::say;
use lif_nostd::decode::arg_max;

/// Runs the command.
pub(super) fn run(args: &Run) -> Result<(), Failure> {
    let mut host = files::read_model(&args.model)?;
    let Inputs { inputs, labels } = files::read_inputs(&args.input, &host)?;
    let steps = args.steps.map_or(host.model().steps(), u32::from);
    let fail = |e| Failure::model(&args.model, e);
    // What is shown of each output, and the class that it makes.
    let (what, answers): (_, Vec<(Vec<String>, usize)>) = if reads_out(&host.model()) {
        let readouts = host.readouts(&inputs, steps).map_err(fail)?;
        let shown = |x: &Vec<f32>| (x.iter().map(f32::to_string).collect(), arg_max(x));
        ("readouts", readouts.iter().map(shown).collect())
    } else {
        let answers = host.run(&inputs, steps).map_err(fail)?;
        let shown = |a: &Answer| (a.counts.iter().map(u32::to_string).collect(), a.class());
        ("spikes", answers.iter().map(shown).collect())
    };
    let mut text = String::new();
    for (i, (values, class)) in answers.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = match args.output {
            Some(_) => writeln!(text, "{}", values.join(",")),
            None => writeln!(
                text,
                "sample {i}: class {class}, {what} {}",
                values.join(" ")
            ),
        };
    }
    match &args.output {
        Some(file) => files::write(file, text.as_bytes())?,
        None => say!("{}", text.trim_end()),
    }
    if !labels.is_empty() {
        let found = answers
            .iter()
            .zip(&labels)
            .filter(|((_, class), label)| *class == **label as usize)
            .count();
        say!(
            "accuracy {:.2} % of {} samples",
            100.0 * found as f64 / inputs.len() as f64,
            inputs.len()
        );
    }
    Ok(())
}
