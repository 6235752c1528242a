//! Any byte string at all gives a network that runs, or a typed error: never a panic.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lif_host::export::{export_f32, export_i16};
use lif_host::infer::AlignedBytes;
use lif_nostd::model::Model;
use lif_nostd::model::format::{
    CRC_OFFSET, HEADER_BYTES, REQUIRED, SECTION_HEADER_BYTES, align_up, file_crc,
};
use lif_nostd::{Error, Network};
use lif_tests::nets::Draw;
use proptest::prelude::*;

fn files() -> [Vec<u8>; 2] {
    let net = Draw::new(3, &[9, 20, 3]).build().unwrap();
    [
        export_i16(&net).unwrap().bytes,
        export_f32(&net).unwrap().bytes,
    ]
}

/// `bytes` with a length and a checksum that are right.
fn repaired(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= HEADER_BYTES {
        let len = bytes.len() as u32;
        bytes[12..16].copy_from_slice(&len.to_le_bytes());
        let crc = file_crc(&bytes);
        bytes[CRC_OFFSET..CRC_OFFSET + 4].copy_from_slice(&crc.to_le_bytes());
    }
    bytes
}

/// Where the sections that end a file and need not be there start.
fn optional_starts(file: &[u8]) -> Vec<usize> {
    let field = |at: usize, n: usize| {
        let bytes = file[at..at + n].iter().rev();
        bytes.fold(0usize, |x, b| x << 8 | usize::from(*b))
    };
    let (mut starts, mut at) = (Vec::new(), HEADER_BYTES);
    while at < file.len() {
        if field(at + 2, 2) & usize::from(REQUIRED) == 0 {
            starts.push(at);
        } else {
            starts.clear();
        }
        at += SECTION_HEADER_BYTES + align_up(field(at + 4, 4));
    }
    starts
}

/// Reads `bytes` and, where they are a model, runs it. The error, if they are not.
fn run(bytes: &[u8]) -> Result<(), Error> {
    let bytes = AlignedBytes::new(bytes);
    let model = Model::read(&bytes)?;
    assert!(model.name().len() <= bytes.len());
    assert!(model.certificates().count() <= bytes.len());
    let ram = model.ram_bytes();
    assert!(
        ram < 1 << 30,
        "a file of {} bytes asks for {ram}",
        bytes.len()
    );
    let n_in = model.n_in();
    let mut arena = vec![0u64; ram.div_ceil(8)];
    let mut network = Network::new(&bytes, &mut arena)?;
    let taken = network.set_current(&vec![100; n_in]);
    assert!(taken.is_ok() || network.set_current_f32(&vec![0.5; n_in]).is_ok());
    for _ in 0..3 {
        network.step();
    }
    assert!(network.counts().iter().all(|c| *c <= 3));
    network.reset();
    Ok(())
}

#[test]
fn the_files_themselves_run() {
    for file in files() {
        assert_eq!(run(&file), Ok(()));
    }
}

