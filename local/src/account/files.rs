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

use super::code;
use super::described::{Code, Described};
use crate::wire::ids;

/// The document of a function.
const FUNCTION: &str = "function.json";
/// The document of what belongs to no function.
const ACCOUNT: &str = "account.json";
const LOCK: &str = "account.lock";
const FUNCTIONS: &str = "functions";
const LAYERS: &str = "layers";
const CODE: &str = "code";
const PACKAGE: &str = "package.zip";
const TREE: &str = "tree";
/// The begin of the names of folders that are not there yet, and of those that are gone already.
const MAKING: &str = "making-";
const GONE: &str = ".gone-";

/// The largest document that is read.
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
        let is_own = |name: &String| {
            let folder = self.function(name);
            name.starts_with(GONE) || folder.join(FUNCTION).exists() || folder.join(CODE).exists()
        };
        self.folder.join(ACCOUNT).exists() || functions.iter().any(is_own)
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

    fn codes(&self, of: Owner<'_>) -> PathBuf {
        match of {
            Owner::Function(name) => self.function(name).join(CODE),
            Owner::Layer(name) => self.folder.join(LAYERS).join(name),
        }
    }

    /// The folder that a package was unpacked to.
    pub(super) fn tree(&self, of: Owner<'_>, code: &Code) -> PathBuf {
        self.codes(of).join(&code.folder).join(TREE)
    }

    /// The package itself.
    pub(super) fn package(&self, of: Owner<'_>, code: &Code) -> PathBuf {
        self.codes(of).join(&code.folder).join(PACKAGE)
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
                Ok(Some(described)) => {
                    let kept = described.code.as_ref().map(|code| code.folder.as_str());
                    self.clean(Owner::Function(&name), kept.as_slice())?;
                    found.push(Ok((name, described)));
                }
                Ok(None) => {
                    // The making of a function was cut off. Versions of a function of the manifest stay.
                    remove(&self.function(&name).join(CODE))?;
                    drop(fs::remove_dir(self.function(&name)));
                }
                Err(error) => found.push(Err(error)),
            }
        }
        Ok(found)
    }

    /// Removes all code but the kept one.
    pub(super) fn clean(&self, of: Owner<'_>, kept: &[&str]) -> io::Result<()> {
        let folder = self.codes(of);
        for name in names(&folder)? {
            if !kept.contains(&name.as_str()) {
                remove(&folder.join(name))?;
            }
        }
        Ok(())
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
        let is_new = !folder.join(FUNCTION).exists();
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

    /// Stores a package, and unpacks it.
    ///
    /// # Errors
    ///
    /// The package is none, or the disk refuses. Nothing is left behind.
    pub(super) fn store(&self, of: Owner<'_>, package: &code::Package) -> io::Result<Code> {
        let codes = self.codes(of);
        make_folder(&codes)?;
        let id = ids::uuid();
        let making = codes.join(format!("{MAKING}{id}"));
        make_folder(&making)?;
        let made = (|| {
            let file = making.join(PACKAGE);
            let (size, checksum) = package.write(&file)?;
            File::open(&file)?.sync_all()?;
            code::unpack(&file, &making.join(TREE))?;
            sync(&making)?;
            fs::rename(&making, codes.join(&*id))?;
            sync(&codes)?;
            Ok(Code { folder: id.to_string(), size, checksum, boot: code::boot() })
        })();
        if made.is_err() {
            drop(remove(&making));
        }
        made
    }

    /// Unpacks a package once more, if this machine was started since.
    pub(super) fn renew(&self, of: Owner<'_>, code: &Code) -> io::Result<Option<Code>> {
        let (tree, boot) = (self.tree(of, code), code::boot());
        if code.boot == boot && tree.is_dir() {
            return Ok(None);
        }
        let folder = self.codes(of).join(&code.folder);
        let making = folder.join(format!("{MAKING}{}", ids::uuid()));
        code::unpack(&self.package(of, code), &making)?;
        remove(&tree)?;
        fs::rename(&making, &tree)?;
        Ok(Some(Code { boot, ..code.clone() }))
    }

    /// Removes a package that nobody needs.
    pub(super) fn remove_code(&self, of: Owner<'_>, code: &Code) -> io::Result<()> {
        remove(&self.codes(of).join(&code.folder))
    }
}

/// Whose code.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner<'a> {
    Function(&'a str),
    Layer(&'a str),
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
        // A creation without its document, a removal without its end, and code that no document names.
        make_folder(&folder.join("functions/half/code/making-1/tree")).unwrap();
        make_folder(&folder.join("functions/whole/code/old/tree")).unwrap();
        make_folder(&folder.join("functions/.gone-1/code")).unwrap();
        // The versions of a function of the manifest.
        make_folder(&folder.join("functions/manifest/versions/1")).unwrap();
        let found: Vec<(String, Described)> =
            files.functions().unwrap().into_iter().map(io::Result::unwrap).collect();
        assert_eq!(found, [("whole".to_owned(), described)]);
        assert_eq!(names(&folder.join("functions")).unwrap(), ["manifest", "whole"]);
        assert_eq!(names(&folder.join("functions/whole/code")).unwrap(), Vec::<String>::new());
        files.remove_function("whole").unwrap();
        assert!(files.functions().unwrap().is_empty());
        fs::write(folder.join("functions/manifest/function.json"), "{ \"secret").unwrap();
        let error = files.functions().unwrap().pop().unwrap().unwrap_err().to_string();
        assert!(error.contains("line 1") && !error.contains("secret"), "{error}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
