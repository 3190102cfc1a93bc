//! A copy of a code folder, as the deployment tool would pack the folder.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::ignored::Ignored;

/// The folder of a project's local state, which is no code.
pub(crate) const FOLDER: &str = ".fc-local";

/// What is to be copied from a folder.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Paths below the folder, each behind the folder that has it.
    entries: Vec<(PathBuf, fs::Metadata)>,
    /// The size of all files, in bytes.
    pub(crate) bytes: u64,
    /// Changes whenever the contents do.
    pub(super) fingerprint: u64,
}

impl Contents {
    /// Looks at everything below `folder` that belongs to the code package. Stops beyond `limit` bytes.
    pub(crate) fn of(folder: &Path, limit: u64) -> io::Result<Self> {
        Contents::gather(folder, Some(Ignored::of(folder)), limit)
    }

    /// Looks at everything below `folder`, which is what a package had.
    pub(super) fn all(folder: &Path) -> io::Result<Self> {
        Contents::gather(folder, None, u64::MAX)
    }

    fn gather(folder: &Path, mut ignored: Option<Ignored<'_>>, limit: u64) -> io::Result<Self> {
        let mut found = Contents::default();
        let mut hasher = DefaultHasher::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(below) = folders.pop() {
            if let Some(ignored) = &mut ignored {
                ignored.enter(&below);
            }
            let mut names = fs::read_dir(folder.join(&below))?
                .map(|entry| Ok(entry?.file_name()))
                .collect::<io::Result<Vec<_>>>()?;
            names.sort();
            names.retain(|name| ignored.is_none() || name != FOLDER);
            for name in names {
                let path = below.join(name);
                let metadata = fs::symlink_metadata(folder.join(&path))?;
                if ignored.as_ref().is_some_and(|ignored| ignored.has(&path, metadata.is_dir())) {
                    continue;
                }
                path.hash(&mut hasher);
                (metadata.mode(), metadata.len(), metadata.ino()).hash(&mut hasher);
                (metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec())
                    .hash(&mut hasher);
                if metadata.is_dir() {
                    folders.push(path.clone());
                } else {
                    found.bytes += metadata.len();
                }
                found.entries.push((path, metadata));
            }
            if found.bytes > limit {
                break;
            }
        }
        found.fingerprint = hasher.finish();
        Ok(found)
    }

    /// Whether a file at `below`, a path below the folder, would belong to the code package.
    pub(crate) fn takes(folder: &Path, below: &Path) -> bool {
        let is_state = below.components().any(|part| part.as_os_str() == FOLDER);
        let mut ignored = Ignored::of(folder);
        let mut ancestors: Vec<&Path> = below.ancestors().skip(1).collect();
        ancestors.reverse();
        let is_reached = ancestors.into_iter().all(|above| {
            let is_reached = above.as_os_str().is_empty() || !ignored.has(above, true);
            ignored.enter(above);
            is_reached
        });
        !is_state && is_reached && !ignored.has(below, false)
    }

    /// The paths below the folder, each behind the folder that has it.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Path, &fs::Metadata)> {
        self.entries.iter().map(|(path, metadata)| (path.as_path(), metadata))
    }

    /// Whether `copy`, which was made of `former`, still has what `from` has. Files that were written anew are compared byte
    /// for byte: a build writes its program each time, and often the same one.
    pub(super) fn is_as_copied(&self, from: &Path, former: &Contents, copy: &Path) -> bool {
        if self.fingerprint == former.fingerprint {
            return true;
        }
        let mut pairs = self.entries.iter().zip(&former.entries);
        self.entries.len() == former.entries.len()
            && pairs.all(|((path, now), (former_path, then))| {
                let is_alike = path == former_path && now.mode() == then.mode();
                is_alike
                    && (now.is_dir()
                        || is_untouched(now, then)
                        || has_same_contents(&from.join(path), &copy.join(path), now).unwrap_or(false))
            })
    }

    /// Copies from `from` to a new folder. `progress` gets the size so far, after each file.
    pub(super) fn copy(&self, from: &Path, to: &Path, progress: &mut dyn FnMut(u64)) -> io::Result<()> {
        fs::create_dir_all(to)?;
        let mut copied = 0;
        for (path, metadata) in &self.entries {
            let (source, target) = (from.join(path), to.join(path));
            if metadata.is_dir() {
                fs::create_dir(&target)?;
                // The folder must take files while it is filled.
                let mode = metadata.permissions().mode() | 0o700;
                fs::set_permissions(&target, fs::Permissions::from_mode(mode))?;
            } else if metadata.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
            } else if metadata.is_file() {
                fs::copy(&source, &target)?;
                copied += metadata.len();
                progress(copied);
            }
        }
        Ok(())
    }
}

/// Whether nobody has written to the file in between.
fn is_untouched(now: &fs::Metadata, then: &fs::Metadata) -> bool {
    let key = |file: &fs::Metadata| (file.ino(), file.len(), file.mtime(), file.mtime_nsec());
    key(now) == key(then)
}

fn has_same_contents(source: &Path, copy: &Path, metadata: &fs::Metadata) -> io::Result<bool> {
    if metadata.is_symlink() {
        return Ok(fs::read_link(source)? == fs::read_link(copy)?);
    }
    if fs::symlink_metadata(copy)?.len() != metadata.len() {
        return Ok(false);
    }
    let (mut one, mut two) = (BufReader::new(File::open(source)?), BufReader::new(File::open(copy)?));
    loop {
        let (left, right) = (one.fill_buf()?, two.fill_buf()?);
        let length = left.len().min(right.len());
        if left[..length] != right[..length] {
            return Ok(false);
        }
        if length == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        one.consume(length);
        two.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::ignored::IGNORE_FILE;

    fn names(contents: &Contents) -> Vec<&str> {
        let mut names: Vec<&str> =
            contents.entries.iter().map(|(path, _)| path.to_str().expect("it is text")).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_fcignore_names_is_left_out() {
        let folder = std::env::temp_dir().join(format!("fclt-copy-{}", std::process::id()));
        for file in
            ["index.js", "secret.pem", "data/big.bin", "data/kept.bin", "sub/data/big.bin", "docs/a.md"]
        {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
        let all = Contents::of(&folder, u64::MAX).unwrap();
        assert_eq!((all.bytes, all.entries.len()), (6, 10));
        fs::write(folder.join(IGNORE_FILE), "# not these\n*.pem\n/data/*\n!/data/kept.bin\ndocs/\n").unwrap();
        let some = Contents::of(&folder, u64::MAX).unwrap();
        let expected =
            [".fcignore", "data", "data/kept.bin", "index.js", "sub", "sub/data", "sub/data/big.bin"];
        assert_eq!(names(&some), expected);
        assert_eq!(Contents::all(&folder).unwrap().entries.len(), all.entries.len() + 1);
        assert_ne!(some.fingerprint, all.fingerprint);
        assert_eq!(some.fingerprint, Contents::of(&folder, u64::MAX).unwrap().fingerprint);
        let to = folder.with_extension("to");
        let mut last = 0;
        some.copy(&folder, &to, &mut |bytes| last = bytes).unwrap();
        assert_eq!(last, some.bytes);
        assert_eq!(names(&Contents::of(&to, u64::MAX).unwrap()), expected);
        fs::remove_dir_all(folder).unwrap();
        fs::remove_dir_all(to).unwrap();
    }
}
