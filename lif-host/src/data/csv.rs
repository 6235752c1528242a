//! Comma-separated samples: one a line, the class last.

use std::io::Read;

use super::Samples;

/// What the columns of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Values a sample.
    pub values: usize,
    /// Whether a class stands behind them.
    pub label: Label,
}

/// Whether a class stands behind the values of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Label {
    /// It must: an integer from 0 to this number, less one.
    Required(u32),
    /// Such an integer may, in every line or in none.
    Optional(u32),
}

/// Why a file of samples was refused. Lines and columns count from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error("line {line}: {source}")]
    Read {
        /// Line at or after which it failed.
        line: u64,
        /// What the reader says.
        source: ::csv::Error,
    },
    /// Not text.
    #[error("line {line}: not text; comma-separated text is needed, one sample a line")]
    NotText {
        /// Line.
        line: usize,
    },
    /// A first line without numbers.
    #[error(
        "line {line}: {text:?} is not a number, nor is any other value; header lines are not accepted"
    )]
    Header {
        /// Line.
        line: u64,
        /// What stands in the first column.
        text: String,
    },
    /// A line with another number of columns.
    #[error("line {line}: {found} columns instead of {need}")]
    ColumnCount {
        /// Line.
        line: u64,
        /// Columns in it.
        found: usize,
        /// What there should be.
        need: String,
    },
    /// A value that is not a finite number.
    #[error("line {line}, column {column}: {text:?} is not a finite number")]
    NotANumber {
        /// Line.
        line: u64,
        /// Column.
        column: usize,
        /// What stands there.
        text: String,
    },
    /// A class that is not one.
    #[error(
        "line {line}, column {column}: {text:?} is not a class: a whole number below {classes} is needed"
    )]
    NotAClass {
        /// Line.
        line: u64,
        /// Column.
        column: usize,
        /// What stands there.
        text: String,
        /// How many classes there are.
        classes: u32,
    },
    /// No lines.
    #[error("there are no samples in it")]
    Empty,
}

/// Reads samples from `input`, a comma-separated text without a header line.
///
/// # Errors
///
/// [`Error`], with line and column.
pub fn read_csv(mut input: impl Read, columns: Columns) -> Result<Samples, Error> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|e| Error::Read {
        line: 1,
        source: e.into(),
    })?;
    check_text(&bytes)?;
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(::csv::Trim::All)
        .from_reader(&*bytes);
    let n_in = columns.values;
    let mut samples = Samples {
        n_in,
        values: Vec::new(),
        labels: Vec::new(),
    };
    let mut record = ::csv::StringRecord::new();
    let mut labelled = match columns.label {
        Label::Required(_) => Some(true),
        Label::Optional(_) => None,
    };
    loop {
        let line = line_at(&bytes, reader.position());
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(source) => return Err(Error::Read { line, source }),
        }
        let line = record.position().map_or(line, |p| line_at(&bytes, p));
        let found = record.len();
        let with_label = *labelled.get_or_insert(found == n_in + 1);
        if found != n_in + usize::from(with_label) {
            let need = match (columns.label, with_label) {
                (_, true) => format!("{} ({n_in} values and the class)", n_in + 1),
                (_, false) => format!("{n_in} values, or {} with the class", n_in + 1),
            };
            return Err(Error::ColumnCount { line, found, need });
        }
        let mut texts = record.iter().take(n_in);
        if samples.is_empty() && texts.all(|text| text.parse::<f32>().is_err()) {
            let text = record.get(0).unwrap_or("").into();
            return Err(Error::Header { line, text });
        }
        for (column, text) in record.iter().take(n_in).enumerate() {
            samples.values.push(number(text, line, column + 1)?);
        }
        if with_label {
            let text = record.get(n_in).unwrap_or("");
            samples
                .labels
                .push(class(text, columns.label, line, n_in + 1)?);
        }
    }
    if samples.is_empty() {
        return Err(Error::Empty);
    }
    Ok(samples)
}

