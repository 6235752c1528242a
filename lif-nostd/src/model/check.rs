//! What the reader checks of nodes, edges and the golden trace (`docs/format.md`, section 10).

use super::arena::Layout;
use super::format::{ALIGN, EDGE_BYTES, GOLDEN_HEADER_BYTES, NODE_BYTES, Number, section};
use super::sections::{Body, Sections};
use super::view::{
    DECODE_SHIFT, FLAG_DECAY_INPUT, FLAGS_DECODE, Graph, View, Words, is_f32, is_weight, kind,
    kind_of, number_of, padded, tag, word,
};
use crate::error::{Error, What};
use crate::spikes::words_for;

/// Most nodes, values of a node, and time steps.
pub(super) const MOST: u32 = 65535;

/// Parameters of a neuron.
const PARAMS: usize = 5;

/// What is wrong, and where, in bytes from the start of the file: in two registers, where an [`Error`] takes memory.
pub(super) struct Refused {
    what: What,
    at: u32,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        refused.what.at(refused.at as usize)
    }
}

/// Nothing where `holds`.
#[inline(always)]
const fn ensure(holds: bool, what: What, at: usize) -> Result<(), Refused> {
    if holds {
        Ok(())
    } else {
        // The length of a file is a u32.
        Err(Refused {
            what,
            at: at as u32,
        })
    }
}

/// Whether `n` is from 1 to 65535.
const fn in_range(n: u32) -> bool {
    n.wrapping_sub(1) < MOST
}

/// Whether the f32 of these bits is finite and above 0.
const fn is_scale(bits: u32) -> bool {
    bits.wrapping_sub(1) < f32::INFINITY.to_bits() - 1
}

/// Checks of a record, which is `at` bytes into the file, what does not depend on others.
pub(super) fn check_record(r: &Words, at: usize) -> Result<(), Refused> {
    let head = r[word::HEAD];
    let kind = kind_of(head);
    ensure(head >> 16 & 0xff == 1, What::Rank, at + 2)?;
    ensure(r[word::N + 1] | r[word::N + 2] == 0, What::Shape, at + 12)?;
    ensure(in_range(r[word::N]), What::Size, at + 8)?;
    let known = (Number::I8 as u8..=Number::Bits as u8).contains(&number_of(head));
    ensure(known, What::Format, at + 1)?;
    let known = (kind::INPUT..=kind::NON_SPIKING_LIF).contains(&kind);
    ensure(known, What::Kind, at)?;
    if kind >= kind::LIF {
        let (pairs, _) = r.as_chunks::<2>();
        // The words of a parameter are not a pair of these: its tag is the second of one.
        for (j, [_, tag]) in pairs.iter().skip(word::PARAMS / 2).take(PARAMS).enumerate() {
            let at = at + 4 * word::PARAMS + 8 * j;
            ensure(*tag != tag::PER_CHANNEL, What::PerChannel, at)?;
            ensure(*tag <= tag::PER_NEURON, What::Tag, at)?;
        }
    }
    let flags = r[word::FLAGS];
    let allowed = match kind {
        kind::LIF | kind::SIMPLE_LIF => flags & !FLAG_DECAY_INPUT == 0,
        kind::NON_SPIKING_LIF => flags & !FLAGS_DECODE == 0 && flags >> DECODE_SHIFT <= 4,
        _ => flags == 0,
    };
    ensure(allowed, What::Flag, at + 4)
}

/// Checks the nodes, the edges and what else `sections` hold: where things lie in the network's arena.
pub(super) fn check(graph: &Graph<'_>, sections: &Sections) -> Result<Layout, Refused> {
    let layout = check_nodes(graph, sections)?;
    check_edges(graph, sections.get(section::EDGES))?;
    let readout = sections.get(section::READOUT);
    if readout.is_there() {
        let scale = graph.u32_at(readout.offset);
        ensure(is_scale(scale), What::ReadoutScale, readout.offset)?;
    }
    let golden = sections.get(section::GOLDEN_TRACE);
    if golden.is_there() {
        check_golden(graph, golden)?;
    }
    let ram = sections.get(section::RAM);
    let enough = !ram.is_there() || graph.u32_at(ram.offset) as usize >= layout.bytes();
    ensure(enough, What::Ram, ram.offset)?;
    Ok(layout)
}

