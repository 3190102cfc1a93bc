//! What a zip would become, judged from its directory alone: nothing is written yet.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use zip::read::ZipFileEntry;
use zip::{CompressionMethod, System, ZipArchive};

use super::{directory, names};

pub(super) const MIB: u64 = 1024 * 1024;

/// The longest target of a link, in bytes.
const TARGET_MAX: u64 = 4096;

/// The most that the targets of all links may take, in bytes. They are kept until the end.
const TARGETS_MAX: u64 = 16 * MIB;

/// Beyond this size, what a zip unpacks to may be [`RATIO_MAX`] times as large as the zip. Programs and texts shrink to a
/// third or a tenth, and only what repeats itself shrinks further.
const RATIO_FROM: u64 = 64 * MIB;
const RATIO_MAX: u64 = 100;

/// The bits of a mode that say what an entry is, and those that give rights of another user.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;
const OTHER_USER: u32 = 0o6000;

/// How large a zip may be, and what it unpacks to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The zip, in bytes.
    pub(crate) packed: u64,
    /// All files together, in bytes.
    pub(crate) unpacked: u64,
}

/// What is to be written, folders and files in the order of the zip.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) entries: Vec<Planned>,
}

#[derive(Debug)]
pub(super) struct Planned {
    /// Below the folder.
    pub(super) path: PathBuf,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Folder {
        mode: u32,
    },
    File {
        /// The number of the entry.
        index: usize,
        mode: u32,
        /// In bytes, by the directory's word.
        size: u64,
    },
    Link {
        target: String,
    },
}

/// An error that is the zip's own fault, not this machine's.
#[expect(clippy::needless_pass_by_value, reason = "callers make the text where they give it")]
pub(super) fn refused(why: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}

/// A name for a message: what cannot be shown is escaped.
pub(super) fn shown(name: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(name).chars().take(100).collect();
    format!("`{}`", text.escape_debug())
}

/// Opens a zip. Its directory is of a bounded size, and agrees with what stands before each entry.
pub(super) fn open(file: &Path, limits: Limits) -> io::Result<ZipArchive<BufReader<File>>> {
    let opened = File::open(file)?;
    let metadata = opened.metadata()?;
    if !metadata.is_file() {
        return Err(refused("it is no file"));
    }
    if metadata.len() > limits.packed {
        return Err(refused(format_args!("it has more than {} MiB", limits.packed / MIB)));
    }
    let mut reader = BufReader::new(opened);
    let count = directory::entries(&mut reader, metadata.len())?;
    let unreadable = |error: zip::result::ZipError| refused(format_args!("it cannot be read: {error}"));
    let mut archive = ZipArchive::new(reader).map_err(unreadable)?;
    if archive.has_duplicate_names() {
        return Err(refused("two of its entries have the same name"));
    }
    if archive.len() as u64 != count {
        return Err(refused(format_args!("it says that it has {count} entries, and has {}", archive.len())));
    }
    // A method or an encryption that cannot be read would be told as a disagreement.
    for index in 0..archive.len() {
        check_readable(&archive.by_index_data(index).map_err(unreadable)?)?;
    }
    archive.validate_header_consistency().map_err(unreadable)?;
    Ok(archive)
}

fn check_readable(entry: &ZipFileEntry<'_>) -> io::Result<()> {
    let name = || shown(entry.name_raw());
    if entry.encrypted() {
        return Err(refused(format_args!("{} is encrypted", name())));
    }
    if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        let method = entry.compression();
        return Err(refused(format_args!("{} is packed by the method {method}, not by deflate", name())));
    }
    Ok(())
}

