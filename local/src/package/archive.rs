//! The zip of a code folder: the same bytes for the same files, whenever and wherever it is made.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::deploy::Contents;

/// The largest folder that is packed, in bytes: what a package may be when it is unpacked is not documented.
const FOLDER_MAX: u64 = 10 * 1024 * 1024 * 1024;

/// Packs `folder` into `file`, without what `.fcignore` names: in the order of the names, with one time, and with one of two modes.
pub(super) fn write(folder: &Path, file: &Path) -> io::Result<u64> {
    if is_packed(folder, file)? {
        let text =
            "it would be packed into itself: name another folder with --output, or its folder in .fcignore";
        return Err(io::Error::other(text));
    }
    let contents = Contents::of(folder, FOLDER_MAX)?;
    if contents.bytes > FOLDER_MAX {
        return Err(io::Error::other(format!("{} has more than 10 GiB", folder.display())));
    }
    let mut entries: Vec<(String, &fs::Metadata)> = contents
        .entries()
        .map(|(path, metadata)| {
            let name = path.to_str().map(str::to_owned);
            let name = name.ok_or_else(|| io::Error::other(format!("{} is no UTF-8", path.display())))?;
            Ok((name, metadata))
        })
        .collect::<io::Result<_>>()?;
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    // Written beside the old zip, which stays whole until the new one is.
    let new = file.with_extension("zip.new");
    let mut zip = ZipWriter::new(BufWriter::new(File::create(&new)?));
    for (name, metadata) in entries {
        let source = folder.join(&name);
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .large_file(metadata.len() > u64::from(u32::MAX));
        if metadata.is_dir() {
            zip.add_directory(name, options.unix_permissions(0o755)).map_err(io::Error::other)?;
        } else if metadata.is_symlink() {
            let target = fs::read_link(&source)?;
            let target =
                target.to_str().ok_or_else(|| io::Error::other("a link leads to a name that is no UTF-8"))?;
            zip.add_symlink(name, target, options).map_err(io::Error::other)?;
        } else if metadata.is_file() {
            let is_executable = name == "bootstrap" || metadata.permissions().mode() & 0o111 != 0;
            let mode = if is_executable { 0o755 } else { 0o644 };
            zip.start_file(name, options.unix_permissions(mode)).map_err(io::Error::other)?;
            io::copy(&mut File::open(&source)?, &mut zip)?;
        }
    }
    zip.finish().map_err(io::Error::other)?.into_inner()?.sync_all()?;
    fs::rename(&new, file)?;
    Ok(fs::metadata(file)?.len())
}

/// Whether `file` is among what is packed: each time the zip would hold its former self, and while it is written its own begin.
fn is_packed(folder: &Path, file: &Path) -> io::Result<bool> {
    let (Some(parent), Some(name)) = (file.parent(), file.file_name()) else { return Ok(false) };
    let file = fs::canonicalize(parent)?.join(name);
    let below = file.strip_prefix(fs::canonicalize(folder)?);
    Ok(below.is_ok_and(|below| Contents::takes(folder, below)))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime};

    use zip::ZipArchive;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("fclt-archive-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("code/b")).unwrap();
        folder
    }

    fn fill(root: &Path, age: u64) {
        let code = root.join("code");
        for (name, text, mode) in [
            ("bootstrap", "program", 0o600),
            ("b/tool", "t", 0o700),
            ("b/data", "d", 0o600),
            (".env", "SECRET=1", 0o644),
        ] {
            fs::write(code.join(name), text).unwrap();
            fs::set_permissions(code.join(name), fs::Permissions::from_mode(mode)).unwrap();
            let time = SystemTime::now() - Duration::from_secs(age);
            File::options().write(true).open(code.join(name)).unwrap().set_modified(time).unwrap();
        }
        fs::write(code.join(".fcignore"), ".env\n").unwrap();
        drop(std::os::unix::fs::symlink("tool", code.join("b/link")));
    }

    #[test]
    fn a_zip_is_not_packed_into_itself() {
        let root = folder("itself");
        fill(&root, 0);
        let code = root.join("code");
        for _ in 0..2 {
            let error = write(&code, &code.join("b/code.zip")).unwrap_err();
            assert!(error.to_string().contains("packed into itself"), "{error}");
        }
        fs::write(code.join(".fcignore"), "/b\n").unwrap();
        let length = write(&code, &code.join("b/code.zip")).unwrap();
        assert_eq!(write(&code, &code.join("b/code.zip")).unwrap(), length);
        assert!(!code.join("b/code.zip.new").exists());
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn the_same_files_are_the_same_zip() {
        let (one, other) = (folder("one"), folder("other"));
        fill(&one, 0);
        fill(&other, 1_000_000);
        fs::set_permissions(other.join("code/b/data"), fs::Permissions::from_mode(0o640)).unwrap();
        for root in [&one, &other] {
            write(&root.join("code"), &root.join("out.zip")).unwrap();
        }
        let bytes = fs::read(one.join("out.zip")).unwrap();
        assert_eq!(bytes, fs::read(other.join("out.zip")).unwrap());
        let mut zip = ZipArchive::new(io::Cursor::new(bytes)).unwrap();
        let found: Vec<(String, u32)> = (0..zip.len())
            .map(|index| {
                let entry = zip.by_index(index).unwrap();
                (entry.name().unwrap().into_owned(), entry.unix_mode().unwrap() & 0o777)
            })
            .collect();
        let expected = [
            (".fcignore", 0o644),
            ("b/", 0o755),
            ("b/data", 0o644),
            ("b/link", 0o777),
            ("b/tool", 0o755),
            ("bootstrap", 0o755),
        ];
        assert_eq!(found, expected.map(|(name, mode)| (name.to_owned(), mode)));
        fs::remove_dir_all(one).unwrap();
        fs::remove_dir_all(other).unwrap();
    }
}
