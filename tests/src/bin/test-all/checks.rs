//! What is checked: each check is a run of cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lif_host::device::{BOARDS, FLASHED, QEMU_ARM};
use lif_host::setup::ALL_TARGETS;

/// The board that `--quick` emulates.
const QUICK_BOARD: &str = "mps2-an386";

/// Every feature of `lif-nostd` that a program on the host can be linked with.
const HOST_FEATURES: [&str; 8] = [
    "f32",
    "fixed",
    "hal",
    "heapless",
    "i16-weights",
    "link",
    "micromath",
    "serde",
];
/// The others: `defmt` needs the linker script of a board.
const BARE_FEATURES: [&str; 1] = ["defmt"];

/// The files of `tests/tests` that run with overflow checks, so that a sum that wraps is a panic. The others
/// train, and would take minutes so.
const OVERFLOW_CHECKED: [&str; 3] = ["ladder", "models", "mutations"];

/// The targets that `tests/tests/sizes.rs` measures.
const SIZED: [&str; 3] = [
    "thumbv6m-none-eabi",
    "thumbv7em-none-eabihf",
    "riscv32imac-unknown-none-elf",
];

/// The cores of `tests/tests/everywhere.rs`, and the boards that they are on.
const CORES: [(&str, &str); 6] = [
    ("cortex_m0", "microbit"),
    ("cortex_m3", "mps2-an385"),
    ("cortex_m4", QUICK_BOARD),
    ("cortex_m7", "mps2-an500"),
    ("cortex_m33", "mps2-an505"),
    ("rv32imac", "riscv-virt"),
];

/// Kinds of checks, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Setup,
    Format,
    Lint,
    HostTest,
    Docs,
    NoStdBuild,
    NoPanic,
    Firmware,
    Size,
    Emulated,
    Example,
    Demo,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Setup => "set-up",
            Self::Format => "format",
            Self::Lint => "lints",
            Self::HostTest => "host tests",
            Self::Docs => "documentation",
            Self::NoStdBuild => "no_std builds",
            Self::NoPanic => "no panic",
            Self::Firmware => "firmware builds",
            Self::Size => "sizes",
            Self::Emulated => "emulated boards",
            Self::Example => "examples",
            Self::Demo => "demonstration",
        }
    }
}

/// A check: a run of cargo.
pub(crate) struct Check {
    pub(crate) kind: Kind,
    /// Arguments of cargo.
    pub(crate) args: String,
    /// Folder that it runs in, from the root.
    pub(crate) dir: &'static str,
    /// The target or program that it cannot do without.
    pub(crate) needs: Option<&'static str>,
    /// What the output must satisfy besides the exit code.
    pub(crate) judge: Judge,
}

/// How the output of a check is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judge {
    /// By the exit code alone.
    ExitCode,
    /// By the test runner's own counts too.
    Tests,
    /// The same, but it is one check: another one counts these tests.
    SameTests,
    /// It must print the lines that the README shows.
    Readme,
    /// It must fail, because the linker misses the function that only a panic calls.
    NoLink,
}

pub(crate) fn new(kind: Kind, args: impl Into<String>) -> Check {
    Check {
        kind,
        args: args.into(),
        dir: "",
        needs: None,
        judge: Judge::ExitCode,
    }
}

/// A run of the tests that `args` name; one that fails does not keep the others from running.
fn test(kind: Kind, args: &str) -> Check {
    new(kind, format!("test --no-fail-fast {args}")).judged(Judge::Tests)
}

impl Check {
    fn within(mut self, dir: &'static str) -> Self {
        self.dir = dir;
        self
    }

    fn needs(mut self, what: &'static str) -> Self {
        self.needs = Some(what);
        self
    }

    pub(crate) fn judged(mut self, judge: Judge) -> Self {
        self.judge = judge;
        self
    }
}

