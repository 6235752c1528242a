//! Any byte string at all gives a network that runs, or a typed error: never a panic.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lif_host::export::{export_f32, export_int, export_int_with};
use lif_host::infer::{AlignedBytes, Host};
use lif_host::quant::{Membranes, QuantOptions, Weights};
use lif_nostd::model::format::{
    CERTIFICATE_BYTES, CRC_OFFSET, HEADER_BYTES, NODE_BYTES, Number, REQUIRED,
    SECTION_HEADER_BYTES, align_up, file_crc, section,
};
use lif_nostd::model::{Digest, Layer, LayerKind, Model, SelfTest};
use lif_nostd::neuron::Decode;
use lif_nostd::{Error, Network};
use lif_tests::nets::Draw;
use proptest::prelude::*;

/// Models of every kind: an integer and an f32 one on values, and the same with parameters a neuron, on spikes.
fn files() -> [Vec<u8>; 4] {
    let draw = Draw::new(3, &[9, 20, 3]);
    let net = draw.build().unwrap();
    let other = Draw {
        spikes: true,
        simple: true,
        decay_input: false,
        per_neuron: true,
        readout: Some(Decode::MaxAbsMem),
        ..draw
    };
    let other = other.build().unwrap();
    let wide = QuantOptions {
        weights: Weights::I16,
        membranes: Membranes::I32,
    };
    [
        export_int(&net).unwrap().bytes,
        export_f32(&net).unwrap().bytes,
        export_int_with(&other, wide).unwrap().bytes,
        export_f32(&other).unwrap().bytes,
    ]
}

/// Sets an input of 9 values, or `n` spikes, as the network takes it.
fn set_any(network: &mut Network<'_>, n: usize) {
    match network.model().number() {
        Number::F32 => network.set_current_f32(&vec![0.5; n]).unwrap(),
        Number::Bits => {
            network.set_spikes(&vec![u32::MAX; n.div_ceil(32)]).unwrap();
            network.events(&[0]).unwrap();
        }
        _ => network.set_current(&vec![100; n]).unwrap(),
    }
}

/// The section of kind `kind` in `file`: where its header is, and its body.
fn section_of(file: &[u8], kind: u16) -> (usize, usize, usize) {
    let mut at = HEADER_BYTES;
    loop {
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let (found, len) = (word(at) as u16, word(at + 4) as usize);
        let body = at + SECTION_HEADER_BYTES;
        if found == kind {
            return (at, body, len);
        }
        at = body + align_up(len);
    }
}

/// `file` with another section behind the last, length and checksum right.
fn with_section(file: &[u8], kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let mut longer = file.to_vec();
    longer.extend(kind.to_le_bytes());
    longer.extend(flags.to_le_bytes());
    longer.extend((body.len() as u32).to_le_bytes());
    longer.extend([0; 8]);
    longer.extend(body);
    longer.resize(align_up(longer.len()), 0);
    repaired(longer)
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
    set_any(&mut network, n_in);
    for _ in 0..3 {
        network.step();
    }
    assert!(network.counts().iter().all(|c| *c <= 3));
    assert_eq!(network.first_spikes().count(), network.counts().len());
    assert!(network.readout(0).is_some() && network.readout(n_in.max(65536)).is_none());
    // A model that was changed may well compute something else; it may not take long.
    let steps = network.model().golden_trace().map_or(0, |g| g.steps);
    if steps < 100 {
        let _ = network.self_test();
    }
    network.reset();
    Ok(())
}

#[test]
fn the_files_themselves_run() {
    for file in files() {
        assert_eq!(run(&file), Ok(()));
        let mut host = Host::new(&file).unwrap();
        let mut network = host.network();
        set_any(&mut network, 9);
        network.step();
        assert_eq!(network.self_test(), Ok(()));
        // It leaves a network as new.
        assert_eq!(network.steps(), 0);
        let digest = |network: &mut Network<'_>| {
            let mut digest = Digest::new();
            network.step();
            digest.add_spikes(network);
            digest.add_membranes(network);
            digest.finish()
        };
        let mut new = Host::new(&file).unwrap();
        assert_eq!(digest(&mut network), digest(&mut new.network()));
    }
}

#[test]
fn a_self_test_sees_another_weight_and_a_missing_trace() {
    for mut file in files() {
        let (_, weights, _) = section_of(&file, section::WEIGHTS);
        let (_, golden, _) = section_of(&file, section::GOLDEN_TRACE);
        // The certificate no longer holds, but sums of 32 bits do not need it.
        for row in 0..9 {
            file[weights + 16 * row] ^= 0x40;
        }
        let mut host = Host::new(&repaired(file.clone())).unwrap();
        let err = host.network().self_test().unwrap_err();
        let SelfTest::Differs { stated, computed } = err else {
            panic!("{err}");
        };
        assert_ne!(stated, computed);
        file.truncate(golden - SECTION_HEADER_BYTES);
        let mut host = Host::new(&repaired(file)).unwrap();
        assert_eq!(host.network().self_test(), Err(SelfTest::Missing));
    }
}

