//! Runs the network, and counts what happens.

use super::Board;
use super::answer::Context;
use crate::error::Error;
use crate::link::{Refusal, Response, Statistics};
use crate::model::format::Number;
use crate::model::{Digest, Network};
use crate::spikes::words_for;

/// Runs `steps` steps on the input buffer. The reset, taking the input and each step are measured, but not the digest.
pub(super) fn run<B: Board>(
    board: &mut B,
    context: &mut Context<'_>,
    network: &mut Network<'_>,
    steps: u16,
    reset: bool,
) -> Result<Response<'static>, Refusal> {
    if context.state_written.is_some() && !reset {
        return Err(Refusal::PartOfState);
    }
    let mut ticks = Some(0u64);
    let mut add =
        |more: Option<u32>| ticks = ticks.zip(more).map(|(t, m)| t.wrapping_add(u64::from(m)));
    let takes_spikes = network.model().number() == Number::Bits;
    let words = if takes_spikes {
        words_for(network.model().n_in())
    } else {
        0
    };
    let need = words.saturating_mul(steps.into());
    if need > context.input.len() {
        return Err(Refusal::Room {
            need: need.saturating_mul(4) as u32,
            got: size_of_val(context.input) as u32,
        });
    }
    let mut taken = Ok(());
    let is_new = context.is_input_new || reset;
    add(board.measure(|| {
        if reset {
            network.reset();
        }
        if is_new && !takes_spikes {
            taken = take_values(network, context.input);
        }
    }));
    taken.map_err(Refusal::Input)?;
    context.is_input_new = false;
    if reset {
        context.digest = Digest::new();
        context.state_written = None;
    }
    board.led(true);
    let mut rest: &[u32] = context.input;
    for _ in 0..steps {
        let mut synaptic_ops = 0;
        if takes_spikes {
            let (now, later) = rest.split_at_checked(words).unwrap_or((&[], &[]));
            network.set_spikes(now).map_err(Refusal::Input)?;
            rest = later;
            if let Some(first) = network.spikes(0) {
                synaptic_ops = ops(ones(now), first.len());
            }
        }
        let measured = board.measure(|| network.step());
        add(measured);
        context.digest.add_spikes(network);
        count(&mut context.statistics, network, measured, synaptic_ops);
        if let Some((last, _)) = network.layers().last() {
            board.spikes(last);
        }
    }
    board.led(false);
    let mut digest = context.digest.clone();
    digest.add_membranes(network);
    Ok(Response::Ran {
        steps: network.steps(),
        digest: digest.finish(),
        ticks: ticks.unwrap_or(0),
        wrapped: ticks.is_none(),
    })
}

/// Sets the input of a network that takes values.
fn take_values(network: &mut Network<'_>, input: &[u32]) -> Result<(), Error> {
    let n = network.model().n_in();
    match network.model().number() {
        #[cfg(feature = "f32")]
        Number::F32 => {
            let x: &[f32] = bytemuck::must_cast_slice(input);
            network.set_current_f32(x.get(..n).unwrap_or(x))
        }
        _ => {
            let x: &[i8] = bytemuck::must_cast_slice(input);
            network.set_current(x.get(..n).unwrap_or(x))
        }
    }
}

/// Counts a step that was run, whose input spikes took `synaptic_ops`.
fn count(
    statistics: &mut Statistics,
    network: &Network<'_>,
    ticks: Option<u32>,
    mut synaptic_ops: u64,
) {
    let mut before = 0;
    for (spikes, _) in network.layers() {
        synaptic_ops = synaptic_ops.wrapping_add(ops(before, spikes.len()));
        before = ones(spikes.words());
        statistics.spikes = statistics.spikes.wrapping_add(before.into());
    }
    statistics.steps = statistics.steps.wrapping_add(1);
    statistics.synaptic_ops = statistics.synaptic_ops.wrapping_add(synaptic_ops);
    match ticks {
        Some(ticks) => {
            statistics.ticks = statistics.ticks.wrapping_add(ticks.into());
            statistics.most_ticks = statistics.most_ticks.max(ticks);
        }
        None => statistics.wrapped = statistics.wrapped.wrapping_add(1),
    }
}

/// Synaptic operations of `spikes` spikes that each go to `n` neurons.
fn ops(spikes: u32, n: usize) -> u64 {
    u64::from(spikes).wrapping_mul(n as u64)
}

/// Bits that are set.
fn ones(words: &[u32]) -> u32 {
    words.iter().fold(0, |n, w| n.wrapping_add(w.count_ones()))
}
