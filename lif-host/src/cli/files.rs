//! Files of the program: read whole, written whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::cli::Failure;
use crate::data::{Columns, Label, Samples, read_csv};
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

/// The samples in the comma-separated `file`.
///
/// # Errors
///
/// [`Failure::Input`], with the file's name, the line and the column.
pub fn read_samples(file: &Path, values: usize, label: Label) -> Result<Samples, Failure> {
    let input = File::open(file).map_err(|e| Failure::in_file(file, e))?;
    read_csv(input, Columns { values, label }).map_err(|e| Failure::in_file(file, e))
}

/// Samples as a network takes them.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Their values.
    pub inputs: Vec<Input>,
    /// Their classes, empty where the file has none.
    pub labels: Vec<u32>,
}

/// The samples in the comma-separated `file` as the model of `host` takes them. Where values are cut to the range
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
            std::io::stderr(),
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
/// # Errors
///
/// [`Failure::Input`], with the file's name.
pub fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Failure::in_file(file, e);
    let dir = match file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    fs::create_dir_all(dir).map_err(fail)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lif-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As for any new file: the system takes away what the user's mask says.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(dir).map_err(fail)?;
    temporary.write_all(bytes).map_err(fail)?;
    temporary.as_file().sync_all().map_err(fail)?;
    temporary.persist(file).map_err(|e| fail(e.error))?;
    Ok(())
}