#[test]
fn sections_that_nothing_verifies_are_read() {
    let [file, ..] = files();
    let signed = with_section(&file, section::SIGNATURE, 0, &[7, 0, 0, 0, 1, 2, 3]);
    let bytes = AlignedBytes::new(&signed);
    let signature = Model::read(&bytes).unwrap().signature().unwrap();
    assert_eq!(
        (signature.algorithm, signature.bytes),
        (7, &[1u8, 2, 3][..])
    );
    assert_eq!(signature.covers, file.len());
    let all = with_section(&signed, section::ROLLBACK, 0, &9u32.to_le_bytes());
    let all = with_section(&all, section::TARGET, 0, "mps2-an386".as_bytes());
    let bytes = AlignedBytes::new(&all);
    let model = Model::read(&bytes).unwrap();
    assert_eq!(
        (model.rollback(), model.target()),
        (Some(9), Some("mps2-an386"))
    );
    let bytes = AlignedBytes::new(&file);
    let model = Model::read(&bytes).unwrap();
    assert_eq!(
        (model.signature(), model.rollback(), model.target()),
        (None, None, None)
    );
}

#[test]
fn wrong_bodies_of_sections_are_refused() {
    let [file, ..] = files();
    let offset = file.len() + SECTION_HEADER_BYTES;
    for (kind, body) in [
        (section::SIGNATURE, &[1u8, 2, 3][..]),
        (section::ROLLBACK, &[0; 5]),
    ] {
        let got = run(&with_section(&file, kind, 0, body)).unwrap_err();
        assert!(
            matches!(got, Error::Invalid { offset: at, .. } if at == offset),
            "{got}"
        );
    }
    for (kind, len) in [
        (section::SIGNATURE, 5),
        (section::ROLLBACK, 4),
        (section::TARGET, 1),
    ] {
        // They must be understood, and are not.
        let got = run(&with_section(&file, kind, REQUIRED, &[0; 4])).unwrap_err();
        let offset = file.len();
        assert_eq!(got, Error::UnknownSection { kind, offset });
        let once = with_section(&file, kind, 0, &[0xff; 5][..len]);
        assert_eq!(run(&once), Ok(()));
        let got = run(&with_section(&once, kind, 0, &[0; 4])).unwrap_err();
        assert_eq!(got, Error::SectionCount { kind, found: 2 });
    }
    // A text that is none is as if it were not there.
    let odd = AlignedBytes::new(&with_section(&file, section::TARGET, 0, &[0xff]));
    assert_eq!(Model::read(&odd).unwrap().target(), None);
    // What stands in the file itself: a field of a section, and what is put there.
    let word = |x: u32| x.to_le_bytes();
    for (kind, at, value) in [
        (section::RAM, 0, word(8)),
        (section::READOUT, 0, word(0)),
        (section::READOUT, 0, f32::NAN.to_le_bytes()),
        (section::GOLDEN_TRACE, 0, word(4)),
        (section::GOLDEN_TRACE, 4, word(0)),
        (section::GOLDEN_TRACE, 4, word(65536)),
    ] {
        let mut bad = file.clone();
        let (_, body, _) = section_of(&file, kind);
        bad[body + at..body + at + 4].copy_from_slice(&value);
        let got = run(&repaired(bad)).unwrap_err();
        assert!(
            matches!(got, Error::Invalid { offset, .. } if offset == body + at),
            "{kind}: {got}"
        );
    }
    for kind in [section::RAM, section::READOUT, section::GOLDEN_TRACE] {
        let mut bad = file.clone();
        let (header, body, len) = section_of(&file, kind);
        bad[header + 4..header + 8].copy_from_slice(&(len as u32 - 1).to_le_bytes());
        let got = run(&repaired(bad)).unwrap_err();
        assert!(
            matches!(got, Error::Invalid { offset, .. } if offset == body),
            "{kind}: {got}"
        );
    }
}

