//! Model files with damage that a checksum does not catch: fields, records and sections of real files changed, then
//! most of them mended.

use lif_host::export::{Error, export_f32, export_int, export_int_with};
use lif_host::quant::{Membranes, QuantOptions, Weights};
use lif_nostd::model::format::{HEADER_BYTES, NODE_BYTES, SECTION_HEADER_BYTES, align_up, section};
use lif_nostd::neuron::Decode;

use crate::exercise::mended;
use crate::nets::Draw;
use crate::random::Random;

/// Three models with all sections in them: i16 membranes and i8 weights, soft reset and a read-out, on values; i32
/// membranes and i16 weights, SimpleLIF and parameters a neuron, on spikes; and f32.
///
/// # Errors
///
/// Those of the export: none.
pub fn models() -> Result<[Vec<u8>; 3], Error> {
    let int = Draw {
        v_reset: None,
        readout: Some(Decode::MaxAbsMem),
        ..Draw::new(3, &[3, 5, 4, 2])
    };
    let spikes = Draw {
        spikes: true,
        simple: true,
        per_neuron: true,
        ..Draw::new(4, &[6, 3, 2])
    };
    let float = Draw {
        simple: true,
        decay_input: false,
        v_reset: Some(-0.25),
        ..Draw::new(5, &[4, 5, 3])
    };
    let wide = QuantOptions {
        weights: Weights::I16,
        membranes: Membranes::I32,
    };
    let files = [
        export_int(&int.build()?)?.bytes,
        export_int_with(&spikes.build()?, wide)?.bytes,
        export_f32(&float.build()?)?.bytes,
    ];
    Ok(files.map(|file| with_reserved(&file)))
}

/// `file` with the sections that no export writes.
fn with_reserved(file: &[u8]) -> Vec<u8> {
    let mut longer = file.to_vec();
    append(&mut longer, section::ROLLBACK, &7u32.to_le_bytes());
    append(&mut longer, section::TARGET, b"microbit");
    append(
        &mut longer,
        section::SIGNATURE,
        &[1, 0, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd, 0xee],
    );
    mended(&longer)
}

/// Another section behind the last.
fn append(file: &mut Vec<u8>, kind: u16, body: &[u8]) {
    file.extend(kind.to_le_bytes());
    file.extend([0; 2]);
    file.extend((body.len() as u32).to_le_bytes());
    file.extend([0; 8]);
    file.extend(body);
    file.resize(align_up(file.len()), 0);
}

/// A section: its kind, where its header and its body are, the length of that, and where the next one is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    pub(crate) kind: u16,
    pub(crate) at: usize,
    pub(crate) body: usize,
    pub(crate) len: usize,
    pub(crate) end: usize,
}

/// The sections of `file`, as far as they are whole.
pub(crate) fn sections(file: &[u8]) -> Vec<Section> {
    let mut all = Vec::new();
    let mut at = HEADER_BYTES;
    while let Some(header) = file.get(at..at + SECTION_HEADER_BYTES) {
        let kind = u16::from_le_bytes([header[0], header[1]]);
        let len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let body = at + SECTION_HEADER_BYTES;
        let end = body.saturating_add(align_up(len));
        if end > file.len() {
            break;
        }
        all.push(Section {
            kind,
            at,
            body,
            len,
            end,
        });
        at = end;
    }
    all
}

/// Where the body of the first section of kind `kind` starts in `file`, if there is one.
#[must_use]
pub fn body_of(file: &[u8], kind: u16) -> Option<usize> {
    let all = sections(file);
    let found = all.iter().find(|section| section.kind == kind);
    found.map(|section| section.body)
}

/// A number that is likely to be at a border of something in a file of `len` bytes.
fn word(random: &mut Random, len: usize) -> u32 {
    match random.below(8) {
        0..3 => (1u32 << random.below(32)).wrapping_sub(random.below(3) as u32),
        3 => (random.below(len / 16) * 16) as u32,
        4 => (len as u32)
            .wrapping_add(random.bits() % 33)
            .wrapping_sub(16),
        5 => f32::to_bits([f32::NAN, f32::INFINITY, -1.0, 1.0, 1e-45, f32::MAX][random.below(6)]),
        6 => random.bits() % 1024,
        _ => random.bits(),
    }
}

/// A changed file, and the remainder of 16 that it is to lie at.
#[derive(Clone, Debug)]
pub struct Mutated {
    /// The file.
    pub bytes: Vec<u8>,
    /// How far past a multiple of 16 it starts: mostly 0.
    pub off_by: usize,
}

