//! Reads the text of a file that a manifest names. A device, a pipe or a huge file is an error at once.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// The largest file, in bytes. Real files of manifests are far smaller.
const SIZE_MAX: u64 = 8 * 1024 * 1024;

/// The file's text. Bytes that are not UTF-8 are replaced. `Err` has the path and the reason.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    match read_octets(path) {
        Ok(octets) => Ok(String::from_utf8_lossy(&octets).into_owned()),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

/// The file's octets.
///
/// # Errors
///
/// An error of the system, a file that is not regular, or a file that is too large.
pub(crate) fn read_octets(path: &Path) -> io::Result<Vec<u8>> {
    // Without `NONBLOCK`, the open of a pipe would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    check(&file.metadata()?)?;
    let mut octets = Vec::new();
    // The file may grow, and files in `/proc` state no size.
    file.take(SIZE_MAX + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > SIZE_MAX { Err(too_large()) } else { Ok(octets) }
}

fn check(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a device, a pipe or a socket, not a file",
        ));
    }
    if metadata.len() > SIZE_MAX { Err(too_large()) } else { Ok(()) }
}

fn too_large() -> io::Error {
    let text = format!("it is larger than {} MiB", SIZE_MAX / 1024 / 1024);
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_read() {
        assert_eq!(
            read(Path::new("/dev/zero")).unwrap_err(),
            "cannot read /dev/zero: it is a device, a pipe or a socket, not a file"
        );
        assert_eq!(read(Path::new("/dev")).unwrap_err(), "cannot read /dev: it is a folder");
        assert!(read(Path::new("/proc/self/stat")).unwrap().contains(' '));
    }
}
