//! What survives a restart: the versions and aliases of each function, in `.fc-local` beside the manifest.
//!
//! A version is a folder with its code and settings. The folder is made under another name and then renamed, so a
//! version is there as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::copy::Contents;
use crate::instance::Layout;
use crate::model::{Alias, Function, Version, VersionId};

const STATE: &str = "state.json";
const VERSION: &str = "version.json";
/// What describes the function of a version to clients of the API.
const DOCUMENT: &str = "document.json";
const CODE: &str = "code";
const LAYERS: &str = "layers";
const LOCK: &str = "lock";

/// How often, and after which pause, the lock is tried. A change writes a file of some kilobytes.
const LOCK_TRIES: usize = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The largest file that is read.
const FILE_MAX: u64 = 16 * 1024 * 1024;

/// The store of one project.
#[derive(Debug, Clone)]
pub(super) struct Store {
    folder: PathBuf,
}

/// What is kept of a function beside its versions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// The highest number that a version had.
    last: VersionId,
    pub(super) aliases: Vec<Alias>,
    /// Why the function takes no calls, if it takes none.
    pub(super) disabled: Option<String>,
}

/// What a file is known by. It is replaced when it changes, so that the text of one file never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    changed: (i64, i64),
}

/// A stored version.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) version: Version,
    pub(super) function: Function,
    /// The folder of its code.
    pub(super) code: PathBuf,
}

impl Store {
    /// The store in `folder`. Nothing is written yet.
    pub(super) fn of(folder: &Path) -> Self {
        Store { folder: folder.to_owned() }
    }

    /// Whether the code is kept here, where it does not change.
    pub(super) fn holds(&self, code: &Path) -> bool {
        code.starts_with(&self.folder)
    }

    /// What was kept with a version for clients of the API.
    pub(super) fn document(&self, name: &str, id: VersionId) -> io::Result<Option<serde_json::Value>> {
        let file = self.version(name, id).join(DOCUMENT);
        let parse = |text: String| serde_json::from_str(&text).map_err(|error| unreadable(&file, &error));
        read(&file)?.map(parse).transpose()
    }

    fn function(&self, name: &str) -> PathBuf {
        self.folder.join("functions").join(name)
    }

    fn version(&self, name: &str, id: VersionId) -> PathBuf {
        self.function(name).join("versions").join(id.to_string())
    }

    /// The state of a function. A function without one has the default.
    pub(super) fn state(&self, name: &str) -> io::Result<State> {
        let file = self.function(name).join(STATE);
        let read = read(&file)?;
        read.map_or_else(
            || Ok(State::default()),
            |text| serde_json::from_str(&text).map_err(|error| unreadable(&file, &error)),
        )
    }

    /// All versions of a function, in order. A version that cannot be read is an error in its place.
    pub(super) fn versions(&self, name: &str) -> io::Result<Vec<io::Result<Stored>>> {
        let numbers = self.numbers(name)?.into_iter();
        Ok(numbers.filter_map(|id| Stored::read(&self.version(name, id)).transpose()).collect())
    }

    pub(super) fn numbers(&self, name: &str) -> io::Result<Vec<VersionId>> {
        let entries = match fs::read_dir(self.function(name).join("versions")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut numbers = Vec::new();
        for entry in entries {
            // A folder in the making has another name.
            numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<VersionId>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// A version. `None` if it was removed.
    pub(super) fn stored_version(&self, name: &str, id: VersionId) -> io::Result<Option<Stored>> {
        Stored::read(&self.version(name, id))
    }

    /// Whether a version is there, and was not removed.
    pub(super) fn has_version(&self, name: &str, id: VersionId) -> bool {
        self.version(name, id).join(VERSION).exists()
    }

    /// The stamp of a function's state. Each change of its versions and aliases gives it another. `None` without a state.
    pub(super) fn stamp(&self, name: &str) -> Option<Stamp> {
        let found = fs::metadata(self.function(name).join(STATE)).ok()?;
        Some(Stamp { inode: found.ino(), changed: (found.mtime(), found.mtime_nsec()) })
    }

    /// Changes the state of a function. What another fc-local of this project has kept meanwhile stays.
    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut State)) -> io::Result<()> {
        let _lock = self.lock()?;
        let mut state = self.state(name)?;
        change(&mut state);
        self.write_state(name, &state)
    }

    fn write_state(&self, name: &str, state: &State) -> io::Result<()> {
        self.make()?;
        make_folder(&self.function(name))?;
        write(&self.function(name).join(STATE), &serde_json::to_vec_pretty(state)?)
    }

    /// Publishes `function` with its code and layers as the next version.
    pub(super) fn publish(
        &self,
        function: &Function,
        description: String,
        layout: &Layout,
        document: Option<&serde_json::Value>,
    ) -> io::Result<Stored> {
        let name = function.name.as_str();
        self.make()?;
        let versions = self.function(name).join("versions");
        make_folder(&versions)?;
        let making = versions.join(format!("making-{}", std::process::id()));
        // One of a process that was killed, whose number this process has.
        remove(&making)?;
        let published = self.publish_by(&making, function, description, layout, document);
        if published.is_err() {
            // What is left is removed by the next attempt.
            drop(remove(&making));
        }
        published
    }

    fn publish_by(
        &self,
        making: &Path,
        function: &Function,
        description: String,
        layout: &Layout,
        document: Option<&serde_json::Value>,
    ) -> io::Result<Stored> {
        let name = function.name.as_str();
        make_folder(making)?;
        if let Some(document) = document {
            write(&making.join(DOCUMENT), &serde_json::to_vec_pretty(document)?)?;
        }
        copy(&layout.code, &making.join(CODE))?;
        if let Some(layers) = &layout.layers {
            copy(layers, &making.join(LAYERS))?;
        }
        let _lock = self.lock()?;
        let mut state = self.state(name)?;
        let highest = self.numbers(name)?.last().copied().unwrap_or(0);
        let mut version = Version { id: highest.max(state.last), description, created: SystemTime::now() };
        let folder = loop {
            version.id += 1;
            write(&making.join(VERSION), &serde_json::to_vec_pretty(&json!([version, function]))?)?;
            let folder = self.version(name, version.id);
            match fs::rename(making, &folder) {
                Ok(()) => break folder,
                // Another fc-local of this project has just taken the number.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
                    ) => {}
                Err(error) => return Err(error),
            }
        };
        state.last = version.id;
        self.write_state(name, &state)?;
        Ok(Stored::of(version, function.clone(), &folder))
    }

