//! Draws the pictures of docs/surrogates.md: every surrogate with SpikingJelly's default parameters.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lif_host::cli::{Failure, exit, files};
use lif_host::plot::surrogate_svg;
use lif_host::say;
use lif_host::surrogate::Surrogate;

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    for (file, svg) in pictures()? {
        files::write(&file, svg.as_bytes())?;
        say!("{}", file.display());
    }
    Ok(())
}

/// The docs folder of the checkout.
fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// Every picture with its file.
fn pictures() -> Result<Vec<(PathBuf, String)>, Failure> {
    let picture = |mut surrogate: Surrogate| {
        // The one parameter without a default; the other surrogates have none of that name.
        let _ = surrogate.set("max_spike_count", 2.0);
        let file = docs()
            .join("surrogates")
            .join(surrogate.name())
            .with_extension("svg");
        let svg = surrogate_svg(&surrogate).map_err(|e| Failure::Input(e.to_string()))?;
        Ok((file, svg))
    };
    Surrogate::ALL.into_iter().map(picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_committed_pictures_are_what_the_code_draws() {
        let pictures = pictures().unwrap();
        for (file, svg) in &pictures {
            let committed = fs::read_to_string(file).unwrap_or_default();
            // A checkout may have other line ends.
            assert!(
                committed.replace('\r', "") == *svg,
                "{}: draw it anew with `cargo run --release -p lif-examples --bin surrogate-plots`",
                file.display()
            );
            assert!(svg.len() < 25_000, "{}", file.display());
        }
        let there = fs::read_dir(docs().join("surrogates")).unwrap();
        assert_eq!(there.count(), pictures.len(), "a picture of no surrogate");
    }

    #[test]
    fn the_guide_has_a_section_and_a_picture_of_each_surrogate() {
        let guide = fs::read_to_string(docs().join("surrogates.md")).unwrap();
        for surrogate in Surrogate::ALL {
            let name = surrogate.name();
            assert!(guide.contains(&format!("\n## {name}\n")), "{name}");
            let picture = format!("![{name}](surrogates/{name}.svg)");
            assert!(guide.contains(&picture), "{picture}");
        }
    }
}
