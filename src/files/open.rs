//! Opens files, on a thread for blocking work: by a path of the author's, or inside a folder by a path of a client's.

use std::borrow::Cow;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use http::HeaderMap;

use crate::negotiate::codings;

/// What stands at a path.
pub(super) enum Found {
    File(Box<Opened>),
    /// A folder with an index, and the path has no slash at its end.
    Folder,
    Nothing,
}

/// An open file.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) metadata: Metadata,
    /// The path whose ending says the type.
    pub(super) path: PathBuf,
    /// The content coding, for a file that is compressed beside its original.
    pub(super) coding: Option<&'static str>,
    /// Whether another client might get another coding.
    pub(super) varies: bool,
}

/// A folder that clients may read.
#[derive(Debug, Clone)]
pub(super) struct Root {
    /// Without links, as the kernel names it.
    pub(super) path: PathBuf,
    pub(super) index: Option<Cow<'static, str>>,
    pub(super) has_compressed: bool,
}

/// The codings of files beside their originals, with the endings of their names. The smallest first.
const CODINGS: [(&str, &str); 3] = [("br", ".br"), ("zstd", ".zst"), ("gzip", ".gz")];

/// Opens a file at a path of the author's.
pub(super) fn any(path: &Path) -> io::Result<Found> {
    open(path, path.to_owned(), None)
}

impl Root {
    /// Opens the file at a path below the folder, as a client has sent it, percent-decoded.
    pub(super) fn open(&self, path: &str, headers: &HeaderMap) -> io::Result<Found> {
        let Some(below) = below(path) else { return Ok(Found::Nothing) };
        let is_folder = path.ends_with('/');
        let Some(found) = self.inside(&below)? else { return Ok(Found::Nothing) };
        if fs::metadata(&found)?.is_dir() {
            let Some(index) = self.index.as_deref() else { return Ok(Found::Nothing) };
            let Some(index) = self.inside(&below.join(index))? else { return Ok(Found::Nothing) };
            return if is_folder { self.best(&index, headers) } else { Ok(Found::Folder) };
        }
        if is_folder { Ok(Found::Nothing) } else { self.best(&found, headers) }
    }

    /// The path without links, if it is inside the folder and nothing on it is hidden.
    fn inside(&self, below: &Path) -> io::Result<Option<PathBuf>> {
        let real = match fs::canonicalize(self.path.join(below)) {
            Ok(real) => real,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_shown = real.strip_prefix(&self.path).is_ok_and(|inside| {
            inside.components().all(|part| part.as_os_str().to_str().is_none_or(|part| !is_hidden(part)))
        });
        Ok(is_shown.then_some(real))
    }

    /// The file, or the compressed one beside it that the client likes best.
    fn best(&self, path: &Path, headers: &HeaderMap) -> io::Result<Found> {
        if self.has_compressed {
            let (weights, plain) = codings(headers, CODINGS.map(|(name, _)| name));
            let mut order: Vec<usize> =
                (0..CODINGS.len()).filter(|at| weights[*at] >= plain.max(1)).collect();
            order.sort_by_key(|at| std::cmp::Reverse(weights[*at]));
            for at in order {
                let (coding, ending) = CODINGS[at];
                let mut beside = path.as_os_str().to_owned();
                beside.push(ending);
                let beside = Path::new(&beside);
                let is_plain_file =
                    fs::symlink_metadata(beside).is_ok_and(|metadata| metadata.file_type().is_file());
                if is_plain_file && let Found::File(mut opened) = open(beside, path.to_owned(), Some(coding))?
                {
                    opened.varies = true;
                    return Ok(Found::File(opened));
                }
            }
        }
        let mut found = open(path, path.to_owned(), None)?;
        if let Found::File(opened) = &mut found {
            opened.varies = self.has_compressed;
        }
        Ok(found)
    }
}

fn open(path: &Path, named: PathBuf, coding: Option<&'static str>) -> io::Result<Found> {
    let look = || {
        // Asked before it is opened: the open of a pipe waits for its writer.
        if !fs::metadata(path)?.is_file() {
            return Ok(None);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Ok(metadata.is_file().then_some((file, metadata)))
    };
    match look() {
        Ok(Some((file, metadata))) => {
            Ok(Found::File(Box::new(Opened { file, metadata, path: named, coding, varies: false })))
        }
        Ok(None) => Ok(Found::Nothing),
        Err(error) if is_absence(&error) => Ok(Found::Nothing),
        Err(error) => Err(error),
    }
}

/// Whether an error says that the path leads nowhere. A name too long for the file system is the client's, too.
fn is_absence(error: &io::Error) -> bool {
    use ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidFilename | InvalidInput)
}

/// The path below the folder. `None` for one that leaves it, or has a hidden or odd part.
fn below(path: &str) -> Option<PathBuf> {
    let parts = path.strip_suffix('/').unwrap_or(path);
    let mut below = PathBuf::new();
    for part in parts.split('/').filter(|_| !parts.is_empty()) {
        let is_odd = part.is_empty() || part.contains(['\\', '\0']) || is_hidden(part);
        // One plain name on every system: no drive, no parent.
        let mut components = Path::new(part).components();
        let is_name = matches!((components.next(), components.next()), (Some(Component::Normal(_)), None));
        if is_odd || !is_name {
            return None;
        }
        below.push(part);
    }
    Some(below)
}

/// Names that start with a dot are hidden, but for the one that is made to be found (RFC 8615).
fn is_hidden(name: &str) -> bool {
    name.starts_with('.') && name != ".well-known"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_folder() {
        for (path, expected) in [
            ("", Some("")),
            ("/", Some("")),
            ("a/b.txt", Some("a/b.txt")),
            ("a/", Some("a")),
            ("a//", None),
            ("a//b", None),
            ("/a", None),
            ("..", None),
            ("a/../b", None),
            ("a/./b", None),
            (".env", None),
            ("a/.git/config", None),
            (".well-known/security.txt", Some(".well-known/security.txt")),
            ("a\\b", None),
            ("a\0b", None),
            ("ä b", Some("ä b")),
        ] {
            assert_eq!(below(path).as_deref(), expected.map(Path::new), "{path:?}");
        }
    }
}