/// The checks of this run.
pub(crate) fn checks(quick: bool, root: &Path) -> Vec<Check> {
    let mut all = vec![
        new(Kind::Format, "fmt --all --check"),
        new(Kind::Format, "fmt --all --check").within("boards"),
        new(Kind::Format, "fmt --all --check").within("fuzz"),
    ];
    all.extend(lints());
    all.extend(host_tests(root));
    if !quick {
        let features = HOST_FEATURES.map(|f| format!("lif-nostd/{f}")).join(",");
        let args = format!("doc --workspace --no-deps --features {features}");
        all.push(new(Kind::Docs, args));
        all.extend(no_std_builds());
        all.extend(no_panic());
        all.extend(sizes());
        let args = "--release -p lif-tests --test instructions -- --nocapture";
        all.push(test(Kind::Size, args).needs("qemu-system-arm"));
        let args = "--release -p lif-tests --test footprint -- --nocapture --test-threads 1";
        all.push(test(Kind::Size, args).needs("qemu-system"));
        all.extend(built_firmware());
    }
    for board in BOARDS {
        if !quick || board.name == QUICK_BOARD {
            let args = format!(
                "build --release --package {} --bin {} --target {}",
                board.package, board.name, board.target
            );
            all.push(
                new(Kind::Firmware, args)
                    .within("boards")
                    .needs(board.target),
            );
            let module = board.name.replace('-', "_");
            let args = format!("--release -p lif-tests --test boards -- {module}::");
            all.push(test(Kind::Emulated, &args).needs(board.qemu));
        }
    }
    let args = "--release -p lif-tests --test boards -- program::";
    all.push(test(Kind::Emulated, args).needs(QEMU_ARM));
    all.extend(everywhere(quick));
    for example in ["01-one-neuron", "02-population"] {
        let args = format!("run --release -p lif-examples --bin {example}");
        all.push(new(Kind::Example, args));
    }
    if !quick {
        all.push(
            new(Kind::Demo, "demo")
                .needs(QEMU_ARM)
                .judged(Judge::Readme),
        );
    }
    all
}

fn lints() -> Vec<Check> {
    let of = |packages: &str| {
        let args = format!("clippy {packages} --all-targets -- -D warnings");
        new(Kind::Lint, args)
    };
    let mut all = vec![
        of("--workspace"),
        of("-p lif-nostd"),
        of(&format!("-p lif-nostd --features {}", host_features())),
        of("-p lif-host --no-default-features"),
        of("-p lif-host --no-default-features --features device"),
        // Without libFuzzer, so that stable Rust and no C++ compiler do.
        new(
            Kind::Lint,
            "clippy --lib --bins --no-default-features -- -D warnings",
        )
        .within("fuzz"),
    ];
    all.extend(board_packages().into_iter().map(|(target, packages)| {
        let packages: String = packages.iter().map(|p| format!(" -p {p}")).collect();
        let args = format!("clippy --release{packages} --target {target} -- -D warnings");
        new(Kind::Lint, args).within("boards").needs(target)
    }));
    all
}

/// The packages of `boards` for each target.
fn board_packages() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut all: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for board in BOARDS {
        let packages = all.entry(board.target).or_default();
        packages.extend(["lif-board-common", "no-panic", "replay", board.package]);
    }
    for board in FLASHED {
        all.entry(board.target).or_default().insert(board.name);
    }
    all
}

/// The firmware of boards that are not emulated.
fn built_firmware() -> impl Iterator<Item = Check> {
    let built = FLASHED
        .iter()
        .filter(|b| BOARDS.iter().all(|e| e.name != b.name));
    built.map(|board| {
        let (name, target) = (board.name, board.target);
        let args = format!("build --release --package {name} --target {target}");
        new(Kind::Firmware, args).within("boards").needs(target)
    })
}

fn host_features() -> String {
    HOST_FEATURES.join(",")
}

/// The tests that need no board, each counted once.
fn host_tests(root: &Path) -> Vec<Check> {
    let names = test_files(root);
    let files = |checked: bool| -> String {
        let these = names
            .iter()
            .filter(|n| OVERFLOW_CHECKED.contains(&n.as_str()) == checked);
        these.map(|n| format!(" --test {n}")).collect()
    };
    let of = |args: &str| test(Kind::HostTest, args);
    vec![
        of("--workspace --exclude lif-tests --exclude lif-nostd"),
        of(&format!("-p lif-nostd --features {}", host_features())),
        of("-p lif-nostd").judged(Judge::SameTests),
        of(&format!("-p lif-tests --lib --bins{}", files(true))),
        of(&format!("--release -p lif-tests{}", files(false))),
    ]
}

/// The files of `tests/tests`, and the folders with a main file, but those that build for chips.
fn test_files(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root.join("tests/tests"))
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let is_source =
                path.extension().is_some_and(|e| e == "rs") || path.join("main.rs").is_file();
            let name = path.file_stem()?.to_str()?;
            (is_source
                && !["boards", "everywhere", "footprint", "instructions", "sizes"].contains(&name))
            .then(|| name.to_string())
        })
        .collect();
    names.sort();
    names
}

