//! The example in `docs/format.md` is a file that this version writes, byte for byte.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lif_host::export::export_int;
use lif_tests::nets::example;

const PAGE: &str = include_str!("../../docs/format.md");

/// The offset and the 16 bytes that a line of the page shows, if it shows any.
fn dumped(line: &str) -> Option<(usize, Vec<u8>)> {
    let mut words = line.split_whitespace();
    let offset = words.next()?.parse().ok()?;
    let bytes: Vec<u8> = words
        .take_while(|word| word.len() == 2)
        .map_while(|word| u8::from_str_radix(word, 16).ok())
        .take(16)
        .collect();
    (bytes.len() == 16).then_some((offset, bytes))
}

#[test]
fn the_example_of_the_format_is_what_is_written() {
    let file = export_int(&example().unwrap()).unwrap().bytes;
    let (_, section) = PAGE.split_once("\n## 13. An example\n").unwrap();
    let mut shown = Vec::new();
    for (offset, bytes) in section.lines().filter_map(dumped) {
        assert_eq!(offset, shown.len(), "the lines follow each other");
        assert_eq!(bytes, file[offset..offset + 16], "the bytes at {offset}");
        shown.extend(bytes);
    }
    assert_eq!(shown, file);
}
