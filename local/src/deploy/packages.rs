//! The code packages that came over the API: each is kept as the zip that was sent, and unpacked beside it.
//!
//! A package is a folder that is named by its contents. The folder is made under another name and then renamed, so a package
//! is there as a whole or not at all, and what names it belongs to one code for ever.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ring::digest::{Context, SHA256};

use super::unpack::{Crc64, unpack_code};
use crate::auth::hex;

const MIB: u64 = 1024 * 1024;

/// The largest code package of the platform, in the regions with the higher limit.
const PACKAGE_MAX: u64 = 500 * MIB;

/// The names of what is in a package's folder.
const ZIP: &str = "code.zip";
const CODE: &str = "code";

/// The begin of the names of folders in the making.
const MAKING: &str = "making-";

/// The packages of one account.
#[derive(Debug, Clone)]
pub(crate) struct Packages {
    folder: PathBuf,
}

/// A package that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    /// The digest of the zip: the name of its folder.
    pub(crate) id: String,
    /// The CRC-64 of the zip, which the API shows as a decimal number.
    pub(crate) checksum: u64,
    /// The zip, in bytes.
    pub(crate) size: u64,
    pub(crate) zip: PathBuf,
    /// The folder with the unpacked code.
    pub(crate) code: PathBuf,
}

impl Packages {
    /// The packages in `folder`. Nothing is written yet.
    pub(crate) fn of(folder: PathBuf) -> Self {
        Packages { folder }
    }

    /// Keeps the zip, of which `checksum` is what its sender says. Blocks for as long as the disk takes.
    ///
    /// # Errors
    ///
    /// The zip is refused (`InvalidData`), and nothing of it is kept; or this machine cannot write.
    pub(crate) fn put(&self, zip: &Path, checksum: Option<u64>) -> io::Result<Package> {
        let source = File::open(zip)?;
        if source.metadata()?.len() > PACKAGE_MAX {
            let text = format!("a code package has at most {} MiB", PACKAGE_MAX / MIB);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let making = self.making()?;
        let package = self.make(source, checksum, &making);
        // What was not renamed was refused, or is known already.
        drop(fs::remove_dir_all(&making));
        package
    }

    fn make(&self, mut source: File, checksum: Option<u64>, making: &Path) -> io::Result<Package> {
        let mut options = fs::OpenOptions::new();
        let mut kept = options.write(true).create_new(true).mode(0o600).open(making.join(ZIP))?;
        let (mut crc, mut digest, mut size) = (Crc64::new(), Context::new(&SHA256), 0);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = source.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            crc.update(bytes);
            digest.update(bytes);
            size += read as u64;
            kept.write_all(bytes)?;
        }
        kept.sync_all()?;
        if let Some(said) = checksum.filter(|said| *said != crc.value()) {
            let own = crc.value();
            let text = format!("the checksum of the code is {own}, and `checksum` says {said}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let id = hex(digest.finish().as_ref());
        let package = self.package(id, crc.value(), size);
        if package.code.is_dir() {
            return Ok(package);
        }
        unpack_code(&making.join(ZIP), &making.join(CODE))?;
        let folder = self.folder.join(&package.id);
        match fs::rename(making, &folder) {
            // Another call has kept the same zip meanwhile.
            Err(_) if package.code.is_dir() => {}
            outcome => outcome?,
        }
        File::open(&self.folder)?.sync_all()?;
        Ok(package)
    }

    fn package(&self, id: String, checksum: u64, size: u64) -> Package {
        let folder = self.folder.join(&id);
        Package { id, checksum, size, zip: folder.join(ZIP), code: folder.join(CODE) }
    }

    /// Removes the packages that `is_used` does not name, and what killed processes left.
    pub(crate) fn sweep(&self, is_used: impl Fn(&str) -> bool) -> io::Result<()> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_wanted = match name.strip_prefix(MAKING) {
                Some(rest) => rest.split('-').next().is_some_and(is_running),
                None => is_used(&name),
            };
            if !is_wanted {
                // First its name, so that half a package is not taken for a whole one.
                let gone = self.folder.join(format!("{MAKING}gone-{name}"));
                fs::rename(entry.path(), &gone)?;
                fs::remove_dir_all(gone)?;
            }
        }
        Ok(())
    }

    /// A new folder for a package in the making.
    fn making(&self) -> io::Result<PathBuf> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.folder)?;
        let making = self.folder.join(format!("{MAKING}{}-{number}", std::process::id()));
        match fs::remove_dir_all(&making) {
            // One of a process that was killed, whose number this process has.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::DirBuilder::new().mode(0o711).create(&making)?;
        Ok(making)
    }
}

fn is_running(pid: &str) -> bool {
    pid.parse::<u32>().is_ok_and(|pid| Path::new(&format!("/proc/{pid}")).exists())
}

#[cfg(test)]
mod tests {
    use testkit::Folder;
    use testkit::zips::{Entry, hostile, zip};

    use super::*;

    #[test]
    fn a_package_is_its_zip_and_its_code() {
        let own = Folder::new();
        let packages = Packages::of(own.file("packages"));
        let bytes = zip(&[Entry::file("bootstrap", "#!/bin/sh\n").with_mode(0o100_755)]);
        fs::write(own.file("code.zip"), &bytes).unwrap();
        let package = packages.put(&own.file("code.zip"), None).unwrap();
        assert_eq!(fs::read(&package.zip).unwrap(), bytes);
        assert_eq!(fs::read_to_string(package.code.join("bootstrap")).unwrap(), "#!/bin/sh\n");
        let same = packages.put(&own.file("code.zip"), Some(package.checksum)).unwrap();
        assert_eq!(same, package);
        let error = packages.put(&own.file("code.zip"), Some(7)).unwrap_err().to_string();
        assert_eq!(error, format!("the checksum of the code is {}, and `checksum` says 7", package.checksum));
        assert_eq!(fs::read_dir(own.file("packages")).unwrap().count(), 1);
    }

    #[test]
    fn what_is_refused_or_not_used_is_not_kept() {
        let own = Folder::new();
        let packages = Packages::of(own.file("packages"));
        for case in hostile().into_iter().take(5) {
            fs::write(own.file("code.zip"), case.zip).unwrap();
            assert!(packages.put(&own.file("code.zip"), None).is_err(), "{}", case.name);
        }
        assert_eq!(fs::read_dir(own.file("packages")).unwrap().count(), 0);
        let put = |text: &str| {
            fs::write(own.file("code.zip"), zip(&[Entry::file("bootstrap", text)])).unwrap();
            packages.put(&own.file("code.zip"), None).unwrap()
        };
        let (one, other) = (put("1"), put("2"));
        // A process of this number cannot be.
        own.write("packages/making-999999999-0/code.zip", "x");
        own.write(&format!("packages/making-{}-7/code.zip", std::process::id()), "x");
        packages.sweep(|id| id == one.id).unwrap();
        assert!(one.code.is_dir() && !other.code.exists());
        assert_eq!(fs::read_dir(own.file("packages")).unwrap().count(), 2);
    }
}