/// Random networks on every core, and what they take there.
fn everywhere(quick: bool) -> Vec<Check> {
    let of = |filter: &str| {
        let args = format!("--release -p lif-tests --test everywhere -- --nocapture {filter}");
        test(Kind::Emulated, &args)
    };
    let cores = CORES.iter().filter(|(_, b)| !quick || *b == QUICK_BOARD);
    let on_cores = cores.filter_map(|(core, name)| {
        let board = BOARDS.iter().find(|board| board.name == *name)?;
        Some(of(&format!("{core}::")).needs(board.qemu))
    });
    std::iter::once(of("every_kind")).chain(on_cores).collect()
}

/// Programs that link only if no panic can be reached, and one that therefore must not, for every core.
fn no_panic() -> impl Iterator<Item = Check> {
    let of = |args: &str, target| {
        let args = format!("build {args} --package no-panic --target {target}");
        new(Kind::NoPanic, args).within("boards").needs(target)
    };
    board_packages().into_keys().flat_map(move |target| {
        let planted = "--release --bin everything --features all,link,planted";
        [
            of("--release --features all,link", target),
            of("--profile size", target),
            of("--profile size --features all,link", target),
            of(planted, target).judged(Judge::NoLink),
        ]
    })
}

/// The core's size against its budget.
fn sizes() -> impl Iterator<Item = Check> {
    SIZED.into_iter().map(|target| {
        let module = target.replace(['-', '.'], "_");
        let args = format!("--release -p lif-tests --test sizes -- --nocapture {module}");
        test(Kind::Size, &args).needs(target)
    })
}

/// `lif-nostd` without features and with each alone, for every chip; `lif-host` for the web.
fn no_std_builds() -> Vec<Check> {
    let mut all = Vec::new();
    for target in ALL_TARGETS {
        let mut build = |packages: &str| {
            let args = format!("build --release {packages} --target {target}");
            all.push(new(Kind::NoStdBuild, args).needs(target));
        };
        if *target == "wasm32-unknown-unknown" {
            build("-p lif-host --no-default-features");
            continue;
        }
        build("-p lif-nostd");
        for feature in HOST_FEATURES.iter().chain(&BARE_FEATURES) {
            build(&format!("-p lif-nostd --features {feature}"));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Check> {
        checks(false, &Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
    }

    #[test]
    fn every_feature_of_the_core_is_checked() {
        let manifest = include_str!("../../../../lif-nostd/Cargo.toml");
        let (_, features) = manifest.split_once("[features]\n").expect("it has some");
        let mut named: Vec<&str> = features
            .lines()
            .take_while(|line| !line.starts_with('['))
            .filter_map(|line| Some(line.split_once(" = [")?.0))
            .collect();
        let mut checked = [&HOST_FEATURES[..], &BARE_FEATURES[..]].concat();
        named.sort_unstable();
        checked.sort_unstable();
        assert_eq!(checked, named);
    }

    #[test]
    fn no_run_of_tests_stops_at_the_first_failure() {
        for check in all() {
            let is_test = check.args.starts_with("test ");
            assert_eq!(is_test, check.args.contains("--no-fail-fast"));
            let judge = matches!(check.judge, Judge::Tests | Judge::SameTests);
            assert_eq!(is_test, judge, "{}", check.args);
        }
    }

    #[test]
    fn every_file_of_tests_runs_once_and_the_fuzz_tests_with_overflow_checks() {
        let all = all();
        for name in ["ladder", "models", "mutations", "surrogates", "training"] {
            let file = format!("--test {name}");
            let mut runs = all
                .iter()
                .filter(|c| format!("{} ", c.args).contains(&format!("{file} ")));
            let run = runs.next().expect(name);
            assert!(runs.next().is_none(), "{name} runs twice");
            let release = run.args.contains("--release");
            assert_eq!(release, !OVERFLOW_CHECKED.contains(&name), "{name}");
        }
    }

    #[test]
    fn every_size_is_tested() {
        let file = include_str!("../../../tests/sizes.rs");
        for target in SIZED {
            let entry = format!("{} = {target:?}", target.replace(['-', '.'], "_"));
            assert!(file.contains(&entry), "{target} is not in sizes!");
        }
    }

    #[test]
    fn every_core_runs_random_networks() {
        let file = include_str!("../../../tests/everywhere.rs");
        for (core, board) in CORES {
            let entry = format!("{core} = {board:?}");
            assert!(file.contains(&entry), "{core} is not in cores!");
        }
        let runs = everywhere(false).len();
        assert_eq!(runs, CORES.len() + 1, "a board is not known");
    }

    #[test]
    fn every_board_is_tested() {
        let file = include_str!("../../../tests/boards.rs");
        for board in BOARDS {
            let entry = format!("{} = {:?}", board.name.replace('-', "_"), board.name);
            assert!(file.contains(&entry), "{} is not in boards!", board.name);
        }
    }
}