#[test]
fn wrong_arrays_of_parameters_are_refused() {
    let [.., int, float] = files();
    let node = |file: &[u8], i: usize| section_of(file, section::NODES).1 + i * NODE_BYTES;
    let word = |file: &[u8], at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    for (file, value) in [(int, 65537u32), (float, f32::NAN.to_bits())] {
        let leak = node(&file, 2) + 20;
        assert_eq!(word(&file, leak), 3);
        let start = word(&file, leak + 4);
        let with = |at: usize, value: u32| {
            let mut bad = file.clone();
            bad[at..at + 4].copy_from_slice(&value.to_le_bytes());
            run(&repaired(bad))
        };
        for bad in [start + 4, 0, u32::MAX - 15] {
            let got = with(leak + 4, bad).unwrap_err();
            assert!(
                matches!(got, Error::Invalid { offset, .. } if offset == leak + 4),
                "{got}"
            );
        }
        // The last neuron's value, and what pads the block behind it.
        let got = with(start as usize + 19 * 4, value).unwrap_err();
        assert!(
            matches!(got, Error::Invalid { offset, .. } if offset == leak),
            "{got}"
        );
        assert_eq!(with(start as usize + 20 * 4, value), Ok(()));
        let got = with(leak, 2).unwrap_err();
        assert!(
            matches!(got, Error::Unsupported { offset, .. } if offset == leak),
            "{got}"
        );
        // Neurons that do not spike drive no layer.
        let mut bad = file.clone();
        let last = node(&file, 4);
        bad.copy_within(last..last + 4, node(&file, 2));
        assert!(run(&repaired(bad)).is_err());
    }
}

#[test]
fn a_layer_without_its_certificate_does_not_fit_16_bits() {
    let net = Draw::new(3, &[2, 20, 3]).build().unwrap();
    let file = export_int(&net).unwrap().bytes;
    let fits = |file: &[u8]| -> Vec<bool> {
        let bytes = AlignedBytes::new(file);
        let layers = Model::read(&bytes).unwrap();
        let fits = |l: Layer<'_>| matches!(l.kind, LayerKind::Int(int) if int.fits_16());
        layers.layers().map(fits).collect()
    };
    assert_eq!(fits(&file), [false, true]);
    let (_, body, _) = section_of(&file, section::CERTIFICATES);
    // Sums of 32 bits need more room than the file states.
    let (_, ram, _) = section_of(&file, section::RAM);
    let mut file = file;
    file[ram + 1] = 2;
    let mut bad = file.clone();
    bad[body + CERTIFICATE_BYTES] = 1;
    assert_eq!(fits(&repaired(bad)), [false, false]);
    let mut bad = file;
    bad[body + CERTIFICATE_BYTES + 5] = 0x80;
    assert_eq!(fits(&repaired(bad)), [false, false]);
}

#[test]
fn spikes_of_inputs_that_are_not_there_are_refused() {
    let [.., file, _] = files();
    let mut host = Host::new(&file).unwrap();
    let mut network = host.network();
    let wrong = Error::InputIndex { index: 9, n: 9 };
    assert_eq!(network.events(&[3, 9]), Err(wrong));
    let wrong = Error::InputLength { need: 1, got: 2 };
    assert_eq!(network.set_spikes(&[0, 0]), Err(wrong));
    let after = |set: &dyn Fn(&mut Network<'_>)| {
        let mut host = Host::new(&file).unwrap();
        let mut network = host.network();
        set(&mut network);
        network.step();
        let first = network.membranes(0).unwrap().bytes().to_vec();
        network.step();
        (first, network.membranes(0).unwrap().bytes().to_vec())
    };
    let silent = after(&|_| ());
    // Events add up, in any order and more than once; spikes replace them; bits that no input has count for nothing.
    let events = after(&|n| {
        n.events(&[8, 0, 8]).unwrap();
        n.events(&[2]).unwrap();
        assert!(n.events(&[1, 100]).is_err());
    });
    let spikes = after(&|n| {
        n.events(&[5]).unwrap();
        n.set_spikes(&[0xffff_fe00 | 0b1_0000_0101]).unwrap();
    });
    assert_eq!(events, spikes);
    assert_ne!(events.0, silent.0);
    // A step clears them: the second is as if it were given none.
    let again = after(&|n| {
        n.set_spikes(&[0b1_0000_0101]).unwrap();
        let _ = n.step_layer();
        let _ = n.step_layer();
        n.reset();
    });
    assert_eq!(again, silent);
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
    let [file, ..] = files();
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
    let [file, ..] = files();
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
    let [mut file, ..] = files();
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
    let [file, ..] = files();
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
        set_any(&mut network, 9);
        network.step();
        network.reset();
        assert_eq!(arena[need..], [0xa5a5_5a5a_a5a5_5a5a; 9]);
    }
}

#[test]
fn inputs_of_another_length_or_type_are_refused() {
    let [int, float, ..] = files();
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
        for other in [network.events(&[0]), network.set_spikes(&[0])] {
            assert!(matches!(other, Err(Error::InputType { .. })));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Fields set to anything, with the checksum mended so that the reader gets to them.
    #[test]
    fn changed_fields_never_panic(
        which in 0usize..4,
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
