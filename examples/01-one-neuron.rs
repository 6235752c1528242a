//! One leaky integrate-and-fire neuron on a step current: its membrane step by step, printed and plotted.
//!
//! A neuron is a configuration, here `Lif<f32>`, and a state, its membrane `v`, which you keep. A time step takes
//! an input x and does three things:
//!
//! ```text
//! charge   h = v + (x - v) / tau        the membrane goes a part of the way to the input
//! fire     s = h >= v_threshold         a spike, or none
//! reset    v = 0 if it fired, else h
//! ```

use std::path::Path;
use std::process::ExitCode;

use lif_host::cli::{Failure, exit, files};
use lif_host::plot::{Trace, membrane_svg};
use lif_host::say;
use lif_nostd::neuron::LifConfig;

/// Steps that are run, and those in which the current flows.
const STEPS: usize = 70;
const CURRENT_ON: std::ops::Range<usize> = 10..55;
/// The current; a membrane would settle at it. At or below the threshold of 1 the neuron would never fire.
const CURRENT: f32 = 1.5;

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    // A membrane that forgets in about 8 steps. Everything else is the default: threshold 1, hard reset to 0.
    let config = LifConfig::new(8.0);
    let lif = config.lif::<f32>().map_err(failure)?;

    let title = format!("One LIF neuron, tau = {}, step current", config.tau);
    let mut trace = Trace::new(title, config.v_threshold);
    let mut v = 0.0;
    for t in 0..STEPS {
        // `lif.step(&mut v, x)` does all three at once; apart, they show the membrane between them.
        let (h, spike) = lif.charge_and_fire(v, current(t));
        v = lif.reset(h, spike);
        trace.push(h.into(), v.into(), spike);
    }

    say!("The first spike, step by step. h: membrane after the charge, v: after the reset.\n");
    say!("step  current       h       v  spike");
    for (t, step) in trace.steps.iter().enumerate().take(22).skip(8) {
        let (x, spike) = (current(t), if step.spike { "  fired" } else { "" });
        say!("{t:4}  {x:7.2}  {:.4}  {:.4}{spike}", step.h, step.v);
    }

    say!("\nAll {STEPS} steps, h over time:\n");
    print_picture(&trace);
    let spikes = trace.steps.iter().filter(|step| step.spike).count();
    let on = CURRENT_ON.len();
    say!("\n{spikes} spikes in {on} steps of current: the neuron codes its input as a rate.");

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = root
        .canonicalize()
        .unwrap_or(root)
        .join("out/one-neuron.svg");
    let svg = membrane_svg(&trace).map_err(failure)?;
    files::write(&file, svg.as_bytes())?;
    say!("The same as a picture: {}", file.display());

    say!("\nTry another CURRENT, or a soft reset: LifConfig::new(8.0).soft_reset().");
    say!(
        "Next: 02-population, 64 of them on a device; docs/dynamics.md, section 1, has every option."
    );
    Ok(())
}

/// The current in step `t`.
fn current(t: usize) -> f32 {
    if CURRENT_ON.contains(&t) {
        CURRENT
    } else {
        0.0
    }
}

/// Spikes, membranes and the current as text: a column a step.
fn print_picture(trace: &Trace) {
    let row = |name: &str, mark: &dyn Fn(usize) -> char| {
        let line: String = (0..trace.steps.len()).map(mark).collect();
        say!("{name:>9} {}", line.trim_end());
    };
    row("spikes", &|t| if trace.steps[t].spike { '|' } else { ' ' });
    const ROWS: u32 = 8;
    for r in (1..=ROWS).rev() {
        // The top row is the threshold: a membrane that gets there has fired.
        let level = trace.v_threshold * f64::from(r) / f64::from(ROWS);
        let name = if r == ROWS { "threshold" } else { "" };
        row(name, &|t| match trace.steps[t].h >= level {
            true => '#',
            false if r == ROWS => '-',
            false => ' ',
        });
    }
    row("current", &|t| if current(t) > 0.0 { '=' } else { '_' });
}

fn failure(e: impl std::fmt::Display) -> Failure {
    Failure::Input(e.to_string())
}
