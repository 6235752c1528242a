//! Where the program writes: new files, links, pipes, and what it must leave alone.

use std::fs;

use crate::NETWORK;
use crate::folder::Folder;

#[cfg(unix)]
#[test]
fn new_files_are_as_readable_as_others() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Folder::with_network();
    dir.succeeds("export digits.safetensors --output new.lif");
    let mode = |file| fs::metadata(dir.path(file)).unwrap().permissions().mode();
    let (new, other) = (mode("new.lif"), mode("digits.lif"));
    assert_eq!(new, other, "{new:o} instead of {other:o}");
}

#[cfg(unix)]
#[test]
fn links_stay_and_lead_to_what_is_written() {
    use std::os::unix::fs::symlink;
    let dir = Folder::with_network();
    dir.write("folder/target.lif", "an older network");
    symlink("folder/target.lif", dir.path("link.lif")).unwrap();
    symlink("link.lif", dir.path("second.lif")).unwrap();
    symlink("folder/new.lif", dir.path("dangling.lif")).unwrap();
    for (link, target) in [("second", "target"), ("dangling", "new")] {
        dir.succeeds(&format!("export digits.safetensors --output {link}.lif"));
        let meta = fs::symlink_metadata(dir.path(&format!("{link}.lif"))).unwrap();
        assert!(meta.is_symlink(), "{link}");
        let target = fs::symlink_metadata(dir.path(&format!("folder/{target}.lif"))).unwrap();
        assert!(target.is_file() && target.len() == NETWORK[1].len() as u64);
    }
    symlink("loop.lif", dir.path("loop.lif")).unwrap();
    let looped = "export digits.safetensors --output loop.lif";
    dir.lif(2, looped);
}

#[cfg(unix)]
#[test]
fn pipes_are_written_to_and_files_keep_their_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Folder::with_network();
    let counts = "run digits.lif --input digits.csv --output";
    dir.succeeds(&format!("{counts} counts.csv"));
    let counted = String::from_utf8(dir.read("counts.csv")).unwrap();
    let printed = dir.succeeds(&format!("{counts} /dev/stdout"));
    assert!(printed.starts_with(&counted), "{printed}");

    let export = "export digits.safetensors --output kept.lif";
    dir.write("kept.lif", "an older network");
    let permit = |mode| fs::set_permissions(dir.path("kept.lif"), fs::Permissions::from_mode(mode));
    permit(0o444).unwrap();
    dir.fails(2, export, "error: kept.lif: permission denied");
    permit(0o600).unwrap();
    dir.succeeds(export);
    assert!(dir.read("kept.lif") == NETWORK[1]);
    let mode = fs::metadata(dir.path("kept.lif"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_file_is_no_folder() {
    let dir = Folder::with_network();
    for file in ["foreign/x.lif", "foreign/folder/x.lif"] {
        let says = format!("error: {file}: foreign is a file, not a folder");
        dir.fails(
            2,
            &format!("export digits.safetensors --output {file}"),
            &says,
        );
    }
    fs::create_dir(dir.path("folder")).unwrap();
    dir.fails(
        2,
        "export digits.safetensors --output folder",
        "folder: is a directory",
    );
}