#[test]
fn a_cut_file_is_refused_at_every_length() {
    for file in files() {
        let optional_starts = optional_starts(&file);
        for len in 0..file.len() {
            let cut = &file[..len];
            match run(cut) {
                Err(Error::NotLif) => assert_eq!(len, 0),
                Err(Error::Truncated { got, .. }) => assert_eq!(got, len),
                Err(Error::Length { got, .. }) => assert_eq!(got, len),
                other => panic!("{len} bytes gave {other:?}"),
            }
            // With length and checksum mended, what is missing is noticed all the same, unless the cut fell
            // before a section that need not be there.
            let mended = run(&repaired(cut.to_vec()));
            assert_eq!(
                mended.is_ok(),
                optional_starts.contains(&len),
                "{len} bytes"
            );
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let [file, _] = files();
    for i in 0..file.len() {
        for bit in 0..8 {
            let mut bad = file.clone();
            bad[i] ^= 1 << bit;
            let err = run(&bad).unwrap_err();
            let expected = match i {
                0..8 => err == Error::NotLif,
                8..10 => matches!(err, Error::Version { supported: 1, .. }),
                12..16 => matches!(err, Error::Length { .. }),
                _ => matches!(err, Error::Crc { .. }),
            };
            assert!(expected, "byte {i}, bit {bit}: {err}");
        }
    }
}

#[test]
fn a_misaligned_file_is_refused() {
    let [file, _] = files();
    for shift in 1..16 {
        let mut padded = vec![0; shift];
        padded.extend(&file);
        let padded = AlignedBytes::new(&padded);
        let want = Error::Misaligned {
            need: 16,
            off_by: shift,
        };
        assert_eq!(Model::read(&padded[shift..]).err(), Some(want));
    }
}

#[test]
fn a_newer_minor_version_is_read_and_a_newer_major_one_refused() {
    let [mut file, _] = files();
    file[10] = 7;
    assert_eq!(run(&repaired(file.clone())), Ok(()));
    file[8] = 2;
    let want = Error::Version {
        found: 2,
        supported: 1,
    };
    assert_eq!(run(&repaired(file)), Err(want));
}

#[test]
fn an_unknown_section_is_passed_over_unless_it_must_be_understood() {
    let [file, _] = files();
    for (flags, refused) in [(0u16, false), (1, true)] {
        let mut longer = file.clone();
        longer.extend(900u16.to_le_bytes());
        longer.extend(flags.to_le_bytes());
        longer.extend(5u32.to_le_bytes());
        longer.extend([0; 8]);
        longer.extend([7; 16]);
        let want = Error::UnknownSection {
            kind: 900,
            offset: file.len(),
        };
        let got = run(&repaired(longer));
        assert_eq!(got, if refused { Err(want) } else { Ok(()) });
    }
}

#[test]
fn an_arena_that_is_too_small_is_an_error_before_anything_runs() {
    for file in files() {
        let bytes = AlignedBytes::new(&file);
        let need = lif_nostd::ram_bytes(&bytes).unwrap();
        for words in 0..need / 8 {
            let mut arena = vec![0u64; words];
            let err = Network::new(&bytes, &mut arena).map(|_| ()).unwrap_err();
            let got = words * 8;
            assert_eq!(err, Error::Arena { need, got });
            let text = err.to_string();
            assert!(text.contains(&need.to_string()) && text.contains(&got.to_string()));
        }
    }
}

#[test]
fn a_network_leaves_the_rest_of_its_arena_alone() {
    for file in files() {
        let bytes = AlignedBytes::new(&file);
        let need = lif_nostd::ram_bytes(&bytes).unwrap() / 8;
        let mut arena = vec![0xa5a5_5a5a_a5a5_5a5a; need + 9];
        let mut network = Network::new(&bytes, &mut arena).unwrap();
        let taken = network.set_current(&[100; 9]);
        assert!(taken.is_ok() || network.set_current_f32(&[0.5; 9]).is_ok());
        network.step();
        network.reset();
        assert_eq!(arena[need..], [0xa5a5_5a5a_a5a5_5a5a; 9]);
    }
}

#[test]
fn inputs_of_another_length_or_type_are_refused() {
    let [int, float] = files();
    for (file, is_int) in [(int, true), (float, false)] {
        let bytes = AlignedBytes::new(&file);
        let mut arena = vec![0u64; lif_nostd::ram_bytes(&bytes).unwrap() / 8];
        let mut network = Network::new(&bytes, &mut arena).unwrap();
        let wrong = Error::InputLength { need: 9, got: 8 };
        let (same, other) = if is_int {
            (
                network.set_current(&[0; 8]),
                network.set_current_f32(&[0.0; 9]),
            )
        } else {
            (
                network.set_current_f32(&[0.0; 8]),
                network.set_current(&[0; 9]),
            )
        };
        assert_eq!(same, Err(wrong));
        assert!(matches!(other, Err(Error::InputType { .. })));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Fields set to anything, with the checksum mended so that the reader gets to them.
    #[test]
    fn changed_fields_never_panic(
        which in 0usize..2,
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            any::<u32>(),
            Just(0),
            Just(u32::MAX),
            Just(0x8000_0000),
            Just(0x7fff_ffff),
            0u32..70_000,
        ]), 1..4),
    ) {
        let mut file = files()[which].clone();
        for (at, value) in edits {
            let at = at.index(file.len() / 4) * 4;
            file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        let _ = run(&repaired(file));
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(run(&bytes).is_err());
        let mut with_header = files()[0][..HEADER_BYTES].to_vec();
        with_header.extend(bytes);
        prop_assert!(run(&repaired(with_header)).is_err());
    }
}
