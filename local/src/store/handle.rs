//! The handle of the store: writes that share a commit, and reads that never wait for one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use redb::{Database, ReadTransaction, ReadableDatabase};
use tokio::sync::{mpsc, oneshot};

use super::commit::{Job, Work, Writer};
use super::error::{Broken, StoreError};
use super::table::Tables;
use super::write::Write;

/// How many writes may wait for their commit. More wait in their tasks.
const WAITING_MAX: usize = 1024;

/// Where a store stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this file, in a folder that is made. Its journal, `.journal`, stands beside it while it is open.
    File(PathBuf),
    /// In memory: nothing survives the process.
    Memory,
}

/// An open store.
#[derive(Debug)]
pub(crate) struct Store {
    database: Shared,
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

/// The database, or why there is none: it could not be opened again after a fault, or it was closed.
pub(super) type Shared = Arc<RwLock<Result<Database, StoreError>>>;

impl Store {
    /// Opens the store, and starts the thread that writes it. Blocks the thread: a large file after a crash takes a
    /// second or two.
    ///
    /// # Errors
    ///
    /// The file is in use, of another format, or cannot be opened or made.
    pub(crate) fn open(place: Place, tables: Tables) -> Result<Self, StoreError> {
        let writer = Writer::open(place, tables)?;
        let database = writer.shared();
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let (end, ended) = oneshot::channel();
        writer.start(waiting, end)?;
        Ok(Store { database, jobs: Mutex::new(Some(jobs)), ended: Mutex::new(Some(ended)) })
    }

    /// Carries out `work` in a transaction that others share, and waits until it is on the disk. Work that finds a reason
    /// to change nothing must give that reason as its value, before it writes anything.
    ///
    /// # Errors
    ///
    /// Nothing of the transaction was stored.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the work may be done or not.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Write<'_>) -> Result<T, Broken> + Send + 'static,
    ) -> Result<T, StoreError> {
        let stored = self.submit(work).await?;
        stored.await.unwrap_or_else(|_| Err(StoreError::closed()))
    }

    /// As [`write`](Self::write), without the wait for the commit. The receiver may be dropped.
    pub(crate) async fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Write<'_>) -> Result<T, Broken> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (reply, stored) = oneshot::channel();
        let jobs = jobs.ok_or_else(StoreError::closed)?;
        jobs.send(Box::new(Work::new(work, reply))).await.map_err(|_| StoreError::closed())?;
        Ok(stored)
    }

    /// Reads the latest commit. A read of many entries belongs on a thread that may block.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or the store is closed.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&ReadTransaction) -> Result<T, Broken>,
    ) -> Result<T, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().map_err(StoreError::clone)?;
        let transaction = database.begin_read().map_err(|error| StoreError::not_read(&error.into()))?;
        look(&transaction).map_err(|error| StoreError::not_read(&error))
    }

    /// Takes no more writes, and waits until those that were taken are stored and the file is closed.
    pub(crate) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended {
            _ = ended.await;
        }
    }
}
