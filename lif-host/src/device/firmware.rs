//! A board's firmware: built from `boards/`, or an ELF file that is there already.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object, ObjectSection, ObjectSymbol, SectionFlags};

use super::{Board, Error};

/// An ELF file, with what the host needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes of flash: code, constants and initial values.
    pub flash_bytes: u64,
    /// Bytes of static RAM, the stack not counted.
    pub ram_bytes: u64,
    /// Where the model goes.
    pub slot_address: u64,
    /// Room for the model, in bytes.
    pub slot_bytes: u64,
}

impl Firmware {
    /// Builds the firmware of `board`, with the cargo that is on the path, from the checkout around the
    /// working directory.
    ///
    /// # Errors
    ///
    /// [`Error::NoSources`], [`Error::Missing`], [`Error::Build`].
    pub fn build(board: &Board) -> Result<Self, Error> {
        Self::build_package(board.package, board.name, board.target)
    }

    /// Builds program `name` of package `package` in `boards/` for `target`.
    ///
    /// # Errors
    ///
    /// Those of [`Self::build`].
    pub fn build_package(package: &str, name: &str, target: &str) -> Result<Self, Error> {
        let sources = sources().ok_or(Error::NoSources)?;
        let target_dir = sources.join("target");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(&cargo)
            .current_dir(&sources)
            .args(["build", "--release", "--package", package])
            .args(["--bin", name, "--target", target])
            .arg("--target-dir")
            .arg(&target_dir)
            .output()
            .map_err(|_| Error::Missing {
                program: "cargo".into(),
            })?;
        if !output.status.success() {
            return Err(Error::Build {
                board: name.into(),
                log: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        let path = target_dir.join(target).join("release").join(name);
        Self::read(&path)
    }

    /// Reads the ELF file at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::Firmware`] where it is none, or not of this project.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let fail = |problem: String| Error::Firmware {
            path: path.into(),
            problem,
        };
        let bytes = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
        let file =
            object::File::parse(&*bytes).map_err(|e| fail(format!("not an ELF file: {e}")))?;
        let (mut flash_bytes, mut ram_bytes) = (0, 0);
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
                continue;
            };
            let has = |flag: object::elf::SectionFlags| sh_flags.0 & flag.0 != 0;
            // Some linker scripts have a section for the stack.
            if !has(object::elf::SHF_ALLOC) || section.name() == Ok(".stack") {
                continue;
            }
            if section.kind() != object::SectionKind::UninitializedData {
                flash_bytes += section.size();
            }
            if has(object::elf::SHF_WRITE) {
                ram_bytes += section.size();
            }
        }
        let symbol = |name: &str| {
            file.symbol_by_name(name)
                .map(|s| s.address())
                .ok_or_else(|| {
                    fail(format!(
                        "it has no symbol {name}: not a firmware of this project"
                    ))
                })
        };
        let slot_address = symbol("_model_slot_start")?;
        let slot_bytes = symbol("_model_slot_end")?.saturating_sub(slot_address);
        Ok(Self {
            path: path.into(),
            flash_bytes,
            ram_bytes,
            slot_address,
            slot_bytes,
        })
    }
}

impl Firmware {
    /// [`Error::TooLarge`] where the file `model` of `bytes` bytes does not fit the slot of `board`.
    pub(super) fn check_fits(&self, board: &str, model: &Path, bytes: u64) -> Result<(), Error> {
        if bytes <= self.slot_bytes {
            return Ok(());
        }
        Err(Error::TooLarge(format!(
            "{}: {bytes} bytes do not fit the {} bytes that {board} has for a model",
            model.display(),
            self.slot_bytes
        )))
    }
}

/// The folder `boards` of the checkout around the working directory, or around the package that cargo runs.
fn sources() -> Option<PathBuf> {
    let starts = [
        env::current_dir().ok(),
        env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
    ];
    starts
        .iter()
        .flatten()
        .flat_map(|start| start.ancestors())
        .map(|dir| dir.join("boards"))
        .find(|boards| boards.join("Cargo.toml").is_file() && boards.join("common").is_dir())
}