    /// Removes a version, whose code may still be in use.
    pub(super) fn retire(&self, name: &str, id: VersionId) -> io::Result<()> {
        match fs::remove_file(self.version(name, id).join(VERSION)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            // For the others of this project.
            _ => self.change(name, |_| {}),
        }
    }

    /// Removes the code of a version.
    pub(super) fn remove(&self, name: &str, id: VersionId) -> io::Result<()> {
        remove(&self.version(name, id))
    }

    /// Keeps others of this project from changing what is kept, until the drop. The kernel frees the lock of a process that
    /// ends.
    ///
    /// # Errors
    ///
    /// Another process holds the lock for too long, or the file cannot be made.
    #[expect(clippy::disallowed_methods, reason = "the store works on threads where blocking does no harm")]
    fn lock(&self) -> io::Result<File> {
        self.make()?;
        let mut options = fs::OpenOptions::new();
        let file =
            options.write(true).create(true).truncate(false).mode(0o600).open(self.folder.join(LOCK))?;
        for _ in 0..LOCK_TRIES {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                Err(Errno::WOULDBLOCK | Errno::INTR) => std::thread::sleep(LOCK_PAUSE),
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "another fc-local of this project is changing versions or aliases",
        ))
    }

    /// Makes the folder, which version control leaves out.
    fn make(&self) -> io::Result<()> {
        make_folder(&self.folder)?;
        let ignore = self.folder.join(".gitignore");
        if ignore.exists() { Ok(()) } else { write(&ignore, b"*\n") }
    }
}

impl Stored {
    /// The version in `folder`. `None` if it was removed.
    fn read(folder: &Path) -> io::Result<Option<Self>> {
        let file = folder.join(VERSION);
        let Some(text) = read(&file)? else {
            // The process ended before it removed the code.
            return remove(folder).map(|()| None);
        };
        let (version, function) = serde_json::from_str(&text).map_err(|error| unreadable(&file, &error))?;
        Ok(Some(Stored::of(version, function, folder)))
    }

    /// The version in `folder`. Its layers are those of its publication.
    fn of(version: Version, mut function: Function, folder: &Path) -> Self {
        let layers = folder.join(LAYERS);
        function.local.layers = if layers.is_dir() { vec![layers] } else { Vec::new() };
        Stored { version, function, code: folder.join(CODE) }
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    Contents::all(from)?.copy(from, to, &mut |_| {})
}

/// Makes a folder for this user alone: settings may hold secrets.
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// The text of a file; `None` if there is none.
fn read(file: &Path) -> io::Result<Option<String>> {
    use std::io::Read;
    let file = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut text = String::new();
    file.take(FILE_MAX).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// The text of the file is not shown: settings may hold secrets.
fn unreadable(file: &Path, error: &serde_json::Error) -> io::Error {
    let place = format!("line {}, column {}", error.line(), error.column());
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{}: {place}: not what fc-local writes", file.display()),
    )
}

/// Replaces a file as a whole.
fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    // Threads of this process write at the same time as other processes.
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let nth = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let new = file.with_extension(format!("new-{}-{nth}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    out.write_all(bytes)?;
    fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As two fc-local of one project do.
    #[test]
    fn changes_of_several_stores_at_once_are_all_kept() {
        const EACH: usize = 25;
        let folder = std::env::temp_dir().join(format!("fc-local-store-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        std::thread::scope(|scope| {
            for store in 0..4 {
                let folder = &folder;
                scope.spawn(move || {
                    let own = Store::of(folder);
                    for nth in 0..EACH {
                        let alias = Alias {
                            name: format!("a{store}-{nth}"),
                            version: 1,
                            additional: None,
                            description: String::new(),
                            created: SystemTime::now(),
                            modified: SystemTime::now(),
                        };
                        own.change("f", |state| state.aliases.push(alias)).unwrap();
                    }
                });
            }
        });
        assert_eq!(Store::of(&folder).state("f").unwrap().aliases.len(), 4 * EACH);
        fs::remove_dir_all(&folder).unwrap();
    }
}
