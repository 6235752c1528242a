//! Any byte string at all gives a network that runs, or a typed error: what the fuzz targets of `fuzz/` and
//! `tests/mutations.rs` do with one. Needs `lif-nostd` alone.

use lif_nostd::model::format::{
    CRC_OFFSET, HEADER_BYTES, MAGIC, NodeRecord, Number, file_crc, stated_len,
};
use lif_nostd::model::{Digest, Membranes, Model, Progress};
use lif_nostd::spikes::words_for;
use lif_nostd::{Error, Network};

/// The largest arena that a network gets, in bytes: what asks for more is refused.
pub const ARENA_BYTES: usize = 1 << 20;
/// Time steps that a network runs for.
const STEPS: u32 = 3;
/// The longest golden trace that is run, in steps.
const TRACE_STEPS: u32 = 64;
/// What fills the words around an arena.
const GUARD: u64 = 0xa5a5_5a5a_a5a5_5a5a;

/// Bytes at an address of a chosen remainder of 16.
#[derive(Debug)]
pub struct Placed {
    buffer: Vec<u8>,
    start: usize,
    len: usize,
}

impl Placed {
    /// A copy of `bytes` that starts `off_by` bytes past a multiple of 16; `off_by` counts modulo 16.
    #[must_use]
    pub fn new(bytes: &[u8], off_by: usize) -> Self {
        let mut buffer = vec![0; bytes.len() + 31];
        let start = buffer.as_ptr().align_offset(16).min(15) + off_by % 16;
        buffer[start..start + bytes.len()].copy_from_slice(bytes);
        let len = bytes.len();
        Self { buffer, start, len }
    }
}

impl std::ops::Deref for Placed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[self.start..self.start + self.len]
    }
}

/// `bytes` with the magic, version, length and checksum of a file, as far as there is room for them.
#[must_use]
pub fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() >= HEADER_BYTES {
        bytes[..MAGIC.len()].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&1u16.to_le_bytes());
        let len = bytes.len() as u32;
        bytes[12..16].copy_from_slice(&len.to_le_bytes());
        let crc = file_crc(&bytes);
        bytes[CRC_OFFSET..CRC_OFFSET + 4].copy_from_slice(&crc.to_le_bytes());
    }
    bytes
}

/// The body of the fuzz target `reader`: the bytes as they are, and mended, so that the reader gets past the header.
pub fn fuzz_reader(data: &[u8]) {
    for bytes in [data, &mended(data)] {
        // Either is right.
        let _ = read(&Placed::new(bytes, 0));
    }
}

/// The body of the fuzz target `reader_and_step`, which runs the networks as well.
pub fn fuzz_reader_and_step(data: &[u8]) {
    for bytes in [data, &mended(data)] {
        // Either is right.
        let _ = read_and_step(&Placed::new(bytes, 0));
    }
}

/// The name of an error's kind.
#[must_use]
pub const fn kind(error: &Error) -> &'static str {
    match error {
        Error::Misaligned { .. } => "Misaligned",
        Error::Truncated { .. } => "Truncated",
        Error::NotLif => "NotLif",
        Error::Version { .. } => "Version",
        Error::Length { .. } => "Length",
        Error::Crc { .. } => "Crc",
        Error::UnknownSection { .. } => "UnknownSection",
        Error::SectionCount { .. } => "SectionCount",
        Error::Invalid { .. } => "Invalid",
        Error::Unsupported { .. } => "Unsupported",
        Error::Arena { .. } => "Arena",
        Error::InputLength { .. } => "InputLength",
        Error::InputIndex { .. } => "InputIndex",
        Error::InputType { .. } => "InputType",
        _ => "another",
    }
}

