//! `lif run`.

use std::fmt::Write;

use super::args::Run;
use crate::cli::files::Inputs;
use crate::cli::{Failure, files};
use crate::say;

/// Runs the command.
pub(super) fn run(args: &Run) -> Result<(), Failure> {
    let mut host = files::read_model(&args.model)?;
    let Inputs { inputs, labels } = files::read_inputs(&args.input, &host)?;
    let steps = args.steps.map_or(host.model().steps(), u32::from);
    let answers = host
        .run(&inputs, steps)
        .map_err(|e| Failure::model(&args.model, e))?;
    let mut text = String::new();
    for (i, answer) in answers.iter().enumerate() {
        let counts: Vec<String> = answer.counts.iter().map(u32::to_string).collect();
        // Writing to a string cannot fail.
        let _ = match args.output {
            Some(_) => writeln!(text, "{}", counts.join(",")),
            None => writeln!(
                text,
                "sample {i}: class {}, spikes {}",
                answer.class(),
                counts.join(" ")
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
            .filter(|(a, label)| a.class() == **label as usize)
            .count();
        say!(
            "accuracy {:.2} % of {} samples",
            100.0 * found as f64 / inputs.len() as f64,
            inputs.len()
        );
    }
    Ok(())
}
