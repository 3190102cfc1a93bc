//! Writes what was planned: under another name, which is changed when all is there.

use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use zip::ZipArchive;

use super::plan::{Limits, MIB, Plan, What, open, refused, shown};

/// A code package: the platform's limit for the zip where it is highest, and for what it unpacks to, of which the platform
/// documents nothing, the largest disk of an instance.
const CODE: Limits = Limits { packed: 500 * MIB, unpacked: 10 * 1024 * MIB };

/// Unpacks the code package of a function or a layer to `to`, which is not there yet. Errors are those of [`unpack`].
pub(crate) fn unpack_code(zip: &Path, to: &Path) -> io::Result<u64> {
    unpack(zip, to, CODE)
}

/// Unpacks a zip to `to`, which is not there yet. Gives the size of all files, in bytes.
///
/// # Errors
///
/// The zip is refused (`InvalidData`), or this machine cannot write. Nothing is left behind.
pub(crate) fn unpack(zip: &Path, to: &Path, limits: Limits) -> io::Result<u64> {
    let packed = fs::metadata(zip)?.len();
    let mut archive = open(zip, limits)?;
    let plan = Plan::of(&mut archive, packed, limits)?;
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} is there already", to.display()),
        ));
    }
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let making = to.with_file_name(format!("making-{name}-{}", std::process::id()));
    match fs::remove_dir_all(&making) {
        // One of a process that was killed, whose number this process has.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::DirBuilder::new().mode(0o755).create(&making)?;
    let written =
        fill(&mut archive, &plan, &making).and_then(|bytes| fs::rename(&making, to).map(|()| bytes));
    if written.is_err() {
        // The first error is the one to tell.
        drop(fs::remove_dir_all(&making));
    }
    written
}

fn fill(archive: &mut ZipArchive<BufReader<File>>, plan: &Plan, to: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in &plan.entries {
        let target = to.join(&entry.path);
        match &entry.what {
            What::Folder { .. } => folder(&target)?,
            What::File { index, mode, size } => {
                folder(target.parent().unwrap_or(to))?;
                copy(archive, *index, *size, &target)?;
                fs::set_permissions(&target, Permissions::from_mode(*mode))?;
                bytes += size;
            }
            What::Link { .. } => {}
        }
    }
    for entry in &plan.entries {
        let target = to.join(&entry.path);
        match &entry.what {
            What::Folder { mode } => fs::set_permissions(&target, Permissions::from_mode(*mode))?,
            // Links come last, so that nothing is written through one.
            What::Link { target: leads_to } => {
                folder(target.parent().unwrap_or(to))?;
                std::os::unix::fs::symlink(leads_to, &target)?;
            }
            What::File { .. } => {}
        }
    }
    Ok(bytes)
}

/// Makes a folder and those above that are not there.
fn folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path)
}

/// Writes one entry, whose size has to be what the directory says.
fn copy(archive: &mut ZipArchive<BufReader<File>>, index: usize, size: u64, target: &Path) -> io::Result<()> {
    let mut entry = archive.by_index(index).map_err(refused)?;
    let name = shown(entry.name_raw());
    let mut out = File::create_new(target)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut written = 0;
    loop {
        let read = match entry.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => return Err(refused(format_args!("{name} cannot be read: {error}"))),
        };
        written += read as u64;
        if written > size {
            break;
        }
        out.write_all(buffer.get(..read).unwrap_or_default())?;
    }
    if written == size {
        Ok(())
    } else {
        Err(refused(format_args!("{name} is not as large as the zip says")))
    }
}
