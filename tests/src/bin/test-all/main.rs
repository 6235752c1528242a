//! Runs every check of the project, or with `--quick` those that take a few minutes, and ends with the line
//! `N passed, N failed`.

mod checks;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::Parser;
use lif_host::cli::setup::ensure;
use lif_host::setup::{ALL_EMULATORS, ALL_TARGETS, check};

use checks::{Check, Judge, Kind, checks};

/// Runs every check of the project: format, lints, documentation, host tests, no_std and firmware builds, link
/// checks and sizes, emulated boards and the demonstration. Installs what is missing first.
#[derive(Debug, Parser)]
#[command(name = "test-all")]
struct Args {
    /// Only format, lints, host tests and one emulated board
    #[arg(long)]
    quick: bool,
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

/// The function that does not exist, and that the panic handler of `boards/no-panic` calls.
const MISSING: &str = "a_panic_can_be_reached";

/// What is wrong with a program that must not link, if anything.
fn link_problem(success: bool, log: &str) -> Option<String> {
    if success {
        return Some("it links, though a panic can be reached in it".into());
    }
    let named = log.contains(&format!("undefined symbol: {MISSING}"));
    (!named).then(|| format!("it failed, but not because the linker misses {MISSING}"))
}

/// Runs `check` and counts.
fn run(check: &Check, root: &Path) -> Counts {
    let start = Instant::now();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let done = Command::new(cargo)
        .args(check.args.split(' '))
        .current_dir(root.join(check.dir))
        .env("RUSTDOCFLAGS", "-D warnings")
        // The same draws each time, but for whoever asks for others; a run of `cargo test` alone draws anew.
        .env(
            "PROPTEST_RNG_SEED",
            env::var("PROPTEST_RNG_SEED").unwrap_or("2026".into()),
        )
        .output();
    let (mut counts, problem, log) = match done {
        Err(e) => (Counts::FAILED, Some(format!("cargo: {e}")), String::new()),
        Ok(output) => {
            let log = [&output.stdout[..], &output.stderr[..]].concat();
            let log = String::from_utf8_lossy(&log).into_owned();
            let (counts, problem) = judge(check, root, output.status.success(), &log);
            (counts, problem, log)
        }
    };
    if let Some(problem) = &problem {
        counts.failed = counts.failed.max(1);
        println!("{log}\n   {problem}");
    }
    report(check, &counts.to_string(), start.elapsed());
    if matches!(check.kind, Kind::Size | Kind::Emulated) {
        let figures = [
            "text ",
            "instructions ",
            "networks ",
            "stack ",
            "ram ",
            "board ",
        ];
        let is_figure = |l: &&str| figures.iter().any(|start| l.starts_with(start));
        let measured = log.lines().filter(is_figure);
        measured.for_each(|line| println!("                 {line}"));
    }
    counts
}

/// The counts of a finished check, and what is wrong with it.
fn judge(check: &Check, root: &Path, success: bool, log: &str) -> (Counts, Option<String>) {
    if check.judge == Judge::NoLink {
        return match link_problem(success, log) {
            Some(problem) => (Counts::FAILED, Some(problem)),
            None => (Counts::PASSED, None),
        };
    }
    let tests = test_counts(log);
    let one = if success {
        Counts::PASSED
    } else {
        Counts::FAILED
    };
    let (counts, ran) = match check.judge {
        Judge::Tests => (tests, tests.passed),
        Judge::SameTests => (one, tests.passed),
        Judge::ExitCode | Judge::Readme | Judge::NoLink => (one, 1),
    };
    if !success {
        return (counts, Some("cargo failed".into()));
    }
    if ran == 0 {
        return (Counts::default(), Some("no test ran".into()));
    }
    match check.judge {
        Judge::Readme => match readme_problem(root, log) {
            Some(problem) => (Counts::FAILED, Some(problem)),
            None => (counts, None),
        },
        _ => (counts, None),
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
    for item in check(ALL_TARGETS, ALL_EMULATORS) {
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
        for how in [Judge::Tests, Judge::SameTests] {
            let check = checks::new(Kind::HostTest, "test").judged(how);
            let empty = "test result: ok. 0 passed; 0 failed; 0 ignored\n";
            for output in ["", empty] {
                let (counts, problem) = judge(&check, Path::new("."), true, output);
                assert_eq!(problem.as_deref(), Some("no test ran"));
                assert_eq!(counts.passed, 0);
            }
        }
    }

    #[test]
    fn tests_that_another_check_counts_are_one() {
        let output = "test result: ok. 12 passed; 0 failed; 0 ignored\n";
        let count = |how| {
            let check = checks::new(Kind::HostTest, "test").judged(how);
            judge(&check, Path::new("."), true, output).0.passed
        };
        assert_eq!((count(Judge::Tests), count(Judge::SameTests)), (12, 1));
    }

    #[test]
    fn only_a_missing_function_counts_as_not_linked() {
        let named = format!("rust-lld: error: undefined symbol: {MISSING}\n>>> referenced by");
        assert_eq!(link_problem(false, &named), None);
        assert!(link_problem(true, &named).is_some());
        assert!(link_problem(false, "error[E0432]: unresolved import").is_some());
        let source = include_str!("../../../../boards/no-panic/src/lib.rs");
        assert!(source.contains(&format!("fn {MISSING}()")));
    }

    #[test]
    fn promises_are_the_stable_lines_in_code_blocks() {
        let readme = "samples compared none\n```text\nsamples compared 360\nflash 3\n```\nspikes\n";
        assert_eq!(promised_lines(readme), ["samples compared 360"]);
    }
}
