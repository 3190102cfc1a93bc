//! Reads a file that a user names. A device, a pipe or a huge file is an error at once.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// The largest file of a manifest, in bytes. Real ones are far smaller.
const SIZE_MAX: u64 = 8 * 1024 * 1024;

/// The file's text. Bytes that are not UTF-8 are replaced. `Err` has the path and the reason.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    match read_octets(path) {
        Ok(octets) => Ok(String::from_utf8_lossy(&octets).into_owned()),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

/// The octets of a manifest's file.
///
/// # Errors
///
/// Those of [`read_bounded`].
pub(crate) fn read_octets(path: &Path) -> io::Result<Vec<u8>> {
    read_bounded(path, SIZE_MAX)
}

/// The file's octets, at most `limit`.
///
/// # Errors
///
/// An error of the system, a file that is not regular, or a file that is too large.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // Without `NONBLOCK`, the open of a pipe would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    check(&file.metadata()?, limit)?;
    // The file may grow, and files in `/proc` state no size.
    take_bounded(file, limit)
}

/// All octets of `from`, at most `limit`.
///
/// # Errors
///
/// An error of the reader, or more octets than `limit`.
pub(crate) fn take_bounded(from: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    from.take(limit + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > limit { Err(too_large(limit)) } else { Ok(octets) }
}

fn check(metadata: &Metadata, limit: u64) -> io::Result<()> {
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a device, a pipe or a socket, not a file",
        ));
    }
    if metadata.len() > limit { Err(too_large(limit)) } else { Ok(()) }
}

fn too_large(limit: u64) -> io::Error {
    let text = format!("it is larger than {} MiB", limit / 1024 / 1024);
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
        let error = take_bounded(io::repeat(0), 1024 * 1024).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 1 MiB");
        assert_eq!(take_bounded(&b"abc"[..], 3).unwrap(), b"abc");
        assert!(read(Path::new("/proc/self/stat")).unwrap().contains(' '));
    }
}