/// Number `index` of the changed files that `seed` makes of `models`: one to three changes.
#[must_use]
pub fn mutated(models: &[Vec<u8>], seed: u64, index: u64) -> Mutated {
    let mut random = Random::new(seed, index);
    let mut bytes = models[random.below(models.len())].clone();
    for _ in 0..[1, 1, 2, 3][random.below(4)] {
        change(&mut bytes, models, &mut random);
    }
    match random.below(32) {
        // As it is: only the header is read of most.
        0 => (),
        1 => {
            let at = random.below(HEADER_BYTES);
            bytes = mended(&bytes);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        _ => bytes = mended(&bytes),
    }
    let off_by = match random.below(64) {
        0 => random.below(16),
        _ => 0,
    };
    Mutated { bytes, off_by }
}

/// One change anywhere in `bytes`.
fn change(bytes: &mut Vec<u8>, models: &[Vec<u8>], random: &mut Random) {
    let all = sections(bytes);
    let some = random.of(&all);
    match (random.below(16), some) {
        (0..3, _) => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        (3, _) => {
            let at = random.below(bytes.len());
            bytes[at] = random.bits() as u8;
        }
        (4, _) => bytes.truncate(random.below(bytes.len()) + 1),
        (5, _) => {
            let longer = bytes.len() + random.below(48);
            bytes.resize(longer, random.bits() as u8);
        }
        (6..8, Some(section)) => {
            let at = section.at + 2 * random.below(4);
            let value = word(random, bytes.len());
            put(bytes, at, &value.to_le_bytes()[..2 + 2 * random.below(2)]);
        }
        (8, Some(section)) => splice(bytes, section, &all, models, random),
        (9..11, Some(section)) => {
            let at = section.body + random.below(section.len / 4) * 4;
            let value = word(random, bytes.len());
            put(bytes, at, &value.to_le_bytes());
        }
        (11..16, _) => change_node(bytes, &all, random),
        (_, _) => bytes.push(random.bits() as u8),
    }
}

/// Writes as much of `value` as there is room for from `at` on.
pub(crate) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(value) {
        *to = *from;
    }
}

/// Sections removed, doubled, moved and taken from other models.
fn splice(
    bytes: &mut Vec<u8>,
    section: Section,
    all: &[Section],
    models: &[Vec<u8>],
    random: &mut Random,
) {
    let whole = section.at..section.end;
    match random.below(5) {
        0 => drop(bytes.drain(whole)),
        1 => bytes.extend_from_within(whole),
        2 => {
            let moved: Vec<u8> = bytes.drain(whole).collect();
            let behind: Vec<usize> = sections(bytes).iter().map(|s| s.end).collect();
            let at = random.of(&behind).unwrap_or(bytes.len());
            bytes.splice(at..at, moved);
        }
        3 => {
            // One of the same kind, from anywhere.
            let other = &models[random.below(models.len())];
            let same = sections(other).into_iter().find(|s| s.kind == section.kind);
            if let Some(same) = same {
                bytes.splice(whole, other[same.at..same.end].iter().copied());
            }
        }
        _ => {
            if let Some(other) = random.of(all) {
                put(bytes, section.at, &other.kind.to_le_bytes());
            }
        }
    }
}

/// A field of a node set to something, or a record copied over another.
fn change_node(bytes: &mut [u8], all: &[Section], random: &mut Random) {
    let Some(nodes) = all.iter().find(|s| s.kind == section::NODES) else {
        return;
    };
    let count = nodes.len / NODE_BYTES;
    let record = nodes.body + random.below(count) * NODE_BYTES;
    let other = nodes.body + random.below(count) * NODE_BYTES;
    match random.below(8) {
        0 => {
            let at = record + random.below(4);
            let value = random.below(8) as u8;
            put(bytes, at, &[value]);
        }
        1 => bytes.copy_within(record..record + NODE_BYTES, other),
        2 => {
            let field = random.below(NODE_BYTES / 4) * 4;
            bytes.copy_within(record + field..record + field + 4, other + field);
        }
        // A parameter: another tag, and what fits it.
        3 => {
            let at = record + 20 + 8 * random.below(5);
            let tag = random.below(4) as u32;
            let value = word(random, bytes.len());
            put(bytes, at, &tag.to_le_bytes());
            put(bytes, at + 4, &value.to_le_bytes());
        }
        _ => {
            let at = record + 4 * random.below(16);
            let value = word(random, bytes.len());
            put(bytes, at, &value.to_le_bytes());
        }
    }
}
