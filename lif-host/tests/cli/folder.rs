//! A folder that `lif` runs in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{CONFIG, LIF, NETWORK, first_digits};

/// A folder of one test, in which `lif` runs; removed when dropped.
pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        Self(dir.expect("a folder under target/"))
    }

    /// A folder that holds the network, some digits and a file that is neither.
    pub(crate) fn with_network() -> Self {
        let dir = Self::new();
        dir.write("digits.safetensors", &NETWORK[0]);
        dir.write("digits.lif", &NETWORK[1]);
        dir.write("digits.csv", first_digits().join("\n"));
        dir.write("foreign", "hello world, longer than a header");
        dir
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).expect(file)
    }

    pub(crate) fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect(file);
        fs::write(path, bytes).expect(file);
    }

    /// Writes config.toml: examples/digits.toml for one epoch, with `from` replaced by `to`.
    pub(crate) fn write_config(&self, from: &str, to: &str) {
        assert!(CONFIG.contains(from), "{from:?} is not in the example");
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/");
        let text = CONFIG.replace(from, to).replace("data/", data);
        self.write("config.toml", text.replace("epochs = 30", "epochs = 1"));
    }

    /// Standard output and standard error of `lif` with `args`, which must end with `code`.
    #[track_caller]
    pub(crate) fn lif(&self, code: i32, args: &str) -> [String; 2] {
        let mut command = Command::new(LIF);
        command.current_dir(&self.0).args(args.split_whitespace());
        let output = command.output().expect("cargo built the program");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let [stdout, stderr] = [text(&output.stdout), text(&output.stderr)];
        assert!(!stderr.contains("panicked"), "lif {args}:\n{stderr}");
        assert_eq!(output.status.code(), Some(code), "lif {args}:\n{stderr}");
        [stdout, stderr]
    }

    /// Standard output of `lif` with `args`, which must succeed.
    #[track_caller]
    pub(crate) fn succeeds(&self, args: &str) -> String {
        let [stdout, _] = self.lif(0, args);
        stdout
    }

    /// Checks that `lif` with `args` ends with `code`, that its message holds each part of `says`, which bars
    /// separate, and that it leaves the files as they were.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, args: &str, says: &str) {
        let before = files(self.0.path());
        let [_, stderr] = self.lif(code, args);
        for part in says.split('|').map(str::trim) {
            assert!(stderr.contains(part), "no {part:?}; lif {args}:\n{stderr}");
        }
        let same = files(self.0.path()) == before;
        assert!(same, "lif {args} made or changed a file");
    }
}

/// The files under `dir` and what is in them.
pub(crate) fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(dir).expect("a folder of the test");
    let one = |path: PathBuf| match fs::read(&path) {
        Ok(bytes) => vec![(path, bytes)],
        Err(_) => files(&path),
    };
    let mut found: Vec<_> = entries.flatten().flat_map(|e| one(e.path())).collect();
    found.sort();
    found
}
