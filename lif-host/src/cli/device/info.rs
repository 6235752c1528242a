//! `lif device list` and `lif device info`.

use lif_nostd::link::{Content, Refusal};

use super::args::Line;
use super::connect;
use crate::cli::Failure;
use crate::device::{BOARDS, Error, SlotState, serial_ports};
use crate::say;

pub(super) fn list() -> Result<(), Failure> {
    let ports = serial_ports()?;
    say!(
        "serial ports{}",
        if ports.is_empty() { ": none" } else { "" }
    );
    for (name, what) in ports {
        say!("  {}", format!("{name:<20} {what}").trim_end());
    }
    say!("boards that can be emulated");
    for board in BOARDS {
        say!("  {:<20} {}", board.name, board.core);
    }
    Ok(())
}

pub(super) fn info(line: &Line) -> Result<(), Failure> {
    let (mut client, identity) = connect(line, None)?;
    say!("board                 {}", identity.board);
    say!("firmware              {}", identity.firmware);
    say!("flash                 {} bytes", identity.flash_bytes);
    say!("RAM                   {} bytes", identity.ram_bytes);
    say!("  for a network       {} bytes", identity.arena_bytes);
    say!("  for its input       {} bytes", identity.input_bytes);
    say!("counter               {} Hz", identity.counter_hz);
    say!("chunk                 {} bytes", client.chunk_bytes());
    for i in 0..identity.slots {
        let active = if identity.active == Some(i) {
            ", active"
        } else {
            ""
        };
        say!(
            "slot {i}                {}{active}",
            slot_text(&client.slot(i)?)
        );
    }
    match client.model() {
        Ok(m) => say!(
            "model                 {:?}, {:08x}: {} inputs ({}), {} layers, {} outputs, {} steps, {} bytes of RAM",
            m.name,
            m.crc,
            m.n_in,
            m.number.name(),
            m.n_layers,
            m.n_out,
            m.steps,
            m.ram_bytes
        ),
        Err(Error::Refused(Refusal::NoModel)) => say!("model                 none"),
        Err(Error::BadModel(why)) => say!("model                 refused: {why}"),
        Err(e) => return Err(e.into()),
    }
    let s = client.statistics()?;
    say!("steps                 {}", s.steps);
    say!("spikes                {}", s.spikes);
    say!("synaptic operations   {}", s.synaptic_ops);
    say!(
        "ticks                 {}, {} in the longest step",
        s.ticks,
        s.most_ticks
    );
    say!("stack                 {} bytes at the most", s.stack_bytes);
    say!(
        "requests              {} done, {} refused, {} repeated, {} late, {} broken frames",
        s.requests,
        s.refused,
        s.repeated,
        s.late,
        s.broken
    );
    Ok(())
}

fn slot_text(slot: &SlotState) -> String {
    let kind = if slot.writable {
        "writable"
    } else {
        "read-only"
    };
    let content = match slot.content {
        Content::Empty => "empty".into(),
        Content::Receiving { next } => format!("an upload, {next} bytes of it"),
        Content::Model {
            bytes,
            crc,
            generation,
        } => format!("model {crc:08x}, {bytes} bytes, generation {generation}"),
        Content::Refused(why) => format!("no model: {why}"),
        _ => "something that this program does not know".into(),
    };
    format!("{} bytes, {kind}: {content}", slot.bytes)
}
