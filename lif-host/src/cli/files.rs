//! Files of the program: read whole, written whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::data::{Label, Labels, LoadOptions, Samples, load};
use crate::infer::{Host, Input};

/// The bytes of `file`.
///
/// # Errors
///
/// [`Failure::Input`], with the file's name.
pub fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|e| Failure::in_file(file, e))
}

/// The text of `file`.
///
/// # Errors
///
/// [`Failure::Input`], with the file's name.
pub fn read_text(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|e| Failure::in_file(file, e))
}

/// The samples of `values` values in `file`, in any of the formats of [`crate::data::load`].
///
/// # Errors
///
/// [`Failure::Input`], with the file's name, and where in it.
pub fn read_samples(file: &Path, values: usize, label: Label) -> Result<Samples, Failure> {
    let (labelled, classes) = match label {
        Label::Required(classes) => (Labels::Required, classes),
        Label::Optional(classes) => (Labels::Optional, classes),
    };
    let options = LoadOptions {
        labelled,
        inputs: Some(values),
        classes: Some(classes),
        ..LoadOptions::default()
    };
    let data = load(file, &options).map_err(|e| Failure::Input(e.to_string()))?;
    Ok(data.into_samples())
}

/// Samples as a network takes them.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Their values.
    pub inputs: Vec<Input>,
    /// Their classes, empty where the file has none.
    pub labels: Vec<u32>,
}

/// The samples in `file` as the model of `host` takes them. Where values are cut to the range
/// of the input, a warning on standard error says so.
///
/// # Errors
///
/// [`Failure::Input`], with the file's name, the line and the column.
pub fn read_inputs(file: &Path, host: &Host) -> Result<Inputs, Failure> {
    let model = host.model();
    let classes = u32::try_from(model.n_out()).unwrap_or(u32::MAX);
    let samples = read_samples(file, model.n_in(), Label::Optional(classes))?;
    let (mut inputs, mut saturated) = (Vec::new(), 0);
    for i in 0..samples.len() {
        let raw = samples.sample(i);
        saturated += Input::saturated(&model, raw);
        inputs.push(Input::from_raw(&model, raw));
    }
    if saturated > 0 {
        // Where nobody listens, nobody is warned.
        let _ = writeln!(
            io::stderr(),
            "warning: {}: {saturated} of {} values are outside the range of the network's input and were cut to it; \
             `lif inspect` shows its unit, of which -128 to 127 are in the range",
            file.display(),
            samples.values.len()
        );
    }
    let labels = samples.labels;
    Ok(Inputs { inputs, labels })
}

/// The model in `file`, checked.
///
/// # Errors
///
/// [`Failure::Input`], with the file's name, what is wrong where, and what to do.
pub fn read_model(file: &Path) -> Result<Host, Failure> {
    Host::new(&read(file)?).map_err(|e| Failure::model(file, e))
}

/// Writes `bytes` to `file`, whose folder is made if need be: whoever looks sees the old file or the new one.
///
/// A link is followed, and stays. A pipe or a device is written to as it is. A file that may not be written stays,
/// though its folder would let it be replaced.
///
/// # Errors
///
/// [`Failure::Input`], with the file's name.
pub fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |e: io::Error| match file.ancestors().skip(1).find(|dir| dir.is_file()) {
        Some(dir) => Failure::in_file(file, format!("{} is a file, not a folder", dir.display())),
        None => Failure::in_file(file, e),
    };
    write_as_it_is(file, bytes).map_err(fail)
}

fn write_as_it_is(file: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::metadata(file) {
        Ok(m) if m.is_file() => {
            // Root may open any file, and anybody may replace one in a folder of their own.
            if m.permissions().readonly() {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            OpenOptions::new().write(true).open(file)?;
            replace(&target(file)?, bytes, Some(m.permissions()))
        }
        Ok(m) if m.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => OpenOptions::new().write(true).open(file)?.write_all(bytes),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let target = target(file)?;
            fs::create_dir_all(folder(&target))?;
            replace(&target, bytes, None)
        }
        Err(e) => Err(e),
    }
}

/// The file that `file` leads to, which need not be there.
fn target(file: &Path) -> io::Result<PathBuf> {
    let mut target = file.to_path_buf();
    // The system has followed these links before, and a chain of them is short.
    while fs::symlink_metadata(&target).is_ok_and(|m| m.is_symlink()) {
        let link = fs::read_link(&target)?;
        target = folder(&target).join(link);
    }
    Ok(target)
}

fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

/// Puts a file of `bytes` in the place of `file`.
fn replace(file: &Path, bytes: &[u8], permissions: Option<fs::Permissions>) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lif-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As for any new file: the system takes away what the user's mask says.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder(file))?;
    temporary.write_all(bytes)?;
    if let Some(permissions) = permissions {
        temporary.as_file().set_permissions(permissions)?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    // The new name must survive a loss of power too; where a folder cannot be opened, as on Windows, it does so later.
    if let Ok(folder) = fs::File::open(folder(file)) {
        let _ = folder.sync_all();
    }
    Ok(())
}
