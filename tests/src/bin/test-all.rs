//! Runs every check of the project, or with `--quick` those that take a few minutes, and ends with the line
//! `N passed, N failed`.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::Parser;
use lif_host::cli::setup::ensure;
use lif_host::device::BOARDS;
use lif_host::setup::{ALL_TARGETS, QEMU, check};

/// Runs every check of the project: format, lints, documentation, host tests, no_std and firmware builds,
/// emulated boards and the demonstration. Installs what is missing first.
#[derive(Debug, Parser)]
#[command(name = "test-all")]
struct Args {
    /// Only format, lints, host tests and one emulated board
    #[arg(long)]
    quick: bool,
}

/// The board that `--quick` emulates.
const QUICK_BOARD: &str = "mps2-an386";

/// Kinds of checks, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Setup,
    Format,
    Lint,
    HostTest,
    Docs,
    NoStdBuild,
    Firmware,
    Emulated,
    Demo,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Setup => "set-up",
            Self::Format => "format",
            Self::Lint => "lints",
            Self::HostTest => "host tests",
            Self::Docs => "documentation",
            Self::NoStdBuild => "no_std builds",
            Self::Firmware => "firmware builds",
            Self::Emulated => "emulated boards",
            Self::Demo => "demonstration",
        }
    }
}

/// A check: a run of cargo.
struct Check {
    kind: Kind,
    /// Arguments of cargo.
    args: String,
    /// Folder that it runs in, from the root.
    dir: &'static str,
    /// The target or program that it cannot do without.
    needs: Option<&'static str>,
    /// What the output must satisfy besides the exit code.
    judge: Judge,
}

/// How the output of a check is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judge {
    /// By the exit code alone.
    ExitCode,
    /// By the test runner's own counts too.
    Tests,
    /// It must print the lines that the README shows.
    Readme,
}

fn new(kind: Kind, args: impl Into<String>) -> Check {
    Check {
        kind,
        args: args.into(),
        dir: "",
        needs: None,
        judge: Judge::ExitCode,
    }
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

    fn judged(mut self, judge: Judge) -> Self {
        self.judge = judge;
        self
    }
}

/// The checks of this run.
fn checks(quick: bool, root: &Path) -> Vec<Check> {
    let mut all = vec![
        new(Kind::Format, "fmt --all --check"),
        new(Kind::Format, "fmt --all --check").within("boards"),
        new(
            Kind::Lint,
            "clippy --workspace --all-targets -- -D warnings",
        ),
        new(
            Kind::Lint,
            "clippy -p lif-nostd --all-targets -- -D warnings",
        ),
        new(
            Kind::Lint,
            "clippy -p lif-host --no-default-features --all-targets -- -D warnings",
        ),
        new(
            Kind::Lint,
            "clippy -p lif-host --no-default-features --features device --all-targets -- -D warnings",
        ),
        new(Kind::Lint, "clippy --workspace --release -- -D warnings")
            .within("boards")
            .needs("thumbv7em-none-eabihf"),
        new(Kind::HostTest, "test --workspace --exclude lif-tests").judged(Judge::Tests),
        new(Kind::HostTest, "test -p lif-nostd").judged(Judge::Tests),
        new(Kind::HostTest, host_tests(root)).judged(Judge::Tests),
    ];
    if !quick {
        all.push(new(Kind::Docs, "doc --workspace --no-deps"));
        for target in ALL_TARGETS {
            let builds: &[&str] = match *target {
                "wasm32-unknown-unknown" => &["-p lif-host --no-default-features"],
                _ => &["-p lif-nostd", "-p lif-nostd --features link"],
            };
            for build in builds {
                let args = format!("build --release {build} --target {target}");
                all.push(new(Kind::NoStdBuild, args).needs(target));
            }
        }
    }
    for board in BOARDS {
        if !quick || board.name == QUICK_BOARD {
            let args = format!(
                "build --release --package {} --target {}",
                board.name, board.target
            );
            all.push(
                new(Kind::Firmware, args)
                    .within("boards")
                    .needs(board.target),
            );
            let test = board.name.replace('-', "_");
            let args = format!("test --release -p lif-tests --test boards -- {test} every_board");
            all.push(
                new(Kind::Emulated, args)
                    .needs(board.qemu)
                    .judged(Judge::Tests),
            );
        }
    }
    if !quick {
        all.push(new(Kind::Demo, "demo").needs(QEMU).judged(Judge::Readme));
    }
    all
}

/// The cross-checks that need no board: every file in `tests/tests` but that of the boards.
fn host_tests(root: &Path) -> String {
    let mut names: Vec<String> = std::fs::read_dir(root.join("tests/tests"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(String::from))
        .filter(|name| name != "boards")
        .collect();
    names.sort();
    let tests: String = names.iter().map(|n| format!(" --test {n}")).collect();
    format!("test --release -p lif-tests --lib --bins{tests}")
}

/// Passed, failed and skipped checks of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    const PASSED: Self = Self {
        passed: 1,
        failed: 0,
        skipped: 0,
    };
    const FAILED: Self = Self {
        passed: 0,
        failed: 1,
        skipped: 0,
    };
    const SKIPPED: Self = Self {
        passed: 0,
        failed: 0,
        skipped: 1,
    };

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// The sums of the lines `test result: ... N passed; N failed; N ignored; ...` in `output`.
fn test_counts(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output
        .lines()
        .filter_map(|l| l.trim().strip_prefix("test result: "))
    {
        let number = |word: &str| {
            line.split([';', '.'])
                .filter_map(|part| part.trim().strip_suffix(word)?.trim().parse::<u64>().ok())
                .sum::<u64>()
        };
        counts.add(Counts {
            passed: number("passed"),
            failed: number("failed"),
            skipped: number("ignored"),
        });
    }
    counts
}

