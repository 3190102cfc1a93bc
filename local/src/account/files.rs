//! The files of an account. A document is replaced as a whole, a folder is made under another name and then renamed: an
//! object is there as a whole or not at all, whenever the process or the machine ends.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bucket::Bucket;
use super::code;
use super::described::{Code, Described};
use crate::deploy::Packages;
use crate::wire::ids;

/// The document of a function.
const FUNCTION: &str = "function.json";
/// The document of what belongs to no function.
const ACCOUNT: &str = "account.json";
const LOCK: &str = "account.lock";
const FUNCTIONS: &str = "functions";
const PACKAGES: &str = "packages";
/// What `Packages` keeps in the folder of each.
const ZIP: &str = "code.zip";
const TREE: &str = "code";
/// The begin of the names of folders that are gone already.
const GONE: &str = ".gone-";

/// The largest document, in bytes.
const DOCUMENT_MAX: u64 = 64 * 1024 * 1024;

/// The files of one account.
#[derive(Debug, Clone)]
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn of(folder: &Path) -> Self {
        Files { folder: folder.to_owned() }
    }

    /// Keeps other processes from the account, until the file is dropped or the process ends.
    ///
    /// # Errors
    ///
    /// Another process has the account, or the file cannot be made.
    pub(super) fn lock(&self) -> io::Result<File> {
        self.make()?;
        let mut options = OpenOptions::new();
        let file =
            options.write(true).create(true).truncate(false).mode(0o600).open(self.folder.join(LOCK))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(file),
            Err(Errno::WOULDBLOCK) => Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                "another fc-local has this account: what it makes is not seen here",
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether there is anything of an account.
    pub(super) fn has_account(&self) -> bool {
        let functions = names(&self.folder.join(FUNCTIONS)).unwrap_or_default();
        let is_own = |name: &String| name.starts_with(GONE) || self.has_function(name);
        self.folder.join(ACCOUNT).exists() || functions.iter().any(is_own)
    }

    /// Whether a function has a document, one that cannot be read too.
    pub(super) fn has_function(&self, name: &str) -> bool {
        self.function(name).join(FUNCTION).exists()
    }

    /// Makes the folder, which version control leaves out.
    fn make(&self) -> io::Result<()> {
        make_folder(&self.folder)?;
        match File::create_new(self.folder.join(".gitignore")) {
            Ok(mut file) => file.write_all(b"*\n"),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn function(&self, name: &str) -> PathBuf {
        self.folder.join(FUNCTIONS).join(name)
    }

    /// What clients sent before they named it.
    pub(super) fn bucket(&self) -> Bucket {
        Bucket::of(&self.folder)
    }

    /// The packages of functions and layers.
    pub(super) fn packages(&self) -> Packages {
        Packages::of(self.folder.join(PACKAGES))
    }

    /// The folder that a package was unpacked to.
    pub(super) fn tree(&self, code: &Code) -> PathBuf {
        self.folder.join(PACKAGES).join(&code.package).join(TREE)
    }

    /// The package itself.
    pub(super) fn package(&self, id: &str) -> PathBuf {
        self.folder.join(PACKAGES).join(id).join(ZIP)
    }

    /// The folder of a package.
    pub(super) fn folder_of(&self, package: &str) -> PathBuf {
        self.folder.join(PACKAGES).join(package)
    }

    /// A file for what comes in, which is not there yet.
    pub(super) fn incoming(&self) -> io::Result<PathBuf> {
        self.make()?;
        Ok(self.folder.join(code::incoming_name()))
    }

    /// Removes the packages that `is_used` does not name, and what killed processes left.
    pub(super) fn sweep(&self, is_used: impl Fn(&str) -> bool) -> io::Result<()> {
        for name in names(&self.folder)?.iter().filter(|name| code::is_incoming(name)) {
            fs::remove_file(self.folder.join(name))?;
        }
        self.packages().sweep(is_used)
    }

    /// The functions that are there. One that cannot be read is an error in its place. What a killed process left behind is
    /// removed.
    pub(super) fn functions(&self) -> io::Result<Vec<io::Result<(String, Described)>>> {
        let mut found = Vec::new();
        for name in names(&self.folder.join(FUNCTIONS))? {
            if name.starts_with(GONE) {
                remove(&self.folder.join(FUNCTIONS).join(&name))?;
                continue;
            }
            let file = self.function(&name).join(FUNCTION);
            match read::<Described>(&file) {
                Ok(Some(described)) => found.push(Ok((name, described))),
                // The making of a function was cut off. Versions of a function of the manifest stay.
                Ok(None) => drop(fs::remove_dir(self.function(&name))),
                Err(error) => found.push(Err(error)),
            }
        }
        Ok(found)
    }

    /// What belongs to no function.
    pub(super) fn account<T: DeserializeOwned>(&self) -> io::Result<Option<T>> {
        read(&self.folder.join(ACCOUNT))
    }

    pub(super) fn write_account(&self, account: &impl Serialize) -> io::Result<()> {
        self.make()?;
        write(&self.folder, ACCOUNT, &serde_json::to_vec_pretty(account)?)
    }

    pub(super) fn write_function(&self, name: &str, described: &Described) -> io::Result<()> {
        let folder = self.function(name);
        let is_new = !self.has_function(name);
        make_folder(&folder)?;
        write(&folder, FUNCTION, &serde_json::to_vec_pretty(described)?)?;
        if is_new { sync(&self.folder.join(FUNCTIONS)) } else { Ok(()) }
    }

    /// Removes a function with everything below it.
    pub(super) fn remove_function(&self, name: &str) -> io::Result<()> {
        let functions = self.folder.join(FUNCTIONS);
        let gone = functions.join(format!("{GONE}{}", ids::uuid()));
        fs::rename(self.function(name), &gone)?;
        sync(&functions)?;
        // From here on the function is gone. What is left is removed by the next start.
        drop(remove(&gone));
        Ok(())
    }
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().to_str().map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}

/// Makes a folder for this user alone: settings may hold secrets.
fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// A folder's names are on the disk from then on.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Replaces a file as a whole.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    if bytes.len() as u64 > DOCUMENT_MAX {
        let text = format!("what describes an object has at most {} MiB", DOCUMENT_MAX / (1024 * 1024));
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let new = folder.join(format!("{name}.new"));
    let mut options = OpenOptions::new();
    let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    fs::rename(&new, folder.join(name))?;
    sync(folder)
}

/// The text of the file is not shown: settings may hold secrets.
fn read<T: DeserializeOwned>(file: &Path) -> io::Result<Option<T>> {
    let opened = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    opened.take(DOCUMENT_MAX).read_to_string(&mut text)?;
    let read = serde_json::from_str(&text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let text = format!("{}: {place}: not what fc-local writes", file.display());
        io::Error::new(io::ErrorKind::InvalidData, text)
    });
    read.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_is_not_there_and_leaves_nothing() {
        let folder = std::env::temp_dir().join(format!("fc-local-account-{}", ids::uuid()));
        let files = Files::of(&folder);
        let _lock = files.lock().unwrap();
        assert!(Files::of(&folder).lock().unwrap_err().to_string().contains("another fc-local"));
        let described = Described::new(serde_json::Map::new(), None);
        files.write_function("whole", &described).unwrap();
        // A creation without its document, and a removal without its end.
        make_folder(&folder.join("functions/half")).unwrap();
        make_folder(&folder.join("functions/.gone-1/versions")).unwrap();
        // The versions of a function of the manifest.
        make_folder(&folder.join("functions/manifest/versions/1")).unwrap();
        let found: Vec<(String, Described)> =
            files.functions().unwrap().into_iter().map(io::Result::unwrap).collect();
        assert_eq!(found, [("whole".to_owned(), described)]);
        assert_eq!(names(&folder.join("functions")).unwrap(), ["manifest", "whole"]);
        files.remove_function("whole").unwrap();
        assert!(files.functions().unwrap().is_empty());
        fs::write(folder.join("functions/manifest/function.json"), "{ \"secret").unwrap();
        let error = files.functions().unwrap().pop().unwrap().unwrap_err().to_string();
        assert!(error.contains("line 1") && !error.contains("secret"), "{error}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
