//! Parts that are written to disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::platform::limits::KIB;
use crate::task::Tracker;

/// A part of a form that was written to disk: [`Part::save`](crate::Part::save). Its file is removed when the value is
/// dropped.
///
/// ```
/// use fc_runtime::App;
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .post("/", async |ex| {
///         let mut form = ex.multipart()?;
///         let Some(part) = form.next().await? else { return Ok(String::new()) };
///         let saved = part.save().await?;
///         Ok(std::fs::read_to_string(saved.path())?)
///     })
///     .test_client();
/// let body = "--x\r\ncontent-disposition: form-data; name=a; filename=b\r\n\r\ntea\r\n--x--\r\n";
/// let sent = client.post("/").header("content-type", "multipart/form-data; boundary=x").body(body);
/// sent.await.assert_text("tea");
/// # });
/// ```
#[derive(Debug)]
#[must_use = "the file is removed when this is dropped"]
#[doc(alias = "TempFile")]
pub struct SavedPart {
    path: Temporary,
    length: u64,
    file_name: Option<String>,
}

impl SavedPart {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path.0
    }

    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The name that the client has given it, as [`Part::file_name`](crate::Part::file_name).
    pub fn file_name(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    /// Keeps the file, and gives its path. The instance's disk is shared by all requests, and lost with the instance.
    pub fn into_path(mut self) -> PathBuf {
        std::mem::take(&mut self.path.0)
    }
}

/// The path of a file that is removed at its end.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // It may be gone already.
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// How many bytes are gathered before a visit to the thread for blocking work.
const BATCH: usize = 128 * KIB;

/// A file that is being written.
pub(super) struct Saving {
    target: Option<Target>,
    tracker: Tracker,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
    length: u64,
}

/// Made at the first write.
enum Target {
    In(PathBuf),
    Open(File, Temporary),
}

impl Saving {
    pub(super) fn begin(folder: &Path, tracker: Tracker) -> Self {
        let target = Some(Target::In(folder.to_owned()));
        Self { target, tracker, waiting: Vec::new(), waiting_bytes: 0, length: 0 }
    }

    pub(super) async fn add(&mut self, piece: Bytes) -> Result {
        self.length += piece.len() as u64;
        self.waiting_bytes += piece.len();
        self.waiting.push(piece);
        if self.waiting_bytes >= BATCH { self.write().await } else { Ok(()) }
    }

    pub(super) async fn end(mut self, file_name: Option<String>) -> Result<SavedPart> {
        self.write().await?;
        match self.target {
            Some(Target::Open(_, path)) => Ok(SavedPart { path, length: self.length, file_name }),
            _ => Err(Error::of_mistake("a part was not written")),
        }
    }

    async fn write(&mut self) -> Result {
        let (pieces, target) = (std::mem::take(&mut self.waiting), self.target.take());
        self.waiting_bytes = 0;
        let target = target.ok_or_else(|| Error::of_mistake("a part could not be written before"))?;
        let written = self.tracker.spawn_blocking(move || {
            let (mut file, path) = match target {
                Target::In(folder) => create(&folder)?,
                Target::Open(file, path) => (file, path),
            };
            for piece in pieces {
                file.write_all(&piece)?;
            }
            Ok(Target::Open(file, path))
        });
        let written: io::Result<Target> = match written.await {
            Ok(written) => written,
            // The runtime shuts down, and drops this future too.
            Err(_) => std::future::pending().await,
        };
        self.target = Some(written.map_err(Error::of_mistake)?);
        Ok(())
    }
}

/// Makes a file that nobody else has, for this user alone.
fn create(folder: &Path) -> io::Result<(File, Temporary)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    loop {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("fc-part-{}-{now:x}-{number}", std::process::id()));
        match options.open(&path) {
            Ok(file) => return Ok((file, Temporary(path))),
            // Left by another process, or another instance on a shared disk.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