impl Plan {
    /// # Errors
    ///
    /// The zip must not be unpacked, and why. An error of this machine has another kind than `InvalidData`.
    pub(super) fn of(
        archive: &mut ZipArchive<BufReader<File>>,
        packed: u64,
        limits: Limits,
    ) -> io::Result<Self> {
        let (mut entries, mut bytes, mut targets) = (Vec::with_capacity(archive.len()), 0_u64, 0_u64);
        for index in 0..archive.len() {
            let entry = archive.by_index_data(index).map_err(io::Error::other)?;
            let raw = entry.name_raw().to_owned();
            let wrong = |why: &str| refused(format_args!("the name {} {why}", shown(&raw)));
            let path = names::path(&raw).map_err(|why| wrong(&why))?;
            let (kind, mode) = kind_and_mode(&entry).map_err(|why| wrong(&why))?;
            let size = entry.size();
            // The folder itself is made in any case.
            if path.as_os_str().is_empty() {
                continue;
            }
            let what = match kind {
                FOLDER if size > 0 => return Err(wrong("is that of a folder, and the entry has contents")),
                FOLDER => What::Folder { mode },
                LINK => {
                    targets = targets.saturating_add(size);
                    if size > TARGET_MAX || targets > TARGETS_MAX {
                        return Err(wrong("is that of a link, and its target is too long"));
                    }
                    What::Link { target: link(archive, index, &path).map_err(|why| wrong(&why))? }
                }
                _ => {
                    bytes = bytes.saturating_add(size);
                    What::File { index, mode, size }
                }
            };
            if bytes > limits.unpacked {
                let most = limits.unpacked / MIB;
                return Err(refused(format_args!("unpacked, it has more than {most} MiB")));
            }
            entries.push(Planned { path, what });
        }
        if bytes > RATIO_FROM && bytes / RATIO_MAX > packed {
            return Err(refused(format_args!(
                "unpacked, it is more than {RATIO_MAX} times as large: {packed} bytes become {bytes}"
            )));
        }
        check_places(&entries)?;
        Ok(Plan { entries })
    }
}

/// What an entry is, and its rights. A zip of a system without modes has files that all can read and nobody can start.
fn kind_and_mode(entry: &ZipFileEntry<'_>) -> Result<(u32, u32), String> {
    let is_named_folder = entry.name_raw().ends_with(b"/");
    let given = if entry.system() == System::Dos { 0 } else { entry.external_attributes() >> 16 };
    let kind = match given & KIND {
        0 if is_named_folder => FOLDER,
        0 => REGULAR,
        kind @ (REGULAR | FOLDER | LINK) => kind,
        other => return Err(format!("is that of a device, a pipe or a socket (mode {other:o})")),
    };
    if is_named_folder != (kind == FOLDER) {
        let what = if is_named_folder {
            "a folder, and its mode that of a file"
        } else {
            "a file, and its mode that of a folder"
        };
        return Err(format!("is that of {what}"));
    }
    if kind == REGULAR && given & OTHER_USER != 0 {
        return Err(
            "is that of a file that runs with the rights of another user (setuid or setgid)".to_owned()
        );
    }
    let rights = given & 0o777;
    Ok((
        kind,
        match (kind, rights) {
            (FOLDER, 0) => 0o755,
            // Its owner has to fill and to remove it.
            (FOLDER, rights) => rights | 0o700,
            (_, 0) if given == 0 => 0o644,
            (_, rights) => rights,
        },
    ))
}

/// The target of a link.
fn link(archive: &mut ZipArchive<BufReader<File>>, index: usize, path: &Path) -> Result<String, String> {
    let mut target = Vec::new();
    let read = archive.by_index(index).map_err(io::Error::other);
    read.and_then(|entry| entry.take(TARGET_MAX + 1).read_to_end(&mut target))
        .map_err(|error| format!("is that of a link, and its target cannot be read: {error}"))?;
    match String::from_utf8(target) {
        Ok(text) if names::stays_inside(path, &text) => Ok(text),
        Ok(text) => Err(format!("is that of a link that leads out, to {}", shown(text.as_bytes()))),
        Err(_) => Err("is that of a link to a name that is not UTF-8".to_owned()),
    }
}

/// Each path is one thing, and only folders have something below.
fn check_places(entries: &[Planned]) -> io::Result<()> {
    let mut places: HashMap<&Path, &What> = HashMap::with_capacity(entries.len());
    for entry in entries {
        if places.insert(&entry.path, &entry.what).is_some() {
            let name = shown(entry.path.as_os_str().as_encoded_bytes());
            return Err(refused(format_args!("two of its entries are {name}, spelled in two ways")));
        }
    }
    for entry in entries {
        for above in entry.path.ancestors().skip(1) {
            let what = match places.get(above) {
                None | Some(What::Folder { .. }) => continue,
                Some(What::File { .. }) => "a file",
                Some(What::Link { .. }) => "a link",
            };
            let (name, above) = (
                shown(entry.path.as_os_str().as_encoded_bytes()),
                shown(above.as_os_str().as_encoded_bytes()),
            );
            return Err(refused(format_args!("{name} is to be below {above}, which is {what}")));
        }
    }
    Ok(())
}
