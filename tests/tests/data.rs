//! Data sets in every format, made by `tests/golden/data.py`, and what is said of broken ones.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lif_host::data::{Dataset, Format, Labels, LoadOptions, Values, load, read};
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden/data")
        .join(name)
}

fn required() -> LoadOptions {
    LoadOptions {
        labelled: Labels::Required,
        inputs: Some(6),
        classes: Some(3),
        ..LoadOptions::default()
    }
}

fn check(data: Dataset, scale: f32) {
    assert_eq!(data.shape, [2, 3]);
    assert_eq!(data.labels, [0, 1, 2, 0, 1, 2]);
    assert_eq!(matches!(data.values, Values::U8(_)), scale == 1.0);
    let samples = data.into_samples();
    let want: Vec<f32> = (0..36u8).map(|i| f32::from(i) * scale).collect();
    assert_eq!((samples.n_in, samples.values), (6, want));
}

#[test]
fn every_format_holds_the_same_samples() {
    let labels_file = Some(file("labels.npy"));
    let apart = LoadOptions {
        labels_file,
        ..required()
    };
    check(load(&file("u8.npy"), &apart).unwrap(), 1.0);
    for name in ["f4.npy", "f8-fortran.npy", "f4-big-endian.npy"] {
        check(load(&file(name), &apart).unwrap(), 0.5);
    }
    check(load(&file("stored.npz"), &required()).unwrap(), 1.0);
    let named = LoadOptions {
        values: "images".into(),
        labels: "targets".into(),
        ..required()
    };
    check(load(&file("deflated.npz"), &named).unwrap(), 0.5);
    check(load(&file("set.safetensors"), &required()).unwrap(), 0.5);
    // The labels are found beside the images.
    check(
        load(&file("six-images-idx3-ubyte"), &required()).unwrap(),
        1.0,
    );
    check(
        load(&file("six-images-idx3-ubyte.gz"), &required()).unwrap(),
        1.0,
    );
}

#[test]
fn comma_separated_text_is_told_from_the_others() {
    let text = b"1,2,3,0\n4,5,6,2\n";
    let options = LoadOptions {
        inputs: None,
        ..required()
    };
    let data = read(text, &options).unwrap();
    assert_eq!((data.shape, data.labels), (vec![3], vec![0, 2]));
    let said = read(text, &LoadOptions::default()).unwrap_err().to_string();
    assert!(said.contains("say how many values"), "{said}");
    let inputs = Some(4);
    let data = read(
        text,
        &LoadOptions {
            inputs,
            ..LoadOptions::default()
        },
    )
    .unwrap();
    assert_eq!((data.shape, data.labels.len()), (vec![4], 0));
}

fn safetensors(name: &str, shape: &[usize], values: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, shape.into(), &bytes).unwrap();
    safetensors::serialize([(name, view)], None::<HashMap<String, String>>).unwrap()
}

#[test]
fn errors_say_what_where_and_what_to_do() {
    let says = |name: &str, options: &LoadOptions| {
        let said = load(&file(name), options).unwrap_err().to_string();
        assert!(said.contains(name), "{said}");
        said
    };
    let said = says("u8.npy", &required());
    assert!(
        said.contains("no labels in it; name the file that holds them"),
        "{said}"
    );
    let said = says("deflated.npz", &required());
    assert!(
        said.contains("array \"x\" is missing; the file holds images, targets"),
        "{said}"
    );
    let inputs = Some(7);
    let said = says(
        "stored.npz",
        &LoadOptions {
            inputs,
            ..required()
        },
    );
    assert!(
        said.contains("its shape is [6, 2, 3], which is 6 values a sample; 7 are needed"),
        "{said}"
    );
    let classes = Some(2);
    let said = says(
        "stored.npz",
        &LoadOptions {
            classes,
            ..required()
        },
    );
    assert!(
        said.contains("sample 2 is of class 2; classes are whole numbers below 2"),
        "{said}"
    );
    let bytes_max = 20;
    let said = says(
        "u8.npy",
        &LoadOptions {
            bytes_max,
            ..required()
        },
    );
    assert!(
        said.contains("it states 164 bytes of data; at most 20"),
        "{said}"
    );
    let said = says("missing.npy", &required());
    assert!(said.contains("No such file"), "{said}");
    let labels_file = Some(file("u8.npy"));
    let said = load(
        &file("f4.npy"),
        &LoadOptions {
            labels_file,
            ..required()
        },
    )
    .unwrap_err();
    assert!(
        said.to_string()
            .contains("36 labels of shape [6, 2, 3] for 6 samples"),
        "{said}"
    );

    let nan = safetensors("x", &[3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, f32::NAN]);
    let said = read(&nan, &LoadOptions::default()).unwrap_err().to_string();
    assert!(
        said.starts_with("sample 2, value 1 is NaN: finite numbers are needed"),
        "{said}"
    );
    for shape in [&[0, 2][..], &[2, 0], &[0, usize::MAX, 0, usize::MAX]] {
        let said = read(&safetensors("x", shape, &[]), &LoadOptions::default()).unwrap_err();
        assert!(said.to_string().contains("no samples"), "{said}");
    }
    let scalar = read(&safetensors("x", &[], &[1.0]), &LoadOptions::default()).unwrap_err();
    assert!(scalar.to_string().contains("first dimension"), "{scalar}");
}

#[test]
fn a_header_that_claims_petabytes_is_an_error() {
    let header = br#"{"x":{"dtype":"F32","shape":[1000000,1000000,1000],"data_offsets":[0,4000000000000000]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    assert_eq!(Format::of(&bytes), Format::SafeTensors);
    assert!(read(&bytes, &LoadOptions::default()).is_err());
    // A zip entry that states 2^32 - 2 bytes.
    let mut bytes = std::fs::read(file("stored.npz")).unwrap();
    for at in 0..bytes.len() - 30 {
        let size = match &bytes[at..at + 4] {
            b"PK\x01\x02" => at + 24,
            b"PK\x03\x04" => at + 22,
            _ => continue,
        };
        bytes[size..size + 4].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff]);
    }
    let said = read(&bytes, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(said.contains("it states 4294967294 bytes"), "{said}");
}

proptest! {
    /// Damaged files give samples or an error.
    #[test]
    fn damaged_files_are_no_panic(
        name in prop::sample::select(vec![
            "u8.npy", "f8-fortran.npy", "stored.npz", "deflated.npz", "set.safetensors", "six-images-idx3-ubyte",
            "six-images-idx3-ubyte.gz",
        ]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        keep in any::<prop::sample::Index>(),
        cut: bool,
    ) {
        let mut bytes = std::fs::read(file(name)).unwrap();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut {
            bytes.truncate(keep.index(bytes.len()));
        }
        let bytes_max = 1 << 20;
        let _ = read(&bytes, &LoadOptions { inputs: Some(6), bytes_max, ..LoadOptions::default() });
    }
}