/// The lines in the README's code blocks that the demonstration must print letter for letter: those of its
/// table that no compiler version changes.
fn promised_lines(readme: &str) -> Vec<String> {
    let stable = ["test accuracy", "samples compared", "spikes"];
    let mut in_code = false;
    let mut lines = Vec::new();
    for line in readme.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code && stable.iter().any(|start| line.starts_with(start)) {
            lines.push(line.trim_end().to_string());
        }
    }
    lines
}

/// What is wrong with the demonstration's `output`, if anything.
fn readme_problem(root: &Path, output: &str) -> Option<String> {
    let readme = match std::fs::read_to_string(root.join("README.md")) {
        Ok(text) => text,
        Err(e) => return Some(format!("README.md: {e}")),
    };
    let promised = promised_lines(&readme);
    if promised.is_empty() {
        return Some("README.md shows nothing that the demonstration prints".into());
    }
    promised
        .iter()
        .find(|line| !output.lines().any(|l| l.trim_end() == *line))
        .map(|line| format!("README.md shows {line:?}, which was not printed"))
}

/// Runs `check` and counts.
fn run(check: &Check, root: &Path) -> Counts {
    let start = Instant::now();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let done = Command::new(cargo)
        .args(check.args.split(' '))
        .current_dir(root.join(check.dir))
        .env("RUSTDOCFLAGS", "-D warnings")
        .output();
    let (mut counts, problem, log) = match done {
        Err(e) => (Counts::FAILED, Some(format!("cargo: {e}")), String::new()),
        Ok(output) => {
            let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
            let log = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
            let (counts, problem) = judge(check, root, output.status.success(), &stdout);
            (counts, problem, log)
        }
    };
    if let Some(problem) = &problem {
        counts.failed = counts.failed.max(1);
        println!("{log}\n   {problem}");
    }
    report(check, &counts.to_string(), start.elapsed());
    counts
}

/// The counts of a finished check, and what is wrong with it.
fn judge(check: &Check, root: &Path, success: bool, stdout: &str) -> (Counts, Option<String>) {
    let counts = match check.judge {
        Judge::Tests => test_counts(stdout),
        _ if success => Counts::PASSED,
        _ => Counts::FAILED,
    };
    let problem = if !success {
        Some("cargo failed".into())
    } else if counts.passed == 0 {
        Some("no test ran".into())
    } else if check.judge == Judge::Readme {
        readme_problem(root, stdout)
    } else {
        None
    };
    match problem {
        Some(p) if check.judge == Judge::Readme => (Counts::FAILED, Some(p)),
        problem => (counts, problem),
    }
}

fn report(check: &Check, outcome: &str, time: Duration) {
    let dir = if check.dir.is_empty() {
        String::new()
    } else {
        format!("({}) ", check.dir)
    };
    println!(
        "{:<16} {dir}cargo {}: {outcome}, {:.1} s",
        check.kind.name(),
        check.args,
        time.as_secs_f64()
    );
}

/// Installs what is missing; what could not be installed, with the reason.
fn set_up(counts: &mut Counts) -> BTreeMap<String, String> {
    let mut missing = BTreeMap::new();
    for item in check(ALL_TARGETS) {
        match ensure(std::slice::from_ref(&item)) {
            Ok(()) => counts.add(Counts::PASSED),
            Err(why) => {
                println!("{:<16} {why}", Kind::Setup.name());
                counts.add(Counts::FAILED);
                missing.insert(item.what, why.to_string());
            }
        }
    }
    println!("{:<16} {counts}", Kind::Setup.name());
    missing
}

fn main() -> ExitCode {
    let args = Args::parse();
    let start = Instant::now();
    let root: PathBuf = [env!("CARGO_MANIFEST_DIR"), ".."].iter().collect();
    let mut totals = BTreeMap::<Kind, Counts>::new();
    let missing = set_up(totals.entry(Kind::Setup).or_default());
    for check in checks(args.quick, &root) {
        let lacks = check
            .needs
            .and_then(|need| missing.keys().find(|what| what.contains(need)));
        let counts = match lacks {
            Some(what) => {
                let reason = format!("skipped, {what} is missing");
                report(&check, &reason, Duration::ZERO);
                Counts::SKIPPED
            }
            None => run(&check, &root),
        };
        totals.entry(check.kind).or_default().add(counts);
    }
    println!();
    let mut sum = Counts::default();
    for (kind, counts) in totals {
        println!("  {:<16} {counts}", kind.name());
        sum.add(counts);
    }
    println!("  took {:.0} s\n", start.elapsed().as_secs_f64());
    println!("{sum}");
    ExitCode::from(u8::from(sum.failed > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_runner() {
        let output = "running 3 tests\n\
            test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 5 filtered out; finished in 0.02s\n\
            noise\n\
            test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s\n";
        let want = Counts {
            passed: 15,
            failed: 4,
            skipped: 2,
        };
        assert_eq!(test_counts(output), want);
        assert_eq!(test_counts("nothing"), Counts::default());
        assert_eq!(want.to_string(), "15 passed, 4 failed, 2 skipped");
    }

    #[test]
    fn a_run_without_tests_fails() {
        let check = new(Kind::HostTest, "test").judged(Judge::Tests);
        let (_, problem) = judge(&check, Path::new("."), true, "");
        assert_eq!(problem.as_deref(), Some("no test ran"));
    }

    #[test]
    fn promises_are_the_stable_lines_in_code_blocks() {
        let readme = "samples compared none\n```text\nsamples compared 360\nflash 3\n```\nspikes\n";
        assert_eq!(promised_lines(readme), ["samples compared 360"]);
    }
}