/// Reads the model in `bytes` and asks it everything.
///
/// # Errors
///
/// Those of [`Model::read`].
///
/// # Panics
///
/// Where an answer cannot be right.
pub fn read(bytes: &[u8]) -> Result<Model<'_>, Error> {
    // It promises nothing but not to panic.
    let _ = stated_len(bytes);
    let model = Model::read(bytes)?;
    assert_eq!((model.bytes(), model.crc()), (bytes, file_crc(bytes)));
    assert!(model.name().len() <= bytes.len());
    assert!(model.certificates().count() <= bytes.len());
    assert!(model.readout_scale() > 0.0 && model.readout_scale().is_finite());
    let (layers, nodes) = (model.n_layers(), model.n_nodes());
    assert!(layers > 0 && nodes == 2 * layers + 1);
    assert_eq!(model.layers().count(), layers);
    assert!(model.layer(layers - 1).is_some() && model.layer(layers).is_none());
    for i in 0..nodes {
        let record = model.node(i).expect("a node of a model");
        assert!(record.name().len() <= 16);
        let again = NodeRecord::from_bytes(&record.to_bytes(), 0);
        assert!(again.is_ok(), "{again:?}");
    }
    assert!(model.node(nodes).is_none());
    assert!((1..=65535).contains(&model.n_in()) && (1..=65535).contains(&model.n_out()));
    assert!((1..=65535).contains(&model.steps()));
    if let Some(signature) = model.signature() {
        assert!(signature.covers + signature.bytes.len() < bytes.len());
    }
    let _ = (model.rollback(), model.target());
    assert_eq!(lif_nostd::ram_bytes(bytes), Ok(model.ram_bytes()));
    Ok(model)
}

/// Reads the model in `bytes` and runs it: in whole steps, layer by layer, with wrong inputs, and its golden trace.
///
/// # Errors
///
/// Those of [`Network::new`]; an arena has at most [`ARENA_BYTES`].
///
/// # Panics
///
/// Where something that must hold of every network does not.
pub fn read_and_step(bytes: &[u8]) -> Result<(), Error> {
    let need = read(bytes)?.ram_bytes();
    assert!(need > 0 && need.is_multiple_of(8));
    let words = need.min(ARENA_BYTES) / 8;
    // With a word on each side that is not the network's.
    let mut memory = vec![GUARD; words + 2];
    let arena = &mut memory[1..=words];
    let got = (words - 1) * 8;
    let small = Network::new(bytes, &mut arena[1..]).err();
    assert_eq!(small, Some(Error::Arena { need, got }));
    let mut network = Network::new(bytes, arena)?;
    run(&mut network);
    assert_eq!((memory[0], memory[words + 1]), (GUARD, GUARD));
    Ok(())
}

fn run(network: &mut Network<'_>) {
    let initial = state(network);
    refuse_wrong_inputs(network);
    assert_eq!(state(network), initial, "a refused input changed something");
    let mut states = Vec::new();
    for t in 0..STEPS {
        set_input(network, t);
        network.step();
        states.push(state(network));
    }
    assert_eq!(network.steps(), STEPS);
    read_out(network);
    network.reset();
    assert_eq!((state(network), network.steps()), (initial, 0));
    // The same again, layer by layer.
    for (t, want) in (0..STEPS).zip(states) {
        set_input(network, t);
        let mut layers = 1;
        while network.step_layer() == Progress::More {
            layers += 1;
        }
        assert_eq!(layers, network.model().n_layers());
        assert_eq!(state(network), want, "step {t}, layer by layer");
    }
    let trace = network.model().golden_trace();
    if trace.is_some_and(|trace| trace.steps <= TRACE_STEPS) {
        // What was changed may compute something else.
        let _ = network.self_test();
    }
}