/// Node 0 is the input, then synapses and neurons take turns, each as wide as the one before expects.
fn check_nodes(graph: &Graph<'_>, sections: &Sections) -> Result<Layout, Refused> {
    let mut layout = Layout::default();
    let at = sections.get(section::NODES).offset;
    let input = graph.input;
    check_record(input, at)?;
    let number = number_of(input[word::HEAD]);
    let bits = number == Number::Bits as u8;
    let i8 = number == Number::I8 as u8;
    ensure(kind_of(input[word::HEAD]) == kind::INPUT, What::Kind, at)?;
    ensure(bits || i8 || is_f32(number), What::Format, at + 1)?;
    ensure(
        in_range(input[word::STEPS]),
        What::Steps,
        at + 4 * word::STEPS,
    )?;
    let full_scale = bits || is_scale(input[word::FULL_SCALE]);
    ensure(full_scale, What::FullScale, at + 4 * word::FULL_SCALE)?;
    let step = !i8 || is_scale(input[word::STEP]);
    ensure(step, What::InputStep, at + 4 * word::STEP)?;
    let mut width = input[word::N];
    let weights = sections.get(section::WEIGHTS);
    let mut at = at + NODE_BYTES;
    let first = at;
    let last = at + 2 * NODE_BYTES * (graph.n_layers - 1);
    // What the first layer is, all are; of spikes, either.
    let mut f32 = is_f32(number);
    for layer in graph.layers() {
        if at == first && bits {
            f32 = is_f32(layer.weight_format());
        }
        Layer {
            view: layer,
            at,
            weights,
        }
        .check(f32)?;
        ensure(
            layer.n_in() == width as usize,
            What::Inputs,
            at + 4 * word::N_IN,
        )?;
        let ends = layer.kind() != kind::NON_SPIKING_LIF || at == last;
        ensure(ends, What::Topology, at + NODE_BYTES)?;
        width = layer.r[word::N];
        at += 2 * NODE_BYTES;
        layout.add(graph, &layer);
    }
    Ok(layout)
}

/// A layer, its records `at` bytes into the file, and the section of weights.
struct Layer<'m> {
    view: View<'m>,
    at: usize,
    weights: Body,
}

