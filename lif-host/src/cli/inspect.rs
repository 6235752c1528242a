//! `lif inspect`.

use lif_nostd::model::Model;
use lif_nostd::model::format::{MAJOR, Node, Number, Param};

use super::args::Inspect;
use crate::cli::{Failure, files};
use crate::say;

/// Runs the command.
pub(super) fn run(args: &Inspect) -> Result<(), Failure> {
    let host = files::read_model(&args.model)?;
    let model = host.model();
    say!("{}", args.model.display());
    say!("  name     {}", model.name().escape_debug());
    say!("  format   {MAJOR}.{}", model.minor());
    say!("  CRC-32   {:08x}, correct", model.crc());
    say!("  flash    {} bytes", model.bytes().len());
    say!("  RAM      {} bytes of arena", model.ram_bytes());
    say!("  steps    {} a sample", model.steps());
    say!("  nodes");
    for i in 0..model.n_nodes() {
        if let Some(record) = model.node(i) {
            // A file may come from anywhere: its names must not reach a terminal as commands.
            let name = record.name().escape_debug().to_string();
            say!("    {name:<16} {}", describe(record.node));
        }
    }
    print_certificates(&model);
    Ok(())
}

fn print_certificates(model: &Model<'_>) {
    for (node, max_sum) in model.certificates() {
        let name = model.node(node);
        let name = name.as_ref().map_or("?", |r| r.name());
        say!("  largest sum of {}: {max_sum}", name.escape_debug());
    }
}

fn describe(node: Node) -> String {
    match node {
        Node::Input {
            number,
            n,
            full_scale,
            step,
            ..
        } => {
            let unit = if number == Number::I8 {
                format!(", a unit is {step}")
            } else {
                String::new()
            };
            format!(
                "input    {n} x {}, full scale {full_scale}{unit}",
                number.name()
            )
        }
        Node::Linear {
            number,
            n_in,
            n_out,
            shift,
            ..
        } => {
            let shift = if number == Number::I8 {
                format!(", current = sum * 2^{shift}")
            } else {
                String::new()
            };
            format!(
                "linear   {n_in} -> {n_out}, weights {}{shift}",
                number.name()
            )
        }
        Node::Lif {
            number,
            n,
            decay_input,
            leak,
            v_threshold,
            v_reset,
            ..
        } => {
            let value = |p| param(p, number);
            let leak = match (number, leak) {
                (Number::F32, p) => format!("tau {}", value(p)),
                (_, Param::Scalar(a)) => format!("leak factor {a}/65536"),
                (_, p) => value(p),
            };
            let reset = match v_reset {
                Param::None => "soft reset".into(),
                p => format!("reset {}", value(p)),
            };
            let decay = if decay_input { ", decay_input" } else { "" };
            format!(
                "lif      {n} x {}, {leak}, threshold {}, {reset}{decay}",
                number.name(),
                value(v_threshold)
            )
        }
        _ => "of a kind that this version does not know".into(),
    }
}

fn param(p: Param, number: Number) -> String {
    match p {
        Param::Scalar(bits) if number == Number::F32 => f32::from_bits(bits).to_string(),
        Param::Scalar(bits) => (bits as i32).to_string(),
        _ => "none".into(),
    }
}
