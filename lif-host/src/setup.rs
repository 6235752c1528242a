//! What the machine must have, what is missing, and how to install it.

use std::env;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::device::{QEMU_ARM, QEMU_RISCV};

/// All compilation targets that `lif-nostd` and `lif-host` are built for in the test suite.
pub const ALL_TARGETS: &[&str] = &[
    "thumbv6m-none-eabi",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabihf",
    "thumbv8m.main-none-eabihf",
    "riscv32imac-unknown-none-elf",
    "riscv32imc-unknown-none-elf",
    "wasm32-unknown-unknown",
];

/// The programs that emulate the boards.
pub const ALL_EMULATORS: &[&str] = &[QEMU_ARM, QEMU_RISCV];

/// Something that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub what: String,
    /// Whether it is there, and if so, what was found.
    pub found: Option<String>,
    /// Commands that install it; empty where this program does not know how.
    pub install: Vec<Vec<String>>,
    /// Why the commands cannot be run from here, if they cannot.
    pub obstacle: Option<String>,
}

impl Item {
    /// How to install it by hand.
    #[must_use]
    pub fn by_hand(&self) -> String {
        if self.install.is_empty() {
            return format!("install {} with the system's package manager", self.what);
        }
        let lines: Vec<String> = self.install.iter().map(|c| c.join(" ")).collect();
        lines.join(" && ")
    }
}

/// Looks for the compilation targets `targets` and for `emulators`, which are some of [`ALL_EMULATORS`].
#[must_use]
pub fn check(targets: &[&str], emulators: &[&str]) -> Vec<Item> {
    let sysroot = sysroot();
    let targets = targets.iter().map(|t| target(t, sysroot.as_deref()));
    targets.chain(emulators.iter().map(|e| qemu(e))).collect()
}

fn output_of(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_string();
    output.status.success().then_some(text)
}

fn sysroot() -> Option<PathBuf> {
    output_of("rustc", &["--print", "sysroot"]).map(PathBuf::from)
}

fn target(name: &str, sysroot: Option<&Path>) -> Item {
    let there =
        sysroot.is_some_and(|root| root.join("lib/rustlib").join(name).join("lib").is_dir());
    let rustup = output_of("rustup", &["--version"]).is_some();
    Item {
        what: format!("Rust target {name}"),
        found: there.then(|| "installed".into()),
        install: vec![["rustup", "target", "add", name].map(String::from).into()],
        obstacle: (!there && !rustup).then(|| "rustup was not found: see https://rustup.rs".into()),
    }
}

/// A package manager: its program, its commands, and its packages with the emulators in them.
struct Manager {
    program: &'static str,
    /// What runs first.
    before: Option<&'static str>,
    /// What stands before the package.
    install: &'static str,
    arm: &'static str,
    riscv: &'static str,
    needs_root: bool,
}

const MANAGERS: &[Manager] = &[
    Manager {
        program: "apt-get",
        before: Some("apt-get update"),
        install: "apt-get install -y --no-install-recommends",
        arm: "qemu-system-arm",
        // The name that qemu-system-misc provides, and qemu-system-riscv in newer releases.
        riscv: "qemu-system-riscv32",
        needs_root: true,
    },
    Manager {
        program: "dnf",
        before: None,
        install: "dnf install -y",
        arm: "qemu-system-arm",
        riscv: "qemu-system-riscv",
        needs_root: true,
    },
    Manager {
        program: "pacman",
        before: None,
        install: "pacman -S --noconfirm --needed",
        arm: "qemu-system-arm",
        riscv: "qemu-system-riscv",
        needs_root: true,
    },
    Manager {
        program: "zypper",
        before: None,
        install: "zypper --non-interactive install",
        arm: "qemu-arm",
        riscv: "qemu-extra",
        needs_root: true,
    },
    Manager {
        program: "apk",
        before: None,
        install: "apk add",
        arm: "qemu-system-arm",
        riscv: "qemu-system-riscv32",
        needs_root: true,
    },
    Manager {
        program: "brew",
        before: None,
        install: "brew install",
        arm: "qemu",
        riscv: "qemu",
        needs_root: false,
    },
];

fn qemu(program: &str) -> Item {
    let version =
        output_of(program, &["--version"]).and_then(|v| v.lines().next().map(String::from));
    let mut item = Item {
        what: format!("QEMU ({program})"),
        found: version,
        install: Vec::new(),
        obstacle: None,
    };
    if item.found.is_some() {
        return item;
    }
    let Some(manager) = MANAGERS.iter().find(|m| on_path(m.program)) else {
        item.obstacle = Some("no package manager that this program knows was found".into());
        return item;
    };
    let (prefix, obstacle) = privilege(manager.needs_root);
    item.obstacle = obstacle;
    let package = match program {
        QEMU_RISCV => manager.riscv,
        _ => manager.arm,
    };
    let install = format!("{} {package}", manager.install);
    for command in manager.before.into_iter().chain([install.as_str()]) {
        let words = prefix.iter().copied().chain(command.split(' '));
        item.install.push(words.map(String::from).collect());
    }
    item
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// What stands before a command that needs root, and why it cannot be run, if it cannot.
fn privilege(needs_root: bool) -> (&'static [&'static str], Option<String>) {
    if !needs_root || output_of("id", &["-u"]).as_deref() == Some("0") {
        return (&[], None);
    }
    if !on_path("sudo") {
        let obstacle = "installing packages needs root, and there is no sudo".into();
        return (&[], Some(obstacle));
    }
    if output_of("sudo", &["-n", "true"]).is_some() || std::io::stdin().is_terminal() {
        return (&["sudo"], None);
    }
    let obstacle = "sudo asks for a password, and there is no terminal to ask on".into();
    (&["sudo"], Some(obstacle))
}

/// Runs the commands that install `item`.
///
/// # Errors
///
/// What went wrong, with the last lines that the command printed.
pub fn install(item: &Item) -> Result<(), String> {
    if let Some(obstacle) = &item.obstacle {
        return Err(obstacle.clone());
    }
    for (i, command) in item.install.iter().enumerate() {
        let [program, args @ ..] = &command[..] else {
            continue;
        };
        let done = Command::new(program).args(args).output();
        let last = i + 1 == item.install.len();
        match done {
            Ok(output) if output.status.success() => {}
            // An update of package lists that fails in part does not stop the installation.
            Ok(_) if !last => {}
            Ok(output) => {
                return Err(format!(
                    "`{}` failed:\n{}",
                    command.join(" "),
                    tail(&output)
                ));
            }
            Err(e) => return Err(format!("`{}`: {e}", command.join(" "))),
        }
    }
    Ok(())
}

fn tail(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_says_how_to_get_it() {
        let item = target("no-such-target", None);
        assert_eq!(item.found, None);
        assert_eq!(item.by_hand(), "rustup target add no-such-target");
        let err = install(&Item {
            obstacle: Some("no sudo".into()),
            ..item
        });
        assert_eq!(err, Err("no sudo".into()));
    }

    #[test]
    fn a_failed_installation_shows_what_was_printed() {
        let item = Item {
            what: "x".into(),
            found: None,
            install: vec![
                ["sh", "-c", "echo out; echo wrong >&2; exit 3"]
                    .map(String::from)
                    .into(),
            ],
            obstacle: None,
        };
        let text = install(&item).unwrap_err();
        assert!(
            text.contains("failed") && text.contains("out") && text.contains("wrong"),
            "{text}"
        );
    }
}