impl Layer<'_> {
    fn check(&self, f32: bool) -> Result<(), Refused> {
        let Self { view, at, .. } = *self;
        let (synapse, neuron) = view.r.split_at(word::NEURONS);
        for (record, at) in [(synapse, at), (neuron, at + NODE_BYTES)] {
            if let Some(record) = record.first_chunk() {
                check_record(record, at)?;
            }
        }
        let neuron_at = at + NODE_BYTES;
        ensure(kind_of(view.r[word::HEAD]) == kind::LINEAR, What::Kind, at)?;
        ensure(view.kind() >= kind::LIF, What::Kind, neuron_at)?;
        let n = view.r[word::NEURONS + word::N];
        ensure(n == view.r[word::N], What::Size, neuron_at + 4 * word::N)?;
        ensure(
            in_range(view.r[word::N_IN]),
            What::Inputs,
            at + 4 * word::N_IN,
        )?;
        let number = view.weight_format();
        // Powers of two.
        let size = match number {
            _ if !f32 && is_weight(number) => number - 1,
            4 if f32 => 2,
            _ => return ensure(false, What::Format, at + 1),
        };
        let membranes = view.membrane_format();
        let fits = if f32 {
            is_f32(membranes)
        } else {
            membranes == 2 || membranes == 3
        };
        ensure(fits, What::Format, neuron_at + 1)?;
        let most = if view.is_half() { 15 } else { 31 };
        ensure(
            f32 || (-31..=most).contains(&view.shift()),
            What::Shift,
            at + 3,
        )?;
        // At most 65536 times 65535.
        let count = view.padded().wrapping_mul(view.n_in());
        self.check_array(word::WEIGHTS, count, size)?;
        self.check_array(word::BIAS, view.padded(), 2)?;
        self.check_neurons(f32)
    }

    /// Checks that the array of `len` values of `2^size` bytes whose place is in word `i` of the records lies in the
    /// section of weights.
    fn check_array(&self, i: usize, len: usize, size: u8) -> Result<(), Refused> {
        let start = self.view.r.get(i).map_or(0, |start| *start as usize);
        let from = start.wrapping_sub(self.weights.offset);
        let fits = start.is_multiple_of(ALIGN)
            && from <= self.weights.len
            && len <= (self.weights.len - from) >> size;
        ensure(fits, What::Array, self.at + 4 * i)
    }

    /// Checks the parameters of the neurons.
    fn check_neurons(&self, f32: bool) -> Result<(), Refused> {
        let view = self.view;
        let decay_input = view.r[word::NEURONS + word::FLAGS] & FLAG_DECAY_INPUT != 0
            && view.kind() != kind::NON_SPIKING_LIF;
        let folded = f32 || !decay_input;
        ensure(folded, What::NotFolded, self.at + NODE_BYTES + 4)?;
        for (j, what) in [
            What::Leak,
            What::VThreshold,
            What::VReset,
            What::VLeak,
            What::FirstPull,
        ]
        .into_iter()
        .enumerate()
        {
            // Bits of the kinds that have the parameter, and of those that may do without it.
            let (has, may) = match j {
                0 => (0b111, 0),
                1 => (0b011, 0),
                2 => (0b011, 0b001),
                3 if f32 => (0b011, 0),
                4 if f32 && !decay_input => (0b010, 0),
                _ => (0, 0),
            };
            let kind = 1 << (view.kind() - kind::LIF);
            let i = word::NEURONS + word::PARAMS + 2 * j;
            let at = self.at + 4 * i;
            let pair = view.r.get(i..).and_then(|words| words.first_chunk());
            let [tag, value] = pair.copied().unwrap_or_default();
            if tag == tag::NONE {
                ensure(has & kind == 0 || may & kind != 0, what, at)?;
                continue;
            }
            ensure(has & kind != 0, what, at)?;
            // A leak factor is a u32, whatever the membranes are.
            let half = view.is_half() && j > 0;
            let holds = |bits| self.holds(j, bits, f32);
            if tag == tag::SCALAR {
                let fits = !half || value as i32 == i32::from(value as i16);
                ensure(fits && holds(value), what, at)?;
                continue;
            }
            let n = view.n_out();
            self.check_array(i + 1, padded(n), if half { 1 } else { 2 })?;
            let values = view.from(value).get(..n).unwrap_or(&[]);
            ensure(half || values.iter().all(|bits| holds(*bits)), what, at)?;
        }
        Ok(())
    }

    /// Whether parameter `j` may have the value of these bits.
    fn holds(&self, j: usize, bits: u32, f32: bool) -> bool {
        if !f32 {
            return j > 0 || bits <= 65536;
        }
        let magnitude = bits & 0x7fff_ffff;
        let is_finite = magnitude < f32::INFINITY.to_bits();
        match j {
            0 if self.view.kind() == kind::LIF => is_scale(bits),
            0 => is_finite && magnitude != 0,
            _ => is_finite,
        }
    }
}

/// The edges are those of a chain without delays.
fn check_edges(graph: &Graph<'_>, edges: Body) -> Result<(), Refused> {
    let (records, _) = edges.words(graph.file).as_chunks::<2>();
    let mut ends = 0x0001_0000u32;
    for (i, [nodes, rest]) in records.iter().enumerate() {
        let at = edges.offset + i * EDGE_BYTES;
        ensure(rest >> 16 == 0, What::Reserved, at + 6)?;
        ensure(*nodes == ends, What::Topology, at)?;
        ensure(*rest == 0, What::Delay, at + 4)?;
        ends = ends.wrapping_add(0x0001_0001);
    }
    Ok(())
}

/// The golden trace has an input of the network's number format and of the length that its steps need.
fn check_golden(graph: &Graph<'_>, golden: Body) -> Result<(), Refused> {
    let at = golden.offset;
    ensure(golden.len >= GOLDEN_HEADER_BYTES, What::SectionLength, at)?;
    let number = number_of(graph.input[word::HEAD]);
    ensure(graph.u32_at(at) == u32::from(number), What::GoldenInput, at)?;
    let steps = graph.u32_at(at + 4);
    ensure(in_range(steps), What::Steps, at + 4)?;
    let n = graph.n_in();
    let need = if graph.takes_spikes() {
        // At most 2048 words in 65535 steps.
        (words_for(n) << 2).wrapping_mul(steps as usize)
    } else if is_f32(number) {
        n << 2
    } else {
        n
    };
    ensure(
        golden.len - GOLDEN_HEADER_BYTES == need,
        What::SectionLength,
        at,
    )
}
