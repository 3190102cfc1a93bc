//! Why the store cannot be opened, read or written.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::failure::Failure;

/// A fault of the database, as its library tells it. Whoever works in a transaction gives this up with `?`.
#[derive(Debug)]
pub(crate) struct Broken(Box<redb::Error>);

impl Broken {
    /// The bytes of the file are not what this program writes.
    pub(crate) fn corrupted(what: impl fmt::Display) -> Self {
        Broken(Box::new(redb::Error::Corrupted(what.to_string())))
    }
}

impl<E: Into<redb::Error>> From<E> for Broken {
    fn from(error: E) -> Self {
        Broken(Box::new(error.into()))
    }
}

/// A fault of the store, in words for the user. All whose work shared one commit get the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreError(Arc<str>);

impl StoreError {
    pub(super) fn new(text: impl Into<Arc<str>>) -> Self {
        StoreError(text.into())
    }

    /// The fault of opening `file`.
    pub(super) fn not_opened(file: &Path, error: &Broken) -> Self {
        let file = file.display();
        StoreError::new(match &*error.0 {
            redb::Error::DatabaseAlreadyOpen => format!(
                "{file} is in use by another fc-local: stop that one, or name another folder with --data"
            ),
            redb::Error::UpgradeRequired(version) => format!(
                "{file} has the format {version} of another fc-local; it was left as it is. Use that fc-local, or \
                 name another folder with --data"
            ),
            redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                format!("{file} is not a file of fc-local; it was left as it is: {error}")
            }
            error => format!("{file} cannot be opened: {error}"),
        })
    }

    /// The fault of a file in a format that this program does not know.
    pub(super) fn other_format(file: &Path, format: u64, own: u64) -> Self {
        StoreError::new(format!(
            "{} has format {format}, and this fc-local reads format {own}; it was left as it is. Use the fc-local that \
             wrote it, or name another folder with --data",
            file.display()
        ))
    }

    /// The fault of a commit: nothing of it was stored.
    pub(super) fn not_written(error: &Broken) -> Self {
        StoreError::new(match &*error.0 {
            redb::Error::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
                "the disk of the store is full; nothing was stored".to_owned()
            }
            error => format!("the store cannot be written: {error}; nothing was stored"),
        })
    }

    pub(super) fn not_read(error: &Broken) -> Self {
        StoreError::new(format!("the store cannot be read: {}", error.0))
    }

    /// Somebody else's fault: the program ends while the store is opened.
    pub(crate) fn interrupted() -> Self {
        StoreError::new("the store was not opened to the end")
    }

    pub(super) fn closed() -> Self {
        StoreError::new("the store is closed: fc-local stops")
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::unavailable(&*error.0)
    }
}
