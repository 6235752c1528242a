//! What is read of the network, and the state that is written into it.

use super::answer::{Context, SCRATCH_BYTES};
use crate::link::{Refusal, Response, Source};
use crate::model::{Digest, Membranes, Network};

/// Bytes of the number of steps, which stands before the words of a state.
const STEPS_BYTES: usize = 4;

/// Sizes of layer `layer`.
pub(super) fn layer(network: &Network<'_>, layer: u16) -> Result<Response<'static>, Refusal> {
    let mut n_in = network.model().n_in();
    for (i, (spikes, v)) in network.layers().enumerate() {
        if i == usize::from(layer) {
            return Ok(Response::Layer {
                n_in: n_in as u16,
                n_out: spikes.len() as u16,
                membrane_bytes: if matches!(v, Membranes::I16(_)) { 2 } else { 4 },
            });
        }
        n_in = spikes.len();
    }
    Err(Refusal::Layer)
}

/// Bytes of `source` from byte `from` on, at most `most`.
pub(super) fn read<'r>(
    context: &Context<'_>,
    network: &'r Network<'_>,
    scratch: &'r mut [u8; SCRATCH_BYTES],
    source: Source,
    from: u32,
    most: u16,
) -> Result<Response<'r>, Refusal> {
    if context.state_written.is_some() {
        return Err(Refusal::PartOfState);
    }
    let from = from as usize;
    let (total, bytes) = match source {
        Source::Counts => whole(bytemuck::must_cast_slice(network.counts()), from),
        Source::Spikes { layer } => {
            let spikes = network.spikes(layer.into()).ok_or(Refusal::Layer)?;
            whole(bytemuck::must_cast_slice(spikes.words()), from)
        }
        Source::Membranes { layer } => {
            let v = network.membranes(layer.into()).ok_or(Refusal::Layer)?;
            whole(v.bytes(), from)
        }
        Source::FirstSpikes => {
            let firsts = network
                .first_spikes()
                .map(|first| first.unwrap_or(u16::MAX).to_le_bytes());
            (network.counts().len() * 2, computed(firsts, from, scratch))
        }
        Source::Readouts => {
            let n = network.counts().len();
            let readouts = (0..n).filter_map(|i| Some(network.readout(i)?.to_le_bytes()));
            (n * 4, computed(readouts, from, scratch))
        }
        Source::State => {
            let state: &[u8] = bytemuck::must_cast_slice(network.state());
            let bytes = match from.checked_sub(STEPS_BYTES) {
                Some(from) => state.get(from..).unwrap_or(&[]),
                None => computed([network.steps().to_le_bytes()].into_iter(), from, scratch),
            };
            (state.len().saturating_add(STEPS_BYTES), bytes)
        }
    };
    let most = context.chunk.min(most.into());
    Ok(Response::Data {
        total: total as u32,
        bytes: bytes.get(..most).unwrap_or(bytes),
    })
}

/// The length of `bytes`, and those from `from` on.
fn whole(bytes: &[u8], from: usize) -> (usize, &[u8]) {
    (bytes.len(), bytes.get(from..).unwrap_or(&[]))
}

/// As many of `values` as fit `scratch`, from the one on that byte `from` is in.
fn computed<const N: usize>(
    values: impl Iterator<Item = [u8; N]>,
    from: usize,
    scratch: &mut [u8; SCRATCH_BYTES],
) -> &[u8] {
    let (first, inside) = (from.checked_div(N), from.checked_rem(N));
    let mut len = 0usize;
    let (places, _) = scratch.as_chunks_mut::<N>();
    let values = values.skip(first.unwrap_or(0));
    for (place, value) in places.iter_mut().zip(values) {
        *place = value;
        len = len.wrapping_add(N);
    }
    scratch.get(inside.unwrap_or(0)..len).unwrap_or(&[])
}

/// Writes `bytes` at `offset` of the state.
pub(super) fn write(
    context: &mut Context<'_>,
    network: &mut Network<'_>,
    offset: u32,
    bytes: &[u8],
) -> Result<Response<'static>, Refusal> {
    if !offset.is_multiple_of(4) || !bytes.len().is_multiple_of(4) {
        return Err(Refusal::Unaligned { of: 4 });
    }
    let next = context.state_written.unwrap_or(0);
    if offset != 0 && offset != next {
        return Err(Refusal::Order { next });
    }
    let (need, got) = (
        (offset as usize).saturating_add(bytes.len()),
        size_of_val(network.state()).saturating_add(STEPS_BYTES),
    );
    if need > got {
        return Err(Refusal::Room {
            need: need as u32,
            got: got as u32,
        });
    }
    let mut words = bytes.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b));
    let first = match (offset as usize / 4).checked_sub(STEPS_BYTES / 4) {
        Some(first) => first,
        None => {
            if let Some(steps) = words.next() {
                network.set_steps(steps);
            }
            0
        }
    };
    let state = network.state_mut().get_mut(first..).unwrap_or(&mut []);
    for (to, from) in state.iter_mut().zip(words) {
        *to = from;
    }
    context.digest = Digest::new();
    context.state_written = (need < got).then_some(need as u32);
    Ok(Response::Done)
}