/// Sets a mixed input for step `t`, as the network takes it.
fn set_input(network: &mut Network<'_>, t: u32) {
    let (n, seed) = (network.model().n_in(), network.model().crc());
    let draw =
        |i: usize| (seed ^ t.wrapping_mul(0x85eb_ca6b) ^ i as u32).wrapping_mul(0x9e37_79b1) >> 8;
    let set = match network.model().number() {
        // Spikes of the last two steps come as events.
        Number::Bits if t > 0 => {
            let spiking = (0..n).filter(|i| draw(*i) % 3 == 0);
            let indices: Vec<u16> = spiking.map(|i| i as u16).collect();
            network.events(&indices)
        }
        Number::Bits => {
            let words: Vec<u32> = (0..words_for(n)).map(draw).collect();
            network.set_spikes(&words)
        }
        Number::F32 => {
            let special = [f32::NAN, f32::INFINITY, f32::MAX, -0.0, 1e-45];
            let value = |i: usize| match draw(i) % 64 {
                // Only every other model sees what no input should be.
                k if seed.is_multiple_of(2) && k < 5 => special[k as usize],
                k => k as f32 / 16.0 - 2.0,
            };
            network.set_current_f32(&(0..n).map(value).collect::<Vec<_>>())
        }
        _ => network.set_current(&(0..n).map(|i| draw(i) as i8).collect::<Vec<_>>()),
    };
    assert_eq!(set, Ok(()));
}

/// Inputs of another type, length or index than the network takes.
fn refuse_wrong_inputs(network: &mut Network<'_>) {
    let n = network.model().n_in();
    let kinds = [
        network.set_current(&[]),
        network.set_current_f32(&[]),
        network.set_spikes(&[]),
        network.events(&[u16::MAX]),
    ]
    .map(|result| result.as_ref().err().map_or("none", kind));
    let [length, index, other] = ["InputLength", "InputIndex", "InputType"];
    let want = match network.model().number() {
        Number::I8 => [length, other, other, other],
        Number::F32 => [other, length, other, other],
        // There are at most 65535 inputs, so the last index is none.
        _ => [other, other, length, index],
    };
    assert_eq!(kinds, want, "{n} inputs");
    let trace = network.run_trace(&[0; 3][..if n == 3 { 2 } else { 3 }], 1);
    assert!(trace.is_err(), "{trace:?}");
}

/// Reads out everything that there is.
fn read_out(network: &Network<'_>) {
    let n_out = network.model().n_out();
    assert_eq!(network.counts().len(), n_out);
    assert!(network.counts().iter().all(|count| *count <= STEPS));
    assert_eq!(network.first_spikes().count(), n_out);
    for (first, count) in network.first_spikes().zip(network.counts()) {
        assert_eq!(first.is_some(), *count > 0);
    }
    assert!((0..n_out).all(|i| network.readout(i).is_some()));
    assert!(network.readout(n_out).is_none());
    let layers = network.model().n_layers();
    assert!(network.spikes(layers).is_none() && network.membranes(layers).is_none());
    let mut digest = Digest::new();
    digest.add_spikes(network);
    digest.add_membranes(network);
    let _ = digest.finish();
}

/// What stands for the spikes, membranes and counts of a network; any two NaNs count as equal.
fn state(network: &Network<'_>) -> u64 {
    let mut hash = 0u64;
    let mut add = |word: u32| {
        hash = (hash.rotate_left(5) ^ u64::from(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    };
    let mut layers = 0;
    for (spikes, membranes) in network.layers() {
        layers += 1;
        let n = spikes.len();
        assert!(spikes.indices().all(|i| i < n) && spikes.words().len() == words_for(n));
        spikes.words().iter().for_each(|word| add(*word));
        let len = match membranes {
            Membranes::I16(v) => {
                v.iter().for_each(|v| add(*v as u32));
                v.len()
            }
            Membranes::I32(v) => {
                v.iter().for_each(|v| add(*v as u32));
                v.len()
            }
            Membranes::F32(v) => {
                v.iter()
                    .for_each(|v| add(if v.is_nan() { 1 } else { v.to_bits() }));
                v.len()
            }
            _ => n,
        };
        assert_eq!(len, n);
    }
    assert_eq!(layers, network.model().n_layers());
    network.counts().iter().for_each(|count| add(*count));
    hash
}
