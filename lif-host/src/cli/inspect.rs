//! `lif inspect`.

use lif_nostd::model::Model;
use lif_nostd::model::format::{MAJOR, NeuronKind, Neurons, Node, Number, Param};

use super::args::Inspect;
use crate::cli::{Failure, files};
use crate::cost::{Activity, CORES};
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
    print_cost(&model);
    print_extras(&model);
    Ok(())
}

fn print_certificates(model: &Model<'_>) {
    for (node, max_sum) in model.certificates() {
        let name = model.node(node);
        let name = name.as_ref().map_or("?", |r| r.name());
        let fits = if max_sum <= i16::MAX as u32 {
            ", fits 16 bits"
        } else {
            ""
        };
        say!("  largest sum of {}: {max_sum}{fits}", name.escape_debug());
    }
}

/// Instructions of a step, by core: with 10 % of inputs and neurons spiking, and with all.
fn print_cost(model: &Model<'_>) {
    let mut lines = Vec::new();
    for core in CORES {
        let cost = |activity| core.step(model, activity);
        if let (Some(typical), Some(most)) = (cost(Activity::Percent(10)), cost(Activity::All)) {
            lines.push(format!(
                "    {:<10} {typical:>9.0} typical, {most:>9.0} at most; about {:.0} and {:.0} cycles",
                core.name,
                typical * core.cycles,
                most * core.cycles
            ));
        }
    }
    if lines.is_empty() {
        say!("  no estimate of instructions for f32, nor for weights of 16 bits");
        return;
    }
    say!("  instructions a step, an estimate: 10 % of inputs and neurons spike, or all");
    for line in lines {
        say!("{line}");
    }
}

/// The sections that nothing verifies or compares, and the golden trace.
fn print_extras(model: &Model<'_>) {
    if let Some(trace) = model.golden_trace() {
        say!(
            "  golden trace of {} steps, digest {:08x}",
            trace.steps,
            trace.digest
        );
    }
    if let Some(signature) = model.signature() {
        say!(
            "  signature of algorithm {} over {} bytes, not verified",
            signature.algorithm,
            signature.covers
        );
    }
    if let Some(rollback) = model.rollback() {
        say!("  rollback counter {rollback}, not compared");
    }
    if let Some(target) = model.target() {
        say!("  target   {}, not compared", target.escape_debug());
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
            let scale = match number {
                Number::Bits => String::new(),
                Number::I8 => format!(", full scale {full_scale}, a unit is {step}"),
                _ => format!(", full scale {full_scale}"),
            };
            format!("input    {n} x {}{scale}", number.name())
        }
        Node::Linear {
            number,
            n_in,
            n_out,
            shift,
            ..
        } => {
            let shift = if number == Number::F32 {
                String::new()
            } else {
                format!(", current = sum * 2^{shift}")
            };
            format!(
                "linear   {n_in} -> {n_out}, weights {}{shift}",
                number.name()
            )
        }
        Node::Neurons(n) => describe_neurons(&n),
        _ => "of a kind that this version does not know".into(),
    }
}

fn describe_neurons(n: &Neurons) -> String {
    let value = |p| param(p, n.number);
    let leak = match (n.number, n.leak) {
        (Number::F32, p) => format!("tau {}", value(p)),
        (_, Param::Scalar(a)) => format!("leak factor {a}/65536"),
        (_, p) => format!("leak factor {}", value(p)),
    };
    let rest = match n.kind {
        NeuronKind::NonSpikingLif => format!("decode {}", n.decode.name()),
        _ => {
            let reset = match n.v_reset {
                Param::None => "soft reset".into(),
                p => format!("reset {}", value(p)),
            };
            let decay = if n.decay_input { ", decay_input" } else { "" };
            format!("threshold {}, {reset}{decay}", value(n.v_threshold))
        }
    };
    let (kind, number) = (n.kind.name(), n.number.name());
    format!("{kind:<8} {} x {number}, {leak}, {rest}", n.n)
}

fn param(p: Param, number: Number) -> String {
    match p {
        Param::Scalar(bits) if number == Number::F32 => f32::from_bits(bits).to_string(),
        Param::Scalar(bits) => (bits as i32).to_string(),
        Param::PerNeuron(_) => "per neuron".into(),
        _ => "none".into(),
    }
}
