//! How far uploads are, for pages that watch them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fc_runtime::{Error, Exchange, OrError, Result, Sse, SseEvent, StatusError};
use serde::Serialize;
use tokio::sync::watch::{Receiver, Sender};

use crate::State;

/// How many uploads may be watched or received at a time.
const UPLOADS: usize = 1000;

/// How long a page waits for an upload to begin.
const BEGINS_WITHIN: Duration = Duration::from_secs(30);

/// How far one upload is. `total` counts the form around the file too, and is absent where the client does not say it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum Progress {
    Waiting,
    Receiving { received: u64, total: Option<u64> },
    Done { location: String, bytes: u64 },
    Failed { why: String },
}

/// The uploads of this instance. Others know nothing of them, so a page and its upload need the same one.
#[derive(Debug, Default)]
pub struct Uploads(Mutex<HashMap<String, Entry>>);

#[derive(Debug)]
struct Entry {
    progress: Sender<Progress>,
    /// Whether its bytes come.
    is_received: bool,
}

/// An upload that is being received. However it ends, it is told.
#[derive(Debug)]
pub struct Upload {
    uploads: Arc<Uploads>,
    id: String,
    progress: Sender<Progress>,
    total: Option<u64>,
    /// What was told last.
    told: u64,
}

impl Uploads {
    /// Begins to receive the upload `id`.
    pub fn begin(self: &Arc<Self>, id: &str, total: Option<u64>) -> Result<Upload, StatusError> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entry(&mut entries, id)?;
        if entry.is_received {
            return Err(Error::conflict("this upload is on its way already").into_std());
        }
        entry.is_received = true;
        let progress = entry.progress.clone();
        progress.send_replace(Progress::Receiving { received: 0, total });
        Ok(Upload { uploads: Arc::clone(self), id: id.to_owned(), progress, total, told: 0 })
    }

    fn subscribe(&self, id: &str) -> Result<Receiver<Progress>, StatusError> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(entry(&mut entries, id)?.progress.subscribe())
    }
}

fn entry<'e>(entries: &'e mut HashMap<String, Entry>, id: &str) -> Result<&'e mut Entry, StatusError> {
    if entries.len() >= UPLOADS && !entries.contains_key(id) {
        return Err(Error::unavailable("too many uploads at a time").into_std());
    }
    let made = || Entry { progress: Sender::new(Progress::Waiting), is_received: false };
    Ok(entries.entry(id.to_owned()).or_insert_with(made))
}

impl Upload {
    /// So many bytes have come. Pages hear of each hundredth part.
    pub fn received(&mut self, bytes: u64) {
        let step = self.total.unwrap_or_default() / 100;
        if bytes - self.told > step {
            self.told = bytes;
            self.progress.send_replace(Progress::Receiving { received: bytes, total: self.total });
        }
    }

    pub fn end(self, end: Progress) {
        self.progress.send_replace(end);
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.progress.send_if_modified(|progress| {
            let is_cut = matches!(progress, Progress::Receiving { .. });
            if is_cut {
                *progress = Progress::Failed { why: "the upload broke off".to_owned() };
            }
            is_cut
        });
        self.uploads.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// `GET /uploads/{id}/progress`: may be asked before the upload begins.
pub async fn watch(ex: Exchange<State>) -> Result<Sse> {
    let id = id(&ex)?;
    let uploads = Arc::clone(&ex.state().uploads);
    let mut progress = uploads.subscribe(&id)?;
    progress.mark_changed();
    let mut watcher = Watcher { uploads, id, progress: Some(progress) };
    Ok(Sse::run(async move |mut out| {
        while let Some(progress) = &mut watcher.progress {
            let is_waiting = matches!(*progress.borrow(), Progress::Waiting);
            let now = tokio::select! {
                // Ends behind the last word of an upload.
                changed = progress.changed() => match changed {
                    Ok(()) => progress.borrow_and_update().clone(),
                    Err(_) => break,
                },
                () = tokio::time::sleep(BEGINS_WITHIN), if is_waiting => {
                    Progress::Failed { why: "no upload has begun".to_owned() }
                }
            };
            out.send(SseEvent::json(&now)?).await?;
            if matches!(now, Progress::Done { .. } | Progress::Failed { .. }) {
                break;
            }
        }
        Ok(())
    }))
}

/// A page that watches. With the last one an upload that did not begin is forgotten.
struct Watcher {
    uploads: Arc<Uploads>,
    id: String,
    progress: Option<Receiver<Progress>>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut entries = self.uploads.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.progress = None;
        let is_over = |entry: &Entry| !entry.is_received && entry.progress.receiver_count() == 0;
        if entries.get(&self.id).is_some_and(is_over) {
            entries.remove(&self.id);
        }
    }
}

/// The name of an upload, which its page has made up.
pub fn id(ex: &Exchange<State>) -> Result<String> {
    let id: String = ex.param("id")?;
    let is_id = (16..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(()).or_bad_request("an upload's id has 16 to 64 hexadecimal digits")?;
    Ok(id.to_ascii_lowercase())
}