fn check_text(bytes: &[u8]) -> Result<(), Error> {
    let good = match str::from_utf8(bytes) {
        Ok(text) => text.find('\0'),
        Err(e) => Some(e.valid_up_to()),
    };
    match good {
        None => Ok(()),
        Some(good) => Err(Error::NotText {
            line: 1 + bytes[..good].iter().filter(|b| **b == b'\n').count(),
        }),
    }
}

/// Line of the first record at or behind `position`, which may stand before blank lines.
fn line_at(bytes: &[u8], position: &::csv::Position) -> u64 {
    let rest = bytes.get(position.byte() as usize..).unwrap_or(&[]);
    let blank = rest.iter().take_while(|b| matches!(b, b'\r' | b'\n'));
    position.line() + blank.filter(|b| **b == b'\n').count() as u64
}

fn number(text: &str, line: u64, column: usize) -> Result<f32, Error> {
    match text.parse::<f32>() {
        Ok(x) if x.is_finite() => Ok(x),
        _ => Err(Error::NotANumber {
            line,
            column,
            text: text.into(),
        }),
    }
}

fn class(text: &str, label: Label, line: u64, column: usize) -> Result<u32, Error> {
    let (Label::Required(classes) | Label::Optional(classes)) = label;
    match text.parse::<u32>() {
        Ok(c) if c < classes => Ok(c),
        _ => Err(Error::NotAClass {
            line,
            column,
            text: text.into(),
            classes,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, label: Label) -> Result<Samples, Error> {
        read_csv(text.as_bytes(), Columns { values: 3, label })
    }

    #[test]
    fn reads_values_and_classes() {
        let s = read("1, 2,3,0\n4,5,6.5,1\n", Label::Required(2)).unwrap();
        assert_eq!(s.values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.5]);
        assert_eq!(s.labels, [0, 1]);
        assert!(
            read("1,2,3\n", Label::Optional(2))
                .unwrap()
                .labels
                .is_empty()
        );
        assert_eq!(read("1,2,3,9\n", Label::Optional(10)).unwrap().labels, [9]);
    }

    #[test]
    fn errors_name_line_and_column() {
        let says = |text, label| read(text, label).unwrap_err().to_string();
        let two = Label::Required(2);
        assert_eq!(
            says("1,2,3,0\n1,2,0\n", two),
            "line 2: 3 columns instead of 4 (3 values and the class)"
        );
        assert_eq!(
            says("1,2,3,0\n\n1,x,3,1\n", two),
            "line 3, column 2: \"x\" is not a finite number"
        );
        assert!(says("1,NaN,3,1\n", two).contains("column 2: \"NaN\""));
        assert!(says("1,inf,3,1\n", two).contains("not a finite number"));
        assert!(says("1,2,3,2\n", two).contains("\"2\" is not a class: a whole number below 2"));
        assert!(says("1,2,3,2\n", Label::Optional(2)).contains("a whole number below 2"));
        assert!(says("1,2,3,1.5\n", Label::Optional(2)).contains("is not a class"));
        assert!(says("1,2,3\n1,2,3,4\n", Label::Optional(2)).contains("line 2: 4 columns"));
        assert!(says("1\n", Label::Optional(2)).contains("1 columns instead of 3 values, or 4"));
        assert!(says("", two).contains("no samples"));
        assert!(says("a,b,c,d\n1,2,3,1\n", two).contains("line 1: \"a\" is not a number, nor"));
        assert!(says("a,b,c,d\n1,2,3,1\n", two).contains("header lines are not accepted"));
        assert!(says("1,2,3,1\na,b,c,d\n", two).starts_with("line 2, column 1: \"a\""));
        let columns = Columns {
            values: 3,
            label: two,
        };
        for bytes in [&b"1,2,3,0\n1,2,\xff,0\n"[..], b"1,2,3,0\n\0\0"] {
            let err = read_csv(bytes, columns).unwrap_err().to_string();
            assert!(
                err.starts_with("line 2: not text; comma-separated"),
                "{err}"
            );
        }
    }
}
