//! The layers of a function: local folders and zips, laid over each other in one folder that is shown at `/opt`.
//!
//! A zip may come from anywhere, and is unpacked with the care that a code package gets.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::copy::Contents;
use super::unpack::{Limits, unpack};

const MIB: u64 = 1024 * 1024;

/// The largest layer of the platform, in bytes.
const LAYER_MAX: u64 = 500 * MIB;

/// Lays the layers over each other in `to`, the last one on top.
pub(super) fn lay(layers: &[PathBuf], to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for layer in layers {
        let laid = if !layer.is_dir() {
            lay_zip(layer, to)
        } else if Contents::of(layer, LAYER_MAX)?.bytes > LAYER_MAX {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the folder has more than 500 MiB, the platform's limit",
            ))
        } else {
            lay_folder(layer, Path::new(""), to)
        };
        laid.map_err(|error| io::Error::new(error.kind(), format!("layer {}: {error}", layer.display())))?;
    }
    Ok(())
}

/// Copies the folder `below` of a layer.
fn lay_folder(layer: &Path, below: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(layer.join(below))? {
        let entry = entry?;
        let (kind, below) = (entry.file_type()?, below.join(entry.file_name()));
        if kind.is_dir() {
            let made = folder(to, &below)?;
            fs::set_permissions(made, entry.metadata()?.permissions())?;
            lay_folder(layer, &below, to)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, free(to, &below)?)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), free(to, &below)?)?;
        }
    }
    Ok(())
}

/// Lays the contents of a zip.
fn lay_zip(layer: &Path, to: &Path) -> io::Result<()> {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let unpacked = to.with_file_name(format!("unpacked-{name}"));
    unpack(layer, &unpacked, Limits { packed: LAYER_MAX, unpacked: LAYER_MAX })?;
    let laid = lay_folder(&unpacked, Path::new(""), to);
    fs::remove_dir_all(&unpacked)?;
    laid
}

/// Makes a folder and those above, each a folder of its own: a link of a lower layer is replaced, not followed.
fn folder(to: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut made = to.to_owned();
    for component in path.components() {
        made.push(component);
        match fs::symlink_metadata(&made) {
            Ok(found) if found.is_dir() => continue,
            Ok(_) => fs::remove_file(&made)?,
            Err(_) => {}
        }
        fs::create_dir(&made)?;
    }
    Ok(made)
}

/// Where a file can be created: what a lower layer had there is removed.
fn free(to: &Path, path: &Path) -> io::Result<PathBuf> {
    let parent = folder(to, path.parent().unwrap_or(Path::new("")))?;
    let file = parent.join(path.file_name().unwrap_or_default());
    match fs::symlink_metadata(&file) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(&file)?,
        Ok(_) => fs::remove_file(&file)?,
        Err(_) => {}
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use testkit::Folder;
    use testkit::zips::{Entry, zip};

    use super::*;

    #[test]
    fn folders_and_zips_lie_over_each_other() {
        let own = Folder::new();
        own.write("lower/bin/tool", "old");
        own.write("lower/kept", "kept");
        own.link("lower/python", "kept");
        let upper = zip(&[
            Entry::file("bin/tool", "new").with_mode(0o100_755),
            Entry::file("python/lib/a.py", "a"),
            Entry::link("bin/link", "../kept"),
        ]);
        fs::write(own.file("upper.zip"), upper).unwrap();
        let to = own.file("to");
        lay(&[own.file("lower"), own.file("upper.zip")], &to).unwrap();
        assert_eq!(own.text("to/bin/tool"), "new");
        assert_eq!(fs::metadata(to.join("bin/tool")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(own.text("to/bin/link"), "kept");
        assert_eq!(own.text("to/python/lib/a.py"), "a", "the link was not followed");
        assert_eq!(own.text("to/kept"), "kept");
        assert_eq!(fs::read_dir(own.path()).unwrap().count(), 3, "nothing else is left");
    }

    #[test]
    fn what_is_no_layer_is_refused() {
        let own = Folder::new();
        for (bytes, expected) in [
            (zip(&[Entry::file("../evil", "x")]), "goes up"),
            (zip(&[Entry::link("a", "/etc")]), "`a` is that of a link that leads out"),
            (b"no zip".to_vec(), "no zip"),
        ] {
            fs::write(own.file("layer.zip"), bytes).unwrap();
            let error = lay(&[own.file("layer.zip")], &own.file("to")).unwrap_err().to_string();
            assert!(error.contains("layer.zip: ") && error.contains(expected), "{error}");
            assert!(!own.file("evil").exists() && fs::read_dir(own.file("to")).unwrap().next().is_none());
        }
    }

    #[test]
    fn a_folder_has_the_limit_of_a_zip() {
        let own = Folder::new();
        own.hollow("layer/hole", LAYER_MAX + 1);
        let error = lay(&[own.file("layer")], &own.file("to")).unwrap_err().to_string();
        assert!(error.contains("more than 500 MiB"), "{error}");
    }
}
