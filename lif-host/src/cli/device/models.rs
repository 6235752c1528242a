//! `lif device upload`, `selftest` and `run`.

use indicatif::ProgressBar;

use super::args::{Run, Selftest, Upload};
use super::{AnyClient, connect};
use crate::cli::Failure;
use crate::cli::files::{self, Inputs};
use crate::cli::verify::accuracy_of;
use crate::device::{Error, Identity};
use crate::infer::{Host, reads_out};
use crate::say;

pub(super) fn upload(args: &Upload) -> Result<(), Failure> {
    let host = files::read_model(&args.model)?;
    let (mut client, identity) = connect(&args.line, None)?;
    let slot = match args.slot {
        Some(slot) => slot,
        None => client.idle_slot()?,
    };
    write(&mut client, slot, &host)?;
    let bytes = host.model().bytes().len();
    say!(
        "slot {slot} of {}: {bytes} bytes written and read back",
        identity.board
    );
    if args.no_activate {
        client.self_test(slot)?;
        say!("self-test passed");
    } else {
        client.activate(slot)?;
        say!(
            "self-test passed, model {:08x} is active",
            host.model().crc()
        );
    }
    Ok(())
}

fn write(client: &mut AnyClient, slot: u8, host: &Host) -> Result<(), Error> {
    let model = host.model();
    let bar = ProgressBar::new(model.bytes().len() as u64);
    let done = client.upload(slot, model.bytes(), |at| bar.set_position(at as u64));
    bar.finish_and_clear();
    done
}

/// Makes the model of `host` the active one where the board holds another.
pub(super) fn ensure(client: &mut AnyClient, host: &Host) -> Result<(), Error> {
    match client.model() {
        Ok(model) if model.crc == host.model().crc() => return Ok(()),
        Ok(_) | Err(Error::Refused(_) | Error::BadModel(_)) => {}
        Err(e) => return Err(e),
    }
    let slot = client.idle_slot()?;
    write(client, slot, host)?;
    client.activate(slot)
}

pub(super) fn self_test(args: &Selftest) -> Result<(), Failure> {
    let (mut client, identity) = connect(&args.line, args.model.as_deref())?;
    let Some(slot) = args.slot.or(identity.active) else {
        // The board says why it has no active model.
        let why = client.model().err();
        return Err(why.unwrap_or(Error::Unexpected("identify")).into());
    };
    match client.self_test(slot) {
        Ok(()) => {
            say!("slot {slot} of {}: the self-test passed", identity.board);
            Ok(())
        }
        Err(e @ Error::BadModel(_)) => Err(Failure::Check(e.to_string())),
        Err(e) => Err(e.into()),
    }
}

pub(super) fn run(args: &Run) -> Result<(), Failure> {
    let host = files::read_model(&args.model)?;
    let Inputs { mut inputs, labels } = files::read_inputs(&args.input, &host)?;
    inputs.truncate(args.samples.unwrap_or(usize::MAX));
    let (mut client, identity) = connect(&args.line, Some(&args.model))?;
    ensure(&mut client, &host)?;
    // A model that was read here has at most 65,535 steps.
    let steps = u16::try_from(host.model().steps()).unwrap_or(u16::MAX);
    let reads_out = reads_out(&host.model());
    let mut classes = Vec::new();
    for (i, input) in inputs.iter().enumerate() {
        let got = client.infer(input, steps)?;
        let (what, values, class) = if reads_out {
            let x = client.readouts()?;
            ("readouts", joined(&x), lif_nostd::decode::arg_max(&x))
        } else {
            ("spikes", joined(&got.answer.counts), got.answer.class())
        };
        say!(
            "sample {i}: class {class}, {what} {values}{}",
            time(&identity, got.ticks)
        );
        classes.push(class);
    }
    if !labels.is_empty() {
        let percent = 100.0 * accuracy_of(&classes, &labels);
        say!("accuracy {percent:.2} % of {} samples", inputs.len());
    }
    Ok(())
}

fn joined<T: ToString>(values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(T::to_string).collect();
    values.join(" ")
}

fn time(identity: &Identity, ticks: Option<u64>) -> String {
    match ticks {
        Some(ticks) if identity.counter_hz > 0 => format!(", {ticks} ticks"),
        _ => String::new(),
    }
}
